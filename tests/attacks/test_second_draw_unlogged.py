"""Drawn until it pleases: off the record, side by side, void though nobody was missing, exhausted when nobody was asked."""

from __future__ import annotations

from typing import Any

import pytest

from audit.canon import canon, parse
from tests.attacks.conftest import Stage
from tests.verify.panels import begun, carried_on
from tests.world_draw import Panel, drawn_bytes

pytestmark = pytest.mark.slow


def test_called_by_an_order_that_was_drawn_elsewhere(stage: Stage) -> None:
    """Record and nonces are of the first draw, the calls of a second one that is in no log."""
    panel = begun(stage)
    attempt = panel.draw()
    honest = attempt.secret
    attempt.secret = drawn_bytes("the tenth try")
    panel.call()
    panel.sit()
    attempt.secret = honest
    panel.tender.finish()
    stage.caught(panel.tender, "V13", "D-SKIPPED")


def test_a_draw_beside_the_first(stage: Stage) -> None:
    panel = begun(stage)
    panel.draw()
    panel.call()
    other = Panel(panel.tender, panel.roster)
    other.replaces = None
    other.draw()
    carried_on(stage, other, "D-SECOND-DRAW")


def test_a_draw_that_replaces_one_which_was_not_exhausted(stage: Stage) -> None:
    panel = begun(stage)
    panel.draw()
    panel.call()
    other = Panel(panel.tender, panel.roster)
    other.draw()
    carried_on(stage, other, "D-SECOND-DRAW")


def test_exhausted_and_nobody_was_asked(stage: Stage) -> None:
    panel = begun(stage)
    panel.draw()
    panel.ring(panel.queues["civil"][0], "civil", "declined")
    panel.log("panel-exhausted", attempt=1, specialty="civil")
    other = Panel(panel.tender, panel.roster)
    other.draw()
    carried_on(stage, other, "D-EXHAUSTED")


def test_an_attempt_that_was_never_voided(stage: Stage) -> None:
    panel = begun(stage)
    panel.draw()
    panel.draw()
    carried_on(stage, panel, "D-UNVOIDED")


def test_void_though_everybody_revealed(stage: Stage) -> None:
    panel = begun(stage)
    panel.draw()
    stage.world.wait(300)
    panel.void(1, 2)
    panel.draw()
    carried_on(stage, panel, "D-VOID")


def test_void_before_the_hour(stage: Stage) -> None:
    panel = begun(stage)
    panel.commit()
    panel.say(reveals=False)
    panel.say(reveals=True, leave_out=[2])
    panel.void(1, 2)
    panel.draw()
    carried_on(stage, panel, "D-VOID-EARLY")


def test_void_by_the_fault_of_nobody(stage: Stage) -> None:
    panel = begun(stage)
    panel.commit()
    panel.say(reveals=False)
    panel.say(reveals=True, leave_out=[2])
    stage.world.wait(300)
    panel.void(1, 7)
    panel.draw()
    carried_on(stage, panel, "D-VOID")


def test_a_reveal_after_the_void(stage: Stage) -> None:
    panel = begun(stage)
    panel.fail(2)
    panel.say(reveals=True, leave_out=[1, 3])
    panel.draw()
    carried_on(stage, panel, "D-AFTER")


def test_a_smaller_pool_the_second_time(stage: Stage) -> None:
    """Whoever voids an attempt must not have another pool for it."""
    panel = begun(stage)
    panel.fail(2)
    panel.excluded[panel.names[0]] = "leave"
    panel.draw()
    carried_on(stage, panel, "D-CHANGED")


def test_other_seats_the_second_time(stage: Stage) -> None:
    panel = begun(stage)
    panel.fail(2)
    panel.need = [("civil", 2), ("economics", 3)]
    panel.draw()
    carried_on(stage, panel, "D-CHANGED")


def test_a_third_attempt_that_nobody_approved(stage: Stage) -> None:
    panel = begun(stage)
    panel.fail(2)
    panel.fail(2)
    panel.draw()
    carried_on(stage, panel, "D-UNAPPROVED")


def test_a_third_attempt_approved_by_the_tenderee(stage: Stage) -> None:
    panel = begun(stage)
    stage.world.authorities["P-TEN"] = stage.world.people["P-TEN"]
    panel.fail(2)
    panel.fail(2)
    panel.draw(approved=["P-TEN"])
    carried_on(stage, panel, "E-SIG")


def test_the_second_attempt_is_called_the_fourth(stage: Stage) -> None:
    panel = begun(stage)
    panel.fail(2)
    panel.attempts += panel.attempts[:1] * 2
    panel.draw(approved=["A-SUP"])
    del panel.attempts[1:3]
    carried_on(stage, panel, "D-ATTEMPT")


def test_a_record_of_a_draw_that_is_not_logged(stage: Stage) -> None:
    panel = begun(stage)
    panel.draw()
    panel.tender.log("draw-voided", draw="ab" * 16, attempt=1, culprit=1)
    carried_on(stage, panel, "D-UNKNOWN")


def test_another_record_in_the_file(stage: Stage) -> None:
    def sooner(value: dict[str, Any]) -> dict[str, Any]:
        return {**value, "meets": value["reveal_by"]}

    panel = begun(stage)
    panel.draw()
    path = f"draw/{panel.id}/1/commit.json"
    carried_on(stage, panel, "V-HASH", change=lambda files: {**files, path: canon(sooner(parse(files[path])))})


def test_no_time_to_reveal(stage: Stage) -> None:
    panel = begun(stage)
    panel.draw(reveal_in=0)
    carried_on(stage, panel, "D-REVEAL-BY")
