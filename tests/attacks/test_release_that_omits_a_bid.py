"""A custodian's release leaves out one bid of the list."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_release_that_omits_a_bid(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    tender.release("C-TEN")
    tender.release("C-NOT", omit=[tender.bids[1].id])
    tender.finish()
    stage.caught(tender, "V10", "E-RELEASE")
