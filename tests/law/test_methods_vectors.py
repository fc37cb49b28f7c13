"""Evaluations worked by hand (tests/vectors/methods.json): the platform and the second reader compute them both."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audit.canon import canon
from tests import reader_methods
from trading.law import methods, regimes
from trading.law.methods import Offer, Sheet

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "methods.json").read_text(encoding="utf-8")
)["vectors"]
SCHEMA = {"price": {"kind": "fen"}, "small": {"kind": "int", "min": 0, "max": 1}}


def expected(vector: dict[str, Any]) -> dict[str, Any]:
    told = {"method": vector["method"], "rows": vector["rows"], "tender": "T@1"}
    return told | {name: vector[name] for name in ("base", "without") if name in vector}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['method']}: {v['name']}")
def test_the_platform_computes_what_was_worked_by_hand(vector: dict[str, Any]) -> None:
    method, parameters = vector["method"], vector["parameters"]
    methods.check_parameters(method, regimes.regime(vector["regime"]), vector["direction"], parameters, SCHEMA)
    offers = [Offer(**offer) for offer in vector["offers"]]
    sheets = [
        Sheet(
            "T@1",
            told["seat"],
            {b: {c: Decimal(p) for c, p in given.items()} for b, given in told["points"].items()},
        )
        for told in vector["sheets"]
    ]
    evaluation = methods.evaluate(method, parameters, offers, sheets)
    assert methods.totals(method, "T@1", evaluation) == expected(vector)
    assert [one.bid for one in evaluation.ranked] == [row["bid"] for row in vector["rows"]]
    prices = {offer.bid: offer.price for offer in offers}
    assert all(one.price == prices[one.bid] for one in evaluation.ranked), "what is awarded is what was offered"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['method']}: {v['name']}")
def test_the_second_reader_computes_the_same_bytes(vector: dict[str, Any]) -> None:
    notice = {name: vector[name] for name in ("method", "parameters", "regime", "direction")}
    terms = reader_methods.Terms({**notice, "opening_schema": SCHEMA})
    offers = [
        {"bid": o["bid"], "price": o["price"], "small": o.get("small_firm", False), "stands": o.get("stands", True)}
        for o in vector["offers"]
    ]
    standing = [o["bid"] for o in offers if o["stands"]]
    mean = reader_methods.means(terms, standing, [told["points"] for told in vector["sheets"]])
    assert canon(reader_methods.table(terms, "T@1", offers, mean)) == canon(expected(vector))


def test_every_method_has_three_and_each_shows_its_working() -> None:
    for method in methods.METHODS:
        assert sum(vector["method"] == method for vector in VECTORS) >= 3, method
    assert all(vector["working"] for vector in VECTORS)
