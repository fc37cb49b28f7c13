"""When a panel may be asked for, read and changed; which books ask for a draw; what nobody has read blocks nothing."""

from __future__ import annotations

import pytest

from audit.refusal import Refused
from tests.law.rows.books import ANNOUNCED, CHONGQING, GOV, SOURCE, WORKS, beijing, refused
from trading.law import committee, regimes, rulebook, stages


@pytest.mark.parametrize("act", sorted(stages.PANEL))
def test_acts_of_a_panel_are_no_acts_of_a_tender(act: str) -> None:
    assert act not in {one for _, one in stages.TABLE} and act not in stages.ACTS.values()
    for stage in stages.STAGES:
        if stage in ("announced", "closed", "opened"):
            stages.panel_act(stage, act)
        else:
            with pytest.raises(Refused, match="E-STAGE"):
                stages.panel_act(stage, act)


def test_works_and_government_procurement_ask_for_a_draw() -> None:
    assert committee.asks_draw(WORKS) and committee.asks_draw(GOV) and not committee.asks_draw(SOURCE)


def test_works_alone_are_drawn_before_the_opening() -> None:
    assert [one.id for one in regimes.REGIMES.values() if committee.before_opening(one)] == ["works"]


def test_an_early_draw_is_told_with_its_derivation() -> None:
    evaluation = beijing(2026, 4, 1, 9)
    no = refused("CQ-01", "E-DRAW-EARLY", committee.check_draw_time, CHONGQING, ANNOUNCED, evaluation)
    assert no.facts["derivation"] == "2026-04-01 -24小时 = 2026-03-31 09:00:00"


def test_what_nobody_has_read_of_the_hour_is_told() -> None:
    def told(regime: regimes.Regime, region: str = "") -> list[str]:
        return [one.id for one in committee.told_of_draw(rulebook.unchecked(regime, ANNOUNCED, region))]

    assert told(regimes.WORKS) == ["WK-55"] and told(regimes.GOV) == ["N-01"]
    assert told(regimes.WORKS, "puyang") == ["WK-55", "HN-01"] and told(regimes.LAND) == []
