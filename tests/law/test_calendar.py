"""Which days are worked: the years chinesecalendar knows, the years an operator imports, and a clear no beyond."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import chinese_calendar
import pytest

from audit.refusal import Refused
from trading import holidays
from trading.law import calendar, periods
from trading.law.calendar import BUILT_IN, LEGAL_ZONE, Year, is_working_day, known, read_year

THE_LAST = max(BUILT_IN)
NEXT = THE_LAST + 1
GOOD = f"""# 放假安排
year,{NEXT}
source,国务院办公厅关于{NEXT}年部分节假日安排的通知
holiday,{NEXT}-01-01,元旦
holiday,{NEXT}-02-05,春节
holiday,{NEXT}-02-08,春节
working,{NEXT}-02-14,春节
放假,{NEXT}-05-01,劳动节
holiday,{NEXT}-10-01,国庆节
holiday,{NEXT}-10-02
holiday,{NEXT}-10-03
上班,{NEXT}-10-09
"""


@pytest.fixture(autouse=True)
def nothing_imported() -> Iterator[None]:
    calendar.use({})
    yield
    calendar.use({})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "next.csv"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2026, 2, 14), True),  # a Saturday, made up for the Spring Festival
        (date(2026, 2, 16), False),
        (date(2026, 2, 24), True),
        (date(2025, 10, 1), False),  # National Day and Mid-Autumn together: eight days
        (date(2025, 10, 8), False),
        (date(2025, 10, 9), True),
        (date(2025, 10, 11), True),  # a Saturday, made up for
        (date(2025, 10, 12), False),
        (date(2024, 2, 29), True),
    ],
)
def test_golden_week_spring_festival_and_the_weekends_made_up_for(day: date, worked: bool) -> None:
    assert is_working_day(day) is worked


@pytest.mark.parametrize("year", BUILT_IN)
def test_a_year_as_a_value_agrees_with_the_library(year: int) -> None:
    whole = known(year)
    assert all(whole.is_working_day(day) == chinese_calendar.is_workday(day) for day in whole.days())


def test_beyond_the_announcements_there_is_no_guess(file: Path, tmp_path: Path) -> None:
    """2 January of the next year is a Saturday or a Monday: we do not say that it is a working day."""
    with pytest.raises(Refused) as refused:
        is_working_day(date(NEXT, 1, 4))
    assert (refused.value.code, refused.value.facts["year"]) == ("E-CALENDAR", NEXT)
    holidays.know(tmp_path)
    assert holidays.import_file(tmp_path, file)[1]
    assert is_working_day(date(NEXT, 1, 4)) and not is_working_day(date(NEXT, 2, 5))


def test_an_imported_year_carries_a_period_over_the_new_year(file: Path, tmp_path: Path) -> None:
    start = datetime(THE_LAST, 12, 28, 9, tzinfo=LEGAL_ZONE)
    with pytest.raises(Refused, match="E-CALENDAR"):
        periods.count(start, 10, "日")
    holidays.know(tmp_path)
    holidays.import_file(tmp_path, file)
    assert periods.count(start, 4, "日").last_day == date(NEXT, 1, 4)  # 1 January off, then a weekend
    assert periods.count(datetime(NEXT, 2, 4, tzinfo=LEGAL_ZONE), 1, "日").last_day == date(NEXT, 2, 9)
    assert periods.count(datetime(NEXT, 2, 12, tzinfo=LEGAL_ZONE), 1, "工作日").last_day == date(NEXT, 2, 14)


def test_a_year_is_imported_once_and_the_same_again_changes_nothing(file: Path, tmp_path: Path) -> None:
    holidays.import_file(tmp_path, file)
    kept = holidays.Years(tmp_path).path(NEXT)
    before = (kept.read_bytes(), kept.stat().st_mtime_ns)
    year, fresh = holidays.import_file(tmp_path, file)
    assert not fresh and (kept.read_bytes(), kept.stat().st_mtime_ns) == before
    again = tmp_path / "as kept.json"
    again.write_bytes(year.bytes())
    assert not holidays.import_file(tmp_path, again)[1]
    assert [path.name for path in kept.parent.iterdir()] == [kept.name], "nothing is left lying about"


def test_another_year_under_the_same_number_is_refused(file: Path, tmp_path: Path) -> None:
    holidays.import_file(tmp_path, file)
    file.write_text(GOOD.replace(f"holiday,{NEXT}-02-08,春节\n", ""), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        holidays.import_file(tmp_path, file)
    assert (refused.value.code, refused.value.facts["day"]) == ("E-CALENDAR-KNOWN", date(NEXT, 2, 8))


def test_a_year_the_library_knows_is_refused_unless_it_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "2026.json"
    path.write_bytes(known(2026).bytes())
    assert not holidays.import_file(tmp_path, path)[1]
    told = json.loads(path.read_bytes())
    told["holidays"].remove("2026-02-23")
    path.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(Refused, match="E-CALENDAR-KNOWN"):
        holidays.import_file(tmp_path, path)
    assert not (tmp_path / "calendar").exists()


@pytest.mark.parametrize(
    ("broken", "line", "why"),
    [
        (GOOD.replace(f"{NEXT}-02-08", f"{NEXT}-02-30"), 6, "no day"),
        (GOOD.replace(f"{NEXT}-02-08", f"{NEXT}-W06-1"), 6, "no day"),
        (GOOD.replace(f"{NEXT}-02-08", f"{NEXT - 1}-02-08"), 6, "another year"),
        (GOOD.replace(f"{NEXT}-02-08", f"{NEXT}-02-05"), 6, "said twice"),
        (GOOD.replace("working,", "holliday,"), 7, "what this line is"),
        (GOOD.replace(f"working,{NEXT}-02-14", f"working,{NEXT}-02-15"), 7, "no weekend"),
        (GOOD.replace(f"working,{NEXT}-02-14,春节", f"working,{NEXT}-02-14,春节,1"), 7, "what this line is"),
        (GOOD.replace(f"year,{NEXT}\n", f"year,{NEXT}\nyear,{NEXT}\n"), 3, "said twice"),
        (GOOD.replace("元旦", '"元旦'), 4, "quotes"),
        (GOOD.replace(f"holiday,{NEXT}-10-02\n", ""), "-", f"the holiday {NEXT}-10-02 is missing"),
        (GOOD.replace(f"year,{NEXT}\n", ""), "-", "no year"),
        (GOOD.replace(f"year,{NEXT}\n", "year,next\n"), "-", "no year"),
        (GOOD.replace("source,", "# source,"), "-", "no source"),
        ("", "-", "no year"),
        ('{"year": 2027,\n "source": }', 2, "no JSON"),
        ('{"year": 2027, "year": 2028, "source": "x", "holidays": [], "working": []}', "-", "said twice"),
        ('{"year": true, "source": "x", "holidays": [], "working": []}', "-", "no year"),
        ('{"year": 2027, "source": "x", "holidays": []}', "-", "not the keys of a year"),
        (f'{{"year": {NEXT}, "source": "x",\n"holidays": ["{NEXT}-01-01",\n"{NEXT}-13-01"], "working": []}}', 3, "no day"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_its_line_and_nothing_is_imported(
    broken: str, line: int | str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        holidays.import_file(tmp_path, path)
    facts = refused.value.facts
    assert (refused.value.code, facts["line"], facts["why"]) == ("E-CALENDAR-FILE", line, why)
    assert not (tmp_path / "calendar").exists()


@pytest.mark.parametrize("data", [GOOD.encode("gb18030"), b"\xff" * 9, b" " * (calendar.LARGEST + 1)])
def test_bytes_that_are_no_text_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "raw"
    path.write_bytes(data)
    with pytest.raises(Refused, match="E-CALENDAR-FILE"):
        holidays.import_file(tmp_path, path)
    with pytest.raises(Refused, match="E-CALENDAR-FILE"):
        holidays.import_file(tmp_path, tmp_path / "not there.csv")


def test_windows_files_are_read_too() -> None:
    assert read_year(("\ufeff" + GOOD).replace("\n", "\r\n").encode(), "x") == read_year(GOOD.encode(), "x")


def test_a_running_process_knows_a_year_as_soon_as_another_imported_it(file: Path, tmp_path: Path) -> None:
    holidays.know(tmp_path)
    with pytest.raises(Refused, match="E-CALENDAR"):
        known(NEXT)
    other = multiprocessing.get_context("spawn").Process(target=holidays.import_file, args=(tmp_path, file))
    other.start()
    other.join(60)
    assert other.exitcode == 0 and not is_working_day(date(NEXT, 2, 5))
    kept = holidays.Years(tmp_path).path(NEXT)
    corrected = Year(NEXT, "a correction", known(NEXT).holidays - {date(NEXT, 2, 5)}, known(NEXT).working)
    kept.write_bytes(corrected.bytes() + b"\n")
    assert is_working_day(date(NEXT, 2, 5)), "the file has changed, and what this process knows with it"


def test_a_spoilt_file_is_told_and_not_taken_for_no_holidays(file: Path, tmp_path: Path) -> None:
    years = holidays.know(tmp_path)
    holidays.import_file(tmp_path, file)
    assert list(years) == [NEXT] and len(years) == 1
    years.path(NEXT).write_bytes(years.path(NEXT).read_bytes()[:-20])
    with pytest.raises(Refused, match="E-CALENDAR-FILE"):
        is_working_day(date(NEXT, 3, 1))
    years.path(NEXT).write_bytes(known(2026).bytes())
    with pytest.raises(Refused, match="E-CALENDAR-FILE"):
        is_working_day(date(NEXT, 3, 1))


@pytest.mark.parametrize("day", ['"\\ud800"', ", ".join(['"0001-01-01"'] * 367)])
def test_a_json_year_that_would_stop_the_reader_is_refused(day: str) -> None:
    """Half a character, or more days than a year has."""
    data = f'{{"year": 2027, "source": "x", "holidays": [{day}], "working": []}}'
    with pytest.raises(Refused, match="E-CALENDAR-FILE"):
        read_year(data.encode(), "2027.json")
