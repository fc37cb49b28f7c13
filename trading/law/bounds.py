"""Which rule speaks, and what its number allows: the two questions every other module of this folder begins with.

A project keeps the rulebook it was announced under, so a rule is asked for *in a book*. What was not pinned asks for
nothing; what is not checked never blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Protocol

from audit.refusal import Refused
from trading.law import periods, rules
from trading.law.article import Rule, Value
from trading.law.calendar import legal_day
from trading.law.regions import loosens, speaks_of_the_same


class Book(Protocol):
    """What a pinned rulebook is to a rule: {rule id: (value, unit)} as announced."""

    @property
    def values(self) -> Mapping[str, tuple[Value, str]]:
        """The values that bind this project."""


def asked(book: Book, *ids: str) -> Rule | None:
    """The first of these rules that the book has and that was checked, with the book's value; None: nothing is asked.

    Where a local rule that was pinned with it says the same more strictly, that one is asked for instead.
    """
    for id in ids:
        if id in book.values and id in rules.RULES and rules.RULES[id].checked:
            return _strictest(_pinned(id, *book.values[id]), book)
    return None


def _strictest(rule: Rule, book: Book) -> Rule:
    for other in rules.LOCAL:
        if other.id in book.values and other.id != rule.id and speaks_of_the_same(other, rule):
            pinned = _pinned(other.id, *book.values[other.id])
            if not loosens(pinned, rule):
                rule = pinned
    return rule


@lru_cache(maxsize=4096)
def _pinned(id: str, value: Value, unit: str) -> Rule:
    return replace(rules.RULES[id], value=value, unit=unit)


# ------------------------------------------------------------------------------------------------------- counting


@dataclass(frozen=True)
class Lenient:
    """A book in the hands of a verifier, who has no calendar of holidays (log.md §8, V15).

    What is shorter than so many plain days was too short whatever the holidays were; what is longer than the period with
    ten days of holidays in it, and with a weekend for every five working days, was too long.
    """

    values: Mapping[str, tuple[Value, str]]


HOLIDAYS = 10
"""Days by which holidays may put off the end of a period: no holiday of the State Council's is longer, weekends with it."""


def shortest(book: Book, start: datetime, length: int, unit: str) -> periods.Span:
    """A period that must have run, counted out in this book. Raises Refused E-CALENDAR."""
    if not isinstance(book, Lenient):
        return periods.count(start, length, unit)
    return _plain(start, length, unit, length * _FEWEST[unit])


def longest(book: Book, start: datetime, length: int, unit: str) -> periods.Span:
    """A period in which something must be done, counted out in this book. Raises Refused E-CALENDAR."""
    if not isinstance(book, Lenient):
        return periods.count(start, length, unit)
    return _plain(start, length, unit, length * _MOST[unit] + HOLIDAYS)


_FEWEST = {"日": 1, "工作日": 1, "月": 28, "年": 365}
_MOST = {"日": 1, "工作日": 2, "月": 31, "年": 366}


def _plain(start: datetime, length: int, unit: str, days: int) -> periods.Span:
    first = legal_day(start)
    return periods.Span(first, length, unit, first + timedelta(days=days), ())


def latest_before(book: Book, deadline: datetime, length: int, unit: str) -> datetime:
    """The last instant of "at least so long before the deadline", counted in this book."""
    if isinstance(book, Lenient):
        return _plain(deadline, length, unit, -length * _FEWEST[unit]).latest
    return periods.before(deadline, length, unit)


# ------------------------------------------------------------------------------------------------------- periods


@dataclass(frozen=True)
class Due:
    """The time in which something must be done, counted out: a period of the law that *may* be missed, and is told."""

    rule: Rule
    span: periods.Span

    @property
    def not_after(self) -> datetime:
        """24:00 of its last day, in UTC: whoever acts from here on is late."""
        return self.span.over

    def missed(self, at: datetime) -> bool:
        """Whether what happened at `at` came too late (民法典 203: the last day counts to 24:00)."""
        return at >= self.not_after


def due(book: Book, start: datetime, *ids: str) -> Due | None:
    """How long the first pinned of these rules gives from `start`; None where none does. Raises Refused E-CALENDAR."""
    rule = asked(book, *ids)
    return Due(rule, longest(book, start, rule.count, rule.unit)) if rule else None


def keep_until(book: Book, start: datetime, now: datetime, code: str, *ids: str, extra: int = 0) -> Due | None:
    """Refuse what comes after the last moment of a `latest` rule, under `code`; `extra` days are not counted in it."""
    rule = asked(book, *ids)
    if rule is None:
        return None
    found = Due(rule, longest(book, start, rule.count + extra, rule.unit))
    if found.missed(now):
        raise Refused(
            code, rule.article, rule=rule.id, value=rule.count, unit=rule.unit, start=start, now=now,
            latest=found.not_after, derivation=str(found.span),
        )  # fmt: skip
    return found


def keep_before(book: Book, deadline: datetime, now: datetime, code: str, *ids: str) -> Rule | None:
    """Refuse what comes less than the rule's days before `deadline`, under `code` ("10日前", "至少15日前")."""
    rule = asked(book, *ids)
    if rule is None:
        return None
    latest = latest_before(book, deadline, rule.count, rule.unit)
    if now > latest:
        raise Refused(
            code, rule.article, rule=rule.id, value=rule.count, unit=rule.unit, end=deadline, now=now, latest=latest,
            derivation=f"{legal_day(deadline).isoformat()} -{rule.count}{rule.unit} = {legal_day(latest).isoformat()}",
        )  # fmt: skip
    return rule


def keep_from(book: Book, start: datetime, now: datetime, *ids: str) -> Due | None:
    """Refuse what comes before the shortest period has run (E-PERIOD), with the earliest lawful instant.

    A rule that is `through` must have run to 24:00 of its last day; else it is enough that the last day has come.
    """
    rule = asked(book, *ids)
    if rule is None:
        return None
    found = Due(rule, shortest(book, start, rule.count, rule.unit))
    earliest = found.span.over if rule.through else found.span.last_day_begins
    if now < earliest:
        raise Refused(
            "E-PERIOD", rule.article, rule=rule.id, value=rule.count, unit=rule.unit, start=start, end=now,
            earliest=earliest, derivation=str(found.span),
        )  # fmt: skip
    return found


# ------------------------------------------------------------------------------------------------------- amounts

PER_CENT = Fraction(1, 100)


def most(base: int, per_cent: int) -> int:
    """The largest whole fen that is not more than so many per cent of `base` fen: "不超过" includes the number itself."""
    return int(base * per_cent * PER_CENT)


def keep_share(book: Book, amount: int, base: int, code: str, *ids: str) -> Rule | None:
    """Refuse more than the rule's per cent of `base` (fen), under `code`, with the most that is lawful."""
    rule = asked(book, *ids)
    if rule is not None and amount > most(base, rule.count):
        raise Refused(
            code, rule.article, rule=rule.id, amount=amount, base=base, per_cent=rule.count, most=most(base, rule.count)
        )
    return rule
