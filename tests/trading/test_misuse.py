"""What people try who may use the platform, and use it against somebody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.act import pool
from audit.canon import stamp
from tests.journeys.test_reserve import announce
from tests.trading.desk import Desk
from tests.trading.test_contracts import opened
from tests.trading.test_journey import check
from tests.trading.town import Town

SECURED: dict[str, Any] = {
    "security": {"amount": 100_000, "valid_days": 90, "accounts": "any"},
    "bid_validity_days": 90,
}
LARGEST = 10**13


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def test_a_seller_does_not_take_back_the_reserve_price_alone(desk: Desk) -> None:
    """Whoever sees the bids coming would rather sell below it: its box ends with its tender, or not at all."""
    vault = await announce(desk)
    await vault.hand_in(await vault.seller(), 6_000_000)
    for firm, price in (("安和", 6_500_000), ("赣江", 5_900_000)):
        await desk.hand_in(await desk.bidder(firm), price)
    given_up = {"reason": "tenderee"}
    later = {"deadline": stamp(desk.deadline + timedelta(hours=5)), "reason": "x"}
    assert (await vault.post("tenderee", "termination", 409, given_up))["code"] == "T-RESERVE-BOX"
    assert (await vault.post("tenderee", "deadline", 409, later))["code"] == "T-RESERVE-BOX"
    halted = {"order": "1", "ground": "outage"}
    assert (await vault.post("operator", "suspensions", 409, halted))["code"] == "T-RESERVE-BOX"
    assert await desk.wait() == "closed"
    await desk.open_boxes()
    assert (await vault.post("tenderee", "termination", 409, given_up))["code"] == "T-RESERVE-BOX"
    assert [bid["price"] for bid in (await vault.read())["bids"]] == [6_000_000]
    assert (await vault.post("tenderee", "candidates", 409))["code"] == "T-RESERVE-BOX"
    await desk.post("tenderee", "candidates")
    assert (await desk.award())["price"] == 6_500_000


async def test_a_reserve_price_stays_secret_when_its_tender_is_given_up_after_the_closing(desk: Desk) -> None:
    """Nothing was opened: whoever tenders again may use it again."""
    vault = await announce(desk)
    seller = await vault.seller()
    await vault.hand_in(seller, 6_000_000)
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    for firm in firms:
        await desk.hand_in(firm, 6_500_000)
    assert (await desk.wait(), await vault.state()) == ("closed", "closed")
    await desk.post("tenderee", "termination", 201, {"reason": "tenderee"})
    assert await vault.state() == "terminated"
    await desk.covered()
    for one in (desk, vault):
        shown = await desk.town.call("public", "GET", f"/tenders/{one.tender}", 200)
        assert shown["bids"] is None
        check(one, await one.archive())


async def test_who_tenders_does_not_object_to_it_or_pay_into_it(desk: Desk) -> None:
    """An objection of one's own would stop the award for as long as one does not answer it."""
    await desk.open(regime="works", terms={**SECURED, "security": {**SECURED["security"], "accounts": "basic"}})
    await desk.town.enrol("自己人", "bidder", code=desk.town.codes["tenderee"])
    objection = {"kind": "objection", "about": "documents", "text": "拖延"}
    paid = {
        "amount": 100_000,
        "form": "transfer",
        "account": "1234567",
        "basic": True,
        "received": stamp(await desk.now()),
    }
    assert (await desk.post("自己人", "remedies", 409, objection))["code"] == "E-OWN-TENDER"
    assert (await desk.post("自己人", "securities", 409, paid))["code"] == "E-OWN-TENDER"
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'remedy-filed'") == 0


async def test_no_payer_makes_the_sums_too_large_to_settle(desk: Desk) -> None:
    """A bidder notes its own payments: sums that no record can hold would keep the tender from its archive for ever."""
    await desk.open(terms=SECURED)
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 9_000_000)
    paid = {"form": "transfer", "account": "1234567", "received": stamp(await desk.now())}
    await desk.post("安和", "securities", 422, {**paid, "amount": 2**53 - 1})
    for _ in range(20):
        await desk.post("安和", "securities", 201, {**paid, "amount": LARGEST})
    assert (await desk.post("安和", "securities", 429, {**paid, "amount": LARGEST}))["code"] == "W-OFTEN"
    await desk.wait()
    await desk.open_boxes()
    await desk.candidates()
    await desk.award()
    back = {"bidder": firm.code, "reason": "won"}
    more = {**back, "amount": LARGEST, "interest": LARGEST + 1}
    assert (await desk.post("安和", "securities/returns", 409, more))["code"] == "T-INTEREST"
    for _ in range(20):
        await desk.post("安和", "securities/returns", 201, {**back, "amount": LARGEST, "interest": LARGEST})
    told = await desk.post("tenderee", "securities/settlement")
    assert told["interest"] == told["amount"] == 20 * LARGEST
    check(desk, await desk.archive())


@pytest.mark.parametrize("year", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_a_day_that_no_calendar_has_is_refused(desk: Desk, year: str) -> None:
    await desk.open(terms=SECURED)
    firm = await desk.bidder("安和")
    paid = {"amount": 1, "form": "transfer", "account": "1234567", "received": year}
    remedy = {"kind": "challenge", "about": "documents", "text": "x", "known": year}
    ban = {"organisation": firm.code, "decision": "1", "body": "x", "from": year, "grounds": "x", "appeal": "x"}
    await desk.post("安和", "securities", 422, paid)
    await desk.post("安和", "remedies", 422, remedy)
    await desk.post("supervisor", "suspensions", 422, {"order": "1", "ground": "supervision", "until": year})
    await desk.town.call("supervisor", "POST", "/bans", 422, ban)


async def test_nobody_learns_from_a_paper_that_another_keeps_it_too(desk: Desk) -> None:
    await desk.open()
    for name in ("安和", "赣江"):
        await desk.bidder(name)
    sha = await desk.paper("安和", "同一份保函")
    assert (await desk.town.as_("赣江").get(f"/api/v1/papers/{sha}")).status_code == 404
    before = dict((await desk.town.as_("安和").get(f"/api/v1/papers/{sha}")).headers)
    await asyncio.sleep(1.1)  # the time of a file is told in seconds
    assert await desk.paper("赣江", "同一份保函") == sha
    after = dict((await desk.town.as_("安和").get(f"/api/v1/papers/{sha}")).headers)
    assert _told(before) == _told(after)


def _told(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in ("date", "traceparent", "x-request-id")}


# ------------------------------------------------------------------------------------------------- at the same moment


async def _together(desk: Desk, *acts: tuple[str, str, Any]) -> list[int]:
    """Acts of several people at once; the status of each answer."""
    places = [path if path.startswith("/") else f"/tenders/{desk.tender}/{path}" for _, path, _ in acts]
    sent = [
        desk.town.as_(who).post(f"/api/v1{place}", json=body)
        for (who, _, body), place in zip(acts, places, strict=True)
    ]
    return [answer.status_code for answer in await asyncio.gather(*sent)]


async def test_asvs_2_3_4_two_awards_and_an_objection_at_the_same_moment(desk: Desk) -> None:
    """One award at most; if the objection came first none, until it is answered. The archive holds either way."""
    await opened(desk, "works")
    await desk.candidates()
    await desk.days(3.9)
    objection = {"kind": "objection", "about": "result", "text": "业绩不实"}
    told = await _together(
        desk, ("tenderee", "award", {}), ("博远", "remedies", objection), ("tenderee", "award", {}),
        ("tenderee", "award", {}),
    )  # fmt: skip
    assert told.count(201) <= 2 and not any(status >= 500 for status in told), told
    open_ = await pool().fetchval("SELECT id FROM trading_remedy WHERE state = 'filed'")
    if open_ is not None:
        answer = {"outcome": "dismissed", "text": "不成立"}
        assert set(await _together(desk, *[("tenderee", f"remedies/{open_}/answer", answer)] * 3)) <= {201, 409}
    if await desk.state() == "ranked":
        await desk.award(after=4)
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'awarded'") == 1
    price = (await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200))["award"]["price"]
    await desk.conclude(price, "works")
    check(desk, await desk.archive())


async def test_candidates_and_rejections_at_the_same_moment(desk: Desk) -> None:
    await opened(desk, "works")
    await desk.report()
    bids = (await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200))["bids"]
    no = {"reason": "资质不符", "article": "招标投标法实施条例 51"}
    told = await _together(
        desk, ("tenderee", f"bids/{bids[0]['bid']}/rejection", no), ("tenderee", "candidates", None),
        ("operator", "candidates", None), ("tenderee", "report", {"report": "0" * 64}),
    )  # fmt: skip
    assert not any(status >= 500 for status in told), told
    if await desk.state() == "opened":
        await desk.post("tenderee", "candidates")
    won = await desk.award(after=6)
    await desk.conclude(won["price"], "works")
    check(desk, await desk.archive())


async def test_given_up_while_bids_are_handed_in_and_the_hour_comes(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江", "博远")]
    bodies = [await desk.body(firm, 9_000_000) for firm in firms]
    acts: list[tuple[str, str, Any]] = [
        (firm.name, f"bids/{firm.bid}", body) for firm, body in zip(firms, bodies, strict=True)
    ]
    given_up = await desk.post("tenderee", "termination", 202, {"reason": "tenderee"})
    approval = (await desk.town.deputy("tenderee"), f"/proposals/{given_up['id']}/approval", None)
    told = await _together(desk, acts[0], approval, *acts[1:])
    assert told[1] == 201 and not any(status >= 500 for status in told), told
    assert await desk.wait() == "terminated" or await desk.state() == "archived"
    check(desk, await desk.archive())


async def test_returned_and_settled_at_the_same_moment(desk: Desk) -> None:
    await desk.open(terms=SECURED)
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 9_000_000)
    paid = {"amount": 100_000, "form": "transfer", "account": "1234567", "received": stamp(await desk.now())}
    await desk.post("安和", "securities", 201, paid)
    await desk.wait()
    await desk.open_boxes()
    await desk.candidates()
    await desk.award()
    back = {"bidder": firm.code, "amount": 100_000, "reason": "won"}
    told = await _together(
        desk, ("tenderee", "securities/returns", back), ("安和", "securities/returns", back),
        ("tenderee", "securities/settlement", None), ("operator", "securities/returns", back),
    )  # fmt: skip
    assert not any(status >= 500 for status in told), told
    if 201 not in told[2:3]:
        await desk.post("tenderee", "securities/settlement")
    assert await pool().fetchval("SELECT count(*) FROM trading_security_return") == 1
    check(desk, await desk.archive())
