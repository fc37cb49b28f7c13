"""CL-01 … CL-04: how every period of the other rows is counted."""

from __future__ import annotations

from datetime import date

from tests.law.rows.books import MOMENT, WORKS, beijing, refused, runs_out
from trading.law import bounds, committee, periods, regimes, remedies, security
from trading.law.rules import RULES


def test_cl_01() -> None:
    """The day of the announcement is not counted, at whatever hour of it: 3 March + 20 is the 23rd, never the 22nd."""
    for issued in (beijing(2026, 3, 3, 0, 0), beijing(2026, 3, 3, 23, 59)):
        span = periods.count(issued, 20, "日")
        assert span.last_day == date(2026, 3, 23)
        assert span.steps[0].article == RULES["CL-01"].article
        periods.keep_deadline(regimes.WORKS, issued, beijing(2026, 3, 23))
        refused("WK-06", "E-PERIOD", periods.keep_deadline, regimes.WORKS, issued, beijing(2026, 3, 23) - MOMENT)


def test_cl_02() -> None:
    """A last day on a Sunday, or in the Spring Festival, moves to the day after the holiday."""
    asked_on_thursday = beijing(2026, 3, 5, 10)
    answer = remedies.answer_due(WORKS, "objection", "documents", asked_on_thursday)
    runs_out("WK-11", answer, beijing(2026, 3, 10))  # Sunday the 8th → Monday the 9th, to its end
    assert answer is not None and answer.span.steps[-1].article == RULES["CL-02"].article
    festival = periods.count(beijing(2026, 2, 12, 9), 3, "日")
    assert (festival.last_day, festival.steps[-1].code) == (date(2026, 2, 24), "D-ROLLED")
    plain = periods.count(beijing(2026, 3, 2, 9), 3, "日")
    assert (plain.last_day, plain.steps[-1].code) == (date(2026, 3, 5), "D-LAST")


def test_cl_03() -> None:
    """A period ends at 24:00 of its last day: a platform has no closing time, so a minute before is still in time."""
    asked_in_the_evening = beijing(2026, 3, 2, 17)
    answer = remedies.answer_due(WORKS, "objection", "documents", asked_in_the_evening)
    runs_out("WK-11", answer, beijing(2026, 3, 6))  # Thursday, to its end
    assert answer is not None and answer.span.over - answer.span.last_day_begins == 24 * 60 * 60 * 10**6 * MOMENT
    assert answer.span.latest == beijing(2026, 3, 6) - MOMENT


def test_cl_04() -> None:
    """“Not less than”, “not more than” include the number itself; “more than” does not."""
    security.check_amount(WORKS, 2_000_000, 100_000_000)
    refused("WK-12", "E-SECURITY-OVER", security.check_amount, WORKS, 2_000_001, 100_000_000)
    assert not committee.must_extend(WORKS, 1, 3) and committee.must_extend(WORKS, 2, 5)
    assert bounds.most(99, 2) == 1, "two per cent of 99 fen are 1.98: 1 fen is lawful, 2 are not"
