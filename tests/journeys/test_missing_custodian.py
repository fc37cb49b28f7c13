"""Up to n − k custodians may lose their keys before the hour; with one more the bids stay shut, provably, for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from audit.trust import record_sig_bytes
from tests.journeys.court import judge, records, verdicts
from tests.trading.desk import STAGES, Desk


async def end_window(desk: Desk, stage: str, missing: list[int], expect: int = 201, alone: bool = False) -> Any:
    """The two authorities sign that these seats can release no more; the operator brings it."""
    record = {
        "type": "trading.window-ended/v1",
        "subject": desk.tender,
        "tender": desk.tender,
        "stage": stage,
        "missing": missing,
    }
    authorities = [desk.town.authority] if alone else [desk.town.authority, desk.town.second]
    body = {"stage": stage, "missing": missing, "sig": [one.sign(record_sig_bytes(record)) for one in authorities]}
    return await desk.town.call("operator", "POST", f"/tenders/{desk.tender}/window-end", expect, body)


def seats(desk: Desk, *missing: int) -> list[int]:
    """The seats of these custodians, by their place in the town."""
    names = {desk.custodians[n].id for n in missing}
    return sorted(seat.i for seat in desk.keysets["form"].custodians if seat.custodian in names)


async def test_one_lost_key_of_three_costs_nothing_but_an_alarm(desk: Desk) -> None:
    await desk.open()
    firms = {name: await desk.bidder(name) for name in ("安和", "赣江")}
    for firm, price in zip(firms.values(), (9_200_000, 8_800_000), strict=True):
        await desk.hand_in(firm, price)
    await desk.wait()
    opened = await desk.open_boxes(2)  # the third lost its key
    assert opened["state"] == "opened" and verdicts(opened, firms) == {"安和": "OK", "赣江": "OK"}
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert won["price"] == 8_800_000

    await desk.town.push(timedelta(minutes=31))
    await desk.town.timers.run_due()
    [alert] = [r for r in await records("alert-raised") if r["rule"] == "T-WINDOW"]
    assert alert["facts"]["missing"] == {stage: seats(desk, 2) for stage in STAGES}
    await judge(desk, *firms.values())


async def test_two_lost_keys_of_three_keep_every_bid_shut_and_the_archive_proves_it(desk: Desk) -> None:
    await desk.open()
    firms = {name: await desk.bidder(name) for name in ("安和", "赣江")}
    for firm in firms.values():
        await desk.hand_in(firm, 9_000_000)
    await desk.wait()
    await desk.store()
    for stage in STAGES:
        await desk.release(desk.custodians[0], stage)
    await desk.town.beat()
    no = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/opening", 409)
    assert no["code"] == "E-RELEASES"

    # The window's end is a red alert and nothing else; only two authorities end the waiting, and only as it is.
    await desk.town.push(timedelta(minutes=31))
    await desk.town.timers.run_due()
    assert {r["facts"]["level"] for r in await records("alert-raised")} == {"red"}
    assert (await end_window(desk, "form", seats(desk, 1), 409))["code"] == "E-LIST"
    assert (await end_window(desk, "form", seats(desk, 1, 2), 409, alone=True))["code"] == "E-SIG"
    for stage in STAGES:
        await end_window(desk, stage, seats(desk, 1, 2))
    await desk.town.timers.run_due()
    await desk.town.beat()
    opened = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert opened["state"] == "opened" and verdicts(opened, firms) == {"安和": "X-QUORUM", "赣江": "X-QUORUM"}
    assert all(bid["opening"] is None and bid["price"] is None for bid in opened["bids"])
    assert {tuple(r["at"]) for r in await records("unsealed")} == {tuple(seats(desk, 1, 2))}
    no = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 409)
    assert no["code"] == "E-NO-CANDIDATE"
    await desk.fail("no_candidate")
    await judge(desk, *firms.values())


async def test_a_release_brought_late_by_somebody_else_still_opens(desk: Desk) -> None:
    await desk.open()
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 9_000_000)
    await desk.wait()
    await desk.store()
    for stage in STAGES:
        await desk.release(desk.custodians[0], stage)
    await desk.town.beat()
    await desk.town.push(timedelta(hours=2))  # long after the window
    await desk.town.timers.run_due()
    await desk.town.beat()
    for stage in STAGES:
        await desk.release(desk.custodians[1], stage)
    await desk.town.timers.run_due()
    await desk.town.beat()
    opened = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert verdicts(opened, {"安和": firm}) == {"安和": "OK"}
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await judge(desk, firm)
