"""A bid is acknowledged and never counted: its bidder holds a receipt."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_acknowledged_and_never_logged(stage: Stage) -> None:
    world, tender = stage.world, stage.bids()
    with world.held_up():
        lost = tender.deposit(world.bidder("elm"), 70_000_000)
    world.waiting = [record for record in world.waiting if record.name != "deposited"]
    receipt = tender.receipt(lost)
    tender.bids.remove(lost)
    tender.finish()
    stage.caught(tender, "V17", "V-DROPPED", receipts=[receipt])


def test_logged_and_never_listed(stage: Stage) -> None:
    tender = stage.bids()
    lost = tender.deposit(stage.world.bidder("elm"), 70_000_000)
    receipt = tender.receipt(lost)
    tender.bids.remove(lost)
    stage.world.hidden = lambda record: record.body.get("bid") == lost.id
    tender.finish()
    stage.honest(tender)
    stage.caught(tender, "V17", "V-DROPPED", receipts=[receipt])


def test_dropped_from_a_tender_that_stays_shut(stage: Stage) -> None:
    tender = stage.tender(min_bids=2)
    tender.deposit(stage.fir)
    lost = tender.deposit(stage.oak)
    receipt = tender.receipt(lost)
    tender.bids.remove(lost)
    stage.world.hidden = lambda record: record.body.get("bid") == lost.id
    tender.finish()
    stage.caught(tender, "V17", "V-DROPPED", receipts=[receipt])
