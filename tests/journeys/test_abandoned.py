"""A tender that is given up before its deadline: the box closes at once, and nobody ever learns what was in it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.act import pool
from audit.archive import Archive
from audit.refusal import Refused
from bidding import custody
from bidding.sealing import check_before_sealing
from bidding.view import look
from tests.journeys.court import judge, records
from tests.trading.desk import Desk


async def test_given_up_before_the_deadline_it_takes_nothing_and_opens_nothing(desk: Desk) -> None:
    await desk.open()
    firms = {name: await desk.bidder(name) for name in ("安和", "赣江", "博远")}
    for name in ("安和", "赣江"):
        await desk.hand_in(firms[name], 9_000_000)
    sealed = await desk.body(firms["博远"], 8_000_000)  # uploaded, not handed in yet
    path = f"/tenders/{desk.tender}"
    await desk.town.call("tenderee", "POST", f"{path}/termination", 201, {"reason": "tenderee"})
    await desk.town.beat()

    closings = await records("closed")
    assert {(r["stage"], r["count"], r["opens"], r["reason"]) for r in closings} == {
        ("form", 2, False, "abandoned"),
        ("documents", 2, False, "abandoned"),
    }
    assert all(r["time"] < r["deadline"] for r in closings)
    [given_up], [ended] = await records("abandoned"), await records("tender-terminated")
    assert given_up["reason"] == ended["reason"] == "tenderee"

    # Whoever comes now is refused by name, with a receipt or a slip that proves it.
    told = await desk.town.call("博远", "POST", f"{path}/bids/{firms['博远'].bid}", 409, sealed)
    assert told["code"] == "E-ABANDONED" and (told.get("receipt") or told.get("slip"))
    size = {"size": 65_672}
    assert (await desk.town.call("博远", "POST", f"{path}/uploads", 409, size))["code"] == "E-ABANDONED"

    # Nothing is due to a custodian, now or after the old deadline, and the tool that sees the kit says why.
    await desk.town.push(desk.deadline - await desk.now() + timedelta(hours=1))
    await desk.town.timers.run_due()
    await desk.town.beat()
    one = desk.custodians[0]
    items = (await desk.town.call(one.id, "GET", "/custody", 200))["items"]
    assert {item["state"] for item in items if item["tender"] == desk.tender} <= {"shut"}
    assert await records("released") == [] and await records("unsealed") == []
    disclosed = await pool().fetch(
        "SELECT d.public FROM log_disclosure d JOIN log_record r ON r.id = d.record WHERE r.type = 'deposited'"
    )
    assert disclosed and not any(row["public"] for row in disclosed)

    paths = await judge(desk, *(firms[name] for name in ("安和", "赣江")))
    with Archive.open(paths["public"]) as archive:
        assert not [name for name in archive.names if name.startswith(("bids/", "registrations/", "releases/"))]
    with Archive.open(paths["supervision"]) as archive:
        assert not [name for name in archive.names if name.endswith(("payload", "opened.json"))]


async def test_tools_neither_seal_nor_release_for_it(desk: Desk) -> None:
    await desk.open()
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 9_000_000)
    await desk.check_kit(firm)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/termination", 201, {"reason": "force_majeure"})
    await desk.town.beat()
    answer = await desk.town.as_(firm.name).get(f"/api/v1/tenders/{desk.tender}/sealing-kit")
    kit = desk._archive(answer.content)
    view = look(kit, desk.town.policy, desk.town.parties, now=await desk.now())
    with pytest.raises(Refused, match="given up"):
        check_before_sealing(view, kit, tender=desk.tender)

    one = desk.custodians[0]
    assert one.statement is not None
    answer = await desk.town.as_(one.id).get(f"/api/v1/tenders/{desk.tender}/kits/form")
    if answer.status_code == 200:  # whoever hands it a kit all the same
        kit = desk._archive(answer.content)
        view = look(kit, desk.town.policy, desk.town.parties, now=await desk.now())
        with pytest.raises(Refused, match="C-SHUT"):
            custody.check_kit(view, kit, tender=desk.tender, stage="form", own=[one.statement])
    else:
        assert answer.json()["code"] in ("W-STATE", "W-UNKNOWN")


async def test_what_is_closed_is_not_given_up_any_more(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    for firm in firms:
        await desk.hand_in(firm, 9_000_000)
    assert await desk.wait() == "closed"
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/termination", 201, {"reason": "force_majeure"})
    await desk.town.beat()
    assert await records("abandoned") == [] and all(r["opens"] for r in await records("closed"))
    await judge(desk, *firms)  # given up after its closing: nobody opened it, and nobody need have


async def test_a_lot_that_was_given_up_may_be_tendered_again(desk: Desk) -> None:
    await desk.open()
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/termination", 201, {"reason": "tenderee"})
    await desk.town.beat()
    lot = desk.tender.rpartition("@")[0]
    again = await desk.town.call("tenderee", "POST", "/tenders", 201, {"lot": lot})
    assert again["id"] != desk.tender and again["predecessor"] == desk.tender
