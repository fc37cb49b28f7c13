"""Bid security: sealed until the opening, because whoever pays is a bidder; afterwards every fen is accounted for.

WK-14: money comes out of the bidder's basic account.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from audit.act import pool
from audit.canon import stamp, unb64
from tests.browser.judge import verify
from tests.trading.desk import Bidder, Desk
from tests.trading.town import Town
from trading.law.security import interest_between

ASKED = {"amount": 200_000, "valid_days": 90, "accounts": "basic"}
TERMS = {"security": ASKED, "bid_validity_days": 90}
SEALED = ("public", "tenderee", "operator", "supervisor", "C-SUP", "zhao", "sa")


async def _pay(desk: Desk, one: Bidder, amount: int = 200_000, expect: int = 201, **more: Any) -> Any:
    body = {
        "amount": amount, "form": "transfer", "account": "6222 0000 0000 8888", "basic": True,
        "received": stamp(await desk.now()), **more,
    }  # fmt: skip
    return await desk.town.call(one.name, "POST", f"/tenders/{desk.tender}/securities", expect, body)


async def test_se_04_a_payment_is_the_payers_secret_until_the_opening(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(terms=TERMS)
    wang, zhao = await desk.bidder("wang"), await desk.bidder("zhao")
    await place.beat()
    path = f"/tenders/{desk.tender}/securities"
    silence = {who: (await place.as_(who).get(f"/api/v1{path}")) for who in SEALED}
    proof = await desk.paper("wang", b"bank slip")
    paid = await _pay(desk, wang, proof=proof)
    record = json.loads(unb64(paid["receipt"]["record"]))
    assert record["bidder"] == wang.code and record["amount"] == 200_000 and paid["receipt"]["nonce"]
    assert record["account"] == "8888" and "serial" not in record
    (line,) = (await place.call("wang", "GET", path, 200))["items"]
    assert (line["paid"], line["left"], line["finding"]) == (200_000, 200_000, "received")
    for who in SEALED:  # the same answer, to the byte, as before anybody had paid
        answer = await place.as_(who).get(f"/api/v1{path}")
        before = silence[who]
        assert (answer.status_code, len(answer.content)) == (before.status_code, len(before.content)), who
        assert answer.json().get("code") == before.json().get("code") and wang.code not in answer.text
        assert (await place.as_(who).get(f"/api/v1/papers/{proof}")).status_code == 404
    assert (await place.call("tenderee", "GET", path, 409))["code"] == "E-SEALED-YET"
    back = {"bidder": wang.code, "amount": 1, "reason": "lost"}
    assert (await place.call("tenderee", "POST", f"{path}/returns", 409, back))["code"] == "E-SEALED-YET"

    await desk.hand_in(wang, 9_000_000)
    await desk.hand_in(zhao, 9_100_000)
    await desk.wait()
    assert (await place.call("tenderee", "GET", path, 409))["code"] == "E-SEALED-YET"
    opened = await desk.open_boxes()
    assert {b["bidder"]: (b["security"], b["rejected"]) for b in opened["bids"]} == {
        wang.code: ("received", None),
        zhao.code: ("none", None),  # a finding, not a rejection
    }
    for who in ("tenderee", "operator", "supervisor"):
        (line,) = (await place.call(who, "GET", path, 200))["items"]
        assert line["bidder"] == wang.code and line["payments"][0]["proof"] == proof
    page = (await place.as_("public").get(f"/t/{desk.tender}")).text
    assert "保证金已收" in page or "security received" in page


async def test_less_late_and_none_are_findings(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(terms=TERMS)
    less, late, full, twice = [await desk.bidder(n) for n in ("less", "late", "full", "twice")]
    await place.beat()
    for n, one in enumerate((less, late, full, twice)):
        await desk.hand_in(one, 9_000_000 + n)
    await _pay(desk, less, 199_999)
    await _pay(desk, full, 200_000)
    await _pay(desk, twice, 150_000)
    await _pay(desk, twice, 50_000)
    future = stamp(await desk.now() + timedelta(minutes=5))
    assert (await _pay(desk, full, expect=409, received=future))["code"] == "T-SECURITY-TIME"
    await desk.wait()
    await _pay(desk, late, 200_000)  # the bank told of it after the deadline, and the money came after it too
    opened = await desk.open_boxes()
    assert {b["bidder"]: b["security"] for b in opened["bids"]} == {
        less.code: "less", late.code: "late", full.code: "received", twice.code: "received",
    }  # fmt: skip


async def test_wk_14_money_comes_from_the_basic_account(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(regime="works", terms=TERMS)
    wang = await desk.bidder("wang")
    for form in ("transfer", "cheque"):
        told = await _pay(desk, wang, form=form, basic=False, expect=409)
        assert told["code"] == "E-BASIC-ACCOUNT" and "art. 26" in told["article"]
    await _pay(desk, wang, form="transfer", basic=True)
    await _pay(desk, wang, form="e-guarantee", basic=False)
    assert (await _pay(desk, wang, proof="0" * 64, expect=422))["code"] == "T-PAPER"


async def test_where_the_notice_asks_for_none_none_is_taken(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    assert (await _pay(desk, await desk.bidder("wang"), expect=409))["code"] == "T-NO-SECURITY"


async def test_every_fen_goes_back_with_its_interest_before_the_ledger_is_settled(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(terms=TERMS)
    wang, zhao = await desk.bidder("wang"), await desk.bidder("zhao")
    await place.beat()
    received = await desk.now()
    for one, price in ((wang, 9_000_000), (zhao, 9_100_000)):
        await desk.hand_in(one, price)
        await _pay(desk, one, received=stamp(received))
    await desk.wait()
    await desk.open_boxes()
    path = f"/tenders/{desk.tender}/securities"
    assert (await place.call("tenderee", "POST", f"{path}/settlement", 409))["code"] == "W-STATE"
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    told = await place.call("tenderee", "POST", f"{path}/settlement", 409)
    assert told["code"] == "T-UNSETTLED" and told["facts"]["left"] == 400_000

    await place.push(timedelta(days=72))
    back = {"bidder": zhao.code, "amount": 200_000, "reason": "lost", "rate": "0.0035"}
    more = await place.call("tenderee", "POST", f"{path}/returns", 409, {**back, "amount": 200_001})
    assert more["code"] == "T-RETURN-OVER" and more["facts"]["left"] == 200_000
    stranger = {**back, "bidder": place.codes["tenderee"]}
    assert (await place.call("tenderee", "POST", f"{path}/returns", 409, stranger))["code"] == "T-SECURITY"
    keep = {**back, "reason": "forfeited", "revoked": stamp(await desk.now())}
    assert (await place.call("tenderee", "POST", f"{path}/returns", 409, keep))["code"] == "E-FORFEIT"
    await place.call("tenderee", "POST", f"{path}/returns", 201, back)
    await place.call(
        "tenderee", "POST", f"{path}/returns", 201, {**back, "bidder": wang.code, "amount": 150_000, "rate": None}
    )
    left = await place.call("tenderee", "POST", f"{path}/settlement", 409)
    assert left["facts"]["left"] == 50_000
    await place.call("tenderee", "POST", f"{path}/returns", 201, {
        "bidder": wang.code, "amount": 50_000, "reason": "won", "interest": 7,
    })  # fmt: skip
    lines = {one["bidder"]: one for one in (await place.call("operator", "GET", path, 200))["items"]}
    assert all(one["left"] == 0 for one in lines.values())
    (returned,) = lines[zhao.code]["returns"]
    earned = interest_between(200_000, Decimal("0.0035"), received, datetime.fromisoformat(returned["returned"]))
    assert returned["interest"] == earned > 0
    (receipt,) = (await place.call("zhao", "GET", path, 200))["receipts"]
    told = json.loads(unb64(receipt["record"]))
    assert (told["type"], told["interest"]) == ("trading.security-returned/v1", earned) and receipt["nonce"]
    settled = await place.call("tenderee", "POST", f"{path}/settlement", 201)
    assert (settled["count"], settled["amount"], settled["interest"]) == (2, 400_000, earned + 7)
    assert (await place.call("tenderee", "POST", f"{path}/settlement", 409))["code"] == "T-SETTLED"
    assert (await place.call("tenderee", "POST", f"{path}/returns", 409, back))["code"] in (
        "T-RETURN-OVER",
        "T-SETTLED",
    )
    found = verify(
        list((await desk.archive()).values()),
        policy=place.settings.policy_path,
        parties=place.settings.parties_path,
    )
    assert found.exit == 0, [r.failed for r in found.reports]


async def test_what_went_back_before_the_opening_only_the_payer_says(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(terms=TERMS)
    wang, zhao = await desk.bidder("wang"), await desk.bidder("zhao")
    await place.beat()
    await desk.hand_in(wang, 9_000_000)
    await _pay(desk, wang)
    await desk.withdraw(wang)
    path = f"/tenders/{desk.tender}/securities/returns"
    back = {"bidder": wang.code, "amount": 200_000, "reason": "withdrawn"}
    for who in ("tenderee", "operator"):
        assert (await place.call(who, "POST", path, 409, back))["code"] == "E-SEALED-YET"
    assert (await place.call("zhao", "POST", path, 403, back))["code"] == "W-DENIED"
    await place.call("wang", "POST", path, 201, back)
    own = (await place.call("wang", "GET", f"/tenders/{desk.tender}/securities", 200))["items"]
    assert own[0]["left"] == 0 and zhao.code not in json.dumps(own)
    alerts = await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'alert-raised'")
    assert alerts == 0


async def test_the_payers_of_a_box_that_stays_shut_are_known_to_who_pays_them_back(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(regime="works", terms=TERMS)
    wang = await desk.bidder("wang")
    await place.beat()
    await desk.hand_in(wang, 9_000_000)
    await _pay(desk, wang)
    assert await desk.wait() == "shut"  # one bidder is not enough
    path = f"/tenders/{desk.tender}/securities"
    assert (await place.call("tenderee", "GET", path, 409))["code"] == "E-SEALED-YET"
    (line,) = (await place.call("operator", "GET", path, 200))["items"]
    back = {"bidder": line["bidder"], "amount": line["left"], "reason": "shut"}
    await place.call("operator", "POST", f"{path}/returns", 201, back)
    assert (await place.call("operator", "POST", f"{path}/settlement", 201))["amount"] == 200_000


async def test_the_database_keeps_the_sums_whoever_writes(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(terms=TERMS)
    wang = await desk.bidder("wang")
    await _pay(desk, wang)
    back = """INSERT INTO trading_security_return (tender_id, bidder_id, amount, interest, reason, returned_at)
              VALUES ($1, $2, $3, 0, 'lost', now())"""
    settle = """INSERT INTO trading_settlement (tender_id, count, amount, interest, settled_at)
                VALUES ($1, $2, $3, 0, now())"""
    with pytest.raises(asyncpg.CheckViolationError, match="more would go back"):
        await pool().execute(back, desk.tender, wang.code, 200_001)
    with pytest.raises(asyncpg.CheckViolationError, match="has not gone back"):
        await pool().execute(settle, desk.tender, 1, 0)
    await pool().execute(back, desk.tender, wang.code, 200_000)
    with pytest.raises(asyncpg.CheckViolationError, match="more would go back"):
        await pool().execute(back, desk.tender, wang.code, 1)
    with pytest.raises(asyncpg.CheckViolationError, match="what the rows say"):
        await pool().execute(settle, desk.tender, 1, 199_999)
    await pool().execute(settle, desk.tender, 1, 200_000)
    with pytest.raises(asyncpg.CheckViolationError, match="settled"):
        await pool().execute(
            """INSERT INTO trading_security (tender_id, bidder_id, amount, form, account, received_at, noted_at)
               VALUES ($1, $2, 1, 'letter', 'x', now(), now())""",
            desk.tender, wang.code,
        )  # fmt: skip
    for table in ("trading_security", "trading_security_return", "trading_settlement"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool().execute(f"UPDATE {table} SET amount = 1")
