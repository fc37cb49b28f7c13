"""One bid is awarded twice, and its gain is booked twice."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_second_award(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal()
    tender.rank()
    tender.award()
    tender.award()
    tender.finish()
    stage.caught(tender, "V14", "V-SECOND")
