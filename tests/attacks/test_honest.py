"""The control of every attack: the same stories without the cheat are accepted by both verifiers."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_a_tender_that_opens(stage: Stage) -> None:
    tender = stage.bids()
    tender.finish()
    stage.honest(tender, receipts=[tender.receipt(bid) for bid in tender.bids])


def test_a_tender_that_stays_shut(stage: Stage) -> None:
    tender = stage.tender(min_bids=4)
    bid = tender.deposit(stage.fir)
    tender.finish()
    stage.honest(tender, receipts=[tender.receipt(bid)])


def test_a_sale_to_the_highest_bidder(stage: Stage) -> None:
    tender = stage.bids(direction="sell", baseline=80_000_000)
    tender.finish()
    assert tender.ranked[0].price == 95_000_000
    stage.honest(tender)


def test_one_stage_and_no_baseline(stage: Stage) -> None:
    tender = stage.bids(stages=("form",), baseline=None)
    tender.finish()
    stage.honest(tender)


def test_everything_public(stage: Stage) -> None:
    tender = stage.bids(public=("form", "documents"))
    tender.finish()
    stage.honest(tender)


def test_a_replacement_and_a_withdrawal(stage: Stage) -> None:
    tender = stage.bids()
    tender.deposit(stage.fir, 85_000_000, bid=tender.bids[0])
    tender.withdraw(tender.bids[1])
    tender.deposit(stage.oak, 84_000_000)
    tender.finish()
    stage.honest(tender, receipts=[tender.receipt(tender.bids[0], seq=1)])


def test_a_custodian_who_does_not_come(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    tender.release("C-NOT")
    tender.finish()
    stage.honest(tender)


def test_a_deadline_moved_in_time(stage: Stage) -> None:
    tender = stage.bids()
    tender.move(5)
    tender.finish()
    stage.honest(tender)
