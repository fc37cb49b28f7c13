"""A deadline moves only later, in the open, and the list closes at the last one announced."""

from __future__ import annotations

from datetime import datetime, timedelta

from audit.canon import stamp
from tests.journeys.court import judge, records
from tests.trading.desk import Desk


async def test_bids_are_taken_until_the_moved_deadline_and_not_a_moment_longer(desk: Desk) -> None:
    await desk.open()
    early, late, too_late = [await desk.bidder(name) for name in ("安和", "赣江", "博远")]
    await desk.hand_in(early, 9_000_000)
    before, after = desk.deadline, desk.deadline + timedelta(hours=2)
    path = f"/tenders/{desk.tender}/deadline"
    earlier = {"deadline": stamp(before - timedelta(minutes=1)), "reason": "clarification"}
    assert (await desk.town.call("tenderee", "POST", path, 409, earlier))["code"] == "E-EARLIER"
    body = {"deadline": stamp(after), "reason": "clarification"}
    moved = await desk.town.call("tenderee", "POST", path, 200, body)
    assert datetime.fromisoformat(moved["deadline"]) == after

    assert await desk.wait() == "announced"  # the first deadline passes, and nothing closes
    await desk.hand_in(late, 8_500_000)
    desk.deadline = after
    body = await desk.body(too_late, 8_000_000)
    assert await desk.wait() == "closed"
    told = await desk.town.call("博远", "POST", f"/tenders/{desk.tender}/bids/{too_late.bid}", 409, body)
    assert told["code"] == "E-LATE" and told["receipt"]["promise"]
    assert {r["deadline"] for r in await records("closed")} == {stamp(after)}
    back = {"deadline": stamp(after + timedelta(days=1)), "reason": "clarification"}
    assert (await desk.town.call("tenderee", "POST", path, 409, back))["code"] == "W-STATE"

    opened = await desk.open_boxes()
    assert sorted(bid["price"] for bid in opened["bids"]) == [8_500_000, 9_000_000]
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert won["bidder"] == late.code
    await judge(desk, early, late)
