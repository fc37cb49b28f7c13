"""A tender's life is read from its own public records, however long the log is and however many bids came."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from audit.act import Actor, acting, pool
from audit.refusal import Refused
from tests.trading.desk import Desk
from tests.trading.test_contracts import opened
from tests.trading.town import Town
from trading import lives
from trading.law.history import Happened
from trading.law.life import ask


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(one for part in plan.get("Plans", []) for one in nodes(part))]


async def test_reading_a_life_costs_the_same_in_a_long_log(desk: Desk, owner_dsn: str) -> None:
    await opened(desk, "works")
    for _ in range(3):
        async with acting(Actor("security_admin", "x")) as act:
            for n in range(4000):
                act.record("deposits-read", subject=f"someone {n}", bidder=f"someone {n}", box=desk.tender)
    owner = await asyncpg.connect(owner_dsn)
    await owner.execute("ANALYZE log_record")
    told = await owner.fetchval(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {lives._HISTORY}", desk.tender, list(lives.FOLDED), True
    )
    await owner.close()
    read = nodes(json.loads(told)[0]["Plan"])
    assert not [one for one in read if one["Node Type"] == "Seq Scan"], told
    assert max(one["Actual Rows"] for one in read) < 40  # of more than twelve thousand


async def test_no_life_looks_at_a_deposit_a_payment_or_a_question(desk: Desk) -> None:
    await desk.open(regime="works")
    await desk.hand_in(await desk.bidder("安和"), 9_000_000)
    _, life, _ = await lives.read(desk.tender)
    sealed = {"hand-in", "register-key", "withdraw", "refuse", "receive-security", "return-security", "ask-question"}
    assert not sealed & {one.what for one in life.history}


async def test_the_platform_and_the_verifier_ask_the_same_function(desk: Desk) -> None:
    """What the API granted, the law grants again over the log's own records: there is one place where law decides."""
    await opened(desk, "works")
    await desk.candidates()
    await desk.award(after=6)
    row, life, _ = await lives.read(desk.tender)
    rows = await pool().fetch(
        "SELECT type, record, made_at FROM log_record WHERE tender = $1 AND type = 'awarded'", desk.tender
    )
    granted = Happened.told("awarded", rows[0]["made_at"], json.loads(rows[0]["record"]))
    before = lives.live(life.rulebook, [one for one in life.history if one.at < granted.at])
    assert ask(before, "award", granted.at, granted.facts).stage == row["state"] == "awarded"
    with pytest.raises(Refused, match="E-PERIOD"):
        ask(before, "award", granted.at - timedelta(days=5), granted.facts)
