"""Chance of one's own making: whoever writes all nonces knows the order before he is bound to the pool."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.verify.panels import begun, carried_on
from tests.world import seeded
from tests.world_draw import drawn_bytes

pytestmark = pytest.mark.slow


def test_nonces_signed_by_the_operator(stage: Stage) -> None:
    panel = begun(stage)
    panel.commit()
    panel.say(reveals=False, signer=stage.world.key)
    panel.say(reveals=True, signer=stage.world.key)
    carried_on(stage, panel, "E-SIG")


def test_a_reveal_signed_by_the_operator(stage: Stage) -> None:
    """The party committed and went away; the operator, who was told its nonce, reveals for it."""
    panel = begun(stage)
    panel.commit()
    panel.say(reveals=False)
    panel.say(reveals=True, signer=stage.world.key)
    carried_on(stage, panel, "E-SIG")


def test_parties_nobody_knows(stage: Stage) -> None:
    panel = begun(stage, parties=["P-NOT", "P-GHOST"])
    panel.draw()
    carried_on(stage, panel, "D-PARTY")


def test_nobody_but_the_tenderee(stage: Stage) -> None:
    stage.world.people["P-TWO"] = seeded("P-TWO")
    stage.world.vouch("P-TWO", "tenderee")
    stage.world.wait()
    panel = begun(stage, parties=["P-TEN", "P-TWO"])
    panel.draw()
    carried_on(stage, panel, "D-PARTIES")


def test_one_party_alone(stage: Stage) -> None:
    panel = begun(stage, parties=["P-NOT"])
    panel.draw()
    carried_on(stage, panel, "D-PARTIES")


def test_a_nonce_that_does_not_meet_its_commitment(stage: Stage) -> None:
    """A party that sees the others' nonces and takes another one."""
    panel = begun(stage)
    attempt = panel.commit()
    panel.say(reveals=False)
    attempt.nonces[3] = drawn_bytes("better")
    panel.say(reveals=True)
    carried_on(stage, panel, "D-NONCE")


def test_committed_before_the_record_was_seen(stage: Stage) -> None:
    """The nonces lay ready when pool and secret were chosen."""
    panel = begun(stage)
    with stage.world.held_up():
        panel.commit()
        panel.say(reveals=False)
    stage.world.wait()
    panel.say(reveals=True)
    carried_on(stage, panel, "D-NONCE-EARLY")


def test_committed_when_others_had_revealed(stage: Stage) -> None:
    panel = begun(stage)
    panel.commit()
    panel.say(reveals=False, leave_out=[3])
    panel.say(reveals=True, leave_out=[3])
    panel.say(reveals=False, leave_out=[1, 2])
    panel.say(reveals=True, leave_out=[1, 2])
    carried_on(stage, panel, "D-NONCE-LATE")


def test_a_late_reveal_is_accepted(stage: Stage) -> None:
    """A party waits until it likes what comes of it."""
    panel = begun(stage)
    panel.commit()
    panel.say(reveals=False)
    panel.say(reveals=True, leave_out=[2])
    stage.world.wait(600)
    panel.say(reveals=True, leave_out=[1, 3])
    carried_on(stage, panel, "D-BEFORE-ORDER")


def test_another_secret(stage: Stage) -> None:
    panel = begun(stage)
    panel.draw().secret = drawn_bytes("better")
    carried_on(stage, panel, "D-SECRET")


def test_a_nonce_for_another_draw(stage: Stage) -> None:
    """What the parties signed for the first attempt is used in the second."""
    panel = begun(stage)
    panel.fail()
    attempt = panel.commit()
    attempt.number = 1
    panel.say(reveals=False)
    attempt.number = 2
    panel.say(reveals=True)
    panel.call()
    panel.sit()
    panel.tender.finish()
    stage.caught(panel.tender, "V13", "D-AFTER")


def test_signatures_made_later(stage: Stage) -> None:
    """The file has other signatures than were recorded."""

    def again(value: dict[str, Any]) -> dict[str, Any]:
        value["nonces"][0]["sig"] = value["nonces"][1]["sig"]
        return value

    panel = begun(stage)
    panel.draw()
    panel.twist["nonces"] = again
    carried_on(stage, panel, "D-NONCES")


def test_a_party_without_its_commitment_in_the_file(stage: Stage) -> None:
    def fewer(value: dict[str, Any]) -> dict[str, Any]:
        return {"nonces": value["nonces"][:2]}

    panel = begun(stage)
    panel.draw()
    panel.twist["nonces"] = fewer
    carried_on(stage, panel, "D-NONCES")


def test_a_secret_that_is_none(stage: Stage) -> None:
    panel = begun(stage)
    panel.draw()
    panel.twist["secret"] = lambda value: {"secret": value["secret"][:-2]}
    carried_on(stage, panel, "D-FILE")
