"""`trading settle draft | sign | send`: whom the second envelope admits, signed by the tenderee and an authority."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from audit.refusal import Refused
from trading.cli.app import group, screen, t
from trading.cli.bidder import TokenOption
from trading.cli.log import HERE, Url
from trading.cli.two_signed import IdentityOption, YesOption, countersign

settle = group("settle")

PaperArgument = Annotated[Path, typer.Argument(help=t("help.settle.paper"), exists=True, dir_okay=False)]


@settle.command("draft", help=t("help.settle.draft"))
def draft(
    tender: Annotated[str, typer.Argument(help=t("help.tender"))],
    out: Annotated[Path, typer.Option(help=t("help.settle.out"))],
    admit: Annotated[list[str] | None, typer.Option(help=t("help.settle.admit"))] = None,
    stage: Annotated[str, typer.Option(help=t("help.settle.stage"))] = "form",
    sheet: Annotated[list[str] | None, typer.Option(help=t("help.settle.sheet"))] = None,
    url: Url = HERE,
) -> None:
    """Write the paper to be signed; without --admit only show who could be admitted."""
    from trading.client import Platform
    from trading.tools import settlement

    with Platform(url, lang=screen().lang) as platform:
        bids = platform.get(f"/tenders/{tender}")["bids"] or []
    _show(bids, set(admit or ()))
    if strange := sorted(set(admit or ()) - {bid["bid"] for bid in bids}):
        raise Refused("T-SETTLEMENT", why=f"no opened bid {strange[0]}")
    if not admit:
        screen().say("settle.nobody")
    out.write_bytes(settlement.write(settlement.draft(tender, stage, admit or (), sheet or ())))
    screen().say("settle.drafted", path=str(out), count=len(set(admit or ())))
    screen().result({"file": str(out), "admitted": sorted(set(admit or ()))})


@settle.command("sign", help=t("help.settle.sign"))
def sign(paper: PaperArgument, key: IdentityOption, yes: YesOption = False) -> None:
    """Sign whom the second envelope admits."""
    from trading.tools import settlement

    countersign(paper, settlement.KIND, key, yes, _about)


@settle.command("send", help=t("help.settle.send"))
def send(paper: PaperArgument, url: Url = HERE, token: TokenOption = "") -> None:
    """Hand the signed paper in: from now on custodians release for these bids, at the stage's hour, and no others."""
    from trading.client import Platform
    from trading.tools import settlement

    found = settlement.read(paper.read_bytes())
    with Platform(url, token=token, lang=screen().lang) as platform:
        answer = settlement.send(platform, found)
    screen().say("settle.sent", tender=found["tender"], stage=found["stage"], count=len(found["admitted"]))
    screen().result({"record": answer["record"], "admitted": found["admitted"]})


def _about(paper: Mapping[str, Any]) -> None:
    screen().say("settle.about", tender=paper["tender"], stage=paper["stage"], count=len(paper["admitted"]))
    for bid in paper["admitted"]:
        screen().line(f"    {bid}")


def _show(bids: list[Mapping[str, Any]], admitted: set[str]) -> None:
    rows = []
    for bid in bids:
        verdicts = ", ".join(f"{stage} {verdict}" for stage, verdict in sorted(bid["verdicts"].items()))
        rows.append(["+" if bid["bid"] in admitted else " ", bid["bid"], str(bid["bidder_name"]), verdicts])
    screen().table(["settle.head.admitted", "settle.head.bid", "settle.head.bidder", "settle.head.verdicts"], rows)
