"""One bidder short of the minimum, the operator bids as a firm that never came."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_ghost_bidder(stage: Stage) -> None:
    world = stage.world
    tender = stage.tender(min_bids=3)
    tender.deposit(stage.fir, 92_000_000)
    tender.deposit(stage.oak, 88_000_000)
    tender.deposit(world.bidder("ghost", None), 120_000_000)
    world.forge["closed"] = lambda record: {**record, "opens": True, "reason": ""}
    tender.finish()
    stage.caught(tender, "V9", "V-OPENS")
