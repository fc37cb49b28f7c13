"""Codes that open nothing, members who go, names that are not shown; and what the panel was worth."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.act import pool
from audit.canon import b64
from audit.refusal import Refused
from audit.signature import Ed25519Signer
from experts import scoring
from tests.trading.desk import SCHEMA, Desk
from tests.trading.members import Members
from tests.trading.test_evaluation import RATED, rated
from tests.trading.test_seats import GIVEN, NAMES, PRICES, no_conflict, scored, seated
from tests.trading.town import Town
from trading import accounts, pace
from trading.pace import Guesses
from trading.tools.seat import Seat


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


def proof(code: str, signer: Ed25519Signer | None = None, key: bytes | None = None) -> dict[str, Any]:
    signer = signer or Ed25519Signer.generate()
    key = key or signer.key
    return {"code": code, "key": b64(key), "sig": [signer.sign(scoring.check_in_bytes(code, key))]}


# ------------------------------------------------------------------------------------------------------------- check-in


async def test_a_code_opens_one_seat_once(desk: Desk, tmp_path: Path) -> None:
    await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene()
    shown = f" {members.codes[1][:4].lower()}-{members.codes[1][4:]}"
    told = await desk.town.call("public", "POST", "/panel/check-in", 201, proof(shown))
    assert told["seat"] == 1 and told["token"].startswith("trs_")
    used = await desk.town.call("public", "POST", "/panel/check-in", 409, proof(members.codes[1]))
    unknown = await desk.town.call("public", "POST", "/panel/check-in", 409, proof("ABCD2345"))
    assert used == unknown and used["code"] == "E-CHECK-IN"
    await pool().execute("UPDATE experts_summons SET state = 'declined' WHERE seat = 2")
    late = await desk.town.call("public", "POST", "/panel/check-in", 409, proof(members.codes[2]))
    assert late == unknown
    kept = await pool().fetch("SELECT code FROM experts_summons UNION SELECT token FROM experts_seat")
    for secret in (*members.codes.values(), told["token"]):
        assert not any(secret in (row["code"] or "") for row in kept)  # hashes only


async def test_a_key_is_proved_before_a_code_is_looked_at(desk: Desk, tmp_path: Path) -> None:
    await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene()
    mine, theirs = Ed25519Signer.generate(), Ed25519Signer.generate()
    for code in (members.codes[1], "ABCD2345"):
        answer = await desk.town.call("public", "POST", "/panel/check-in", 409, proof(code, mine, theirs.key))
        assert answer["code"] == "E-SIG"
    small = {**proof(members.codes[1], mine), "key": b64(bytes(32))}
    assert (await desk.town.call("public", "POST", "/panel/check-in", 409, small))["code"] == "E-SIG"
    assert await members.records("seat-keyed") == []
    await desk.town.call("public", "POST", "/panel/check-in", 201, proof(members.codes[1], mine))
    again = await desk.town.call("public", "POST", "/panel/check-in", 409, proof(members.codes[2], mine))
    assert again["code"] == "E-SEAT-KEY"  # draw.md §2.6: no key stands for two members or seats
    await members.check_in(2)


async def test_whoever_guesses_waits_even_with_the_right_code(desk: Desk, tmp_path: Path) -> None:
    await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene()
    guesser, neighbour = members.tool("x", "10.9.9.9"), members.tool("y", "10.9.9.8")

    async def answer(tool: Seat, code: str) -> str:
        found = await asyncio.to_thread(lambda: tool.platform._http.post("/api/v1/panel/check-in", json=proof(code)))
        return str(found.json().get("code") or found.status_code)

    assert [await answer(guesser, f"WRNG{n:04}") for n in range(pace.GUESSES)] == ["E-CHECK-IN"] * pace.GUESSES
    assert await answer(guesser, "WRNGWRNG") == "W-GUESSED"
    assert await answer(guesser, members.codes[1]) == "W-GUESSED"  # the right one is not told apart
    assert await answer(neighbour, members.codes[1]) == "201"


def test_guesses_are_counted_by_the_minute_and_by_all_devices() -> None:
    now = 0.0
    one = Guesses(lambda: now)
    for _ in range(pace.GUESSES):
        one.check("a")
        one.wrong("a")
    with pytest.raises(Refused, match="W-GUESSED"):
        one.check("a")
    one.check("b")
    now = 61.0
    one.check("a")
    for n in range(pace.ALL_GUESSES):
        one.wrong(f"device {n}")
    with pytest.raises(Refused, match="W-GUESSED"):
        one.check("somebody else")


async def test_two_with_one_code_are_one_member(desk: Desk, tmp_path: Path) -> None:
    await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene()
    client = desk.town.as_("public")
    found = await asyncio.gather(
        *(client.post("/api/v1/panel/check-in", json=proof(members.codes[1])) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in found) == [201, 409, 409, 409]
    assert len(await members.records("seat-keyed")) == 1


# -------------------------------------------------------------------------------------------------------- who is replaced


async def test_a_conflict_ends_the_seat_and_calls_the_next(desk: Desk, tmp_path: Path) -> None:
    bids = await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene()
    await members.check_in(*members.codes)
    for seat in (1, 2, 4, 5):
        await members.of(seat, no_conflict)
    lost = members.tools[3].place["leaf"]
    await members.of(3, lambda tool: tool.declare(conflict=True))
    declared, called = (await members.records("conflict-declared", "draw-called"))[-2:]
    assert (declared["conflict"], declared["leaf"], called["leaf"]) == (True, lost, lost)
    assert (called["outcome"], called["try"], called["channel"], called["answer"]) == ("conflict", 0, "", None)
    row = await pool().fetchrow("SELECT state, seat, code FROM experts_summons WHERE leaf = $1", lost)
    assert tuple(row) == ("conflict", None, None)
    assert await pool().fetchval("SELECT state FROM experts_panel") == "calling"
    assert await members.no(3, Seat.bids) in ("E-SEAT-ENDED", "W-TOKEN")
    await members.score(1, {bids[name]: row for name, row in GIVEN.items()}, NAMES)
    assert await members.no(1, Seat.commit) == "E-PANEL-WAITS"
    leaf = await members.accept(3)
    await members.check_in(3)
    first, second = await members.records("panel-seated")
    assert first["leaves"][2] == lost and second["leaves"][2] == leaf
    assert first["leaves"][:2] + first["leaves"][3:] == second["leaves"][:2] + second["leaves"][3:]
    await members.of(3, no_conflict)
    await scored(members, bids)
    await members.all(Seat.reveal)


async def test_what_a_replaced_member_did_is_void(desk: Desk, tmp_path: Path) -> None:
    """招标投标法实施条例 48: the new member starts anew, sees nothing before, and the old sheet counts no more."""
    members, bids = await seated(desk, tmp_path)
    await scored(members, bids)
    await members.all(Seat.reveal)
    before = (await members.of(1, Seat.report))["value"]
    await members.of(1, lambda tool: tool.answer("signed"))
    old = next(one["sheet"] for one in before["seats"] if one["seat"] == 2)
    # An authority removes the member (the panel's act): the seat ends, the next in order is called.
    await pool().execute("UPDATE experts_seat SET ended_at = log_now() WHERE seat = 2 AND ended_at IS NULL")
    await pool().execute("UPDATE experts_summons SET state = 'removed', seat = NULL, code = NULL WHERE seat = 2")
    await pool().execute("UPDATE experts_panel SET state = 'calling'")
    assert await members.no(1, Seat.report) == "E-REPORT-EARLY"
    told = await desk.post("tenderee", "report", 409, {"report": "0" * 64})
    assert told["code"] == "E-REPORT-EARLY"
    await members.accept(2)
    await members.check_in(2)
    await members.of(2, no_conflict)
    assert (await members.of(2, Seat.scores))["open"] is False  # all others have revealed; he has not
    assert (await members.of(1, Seat.scores))["open"] is False
    assert await members.no(1, Seat.commit) == "E-SCORES-FIXED"
    await members.score(2, {bids[name]: ("61", "62") for name in GIVEN}, NAMES)
    await members.of(2, Seat.commit)
    made = await members.of(2, Seat.reveal)
    assert made["replaces"] == old
    after = (await members.of(1, Seat.report))["value"]
    assert after["totals"] != before["totals"]
    assert next(one["sheet"] for one in after["seats"] if one["seat"] == 2) == made["sheet"]
    assert {one["seat"] for one in after["outliers"]} == {2}
    await members.all(lambda tool: tool.answer("signed"))
    await desk.post("tenderee", "report", 201, {"report": (await members.of(1, Seat.report))["report"]})
    ranked = await desk.post("tenderee", "candidates")
    totals = json.loads(await pool().fetchval("SELECT totals FROM trading_tender WHERE id = $1", desk.tender))
    assert totals == after["totals"] and ranked["ranking"]


async def test_a_representative_who_lost_the_key_begins_anew(desk: Desk, tmp_path: Path) -> None:
    bids = await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene(experts=4, representatives=1)
    body: dict[str, Any] = {}
    first = await desk.post("tenderee", "panel/representatives", 201, body)
    assert (await desk.post("tenderee", "panel/representatives", 409, body))["code"] == "E-NO-SEAT"
    assert (await desk.post("tenderee", "panel/representatives", 409, {"seat": 1}))["code"] == "E-NO-SEAT"
    again = await desk.post("tenderee", "panel/representatives", 201, {"seat": 5})
    await desk.town.call("public", "POST", "/panel/check-in", 409, proof(first["code"]))
    members.codes[5] = again["code"]
    await members.check_in(1, 2, 3, 4, 5)
    await members.all(no_conflict)
    await scored(members, bids)
    await desk.town.enrol("stranger", "tenderee")
    await desk.post("stranger", "panel/representatives", 404, {"seat": 5})
    third = await desk.post("tenderee", "panel/representatives", 201, {"seat": 5})
    assert await pool().fetchval("SELECT state FROM experts_panel") == "calling"
    members.codes[5] = third["code"]
    await members.check_in(5)
    assert await members.no(5, Seat.bids) == "E-UNDECLARED"
    assert await members.no(1, Seat.reveal) == "E-UNCOMMITTED"
    assert len(await members.records("panel-seated")) == 2 and len(await members.records("seat-keyed")) == 6


async def test_a_token_ends_with_its_seat_within_two_seconds(desk: Desk, tmp_path: Path) -> None:
    members, _ = await seated(desk, tmp_path)
    watching = asyncio.create_task(accounts.watch_revocations())
    try:
        await asyncio.sleep(2 * accounts.LOOK)
        await members.of(2, Seat.desk)
        await pool().execute("UPDATE experts_seat SET ended_at = log_now() WHERE seat = 2")
        begun = time.monotonic()
        while True:
            try:
                await members.of(2, Seat.desk)
            except Refused as no:
                assert no.code == "W-TOKEN"
                break
            assert time.monotonic() - begun < accounts.REMEMBERED
            await asyncio.sleep(0.05)
        await members.of(1, Seat.desk)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_seat_is_of_its_own_tender_alone(desk: Desk, tmp_path: Path) -> None:
    members, _ = await seated(desk, tmp_path)
    await desk.town.take_seat("guest", "2026-000009-01@8")
    for path in ("", "/timeline", "/agenda", "/documents"):
        assert (await desk.town.as_("guest").get(f"/api/v1/tenders/{desk.tender}{path}")).status_code == 404
        mine = await members.of(1, lambda tool, path=path: tool.platform.get(f"/tenders/{desk.tender}{path}"))
        assert mine
    assert (await desk.town.call("guest", "GET", "/panel", 404))["code"] == "W-UNKNOWN"


async def test_no_conflict_is_denied_before_the_bidders_are_known(desk: Desk, tmp_path: Path) -> None:
    await desk.open(regime="gov", terms={"opening_schema": SCHEMA})
    for name, price in PRICES.items():
        await desk.hand_in(await desk.bidder(name), price)
    members = Members(desk, tmp_path)
    await members.convene()
    await members.check_in(*members.codes)
    assert await members.no(1, no_conflict) == "E-DECLARE-EARLY"
    assert (await members.of(1, Seat.desk))["parties"]["bidders"] == []
    await desk.wait()
    assert (await members.of(1, Seat.desk))["parties"]["bidders"] == []
    await members.of(2, lambda tool: tool.declare(conflict=True))  # the tenderee is known: who must go, goes at once
    await desk.open_boxes()
    assert len((await members.of(1, Seat.desk))["parties"]["bidders"]) == 3
    await members.of(1, no_conflict)


# ---------------------------------------------------------------------------------------------------------------- blind


async def test_blind_the_technical_part_comes_first_and_nobody_is_named(desk: Desk, tmp_path: Path) -> None:
    terms = {
        **RATED,
        "opening_schema": SCHEMA,
        "parameters": {**RATED["parameters"], "small_firm": None},
        "blind": True,
    }
    await desk.open(regime="gov", terms=terms)
    bids = {}
    for name, price in PRICES.items():
        firm = await desk.bidder(name)
        await desk.hand_in(firm, price)
        bids[name] = firm.bid
    await desk.wait()
    await desk.open_boxes()
    assert (await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200))["blind"] is True
    members = Members(desk, tmp_path)
    await members.convene()
    await members.check_in(*members.codes)
    await members.all(no_conflict)
    files = tmp_path / "files"
    shown = await members.of(1, lambda tool: tool.bids(files))
    text = json.dumps(shown, ensure_ascii=False)
    for told in (*bids, *bids.values(), *(str(price) for price in PRICES.values()), "offer.bin"):
        assert told not in text, told
    assert [one["label"] for one in shown["items"]] == ["A", "B", "C"]
    assert sorted(path.name for path in files.rglob("*") if path.is_file()) == ["1-A-1.bin", "1-B-1.bin", "1-C-1.bin"]
    orders = {tuple(one["bid"] for one in await members.of(seat, _labels)) for seat in members.tools}
    assert len(orders) > 1  # "mark B up" means something else to everybody
    await scored(members, bids)
    assert all(one["opening"]["price"] for one in (await members.of(1, Seat.bids))["items"])
    await members.all(Seat.reveal)
    assert (await members.of(1, Seat.report))["value"]["totals"]["rows"][0]["bid"] == bids["博远"]


def _labels(tool: Seat) -> Any:
    return tool.platform.get("/panel/labels")["items"]


# ----------------------------------------------------------------------------------------------------------- attendance


async def test_who_attended_and_for_which_fee(desk: Desk, tmp_path: Path) -> None:
    bids = await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene(experts=4, representatives=1)
    members.codes[5] = (await desk.post("tenderee", "panel/representatives", 201, {}))["code"]
    await members.check_in(*members.codes)
    await members.of(4, lambda tool: tool.declare(conflict=True))
    await members.accept(4)
    await members.check_in(4)
    await members.all(no_conflict)
    path = f"/tenders/{desk.tender}/panel/attendance"
    assert (await desk.town.call("operator", "GET", path, 409))["code"] == "W-STATE"
    await desk.town.push(timedelta(hours=5, minutes=30))
    await scored(members, bids)
    await members.all(Seat.reveal)
    await members.all(lambda tool: tool.answer("signed"))
    report = (await members.of(1, Seat.report))["report"]
    secret = await desk.town.call("supervisor", "GET", f"/tenders/{desk.tender}/panel/report", 409)
    assert secret["code"] == "E-SECRET"
    await desk.post("tenderee", "report", 201, {"report": report})
    await desk.post("tenderee", "candidates")
    await desk.award()
    told = (await desk.town.call("operator", "GET", path, 200))["items"]
    assert [(one["seat"], one["side"], one["hours"], one["fee"]) for one in told] == [
        (1, "expert", 6, 70_000), (2, "expert", 6, 70_000), (3, "expert", 6, 70_000), (4, "expert", 1, 10_000),
        (4, "expert", 6, 70_000), (5, "tenderee", 6, 0),
    ]  # fmt: skip
    answer = await desk.town.as_("operator").get(f"/api/v1{path}.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["fee"] for row in rows] == ["70000", "70000", "70000", "10000", "70000", "0"]
    seen = await desk.town.call("supervisor", "GET", f"/tenders/{desk.tender}/panel/report", 200)
    assert seen["report"] == report
    for who in ("tenderee", "supervisor", "安和"):
        assert (await desk.town.as_(who).get(f"/api/v1{path}")).status_code == 403
