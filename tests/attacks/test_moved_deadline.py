"""The deadline has passed; it is moved, so that a friend may still come."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_moved_deadline(stage: Stage) -> None:
    tender = stage.bids()
    stage.world.until(tender.deadline)
    stage.world.wait(60)
    tender.move(10)
    tender.deposit(stage.world.bidder("elm"), 70_000_000)
    tender.finish()
    stage.caught(tender, "V15", "V-MOVED-LATE")
