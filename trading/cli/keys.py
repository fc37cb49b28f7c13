"""`trading keys`: identity, bidder, custodian and vault key files, each behind a passphrase."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from audit.refusal import Refused
from trading.cli.app import group, screen, t

keys = group("keys")


def passphrase(prompt: str = "keys.passphrase", *, confirm: bool = False) -> str:
    """From TRADING_PASSPHRASE (a tool that runs unattended), else asked for without echo."""
    given = os.environ.get("TRADING_PASSPHRASE")
    if given is not None:
        return given
    said: str = typer.prompt(screen().text(prompt), hide_input=True, confirmation_prompt=confirm, err=True)
    return said


@keys.command("new", help=t("help.keys.new"))
def new(
    kind: Annotated[str, typer.Argument(help=t("help.keys.kind"))],
    id: Annotated[str, typer.Option("--id", help=t("help.keys.id"))],
    origin: Annotated[str, typer.Option(help=t("help.origin"))],
    out: Annotated[Path, typer.Option(help=t("help.keys.out"))],
    algorithm: Annotated[str, typer.Option(help=t("help.keys.algorithm"))] = "",
) -> None:
    """Make a key and write its file; print what others need to know of it."""
    from trading.keyfiles import VAULT, KeyFile, generate, new_vault, write

    if kind == VAULT:
        new_vault(out, id, origin, passphrase(confirm=True))
        _describe(out)
        screen().say("keys.keep", path=str(out))
        return
    if kind not in ("identity", "bidder", "custodian"):
        raise typer.BadParameter(kind)
    key = KeyFile(kind, id, origin, generate(kind, algorithm=algorithm))  # type: ignore[arg-type]
    write(out, key, passphrase(confirm=True))
    _describe(out)
    screen().say("keys.keep", path=str(out))


@keys.command("show", help=t("help.keys.show"))
def show(file: Annotated[Path, typer.Argument(help=t("help.keys.file"))]) -> None:
    """What a key file says of itself; needs no passphrase, shows nothing secret."""
    _describe(file)


@keys.command("check", help=t("help.keys.check"))
def check(file: Annotated[Path, typer.Argument(help=t("help.keys.file"))]) -> None:
    """Open a key file with its passphrase, to know in time that it opens."""
    from trading.keyfiles import VAULT, peek, read, read_vault

    if peek(file)["kind"] == VAULT:
        read_vault(file, passphrase())
    elif read(file, passphrase()).public != _unb64(str(peek(file)["public"])):
        raise Refused("K-FILE", path=str(file))
    screen().say("keys.opens", path=str(file))
    screen().result({"opens": True, "file": str(file)})


def _unb64(text: str) -> bytes:
    from audit.canon import unb64

    return unb64(text)


def _describe(file: Path) -> None:
    from audit.trust import NOTE, Vkey
    from trading.keyfiles import VAULT, peek

    content = peek(file)
    public = _unb64(str(content["public"]))
    shown = {name: content[name] for name in ("kind", "id", "origin", "algorithm", "public")}
    if content["kind"] == "identity":
        shown["vkey"] = str(Vkey(str(content["id"]), NOTE, public))
    elif content["kind"] == VAULT:
        shown["public"] = public.hex()  # its fingerprint
    for name, value in shown.items():
        screen().line(f"{screen().text('keys.field.' + name)}  {value}")
    screen().result({**shown, "file": str(file)})
