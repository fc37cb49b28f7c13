"""`trading seat check-in | status | declare | bids | score | commit | reveal | report | sign | more-time`: an expert."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.refusal import Refused
from trading.cli.app import group, screen, t
from trading.cli.log import HERE, Url

if TYPE_CHECKING:
    from trading.tools.seat import Seat

seat = group("seat")
STATE = Path.home() / ".trading" / "seat"
StateOption = Annotated[Path, typer.Option("--state", envvar="TRADING_SEAT", help=t("help.seat.state"))]


@contextmanager
def _seat(url: str, state: Path) -> Iterator[Seat]:
    from trading.client import Platform
    from trading.tools.memory import Memory
    from trading.tools.seat import Seat

    with Platform(url, lang=screen().lang) as platform:
        yield Seat(Memory(state), platform)


@seat.command("check-in", help=t("help.seat.check-in"))
def check_in(
    code: Annotated[str, typer.Argument(help=t("help.seat.code"))], state: StateOption = STATE, url: Url = HERE
) -> None:
    """Take the seat that a code is for, with a key made on this machine."""
    with _seat(url, state) as one:
        told = one.check_in(code)
    screen().say("seat.checked-in", seat=told["seat"], tender=told["tender"])
    screen().result(told)


@seat.command("status", help=t("help.seat.status"))
def status(state: StateOption = STATE, url: Url = HERE) -> None:
    """How far the seat and its panel are."""
    with _seat(url, state) as one:
        told = one.desk()
    parties = told["parties"]
    screen().say("seat.parties", tenderee=parties["tenderee"], bidders=parties["bidders"])
    screen().say("seat.progress", **{n: told[n] for n in ("seat", "seats", "present", "committed", "revealed")})
    screen().result(told)


@seat.command("declare", help=t("help.seat.declare"))
def declare(
    conflict: Annotated[bool, typer.Option("--conflict", help=t("help.seat.conflict"))] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False,
    state: StateOption = STATE,
    url: Url = HERE,
) -> None:
    """Declare; with --conflict the seat is lost."""
    asks = conflict and not yes and not screen().as_json
    if asks and not typer.confirm(screen().text("confirm.seat.conflict"), err=True):
        raise Refused("T-STOPPED")
    with _seat(url, state) as one:
        told = one.declare(conflict=conflict)
    screen().say("seat.declared", what=screen().text("seat.has-conflict" if conflict else "seat.no-conflict"))
    screen().result({**told, "conflict": conflict})


@seat.command("bids", help=t("help.seat.bids"))
def bids(
    into: Annotated[Path | None, typer.Option(help=t("help.seat.into"))] = None,
    state: StateOption = STATE,
    url: Url = HERE,
) -> None:
    """List the opened bids, and download their documents."""
    with _seat(url, state) as one:
        told = one.bids(into)
    for bid in told["items"]:
        screen().say("seat.bid", label=bid["label"], name=bid["bidder_name"] or "", documents=len(bid["documents"]))
    screen().result(told)


@seat.command("score", help=t("help.seat.score"))
def score(
    file: Annotated[Path | None, typer.Argument(help=t("help.seat.file"))] = None,
    template: Annotated[Path | None, typer.Option(help=t("help.seat.template"))] = None,
    state: StateOption = STATE,
    url: Url = HERE,
) -> None:
    """Write an empty file of scores, or check one and keep it (nothing is handed in yet)."""
    from trading.tools.seat import read_marks, write_marks

    if (file is None) == (template is None):
        raise typer.BadParameter("FILE | --template")
    with _seat(url, state) as one:
        if template is not None:
            write_marks(template, one.template())
            screen().say("seat.written", path=str(template))
            screen().result({"file": str(template)})
        elif file is not None:
            count = one.keep(read_marks(file))
            screen().say("seat.kept", count=count)
            screen().result({"bids": count})


@seat.command("commit", help=t("help.seat.commit"))
def commit(state: StateOption = STATE, url: Url = HERE) -> None:
    """Commit to the scores that were kept."""
    with _seat(url, state) as one:
        commitment = one.commit()
    screen().say("seat.committed", commit=commitment)
    screen().result({"commit": commitment})


@seat.command("reveal", help=t("help.seat.reveal"))
def reveal(state: StateOption = STATE, url: Url = HERE) -> None:
    """Reveal them, when every seat has committed."""
    with _seat(url, state) as one:
        told = one.reveal()
    screen().say("seat.revealed", sheet=told["sheet"])
    screen().result(told)


@seat.command("report", help=t("help.seat.report"))
def report(
    out: Annotated[Path | None, typer.Option(help=t("help.seat.into"))] = None,
    state: StateOption = STATE,
    url: Url = HERE,
) -> None:
    """Read the evaluation report."""
    from audit.canon import canon

    with _seat(url, state) as one:
        told = one.report()
    screen().say("seat.report", report=told["report"], until=told["answer_by"])
    if out is not None:
        out.write_bytes(canon(told["value"]))
        screen().say("seat.written", path=str(out))
    screen().result(told)


@seat.command("sign", help=t("help.seat.sign"))
def sign(
    dissent: Annotated[str | None, typer.Option(help=t("help.seat.dissent"))] = None,
    state: StateOption = STATE,
    url: Url = HERE,
) -> None:
    """Sign the report, or dissent from it in writing."""
    word = "signed" if dissent is None else "dissent"
    with _seat(url, state) as one:
        told = one.answer(word, dissent)
    screen().say("seat.answered", answer=word)
    screen().result({**told, "answer": word})


@seat.command("more-time", help=t("help.seat.more-time"))
def more_time(state: StateOption = STATE, url: Url = HERE) -> None:
    """Ask for more time."""
    with _seat(url, state) as one:
        told = one.ask_time()
    screen().say("seat.asked", extended=told["extended"])
    screen().result(told)
