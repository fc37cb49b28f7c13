"""A deposit is left out of the archive, record, manifest, payload and verdict: as if it had never been."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_missing_record(stage: Stage) -> None:
    tender = stage.bids()
    tender.finish()
    lost = tender.bids[1]
    stage.world.hidden = lambda record: record.body.get("bid") == lost.id
    stage.caught(tender, "V9", "V-CLOSING")


def test_a_refusal_is_left_out(stage: Stage) -> None:
    tender = stage.bids()
    tender.refuse(stage.oak)
    tender.finish()
    stage.world.hidden = lambda record: record.name == "refused"
    stage.caught(tender, "V9", "V-CLOSING")
