"""The deadline has passed; it is moved, so that a friend may still come."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.verify.lives import begun
from tests.world_tender import Tender


def test_moved_deadline(stage: Stage) -> None:
    tender = stage.bids()
    stage.world.until(tender.deadline)
    stage.world.wait(60)
    tender.move(10)
    tender.deposit(stage.world.bidder("elm"), 70_000_000)
    tender.finish()
    stage.caught(tender, "V15", "V-MOVED-LATE")


def halted(stage: Stage) -> tuple[Tender, str]:
    """A supervisor's order over the deadline: nothing is closed, and nothing is taken any more either."""
    tender = begun(stage, "works")
    stage.world.until(tender.deadline - (tender.deadline - stage.world.now) / 10)
    order = tender.suspend()
    stage.world.until(tender.deadline)
    stage.world.wait(60)
    return tender, order


def test_closed_when_the_halt_is_over(stage: Stage) -> None:
    tender, order = halted(stage)
    stage.world.sleep(3)
    tender.lift(order)
    tender.finish()
    stage.honest(tender)


def test_moved_while_everything_waits(stage: Stage) -> None:
    tender, order = halted(stage)
    tender.move(60 * 24)
    tender.lift(order)
    tender.deposit(stage.world.bidder("elm"), 70_000_000)
    tender.finish()
    stage.caught(tender, "V15", "V-MOVED-LATE")


def test_a_bid_taken_while_everything_waits(stage: Stage) -> None:
    tender, order = halted(stage)
    tender.deposit(stage.world.bidder("elm"), 70_000_000)
    tender.lift(order)
    tender.finish()
    stage.caught(tender, "V6", "V-LATE")


def test_moved_in_time_while_everything_waits(stage: Stage) -> None:
    tender = begun(stage, "works")
    order = tender.suspend()
    tender.move(60 * 24 * 5)
    tender.lift(order)
    tender.finish()
    stage.honest(tender)
