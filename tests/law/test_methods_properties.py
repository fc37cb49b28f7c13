"""What holds of every evaluation: order does not matter, a lower price is never worse, both programs agree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.canon import canon
from audit.refusal import Refused
from tests import reader  # noqa: F401  (it says where its parts lie)

from tests import reader_methods  # isort: skip
from trading.law import methods, regimes
from trading.law.methods import BENCHMARK, COMPREHENSIVE, EVALUATED, LOWEST_SCORE, Offer, Sheet
from trading.law.methods.evaluating import evaluate_means

BIDS = "abcdefgh"
prices = st.one_of(st.integers(1, 50), st.integers(90_000, 110_000), st.integers(1, 10**15))
figures = st.one_of(st.integers(0, 100).map(str), st.decimals(0, 100, places=4).map(lambda value: f"{value:f}"))
percents = st.decimals("0.0001", "99.9999", places=4).map(lambda value: f"{value:f}")


@st.composite
def benchmarks(draw: st.DrawFn) -> dict[str, Any]:
    starts = sorted(draw(st.sets(st.integers(2, 9), max_size=3)))
    trim = []
    for start in starts:
        highest = draw(st.integers(0, start - 1))
        trim.append({"from": start, "highest": highest, "lowest": draw(st.integers(0, start - 1 - highest))})
    moved = draw(st.integers(-50, 50))
    base_of = draw(st.sampled_from(["standing", "opened"]))
    told = {name: draw(figures) for name in ("above", "below", "floor")}
    return {"trim": trim, "float": str(moved), "base_of": base_of, **told}


@st.composite
def notices(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """A regime, a method and parameters that it may declare."""
    kind = draw(st.sampled_from(["adjusted", "goods", "rated", "benchmark", "mixed"]))
    places, ties = draw(st.integers(0, 4)), draw(st.sampled_from([[], ["price"]]))
    drop = draw(st.sampled_from([None, 3, 5]))
    small = draw(st.none() | percents.map(lambda rate: {"rate": rate, "field": "small"}))
    if kind == "adjusted":
        adjustments = [
            {"id": "weeks", "max": "100", "fen": draw(st.integers(1, 10**9))},
            {"id": "upkeep", "max": "100", "percent": draw(percents)},
        ]
        return "works", EVALUATED, {"adjustments": adjustments, "seats": 5, "ties": ties, "drop_from": drop}
    if kind == "benchmark":
        return "works", BENCHMARK, {"benchmark": draw(benchmarks()), "places": places, "ties": ties}
    weight = draw(st.integers(30, 98))
    first = draw(st.integers(1, 99 - weight))
    criteria = [{"id": "technical", "weight": str(first)}, {"id": "service", "weight": str(100 - weight - first)}]
    price: dict[str, Any] = {"formula": LOWEST_SCORE, "weight": str(weight)}
    told = {"criteria": criteria, "price": price, "seats": 5, "places": places, "ties": [*ties, "service"]}
    if kind == "goods":
        return "gov", COMPREHENSIVE, {**told, "object": "goods", "small_firm": small, "ties": ["price", "technical"]}
    if kind == "mixed":
        price |= {"formula": BENCHMARK, "benchmark": draw(benchmarks())}
    return "works", COMPREHENSIVE, {**told, "drop_from": drop}


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], list[Offer], list[Sheet]]:
    """A notice, its offers, one of them standing at least, and the sheets of its seats."""
    regime, method, parameters = draw(notices())
    count = draw(st.integers(1, len(BIDS)))
    offers = [
        Offer(bid, draw(prices), draw(st.booleans()), number == 0 or draw(st.booleans()) or draw(st.booleans()))
        for number, bid in enumerate(BIDS[:count])
    ]
    rated = [one["id"] for one in parameters.get("criteria", parameters.get("adjustments", []))]
    sheets = [
        Sheet("T@1", seat, {offer.bid: {name: Decimal(draw(figures)) for name in rated} for offer in offers})
        for seat in range(1, parameters.get("seats", 0) + 1)
    ]
    return regime, method, parameters, offers, sheets


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_come_decides_nothing(case: Any, random: Any) -> None:
    _, method, parameters, offers, sheets = case
    told = methods.evaluate(method, parameters, offers, sheets)
    offers, sheets = random.sample(offers, len(offers)), random.sample(sheets, len(sheets))
    assert methods.evaluate(method, parameters, offers, sheets) == told
    assert [one.rank for one in told.ranked] == list(range(1, len(told.ranked) + 1))
    assert {one.bid for one in told.ranked} == {offer.bid for offer in offers if offer.stands}


@given(cases())
def test_two_programs_compute_the_same_bytes(case: Any) -> None:
    regime, method, parameters, offers, sheets = case
    direction = "buy"
    schema = {"small": {"kind": "int", "min": 0, "max": 1}}
    terms = reader_methods.Terms(
        {"method": method, "parameters": parameters, "regime": regime, "direction": direction, "opening_schema": schema}
    )
    plain = [{"bid": o.bid, "price": o.price, "small": o.small_firm, "stands": o.stands} for o in offers]
    given_points = [{row["bid"]: row["points"] for row in sheet.plain()["rows"]} for sheet in sheets]
    mean = reader_methods.means(terms, [o.bid for o in offers if o.stands], given_points)
    theirs = reader_methods.table(terms, "T@1", plain, mean)
    assert canon(theirs) == canon(methods.totals(method, "T@1", methods.evaluate(method, parameters, offers, sheets)))


@given(cases())
def test_the_means_of_the_totals_are_all_that_the_public_needs(case: Any) -> None:
    _, method, parameters, offers, sheets = case
    whole = methods.evaluate(method, parameters, offers, sheets)
    terms = methods.parameters.read(method, parameters)
    means = methods.told_means(terms, methods.totals(method, "T@1", whole))
    assert evaluate_means(method, parameters, offers, means) == whole


@given(cases())
def test_what_is_awarded_is_what_was_offered(case: Any) -> None:
    _, method, parameters, offers, sheets = case
    told = methods.evaluate(method, parameters, offers, sheets)
    assert {one.bid: one.price for one in told.ranked} == {o.bid: o.price for o in offers if o.stands}


@given(cases())
def test_without_says_who_would_win_if_one_had_not_come(case: Any) -> None:
    _, method, parameters, offers, sheets = case
    told = methods.evaluate(method, parameters, offers, sheets)
    for gone, then in told.without.items():
        left = methods.evaluate(method, parameters, [o for o in offers if o.bid != gone], sheets)
        assert then == (left.ranked[0].bid if left.ranked else None)


LOWEST_FIRST = {
    "criteria": [{"id": "technical", "weight": "50"}],
    "price": {"formula": LOWEST_SCORE, "weight": "50"},
    "seats": 1,
    "places": 2,
    "ties": ["price"],
}


def price_parts(offered: list[int]) -> list[Decimal]:
    offers = [Offer(bid, price) for bid, price in zip(BIDS, offered, strict=False)]
    alike = {bid: {"technical": Decimal("80.0000")} for bid in BIDS}
    rows = evaluate_means(COMPREHENSIVE, LOWEST_FIRST, offers, alike).rows
    return [Decimal(row["parts"]["price"]) for row in sorted(rows, key=lambda row: row["bid"])]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), st.integers(1, 10**5))
def test_the_lowest_price_score_knows_no_currency(offered: list[int], factor: int) -> None:
    assert price_parts(offered) == price_parts([price * factor for price in offered])


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=8), st.integers(1, 10**12))
def test_a_lower_price_never_loses_points(offered: list[int], less: int) -> None:
    cheaper = [max(1, offered[0] - less), *offered[1:]]
    assert price_parts(cheaper)[0] >= price_parts(offered)[0]
    assert max(price_parts(offered)) == Decimal("50.00")


@given(cases())
def test_no_total_leaves_its_bounds(case: Any) -> None:
    _, method, parameters, offers, sheets = case
    for row in methods.evaluate(method, parameters, offers, sheets).rows:
        if "total" in row:
            # each share is rounded by itself: three of them may add up to a little more
            assert 0 <= Decimal(row["total"]) <= 100 + 3 * Decimal(1).scaleb(-parameters["places"])
        assert row["price"] >= 1 and row.get("evaluated", 1) >= 1


# ---- what may be declared: both programs draw the same line

JUNK: list[Any] = [
    None, True, 0, 1, 2, 3, 4, 5, 7, 99, 100, -1, 10**15, 10**15 + 1, "", "0", "-0", "1", "5", "30", "100", "101", "-5",
    "-50", "-50.0001", "0.8", "1.20000", "1e1", "price", "technical", "goods", "services", "standing", "opened",
    LOWEST_SCORE,
    "highest-price-score/v1", BENCHMARK, [], ["price"], ["technical"], {}, [{}], {"below_mean": "40"},
    {"below_next": None, "below_mean": "40"}, {"below_next": None}, {"rate": "10", "field": "small"},
    {"rate": "10", "field": "price"}, {"rate": "10", "field": "days"}, {"from": 6, "highest": 1, "lowest": 1},
]  # fmt: skip


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places_in(item, (*path, key)))]


def bent(value: Any, path: tuple[Any, ...], change: str, junk: Any, name: str) -> Any:
    """The value with one place replaced, left out or given a further member."""
    if path:
        key, rest = path[0], path[1:]
        made = dict(value) if isinstance(value, dict) else list(value)
        if not rest and change == "drop":
            del made[key]
        else:
            made[key] = bent(value[key], rest, change, junk, name)
        return made
    return {**value, name: junk} if change == "add" and isinstance(value, dict) else junk


@pytest.mark.slow
@settings(max_examples=600)
@given(st.data())
def test_two_programs_draw_the_same_line(data: st.DataObject) -> None:
    regime, method, parameters = data.draw(notices())
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.sampled_from(places_in(parameters)[1:] or [()]))
        change = data.draw(st.sampled_from(["replace", "drop", "add"]))
        name = data.draw(
            st.sampled_from(["name", "object", "drop_from", "abnormal", "small_firm", "more", "benchmark"])
        )
        parameters = bent(parameters, place, change, data.draw(st.sampled_from(JUNK)), name)
        if not isinstance(parameters, dict):
            parameters = {}
    regime = data.draw(st.sampled_from([regime, regime, regime, "works", "gov", "land", "property", "source-law"]))
    method = data.draw(st.sampled_from([method, method, method, *methods.METHODS]))
    direction = data.draw(st.sampled_from(["buy", "buy", "sell"]))
    schema = {"small": {"kind": "int", "min": 0, "max": 1}, "days": {"kind": "int", "min": 1, "max": 9}}
    try:
        methods.check_parameters(method, regimes.regime(regime), direction, parameters, schema)
        ours = True
    except Refused:
        ours = False
    notice = {"method": method, "parameters": parameters, "regime": regime, "direction": direction}
    try:
        reader_methods.Terms({**notice, "opening_schema": schema})
        theirs = True
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        theirs = False
    assert ours == theirs, (notice, ours)
