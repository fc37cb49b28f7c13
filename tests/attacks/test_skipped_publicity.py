"""The candidates hang for an afternoon: whoever might object learns of the award, and the contract is signed.

In the supervision edition a period that is too short fails unless an alert carries the rule; the public one, which cannot
show alerts, prints it.
"""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Stage
from tests.verify.lives import ranked
from tests.world_tender import Tender


def printed(stage: Stage, tender: Tender, rule: str) -> None:
    """The public edition says so, and does not fail for it."""
    report, other = stage.judge(tender, "public")
    assert report.exit == 0 and other[0] == 0
    assert rule in {note.facts.get("rule") for step in report.steps for note in step.notes}


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
    stage.caught(tender, "V15", "V-PERIOD", editions=["supervision"])
    printed(stage, tender, "WK-38")


def test_published_again_and_counted_from_the_first(stage: Stage) -> None:
    """Other candidates are named after the publicity, and win at once."""
    tender = ranked(stage)
    stage.world.sleep(8)
    tender.rank()
    tender.award()
    tender.finish()
    stage.caught(tender, "V14", "V-SECOND")


def test_an_alert_that_says_so(stage: Stage) -> None:
    """Not hidden from those who must know it."""
    tender = ranked(stage)
    tender.log("alert-raised", sealed=True, alert="T-PERIOD", rule="WK-38")
    tender.award()
    tender.finish()
    stage.honest(tender)
