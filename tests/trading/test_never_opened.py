"""A tender that ends before its bids are opened names nobody afterwards either: not who objected, not who paid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit.canon import stamp
from tests.trading.desk import Desk
from tests.trading.town import Town

OFFICES = ("tenderee", "supervisor", "operator")


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def objected(desk: Desk) -> str:
    """A firm that has objected to the documents, been answered, and handed in; its code."""
    firm = await desk.bidder("安和")
    body = {"kind": "objection", "about": "documents", "text": "资格条件排斥潜在投标人"}
    filed = await desk.post("安和", "remedies", 201, body)
    answer = {"outcome": "dismissed", "text": "不构成排斥"}
    await desk.post("tenderee", f"remedies/{filed['remedy']}/answer", 201, answer)
    await desk.hand_in(firm, 9_000_000)
    return desk.town.codes["安和"]


async def nobody_is_named(desk: Desk, code: str) -> None:
    for who in OFFICES:
        shown: Any = await desk.town.call(who, "GET", f"/tenders/{desk.tender}/remedies", 200)
        assert code not in json.dumps(shown), who
        assert [one["objector"] for one in shown["items"]] == [None]


async def test_who_objected_to_a_tender_given_up_before_its_deadline(desk: Desk) -> None:
    await desk.open(regime="works")
    code = await objected(desk)
    await desk.post("tenderee", "termination", 201, {"reason": "tenderee"})
    assert await desk.state() in ("terminated", "archived")
    await nobody_is_named(desk, code)


async def test_who_paid_for_a_tender_given_up_between_closing_and_opening(desk: Desk) -> None:
    security = {"amount": 100_000, "valid_days": 90, "accounts": "basic"}
    terms = {"security": security, "bid_validity_days": 90}
    await desk.open(regime="works", terms=terms)
    code = await objected(desk)
    paid = {"amount": 100_000, "form": "transfer", "account": "6222 0001", "basic": True}
    await desk.post("安和", "securities", 201, {**paid, "received": stamp(await desk.now())})
    for name, price in (("赣江", 9_100_000), ("博远", 9_250_000)):
        await desk.hand_in(await desk.bidder(name), price)
    assert await desk.wait() == "closed"
    await desk.post("tenderee", "termination", 201, {"reason": "force_majeure"})
    shown = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert (shown["state"], shown["opens"], shown["bids"]) == ("terminated", False, None)
    await nobody_is_named(desk, code)
    told = await desk.town.call("tenderee", "GET", f"/tenders/{desk.tender}/securities", 409)
    assert told["code"] == "E-SEALED-YET"
