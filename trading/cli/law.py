"""`trading law`: the rules as they stand in the house, each with its article; `trading calendar`: which days are worked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.refusal import Refused
from trading.cli.app import app, group, screen, t

if TYPE_CHECKING:
    from trading.law.article import Rule
    from trading.law.calendar import Year

calendar = group("calendar")
Data = Annotated[Path | None, typer.Option("--data", envvar="TRADING_DATA", help=t("help.data"))]
COLUMNS = 80
"""What a sentence is folded to: a terminal's least, and half of it in Chinese characters."""


@app.command("law", help=t("help.law"))
def law(
    ids: Annotated[list[str] | None, typer.Argument(help=t("help.law.ids"))] = None,
    regime: Annotated[str, typer.Option(help=t("help.law.regime"))] = "",
    region: Annotated[str, typer.Option(help=t("help.law.region"))] = "",
    status: Annotated[str, typer.Option(help=t("help.law.status"))] = "",
) -> None:
    """Print every rule, those of a regime, or the ones named, with the words of their articles."""
    from trading.law import regimes, regions, rules

    if status not in ("", "checked", "unchecked"):
        raise typer.BadParameter(status, param_hint="--status")
    lost: tuple[regions.Conflict, ...] = ()
    shown: Sequence[Rule] = rules.ALL
    if regime in regimes.REGIMES:
        lost = regions.conflicts(regimes.regime(regime), region)
        shown = regions.overlay(regimes.regime(regime), region).rules
    elif regime and regime not in {rule.regime for rule in rules.ALL}:
        regimes.regime(regime)  # refuses, and says which there are
    elif regime:
        shown = [rule for rule in rules.ALL if rule.regime == regime]
    elif region:
        shown = [rule for rule, _ in regions.region(region).rules]
    if ids:
        named = [rules.rule(id.upper()) for id in ids]
        if strangers := [rule.id for rule in named if rule not in shown]:
            raise Refused("E-RULE-NOT-THERE", rules=strangers, regime=regime or region)
        shown = named
    if status:
        shown = [rule for rule in shown if rule.status.value == status]
    for rule in shown:
        _print(rule, whole=bool(ids))
    for one in lost:
        screen().say("law.lost", lost=one.lost.id, cited=one.lost.article, stands=one.stands.id, by=one.stands.article)
    unread = sum(not rule.checked for rule in shown)
    screen().say("law.count", count=len(shown), checked=len(shown) - unread, unchecked=unread)
    screen().result(
        {
            "rules": [rule.plain() for rule in shown],
            "conflicts": [{"lost": one.lost.plain(), "stands": one.stands.plain()} for one in lost],
        }
    )


def _print(rule: Rule, *, whole: bool) -> None:
    from rich.cells import cell_len

    mark = "" if rule.checked else screen().text("law.unchecked")
    head = f"{rule.id:<7} {rule.article.cite(screen().lang)}"
    for part in filter(None, (_bound(rule), mark)):
        if cell_len(head) + cell_len(part) + 2 > COLUMNS:
            screen().line(head)
            head = " " * 8 + part
        else:
            head += "  " + part
    screen().line(head)
    for line in fold(rule.sentence(screen().lang), COLUMNS - 8):
        screen().line(" " * 8 + line)
    if whole:
        for line in fold(f"“{rule.quote}”" if rule.quote else screen().text("law.no-words"), COLUMNS - 8):
            screen().line(" " * 8 + line)
        until = rule.effective_to.isoformat() if rule.effective_to else "…"
        screen().line(" " * 8 + screen().text("law.in-force", start=rule.starts.isoformat(), until=until))
        screen().line(" " * 8 + screen().text("law.tested", test=rule.test))


def _bound(rule: Rule) -> str:
    """The number of a rule with what it does: `不少于 20 日`; "" for a rule whose value is a word."""
    from trading.law.article import Op

    if not isinstance(rule.value, int):
        return ""
    word = "before" if rule.op is Op.LATEST and not rule.since else rule.op.value
    return screen().text(f"law.op.{word}", value=rule.value, unit=rule.unit)


def fold(text: str, columns: int) -> Iterator[str]:
    """A sentence in lines of so many columns, in which a Chinese character takes two; words are not cut in English."""
    from rich.console import Console
    from rich.text import Text

    console = Console(width=columns)
    for line in Text(text).wrap(console, columns):
        yield line.plain.rstrip()


# ------------------------------------------------------------------------------------------------ the calendar


@calendar.command("show", help=t("help.calendar.show"))
def show(year: Annotated[int, typer.Argument(help=t("help.calendar.year"))], data: Data = None) -> None:
    """Print the holidays of a year and the weekends that are worked instead, with who announced them."""
    from trading import holidays
    from trading.cli.service import settings
    from trading.law.calendar import known

    holidays.know(settings(data).data)
    _show(known(year))


@calendar.command("import", help=t("help.calendar.import"))
def import_(file: Annotated[Path, typer.Argument(help=t("help.calendar.file"))], data: Data = None) -> None:
    """Import the holidays of one year from a CSV or JSON file: all of it or nothing."""
    from trading import holidays
    from trading.cli.service import settings

    year, fresh = holidays.import_file(settings(data).data, file)
    screen().say("calendar.imported" if fresh else "calendar.known", year=year.year, source=year.source)
    _show(year)


def _show(year: Year) -> None:
    worked = sum(map(year.is_working_day, year.days()))
    screen().say("calendar.year", year=year.year, source=year.source, worked=worked)
    for first, last in runs(sorted(year.holidays)):
        days = (last - first).days + 1
        screen().line(f"  {first.isoformat()} – {last.isoformat()}  {screen().text('calendar.off', days=days)}")
    for day in sorted(year.working):
        screen().line(f"  {day.isoformat()}  {screen().text('calendar.worked')}")
    screen().result(
        {
            "year": year.year,
            "source": year.source,
            "working_days": worked,
            "holidays": [day.isoformat() for day in sorted(year.holidays)],
            "working": [day.isoformat() for day in sorted(year.working)],
        }
    )


def runs(days: Iterable[date]) -> list[tuple[date, date]]:
    """Days in order as runs of days that follow one another: (first, last) of each."""
    made: list[tuple[date, date]] = []
    for day in days:
        if made and (day - made[-1][1]).days == 1:
            made[-1] = (made[-1][0], day)
        else:
            made.append((day, day))
    return made
