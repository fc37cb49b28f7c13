"""Custodians release before the hour of their key set."""

from __future__ import annotations

from datetime import timedelta

from tests.attacks.conftest import Stage


def test_early_release(stage: Stage) -> None:
    tender = stage.bids(opens_after=timedelta(hours=1))
    tender.finish()
    stage.caught(tender, "V6", "V-EARLY")


def test_back_dated_to_the_hour(stage: Stage) -> None:
    """The records bear the hour; the checkpoints over them do not."""
    tender = stage.bids(opens_after=timedelta(minutes=5))
    hour = tender.opens_at
    stage.world.forge["released"] = lambda record: {**record, "time": f"{hour:%Y-%m-%dT%H:%M:%S.%f}Z"}
    tender.finish()
    stage.caught(tender, "V6", "V-EARLY")
