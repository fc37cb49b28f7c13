"""The sealed bytes of one bid are left out, so that nobody can recompute it; or said to be lost."""

from __future__ import annotations

from dataclasses import replace

from bidding.unseal import Opened, Verdict
from tests.attacks.conftest import Stage
from tests.world_tender import Bid


def test_payload_left_out(stage: Stage) -> None:
    tender = stage.bids()
    tender.finish()
    lost = f"bids/{tender.bids[1].id}/form/1/payload"
    stage.caught(
        tender, "V11", "V-MISSING", change=lambda files: {path: data for path, data in files.items() if path != lost}
    )


def test_said_to_be_lost(stage: Stage) -> None:
    """X-STORE is believed only after two authorities have ended the window."""
    tender = stage.bids()
    rival = tender.bids[1]

    def lose(stage_name: str, bid: Bid, opened: Opened) -> Opened:
        if bid is rival and stage_name == "form":
            return replace(opened, verdict=Verdict.X_STORE, opening=None, files=())
        return opened

    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal(lose)
    tender.finish()
    stage.caught(tender, "V11", "V-OPENED-FILE")
