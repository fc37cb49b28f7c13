"""Working days and public holidays, as the State Council announced them, for the years it has announced.

The data are those of `chinesecalendar`; beyond them a day is neither working day nor holiday, and we say so instead of
guessing from the weekday.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import chinese_calendar

from audit.refusal import Refused

LEGAL_ZONE = ZoneInfo("Asia/Shanghai")
"""Where a day begins and ends in law; instants are stored and compared in UTC."""


def legal_day(instant: datetime) -> date:
    """The day of the legal zone in which an instant lies. The instant must know its zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone lies in no day")
    return instant.astimezone(LEGAL_ZONE).date()


def is_working_day(day: date) -> bool:
    """Whether a day is a working day (weekends that are made up for count as such).

    Raises Refused E-CALENDAR for a year whose holidays nobody has announced.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        raise Refused("E-CALENDAR", year=day.year) from None
