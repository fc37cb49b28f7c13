"""Timers: fired once by however many processes, carried on by another when one dies, re-armed while it runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from audit import alerts
from audit.act import acting, pool
from tests.trading.desk import Desk
from tests.trading.test_journey import check
from tests.trading.town import Town
from trading.jobs import LEASE
from trading.tenders import arm


@pytest.fixture
async def desk(place: Town, tmp_path: Path) -> Desk:
    made = Desk(place, tmp_path / "desk")
    await made.open()
    await made.hand_in(await made.bidder("安和"), 9_000_000)
    return made


async def _closings(desk: Desk) -> int:
    count: int = await pool().fetchval(
        "SELECT count(*) FROM log_record WHERE tender = $1 AND type = 'closed'", desk.tender
    )
    return count


async def test_three_processes_close_once(desk: Desk) -> None:
    await desk.town.push(desk.deadline - await desk.now() + timedelta(seconds=1))
    workers = [desk.town.timers for _ in range(3)]
    done = await asyncio.gather(*(one.run_due() for one in workers))
    assert sum(done) >= 1 and await _closings(desk) == 2  # form and documents


async def test_nothing_is_closed_before_its_time(desk: Desk) -> None:
    assert await desk.town.timers.run_due() == 0
    due = await desk.town.timers.next_due()
    assert due is not None and await _closings(desk) == 0


async def test_the_lease_of_a_dead_process_ends(desk: Desk) -> None:
    await desk.town.push(desk.deadline - await desk.now() + timedelta(seconds=1))
    dead = await desk.town.timers._claim()  # and nothing more: kill -9
    assert dead is not None and dead.kind == "close"
    assert await desk.town.timers.run_due() == 0
    await pool().execute("UPDATE trading_timer SET leased_until = leased_until - make_interval(secs => $1)", LEASE + 1)
    assert await desk.town.timers.run_due() >= 1 and await _closings(desk) == 2


async def test_a_closing_that_was_committed_and_not_noted_is_not_made_twice(desk: Desk) -> None:
    await desk.town.push(desk.deadline - await desk.now() + timedelta(seconds=1))
    await desk.town.timers.run_due()
    await pool().execute("UPDATE trading_timer SET done_at = NULL WHERE kind = 'close'")  # died in between
    await desk.town.timers.run_due()
    assert await _closings(desk) == 2
    assert await pool().fetchval(
        "SELECT done_at IS NOT NULL AND trouble IS NULL FROM trading_timer WHERE kind = 'close'"
    )


async def test_armed_again_while_it_runs_it_runs_again(desk: Desk) -> None:
    await desk.town.push(desk.deadline - await desk.now() + timedelta(seconds=1))
    running = await desk.town.timers._claim()
    assert running is not None
    async with acting(desk.town.platform.centre) as act:
        await arm(act, "close", desk.tender, act.now)
        act.record("lot-tendered", subject="x", lot="x", size=1)
    await desk.town.timers._do(running)
    assert await pool().fetchval("SELECT done_at FROM trading_timer WHERE kind = 'close'") is None
    assert await desk.town.timers.run_due() >= 1


async def test_a_missing_custodian_is_a_red_alert_and_stops_nothing(desk: Desk) -> None:
    await desk.wait()
    opened = await desk.open_boxes(2)
    assert opened["state"] == "opened"
    await desk.town.push(timedelta(hours=1))
    await desk.town.timers.run_due()
    [raised] = await alerts.standing(desk.tender)
    assert raised.rule == "T-WINDOW" and raised.facts["missing"] == {"documents": [3], "form": [3]}
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    check(desk, await desk.archive())  # the supervision edition shows the alert
