"""A bid is taken after the deadline, and the closing waits for it."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_late_bid(stage: Stage) -> None:
    tender = stage.bids()
    stage.world.until(tender.deadline)
    stage.world.wait()
    tender.deposit(stage.world.bidder("elm"), 70_000_000)
    tender.finish()
    stage.caught(tender, "V6", "V-LATE")
