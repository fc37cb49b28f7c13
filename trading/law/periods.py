"""Counting time by 民法典 201–203, with the derivation carried along so that it can be shown.

The day a period starts is not counted (201); hours run from the moment itself (201); months and years end on the same
day of the month, where there is none on its last (202); a last day on a public holiday moves to the day after (203); a
period ends at 24:00 of its last day (203). Working days (工作日) are counted as such. Days are days of the legal zone.

Backwards ("投标截止时间10日前") the day of the event is not counted either, and the last moment is 24:00 of the day
counted to. It is not moved: 203 puts an end off so that nobody must act on a holiday, and to put it off towards the event
would take days from whoever has them; a platform is open on holidays.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from audit.refusal import Refused
from trading.law.article import Article, Op, Rule, article
from trading.law.calendar import LEGAL_ZONE, is_working_day, legal_day

UNITS = ("日", "工作日", "月", "年", "小时")
MOMENT = timedelta(microseconds=1)
"""The least the platform's clock tells apart."""
_COUNTING = {"月": 202, "年": 202}


@dataclass(frozen=True)
class Step:
    """One step of a derivation: what was done (a code of the message catalogue), the day it led to, and why."""

    code: str
    day: date
    article: Article


@dataclass(frozen=True)
class Span:
    """A period counted out: its last day, and how that day was found. `instant`: where it ends if it runs in hours."""

    start: date
    length: int
    unit: str
    last_day: date
    steps: tuple[Step, ...]
    backwards: bool = False
    instant: datetime | None = None

    @property
    def last_day_begins(self) -> datetime:
        """00:00 of the last day, in UTC: an act that may lie *on* the last day may lie here."""
        return self.instant or _midnight(self.last_day)

    @property
    def over(self) -> datetime:
        """24:00 of the last day, in UTC: from here on the period has run."""
        return self.instant or _midnight(self.last_day + timedelta(days=1))

    @property
    def latest(self) -> datetime:
        """The last moment that still lies in it: an act is in time if it is not after this."""
        return self.over if self.instant else self.over - MOMENT

    def __str__(self) -> str:
        """The derivation without words: `2026-03-02 +20日 = 2026-03-22 → 2026-03-23`."""
        sign = "-" if self.backwards else "+"
        if self.instant:
            ends = self.instant.astimezone(LEGAL_ZONE)
            return f"{self.start.isoformat()} {sign}{self.length}{self.unit} = {ends:%Y-%m-%d %H:%M:%S}"
        days = " → ".join(step.day.isoformat() for step in self.steps[1:]) or self.last_day.isoformat()
        return f"{self.start.isoformat()} {sign}{self.length}{self.unit} = {days}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LEGAL_ZONE).astimezone(UTC)


@article("民法典", 203)
def count(start: datetime, length: int, unit: str, *, backwards: bool = False) -> Span:
    """A period of `length` 日, 工作日, 月, 年 or 小时 from `start`, or back from it.

    Raises Refused E-CALENDAR beyond the announced holidays; ValueError for a unit or a length nobody counts in.
    """
    if unit not in UNITS or length < 0:
        raise ValueError(f"no period is counted as {length} {unit!r}")
    first, sign = legal_day(start), -1 if backwards else 1
    if unit == "小时":
        ends = start.astimezone(UTC) + sign * timedelta(hours=length)
        step = Step("D-HOURS", legal_day(ends), Article("民法典", 201))
        return Span(first, length, unit, legal_day(ends), (step,), backwards, ends)
    steps = [Step("D-START", first, Article("民法典", 201))]
    if unit == "工作日":
        last = first
        for _ in range(length):
            last += sign * timedelta(days=1)
            while not is_working_day(last):
                last += sign * timedelta(days=1)
        steps.append(Step("D-WORKING", last, Article("民法典", 201)))
        return Span(first, length, unit, last, tuple(steps), backwards)
    if unit == "日":
        last = first + sign * timedelta(days=length)
    else:
        last = _same_day(first, sign * length * (12 if unit == "年" else 1))
    steps.append(Step("D-BACK" if backwards else "D-LAST", last, Article("民法典", _COUNTING.get(unit, 201))))
    rolled = last
    while not backwards and not is_working_day(rolled):
        rolled += timedelta(days=1)
    if rolled != last:
        steps.append(Step("D-ROLLED", rolled, Article("民法典", 203)))
    return Span(first, length, unit, rolled, tuple(steps), backwards)


def _same_day(day: date, months: int) -> date:
    """民法典 202: the corresponding day so many months on; where the month has none, its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def before(deadline: datetime, length: int, unit: str) -> datetime:
    """The last lawful moment of what must happen so long before a deadline ("至少15日前"), or first if it is in hours.

    Raises Refused E-CALENDAR for working days nobody has announced.
    """
    return count(deadline, length, unit, backwards=True).latest


# ----------------------------------------------------------------------------------------------- asking a regime


class Book(Protocol):
    """What has rules to ask: a `Regime` of today, or the `Rulebook` a project was announced under."""

    def find(self, op: Op, since: str, until: str) -> tuple[Rule, ...]:
        """The checked rules of one kind between two events."""
        ...


def earliest(regime: Book, since: str, until: str, start: datetime) -> datetime:
    """The earliest lawful instant of `until`, when `since` was at `start`; `start` itself where no rule sets a period.

    A deadline may lie on the last day; a publicity period must have run through it (`Rule.through`).
    """
    instant = start
    for rule in regime.find(Op.MIN, since, until):
        span = count(start, rule.count, rule.unit)
        instant = max(instant, span.over if rule.through else span.last_day_begins)
    return instant


def keep(regime: Book, since: str, until: str, start: datetime, end: datetime) -> tuple[Span, ...]:
    """Refuse a period shorter than the law's: E-PERIOD with the article, the earliest lawful instant and its derivation.

    Returns the derivations of the periods that were kept, for the record and for the page.
    """
    spans = []
    for rule in regime.find(Op.MIN, since, until):
        span = count(start, rule.count, rule.unit)
        lawful = span.over if rule.through else span.last_day_begins
        if end < lawful:
            raise Refused(
                "E-PERIOD", rule.article, rule=rule.id, value=rule.count, unit=rule.unit, start=start, end=end,
                earliest=lawful, derivation=str(span),
            )  # fmt: skip
        spans.append(span)
    return tuple(spans)


def lawful_deadline(regime: Book, issued: datetime) -> datetime:
    """The earliest deadline for documents issued at `issued` (招标投标法 24, 政府采购法 35): at the same hour of the day.

    On the first day the law allows, at the hour the documents were issued: a deadline at midnight serves nobody.
    """
    first = earliest(regime, "documents-issued", "deadline", issued)
    if first <= issued:
        return issued
    hour = issued.astimezone(LEGAL_ZONE).timetz()
    return datetime.combine(legal_day(first), hour).astimezone(UTC)


def keep_deadline(regime: Book, issued: datetime, deadline: datetime) -> tuple[Span, ...]:
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


OPENS, SHUTS = time(9), time(17)
"""Office hours 业务时间 of the legal zone (民法典 203: a period ends with them where there are any). An outage's deadline
moves into them; rules of projects do not know them, so they stand in no rulebook."""


def in_office_hours(moment: datetime) -> datetime:
    """The moment itself where it lies in office hours (both ends included), else the next time the office opens.

    Raises Refused E-CALENDAR beyond the announced holidays.
    """
    local = moment.astimezone(LEGAL_ZONE)
    day = local.date()
    if is_working_day(day):
        if OPENS <= local.time() <= SHUTS:
            return moment
        if local.time() < OPENS:
            return datetime.combine(day, OPENS, LEGAL_ZONE).astimezone(UTC)
    day += timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, OPENS, LEGAL_ZONE).astimezone(UTC)


def after_outage_in_office_hours(deadline: datetime, begins: datetime, ends: datetime) -> datetime:
    """`after_outage`, and past office hours to the next working day (audit/log.md §5); without it where nobody knows the
    holidays of that year: a deadline must have a time. A verifier keeps `after_outage`, the lower bound."""
    moved = after_outage(deadline, begins, ends)
    if moved == deadline:
        return deadline
    try:
        return in_office_hours(moved)
    except Refused:
        return moved
