"""A bid comes after the deadline; its record says a minute before. The checkpoint over it cannot."""

from __future__ import annotations

from datetime import timedelta

from tests.attacks.conftest import Stage


def test_back_dated_late_bid(stage: Stage) -> None:
    world, tender = stage.world, stage.bids()
    elm = world.bidder("elm")
    world.until(tender.deadline + timedelta(minutes=6))
    now = world.now
    world.back(tender.deadline - timedelta(minutes=1))
    with world.held_up():
        tender.deposit(elm, 70_000_000)
    world.back(now)
    world.wait()
    tender.finish()
    stage.caught(tender, "V6", "V-LATE")
