"""Counting days by 民法典 201–203, with the derivation carried along so that it can be shown.

The day a period starts is not counted (201); a last day on a public holiday moves to the day after (203); a period ends
at 24:00 of its last day (203). Working days (工作日) are counted as such. Days are days of the legal zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from audit.refusal import Refused
from trading.law.article import Article, article
from trading.law.calendar import LEGAL_ZONE, is_working_day, legal_day
from trading.law.regimes import Regime


@dataclass(frozen=True)
class Step:
    """One step of a derivation: what was done (a code of the message catalogue), the day it led to, and why."""

    code: str
    day: date
    article: Article


@dataclass(frozen=True)
class Span:
    """A period counted out: its last day, and how that day was found."""

    start: date
    length: int
    unit: str
    last_day: date
    steps: tuple[Step, ...]

    @property
    def last_day_begins(self) -> datetime:
        """00:00 of the last day, in UTC: an act that may lie *on* the last day may lie here."""
        return _midnight(self.last_day)

    @property
    def over(self) -> datetime:
        """24:00 of the last day, in UTC: from here on the period has run."""
        return _midnight(self.last_day + timedelta(days=1))

    def __str__(self) -> str:
        """The derivation without words: `2026-03-02 +20日 = 2026-03-22 → 2026-03-23`."""
        days = " → ".join(step.day.isoformat() for step in self.steps[1:])
        return f"{self.start.isoformat()} +{self.length}{self.unit} = {days}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LEGAL_ZONE).astimezone(UTC)


@article("民法典", 203)
def count(start: datetime, length: int, unit: str) -> Span:
    """A period of `length` 日, 工作日 or 年 from `start`. Raises Refused E-CALENDAR beyond the announced holidays."""
    first = legal_day(start)
    steps = [Step("D-START", first, Article("民法典", 201))]
    if unit == "工作日":
        last = first
        for _ in range(length):
            last += timedelta(days=1)
            while not is_working_day(last):
                last += timedelta(days=1)
        steps.append(Step("D-WORKING", last, Article("民法典", 201)))
        return Span(first, length, unit, last, tuple(steps))
    if unit == "日":
        last = first + timedelta(days=length)
    elif unit == "年":
        # 民法典 202: the corresponding day of the month; where there is none, the month's last day
        last = _same_day(first, length)
    else:
        raise ValueError(f"no period is counted in {unit!r}")
    steps.append(Step("D-LAST", last, Article("民法典", 202 if unit == "年" else 201)))
    rolled = last
    while not is_working_day(rolled):
        rolled += timedelta(days=1)
    if rolled != last:
        steps.append(Step("D-ROLLED", rolled, Article("民法典", 203)))
    return Span(first, length, unit, rolled, tuple(steps))


def _same_day(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


# ----------------------------------------------------------------------------------------------- asking a regime


def earliest(regime: Regime, since: str, until: str, start: datetime) -> datetime:
    """The earliest lawful instant of `until`, when `since` was at `start`; `start` itself where no rule sets a period.

    A deadline may lie on the last day; a publicity period must have run through it (`Rule.through`).
    """
    instant = start
    for rule in regime.periods(since, until):
        span = count(start, rule.count, rule.unit)
        instant = max(instant, span.over if rule.through else span.last_day_begins)
    return instant


def keep(regime: Regime, since: str, until: str, start: datetime, end: datetime) -> tuple[Span, ...]:
    """Refuse a period shorter than the law's: E-PERIOD with the article, the earliest lawful instant and its derivation.

    Returns the derivations of the periods that were kept, for the record and for the page.
    """
    spans = []
    for rule in regime.periods(since, until):
        span = count(start, rule.count, rule.unit)
        lawful = span.over if rule.through else span.last_day_begins
        if end < lawful:
            raise Refused(
                "E-PERIOD", rule.article, rule=rule.id, value=rule.count, unit=rule.unit, start=start, end=end,
                earliest=lawful, derivation=str(span),
            )  # fmt: skip
        spans.append(span)
    return tuple(spans)


def lawful_deadline(regime: Regime, issued: datetime) -> datetime:
    """The earliest deadline for documents issued at `issued` (招标投标法 24, 政府采购法 35): at the same hour of the day.

    On the first day the law allows, at the hour the documents were issued: a deadline at midnight serves nobody.
    """
    first = earliest(regime, "documents-issued", "deadline", issued)
    if first <= issued:
        return issued
    hour = issued.astimezone(LEGAL_ZONE).timetz()
    return datetime.combine(legal_day(first), hour).astimezone(UTC)


def keep_deadline(regime: Regime, issued: datetime, deadline: datetime) -> tuple[Span, ...]:
    """Refuse a deadline earlier than the law allows (E-PERIOD), or one that does not lie after the announcement."""
    if deadline <= issued:
        raise Refused("E-PERIOD-ORDER", start=issued, end=deadline)
    return keep(regime, "documents-issued", "deadline", issued, deadline)


# ----------------------------------------------------------------------------------------------- outages

OUTAGE_GRACE = timedelta(hours=2)
"""audit/log.md §5: an outage that covers a deadline moves it to recovery + 2 h, one just before it by 2 h."""


def after_outage(deadline: datetime, begins: datetime, ends: datetime) -> datetime:
    """The deadline after an outage (audit/log.md §5); unchanged where the outage does not touch it. Recomputed by V15."""
    if begins <= deadline <= ends:
        return ends + OUTAGE_GRACE
    if ends < deadline <= ends + OUTAGE_GRACE:
        return deadline + OUTAGE_GRACE
    return deadline
