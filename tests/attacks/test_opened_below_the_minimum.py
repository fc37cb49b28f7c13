"""Two bids where three are needed, and the closing says that it opens."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_opened_below_the_minimum(stage: Stage) -> None:
    tender = stage.tender(min_bids=3)
    tender.deposit(stage.fir, 92_000_000)
    tender.deposit(stage.oak, 88_000_000)
    stage.world.forge["closed"] = lambda record: {**record, "opens": True, "reason": ""}
    tender.finish()
    stage.caught(tender, "V9", "V-OPENS")
