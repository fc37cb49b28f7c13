"""The cheapest bid is rejected, and nobody says by which article."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Stage


@pytest.mark.parametrize("field", ["article", "reason"])
def test_rejected_for_nothing(stage: Stage, field: str) -> None:
    stage.world.forge["bid-rejected"] = lambda record: {**record, field: ""}
    tender = stage.bids()
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal()
    tender.reject(tender.bids[1])
    tender.finish()
    stage.caught(tender, "V15", "V-RECORD")
