"""Days counted by 民法典 201–203; table cases named by article."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Refused
from trading import messages
from trading.law import periods, regimes, rulebook
from trading.law.calendar import LEGAL_ZONE, is_working_day, legal_day


def beijing(*when: int) -> datetime:
    return datetime(*when, tzinfo=LEGAL_ZONE)


MORNING = beijing(2026, 3, 2, 9, 30)  # a Monday


@pytest.mark.parametrize(
    ("start", "length", "unit", "last"),
    [
        (beijing(2026, 3, 2, 9), 1, "日", date(2026, 3, 3)),  # 201: the day itself is not counted
        (beijing(2026, 3, 2, 0), 1, "日", date(2026, 3, 3)),  # at any hour of it
        (beijing(2026, 3, 2, 23, 59), 1, "日", date(2026, 3, 3)),
        (beijing(2026, 3, 2, 9), 20, "日", date(2026, 3, 23)),  # 203: 22 March is a Sunday
        (beijing(2026, 3, 3, 9), 20, "日", date(2026, 3, 23)),
        (beijing(2026, 2, 12, 9), 3, "日", date(2026, 2, 24)),  # 203: into the Spring Festival
        (beijing(2026, 3, 6, 9), 1, "工作日", date(2026, 3, 9)),  # Friday → Monday
        (beijing(2026, 2, 13, 9), 1, "工作日", date(2026, 2, 14)),  # a Saturday that is made up for
        (beijing(2026, 2, 13, 9), 2, "工作日", date(2026, 2, 24)),
        (beijing(2026, 2, 12, 9), 1, "工作日", date(2026, 2, 13)),
        (beijing(2025, 9, 26, 9), 5, "工作日", date(2025, 10, 10)),  # over Golden Week, with a Sunday made up for
        (beijing(2025, 9, 28, 9), 3, "日", date(2025, 10, 9)),  # 203: into Golden Week, eight days
        (beijing(2025, 10, 8, 9), 3, "日", date(2025, 10, 11)),  # a Saturday that is worked is no holiday
        (beijing(2026, 2, 20, 9), 1, "月", date(2026, 3, 20)),  # 202: the same day of the month
        (beijing(2025, 12, 31, 9), 2, "月", date(2026, 2, 28)),  # 202: no such day; a Saturday, worked
        (beijing(2024, 1, 31, 9), 1, "月", date(2024, 2, 29)),  # the leap day is the last of its month
        (beijing(2023, 1, 31, 9), 1, "月", date(2023, 2, 28)),
        (beijing(2025, 11, 15, 9), 3, "月", date(2026, 2, 24)),  # 203: 15 February is in the Spring Festival
        (beijing(2025, 10, 31, 9), 14, "月", date(2026, 12, 31)),
        (beijing(2024, 2, 29, 9), 1, "年", date(2025, 2, 28)),  # 202: no such day
        (beijing(2020, 2, 29, 9), 4, "年", date(2024, 2, 29)),
        (beijing(2026, 3, 2, 9), 0, "日", date(2026, 3, 2)),
    ],
)
def test_counting(start: datetime, length: int, unit: str, last: date) -> None:
    span = periods.count(start, length, unit)
    assert span.last_day == last
    assert span.last_day_begins.astimezone(LEGAL_ZONE).timetuple()[:5] == (*last.timetuple()[:3], 0, 0)
    assert span.over - span.last_day_begins == timedelta(hours=24)
    assert span.steps[0].code == "D-START" and span.steps[-1].day == last


def test_a_day_of_the_legal_zone_is_not_a_day_of_utc() -> None:
    late = datetime(2026, 3, 2, 16, 30, tzinfo=UTC)  # 00:30 on 3 March in Beijing
    assert legal_day(late) == date(2026, 3, 3)
    assert periods.count(late, 1, "日").last_day == date(2026, 3, 4)
    with pytest.raises(ValueError):
        legal_day(datetime(2026, 3, 2))  # noqa: DTZ001 - a naive instant lies in no day


def test_beyond_the_announced_holidays_we_say_so() -> None:
    with pytest.raises(Refused) as refused:
        periods.count(beijing(2031, 5, 1), 5, "工作日")
    assert (refused.value.code, refused.value.facts["year"]) == ("E-CALENDAR", 2031)
    assert str(refused.value.article) == "《民法典》第二百零三条"


@pytest.mark.parametrize("regime", [regimes.WORKS, regimes.GOV])
def test_wk_06_and_gp_01_twenty_days_to_the_deadline(regime: regimes.Regime) -> None:
    assert periods.lawful_deadline(regime, MORNING) == beijing(2026, 3, 23, 9, 30)
    periods.keep_deadline(regime, MORNING, beijing(2026, 3, 23, 0, 0))
    with pytest.raises(Refused) as refused:
        periods.keep_deadline(regime, MORNING, beijing(2026, 3, 22, 23, 59))
    assert refused.value.code == "E-PERIOD"
    assert str(refused.value.article) in ("《招标投标法》第二十四条", "《政府采购法》第三十五条")
    assert refused.value.facts["earliest"] == beijing(2026, 3, 23)
    assert refused.value.facts["derivation"] == "2026-03-02 +20日 = 2026-03-22 → 2026-03-23"


def test_wk_38_publicity_has_run_when_its_third_day_is_over() -> None:
    published = beijing(2026, 3, 24, 15)  # Tuesday; third day Friday the 27th
    assert periods.earliest(regimes.WORKS, "candidates", "award", published) == beijing(2026, 3, 28)
    (span,) = periods.keep(regimes.WORKS, "candidates", "award", published, beijing(2026, 3, 28))
    assert span.last_day == date(2026, 3, 27)
    with pytest.raises(Refused) as refused:
        periods.keep(regimes.WORKS, "candidates", "award", published, beijing(2026, 3, 27, 23, 59))
    assert str(refused.value.article) == "《招标投标法实施条例》第五十四条"


def test_source_law_sets_no_period() -> None:
    assert periods.lawful_deadline(regimes.SOURCE_LAW, MORNING) == MORNING
    assert periods.keep_deadline(regimes.SOURCE_LAW, MORNING, MORNING + timedelta(minutes=1)) == ()
    with pytest.raises(Refused) as refused:
        periods.keep_deadline(regimes.SOURCE_LAW, MORNING, MORNING)
    assert refused.value.code == "E-PERIOD-ORDER"


def test_an_outage_moves_the_deadline_it_covers_and_the_one_it_shadows() -> None:
    begins, ends = beijing(2026, 3, 23, 9), beijing(2026, 3, 23, 10)
    two = timedelta(hours=2)
    assert periods.after_outage(beijing(2026, 3, 23, 9, 30), begins, ends) == ends + two
    assert periods.after_outage(ends + two, begins, ends) == ends + 2 * two
    untouched = (begins - timedelta(seconds=1), ends + two + timedelta(seconds=1))
    assert tuple(periods.after_outage(d, begins, ends) for d in untouched) == untouched


@pytest.mark.parametrize(
    ("recovered", "deadline"),
    [
        (beijing(2026, 3, 23, 10), beijing(2026, 3, 23, 12)),
        (beijing(2026, 3, 23, 15), beijing(2026, 3, 23, 17)),
        (beijing(2026, 3, 23, 15, 1), beijing(2026, 3, 24, 9)),
        (beijing(2026, 3, 23, 2), beijing(2026, 3, 23, 9)),
        (beijing(2026, 3, 27, 16), beijing(2026, 3, 30, 9)),  # Friday → Monday
        (beijing(2026, 4, 3, 16), beijing(2026, 4, 7, 9)),  # over 清明
    ],
)
def test_past_office_hours_an_outage_moves_the_deadline_to_the_next_working_day(
    recovered: datetime, deadline: datetime
) -> None:
    old, begins = recovered - timedelta(minutes=5), recovered - timedelta(hours=1)
    assert periods.after_outage_in_office_hours(old, begins, recovered) == deadline
    assert periods.after_outage(old, begins, recovered) == recovered + timedelta(hours=2)
    untouched = begins - timedelta(minutes=1)
    assert periods.after_outage_in_office_hours(untouched, begins, recovered) == untouched


@pytest.mark.parametrize(
    ("deadline", "length", "unit", "last"),
    [
        (beijing(2026, 3, 23, 9, 30), 15, "日", date(2026, 3, 8)),  # a Sunday: not moved towards the deadline
        (beijing(2026, 3, 23, 0), 10, "日", date(2026, 3, 13)),
        (beijing(2026, 3, 23, 23, 59), 10, "日", date(2026, 3, 13)),
        (beijing(2026, 3, 23, 9), 2, "日", date(2026, 3, 21)),
        (beijing(2024, 3, 1, 9), 1, "日", date(2024, 2, 29)),
        (beijing(2026, 2, 24, 9), 1, "工作日", date(2026, 2, 14)),  # back over the Spring Festival to a worked Saturday
        (beijing(2025, 10, 9, 9), 2, "工作日", date(2025, 9, 29)),  # the day before is worked too, a Tuesday
        (beijing(2026, 3, 31, 9), 1, "月", date(2026, 2, 28)),
        (beijing(2024, 2, 29, 9), 1, "年", date(2023, 2, 28)),
    ],
)
def test_counting_backwards(deadline: datetime, length: int, unit: str, last: date) -> None:
    span = periods.count(deadline, length, unit, backwards=True)
    assert span.last_day == last
    moment = periods.before(deadline, length, unit)
    assert legal_day(moment) == last and legal_day(moment + timedelta(microseconds=1)) == last + timedelta(days=1)


def test_wk_07_counted_back_or_forth_is_one_day() -> None:
    """Who tells an amendment on the last lawful day has told it fifteen days before; a second later it is fourteen."""
    deadline = beijing(2026, 3, 23, 9, 30)
    last = periods.before(deadline, 15, "日")
    assert periods.count(last, 15, "日").last_day == legal_day(deadline)
    assert periods.count(last + timedelta(microseconds=1), 15, "日").last_day_begins > deadline


def test_hours_run_from_the_moment_itself() -> None:
    """民法典 201: not from the next day; a holiday neither stops nor moves them."""
    draw = beijing(2026, 2, 15, 20, 30)
    span = periods.count(draw, 24, "小时")
    assert span.over == span.latest == span.last_day_begins == beijing(2026, 2, 16, 20, 30)
    assert periods.before(beijing(2026, 2, 16, 20, 30), 24, "小时") == draw
    assert str(span) == "2026-02-15 +24小时 = 2026-02-16 20:30:00"


@pytest.mark.parametrize(("length", "unit"), [(1, "周"), (1, ""), (-1, "日")])
def test_what_nobody_counts_in_is_our_mistake(length: int, unit: str) -> None:
    with pytest.raises(ValueError, match="no period"):
        periods.count(MORNING, length, unit)


def test_the_derivation_is_told_step_by_step_in_both_languages() -> None:
    span = periods.count(beijing(2025, 11, 15, 9), 3, "月")
    assert str(span) == "2025-11-15 +3月 = 2026-02-15 → 2026-02-24"
    assert messages.derive(span) == (
        "2025-11-15为开始当日，不计入 (《民法典》第二百零一条)；2026-02-15为期间的最后一日 (《民法典》第二百零二条)；"
        "因法定休假日顺延至2026-02-24 (《民法典》第二百零三条)"
    )
    assert "Civil Code, art. 202" in messages.derive(span, "en")
    back = periods.count(beijing(2026, 3, 23, 9), 15, "日", backwards=True)
    assert str(back) == "2026-03-23 -15日 = 2026-03-08"
    assert "2026-03-08" in messages.derive(back) and "2026-03-08" in messages.derive(back, "en")
    assert "2026-02-16" in messages.derive(periods.count(beijing(2026, 2, 15), 24, "小时"), "en")


def test_a_pinned_rulebook_is_asked_like_a_regime() -> None:
    """The periods of a project are those it was announced under, whatever the house's rules say today."""
    book = rulebook.pin(regimes.WORKS, MORNING)
    assert periods.lawful_deadline(book, MORNING) == periods.lawful_deadline(regimes.WORKS, MORNING)
    longer = rulebook.read(
        book.data.replace(
            b'"id":"WK-06","unit":"\xe6\x97\xa5","value":20', b'"id":"WK-06","unit":"\xe6\x97\xa5","value":25'
        )
    )
    assert longer.digest != book.digest
    assert legal_day(periods.lawful_deadline(longer, MORNING)) == date(2026, 3, 27)


days = st.datetimes(datetime(2010, 1, 1), datetime(2026, 6, 1), timezones=st.just(LEGAL_ZONE))  # noqa: DTZ001


@given(days, st.integers(1, 60), st.sampled_from(["日", "工作日"]))
def test_a_period_ends_on_a_working_day_and_never_early(start: datetime, length: int, unit: str) -> None:
    span = periods.count(start, length, unit)
    assert is_working_day(span.last_day)
    assert span.last_day >= legal_day(start) + timedelta(days=length)
    if unit == "工作日":
        between = [span.start + timedelta(days=d) for d in range(1, (span.last_day - span.start).days + 1)]
        assert sum(map(is_working_day, between)) == length


@given(days, st.integers(1, 60))
def test_a_longer_period_never_ends_earlier(start: datetime, length: int) -> None:
    for unit in ("日", "工作日", "月") if start.year < 2021 else ("日", "工作日"):
        assert periods.count(start, length, unit).last_day <= periods.count(start, length + 1, unit).last_day


@given(days, st.integers(0, 60), st.sampled_from(["日", "工作日"]))
def test_forth_and_back_meet(start: datetime, length: int, unit: str) -> None:
    """Counted back from its last day, a period is at its start again; after it where a holiday put the end off, and
    before it where it began on a day that no working day is."""
    span = periods.count(start, length, unit)
    back = periods.count(span.last_day_begins, length, unit, backwards=True)
    if unit == "日":
        assert back.last_day - span.start == span.last_day - span.steps[1].day
    elif is_working_day(span.start) or not length:
        assert back.last_day == span.start
    else:
        assert back.last_day < span.start and is_working_day(back.last_day)


@given(days, st.integers(1, 120))
def test_months_end_on_the_same_day_or_the_last_of_the_month(start: datetime, length: int) -> None:
    first = legal_day(start)
    if first.year + length // 12 >= 2026:
        return
    found = periods.count(start, length, "月").steps[1].day
    assert (found.year * 12 + found.month) - (first.year * 12 + first.month) == length
    assert found.day == first.day or (found.day < first.day and (found + timedelta(days=1)).day == 1)


@given(days, st.integers(0, 24 * 40))
def test_hours_are_exact(start: datetime, length: int) -> None:
    span = periods.count(start, length, "小时")
    assert span.over - start == timedelta(hours=length)
    assert periods.before(span.over, length, "小时") == start


@given(days, st.integers(0, 60), st.sampled_from(["日", "工作日", "月", "小时"]))
def test_the_last_moment_lies_before_the_end(start: datetime, length: int, unit: str) -> None:
    span = periods.count(start, length, unit) if start.year < 2021 else periods.count(start, length % 7, unit)
    assert span.last_day_begins <= span.latest <= span.over
    assert str(span).startswith(span.start.isoformat())
    assert span.steps[-1].day == span.last_day
