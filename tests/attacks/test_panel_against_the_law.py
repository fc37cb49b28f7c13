"""A panel the law does not know: too small, even, full of the tenderee's own, not as announced, drawn too soon."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.verify import panels

pytestmark = pytest.mark.slow


def panel_of(stage: Stage, **how: Any) -> Any:
    tender, panel = panels.drawn(stage, unrated=how.pop("unrated", True), **how)
    panel.call()
    panel.sit()
    return tender, panel


def test_three_members(stage: Stage) -> None:
    tender, _ = panel_of(stage, need=[("civil", 3)])
    tender.finish()
    stage.caught(tender, "V13", "E-PANEL-SIZE")


def test_six_members(stage: Stage) -> None:
    tender, _ = panel_of(stage, need=[("civil", 4), ("economics", 2)])
    tender.finish()
    stage.caught(tender, "V13", "E-PANEL-EVEN")


def test_two_of_the_tenderees_own(stage: Stage) -> None:
    tender, _ = panel_of(stage, need=[("civil", 3)], representatives=2)
    tender.finish()
    stage.caught(tender, "V13", "E-PANEL-EXPERTS")


def test_five_for_a_large_purchase(stage: Stage) -> None:
    tender, _ = panel_of(stage, regime="gov", estimate=1_000_000_000)
    tender.finish()
    stage.caught(tender, "V13", "E-PANEL-SIZE")


def test_seven_where_five_were_announced(stage: Stage) -> None:
    tender, panel = panel_of(stage, unrated=False, need=[("civil", 4), ("economics", 3)])
    for seat in range(1, 8):
        panel.declare(seat)
    for sheet in [panel.commit_score(seat) for seat in range(1, 8)][:5]:
        panel.reveal_score(sheet)
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-SEATS")


def test_drawn_three_days_before_in_chongqing(stage: Stage) -> None:
    tender, _ = panel_of(stage, region="chongqing", meets=72)
    tender.finish()
    stage.caught(tender, "V13", "E-DRAW-EARLY")


def test_the_control_in_chongqing(stage: Stage) -> None:
    tender, _ = panel_of(stage, region="chongqing", meets=20)
    tender.finish()
    stage.honest(tender)
