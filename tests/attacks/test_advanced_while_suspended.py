"""An objection waits for its answer, or a supervisor has ordered a halt, and the tender goes on: nobody hurries for nothing.

What suspends: in works an objection until it is answered (everything), in government procurement an inquiry or a challenge
(the contract); anywhere an order until it is lifted or its time is over. A complaint by itself suspends nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from audit.canon import stamp
from tests.attacks.conftest import Stage
from tests.verify.lives import awarded, begun, opened, ranked
from tests.world_life import SUPERVISOR
from tests.world_tender import Tender

CODE = "V-SUSPENDED"


def closed(stage: Stage) -> Tender:
    return begun(stage, "works")


STEPS: dict[str, tuple[Callable[[Stage], Tender], Callable[[Tender], object]]] = {
    "closing": (closed, lambda tender: tender.close()),
    "opening": (closed, lambda tender: tender.open()),
    "candidates": (lambda stage: opened(stage, "works"), lambda tender: tender.evaluate()),
    "award": (ranked, lambda tender: tender.conclude()),
    "letter": (awarded, lambda tender: tender.notify()),
    "contract": (awarded, lambda tender: (tender.notify(), tender.file_report(), tender.sign())),
}


@pytest.mark.parametrize("step", STEPS)
def test_inside_an_order(stage: Stage, step: str) -> None:
    begin, go_on = STEPS[step]
    tender = begin(stage)
    order = tender.suspend()
    go_on(tender)
    tender.lift(order)
    tender.finish()
    stage.caught(tender, "V15", CODE)


@pytest.mark.parametrize("step", STEPS)
def test_after_the_order_was_lifted(stage: Stage, step: str) -> None:
    begin, go_on = STEPS[step]
    tender = begin(stage)
    tender.lift(tender.suspend())
    go_on(tender)
    tender.finish()
    stage.honest(tender)


def test_closed_inside_an_objection_to_the_documents(stage: Stage) -> None:
    tender = begun(stage, "works")
    stage.world.sleep(6)
    remedy = tender.object(stage.fir)
    tender.close()
    tender.answer(remedy)
    tender.finish()
    stage.caught(tender, "V15", CODE)


def test_awarded_inside_an_objection_to_the_result(stage: Stage) -> None:
    tender = ranked(stage)
    stage.world.sleep(1)
    remedy = tender.object(stage.ash, about="result")
    stage.world.sleep(8)
    tender.award()
    tender.answer(remedy)
    tender.finish()
    stage.caught(tender, "V15", CODE)


@pytest.mark.parametrize("kind", ["challenge", "inquiry"])
def test_a_contract_inside_a_challenge(stage: Stage, kind: str) -> None:
    tender = awarded(stage, "gov")
    tender.notify()
    stage.world.sleep(3)
    remedy = tender.object(stage.ash, about="result", kind=kind)
    tender.sign()
    tender.answer(remedy)
    tender.finish()
    stage.caught(tender, "V15", CODE)


def test_a_contract_that_says_it_was_signed_before(stage: Stage) -> None:
    """It is recorded when the challenge is answered, and was signed while it was not."""
    tender = awarded(stage, "gov")
    tender.notify()
    stage.world.sleep(3)
    remedy = tender.object(stage.ash, about="result", kind="challenge")
    inside = stage.world.now
    stage.world.sleep(2)
    tender.answer(remedy)
    tender.sign(signed=stamp(inside))
    tender.finish()
    stage.caught(tender, "V15", CODE)


def test_one_of_two_objections_is_answered(stage: Stage) -> None:
    tender = ranked(stage)
    stage.world.sleep(1)
    first = tender.object(stage.ash, about="result")
    second = tender.object(stage.fir, about="result")
    tender.answer(first)
    stage.world.sleep(8)
    tender.award()
    tender.answer(second)
    tender.finish()
    stage.caught(tender, "V15", CODE)


def test_another_order_is_lifted(stage: Stage) -> None:
    """Two orders; the lighter one is lifted."""
    tender = ranked(stage)
    first = tender.suspend("〔2026〕1")
    second = tender.suspend("〔2026〕2")
    tender.lift(second)
    stage.world.sleep(8)
    tender.award()
    tender.lift(first)
    tender.finish()
    stage.caught(tender, "V15", CODE)


def test_an_order_that_is_dated_back(stage: Stage) -> None:
    """Its thirty days (GP-24) are over as soon as it is recorded: the checkpoint over it knows better."""
    tender = awarded(stage, "gov")
    tender.notify()
    stage.world.sleep(3)
    challenge = tender.object(stage.ash, about="result", kind="challenge")
    stage.world.sleep(2)
    tender.answer(challenge)
    complaint = tender.object(stage.ash, about="result", kind="complaint", follows=challenge)
    stage.world.forge["suspension-ordered"] = lambda record: {
        **record,
        "time": stamp(stage.world.now - timedelta(days=40)),
    }
    order = tender.suspend(remedy=complaint)
    stage.world.sleep(2)
    tender.sign()
    tender.answer(complaint, actor=SUPERVISOR)
    tender.lift(order)
    tender.finish()
    stage.caught(tender, "V15", CODE)


def test_an_order_whose_time_is_over(stage: Stage) -> None:
    """Thirty days at most in government procurement (GP-24); then the tender goes on by itself."""
    tender = ranked(stage, "gov")
    tender.award()
    tender.notify()
    stage.world.sleep(3)
    challenge = tender.object(stage.ash, about="result", kind="challenge")
    stage.world.sleep(2)
    tender.answer(challenge)
    complaint = tender.object(stage.ash, about="result", kind="complaint", follows=challenge)
    tender.suspend(remedy=complaint, days=10)
    stage.world.sleep(11)
    tender.sign()
    tender.answer(complaint, actor=SUPERVISOR)
    tender.finish()
    stage.honest(tender)
