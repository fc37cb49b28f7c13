"""Working days and public holidays, as the State Council announced them, for the years it has announced.

The data are those of `chinesecalendar` and, for later years, what an operator imported (`trading calendar import`).
Beyond both a day is neither working day nor holiday, and we say so instead of guessing from the weekday.

    year = read_year(data, "2027.csv")     # Refused E-CALENDAR-FILE, with the line
    use({**imported, 2027: year})          # what this process knows from now on
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
from chinese_calendar import constants

from audit.canon import canon
from audit.refusal import Refused

LEGAL_ZONE = ZoneInfo("Asia/Shanghai")
"""Where a day begins and ends in law; instants are stored and compared in UTC."""

TYPE = "trading.calendar/v1"
LARGEST = 1 << 20
"""Bytes of a calendar file: a year fits many times over."""
DAYS = 366
"""Days of a list: no year has more."""
BUILT_IN = range(min(constants.holidays).year, max(constants.holidays).year + 1)
"""The years `chinesecalendar` knows."""


@dataclass(frozen=True)
class Year:
    """The holidays of a year as they were announced: the days off, and the weekends that are worked instead."""

    year: int
    source: str
    """The announcement: its name and number, as a reader finds it."""
    holidays: frozenset[date]
    working: frozenset[date]

    def is_working_day(self, day: date) -> bool:
        """Whether a day of this year is a working day."""
        return day in self.working or (day.weekday() < 5 and day not in self.holidays)

    def same_days(self, other: Year) -> bool:
        """Whether the two agree on every day, whatever they call their source."""
        return all(self.is_working_day(day) == other.is_working_day(day) for day in self.days())

    def days(self) -> Iterator[date]:
        """All its days, in order."""
        day = date(self.year, 1, 1)
        while day.year == self.year:
            yield day
            day += timedelta(days=1)

    def bytes(self) -> bytes:
        """The year as it is kept: canonical JSON."""
        days = {name: [d.isoformat() for d in sorted(getattr(self, name))] for name in ("holidays", "working")}
        return canon({"type": TYPE, "year": self.year, "source": self.source, **days})


# ----------------------------------------------------------------------------------------------- what is known

_imported: Mapping[int, Year] = {}


def use(years: Mapping[int, Year]) -> None:
    """Know these years too, in this process. Where `chinesecalendar` knows a year, its word stands."""
    global _imported
    _imported = years


def known(year: int) -> Year:
    """The holidays of a year. Raises Refused E-CALENDAR for one that nobody has announced, or nobody imported."""
    if year in BUILT_IN:
        return Year(
            year,
            "chinesecalendar",
            frozenset(day for day in constants.holidays if day.year == year),
            frozenset(day for day in constants.workdays if day.year == year),
        )
    found = _imported.get(year)
    if found is None:
        raise Refused("E-CALENDAR", year=year)
    return found


def legal_day(instant: datetime) -> date:
    """The day of the legal zone in which an instant lies. The instant must know its zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone lies in no day")
    return instant.astimezone(LEGAL_ZONE).date()


def is_working_day(day: date) -> bool:
    """Whether a day is a working day (weekends that are made up for count as such).

    Raises Refused E-CALENDAR for a year whose holidays nobody has announced.
    """
    if day.year in BUILT_IN:
        return bool(chinese_calendar.is_workday(day))
    return known(day.year).is_working_day(day)


# ----------------------------------------------------------------------------------------------- reading a year

_WORDS = {
    "year": "year", "年份": "year", "source": "source", "来源": "source", "holiday": "holiday", "放假": "holiday",
    "working": "working", "上班": "working",
}  # fmt: skip


def read_year(data: bytes, name: str) -> Year:
    """A year's holidays from a file: CSV, or JSON with `year`, `source`, `holidays` and `working`.

        year,2027
        source,国务院办公厅关于2027年部分节假日安排的通知
        holiday,2027-01-01,元旦
        working,2027-02-14,春节

    Chinese words do as well (年份 来源 放假 上班). All or nothing: Raises Refused E-CALENDAR-FILE, with the line.
    """
    if len(data) > LARGEST:
        raise _bad(name, 0, "too large")
    if data.lstrip().startswith(b"{"):
        return _read_json(data, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(name, data[: error.start].count(b"\n") + 1, "not UTF-8") from None
    return _read_csv(text, name)


def _read_csv(text: str, name: str) -> Year:
    heads: dict[str, str] = {}
    days: dict[date, tuple[str, int]] = {}
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in rows:
            line, at = rows.line_num + 1, line  # a quote left open swallows lines: the first of them is at fault
            cells = [cell.strip() for cell in row]
            if not any(cells) or cells[0].startswith("#"):
                continue
            word = _WORDS.get(cells[0])
            if word is None or len(cells) not in ((2,) if word in ("year", "source") else (2, 3)):
                raise _bad(name, at, "what this line is")
            if word in ("year", "source"):
                if word in heads:
                    raise _bad(name, at, "said twice")
                heads[word] = cells[1]
            else:
                day = _day(cells[1], name, at)
                if day in days:
                    raise _bad(name, at, "said twice")
                days[day] = (word, at)
    except csv.Error:
        raise _bad(name, line, "quotes") from None
    for head in ("year", "source"):
        if not heads.get(head):
            raise _bad(name, 0, f"no {head}")
    if not (heads["year"].isascii() and heads["year"].isdigit() and len(heads["year"]) == 4):
        raise _bad(name, 0, "no year")
    return _checked(int(heads["year"]), heads["source"], days, name)


def _read_json(data: bytes, name: str) -> Year:
    try:
        told = json.loads(data, object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise _bad(name, data[: error.start].count(b"\n") + 1, "not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _bad(name, error.lineno, "no JSON") from None
    except (ValueError, RecursionError):
        raise _bad(name, 0, "said twice") from None
    if set(told) | {"type"} != {"type", "year", "source", "holidays", "working"} or told.get("type", TYPE) != TYPE:
        raise _bad(name, 0, "not the keys of a year")
    year, source = told["year"], told["source"]
    if type(year) is not int:
        raise _bad(name, 0, "no year")
    if not isinstance(source, str) or not source.strip() or not source.isprintable():
        raise _bad(name, 0, "no source")
    days: dict[date, tuple[str, int]] = {}
    for key, word in (("holidays", "holiday"), ("working", "working")):
        if not isinstance(told[key], list) or len(told[key]) > DAYS:
            raise _bad(name, 0, "not the keys of a year")
        for text in told[key]:
            line = data.count(b"\n", 0, max(0, data.rfind(str(text).encode(errors="replace")))) + 1
            day = _day(text, name, line)
            if day in days:
                raise _bad(name, line, "said twice")
            days[day] = (word, line)
    return _checked(year, source, days, name)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys stand once each."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def _checked(year: int, source: str, days: Mapping[date, tuple[str, int]], name: str) -> Year:
    """What every announcement has: its own year, weekends made up for, and the feasts whose date the law fixes."""
    if not 2004 <= year <= 2200:
        raise _bad(name, 0, "no year")
    for day, (word, line) in days.items():
        if day.year != year:
            raise _bad(name, line, "another year")
        if word == "working" and day.weekday() < 5:
            raise _bad(name, line, "no weekend")
    holidays = frozenset(day for day, (word, _) in days.items() if word == "holiday")
    for feast in (date(year, 1, 1), date(year, 5, 1), date(year, 10, 1), date(year, 10, 2), date(year, 10, 3)):
        if feast not in holidays:
            raise _bad(name, 0, f"the holiday {feast.isoformat()} is missing")
    return Year(year, source.strip(), holidays, frozenset(days) - holidays)


def _day(text: object, name: str, line: int) -> date:
    try:
        if not isinstance(text, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise _bad(name, line, "no day") from None


def _bad(name: str, line: int, why: str) -> Refused:
    return Refused("E-CALENDAR-FILE", file=name, line=line or "-", why=why)
