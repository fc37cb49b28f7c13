"""A custodian gave a false share; opening and log keep silent about it."""

from __future__ import annotations

from dataclasses import replace

from tests.attacks.conftest import Stage


def test_finding_hidden(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    tender.release("C-TEN")
    tender.release("C-NOT", lie=[tender.bids[0].id])
    tender.unseal(lambda stage_name, bid, opened: replace(opened, findings=()))
    tender.finish()
    stage.caught(tender, "V11", "V-OPENED-FILE")
