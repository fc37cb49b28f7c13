"""Documents change while bids are being made: the bidder's own tool says so and seals for the right ones."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from audit.canon import stamp
from audit.refusal import Refused
from tests.journeys.court import judge
from tests.trading.desk import SCHEMA, Bidder, Desk
from trading.tools.bidder import Examined, look_at
from trading.tools.document_set import answer, choose
from trading.tools.kit import Kit
from trading.tools.memory import Memory
from trading.tools.trust import Trust

FIRST, SECOND = "规格一：二级钢。".encode(), "规格二：三级钢。".encode()


async def looked(desk: Desk, one: Bidder) -> Examined:
    """What the bidder's tool sees of the log now."""
    kit = await desk.town.as_(one.name).get(f"/api/v1/tenders/{desk.tender}/sealing-kit")
    settings = desk.town.settings
    trust = Trust.read(settings.policy_path, settings.parties_path)
    return look_at(Kit(kit.content), desk.tender, trust, Memory(desk.tmp / secrets.token_hex(4)))


async def announced(desk: Desk) -> str:
    await desk.open(announce=False)
    paper = await desk.paper("tenderee", FIRST)
    body = {"deadline": stamp(desk.deadline), "opening_schema": SCHEMA, "documents": {"规格.pdf": paper}}
    told = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/announcement", 201, body)
    await desk.town.beat()
    desk.documents = str(told["documents"])
    return desk.documents


async def amended(desk: Desk) -> str:
    paper = await desk.paper("tenderee", SECOND)
    body: dict[str, Any] = {"files": {"规格.pdf": paper}, "affects": False, "reason": "澄清钢材等级"}
    told = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/amendments", 201, body)
    await desk.town.beat()
    return str(told["set"])


def folder(path: Path, data: bytes) -> Path:
    """The documents as a bidder has them on disk."""
    path.mkdir()
    (path / "规格.pdf").write_bytes(data)
    return path


async def test_the_tool_answers_the_newest_documents_unless_it_is_told_by_hash(desk: Desk, tmp_path: Path) -> None:
    first = await announced(desk)
    firm = await desk.bidder("安和")
    seen = await looked(desk, firm)
    assert [one.set for one in seen.documents] == [first]
    chosen = choose(seen.documents, None, seen.found.schema.keys())
    assert answer({"price": 1}, chosen) == {"price": 1, "documents": first}
    old, new = folder(tmp_path / "old", FIRST), folder(tmp_path / "new", SECOND)
    assert choose(seen.documents, old, seen.found.schema.keys()) == seen.documents[0]
    with pytest.raises(Refused, match="T-UNKNOWN-SET"):
        choose(seen.documents, new, seen.found.schema.keys())

    second = await amended(desk)
    seen = await looked(desk, firm)
    assert [one.set for one in seen.documents] == [first, second]
    schema = seen.found.schema.keys()
    assert choose(seen.documents, None, schema) == choose(seen.documents, new, schema) == seen.documents[1]
    with pytest.raises(Refused) as stale:  # made from the old documents: not sealed by mistake
        choose(seen.documents, old, schema)
    assert (stale.value.code, stale.value.facts["changed"]) == ("T-STALE", "规格.pdf")
    assert choose(seen.documents, first, schema) == seen.documents[0]  # told by hash
    with pytest.raises(Refused, match="T-UNKNOWN-SET"):
        choose(seen.documents, "0" * 64, schema)


async def test_a_bid_sealed_before_the_amendment_opens_and_its_bidder_alone_was_told(desk: Desk) -> None:
    first = await announced(desk)
    firms = {name: await desk.bidder(name) for name in ("安和", "赣江")}
    await desk.hand_in(firms["安和"], 9_000_000)
    await desk.hand_in(firms["赣江"], 8_500_000)
    second = await amended(desk)
    for name in firms:
        told = await desk.town.call(name, "GET", f"/tenders/{desk.tender}/bids", 200)
        assert {one["stale"] for one in told["items"]} == {True}
    desk.documents = second
    await desk.hand_in(firms["赣江"], 8_000_000)  # replaced; the other bidder leaves it as it is
    told = await desk.town.call("赣江", "GET", f"/tenders/{desk.tender}/bids", 200)
    assert {one["stale"] for one in told["items"] if one["state"] == "effective"} == {False}
    assert await desk.wait() == "closed"
    opened = await desk.open_boxes()
    answered = {bid["bidder"]: (bid["price"], bid["opening"]["documents"]) for bid in opened["bids"]}
    assert answered == {firms["安和"].code: (9_000_000, first), firms["赣江"].code: (8_000_000, second)}
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await judge(desk, *firms.values())
