"""Who may sit: every reason of draw.md §1, and the days and instants on which it begins and ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from experts.draw import is_expert_id
from experts.eligibility import (
    REASONS,
    Absence,
    RosterRow,
    Tree,
    eligibility,
    recused,
    region_code,
    same_region,
    standing,
    years_before,
)
from experts.person import Employment, Person
from tests.experts.people import TREE, firm, person

AT = datetime(2026, 3, 10, 1, tzinfo=UTC)  # nine in the morning in Beijing
TICK = timedelta(microseconds=1)
BUYER, BIDDER, BODY = firm(1), firm(2), firm(3)
YEARS = 3
tree = Tree({one.code: one.parent for one in TREE})


def row(*codes: str, **more: Any) -> RosterRow:
    facts: dict[str, Any] = {
        "id": "e1", "sealed": b"", "key": "0" * 16, "specialties": tree.above(codes or ("a0801",)), "regions": ("3302",),
        "title": "", "credit": 100, "admitted_at": AT - timedelta(hours=900),
    }  # fmt: skip
    return RosterRow(**{**facts, **more})


def nobody() -> Person:
    raise AssertionError("the row was opened")


def may(row_: RosterRow, wang: Person | None = None, *, need: Any = ("a08",), region: str = "", **more: Any) -> Any:
    opened = (lambda: wang) if wang is not None else nobody
    return eligibility(row_, opened, need, region, AT, more.pop("recuse", ()), years=YEARS, **more)


# ---------------------------------------------------------------------------------------------------------- specialties


def test_whoever_has_the_specialty_or_one_below_it_serves() -> None:
    assert may(row("a0801"), need=("a08",)) == (("a08",), "")
    assert may(row("a08"), need=("a08",)) == (("a08",), "")
    assert may(row("a0801", "b01"), need=("b", "a", "a0801", "a0802")) == (("a", "a0801", "b"), "")


def test_neither_one_above_nor_one_beside_serves() -> None:
    assert may(row("a"), need=("a08",)) == ((), "specialty")
    assert may(row("a0802"), need=("a0801",)) == ((), "specialty")
    assert may(row("b01"), need=()) == ((), "specialty")


def test_a_tree_has_roots_and_no_circle() -> None:
    with pytest.raises(ValueError, match="specialty"):
        Tree({"a": "b", "b": "a"})
    with pytest.raises(ValueError, match="specialty c"):
        Tree({"a": "c"})
    assert tree.above(("a0801", "zz")) == {"a0801", "a08", "a", "zz"}


# -------------------------------------------------------------------------------------------------------------- regions


@pytest.mark.parametrize(
    ("mine", "asked", "fits"),
    [
        ("3302", "3302", True), ("330212", "3302", True), ("33", "3302", True), ("330200", "3302", True),
        ("3302", "330200", True), ("330000", "330212", True), ("3303", "3302", False), ("34", "3302", False),
        ("3302", "3", True), ("330212", "330213", False), ("10", "1000", True),
    ],
)  # fmt: skip
def test_a_region_holds_what_lies_in_it(mine: str, asked: str, fits: bool) -> None:
    assert same_region(mine, asked) is fits
    assert may(row(regions=(mine,)), region=asked)[1] == ("" if fits else "region")


def test_without_a_region_asked_everybody_fits_and_with_one_nobody_without() -> None:
    assert may(row(regions=()))[1] == "" and may(row(regions=()), region="3302")[1] == "region"
    assert may(row(regions=("44", "3302")), region="3302")[1] == ""
    assert region_code("100000") == "10" and region_code("00") == "00"


# ------------------------------------------------------------------------------------------------- leave and suspension


@pytest.mark.parametrize(("kind", "reason"), [("leave", "leave"), ("suspended", "suspended")])
def test_an_absence_begins_with_its_first_instant_and_ends_before_its_last(kind: str, reason: str) -> None:
    def with_(since: datetime, until: datetime | None) -> str:
        return str(may(row(absences=(Absence(kind, since, until),)))[1])

    assert with_(AT, None) == reason and with_(AT + TICK, None) == ""
    assert with_(AT - TICK, AT + TICK) == reason and with_(AT - TICK, AT) == ""
    assert with_(AT, AT + TICK) == reason


def test_whoever_was_removed_is_so_whenever_that_was() -> None:
    for moment in (AT - TICK, AT, AT + timedelta(hours=99)):
        assert may(row(removed_at=moment, absences=(Absence("suspended", AT),)))[1] == "removed"


def test_the_reasons_come_in_the_order_of_the_text() -> None:
    away = (Absence("leave", AT), Absence("suspended", AT))
    wrong = {"need": ("b",), "region": "44"}
    assert may(row(absences=away, removed_at=AT), **wrong)[1] == "removed"
    assert may(row(absences=away), **wrong)[1] == "suspended"
    assert may(row(absences=away[:1]), **wrong)[1] == "leave"
    assert may(row(), **wrong)[1] == "specialty"
    assert may(row(), region="44")[1] == "region"
    both = person(1, employers=(Employment(BUYER, date(2020, 1, 1)),), kin=(BUYER,), interests=(BUYER,))
    assert may(row(), both, recuse={BUYER}, supervisors={BUYER})[1] == "employer"
    assert set(REASONS) == {
        "removed", "suspended", "leave", "specialty", "region", "employer", "kin", "interest", "supervisor", "declared",
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------------------- recusal


def employed(since: date, until: date | None, by: str = BUYER) -> Person:
    return person(1, employers=(Employment(firm(50), date(2000, 1, 1)), Employment(by, since, until)))


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (date(2026, 3, 10), None, "employer"),  # begins on the day
        (date(2026, 3, 11), None, ""),  # begins the day after
        (date(2000, 1, 1), None, "employer"),
        (date(2000, 1, 1), date(2026, 3, 9), "employer"),
        (date(2000, 1, 1), date(2023, 3, 10), "employer"),  # three years ago to the day
        (date(2000, 1, 1), date(2023, 3, 9), ""),  # a day longer ago
        (date(2023, 3, 10), date(2023, 3, 10), "employer"),  # a single day
    ],
)
def test_an_employment_counts_three_years_longer_than_it_lasts(since: date, until: date | None, reason: str) -> None:
    assert recused(employed(since, until), AT, {BUYER}, years=YEARS) == reason
    assert recused(employed(since, until), AT, {BIDDER}, years=YEARS) == ""


def test_the_law_says_how_many_years() -> None:
    wang = employed(date(2000, 1, 1), date(2023, 3, 9))
    assert [recused(wang, AT, {BUYER}, years=years) for years in (0, 2, 3, 4)] == ["", "", "", "employer"]
    assert recused(employed(date(2000, 1, 1), date(2026, 3, 10)), AT, {BUYER}, years=0) == "employer"


def test_the_day_is_that_of_beijing() -> None:
    wang = employed(date(2000, 1, 1), date(2023, 3, 10))
    evening = datetime(2026, 3, 10, 15, 59, 59, tzinfo=UTC)
    assert recused(wang, evening, {BUYER}, years=YEARS) == "employer"
    assert recused(wang, evening + timedelta(seconds=1), {BUYER}, years=YEARS) == ""  # midnight there
    elsewhere = evening.astimezone(timezone(timedelta(hours=-8)))
    assert recused(wang, elsewhere, {BUYER}, years=YEARS) == "employer"


def test_a_leap_day_three_years_ago_is_the_last_of_february() -> None:
    assert years_before(date(2028, 2, 29), 3) == date(2025, 2, 28)
    assert years_before(date(2028, 2, 29), 4) == date(2024, 2, 29)
    leap = datetime(2028, 2, 29, 4, tzinfo=UTC)
    assert recused(employed(date(2000, 1, 1), date(2025, 2, 28)), leap, {BUYER}, years=YEARS) == "employer"
    assert recused(employed(date(2000, 1, 1), date(2025, 2, 27)), leap, {BUYER}, years=YEARS) == ""


def test_kin_and_interest_are_recused_from_whatever_they_declared() -> None:
    assert may(row(), person(1, kin=(BIDDER,)), recuse={BUYER, BIDDER})[1] == "kin"
    assert may(row(), person(1, interests=(BIDDER,)), recuse={BUYER, BIDDER})[1] == "interest"
    assert may(row(), person(1, kin=(BIDDER,), interests=(BIDDER,)), recuse={BUYER}) == (("a08",), "")


def test_a_supervisors_own_staff_does_not_sit_but_whoever_has_left_it_may() -> None:
    now, gone = employed(date(2020, 1, 1), None, BODY), employed(date(2020, 1, 1), date(2026, 3, 9), BODY)
    last_day, tomorrow = employed(date(2020, 1, 1), date(2026, 3, 10), BODY), employed(date(2026, 3, 11), None, BODY)
    found = [may(row(), who, supervisors={BODY})[1] for who in (now, last_day, gone, tomorrow)]
    assert found == ["supervisor", "supervisor", "", ""]
    assert may(row(), gone, recuse={BODY})[1] == "employer"  # unless it is a party as well


def test_nothing_is_opened_where_the_row_says_no_or_nobody_is_to_be_recused_from() -> None:
    for no in (row(removed_at=AT), row(absences=(Absence("leave", AT),)), row("b"), row(regions=("44",))):
        assert may(no, region="3302", recuse={BUYER})[0] == ()  # `nobody` would raise
    assert may(row())[1] == ""
    with pytest.raises(AssertionError, match="opened"):
        may(row(), recuse={BUYER})
    assert standing(row(), ("a08",), "", AT) == (("a08",), "")


def test_a_row_shows_its_id_alone() -> None:
    assert repr(row(sealed=b"secret")) == "<RosterRow e1>" and is_expert_id("e1")
