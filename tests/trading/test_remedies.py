"""Objections, challenges, complaints: who hears of them, what waits for them, and for how long."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audit import alerts
from audit.act import pool
from audit.canon import sha256_hex, stamp, unb64
from tests.trading.desk import Desk
from tests.trading.test_contracts import opened
from tests.trading.test_journey import check
from tests.trading.town import Town

RESULT = {"kind": "objection", "about": "result", "text": "第一名的业绩不实"}


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def test_an_objection_stops_the_award_until_it_is_answered(desk: Desk) -> None:
    await opened(desk, "works")
    assert (await desk.post("博远", "remedies", 409, RESULT))["code"] == "E-REMEDY-EARLY"
    await desk.candidates()
    filed = await desk.post("博远", "remedies", 201, RESULT)
    assert (await desk.post("博远", "remedies", 409, RESULT))["code"] == "T-REMEDY-OPEN"
    await desk.days(6)
    told = await desk.post("tenderee", "award", 409, {})
    assert told["code"] == "E-SUSPENDED" and told["facts"]["rule"] == "WK-39" and told["article"].endswith("art. 54")
    await desk.post("supervisor", f"remedies/{filed['remedy']}/answer", 403, {"outcome": "upheld", "text": "是"})
    await desk.post("tenderee", f"remedies/{filed['remedy']}/answer", 201, {"outcome": "dismissed", "text": "查无实据"})
    # The answer came after more than three days: it is taken, and an alert says so.
    assert [one.rule for one in await alerts.standing(desk.tender)] == ["WK-39"]
    won = await desk.award()
    await desk.conclude(won["price"], "works")
    check(desk, await desk.archive())


async def test_in_public_nobody_is_named_and_the_receipt_proves_whose_it_is(desk: Desk) -> None:
    await desk.open(regime="works")
    await desk.bidder("安和")
    text = "资格条件排斥潜在投标人"
    filed = await desk.post("安和", "remedies", 201, {"kind": "objection", "about": "documents", "text": text})
    code = desk.town.codes["安和"]
    for who in ("public", "tenderee", "supervisor", "operator"):
        shown = await desk.town.call(who, "GET", f"/tenders/{desk.tender}/remedies", 200)
        assert code not in json.dumps(shown) and shown["items"][0]["objector"] is None
        assert (shown["items"][0]["text"] == text) == (who in ("tenderee", "supervisor"))
    mine = await desk.town.call("安和", "GET", f"/tenders/{desk.tender}/remedies", 200)
    assert mine["items"][0]["mine"] and mine["items"][0]["objector"] == code
    for row in await pool().fetch(
        "SELECT type, record FROM log_record WHERE tender = $1 AND nonce IS NULL", desk.tender
    ):
        assert code.encode() not in bytes(row["record"]), row["type"]
    record = json.loads(unb64(filed["receipt"]["record"]))
    assert (record["objector"], record["remedy"]) == (code, filed["remedy"])
    public = await pool().fetchval(
        "SELECT record FROM log_record WHERE tender = $1 AND type = 'remedy-filed'", desk.tender
    )
    opened_up = sha256_hex(b"trading/grounds/v1\n" + bytes.fromhex(filed["salt"]) + text.encode())
    assert json.loads(public)["grounds"] == opened_up


async def test_an_objection_to_the_documents_comes_ten_days_before_the_deadline(desk: Desk) -> None:
    await desk.open(regime="works")
    await desk.bidder("安和")
    await desk.town.push(timedelta(days=16))
    body = {"kind": "objection", "about": "documents", "text": "工期不合理"}
    told = await desk.post("安和", "remedies", 409, body)
    assert told["code"] == "E-REMEDY-LATE" and told["facts"]["rule"] == "WK-09" and told["facts"]["latest"]


async def test_a_box_whose_hour_comes_while_it_is_suspended_closes_when_it_is_resumed(desk: Desk) -> None:
    await desk.open(regime="works")
    firms = [await desk.bidder(name) for name in ("安和", "赣江", "博远", "迟到")]
    for firm in firms[:3]:
        await desk.hand_in(firm, 9_000_000)
    late = await desk.body(firms[3], 8_000_000)
    order = {"order": "赣招监〔2026〕1号", "ground": "supervision"}
    await desk.post("operator", "suspensions", 409, order)
    await desk.post("supervisor", "suspensions", 201, order)
    assert (await desk.post("supervisor", "suspensions", 409, order))["code"] == "T-ORDER"
    assert await desk.wait() == "announced"  # its hour has come, and it is not closed
    told = await desk.town.call("迟到", "POST", f"/tenders/{desk.tender}/bids/{firms[3].bid}", 409, late)
    assert told["code"] == "E-LATE"
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'closed'") == 0
    await desk.days(1)
    await desk.post("supervisor", "suspensions/lift", 201, {"order": order["order"]})
    await desk.town.timers.run_due()
    await desk.town.beat()
    assert await desk.state() == "closed"
    assert len((await desk.open_boxes())["bids"]) == 3
    await desk.candidates()
    won = await desk.award(after=6)
    await desk.conclude(won["price"], "works")
    check(desk, await desk.archive())


async def test_an_order_that_ends_by_itself_lets_the_box_close_by_itself(desk: Desk) -> None:
    await desk.open(regime="works")
    for name in ("安和", "赣江", "博远"):
        await desk.hand_in(await desk.bidder(name), 9_000_000)
    until = desk.deadline + timedelta(days=2)
    body = {"order": "一", "ground": "supervision", "until": stamp(until)}
    await desk.post("supervisor", "suspensions", 201, body)
    assert await desk.wait() == "announced"
    await desk.days(2.1)
    assert await desk.state() == "closed"


async def test_a_complaint_alone_suspends_nothing_and_an_order_does(desk: Desk) -> None:
    await opened(desk, "works")
    await desk.candidates()
    complaint = {"kind": "complaint", "about": "result", "text": "评标不公"}
    first = await desk.post("博远", "remedies", 409, complaint)
    assert first["code"] == "E-REMEDY-FIRST" and first["article"].endswith("art. 60")
    filed = await desk.post("博远", "remedies", 201, RESULT)
    await desk.post("tenderee", f"remedies/{filed['remedy']}/answer", 201, {"outcome": "dismissed", "text": "不成立"})
    filed = await desk.post("博远", "remedies", 201, complaint)
    remedy = filed["remedy"]
    await desk.post("tenderee", f"remedies/{remedy}/answer", 403, {"outcome": "dismissed", "text": "不成立"})
    assert (await desk.post("supervisor", f"remedies/{remedy}/answer", 409, {"outcome": "dismissed", "text": "x"}))[
        "code"
    ] == "E-REMEDY"  # not accepted yet
    await desk.post("supervisor", f"remedies/{remedy}/acceptance", 201, {"reason": "符合受理条件"})
    order = {"order": "〔2026〕7", "ground": "complaint", "remedy": remedy}
    assert (await desk.post("supervisor", "suspensions", 201, order))["until"] is None
    await desk.days(6)
    assert (await desk.post("tenderee", "award", 409, {}))["facts"]["id"] == order["order"]
    await desk.post("supervisor", f"remedies/{remedy}/answer", 201, {"outcome": "dismissed", "text": "投诉不成立"})
    assert (await desk.post("tenderee", "award", 409, {}))[
        "code"
    ] == "E-SUSPENDED"  # the order stands until it is lifted
    await desk.post("supervisor", "suspensions/lift", 201, {"order": order["order"]})
    won = await desk.award()
    await desk.conclude(won["price"], "works")
    check(desk, await desk.archive())


async def test_a_refused_complaint_is_over(desk: Desk) -> None:
    await opened(desk, "works")
    await desk.candidates()
    filed = await desk.post("博远", "remedies", 201, RESULT)
    await desk.post("tenderee", f"remedies/{filed['remedy']}/answer", 201, {"outcome": "dismissed", "text": "不成立"})
    complaint = await desk.post("博远", "remedies", 201, {"kind": "complaint", "about": "result", "text": "不服"})
    path = f"remedies/{complaint['remedy']}"
    await desk.post("supervisor", f"{path}/refusal", 201, {"reason": "无明确请求"})
    assert (await desk.post("supervisor", f"{path}/acceptance", 409, {"reason": "改主意"}))["code"] == "T-REMEDY-STATE"
    shown = (await desk.town.call("博远", "GET", f"/tenders/{desk.tender}/remedies", 200))["items"]
    assert [(one["kind"], one["state"]) for one in shown] == [("objection", "answered"), ("complaint", "refused")]


async def test_in_gov_a_challenge_holds_the_contract_alone_and_an_order_thirty_days(desk: Desk) -> None:
    await opened(desk, "gov")
    await desk.candidates()
    won = await desk.award()  # nothing is suspended yet
    await desk.notify()
    body = {"kind": "objection", "about": "result", "text": "错认程序"}
    assert (await desk.post("博远", "remedies", 409, body))["code"] == "E-REMEDY-KIND"
    filed = await desk.post("博远", "remedies", 201, {**body, "kind": "challenge", "text": "评分有误"})
    told = await desk.sign(won["price"], 409)
    assert told["code"] == "E-SUSPENDED" and told["facts"]["rule"] == "GP-25"
    await desk.post("tenderee", f"remedies/{filed['remedy']}/answer", 201, {"outcome": "dismissed", "text": "评分无误"})
    await desk.days(11)  # the seven working days in which a challenge is answered have passed
    complaint = await desk.post("博远", "remedies", 201, {**body, "kind": "complaint", "text": "不服答复"})
    now = datetime.fromisoformat((await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200))["now"])
    order = {"order": "财采〔2026〕3", "ground": "complaint", "remedy": complaint["remedy"]}
    long = {**order, "until": stamp(now + timedelta(days=40))}
    told = await desk.post("supervisor", "suspensions", 409, long)
    assert told["code"] == "E-SUSPENSION-LONG" and told["facts"]["rule"] == "GP-24" and told["facts"]["latest"]
    ordered = await desk.post("supervisor", "suspensions", 201, order)
    assert datetime.fromisoformat(ordered["until"]) < now + timedelta(days=40)
    assert (await desk.sign(won["price"], 409))["code"] == "E-SUSPENDED"
    await desk.days(45)
    await desk.sign(won["price"])  # the thirty days are over
    await desk.post(
        "supervisor", f"remedies/{complaint['remedy']}/answer", 201, {"outcome": "dismissed", "text": "驳回"}
    )
    await desk.post("tenderee", "contract/publication")
    await desk.post("tenderee", "contract/filing")
    check(desk, await desk.archive())


async def test_an_open_remedy_keeps_the_archive_waiting(desk: Desk) -> None:
    await opened(desk, "gov")
    await desk.candidates()
    won = await desk.award()
    await desk.conclude(won["price"], "gov")
    filed = await desk.post("博远", "remedies", 201, {"kind": "inquiry", "about": "result", "text": "请问得分"})
    assert (await desk.post("operator", "archive", 409))["facts"]["why"] == "answer-remedy"
    await desk.post("tenderee", f"remedies/{filed['remedy']}/answer", 201, {"outcome": "partly", "text": "见附件"})
    check(desk, await desk.archive())


async def test_in_ningbo_a_failure_of_the_system_suspends_and_its_end_resumes(desk: Desk) -> None:
    await opened(desk, "works", region="ningbo")
    order = {"order": "甬交〔2026〕9号", "ground": "outage"}
    told = await desk.post("operator", "suspensions", 201, order)
    assert "宁波" in told["article"]
    await desk.report()
    refused = await desk.post("tenderee", "candidates", 409)
    assert refused["code"] == "E-SUSPENDED" and refused["facts"]["id"] == order["order"]
    await desk.post("tenderee", "suspensions/lift", 403, {"order": order["order"]})
    await desk.post("operator", "suspensions/lift", 201, {"order": order["order"]})
    assert (await desk.post("operator", "suspensions/lift", 409, {"order": order["order"]}))["code"] == "T-ORDER"
    await desk.post("tenderee", "candidates")
    won = await desk.award(after=6)
    await desk.conclude(won["price"], "works")
    check(desk, await desk.archive())


async def test_nobody_floods_the_log_with_objections(desk: Desk) -> None:
    await opened(desk, "gov")
    body = {"kind": "inquiry", "about": "opening", "text": "问"}
    for _ in range(20):
        filed = await desk.post("博远", "remedies", 201, body)
        answer = {"outcome": "dismissed", "text": "答"}
        await desk.post("tenderee", f"remedies/{filed['remedy']}/answer", 201, answer)
    told = await desk.town.as_("博远").post(f"/api/v1/tenders/{desk.tender}/remedies", json=body)
    assert told.json()["code"] == "W-OFTEN"


async def test_the_page_says_in_plain_words_that_it_is_suspended_and_what_comes_next(desk: Desk) -> None:
    await opened(desk, "works")
    await desk.candidates()
    page = await _page(desk)
    assert "Suspended" not in page and "What comes next" in page
    filed = await desk.post("博远", "remedies", 201, RESULT)
    page = await _page(desk)
    assert "an objection waits for the tenderee" in page and "Bidding Law, art. 54" in page
    assert "博远" not in page.rpartition("Public record")[2] and RESULT["text"] not in page
    told = await desk.town.call("public", "GET", f"/tenders/{desk.tender}/agenda", 200)
    assert told["suspension"]["why"] == "objection" and told["suspension"]["rule"] == "WK-39"
    due = {one["act"]: one for one in told["items"]}
    assert due["answer-remedy"]["rule"] == "WK-39" and due["answer-remedy"]["about"] == filed["remedy"]
    assert due["answer-remedy"]["not_after"] and due["answer-remedy"]["derivation"] and not due["award"]["not_after"]
    assert due["award"]["suspended"]


async def test_a_timer_tells_supervisors_once_that_nobody_has_answered(desk: Desk) -> None:
    await opened(desk, "works")
    await desk.candidates()
    filed = await desk.post("博远", "remedies", 201, RESULT)
    assert await alerts.standing(desk.tender) == []
    await desk.days(6)
    [raised] = await alerts.standing(desk.tender)
    assert (raised.rule, raised.facts["act"], raised.facts["remedy"]) == ("WK-39", "answer-remedy", filed["remedy"])
    await desk.days(1)
    await desk.post("tenderee", f"remedies/{filed['remedy']}/answer", 201, {"outcome": "dismissed", "text": "晚了"})
    assert len(await alerts.standing(desk.tender)) == 1  # the same breach, told once
    agenda = await desk.town.call("public", "GET", f"/tenders/{desk.tender}/agenda", 200)
    assert agenda["suspension"] is None and "answer-remedy" not in {one["act"] for one in agenda["items"]}


async def _page(desk: Desk) -> str:
    answer = await desk.town.as_("public").get(f"/t/{desk.tender}")
    assert answer.status_code == 200
    return answer.text
