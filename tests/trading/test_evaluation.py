"""Evaluation as the API takes it until the experts have their desk: sheets, corrections, explanations; and its secrecy."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.act import pool
from audit.canon import stamp
from tests.journeys.test_two_envelopes import LATER, TwoEnvelopes
from tests.trading.desk import SCHEMA, Desk
from tests.trading.test_contracts import opened
from tests.trading.test_journey import check
from tests.trading.town import Town

RATED: dict[str, Any] = {
    "method": "comprehensive/v1",
    "parameters": {
        "criteria": [{"id": "technical", "weight": "50"}, {"id": "business", "weight": "20"}],
        "price": {"formula": "lowest-price-score/v1", "weight": "30"},
        "seats": 5,
        "places": 2,
        "ties": ["price", "technical"],
        "object": "goods",
        "small_firm": {"rate": "10", "field": "small"},
        "abnormal": {"below_mean": "40"},
    },
    "opening_schema": {**SCHEMA, "small": {"kind": "int", "min": 0, "max": 1}},
}


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


def sheet(seat: int, points: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    rows = [
        {"bid": bid, "points": {"technical": technical, "business": business}}
        for bid, (technical, business) in sorted(points.items())
    ]
    return {"seat": seat, "rows": rows}


async def rated(desk: Desk, prices: Mapping[str, int]) -> dict[str, str]:
    """A rated government tender, opened; bid by firm."""
    terms = {**RATED, "opening_schema": SCHEMA, "parameters": {**RATED["parameters"], "small_firm": None}}
    await desk.open(regime="gov", terms=terms)
    bids = {}
    for name, price in prices.items():
        firm = await desk.bidder(name)
        await desk.hand_in(firm, price)
        bids[name] = firm.bid
    assert await desk.wait() == "closed"
    assert (await desk.open_boxes())["state"] == "opened"
    return bids


async def test_five_seats_rate_and_the_dearest_wins(desk: Desk) -> None:
    bids = await rated(desk, {"安和": 9_000_000, "赣江": 8_000_000, "博远": 9_500_000})
    points = {bids["安和"]: ("70", "70"), bids["赣江"]: ("60", "60.5"), bids["博远"]: ("95", "90")}
    for seat in range(1, 5):
        await desk.post("tenderee", "sheets", 201, sheet(seat, points))
    short = await desk.post("tenderee", "report", 409, {"report": await desk.paper("tenderee", "评标报告")})
    assert short["code"] == "E-SHEETS"
    first = await desk.post("tenderee", "sheets", 201, sheet(5, {**points, bids["博远"]: ("10", "10")}))
    again = await desk.post("tenderee", "sheets", 201, sheet(5, points))
    assert (first["replaces"], again["replaces"]) == (None, first["sheet"])
    assert (await desk.post("tenderee", "sheets", 409, sheet(5, points)))["code"] == "T-SHEET"
    assert (await desk.post("tenderee", "sheets", 409, sheet(6, points)))["code"] == "E-SHEETS"
    gap = await desk.post("tenderee", "sheets", 409, sheet(5, {bids["安和"]: ("70", "70")}))
    assert gap["code"] == "E-SHEET-GAP"
    await desk.report()
    assert (await desk.post("tenderee", "sheets", 409, sheet(1, points)))["code"] == "T-REPORTED"

    ranked = await desk.post("tenderee", "candidates")
    # 博远: 95 × 50 % + 90 × 20 % + 8,000,000 ÷ 9,500,000 × 30 = 47.5 + 18 + 25.26
    assert ranked["ranking"][0] == bids["博远"]
    before = await pool().fetchval("SELECT count(*) FROM log_disclosure d JOIN log_record r ON r.id = d.record "
                                   "WHERE r.type = 'scores-entered'")  # fmt: skip
    assert before == 0  # a supervisor reads no score before the award either
    won = await desk.award()
    assert (won["bid"], won["price"]) == (bids["博远"], 9_500_000)
    await desk.conclude(9_500_000, "gov")
    paths = await desk.archive()
    check(desk, paths)
    with zipfile.ZipFile(paths["supervision"]) as made, zipfile.ZipFile(paths["public"]) as shown:
        names = [name for name in made.namelist() if name.startswith("evaluation/sheets/")]
        assert len(names) == 6 and not [n for n in shown.namelist() if n.startswith("evaluation/sheets/")]
    [closed] = await pool().fetch("SELECT record FROM log_record WHERE type = 'evaluation-closed'")
    assert json.loads(closed["record"])["events"] == 6


async def test_scores_show_nowhere_before_the_award(desk: Desk) -> None:
    bids = await rated(desk, {"安和": 9_000_000, "赣江": 8_000_000, "博远": 9_500_000})
    await desk.covered()
    before = {who: await _pages(desk, who) for who in ("public", "supervisor", "operator", "安和")}
    made = await desk.post("tenderee", "sheets", 201, sheet(1, dict.fromkeys(bids.values(), ("77", "66"))))
    await desk.covered()
    for who, was in before.items():
        now = await _pages(desk, who)
        assert made["sheet"] not in now and now == was, who


async def _pages(desk: Desk, who: str) -> str:
    """Everything this role can read of the tender, without its clock."""
    client, found = desk.town.as_(who), []
    for path in ("", "/timeline", "/remedies"):
        told = (await client.get(f"/api/v1/tenders/{desk.tender}{path}")).json()
        told.pop("now", None)
        found.append(json.dumps(told, sort_keys=True))
    return "\n".join(found)


async def test_a_price_that_is_far_too_low_is_explained_or_rejected(desk: Desk) -> None:
    bids = await rated(desk, {"安和": 9_000_000, "赣江": 3_000_000, "博远": 9_500_000})
    points = dict.fromkeys(bids.values(), ("80", "80"))
    for seat in range(1, 6):
        await desk.post("tenderee", "sheets", 201, sheet(seat, points))
    now = await desk.now()
    assert (await desk.post("赣江", "explanations/own", 409, {"text": "薄利"}))["code"] == "T-UNASKED"
    asked = {"bid": bids["赣江"], "due": stamp(now + timedelta(hours=2))}
    await desk.post("tenderee", "explanations", 409, {**asked, "due": stamp(now - timedelta(hours=2))})
    await desk.post("tenderee", "explanations", 201, asked)
    assert (await desk.post("tenderee", "explanations", 409, asked))["code"] == "T-ASKED"
    shown = await desk.town.call("赣江", "GET", f"/tenders/{desk.tender}/explanations", 200)
    assert [one["bid"] for one in shown["items"]] == [bids["赣江"]]
    assert (await desk.town.call("安和", "GET", f"/tenders/{desk.tender}/explanations", 200))["items"] == []
    await desk.post("安和", "explanations/own", 409, {"text": "不是问我"})
    told = await desk.post("赣江", "explanations/own", 201, {"text": "自有采石场，成本低"})
    assert told["receipt"]["promise"]
    ranked = await desk.candidates()
    assert ranked["ranking"][0] == bids["赣江"]
    won = await desk.award()
    await desk.conclude(won["price"], "gov")
    check(desk, await desk.archive())


async def test_an_abnormally_low_price_without_a_word_is_not_ranked(desk: Desk) -> None:
    bids = await rated(desk, {"安和": 9_000_000, "赣江": 3_000_000, "博远": 9_500_000, "恒信": 9_100_000})
    for seat in range(1, 6):
        await desk.post("tenderee", "sheets", 201, sheet(seat, dict.fromkeys(bids.values(), ("80", "80"))))
    await desk.report()
    told = await desk.post("tenderee", "candidates", 409)
    assert told["code"] == "E-EXPLANATION" and told["facts"]["bid"] == bids["赣江"] and told["article"]
    late = {"bid": bids["赣江"], "reason": "abnormally_low", "article": "财政部令87号 60"}
    await desk.post("tenderee", "rejections", 201, late)
    ranked = await desk.post("tenderee", "candidates")
    assert bids["赣江"] not in ranked["ranking"]


async def test_a_corrected_price_is_what_is_ranked_and_awarded(desk: Desk) -> None:
    bids = await opened(desk, "works")
    body = {"bid": bids["赣江"], "corrected": 9_300_000, "rule": "sum", "confirmed": False}
    assert (await desk.post("tenderee", "corrections", 409, body))["code"] == "E-UNCONFIRMED"
    await desk.post("tenderee", "corrections", 201, {**body, "confirmed": True})
    wrong_order = {**body, "corrected": 9_100_000, "rule": "words", "confirmed": True}
    assert (await desk.post("tenderee", "corrections", 409, wrong_order))["code"] == "E-CORRECTION"
    ranked = await desk.candidates()
    assert ranked["ranking"] == [bids["安和"], bids["赣江"], bids["博远"]]
    rejected = {"bid": bids["安和"], "reason": "qualification", "article": "招标投标法实施条例 51"}
    assert (await desk.post("tenderee", "rejections", 409, rejected))["code"] == "E-FALLS-AWAY"
    await desk.post(
        "tenderee", "rejections", 201, {**rejected, "reason": "gave_up", "article": "招标投标法实施条例 55"}
    )
    won = await desk.award(after=6)  # the first gave up: the next one's turn, at the price as corrected
    assert (won["bid"], won["price"]) == (bids["赣江"], 9_300_000)
    await desk.conclude(9_300_000, "works")
    check(desk, await desk.archive())


async def test_only_the_tenderee_evaluates_its_own_tender(desk: Desk) -> None:
    bids = await opened(desk, "gov")
    await desk.town.enrol("stranger", "tenderee")
    body = {"bid": bids["安和"], "corrected": 1, "rule": "sum", "confirmed": True}
    await desk.post("stranger", "corrections", 404, body)
    for who in ("supervisor", "operator", "安和"):
        await desk.post(who, "corrections", 403, body)
    assert (await desk.post("tenderee", "sheets", 409, {"seat": 1, "rows": []}))["code"] == "E-SHEETS"  # by price alone


async def test_scores_are_in_before_anybody_reads_a_price(place: Town, tmp_path: Path) -> None:
    """Two envelopes: the seats rate the technical bids, then the prices are settled and read, and rank with the scores."""
    desk = TwoEnvelopes(place, tmp_path / "desk")
    await desk.people()
    parameters = {**RATED["parameters"], "small_firm": None, "abnormal": None, "object": None}
    terms = {"method": "comprehensive/v1", "parameters": parameters, "opening_schema": SCHEMA}
    await desk.open(regime="works", terms=terms)
    firms = {name: await desk.bidder(name) for name in ("安和", "赣江", "博远", "恒信")}
    for firm, price in zip(firms.values(), (9_000_000, 8_000_000, 9_500_000, 9_900_000), strict=True):
        await desk.hand_in(firm, price)
    assert await desk.wait() == "closed"
    assert (await desk.open_technical())["state"] == "opened"
    out = {"bid": firms["恒信"].bid, "reason": "qualification", "article": "招标投标法实施条例 51"}
    await desk.post("tenderee", "rejections", 201, out)
    points = {firms["安和"].bid: ("70", "70"), firms["赣江"].bid: ("60", "60"), firms["博远"].bid: ("95", "90")}
    for seat in range(1, 5):
        await desk.post("tenderee", "sheets", 201, sheet(seat, points))
    gap = await desk.post("tenderee", "sheets", 409, sheet(5, {firms["安和"].bid: ("70", "70")}))
    assert gap["code"] == "E-SHEET-GAP"
    await desk.post("tenderee", "sheets", 201, sheet(5, points))
    await desk.town.push(LATER)
    await desk.tick()
    await desk.settle(desk.admission(firms["安和"], firms["赣江"], firms["博远"]))
    late = await desk.post("tenderee", "sheets", 409, sheet(5, {**points, firms["安和"].bid: ("100", "100")}))
    assert late["code"] == "T-SETTLED-STAGE"
    for one in desk.custodians[:2]:
        await desk.release(one, "form")
    await desk.tick()
    ranked = await desk.candidates()
    assert ranked["ranking"] == [firms[name].bid for name in ("博远", "安和", "赣江")]
    assert (await desk.award(after=6))["price"] == 9_500_000
    await desk.conclude(9_500_000, "works")
    check(desk, await desk.archive())
