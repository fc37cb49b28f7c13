"""Who sits is read before anybody may know: too early, by one alone, by two of a kind, by a stranger, in public."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.verify import panels
from tests.world_draw import Panel

pytestmark = pytest.mark.slow


def called(stage: Stage, **how: Any) -> Panel:
    """Everybody has accepted; nobody sits yet, and it is some hours to go."""
    _, panel = panels.drawn(stage, unrated=True, **how)
    panel.call()
    return panel


def carried_on(stage: Stage, panel: Panel, code: str) -> None:
    panel.sit()
    panel.tender.finish()
    stage.caught(panel.tender, "V13", code, editions=["supervision"])
    stage.honest(panel.tender, editions=["public"])


def test_read_when_nobody_sat(stage: Stage) -> None:
    panel = called(stage)
    panel.read("seated")
    carried_on(stage, panel, "D-READ")


def test_read_by_two_hours_before(stage: Stage) -> None:
    panel = called(stage)
    stage.world.until(panel.meets - timedelta(hours=2))
    panel.read("two_keys", ["P-NOT", "A-SUP"])
    carried_on(stage, panel, "D-READ-EARLY")


def test_read_by_one_alone(stage: Stage) -> None:
    panel = called(stage)
    stage.world.until(panel.meets)
    panel.read("two_keys", ["A-SUP"])
    carried_on(stage, panel, "D-READ")


def test_read_by_two_supervisors(stage: Stage) -> None:
    panel = called(stage)
    stage.world.until(panel.meets)
    panel.read("two_keys", ["A-SUP", "A-FIN"])
    carried_on(stage, panel, "D-READ")


def test_read_with_the_tenderee(stage: Stage) -> None:
    panel = called(stage)
    stage.world.until(panel.meets)
    panel.read("two_keys", ["A-SUP", "P-TEN"])
    carried_on(stage, panel, "E-SIG")


def test_read_with_a_key_of_the_operator(stage: Stage) -> None:
    panel = called(stage)
    stage.world.until(panel.meets)
    stage.world.authorities["A-OPS"] = stage.world.key
    panel.read("two_keys", ["A-SUP", "A-OPS"])
    carried_on(stage, panel, "E-SIG")


def test_the_reading_is_not_disclosed(stage: Stage) -> None:
    """Every reading has its number among what only supervisors see."""
    panel = called(stage)
    panel.read("seated")
    panel.sit()
    panel.tender.finish()
    stage.world.hidden = lambda record: record.name == "panel-read"
    stage.caught(panel.tender, "V9", "V-SERIAL", editions=["supervision"])


def test_published_before_the_end(stage: Stage) -> None:
    panel = called(stage)
    panel.sit()
    panel.log("panel-named", names="0" * 64)
    panel.tender.finish()
    stage.caught(panel.tender, "V13", "V-ORDER")
