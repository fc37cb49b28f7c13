"""When nothing comes of a tender: nobody may win, it is given up, it stands idle. Each archive says so and verifies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from audit import alerts
from audit.act import pool
from tests.trading.desk import Desk
from tests.trading.test_contracts import opened
from tests.trading.test_journey import check
from tests.trading.town import Town


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def again(desk: Desk) -> str:
    """Tender the lot again; the new tender's id."""
    lot = desk.tender.rpartition("@")[0]
    return str((await desk.town.call("tenderee", "POST", "/tenders", 201, {"lot": lot}))["id"])


async def test_all_rejected_is_said_and_the_lot_is_tendered_again(desk: Desk) -> None:
    bids = await opened(desk, "works")
    assert (await desk.post("tenderee", "failure", 409, {"reason": "all_rejected"}))["code"] == "E-NOT-FAILED"
    for bid in bids.values():
        body = {"bid": bid, "reason": "qualification", "article": "招标投标法实施条例 51"}
        await desk.post("tenderee", "rejections", 201, body)
    await desk.report()
    told = await desk.post("tenderee", "candidates", 409)
    assert told["code"] == "E-NO-CANDIDATE"
    await desk.post("operator", "archive", 409)  # not before somebody says what became of it
    await desk.post("tenderee", "failure", 201, {"reason": "all_rejected"})
    shown = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert shown["state"] == "failed" and len(shown["bids"]) == 3
    check(desk, await desk.archive())
    assert await again(desk) != desk.tender


async def test_two_qualified_bids_are_too_few_in_government_procurement(desk: Desk) -> None:
    bids = await opened(desk, "gov")
    body = {"bid": bids["安和"], "reason": "qualification", "article": "财政部令87号 44"}
    await desk.post("tenderee", "rejections", 201, body)
    await desk.report()
    told = await desk.post("tenderee", "candidates", 409)
    assert told["code"] == "E-TOO-FEW-QUALIFIED" and told["article"].endswith("art. 44")
    assert (await desk.post("tenderee", "failure", 409, {"reason": "all_rejected"}))["code"] == "E-NOT-FAILED"
    await desk.post("tenderee", "failure", 201, {"reason": "too_few_qualified"})
    check(desk, await desk.archive())


async def test_every_candidate_gives_up(desk: Desk) -> None:
    bids = await opened(desk, "works")
    await desk.candidates()
    assert (await desk.post("tenderee", "failure", 409, {"reason": "all_rejected"}))["code"] == "E-STAGE"
    assert (await desk.post("tenderee", "failure", 409, {"reason": "candidates_gone"}))["code"] == "E-NOT-FAILED"
    for bid in bids.values():
        body = {"bid": bid, "reason": "gave_up", "article": "招标投标法实施条例 55"}
        await desk.post("tenderee", "rejections", 201, body)
    assert (await desk.post("tenderee", "award", 409, {}))["code"] == "E-NO-CANDIDATE"
    await desk.post("tenderee", "failure", 201, {"reason": "candidates_gone"})
    check(desk, await desk.archive())


async def test_the_tenderee_gives_up_and_what_was_sealed_stays_sealed(desk: Desk) -> None:
    await desk.open(regime="works")
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 9_000_000)
    await desk.post("operator", "termination", 403, {"reason": "tenderee"})
    await desk.post("tenderee", "termination", 201, {"reason": "tenderee"})
    late = await desk.town.as_("安和").post(
        f"/api/v1/tenders/{desk.tender}/bids/{firm.bid}", json=await _body(desk, firm)
    )
    assert late.status_code in (409, 422)
    shown = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert (shown["state"], shown["opens"], shown["bids"]) == ("terminated", False, None)
    await desk.covered()
    await desk.town.push(desk.deadline - await desk.now() + timedelta(hours=1))
    await desk.town.timers.run_due()  # its hour comes, and nothing is left to close
    assert await desk.state() in ("terminated", "archived")
    paths = await desk.archive()
    check(desk, paths)
    assert firm.bid.encode() in paths["supervision"].read_bytes()  # who had come is told to supervisors alone
    assert firm.bid.encode() not in paths["public"].read_bytes()
    assert await again(desk) != desk.tender


async def _body(desk: Desk, firm: object) -> object:
    return {"stages": {"form": {"manifest": "e30=", "sig": [{"alg": "EdDSA", "sig": "", "key": ""}], "upload": "x"}}}


async def test_a_tender_that_was_never_announced_is_given_up_too(desk: Desk) -> None:
    await desk.open(regime="works", announce=False)
    await desk.post("tenderee", "termination", 201, {"reason": "tenderee"})
    assert (await desk.town.call("tenderee", "GET", f"/tenders/{desk.tender}", 200))["state"] == "terminated"
    assert (await desk.post("operator", "archive", 409))["code"] == "W-STATE"  # nobody outside ever saw it
    assert await again(desk) != desk.tender


async def test_in_ningbo_three_months_and_ten_days_of_idleness_end_a_project(desk: Desk) -> None:
    await desk.open(regime="works", announce=False, region="ningbo")
    early = await desk.post("operator", "warning", 409)
    assert early["code"] == "E-NOT-IDLE" and early["facts"]["earliest"]
    assert (await desk.post("operator", "termination", 409, {"reason": "idle"}))["code"] == "E-NOT-IDLE"
    await desk.days(95)
    [told] = await alerts.standing(desk.tender)  # the operator is told that it may warn
    assert (told.rule, told.facts["act"]) == ("NB-09", "warn-idle")
    assert (await desk.post("operator", "termination", 409, {"reason": "idle"}))["code"] == "E-NOT-WARNED"
    await desk.post("operator", "warning", 201)
    told = await desk.post("operator", "termination", 409, {"reason": "idle"})
    assert told["code"] == "E-WARNING-RUNS" and told["facts"]["earliest"]
    await desk.days(15)
    assert [one.facts["act"] for one in await alerts.standing(desk.tender)] == ["warn-idle", "terminate"]
    await desk.post("tenderee", "termination", 403, {"reason": "idle"})
    await desk.post("operator", "termination", 201, {"reason": "idle"})
    assert await pool().fetchval("SELECT ended FROM trading_tender") == "idle"


async def test_nowhere_else_does_idleness_end_anything(desk: Desk) -> None:
    await desk.open(regime="works", announce=False)
    await desk.days(400)
    assert (await desk.post("operator", "warning", 409))["code"] == "E-NOT-IDLE"


async def test_given_up_while_the_bids_are_open(desk: Desk) -> None:
    await opened(desk, "gov")
    await desk.post("tenderee", "termination", 201, {"reason": "force_majeure"})
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'evaluation-closed'") == 1
    check(desk, await desk.archive())
