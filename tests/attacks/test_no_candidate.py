"""An offer meets the reserve price, and the sale fails all the same, because nobody met it: it will be held again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.attacks.test_sold_below_the_reserve import read
from tests.verify.lives import REGIMES
from tests.world_tender import Tender


def failed(stage: Stage, floor: int | None, direction: str = "sell") -> Tender:
    """Three offers of 88, 92 and 95 million, a reserve price, and a failure."""
    regime: dict[str, Any] = REGIMES["property" if direction == "sell" else "works"]
    world, seller = stage.world, stage.world.bidder("seller")
    terms = {**regime, "min_bids": 1, "days": 0, "rules": ["WK-02"] if direction == "buy" else None}
    box: Tender = world.tender("T1", minutes=30, stages=("form",), reserve_of="T1", owner=seller.id, **terms)
    tender: Tender = world.tender("T1", minutes=20, reserve=box.id, **terms)
    for firm, price in zip(stage.firms, (92_000_000, 88_000_000, 95_000_000), strict=True):
        tender.deposit(firm, price)
    if floor is not None:
        box.deposit(seller, floor)
    tender.open()
    read(box)
    tender.fail("no_candidate", "企业国有资产法 55")
    tender.finish()
    return tender


def test_the_control(stage: Stage) -> None:
    stage.honest(failed(stage, 95_000_001))


@pytest.mark.parametrize("floor", [95_000_000, 60_000_000, None], ids=["met", "passed by far", "never sealed"])
def test_somebody_met_it(stage: Stage, floor: int | None) -> None:
    stage.caught(failed(stage, floor), "V15", "V-RESERVE-MET")


def test_a_buyer_has_no_floor(stage: Stage) -> None:
    stage.caught(failed(stage, 99_000_000, "buy"), "V15", "V-RESERVE-MET")
