"""`trading panel read | approve | remove`: the door list of a panel, and an authority's removal of a member."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from trading.cli.app import agree, group, screen, t
from trading.cli.bidder import PolicyOption, TokenOption, signer_of
from trading.cli.log import HERE, Url

panel = group("panel")
TenderArgument = Annotated[str, typer.Argument(help=t("help.tender"))]
IdentityOption = Annotated[Path, typer.Option("--identity", help=t("help.draw.identity"))]


@panel.command("approve", help=t("help.panel.approve"))
def approve(
    tender: TenderArgument,
    reader: Annotated[str, typer.Option(help=t("help.panel.reader"))],
    identity: IdentityOption,
    policy: PolicyOption,
    out: Annotated[Path, typer.Option(help=t("help.panel.out"))],
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Sign, as one of two, that somebody may read the names before everybody has checked in."""
    from audit.trust import Policy
    from trading.client import Platform
    from trading.tools import door

    who, signer = signer_of(identity, Policy.parse(policy.read_bytes()).origin, kind="identity")
    with Platform(url, token=token, lang=screen().lang) as platform:
        signed = door.approve(platform, tender, reader, signer)
    out.write_text(json.dumps(signed), "utf-8")
    screen().say("panel.signed", who=who, reader=reader, path=str(out))
    screen().result({"file": str(out), "by": who, "reader": reader})


@panel.command("read", help=t("help.panel.read"))
def read(
    tender: TenderArgument,
    approval: Annotated[
        list[Path] | None, typer.Option(help=t("help.panel.approval"), exists=True, dir_okay=False)
    ] = None,
    patience: Annotated[float, typer.Option(help=t("help.panel.patience"))] = 60.0,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Ask for the names, wait, open them, print them. Nothing is kept; the reading itself is a record."""
    from trading.client import Platform
    from trading.tools import door

    approvals = [json.loads(path.read_text("utf-8")) for path in approval or ()]
    with Platform(url, token=token, lang=screen().lang) as platform:
        names = door.read(platform, tender, approvals, patience=patience)
    screen().table(["panel.head.seat", "panel.head.name"], [[str(one["seat"]), one["name"]] for one in names])
    screen().result({"tender": tender, "names": names})


@panel.command("remove", help=t("help.panel.remove"))
def remove(
    tender: TenderArgument,
    seat: Annotated[int, typer.Option(min=1, help=t("help.panel.seat"))],
    identity: IdentityOption,
    policy: PolicyOption,
    outcome: Annotated[str, typer.Option(help=t("help.panel.outcome"))] = "removed",
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Take the member of a seat away, signed by an authority: its work is void and the next in order is called."""
    from audit.trust import Policy
    from trading.client import Platform
    from trading.tools import door

    if outcome not in ("removed", "conflict"):
        raise typer.BadParameter(outcome)
    agree("panel.confirm", yes, seat=seat)
    by, signer = signer_of(identity, Policy.parse(policy.read_bytes()).origin, kind="identity")
    with Platform(url, token=token, lang=screen().lang) as platform:
        made = door.remove(platform, tender, seat, outcome, by, signer)
    screen().say("panel.removed", seat=seat, by=by)
    screen().result({"record": made["record"], "seat": seat, "by": by})
