"""Every honest life of a tender is lawful, step by step, and accepted by both verifiers in both editions."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.canon import instant
from audit.record import types
from tests.attacks.conftest import Stage
from tests.verify.lives import LIVES
from trading.law.history import CLOSINGS, Happened, live
from trading.law.life import judge
from trading.law.rulebook import read


@pytest.mark.parametrize("name", LIVES)
def test_an_honest_life(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    tender = LIVES[name](stage)
    stage.honest(tender)
    # what the platform would have been asked at each step, with the calendar of holidays
    life = live(read(tender.rulebook))
    for one in stage.world.logged:
        if one.body.get("tender") != tender.id or not types[one.name].public:
            continue
        happened = Happened.told(one.name, instant(one.body["time"]), one.body)
        if happened.what and not (happened.what in CLOSINGS and any(life.has(act) for act in CLOSINGS)):
            assert judge(life, happened).breaches == (), one.name
            life = life.after(happened)
    assert life.stage == "archived"
