"""An outage over the deadline: it moves by the rule, by itself, and the archive says why."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audit.act import pool
from audit.canon import stamp
from tests.trading.desk import Desk
from tests.trading.test_journey import check
from tests.trading.town import Town


@pytest.fixture
async def desk(place: Town, tmp_path: Path) -> Desk:
    made = Desk(place, tmp_path / "desk")
    await made.open()
    await made.hand_in(await made.bidder("安和"), 9_000_000)
    await made.town.beat()
    return made


async def _away(desk: Desk, seen: bool) -> None:
    """Half an hour without a beat, over the deadline; the witness looks at its beginning and at its end."""
    town = desk.town
    await town.push(desk.deadline - await desk.now() - timedelta(minutes=10))
    await town.beat()
    town.probes.seen(seen)
    await town.push(timedelta(minutes=30))
    town.probes.seen(seen)


async def test_the_deadline_moves_by_itself_two_hours_after_recovery(desk: Desk) -> None:
    await _away(desk, seen=False)
    town, before = desk.town, desk.deadline
    await town.timers.run_due()  # the log stands still: nobody closes
    assert (await town.call("public", "GET", f"/tenders/{desk.tender}", 200))["state"] == "announced"
    await town.beat()
    await _again(desk)
    moved = await town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    desk.deadline = datetime.fromisoformat(moved["deadline"])
    assert desk.deadline > before + timedelta(hours=2)
    town.probes.seen(True)
    town.probes.seen(True)
    await desk.hand_in(await desk.bidder("赣江"), 8_000_000)  # who was kept out may still come
    assert await desk.wait() == "closed"
    assert len((await desk.open_boxes())["bids"]) == 2
    await town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    check(desk, await desk.archive())


async def test_a_gap_that_no_witness_confirms_moves_nothing(desk: Desk) -> None:
    await _away(desk, seen=True)
    await desk.town.beat()
    await desk.town.timers.run_due()
    assert (await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200))["state"] == "closed"


async def test_an_outage_cannot_be_claimed_without_proof(desk: Desk) -> None:
    outage = {"from": stamp(desk.deadline - timedelta(hours=1)), "to": stamp(desk.deadline + timedelta(hours=1))}
    body = {"deadline": stamp(desk.deadline + timedelta(hours=3)), "reason": "outage", "outage": outage}
    told = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/deadline", 409, body)
    assert told["code"] == "E-SIG"
    body["deadline"] = stamp(desk.deadline + timedelta(hours=5))
    told = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/deadline", 409, body)
    assert told["code"] == "T-OUTAGE"


async def test_a_witness_that_looked_away_is_no_outage(desk: Desk) -> None:
    """One probe that did not see us, and a log that never stood still: verification would fail for ever."""
    town = desk.town
    town.probes.seen(False)
    await town.push(timedelta(minutes=1))
    town.probes.seen(False)
    for _ in range(6):
        await town.beat()
    start, end = desk.deadline - timedelta(hours=2), desk.deadline + timedelta(hours=1)
    outage = {"from": stamp(start), "to": stamp(end), "probes": town.probes.between(start, end)}
    assert outage["probes"]
    body = {"deadline": stamp(end + timedelta(hours=2)), "reason": "outage", "outage": outage}
    told = await town.call("tenderee", "POST", f"/tenders/{desk.tender}/deadline", 409, body)
    lawful = told["facts"].get("lawful")
    if lawful:  # past office hours it goes to the next working day
        body["deadline"] = stamp(datetime.fromisoformat(lawful))
        told = await town.call("tenderee", "POST", f"/tenders/{desk.tender}/deadline", 409, body)
    assert (told["code"], told["facts"]["why"]) == ("T-PROBE", "no gap in the log")


async def test_the_operator_moves_no_deadline_but_by_the_rule(desk: Desk) -> None:
    body = {"deadline": stamp(desk.deadline + timedelta(hours=1)), "reason": "because"}
    told = await desk.town.call("operator", "POST", f"/tenders/{desk.tender}/deadline", 403, body)
    assert told["code"] == "W-DENIED"


async def _again(desk: Desk) -> None:
    """The timer asked to be asked again."""
    await pool().execute("UPDATE trading_timer SET leased_until = NULL")
    await desk.town.timers.run_due()
