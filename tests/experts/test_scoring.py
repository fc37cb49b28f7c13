"""What a seat signs, gives and is told, as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canon import parse
from audit.refusal import Refused
from experts import attendance, scoring
from experts.attendance import EXPERT, TENDEREE, Attended, Fees
from experts.scoring import Scale, Statistics

TENDER = "2026-000001-01@16"
A, B = "a" * 32, "b" * 32
SCALES = {"technical": Scale(Decimal(100)), "delay": Scale(Decimal(8), found=True)}


def marks(*points: str, name: str = "technical", bid: str = A) -> dict[int, dict[str, dict[str, Decimal]]]:
    return {seat: {bid: {name: Decimal(text)}} for seat, text in enumerate(points, 1)}


# ---------------------------------------------------------------------------------------------------------------- codes


def test_a_code_is_read_however_it_is_typed() -> None:
    assert scoring.read_code(" abcd-2345\n") == scoring.read_code("ABCD 2345") == "ABCD2345"
    assert not set(scoring.ALPHABET) & set("01IO") and len(set(scoring.ALPHABET)) == 32


def test_what_is_signed_names_code_and_key() -> None:
    one = scoring.check_in_bytes("ABCD2345", bytes(32))
    assert one == scoring.check_in_bytes("abcd-2345", bytes(32))
    assert one != scoring.check_in_bytes("ABCD2346", bytes(32)) and one != scoring.check_in_bytes(
        "ABCD2345", b"\1" * 32
    )


# --------------------------------------------------------------------------------------------------------------- labels


def test_labels_go_on_after_z() -> None:
    found = list(scoring.labels(b"", [f"{n:032x}" for n in range(703)], blind=False))
    assert (found[0], found[25], found[26], found[701], found[702]) == ("A", "Z", "AA", "ZZ", "AAA")


def test_blind_each_seat_has_an_order_of_its_own() -> None:
    bids = [f"{n:032x}" for n in range(12)]
    orders = {tuple(scoring.labels(bytes([seat]), bids, blind=True).values()) for seat in range(9)}
    assert len(orders) == 9 and all(sorted(order) == bids for order in orders)
    assert scoring.labels(b"\1", bids, blind=True) == scoring.labels(b"\1", reversed(bids), blind=True)
    assert len({tuple(scoring.labels(bytes([seat]), bids, blind=False).values()) for seat in range(9)}) == 1


# -------------------------------------------------------------------------------------------------------------- reasons


@pytest.mark.parametrize(
    ("name", "points", "extreme"),
    [
        ("technical", "59.9999", True), ("technical", "60", False), ("technical", "90", False),
        ("technical", "90.0001", True), ("technical", "0", True), ("delay", "0", False), ("delay", "0.5", True),
    ],
)  # fmt: skip
def test_an_extreme_mark_says_why(name: str, points: str, extreme: bool) -> None:
    given = {A: {name: Decimal(points)}}
    scoring.check_reasons(given, SCALES, {(A, name)})
    if extreme:
        with pytest.raises(Refused, match="E-SCORE-REASON"):
            scoring.check_reasons(given, SCALES, ())
    else:
        scoring.check_reasons(given, SCALES, ())


def test_a_reason_is_for_something_that_was_rated() -> None:
    with pytest.raises(Refused, match="E-REASONS"):
        scoring.check_reasons({A: {"technical": Decimal(70)}}, SCALES, {(B, "technical")})


def test_reasons_are_one_paper_of_one_seat() -> None:
    data = scoring.write_reasons(TENDER, 3, {(B, "technical"): "方案有重大缺陷", (A, "technical"): "=SUM(1)"})
    assert list(scoring.read_reasons(data, TENDER, 3)) == [(A, "technical"), (B, "technical")]
    for tender, seat in ((TENDER, 2), ("other@1", 3)):
        with pytest.raises(Refused, match="E-REASONS"):
            scoring.read_reasons(data, tender, seat)
    for bad in (b"", b"[]", data + b" ", data.replace(b'"seat":3', b'"seat":"3"')):
        with pytest.raises(Refused, match="E-REASONS"):
            scoring.read_reasons(bad, TENDER, 3)
    for text in (" ", "x" * 1001, "a\tb"):
        with pytest.raises(Refused, match="E-REASONS"):
            scoring.read_reasons(scoring.write_reasons(TENDER, 3, {(A, "technical"): text}), TENDER, 3)


# ----------------------------------------------------------------------------------------------------------- statistics


def outliers(*points: str) -> list[int]:
    return [one.seat for one in scoring.statistics(marks(*points), SCALES).outliers]


def test_a_mark_stands_out_by_its_distance_from_the_median() -> None:
    assert outliers("80", "82", "81", "79", "20") == [5]
    assert outliers("80", "80", "80", "80", "85") == []  # not by 5 of 100
    assert outliers("80", "80", "80", "80", "85.01") == [5]
    assert outliers("20", "40", "60", "80", "90.5") == [1, 5]  # a panel of five minds: by more than 30 of 100
    assert outliers("50", "70") == []


def test_a_seat_that_marks_lower_than_the_others_leans() -> None:
    found = scoring.statistics(marks("80", "80", "80", "80", "60"), SCALES)
    assert [(one.seat, str(one.lean), str(one.spread)) for one in found.leans] == [
        (1, "4.00", "4.00"), (2, "4.00", "4.00"), (3, "4.00", "4.00"), (4, "4.00", "4.00"), (5, "-16.00", "16.00"),
    ]  # fmt: skip


def test_what_one_seat_did_not_rate_is_not_compared() -> None:
    sheets = {1: {A: {"technical": Decimal(10)}, B: {"technical": Decimal(80)}}, 2: {B: {"technical": Decimal(80)}}}
    found = scoring.statistics(sheets, SCALES)
    assert found.outliers == () and {str(one.lean) for one in found.leans} == {"0.00"}
    assert scoring.statistics({}, SCALES) == Statistics()


@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=9))
def test_leans_cancel_out(numbers: list[int]) -> None:
    points = [f"{n // 10000}.{n % 10000:04d}" for n in numbers]
    found = scoring.statistics(marks(*points), SCALES)
    exact = [Fraction(n, 10000) for n in numbers]
    mean = sum(exact) / len(exact)
    for one, value in zip(found.leans, exact, strict=True):
        assert abs(Fraction(one.lean) - (value - mean)) <= Fraction(1, 200)
        assert one.spread == abs(one.lean)


# --------------------------------------------------------------------------------------------------------------- report


def test_the_same_facts_are_the_same_report() -> None:
    seats = [{"seat": n, "side": "expert", "sheet": None, "reasons": None} for n in (2, 1)]
    rejected = [{"bid": b, "reason": "x", "article": "y"} for b in (B, A)]
    found = scoring.statistics(marks("80", "20"), SCALES)
    one = scoring.report(TENDER, "d" * 32, "m/v1", totals=None, rejected=rejected, found=found, seats=seats)
    two = scoring.report(TENDER, "d" * 32, "m/v1", totals=None, rejected=rejected[::-1], found=found, seats=seats[::-1])
    assert one == two and scoring.read_report(one) == parse(one)
    for bad in (b"", b"{}", b"[]"):
        with pytest.raises(Refused, match="E-REPORT-PAPER"):
            scoring.read_report(bad)


# ----------------------------------------------------------------------------------------------------------- attendance

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
FEES = Fees(hours=4, first=50_000, further=10_000, excused=8_000)


@pytest.mark.parametrize(
    ("side", "minutes", "conflict", "hours", "fee"),
    [
        (EXPERT, 1, False, 1, 50_000), (EXPERT, 240, False, 4, 50_000), (EXPERT, 241, False, 5, 60_000),
        (EXPERT, 20, True, 1, 8_000), (TENDEREE, 500, False, 9, 0), (EXPERT, 0, False, 0, 50_000),
    ],
)  # fmt: skip
def test_the_fee_follows_the_declared_rule(side: str, minutes: int, conflict: bool, hours: int, fee: int) -> None:
    one = Attended(1, side, START, START + timedelta(minutes=minutes), conflict)
    line = one.line(FEES)
    assert (line["hours"], line["fee"]) == (hours, fee)


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", '=HYPERLINK("x")']
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert attendance.harmless(text).startswith("'")
    assert attendance.harmless(text)[1:] == text


def test_a_list_is_rows_as_everybody_reads_them() -> None:
    data = attendance.sheet(["seat", "fee"], [[1, -5], ['a,"b"', START]])
    assert data == b'\xef\xbb\xbfseat,fee\r\n1,-5\r\n"a,""b""",2026-03-02T09:00:00+00:00\r\n'
