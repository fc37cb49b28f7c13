"""The candidates hang for an afternoon: whoever might object learns of the award, and the contract is signed.

A shortest period protects others, and the platform refuses what would break it: both editions fail, and a sealed alert that
tells the supervisor of it excuses nothing (log.md §8, "A period that is not kept").
"""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Stage
from tests.verify.lives import ranked


def test_the_control(stage: Stage) -> None:
    tender = ranked(stage)
    tender.finish()
    stage.honest(tender)


@pytest.mark.parametrize("days", [0, 1, 2, 3])
def test_awarded_while_the_candidates_hang(stage: Stage, days: int) -> None:
    tender = ranked(stage)
    stage.world.sleep(days)
    tender.award()
    tender.finish()
    stage.caught(tender, "V15", "V-PERIOD")


def test_published_again_and_counted_from_the_first(stage: Stage) -> None:
    """Other candidates are named after the publicity, and win at once."""
    tender = ranked(stage)
    stage.world.sleep(8)
    tender.rank()
    tender.award()
    tender.finish()
    stage.caught(tender, "V14", "V-SECOND")


@pytest.mark.parametrize("days", [0, 3])
def test_an_alert_is_no_leave(stage: Stage, days: int) -> None:
    """One sealed line to the supervisor, and nobody was given the days to object."""
    tender = ranked(stage)
    stage.world.sleep(days)
    tender.log("alert-raised", sealed=True, alert="T-PERIOD", rule="WK-38")
    tender.award()
    tender.finish()
    stage.caught(tender, "V15", "V-PERIOD")
