"""The cheapest bid is rejected, and wins."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.verify.lives import ranked


def test_award_to_a_rejected_bid(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal()
    offers = tender.offers()
    tender.reject(tender.bids[1])
    tender.rank(offers)
    tender.finish()
    stage.caught(tender, "V14", "V-RANKING")


def test_award_past_the_first_candidate(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal()
    tender.rank()
    tender.award(1)
    tender.finish()
    stage.caught(tender, "V14", "V-WINNER")


def test_award_to_the_second_with_state_money(stage: Stage) -> None:
    """招标投标法实施条例 55: where the state pays, the first candidate wins."""
    tender = ranked(stage)
    stage.world.sleep(8)
    tender.award(1)
    tender.finish()
    stage.caught(tender, "V14", "V-WINNER")


def test_the_tenderee_chooses_without_state_money(stage: Stage) -> None:
    tender = ranked(stage, state_funded=False)
    stage.world.sleep(8)
    tender.award(1)
    tender.finish()
    stage.honest(tender)
