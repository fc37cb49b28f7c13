"""What the law wants done in days is done in months, and no alert tells those who supervise.

A longest period stops nobody: the act goes on, and an `alert-raised` carries the rule's id. The supervision edition fails
without one; the public edition, which cannot show alerts, prints it. Holidays are nobody's fault here: a verifier has no
calendar and grants ten days more.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.attacks.conftest import Stage
from tests.verify.lives import awarded, opened, ranked
from tests.world_tender import Tender

Late = Callable[[Stage], Tender]


def the_contract(stage: Stage) -> Tender:
    tender = awarded(stage)
    tender.notify()
    tender.file_report()
    stage.world.sleep(60)
    return tender


def the_letter(stage: Stage) -> Tender:
    tender = awarded(stage, "gov")
    stage.world.sleep(30)
    return tender


def the_award(stage: Stage) -> Tender:
    tender = ranked(stage, "gov")
    stage.world.sleep(40)
    return tender


def the_candidates(stage: Stage) -> Tender:
    tender = opened(stage, "works")
    tender.report()
    stage.world.sleep(30)
    return tender


def the_report(stage: Stage) -> Tender:
    tender = awarded(stage)
    tender.notify()
    stage.world.sleep(1)
    tender.sign()
    stage.world.sleep(40)
    return tender


def the_answer(stage: Stage) -> Tender:
    tender = ranked(stage)
    stage.world.sleep(1)
    remedy = tender.object(stage.ash, about="result")
    stage.world.sleep(30)
    tender.answer(remedy)
    return tender


CASES: dict[str, tuple[Late, str]] = {
    "the contract": (the_contract, "WK-46"),
    "the letter": (the_letter, "GP-12"),
    "the award": (the_award, "GP-11"),
    "the candidates": (the_candidates, "WK-37"),
    "the report": (the_report, "WK-47"),
    "the answer": (the_answer, "WK-39"),
}


@pytest.mark.parametrize("name", CASES)
def test_late_and_nobody_is_told(stage: Stage, name: str) -> None:
    late, rule = CASES[name]
    tender = late(stage)
    tender.finish()
    stage.caught(tender, "V15", "V-OVERDUE", editions=["supervision"])
    report, other = stage.judge(tender, "public")
    assert report.exit == 0 and other[0] == 0
    assert rule in {note.facts.get("rule") for step in report.steps for note in step.notes}


@pytest.mark.parametrize("name", CASES)
def test_late_and_an_alert_says_so(stage: Stage, name: str) -> None:
    late, rule = CASES[name]
    tender = late(stage)
    tender.log("alert-raised", sealed=True, alert="T-PERIOD", rule=rule)
    tender.finish()
    stage.honest(tender)
