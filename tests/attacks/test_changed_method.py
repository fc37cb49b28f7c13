"""The notice says how bids are ranked; when the prices are known, something else is done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.verify.lives import RATED, begun, opened
from tests.world_tender import Tender
from trading.law.methods import evaluate

RULES: dict[str, Any] = {"method": "comprehensive/v1", "parameters": RATED}


def scored(stage: Stage, **terms: Any) -> Tender:
    """Ash's bid is the dearest and the best."""
    tender = opened(stage, "works", **{**RULES, **terms})
    for seat in range(1, 6):
        tender.score(seat, lambda seat, bid, criterion: "95" if bid is tender.bids[2] else "60")
    stage.world.wait()
    return tender


def ranked_by(tender: Tender, method: str, parameters: dict[str, Any]) -> None:
    """Rank by something else than what the notice says, and say it were that."""
    sheets = [] if method == "lowest-price/v1" else [tender.sheets[seat] for seat in sorted(tender.sheets)]
    other = evaluate(method, parameters, tender.offers(), sheets)
    tender.report()
    tender.rank(evaluation=other)


def test_the_control(stage: Stage) -> None:
    tender = scored(stage)
    tender.finish()
    assert tender.ranked[0].bid == tender.bids[2].id
    stage.honest(tender)


def test_ranked_by_price_alone(stage: Stage) -> None:
    tender = scored(stage)
    ranked_by(tender, "lowest-price/v1", {})
    tender.finish()
    assert tender.ranked[0].bid == tender.bids[1].id
    stage.caught(tender, "V14", "V-TOTALS", editions=["public"])
    stage.caught(tender, "V14", "V-RANKING", editions=["supervision"])


def test_other_weights(stage: Stage) -> None:
    tender = scored(stage)
    weights = [{"id": "technical", "weight": "5"}, {"id": "performance", "weight": "5"}]
    ranked_by(
        tender,
        "comprehensive/v1",
        {**RATED, "criteria": weights, "price": {"formula": "lowest-price-score/v1", "weight": "90"}},
    )
    tender.finish()
    stage.caught(tender, "V14", "V-RANKING")


def test_another_price_formula(stage: Stage) -> None:
    """Nearness to a mean instead of the lowest price."""
    mean = {"trim": [], "float": "0", "above": "1", "below": "1", "floor": "0", "base_of": "standing"}
    price = {"formula": "benchmark-mean/v1", "weight": "40", "benchmark": mean}
    tender = scored(stage)
    ranked_by(tender, "comprehensive/v1", {**RATED, "price": price})
    tender.finish()
    stage.caught(tender, "V14", "V-RANKING")


def test_another_tie_break(stage: Stage) -> None:
    """Two bids score alike; the notice lets the price decide, the ranking lets a criterion."""
    parameters = {**RATED, "ties": ["performance"]}
    tender = scored(stage, parameters={**RATED, "places": 0})
    ranked_by(tender, "comprehensive/v1", {**parameters, "places": 4})
    tender.finish()
    stage.caught(tender, "V14", "V-TOTALS")


def test_a_second_notice_of_the_parameters(stage: Stage) -> None:
    """What the notice declared cannot be declared again."""
    tender = scored(stage)
    tender.log("project-announced", **{**tender.notice(), "parameters": {**RATED, "places": 4}})
    tender.finish()
    stage.caught(tender, "V7", "V-SECOND")


@pytest.mark.parametrize(
    ("regime", "parameters"),
    [
        ("gov", {**RATED, "object": "goods", "drop_from": 5}),
        ("gov", {**RATED, "object": "goods", "ties": ["technical"]}),
        (
            "gov",
            {
                **RATED,
                "object": "goods",
                "criteria": [{"id": "technical", "weight": "71"}],
                "price": {"formula": "lowest-price-score/v1", "weight": "29"},
            },
        ),
        ("works", {**RATED, "seats": 4}),
    ],
    ids=["best and worst dropped", "ties by a criterion", "price below thirty per cent", "an even panel"],
)
def test_parameters_no_notice_may_have(stage: Stage, regime: str, parameters: dict[str, Any]) -> None:
    tender = begun(stage, regime, method="comprehensive/v1", parameters=parameters)
    tender.finish()
    stage.caught(tender, "V14", "V-PARAMETERS")


def test_a_method_the_regime_does_not_have(stage: Stage) -> None:
    """State property goes to the price, not to the beauty of the buyer."""
    sale = {**RATED, "price": {"formula": "highest-price-score/v1", "weight": "40"}}
    tender = begun(stage, "property", method="comprehensive/v1", parameters=sale)
    tender.finish()
    stage.caught(tender, "V14", "V-METHOD")
