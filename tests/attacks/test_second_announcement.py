"""The notice is published a second time, with another baseline."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_second_announcement(stage: Stage) -> None:
    tender = stage.bids()
    tender.baseline = 120_000_000
    tender.log("project-announced", {"kind": "tenderee", "id": "P-TEN"}, **tender.notice())
    tender.baseline = 100_000_000
    stage.world.wait()
    tender.finish()
    stage.caught(tender, "V7", "V-SECOND")
