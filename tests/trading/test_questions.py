"""Who asks stays with the asker; what was answered is everybody's."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

from audit.act import pool
from audit.canon import sha256_hex, stamp, unb64
from tests.trading.desk import SCHEMA, Desk
from tests.trading.town import Town
from trading.law.calendar import legal_day

ONLOOKERS = ("public", "tenderee", "operator", "supervisor", "C-SUP", "rival", "sa")


async def test_a_question_is_answered_to_all_and_its_asker_named_to_nobody(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    firms = [await desk.bidder(name) for name in ("asker", "rival", "quiet")]
    asker = firms[0]
    await place.beat()
    path = f"/tenders/{desk.tender}/questions"
    asked = await place.call("asker", "POST", path, 201, {"text": "第三页的混凝土标号是多少？"})
    record = json.loads(unb64(asked["receipt"]["record"]))
    assert record["asker"] == asker.code and record["text"] == sha256_hex("第三页的混凝土标号是多少？".encode())
    assert record["question"] == asked["question"] and "serial" not in record and asked["receipt"]["nonce"]
    await place.beat()
    again = await place.call("asker", "GET", f"/receipts/{sha256_hex(unb64(asked['receipt']['record']))}", 200)
    assert again["record"] == asked["receipt"]["record"] and "proof" in again
    mine = await place.call("asker", "GET", path, 200)
    assert [one["question"] for one in mine["own"]] == [asked["question"]] and mine["answered"] == []

    # Before the answer the tenderee has the text and the day; nobody else has anything.
    told = await place.call("tenderee", "GET", path, 200)
    (waiting,) = told["pending"]
    assert waiting["asked_on"] == legal_day(await desk.now()).isoformat() and waiting["asked_at"] is None
    assert waiting["text"] == "第三页的混凝土标号是多少？"
    for who in ("public", "operator", "supervisor", "C-SUP", "rival", "sa"):
        answer = await place.as_(who).get(f"/api/v1{path}")
        assert "混凝土" not in answer.text and asked["question"] not in answer.text

    body = {"answer": "C30。", "text": "混凝土标号是多少？"}
    answered = f"{path}/{asked['question']}/answer"
    await place.call("rival", "POST", answered, 403, body)
    await place.call("tenderee", "POST", answered, 201, body)
    assert (await place.call("tenderee", "POST", answered, 409, body))["code"] == "T-ANSWERED"
    assert (await place.call("tenderee", "POST", f"{path}/{'0' * 32}/answer", 404, body))["code"] == "W-UNKNOWN"
    for who in ONLOOKERS:
        (one,) = (await place.call(who, "GET", path, 200))["answered"]
        assert (one["text"], one["answer"]) == ("混凝土标号是多少？", "C30。")
    page = (await place.as_("public").get(f"/t/{desk.tender}")).text
    assert "C30。" in page and "第三页" not in page and asker.code not in page

    # The asker never bids: through opening, award and archive no byte tells of it.
    await desk.hand_in(firms[1], 9_000_000)
    await desk.wait()
    await desk.open_boxes()
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await place.push(timedelta(hours=1))
    for edition, file in (await desk.archive()).items():
        told = _everything(file)
        assert "C30。" in told and "question-asked" not in told and record["text"] not in told, edition
        # The asker leaves no other trace than one who never came.
        assert told.count(firms[1].code) > told.count(asker.code) == told.count(firms[2].code), edition
    for who in ("public", "supervisor", "operator"):
        for feed in ("/events?after=-1&limit=1000", "/disclosures?after=-1&limit=1000"):
            text = (await place.as_(who).get(feed)).text
            assert asked["receipt"]["nonce"] not in text and asked["receipt"]["record"] not in text
            assert record["text"] not in text and "question-asked" not in text


def _everything(archive: Path) -> str:
    """All that an edition says, records opened."""
    texts = []
    with ZipFile(archive) as zipped:
        for name in zipped.namelist():
            data = zipped.read(name)
            texts.append(data.decode("utf-8", "replace"))
            if name.startswith("records/"):
                texts.append(unb64(json.loads(data)["record"]).decode())
    return "\n".join(texts)


async def test_pending_questions_come_in_no_order_and_with_no_hour(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    for name in ("a", "b", "c", "d", "e"):
        await desk.bidder(name)
    path = f"/tenders/{desk.tender}/questions"
    for name in ("a", "b", "c", "d", "e"):
        await place.call(name, "POST", path, 201, {"text": f"question of {name}"})
    waiting = (await place.call("tenderee", "GET", path, 200))["pending"]
    assert [one["question"] for one in waiting] == sorted(one["question"] for one in waiting)
    assert {tuple(sorted(k for k, v in one.items() if v is not None)) for one in waiting} == {
        ("asked_on", "question", "text")
    }


async def test_a_late_question_and_too_many_are_refused_to_their_asker(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    await desk.bidder("wang")
    path = f"/tenders/{desk.tender}/questions"
    await place.call("tenderee", "POST", path, 403, {"text": "may I?"})
    await place.call("wang", "POST", path, 422, {"text": ""})
    for n in range(20):
        await place.call("wang", "POST", path, 201, {"text": f"{n}?"})
    assert (await place.call("wang", "POST", path, 409, {"text": "21?"}))["code"] == "T-QUESTIONS"
    first = (await place.call("wang", "GET", path, 200))["own"][0]["question"]
    await place.call("tenderee", "POST", f"{path}/{first}/answer", 201, {"answer": "0!"})
    await place.push(timedelta(hours=2))  # the deadline has passed, the boxes are not closed yet
    late = await place.call("wang", "POST", path, 409, {"text": "too late?"})
    assert late["code"] == "T-QUESTION-LATE"
    await place.timers.run_due()
    assert (await place.call("wang", "POST", path, 409, {"text": "now?"}))["code"] == "W-STATE"
    assert await pool().fetchval("SELECT count(*) FROM trading_question") == 20


async def test_an_answer_may_name_a_document_set_of_this_tender_only(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(announce=False)
    spec = await desk.paper("tenderee", b"spec")
    body = {"deadline": stamp(desk.deadline), "opening_schema": SCHEMA, "documents": {"spec.pdf": spec}}
    told = await place.call("tenderee", "POST", f"/tenders/{desk.tender}/announcement", 201, body)
    await desk.bidder("wang")
    path = f"/tenders/{desk.tender}/questions"
    asked = (await place.call("wang", "POST", path, 201, {"text": "?"}))["question"]
    wrong = {"answer": "see", "set": "0" * 64}
    assert (await place.call("tenderee", "POST", f"{path}/{asked}/answer", 409, wrong))["code"] == "T-SET"
    await place.call("tenderee", "POST", f"{path}/{asked}/answer", 201, {"answer": "see", "set": told["documents"]})
    (one,) = (await place.call("public", "GET", path, 200))["answered"]
    assert one["set"] == told["documents"]
