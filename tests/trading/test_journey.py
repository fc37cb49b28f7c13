"""Whole journeys over the API, from the announcement to an archive that verifies offline."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from audit.act import pool
from audit.canon import b64, canon, sha256_hex, stamp, unb64
from audit.receipt import Receipt, check_receipt
from audit.refusal import Broken
from bidding import keys
from bidding.slips import check_slip
from tests import reader
from tests.browser.judge import verify
from tests.trading.desk import Desk
from tests.trading.town import Town


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


def check(desk: Desk, paths: dict[str, Path]) -> None:
    settings = desk.town.settings
    found = verify(list(paths.values()), policy=settings.policy_path, parties=settings.parties_path)
    assert found.exit == 0, [r.failed for r in found.reports]
    told = reader.read(list(paths.values()), settings.policy_path, settings.parties_path)
    assert told[0] == 0, told


async def test_buying_from_the_notice_to_the_archive(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江", "博远")]
    await desk.check_kit(firms[0])
    for firm, price in zip(firms, (9_200_000, 8_800_000, 9_900_000), strict=True):
        await desk.hand_in(firm, price)
    before = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert before["bids"] is None and before["opens"] is None
    assert await desk.wait() == "closed"

    opened = await desk.open_boxes()
    assert opened["state"] == "opened"
    assert sorted(b["price"] for b in opened["bids"]) == [8_800_000, 9_200_000, 9_900_000]

    cheapest = next(b for b in opened["bids"] if b["price"] == 8_800_000)
    body = {"bid": cheapest["bid"], "reason": "qualification", "article": "招标投标法实施条例 51(3)"}
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/rejections", 201, body)
    ranked = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    assert ranked["ranking"][0] == firms[0].bid
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert (won["bidder"], won["price"], won["gain"]) == (firms[0].code, 9_200_000, 800_000)

    trades = await desk.town.call("public", "GET", "/trades", 200)
    assert trades["sums"] == [
        {
            "currency": "CNY",
            "direction": "buy",
            "trades": 1,
            "price": 9_200_000,
            "baseline": 10_000_000,
            "gain": 800_000,
        }
    ]
    check(desk, await desk.archive())


async def test_a_receipt_grows_a_proof_and_a_place_on_the_list(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    for firm in firms:
        await desk.hand_in(firm, 9_000_000)
    first = firms[0].receipts["form"]
    assert "proof" not in first
    await desk.town.beat()
    grown = await desk.town.call("安和", "GET", f"/receipts/{first['manifest']}", 200)
    assert grown["proof"] and "listed" not in grown
    await desk.wait()
    grown = await desk.town.call("安和", "GET", f"/receipts/{first['manifest']}", 200)
    closed = [
        json.loads(r["record"])
        for r in await pool().fetch("SELECT record FROM log_record WHERE type = 'closed' AND tender = $1", desk.tender)
    ]
    [form] = [c for c in closed if c["stage"] == "form"]
    found = check_receipt(
        Receipt.parse(canon(grown)), desk.town.policy, list_root=bytes.fromhex(form["list_root"]), count=form["count"]
    )
    assert found.listed
    await desk.town.call("赣江", "GET", f"/receipts/{first['manifest']}", 404)


async def test_a_late_bid_gets_a_refusal_that_proves_it(desk: Desk) -> None:
    await desk.open()
    firm = await desk.bidder("安和")
    body = await desk.body(firm, 9_000_000)
    await desk.wait()
    told = await desk.town.call("安和", "POST", f"/tenders/{desk.tender}/bids/{firm.bid}", 409, body)
    assert (told["code"], told["article"]) == ("E-LATE", "Regulation implementing the Bidding Law, art. 36")
    assert told["receipt"]["promise"]


async def test_asking_again_for_what_was_taken_gives_the_receipts_again(desk: Desk) -> None:
    await desk.open()
    firm = await desk.bidder("安和")
    body = await desk.body(firm, 9_000_000)
    path = f"/tenders/{desk.tender}/bids/{firm.bid}"
    first = await desk.town.call("安和", "POST", path, 201, body)
    assert await desk.town.call("安和", "POST", path, 201, body) == first
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'refused'") == 0


async def test_works_with_two_bids_stay_shut_for_ever(desk: Desk) -> None:
    await desk.open(regime="works")
    for name in ("安和", "赣江"):
        await desk.hand_in(await desk.bidder(name), 9_000_000)
    assert await desk.wait() == "shut"
    shut = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert shut["bids"] is None and shut["opens"] is False
    assert (await desk.town.as_("C-SUP").get(f"/api/v1/tenders/{desk.tender}/kits/form")).status_code == 409
    check(desk, await desk.archive())


async def test_works_need_twenty_days(desk: Desk) -> None:
    town = desk.town
    await desk.open()
    project = await town.call(
        "tenderee", "POST", "/projects", 201, {"title": "短期", "regime": "works", "direction": "buy"}
    )
    body = {"title": "一", "baseline": 1}
    lot = await town.call("tenderee", "POST", f"/projects/{project['id']}/lots", 201, body)
    tender = (await town.call("tenderee", "POST", "/tenders", 201, {"lot": lot["id"]}))["id"]
    made = [
        keys.make_keyset(
            [c.statement for c in desk.custodians if c.statement],
            origin=town.settings.origin, tender=tender, stage="form", k=2, opens_at=desk.deadline,
        )
    ]  # fmt: skip
    await town.call("tenderee", "POST", f"/tenders/{tender}/keysets", 201, {"keysets": {"form": b64(made[0].data)}})
    body = {"deadline": stamp(desk.deadline), "opening_schema": {"price": {"kind": "fen"}}}
    told = await town.call("tenderee", "POST", f"/tenders/{tender}/announcement", 409, body)
    assert told["code"] == "E-PERIOD" and told["article"] == "Bidding Law, art. 24"


async def test_selling_books_the_added_value(desk: Desk) -> None:
    await desk.open(direction="sell", baseline=5_000_000)
    for name, price in (("安和", 6_000_000), ("赣江", 7_500_000)):
        await desk.hand_in(await desk.bidder(name), price)
    await desk.wait()
    await desk.open_boxes(2)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert (won["price"], won["gain"], won["formula"]) == (7_500_000, 2_500_000, "price-minus-baseline/v1")
    check(desk, await desk.archive())


async def test_replaced_and_withdrawn(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    for firm in firms:
        await desk.hand_in(firm, 9_000_000)
    await desk.hand_in(firms[0], 8_000_000, ("form",))
    mine = (await desk.town.call("安和", "GET", f"/tenders/{desk.tender}/bids", 200))["items"]
    assert [(d["stage"], d["seq"], d["state"]) for d in mine] == [
        ("documents", 1, "effective"),
        ("form", 1, "superseded"),
        ("form", 2, "effective"),
    ]
    await desk.withdraw(firms[1])
    await desk.wait()
    opened = await desk.open_boxes()
    assert [b["price"] for b in opened["bids"]] == [8_000_000]
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    check(desk, await desk.archive())


async def test_a_moved_deadline_moves_the_closing(desk: Desk) -> None:
    await desk.open()
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 9_000_000)
    later = desk.deadline + timedelta(hours=1)
    body = {"deadline": stamp(later), "reason": "clarification"}
    moved = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/deadline", 200, body)
    assert moved["hour"] == moved["deadline"]
    assert await desk.wait() == "announced"
    desk.deadline = later
    assert await desk.wait() == "closed"


async def test_all_rejected_nobody_wins_and_the_lot_may_be_tendered_again(desk: Desk) -> None:
    town = desk.town
    await desk.open()
    await desk.hand_in(await desk.bidder("安和"), 9_000_000)
    await desk.wait()
    [only] = (await desk.open_boxes())["bids"]
    body = {"bid": only["bid"], "reason": "qualification", "article": "招标投标法实施条例 51(3)"}
    await town.call("tenderee", "POST", f"/tenders/{desk.tender}/rejections", 201, body)
    assert (await town.call("tenderee", "POST", f"/tenders/{desk.tender}/rejections", 409, body))[
        "code"
    ] == "T-REJECTED"
    told = await town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 409)
    assert told["code"] == "E-NO-CANDIDATE" and told["article"]
    lot = desk.tender.rpartition("@")[0]
    assert (await town.call("tenderee", "POST", "/tenders", 409, {"lot": lot}))["code"] == "T-TENDERED"
    assert (await town.call("operator", "POST", f"/tenders/{desk.tender}/archive", 409))["code"] == "E-UNFINISHED"
    await town.call("tenderee", "POST", f"/tenders/{desk.tender}/failure", 201, {"reason": "all_rejected"})
    check(desk, await desk.archive())
    again = await town.call("tenderee", "POST", "/tenders", 201, {"lot": lot})
    assert again["id"] != desk.tender and again["id"].startswith(f"{lot}@")


async def test_an_agency_runs_it_and_a_stranger_does_not(desk: Desk) -> None:
    town = desk.town
    await town.enrol("tenderee", "tenderee")
    await town.enrol("agency", "agency")
    await town.enrol("stranger", "agency")
    body = {"title": "代理", "regime": "works", "direction": "buy", "organisation": town.codes["tenderee"]}
    project = await town.call("agency", "POST", "/projects", 201, body)
    assert (project["organisation"], project["agency"]) == (town.codes["tenderee"], town.codes["agency"])
    lot = {"title": "一", "baseline": 1}
    await town.call("stranger", "POST", f"/projects/{project['id']}/lots", 404, lot)
    await town.call("tenderee", "POST", f"/projects/{project['id']}/lots", 201, lot)
    got = await town.as_("agency").get(f"/api/v1/projects/{project['id']}")
    tag = got.headers["etag"]
    path = f"/api/v1/projects/{project['id']}"
    stale = await town.as_("agency").patch(path, json={"title": "新名"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412 and stale.json()["code"] == "W-VERSION"
    assert (await town.as_("agency").patch(path, json={"title": "新名"})).status_code == 428
    changed = await town.as_("agency").patch(path, json={"title": "新名"}, headers={"If-Match": tag})
    assert changed.status_code == 200 and changed.json()["title"] == "新名"
    fresh = changed.headers["etag"]
    assert (await town.as_("agency").get(path, headers={"If-None-Match": fresh})).status_code == 304


async def test_the_tenderee_does_not_bid_in_its_own_tender(desk: Desk) -> None:
    await desk.open()
    code = desk.town.codes["tenderee"]
    await desk.town.enrol("own", "bidder", code=code)
    body = {"stages": {"form": {"manifest": "e30=", "sig": [{"alg": "EdDSA", "sig": "", "key": ""}], "upload": "x"}}}
    told = await desk.town.call("own", "POST", f"/tenders/{desk.tender}/bids/{'0' * 32}", 409, body)
    assert told["code"] == "E-OWN-TENDER" and "art. 34" in told["article"]


async def test_what_nobody_foresaw_says_only_where_to_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from trading import ledger

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(ledger, "trades", broken)
    answer = await desk.town.as_("public").get("/api/v1/trades")
    assert answer.status_code == 500 and answer.json()["code"] == "W-FAULT" and "secret" not in answer.text


async def test_the_supervisors_copy_names_bids(desk: Desk) -> None:
    await desk.open()
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 9_000_000)
    await desk.wait()
    path = f"/tenders/{desk.tender}/stored"
    await desk.town.call("supervisor", "POST", path, 409, {"stage": "documents", "missing": ["0" * 32]})
    await desk.town.call("supervisor", "POST", path, 404, {"stage": "technical", "missing": []})
    await desk.town.call("supervisor", "POST", path, 201, {"stage": "documents", "missing": []})
    again = await desk.town.as_("supervisor").post(f"/api/v1{path}", json={"stage": "documents", "missing": [firm.bid]})
    assert again.status_code < 500


async def test_a_timer_and_a_person_archive_at_once(desk: Desk) -> None:

    await desk.open(regime="works")
    await desk.wait()  # nobody came
    path = f"/api/v1/tenders/{desk.tender}/archive"
    assert (await desk.town.as_("operator").post(path)).json()["code"] == "E-PENDING"
    await desk.town.beat()
    answers = await asyncio.gather(
        *(desk.town.as_("operator").post(path) for _ in range(4)), desk.town.timers.run_due()
    )
    told = [a for a in answers if not isinstance(a, int)]
    assert {a.status_code for a in told} <= {201, 409} and 201 in {a.status_code for a in told}
    check(desk, await _downloaded(desk))


async def _downloaded(desk: Desk) -> dict[str, Path]:
    made = await desk.town.call("operator", "POST", f"/tenders/{desk.tender}/archive", 201)
    found = {}
    for edition, digest in made["editions"].items():
        found[edition] = desk.town.settings.archives_dir / f"{desk.tender}.{edition}.zip"
        assert sha256_hex(found[edition].read_bytes()) == digest
    return found


async def test_a_payload_the_store_lost_is_brought_by_its_bidder(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    bodies = [await desk.body(firm, price) for firm, price in zip(firms, (9_000_000, 8_000_000), strict=True)]
    for firm, body in zip(firms, bodies, strict=True):
        await desk.town.call(firm.name, "POST", f"/tenders/{desk.tender}/bids/{firm.bid}", 201, body)
    lost = firms[1].last["documents"].hash
    name = await pool().fetchval("SELECT upload_id FROM bidding_deposit WHERE hash = $1", lost)
    kept = await desk.town.platform.store.read(name)
    await desk.town.platform.store.erase(name)  # a disk that forgot
    await desk.wait()
    opened = await desk.open_boxes()
    assert opened["state"] == "closed"  # nobody is awarded while one envelope waits
    path = f"/api/v1/tenders/{desk.tender}/payloads/{lost}"
    wrong = await desk.town.as_("安和").put(path, content=kept[:-1] + b"x")
    assert wrong.status_code == 409 and wrong.json()["code"] == "E-PAYLOAD"
    brought = await desk.town.as_("赣江").put(path, content=kept)
    assert brought.status_code == 200, brought.text
    await desk.town.timers.run_due()
    opened = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert opened["state"] == "opened" and all(set(b["verdicts"].values()) == {"OK"} for b in opened["bids"])
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await desk.town.beat()
    check(desk, await desk.archive())


async def test_a_refusal_nobody_records_is_signed_all_the_same(desk: Desk) -> None:
    """赣江 sends a manifest whose signature does not hold: nobody knows who asks, so nothing is logged; but it is signed."""
    await desk.open()
    firm = await desk.bidder("赣江")
    body = await desk.body(firm, 9_000_000)
    sig = body["stages"]["form"]["sig"][0]
    sig["sig"] = b64(bytes(64))
    told = await desk.town.call("赣江", "POST", f"/tenders/{desk.tender}/bids/{firm.bid}", 409, body)
    assert told["code"] == "E-SIG" and "receipt" not in told
    refused = unb64(body["stages"]["form"]["manifest"])
    data, sigs = unb64(told["slip"]["refusal"]), told["slip"]["sig"]
    assert check_slip(data, sigs, desk.town.policy, refused)["code"] == "E-SIG"
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'refused'") == 0
    for forged, about in ((data.replace(b"E-SIG", b"E-SEQ"), refused), (data, refused + b" ")):
        with pytest.raises(Broken, match="R-SLIP"):
            check_slip(forged, sigs, desk.town.policy, about)
