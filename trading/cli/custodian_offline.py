"""`trading custodian challenge | bring`: what is signed on a machine without a network, and how it comes to the platform.

The files are those of the tool's own memory, so the command line and custodian.html read each other's.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

import typer

from audit.refusal import Refused
from trading.cli.app import screen, t
from trading.cli.bidder import STATE, StateOption, TokenOption
from trading.cli.custodian import custodian
from trading.cli.log import HERE, Url

STATEMENT = frozenset({"statement", "sig"})
KINDS = {
    STATEMENT: "statement",
    frozenset({"statement", "challenge", "proof", "sig"}): "rehearsal",
    frozenset({"closed", "release", "sig"}): "release",
}
"""What is brought, by the keys of its file."""


def _read(file: Path, *wanted: frozenset[str]) -> dict[str, Any]:
    """A canonical object with the keys of one of these. Raises Refused("T-BRING")."""
    from audit.canon import NotCanonical, parse_object

    try:
        found = parse_object(file.read_bytes())
    except (NotCanonical, ValueError):
        found = {}
    if frozenset(found) not in wanted:
        raise Refused("T-BRING", name=file.name)
    return found


@custodian.command("challenge", help=t("help.custodian.challenge"))
def challenge(
    file: Annotated[Path, typer.Argument(help=t("help.custodian.challenge.file"), exists=True, dir_okay=False)],
    out: Annotated[Path | None, typer.Option(help=t("help.archive.out"))] = None,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Ask the platform for a challenge to the key of a statement, and save it."""
    from audit.canon import canon, sha256_hex, unb64
    from trading.client import Platform

    statement = sha256_hex(unb64(_read(file, STATEMENT)["statement"]))
    with Platform(url, token=token, lang=screen().lang) as platform:
        asked = platform.post(f"/statements/{statement}/challenge", key=secrets.token_hex(16))
    path = out or file.with_suffix(".challenge.json")
    path.write_bytes(canon({"challenge": asked["challenge"], "sealed": asked["sealed"]}))
    screen().say("custodian.challenged", path=str(path))
    screen().result({"path": str(path)})


@custodian.command("bring", help=t("help.custodian.bring"))
def bring(
    file: Annotated[Path, typer.Argument(help=t("help.custodian.bring.file"), exists=True, dir_okay=False)],
    state: StateOption = STATE,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Hand in what was signed offline, whoever carries it; a release is kept beside those this tool has signed."""
    from audit.canon import canon, parse_object, sha256_hex, unb64
    from bidding.custody import Release
    from trading.client import Platform
    from trading.tools.memory import Memory

    held = _read(file, *KINDS)
    what = KINDS[frozenset(held)]
    memory = Memory(state)
    with Platform(url, token=token, lang=screen().lang) as platform:
        if what == "statement":
            memory.put(f"statements/{sha256_hex(unb64(held['statement']))}.json", canon(held))
            platform.post("/statements", {"statement": held["statement"], "sig": held["sig"]})
        elif what == "rehearsal":
            body = {name: held[name] for name in ("challenge", "proof", "sig")}
            platform.post(f"/statements/{held['statement']}/rehearsal", body)
        else:
            release = Release.parse(unb64(held["release"]))
            name = f"releases/{release.keyset}.json"
            kept = memory.get(name)
            if kept is not None and (before := parse_object(kept)["closed"]) != held["closed"]:
                raise Refused("C-ONCE", keyset=release.keyset, closed=before)
            memory.put(name, canon(held))
            body = {"stage": release.stage, "release": held["release"], "sig": held["sig"]}
            platform.post(f"/tenders/{release.tender}/releases", body)
    screen().say("custodian.brought", what=what)
    screen().result({"brought": what})
