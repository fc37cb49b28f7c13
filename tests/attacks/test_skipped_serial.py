"""A public record of the tender is kept back, and the next one takes up the count after it."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_skipped_serial(stage: Stage) -> None:
    tender = stage.bids()
    stage.world.serials["serial", tender.id] += 1
    tender.finish()
    stage.caught(tender, "V9", "V-SERIAL")


def test_a_reading_kept_from_the_supervisor(stage: Stage) -> None:
    tender = stage.bids()
    tender.log("deposits-read", bidder=stage.oak.id)
    stage.world.hidden = lambda record: record.name == "deposits-read"
    tender.finish()
    stage.caught(tender, "V9", "V-SERIAL", editions=["supervision"])
