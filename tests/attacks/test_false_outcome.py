"""Somebody unwelcome is got rid of: not reached, not come, in conflict, taken out, as if it had been so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.verify import panels
from tests.world_draw import Panel

pytestmark = pytest.mark.slow


def begun(stage: Stage) -> tuple[Panel, str]:
    """The order, and who is the first to be called."""
    _, panel = panels.drawn(stage, unrated=True)
    return panel, panel.queues["civil"][0]


def carried_on(stage: Stage, panel: Panel, code: str) -> None:
    panel.call()
    panel.sit()
    panel.tender.finish()
    stage.caught(panel.tender, "V13", code)


def test_unreachable_at_once(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "no_answer")
    panel.ring(leaf, "civil", "unreachable", channel="sms")
    carried_on(stage, panel, "D-UNREACHABLE")


def test_unreachable_on_one_channel(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "no_answer")
    stage.world.wait(700)
    panel.ring(leaf, "civil", "unreachable")
    carried_on(stage, panel, "D-UNREACHABLE")


def test_unreachable_after_one_try(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "unreachable")
    carried_on(stage, panel, "D-UNREACHABLE")


def test_unreachable_and_no_provider_said_so(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "no_answer", answer=None)
    stage.world.wait(700)
    panel.ring(leaf, "civil", "unreachable", channel="sms")
    carried_on(stage, panel, "D-UNREACHABLE")


def test_a_no_show_of_somebody_who_never_said_yes(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.lose(leaf, "civil", "no_show")
    carried_on(stage, panel, "D-TRY")


def test_declined_without_a_call(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.lose(leaf, "civil", "declined")
    carried_on(stage, panel, "D-TRY")


def test_a_conflict_that_the_operator_found(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "accepted")
    panel.lose(leaf, "civil", "conflict")
    carried_on(stage, panel, "E-SIG")


def test_a_conflict_that_the_tenderee_found(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "accepted")
    panel.lose(leaf, "civil", "conflict", by="P-TEN")
    carried_on(stage, panel, "E-SIG")


def test_removed_by_the_operator(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "accepted")
    panel.lose(leaf, "civil", "removed")
    carried_on(stage, panel, "E-SIG")


def test_rung_again_when_it_was_over(stage: Stage) -> None:
    """He declined; a second call finds him willing."""
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "declined")
    panel.ring(leaf, "civil", "accepted")
    carried_on(stage, panel, "D-LOST")


def test_a_try_that_is_not_told_of(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "no_answer")
    panel.ring(leaf, "civil", "declined", **{"try": 3})
    carried_on(stage, panel, "D-TRY")


def test_a_call_on_no_channel(stage: Stage) -> None:
    panel, leaf = begun(stage)
    panel.ring(leaf, "civil", "declined", channel="")
    carried_on(stage, panel, "D-TRY")


def test_an_outcome_that_is_none(stage: Stage) -> None:
    def odd(record: dict[str, Any]) -> dict[str, Any]:
        return {**record, "outcome": "forgotten"}

    panel, leaf = begun(stage)
    stage.world.forge["draw-called"] = odd
    panel.ring(leaf, "civil", "declined")
    stage.world.forge.clear()
    carried_on(stage, panel, "V-RECORD")
