"""What is read out is not what was sealed: the price, the ranking, the award and the gain all follow the lie."""

from __future__ import annotations

from dataclasses import replace

from bidding.unseal import Opened
from tests.attacks.conftest import Stage
from tests.world_tender import Bid


def test_changed_price(stage: Stage) -> None:
    tender = stage.bids()
    friend = tender.bids[2]

    def read_out(stage_name: str, bid: Bid, opened: Opened) -> Opened:
        if bid is friend and stage_name == "form":
            return replace(opened, opening={"price": 87_999_999, "days": 90})
        return opened

    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal(read_out)
    tender.finish()
    assert tender.ranked[0].bid == friend.id
    stage.caught(tender, "V11", "V-OPENED-FILE")
