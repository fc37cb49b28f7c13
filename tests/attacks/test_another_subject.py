"""A record of the tender stands under another subject, where the tender's serial numbers do not count it."""

from __future__ import annotations

from datetime import timedelta

from audit.canon import stamp
from tests.attacks.conftest import Stage


def test_a_record_that_no_serial_counts(stage: Stage) -> None:
    tender = stage.bids()
    stage.world.log("thing-made", "X", sealed=False, tender=tender.id)
    stage.world.wait()
    tender.finish()
    stage.caught(tender, "V9", "V-RECORD")


def test_a_deadline_moved_under_another_subject(stage: Stage) -> None:
    """It counts as a deadline all the same: what was released before it was released early."""
    tender = stage.bids()
    later = stamp(tender.deadline + timedelta(days=1))
    stage.world.log("deadline-moved", "X", tender=tender.id, deadline=later, reason="clarification", outage=None)
    stage.world.wait()
    tender.finish()
    stage.caught(tender, "V6", "V-EARLY")
