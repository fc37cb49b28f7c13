"""A panel at work: five members check in, declare, rate, commit, reveal and sign; nobody sees too much, or too early."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from audit.act import pool
from audit.canon import b64, sha256_hex, unb64
from audit.signature import verify_by
from audit.trust import record_sig_bytes
from experts.draw import draw_ctx, score_commit
from tests import reader
from tests.browser.judge import verify
from tests.journeys.test_two_envelopes import LATER, TwoEnvelopes
from tests.trading.desk import SCHEMA, Desk
from tests.trading.members import Members
from tests.trading.test_contracts import opened
from tests.trading.test_evaluation import RATED, rated, sheet
from tests.trading.town import Town
from trading.client import PREFIX
from trading.law import methods
from trading.law.methods import Offer, Sheet
from trading.tools.seat import Seat

PRICES = {"安和": 9_000_000, "赣江": 8_000_000, "博远": 9_500_000}
NAMES = ("technical", "business")
GIVEN = {"安和": ("70", "70"), "赣江": ("60", "60.5"), "博远": ("95", "90")}


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


def no_conflict(tool: Seat) -> Any:
    return tool.declare(conflict=False)


async def seated(desk: Desk, tmp: Path, **panel: Any) -> tuple[Members, dict[str, str]]:
    """A rated tender, opened, with a panel that sits and has declared."""
    bids = await rated(desk, PRICES)
    members = Members(desk, tmp)
    await members.convene(**panel)
    await members.check_in(*members.codes)
    await members.all(no_conflict)
    return members, bids


async def scored(members: Members, bids: dict[str, str], *numbers: int) -> None:
    for seat in numbers or sorted(members.tools):
        await members.score(seat, {bids[name]: row for name, row in GIVEN.items()}, NAMES)
        await members.of(seat, Seat.commit)


async def test_a_panel_from_the_check_in_to_the_award(desk: Desk, tmp_path: Path) -> None:
    bids = await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene()
    await members.check_in(1, 2, 3, 4)
    assert await members.records("panel-seated") == []
    await members.check_in(5)
    (told,) = await members.records("panel-seated")
    keyed = await members.records("seat-keyed")
    assert told["leaves"] == [one["leaf"] for one in keyed] and [one["seat"] for one in keyed] == [1, 2, 3, 4, 5]

    for what in (Seat.bids, Seat.report, Seat.ask_time, lambda tool: tool.platform.get("/panel/labels")):
        assert await members.no(1, what) == "E-UNDECLARED"
    await members.all(no_conflict)
    assert await members.no(1, lambda tool: tool.declare(conflict=True)) == "E-DECLARED"
    shown = await members.of(1, lambda tool: tool.bids(tmp_path / "files"))
    assert [one["bidder_name"] for one in shown["items"]] and {one["bid"] for one in shown["items"]} == {*bids.values()}
    for one in shown["items"]:
        for file in one["documents"]:
            data = (tmp_path / "files" / one["label"] / f"{file['n']}-{file['name']}").read_bytes()
            assert (len(data), sha256_hex(data)) == (file["size"], file["sha256"])

    await scored(members, bids, 1, 2, 3, 4)
    assert await members.no(1, Seat.reveal) == "E-UNCOMMITTED"
    assert await members.no(1, Seat.report) == "E-REPORT-EARLY"
    await scored(members, bids, 5)
    for seat in (1, 2, 3, 4):
        await members.of(seat, Seat.reveal)
        assert (await members.of(seat, Seat.scores))["open"] is False
    assert await members.no(1, Seat.commit) == "E-SCORES-FIXED"  # and fixed they are
    assert await members.no(5, Seat.report) == "E-REPORT-EARLY"
    await members.of(5, Seat.reveal)
    told = await members.of(3, Seat.scores)
    assert told["open"] and [one["seat"] for one in told["seats"]] == [1, 2, 3, 4, 5] and told["outliers"] == []

    laid = await members.of(1, Seat.report)
    assert laid["value"]["totals"]["rows"][0]["bid"] == bids["博远"]
    body = {"report": laid["report"]}
    unsigned = await desk.post("tenderee", "report", 409, body)
    assert (unsigned["code"], unsigned["facts"]["seats"]) == ("E-REPORT-UNSIGNED", [1, 2, 3, 4, 5])
    for seat in (1, 2, 3, 4):
        await members.of(seat, lambda tool: tool.answer("signed"))
    assert await members.no(1, lambda tool: tool.answer("dissent", "再想想")) == "E-ANSWERED"
    assert (await desk.post("tenderee", "report", 409, body))["facts"]["seats"] == [5]
    await members.of(5, lambda tool: tool.answer("dissent", "价格分的计算基准有误"))
    answered = await desk.town.call("tenderee", "GET", f"/tenders/{desk.tender}/panel/report", 200)
    assert [one["answer"] for one in answered["answers"]] == ["signed"] * 4 + ["dissent"]
    assert answered["answers"][4]["reason"] == "价格分的计算基准有误"
    other = await desk.post("tenderee", "report", 409, {"report": await desk.paper("tenderee", "另一份报告")})
    assert other["code"] == "E-REPORT-CHANGED"
    path = f"/api/v1/tenders/{desk.tender}/panel/report/paper"
    assert (await desk.town.as_("tenderee").get(path)).json()["code"] == "PAPER-NOT-YET"
    await desk.post("tenderee", "report", 201, body)
    for who, status in (("tenderee", 200), ("supervisor", 409), ("operator", 403), ("public", 401)):
        assert (await desk.town.as_(who).get(path)).status_code == status, who
    printed = await desk.town.as_("tenderee").get(path)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(printed.content)).pages)
    told = "".join(text.split())
    assert all(f"{name}公司" in told for name in PRICES) and "不同意见" in told and "席位" in told
    paper = await desk.town.as_("tenderee").get(f"/api/v1/papers/{laid['report']}")
    assert sha256_hex(paper.content) == laid["report"]

    ranked = await desk.post("tenderee", "candidates")
    assert ranked["ranking"][0] == bids["博远"]
    totals = await pool().fetchval("SELECT totals FROM trading_tender WHERE id = $1", desk.tender)
    assert json.loads(totals) == laid["value"]["totals"]  # what was signed is what is published
    assert await members.of(1, Seat.desk)
    won = await desk.award()
    await desk.town.push(timedelta(seconds=1))
    assert await members.no(1, lambda tool: _fresh(tool)) == "W-TOKEN"  # the evaluation is over
    await desk.conclude(won["price"], "gov")
    await pool().execute("INSERT INTO experts_name (panel_id, seat, name) VALUES ($1, 1, '王专家')", members.draw)
    await pool().execute("UPDATE experts_panel SET state = 'over', disclosed_at = log_now()")  # the dispatcher's part
    # No draw was made here, which V13 says of every record of the panel; scores, ranking and all else hold.
    settings = desk.town.settings
    archives = list((await desk.archive()).values())
    told = verify(archives, policy=settings.policy_path, parties=settings.parties_path)
    for report in told.reports:
        failed = {step.number: {fault.code for fault in step.faults} for step in report.steps if step.faults}
        assert failed == {13: {"D-UNKNOWN"}}
    assert reader.read(archives, settings.policy_path, settings.parties_path)[1] == "V13"


def _fresh(tool: Seat) -> Any:
    """A worker trusts its memory of a token for a moment; another one asks at once."""
    from trading import accounts

    accounts._remembered.clear()
    return tool.desk()


async def test_sheets_of_a_panel_rank_as_sheets_ever_did(desk: Desk, tmp_path: Path) -> None:
    members, bids = await seated(desk, tmp_path)
    await scored(members, bids)
    await members.all(Seat.reveal)
    of_panel = (await members.of(1, Seat.report))["value"]["totals"]
    rows = {bids[name]: row for name, row in GIVEN.items()}
    no = await desk.post("tenderee", "sheets", 409, sheet(1, rows))  # type: ignore[arg-type]
    assert no["code"] == "T-PANEL-SHEETS"
    kept = await pool().fetch("SELECT data FROM trading_sheet ORDER BY seat")
    by_hand = [Sheet.of({"type": "trading.sheet/v1", "tender": desk.tender, **sheet(n, rows)}) for n in range(1, 6)]  # type: ignore[arg-type]
    assert [bytes(one["data"]) for one in kept] == [one.encoded() for one in by_hand]
    shown = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    offers = [Offer(bids[name], price) for name, price in PRICES.items()]
    ranked = methods.evaluate(shown["method"], shown["parameters"], offers, by_hand)
    assert methods.totals(shown["method"], desk.tender, ranked) == of_panel


async def test_everything_a_seat_says_is_signed_and_meets_its_commitment(desk: Desk, tmp_path: Path) -> None:
    members, bids = await seated(desk, tmp_path)
    await scored(members, bids)
    await members.all(Seat.reveal)
    await members.all(lambda tool: tool.answer("signed"))
    keys = {one["seat"]: unb64(one["key"]) for one in await members.records("seat-keyed")}
    signed = await members.records("conflict-declared", "scores-committed", "scores-entered", "report-answered")
    assert len(signed) == 20
    for one in signed:
        verify_by(one["sig"], record_sig_bytes(one), keys[one["seat"]])
    commits = {one["seat"]: one["commit"] for one in await members.records("scores-committed")}
    sheets = {r["sha256"]: bytes(r["data"]) for r in await pool().fetch("SELECT sha256, data FROM trading_sheet")}
    ctx = draw_ctx(members.draw, desk.tender)
    for one in await members.records("scores-entered"):
        data = sheets[one["sheet"]]
        assert score_commit(ctx, one["seat"], bytes.fromhex(one["nonce"]), data).hex() == commits[one["seat"]]


async def test_another_sheet_than_was_committed_to_is_not_taken(desk: Desk, tmp_path: Path) -> None:
    members, bids = await seated(desk, tmp_path)
    await scored(members, bids)

    def swap(tool: Seat) -> Any:
        kept = json.loads(tool.memory.get("sheet.json") or b"")
        changed = unb64(kept["sheet"]).replace(b'"95"', b'"96"')
        tool.memory.put(
            "sheet.json", json.dumps({**kept, "sheet": b64(changed)}, separators=(",", ":"), sort_keys=True).encode()
        )
        return tool.reveal()

    assert await members.no(3, swap) == "W-BROKEN"
    assert await pool().fetchval("SELECT count(*) FROM trading_sheet") == 0
    assert await members.records("scores-entered") == []


async def test_nobody_signs_for_another_seat(desk: Desk, tmp_path: Path) -> None:
    members, bids = await seated(desk, tmp_path)
    await scored(members, bids, 1)
    theirs = members.tools[2].signer
    kept = members.tools[1].memory.get("seat.key")
    members.tools[1].memory.put("seat.key", theirs.private.private_bytes_raw())
    assert await members.no(1, Seat.commit) == "E-SIG"
    assert len(await members.records("scores-committed")) == 1
    members.tools[1].memory.put("seat.key", kept or b"")
    await members.of(1, Seat.commit)  # again, until the first one reveals
    assert len(await members.records("scores-committed")) == 2


async def test_nothing_shows_what_the_others_gave(desk: Desk, tmp_path: Path) -> None:
    """Two panels' worth of marks, as different as can be: what a seat is shown until all have revealed is byte for byte the
    same; the control is what it is shown afterwards."""
    members, bids = await seated(desk, tmp_path)
    before = await _seen(members, 1)
    for seat, points in ((2, "0"), (3, "100"), (4, "33.3333"), (5, "70")):
        await members.score(seat, dict.fromkeys(bids.values(), (points, points)), NAMES)
    assert await _seen(members, 1) == before  # drafts
    for seat in (2, 3, 4, 5):
        await members.of(seat, Seat.commit)
    await scored(members, bids, 1)
    for seat in (2, 3, 4, 5):
        await members.of(seat, Seat.reveal)
    assert (await _seen(members, 1))["/panel/scores"] == before["/panel/scores"]
    draft = await pool().fetchval(
        "SELECT data FROM experts_draft d JOIN experts_seat s ON s.id = d.seat_id WHERE seat = 4"
    )
    assert b"33.3333" not in draft and bids["安和"].encode() not in draft
    for who in ("tenderee", "operator", "supervisor", "安和", "public"):
        client = desk.town.as_(who)
        for path in ("/panel", "/panel/bids", "/panel/scores", "/panel/draft", "/panel/report", "/panel/labels"):
            assert (await client.get(f"{PREFIX}{path}")).status_code == (401 if who == "public" else 403)
        pages = [await client.get(f"{PREFIX}/tenders/{desk.tender}{path}") for path in ("", "/timeline")]
        assert not any("33.3333" in page.text for page in pages)
    await members.of(1, Seat.reveal)
    assert "33.3333" in json.dumps(await members.of(1, Seat.scores))


async def _seen(members: Members, seat: int) -> dict[str, bytes]:
    paths = ("/panel/scores", "/panel/bids", "/panel/labels", "/panel/draft")
    return await members.of(seat, lambda tool: {p: tool.platform.fetch(PREFIX + p) for p in paths})


async def test_an_extreme_mark_says_why(desk: Desk, tmp_path: Path) -> None:
    members, bids = await seated(desk, tmp_path)
    marks = await members.of(1, Seat.template)
    assert len(marks) == 6
    from trading.tools.seat import Mark, read_marks, write_marks

    given = [Mark(one.label, one.criterion, "95") for one in marks]
    assert await members.no(1, lambda tool: tool.keep(given)) == "E-SCORE-REASON"
    assert await members.no(1, lambda tool: tool.keep(given[1:])) == "T-SCORES-FILE"
    for suffix in (".csv", ".json"):
        path = tmp_path / f"scores{suffix}"
        write_marks(path, [Mark(one.label, one.criterion, "95", "方案突出，\n=优") for one in marks])
        assert await members.of(1, lambda tool, path=path: tool.keep(read_marks(path))) == 3
    # The platform asks as well: whoever has another tool does not get around it.
    await scored(members, bids)

    def without(tool: Seat) -> Any:
        from experts import scoring

        kept = json.loads(tool.memory.get("sheet.json") or b"")
        empty = scoring.write_reasons(desk.tender, 1, {})
        tool.memory.put(
            "sheet.json", json.dumps({**kept, "reasons": b64(empty)}, separators=(",", ":"), sort_keys=True).encode()
        )
        return tool.reveal()

    whole = members.tools[1].memory.get("sheet.json")
    assert await members.no(1, without) == "E-SCORE-REASON"
    members.tools[1].memory.put("sheet.json", whole or b"")
    await members.all(Seat.reveal)
    entered = await members.records("scores-entered")
    papers = await pool().fetch("SELECT reasons FROM experts_scores")
    assert {one["reasons"] for one in entered} == {sha256_hex(bytes(r["reasons"])) for r in papers}


async def test_an_autosave_is_the_seats_own_on_another_machine_too(desk: Desk, tmp_path: Path) -> None:
    members, bids = await seated(desk, tmp_path)
    await members.score(2, {bids[name]: row for name, row in GIVEN.items()}, NAMES)
    kept = await members.of(2, Seat.kept)
    (members.tools[2].memory.directory / "scores.json").unlink()
    assert await members.of(2, Seat.kept) == kept
    members.tools[2].memory.put("seat.key", bytes(32))
    assert await members.no(2, Seat.kept) == "T-SEAT-STATE"
    large = await members.no(
        2, lambda tool: tool.platform.request("PUT", f"{PREFIX}/panel/draft", json={"data": b64(bytes(262_147))})
    )
    assert large in ("W-BODY", "E-DRAFT")
    for file in members.tools[3].memory.directory.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


async def test_by_price_alone_there_is_nothing_to_rate(desk: Desk, tmp_path: Path) -> None:
    bids = await opened(desk, "works", state_funded=True)
    members = Members(desk, tmp_path)
    await members.convene(experts=4, representatives=1)
    await members.check_in(1, 2, 3, 4)
    code = await desk.post("tenderee", "panel/representatives", 201, {})
    assert code["seat"] == 5
    members.codes[5] = code["code"]
    await members.check_in(5)
    assert (await members.records("seat-keyed"))[-1]["leaf"] is None
    assert len((await members.records("panel-seated"))[0]["leaves"]) == 4
    assert await members.no(1, Seat.report) == "E-UNDECLARED"
    await members.all(no_conflict)
    assert (
        await members.no(
            1,
            lambda tool: tool.platform.post("/panel/commitment", {"commit": "0" * 64, "sig": [tool.signer.sign(b"")]}),
        )
        == "E-SHEETS"
    )
    first = await members.of(1, Seat.report)
    assert first["value"]["totals"]["rows"][0]["bid"] == bids["赣江"] and first["value"]["rejected"] == []
    await members.of(1, lambda tool: tool.answer("signed"))
    out = {"bid": bids["赣江"], "reason": "qualification", "article": "招标投标法实施条例 51"}
    await desk.post(
        "tenderee", "rejections", 201, out
    )  # the panel found it; it is in the next report, which all answer
    stale = await desk.post("tenderee", "report", 409, {"report": first["report"]})
    assert stale["code"] == "E-REPORT-CHANGED"
    second = await members.of(1, Seat.report)
    assert [one["bid"] for one in second["value"]["rejected"]] == [bids["赣江"]] and second["answer"] is None
    for seat in (1, 2, 5):
        await members.of(seat, lambda tool: tool.answer("signed"))
    await desk.town.push(timedelta(hours=23))
    looked = await desk.town.call("tenderee", "GET", f"/tenders/{desk.tender}/panel/report", 409)
    assert (looked["code"], looked["facts"]["seats"]) == ("E-REPORT-UNSIGNED", [3, 4])
    assert (await desk.post("tenderee", "report", 409, {"report": second["report"]}))["facts"]["seats"] == [3, 4]
    await desk.town.push(timedelta(hours=2))
    over = await desk.town.call("tenderee", "GET", f"/tenders/{desk.tender}/panel/report", 200)
    assert [one["answer"] for one in over["answers"]] == ["signed", "signed", "silent", "silent", "signed"]
    assert len(await members.records("report-answered")) == 4  # to look changes nothing
    await desk.post("tenderee", "report", 201, {"report": second["report"]})
    silent = [one for one in await members.records("report-answered") if one["answer"] == "silent"]
    assert [(one["seat"], one["sig"], one["reason"]) for one in silent] == [(3, None, None), (4, None, None)]
    ranked = await desk.post("tenderee", "candidates")
    assert ranked["ranking"][0] == bids["安和"]


async def test_more_than_a_third_ask_for_more_time(desk: Desk, tmp_path: Path) -> None:
    members, _ = await seated(desk, tmp_path)
    due = (await members.of(1, Seat.desk))["due"]
    assert (await members.of(1, Seat.ask_time))["extended"] is False
    sig = members.tools[1]._sign("extension-asked", round=0)
    again = await members.no(1, lambda tool: tool.platform.post("/panel/extension", {"sig": sig}, key="again"))
    assert again == "E-ASKED-TIME"
    extended = (await members.of(2, Seat.ask_time))["extended"]
    after = await members.of(1, Seat.desk)
    # 招标投标法实施条例 48 is the law of works; elsewhere nobody has to give it
    assert extended is False and after["due"] == due and after["asking"] == 2


async def test_the_law_of_works_gives_it(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, "works", state_funded=True)
    members = Members(desk, tmp_path)
    await members.convene()
    await members.check_in(*members.codes)
    await members.all(no_conflict)
    due = (await members.of(1, Seat.desk))["due"]
    assert [(await members.of(seat, Seat.ask_time))["extended"] for seat in (1, 2)] == [False, True]
    assert (await members.of(1, Seat.desk))["due"] > due
    (told,) = await members.records("evaluation-extended")
    assert told["seats"] == [1, 2] and (await members.of(1, Seat.ask_time))["extended"] is False  # a new round


async def test_all_at_once(desk: Desk, tmp_path: Path) -> None:
    """Five tools at the same moment, each as fast as it can: one order, nobody lost, no deadlock."""
    bids = await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene()
    await asyncio.gather(*(members.check_in(seat) for seat in members.codes))
    assert len(await members.records("panel-seated")) == 1
    await asyncio.gather(*(members.of(seat, no_conflict) for seat in members.tools))
    for seat in members.tools:
        await members.score(seat, {bids[name]: row for name, row in GIVEN.items()}, NAMES)
    for what in (Seat.commit, Seat.reveal, lambda tool: tool.answer("signed")):
        await asyncio.gather(*(members.of(seat, what) for seat in members.tools))
    for kind in ("seat-keyed", "conflict-declared", "scores-committed", "scores-entered", "report-answered"):
        assert sorted(one["seat"] for one in await members.records(kind)) == [1, 2, 3, 4, 5], kind
    entered = await members.records("scores-committed", "scores-entered")
    assert ["committed" in one["type"] for one in entered] == [True] * 5 + [False] * 5


async def test_two_envelopes_are_rated_before_a_price_is_known(place: Town, tmp_path: Path) -> None:
    desk = TwoEnvelopes(place, tmp_path / "desk")
    await desk.people()
    parameters = {**RATED["parameters"], "small_firm": None, "abnormal": None, "object": None}
    terms = {"method": "comprehensive/v1", "parameters": parameters, "opening_schema": SCHEMA}
    await desk.open(regime="works", terms=terms)
    firms = {name: await desk.bidder(name) for name in PRICES}
    for firm, price in zip(firms.values(), PRICES.values(), strict=True):
        await desk.hand_in(firm, price)
    assert await desk.wait() == "closed"
    assert (await desk.open_technical())["state"] == "opened"
    members = Members(desk, tmp_path)
    await members.convene()
    await members.check_in(*members.codes)
    await members.all(no_conflict)
    assert {one["opening"] is None for one in (await members.of(1, Seat.bids))["items"]} == {True}
    bids = {name: firm.bid for name, firm in firms.items()}
    await scored(members, bids)
    await members.all(Seat.reveal)
    assert await members.no(1, Seat.report) == "E-SETTLED"
    await desk.town.push(LATER)
    await desk.tick()
    await desk.settle(desk.admission(*firms.values()))
    assert await members.no(1, Seat.report) in ("E-UNOPENED", "E-SETTLED")
    for one in desk.custodians[:2]:
        await desk.release(one, "form")
    await desk.tick()
    await members.all(lambda tool: tool.answer("signed"))
    report = await members.of(1, Seat.report)
    assert report["value"]["totals"]["rows"][0]["price"] == PRICES["博远"]
    await desk.post("tenderee", "report", 201, {"report": report["report"]})
    assert (await desk.post("tenderee", "candidates"))["ranking"][0] == bids["博远"]
