"""The evaluation committee 评标委员会: its size, who may sit, whose work counts, and who signs.

Members stand under seat numbers: names are secret until the award (`secrecy.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from audit.refusal import Refused
from trading.law import periods
from trading.law.article import Rule
from trading.law.bounds import Book, asked
from trading.law.regimes import ADMITTED_DAYS, Regime

EXPERT, TENDEREE = "expert", "tenderee"
SIGNED, DISSENT, SILENT = "signed", "dissent", "silent"

T = TypeVar("T")
EMPLOYER_YEARS = 3
"""How long who worked for a bidder may not evaluate its bid (政府采购法实施条例 9); for every procedure (draw.md §1)."""


@dataclass(frozen=True)
class Member:
    """One seat. `side`: an expert, or the tenderee's representative.

    `drawn`: by lot from the pool. `employer`: the organisation the member works for. `interests`: bidders they are
    concerned with.
    """

    seat: int
    side: str = EXPERT
    drawn: bool = True
    employer: str = ""
    interests: frozenset[str] = field(default=frozenset())


def least(book: Book, budget: int | None = None, *, special: bool = False) -> int:
    """The fewest members: 5; gov 7 where the budget is 1000 万元 or more, or the matter complex (`special`). 0: no rule."""
    rule = asked(book, "GP-33")
    if rule is not None:
        large = special or (budget is not None and budget >= rule.number("budget"))
        return rule.number("large" if large else "members")
    rule = asked(book, "WK-28")
    return rule.number("members") if rule else 0


def check_seats(book: Book, seats: int, budget: int | None = None, *, special: bool = False) -> None:
    """Enough seats, and an odd number: what a notice can say of its committee. Raises Refused E-PANEL-SIZE, E-PANEL-EVEN."""
    rule, needed = asked(book, "GP-33", "WK-28"), least(book, budget, special=special)
    if rule is None:
        return
    if seats < needed:
        raise Refused("E-PANEL-SIZE", rule.article, members=seats, least=needed)
    if rule.number("odd") and seats % 2 == 0:
        raise Refused("E-PANEL-EVEN", rule.article, members=seats)


def check_members(book: Book, members: Sequence[Member], budget: int | None = None, *, special: bool = False) -> None:
    """Enough members, an odd number, two thirds of them experts (WK-28, GP-33). `budget` in fen.

    Raises Refused E-PANEL-SIZE (members, least), E-PANEL-EVEN, E-PANEL-EXPERTS (experts, members).
    """
    rule = asked(book, "GP-33", "WK-28")
    if rule is None:
        return
    count = len({m.seat for m in members})
    check_seats(book, count, budget, special=special)
    experts = len({m.seat for m in members if m.side == EXPERT})
    if experts * rule.number("of") < count * rule.number("experts"):
        raise Refused("E-PANEL-EXPERTS", rule.article, experts=experts, members=count)


def check_drawn(book: Book, members: Iterable[Member]) -> None:
    """Every expert was drawn by lot; nobody was named (WK-29, GP-39). Raises Refused E-PANEL-NAMED (seats)."""
    rule = asked(book, "WK-29", "GP-39")
    named = [m.seat for m in members if m.side == EXPERT and not m.drawn]
    if rule and named:
        raise Refused("E-PANEL-NAMED", rule.article, seats=named)


def asks_draw(book: Book) -> bool:
    """Whether this book asks for a panel drawn by lot (WK-29, GP-39): then nobody else's sheets count."""
    return asked(book, "WK-29", "GP-39") is not None


def before_opening(regime: Regime) -> bool:
    """Whether the list is generally fixed before the opening, while nobody knows the bidders (WK-55, not checked).

    Everywhere else the draw waits for the closing, so that recusal against the bidders is part of the pool (draw.md §1).
    """
    return regime.has("WK-55")


def check_independent(book: Book, members: Iterable[Member], supervisor: str) -> None:
    """Nobody who works for the body that supervises the project sits (WK-30). Raises Refused E-PANEL-SUPERVISOR."""
    rule = asked(book, "WK-30")
    staff = [m.seat for m in members if supervisor and m.employer == supervisor]
    if rule and staff:
        raise Refused("E-PANEL-SUPERVISOR", rule.article, seats=staff)


def to_replace(members: Iterable[Member], bidders: Collection[str]) -> tuple[int, ...]:
    """The seats of members concerned with a bidder, or employed by one: they are replaced (招标投标法 37)."""
    parties = set(bidders)
    return tuple(m.seat for m in members if m.interests & parties or m.employer in parties)


def counted(book: Book, sheets: Mapping[int, T], replaced: Collection[int]) -> dict[int, T]:
    """The score sheets that count: what a replaced member made is void, whoever replaced them starts anew (WK-32)."""
    if asked(book, "WK-32") is None:
        return dict(sheets)
    return {seat: sheet for seat, sheet in sheets.items() if seat not in replaced}


def must_extend(book: Book, asking: int, members: int) -> bool:
    """Whether the time for evaluating is to be extended: *more than* a third of the members ask for it (WK-33)."""
    rule = asked(book, "WK-33")
    return rule is not None and asking * rule.number("of") > members * rule.number("members")


def names_published(book: Book, told: Collection[str]) -> bool:
    """Whether the experts' names are to be public by now: with the result notice (GP-13, 政府采购法实施条例 43). `told`: the
    types of the tender's records."""
    return asked(book, "GP-13") is not None and "award-notified" in told


def agreement(book: Book, members: Collection[int], answers: Mapping[int, str]) -> dict[int, bool]:
    """Who agrees with a report, {seat: yes}: all sign; who neither signs nor says why in writing agrees (WK-36).

    Raises Refused E-REPORT-UNSIGNED (seats): a member was not even asked.
    """
    rule = asked(book, "WK-36")
    unasked = sorted(set(members) - set(answers))
    if rule and unasked:
        raise Refused("E-REPORT-UNSIGNED", rule.article, seats=unasked)
    return {seat: answers.get(seat, SILENT) != DISSENT for seat in members}


def check_refilled(book: Book, members: Sequence[Member], gone: Collection[int], replacements: int) -> None:
    """Members who leave are replaced; where that cannot be, the evaluation stops, all is sealed, a new panel is formed.

    Raises Refused E-PANEL-SHORT (GP-35): stop, seal the bids and the record, void what was done.
    """
    rule = asked(book, "GP-35")
    left = [m for m in members if m.seat in gone]
    if rule and len(left) > replacements:
        raise Refused("E-PANEL-SHORT", rule.article, gone=len(left), replacements=replacements)


def admitted_days(panel: Mapping[str, object]) -> int:
    """How many days an expert has been on the roster before a draw: as a rulebook's `panel` says (draw.md §1)."""
    days = panel.get("admitted_days", ADMITTED_DAYS)
    return days if isinstance(days, int) and not isinstance(days, bool) and days >= 0 else ADMITTED_DAYS


def check_draw_time(book: Book, drawn: datetime, evaluation: datetime) -> None:
    """Chongqing: drawn within 24 hours before the evaluation (CQ-01).

    Raises Refused E-DRAW-EARLY (earliest, derivation).
    """
    rule = asked(book, "CQ-01")
    if rule is None:
        return
    span = periods.count(evaluation, rule.count, rule.unit, backwards=True)
    earliest = periods.before(evaluation, rule.count, rule.unit)
    if not earliest <= drawn <= evaluation:
        raise Refused(
            "E-DRAW-EARLY",
            rule.article,
            value=rule.count,
            unit=rule.unit,
            drawn=drawn,
            earliest=earliest,
            end=evaluation,
            derivation=str(span),
        )


TOLD = ("WK-55", "N-01", "HN-01")
"""Rules about the hour of a draw that nobody has read in a primary text: told to whoever asks for one, never blocking."""


def told_of_draw(unchecked: Iterable[Rule]) -> tuple[Rule, ...]:
    """Of the unchecked rules of a day those that speak of the hour of a draw."""
    return tuple(rule for rule in unchecked if rule.id in TOLD)
