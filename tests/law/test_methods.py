"""What a notice may declare of its method, what a seat's sheet is, and who must explain a price."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from audit.canon import canon
from audit.refusal import Refused
from trading import messages
from trading.law import methods, regimes
from trading.law.methods import (
    BENCHMARK,
    COMPREHENSIVE,
    EVALUATED,
    HIGHEST,
    HIGHEST_SCORE,
    LOWEST,
    LOWEST_SCORE,
    Offer,
    Sheet,
)
from trading.law.methods.figures import divided, figure

BENCH = {
    "trim": [{"from": 6, "highest": 1, "lowest": 0}, {"from": 7, "highest": 1, "lowest": 1}],
    "float": "-5",
    "above": "1.2",
    "below": "0.8",
    "floor": "0",
    "base_of": "standing",
}
GOODS: dict[str, Any] = {
    "object": "goods",
    "criteria": [{"id": "technical", "weight": "50", "name": "技术"}, {"id": "service", "weight": "20"}],
    "price": {"formula": LOWEST_SCORE, "weight": "30"},
    "seats": 5,
    "places": 2,
    "ties": ["price", "technical"],
}
WORKS: dict[str, Any] = {**GOODS, "object": None, "drop_from": 5, "ties": []}
MEAN: dict[str, Any] = {"benchmark": BENCH, "places": 2, "ties": ["price"]}
ADJUSTED: dict[str, Any] = {"adjustments": [{"id": "weeks", "max": "10", "fen": 100}], "seats": 5, "ties": []}
LAND: dict[str, Any] = {
    "criteria": [{"id": "plan", "weight": "40"}],
    "price": {"formula": HIGHEST_SCORE, "weight": "60"},
    "seats": 1,
    "places": 2,
    "ties": ["price"],
}
SMALL = {"rate": "10", "field": "small"}
SCHEMA = {"price": {"kind": "fen"}, "small": {"kind": "int", "min": 0, "max": 1}}
BY_SCHEMA = {"price": {"kind": "fen"}}


def refused(
    code: str, method: str, regime: str, parameters: Any, direction: str = "buy", schema: Any = None
) -> Refused:
    with pytest.raises(Refused) as caught:
        methods.check_parameters(method, regimes.regime(regime), direction, parameters, schema)
    assert caught.value.code == code, caught.value.facts
    for lang in ("zh", "en"):
        assert "…" not in messages.tell(caught.value, lang) and caught.value.code not in messages.tell(
            caught.value, lang
        )
    return caught.value


def changed(parameters: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(parameters), **members}


# ---- which regime may have which method


@pytest.mark.parametrize(
    ("method", "regime", "direction", "parameters"),
    [
        (LOWEST, "works", "buy", {}), (LOWEST, "gov", "buy", {"abnormal": {"below_mean": "40"}}),
        (HIGHEST, "property", "sell", {}), (HIGHEST, "land", "sell", {}), (COMPREHENSIVE, "land", "sell", LAND),
        (COMPREHENSIVE, "minerals", "sell", LAND), (COMPREHENSIVE, "works", "buy", WORKS),
        (COMPREHENSIVE, "gov", "buy", GOODS), (EVALUATED, "works", "buy", ADJUSTED), (BENCHMARK, "works", "buy", MEAN),
        (EVALUATED, "gov", "buy", {"adjustments": [], "seats": 0, "ties": ["price"], "small_firm": SMALL}),
        (COMPREHENSIVE, "source-law", "buy", {**GOODS, "seats": 1}),
        (COMPREHENSIVE, "works", "buy", {**WORKS, "price": {"formula": BENCHMARK, "weight": "30", "benchmark": BENCH}}),
    ],
)  # fmt: skip
def test_what_a_notice_may_declare(method: str, regime: str, direction: str, parameters: dict[str, Any]) -> None:
    methods.check_parameters(method, regimes.regime(regime), direction, parameters, SCHEMA)


@pytest.mark.parametrize(
    ("method", "regime", "direction"),
    [
        (BENCHMARK, "gov", "buy"), (BENCHMARK, "source-law", "buy"), (BENCHMARK, "land", "sell"), (HIGHEST, "works", "buy"),
        (LOWEST, "property", "sell"), (COMPREHENSIVE, "property", "sell"), (EVALUATED, "land", "sell"),
        (HIGHEST, "source-law", "buy"), (LOWEST, "source-law", "sell"), ("beauty/v1", "works", "buy"),
    ],
)  # fmt: skip
def test_a_method_that_the_regime_does_not_have(method: str, regime: str, direction: str) -> None:
    refused("E-METHOD", method, regime, MEAN, direction)


def test_gp_37_no_average_and_no_trimming_in_a_government_purchase() -> None:
    bent = changed(GOODS, price={"formula": BENCHMARK, "weight": "30", "benchmark": BENCH})
    error = refused("E-PRICE-FORMULA", COMPREHENSIVE, "gov", bent)
    assert str(error.article) == "《财政部令87号》第五十五条"
    assert refused("E-DROPPED", COMPREHENSIVE, "gov", changed(GOODS, drop_from=5)).article == error.article
    refused("E-DROPPED", COMPREHENSIVE, "land", changed(LAND, drop_from=3), "sell")


@pytest.mark.parametrize(("kind", "least"), [("goods", 30), ("services", 10)])
def test_gp_36_the_price_weighs_enough_at_the_exact_bound(kind: str, least: int) -> None:
    def weighing(price: str) -> dict[str, Any]:
        rest = str(Decimal(100) - Decimal(price))
        weights = {"criteria": [{"id": "technical", "weight": rest}]}
        return changed(GOODS, object=kind, price={"formula": LOWEST_SCORE, "weight": price}, **weights)

    methods.check_parameters(COMPREHENSIVE, regimes.GOV, "buy", weighing(str(least)))
    error = refused("E-PRICE-WEIGHT", COMPREHENSIVE, "gov", weighing(str(Decimal(least) - Decimal("0.0001"))))
    assert "第五十五条" in str(error.article) and str(least) in messages.tell(error)
    methods.check_parameters(COMPREHENSIVE, regimes.WORKS, "buy", weighing("1"))


def test_order_87_54_a_government_price_is_not_adjusted() -> None:
    refused("E-NO-ADJUSTMENT", EVALUATED, "gov", ADJUSTED)


def test_order_87_57_equal_scores_go_by_the_lower_price() -> None:
    for ties in ([], ["technical"], ["technical", "price"]):
        refused("E-TIES", COMPREHENSIVE, "gov", changed(GOODS, ties=ties))


def test_the_small_firm_deduction_is_for_government_alone_and_its_bounds_do_not_block() -> None:
    refused("E-DEDUCTION", COMPREHENSIVE, "works", changed(WORKS, small_firm=SMALL))
    for rate, shown in (("10", ()), ("20", ()), ("9.9", ("N-14",)), ("20.1", ("N-14",)), ("99", ("N-14",))):
        declared = changed(GOODS, small_firm={"rate": rate, "field": "small"})
        methods.check_parameters(COMPREHENSIVE, regimes.GOV, "buy", declared, SCHEMA)
        assert methods.remarks(declared) == shown
    assert methods.remarks(GOODS) == ()
    refused("E-PARAMETERS", COMPREHENSIVE, "gov", changed(GOODS, small_firm=SMALL), schema=BY_SCHEMA)


@pytest.mark.parametrize("seats", [1, 3, 4, 6])
def test_a_committee_is_five_or_more_and_odd(seats: int) -> None:
    refused("E-SEATS", COMPREHENSIVE, "gov", changed(GOODS, seats=seats))
    refused("E-SEATS", COMPREHENSIVE, "works", changed(WORKS, seats=seats))
    methods.check_parameters(COMPREHENSIVE, regimes.LAND, "sell", changed(LAND, seats=seats))


# ---- what is incomplete or means nothing


@pytest.mark.parametrize("missing", ["criteria", "price", "seats", "places", "ties"])
@pytest.mark.parametrize("gone", [True, False])
def test_nothing_is_left_open(missing: str, gone: bool) -> None:
    told = changed(GOODS, **{missing: None})
    error = refused("E-PARAMETERS", COMPREHENSIVE, "gov", {k: v for k, v in told.items() if not gone or k != missing})
    assert error.facts["field"] == missing


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("criteria", {"criteria": [{"id": "technical", "weight": "70.0001"}]}),
        ("criteria", {"criteria": [{"id": "technical", "weight": "69.9999"}]}),
        ("criteria", {"criteria": []}), ("criteria", {"criteria": {}}), ("criteria", {"criteria": [{"id": "t"}]}),
        ("criteria", {"criteria": [{"id": "a", "weight": "35"}, {"id": "a", "weight": "35"}]}),
        ("criteria", {"criteria": [{"id": "price", "weight": "70"}]}),
        ("criteria", {"criteria": [{"id": "技术", "weight": "70"}]}),
        ("criteria", {"criteria": [{"id": "t", "weight": 70}]}), ("criteria", {"criteria": [{"id": "t", "weight": "0"}]}),
        ("criteria", {"criteria": [{"id": "t", "weight": "-70"}]}),
        ("criteria", {"criteria": [{"id": "t", "weight": "7e1"}]}),
        ("price", {"price": {"formula": "mean/v1", "weight": "30"}}), ("price", {"price": {"formula": LOWEST_SCORE}}),
        ("price", {"price": {"formula": LOWEST_SCORE, "weight": "30", "benchmark": BENCH}}),
        ("price", {"price": {"formula": BENCHMARK, "weight": "30"}}),
        ("price", {"price": {"formula": HIGHEST_SCORE, "weight": "30"}}),
        ("seats", {"seats": 0}), ("seats", {"seats": "5"}), ("seats", {"seats": True}), ("seats", {"seats": 101}),
        ("places", {"places": 5}), ("places", {"places": -1}), ("places", {"places": 2.0}),
        ("ties", {"ties": ["price", "price"]}), ("ties", {"ties": ["beauty"]}), ("ties", {"ties": "price"}),
        ("drop_from", {"drop_from": 2}), ("object", {"object": "beauty"}), ("mood", {"mood": 1}),
        ("abnormal", {"abnormal": {}}), ("abnormal", {"abnormal": {"below_mean": "0"}}),
        ("abnormal", {"abnormal": {"below": "40"}}), ("abnormal", {"abnormal": {"below_next": "100"}}),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_with_its_field(field: str, change: dict[str, Any]) -> None:
    error = refused("E-PARAMETERS", COMPREHENSIVE, "works", changed(WORKS, **change))
    assert error.facts["field"] == field


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("trim", {"trim": [{"from": 2, "highest": 1, "lowest": 1}]}), ("trim", {"trim": {}}),
        ("trim", {"trim": [{"from": 7, "highest": 1, "lowest": 1}, {"from": 6, "highest": 1, "lowest": 0}]}),
        ("trim", {"trim": [{"from": 6, "highest": 1, "lowest": 0}, {"from": 6, "highest": 1, "lowest": 1}]}),
        ("trim", {"trim": [{"from": 1, "highest": 0, "lowest": 0}]}), ("trim", {"trim": [{"from": 6}]}),
        ("float", {"float": "-50.1"}), ("float", {"float": "51"}), ("float", {"float": -5}), ("float", {"float": "-0"}),
        ("above", {"above": "-1"}), ("below", {"below": "100.1"}), ("floor", {"floor": "101"}),
        ("base_of", {"base_of": "all"}), ("benchmark", {"more": 1}),
    ],
)  # fmt: skip
def test_a_benchmark_that_means_nothing(field: str, change: dict[str, Any]) -> None:
    error = refused("E-PARAMETERS", BENCHMARK, "works", changed(MEAN, benchmark=changed(BENCH, **change)))
    assert error.facts["field"] == field


@pytest.mark.parametrize(
    "one",
    [
        {"id": "weeks", "max": "10"}, {"id": "weeks", "max": "10", "fen": 1, "percent": "1"}, {"id": "weeks", "fen": 1},
        {"id": "weeks", "max": "0", "fen": 1}, {"id": "weeks", "max": "10", "fen": 0},
        {"id": "weeks", "max": "10", "fen": "1"}, {"id": "weeks", "max": "10", "percent": "100"},
    ],
)  # fmt: skip
def test_an_adjustment_that_means_nothing(one: dict[str, Any]) -> None:
    refused("E-PARAMETERS", EVALUATED, "works", changed(ADJUSTED, adjustments=[one]))


def test_methods_by_price_alone_have_no_parameters() -> None:
    refused("E-PARAMETERS", LOWEST, "works", {"places": 2})
    refused("E-PARAMETERS", HIGHEST, "property", {"abnormal": {"below_mean": "40"}}, "sell")


# ---- figures


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.", ".5", "01", "1e2", "1.00000", "1234567", "１", " 1", "NaN", 1, None]
)
def test_what_is_no_figure(text: object) -> None:
    assert figure(text) is None


def test_half_goes_up_and_a_hair_below_it_does_not() -> None:
    assert divided(Decimal(1), Decimal(2), 0) == 1 and divided(Decimal(5), Decimal(1000), 2) == Decimal("0.01")
    assert divided(Decimal(10**15 // 2 - 1), Decimal(10**15), 0) == 0
    assert f"{divided(Decimal(85), Decimal(1), 4):f}" == "85.0000"


# ---- sheets

TECHNICAL = changed(WORKS, criteria=[{"id": "technical", "weight": "70"}], drop_from=None)


def sheet(seat: int, **points: str) -> Sheet:
    return Sheet("T@1", seat, {bid: {"technical": Decimal(given)} for bid, given in points.items()})


def test_a_sheet_survives_its_bytes() -> None:
    assert sheet(1, a="100.0", b="0") == Sheet.read(sheet(1, a="100.0", b="0").encoded())
    one = sheet(3, b="85.0", a="90")
    assert Sheet.read(one.encoded()) == one
    assert one.plain()["rows"] == [
        {"bid": "a", "points": {"technical": "90"}},
        {"bid": "b", "points": {"technical": "85.0"}},
    ]


ROW = {"bid": "a", "points": {"technical": "85"}}
HONEST = {"type": "trading.sheet/v1", "tender": "T@1", "seat": 1, "rows": [ROW]}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("E-SHEET", {"type": "trading.sheet/v2"}), ("E-SHEET", {"seat": 0}), ("E-SHEET", {"seat": True}),
        ("E-SHEET", {"more": 1}), ("E-SHEET", {"rows": [ROW, ROW]}), ("E-SHEET", {"rows": [{**ROW, "bid": "b"}, ROW]}),
        ("E-SHEET", {"rows": [{"bid": "a"}]}), ("E-SHEET", {"tender": 1}),
        ("E-SHEET-POINTS", {"rows": [{"bid": "a", "points": {"technical": "100.1"}}]}),
        ("E-SHEET-POINTS", {"rows": [{"bid": "a", "points": {"technical": 85}}]}),
        ("E-SHEET-POINTS", {"rows": [{"bid": "a", "points": {"technical": "-1"}}]}),
    ],
)  # fmt: skip
def test_what_is_no_sheet(code: str, change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=code):
        Sheet.read(canon({**HONEST, **change}))


def test_bytes_that_are_no_sheet() -> None:
    for data in (b"", b"{}", b"[]", b"\xff", canon(HONEST) + b" "):
        with pytest.raises(Refused, match="E-SHEET"):
            Sheet.read(data)


def test_every_seat_counts_once_and_rates_everybody() -> None:
    offers = [Offer("a", 100), Offer("b", 200)]
    five = [sheet(seat, a="80", b="90") for seat in range(1, 6)]
    methods.evaluate(COMPREHENSIVE, TECHNICAL, offers, five)
    for wrong in (
        five[:4],
        [*five, sheet(6, a="80", b="90")],
        [*five[:4], five[0]],
        [*five[:4], sheet(6, a="1", b="1")],
    ):
        with pytest.raises(Refused, match="E-SHEETS"):
            methods.evaluate(COMPREHENSIVE, TECHNICAL, offers, wrong)
    with pytest.raises(Refused, match="E-SHEET-GAP"):
        methods.evaluate(COMPREHENSIVE, TECHNICAL, offers, [*five[:4], sheet(5, a="80")])
    methods.evaluate(
        COMPREHENSIVE, TECHNICAL, [offers[0], Offer("b", 200, stands=False)], [*five[:4], sheet(5, a="80")]
    )


def test_a_sheet_is_checked_as_it_is_entered() -> None:
    methods.check_sheet(COMPREHENSIVE, TECHNICAL, sheet(5, a="80", b="90"), ["a", "b"])
    with pytest.raises(Refused, match="E-SHEET-GAP"):
        methods.check_sheet(COMPREHENSIVE, TECHNICAL, sheet(5, a="80"), ["a", "b"])
    with pytest.raises(Refused, match="E-SHEETS"):
        methods.check_sheet(COMPREHENSIVE, TECHNICAL, sheet(6, a="80"), ["a"])
    with pytest.raises(Refused, match="E-SHEET"):
        methods.check_sheet(COMPREHENSIVE, GOODS, Sheet("T@1", 1, {"a": {"beauty": Decimal(1)}}), [])
    with pytest.raises(Refused, match="E-SHEET-POINTS"):
        methods.check_sheet(EVALUATED, ADJUSTED, Sheet("T@1", 1, {"a": {"weeks": Decimal(11)}}), ["a"])


# ---- abnormally low prices (GP-46)


def doubtful(below: dict[str, str], *prices: int) -> list[tuple[str, tuple[str, ...]]]:
    offers = [Offer(bid, price) for bid, price in zip("abcdef", prices, strict=False)]
    return [(doubt.bid, doubt.reasons) for doubt in methods.abnormally_low(LOWEST, {"abnormal": below}, offers)]


def test_gp_46_at_the_exact_threshold_a_price_must_be_explained() -> None:
    assert doubtful({"below_mean": "40"}, 60, 90, 110) == [("a", ("below_mean",))]
    assert doubtful({"below_mean": "40"}, 61, 90, 110) == []
    assert doubtful({"below_next": "30"}, 70, 100, 500) == [("a", ("below_next",)), ("b", ("below_next",))]
    assert doubtful({"below_next": "30"}, 71, 100, 101) == []
    assert doubtful({"below_mean": "40", "below_next": "30"}, 10, 100, 100) == [("a", ("below_mean", "below_next"))]


def test_nobody_is_low_beside_nobody_or_beside_his_equal() -> None:
    assert doubtful({"below_mean": "1"}, 5) == [] and doubtful({"below_next": "1"}, 5, 5) == []
    assert methods.abnormally_low(LOWEST, {}, [Offer("a", 1), Offer("b", 1000)]) == ()
    assert doubtful({"below_next": "30"}, 5, 5, 100) == [], "the next one is his equal"
    rejected = [Offer("a", 1, stands=False), Offer("b", 1000), Offer("c", 1000)]
    assert methods.abnormally_low(LOWEST, {"abnormal": {"below_mean": "1"}}, rejected) == ()


# ---- small firms


def test_only_a_plain_one_in_the_declared_field_says_small() -> None:
    declared = {"small_firm": SMALL}
    assert methods.is_small_firm(declared, {"price": 5, "small": 1})
    for opening in ({"small": 0}, {"small": True}, {"small": "1"}, {}, None, {"other": 1}):
        assert not methods.is_small_firm(declared, opening)
    assert not methods.is_small_firm({}, {"small": 1})


def test_who_decided_it_is_told() -> None:
    offers = [Offer("a", 97000), Offer("b", 100000), Offer("c", 103000)]
    two = changed(MEAN, benchmark=changed(BENCH, trim=[], float="0", above="1", below="0.5"))
    evaluation = methods.evaluate(BENCHMARK, two, offers)
    assert evaluation.ranked[0].bid == "b" and evaluation.decided_by == ("c",)
    assert methods.evaluate(LOWEST, {}, offers).without == {}


def test_a_bid_stands_in_a_ranking_once() -> None:
    with pytest.raises(ValueError):
        methods.evaluate(LOWEST, {}, [Offer("a", 1), Offer("a", 2)])
