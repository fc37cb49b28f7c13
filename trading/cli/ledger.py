"""`trading ledger draft | sign | correct`: a line of the ledger corrected by hand, on the word of two, in public."""

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

ledger = group("ledger")

PaperArgument = Annotated[Path, typer.Argument(help=t("help.ledger.paper"), exists=True, dir_okay=False)]


@ledger.command("draft", help=t("help.ledger.draft"))
def draft(
    tender: Annotated[str, typer.Argument(help=t("help.tender"))],
    out: Annotated[Path, typer.Option(help=t("help.ledger.out"))],
    reason: Annotated[str, typer.Option(help=t("help.ledger.reason"))],
    words: Annotated[str, typer.Option(help=t("help.ledger.words"))],
    status: Annotated[str, typer.Option(help=t("help.ledger.status"))] = "",
    price: Annotated[int | None, typer.Option(help=t("help.ledger.price"))] = None,
    baseline: Annotated[int | None, typer.Option(help=t("help.ledger.baseline"))] = None,
    url: Url = HERE,
) -> None:
    """Write the paper to be signed, with the figures that follow from what the log says stands."""
    from audit.canon import NotCanonical, parse_object, unb64
    from trading.client import Platform
    from trading.tools import correction

    with Platform(url, lang=screen().lang) as platform:
        try:
            lines = platform.get(f"/tenders/{tender}/timeline")["items"]
            records = [parse_object(unb64(line["record"])) for line in lines]
        except (KeyError, TypeError, NotCanonical) as error:
            raise Refused("T-KIT", why=f"timeline of {tender}: {error}") from error
    paper = correction.draft(records, tender, reason, words, status=status, price=price, baseline=baseline)
    out.write_bytes(correction.write(paper))
    _show(paper)
    screen().say("ledger.drafted", path=str(out))
    screen().result({"file": str(out), **{name: value for name, value in paper.items() if name != "sig"}})


@ledger.command("sign", help=t("help.ledger.sign"))
def sign(paper: PaperArgument, key: IdentityOption, yes: YesOption = False) -> None:
    """Sign a correction."""
    from trading.tools import correction

    countersign(paper, correction.KIND, key, yes, _show)


@ledger.command("correct", help=t("help.ledger.correct"))
def correct(paper: PaperArgument, url: Url = HERE, token: TokenOption = "") -> None:
    """Hand the signed paper in: a further line stands in the other's place, and the log says so for good."""
    from trading.client import Platform
    from trading.tools import correction

    found = correction.read(paper.read_bytes())
    with Platform(url, token=token, lang=screen().lang) as platform:
        answer = correction.send(platform, found)
    screen().say("ledger.corrected", tender=found["tender"], correction=found["correction"])
    screen().result({"record": answer["record"], "tender": found["tender"], "correction": found["correction"]})


def _show(paper: Mapping[str, Any]) -> None:
    from trading.messages import say
    from trading.statement_words import exact

    lang = screen().lang
    screen().say("ledger.about", tender=paper["tender"], correction=paper["correction"])
    told = {name: exact(paper[name], lang) for name in ("price", "baseline", "gain")}
    screen().say("ledger.about.line", status=say(f"statement.status.{paper['status']}", lang), **told)
    screen().say("ledger.about.why", reason=say(f"statement.reason.{paper['reason']}", lang), words=paper["words"])
