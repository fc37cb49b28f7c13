"""Somebody is in the pool, or is called, whom no authority ever admitted."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Stage
from tests.verify import panels
from tests.world_draw import Panel

pytestmark = pytest.mark.slow


def test_an_expert_nobody_admitted(stage: Stage) -> None:
    """The pool is whole and committed to; the roster that the authorities signed knows nothing of her."""
    tender, roster = panels.opened(stage)
    roster.specialties["phantom"] = ("civil", "economics")
    panel = Panel(tender, roster)
    panel.draw()
    panel.call()
    panel.sit()
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-ROSTER", editions=["supervision"])


def test_an_admission_signed_by_the_operator(stage: Stage) -> None:
    tender = stage.bids(**{**panels.REGIMES["works"], **panels.RULES})
    roster = panels.Roster(stage.world)
    roster.admit(["phantom"], signer=stage.world.key)
    tender.open()
    panel = Panel(tender, roster)
    panel.draw()
    panel.call()
    panel.sit()
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "E-SIG", editions=["supervision"])


def test_an_admission_in_another_name(stage: Stage) -> None:
    """One authority signs, and the record says it was the other."""
    tender = stage.bids(**{**panels.REGIMES["works"], **panels.RULES})
    roster = panels.Roster(stage.world)
    roster.admit(["phantom"], by="A-FIN", signer=stage.world.authorities["A-SUP"])
    tender.open()
    panel = Panel(tender, roster)
    panel.draw()
    panel.call()
    panel.sit()
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-AUTHORITY", editions=["supervision"])


def test_a_leaf_that_is_in_no_pool(stage: Stage) -> None:
    tender, panel = panels.drawn(stage, unrated=True)
    panel.ring("ab" * 32, "civil", "no_answer")
    panel.call()
    panel.sit()
    tender.finish()
    stage.caught(tender, "V13", "D-PHANTOM")


def test_admitted_twice(stage: Stage) -> None:
    """Two rows for one person double the chance."""
    roster = panels.Roster(stage.world)
    roster.admit([next(iter(roster.specialties))])
    tender = stage.bids(**{**panels.REGIMES["works"], **panels.RULES})
    tender.open()
    panel = Panel(tender, roster)
    panel.draw()
    panel.call()
    panel.sit()
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-ADMITTED-TWICE", editions=["supervision"])
