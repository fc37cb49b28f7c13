"""The notice names a method that nobody can compute, and the tenderee's friend wins by it, at any price."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_method_nobody_knows(stage: Stage) -> None:
    stage.world.forge["project-announced"] = lambda record: {**record, "method": "friends-first/v1"}
    tender = stage.bids()
    stage.world.forge["awarded"] = lambda record: {**record, "price": 1, "gain": tender.baseline - 1}
    tender.finish()
    stage.caught(tender, "V14", "V-METHOD")


def test_selling_to_whoever_pays_least(stage: Stage) -> None:
    stage.world.forge["project-announced"] = lambda record: {**record, "direction": "sell"}
    tender = stage.bids()
    stage.world.forge["awarded"] = lambda record: {
        **record,
        "formula": "price-minus-baseline/v1",
        "gain": record["price"] - record["baseline"],
    }
    tender.finish()
    stage.caught(tender, "V14", "V-METHOD")
