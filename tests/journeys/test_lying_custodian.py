"""A custodian who lies is found out, named, and stops nothing."""

from __future__ import annotations

import json
from typing import Any

from audit.canon import b64, canon, sha256_hex
from bidding import custody
from bidding.view import look
from tests.journeys.court import judge, records, verdicts
from tests.trading.desk import Custodian, Desk


async def lie(desk: Desk, one: Custodian, stage: str, bid: str, y: str | None) -> tuple[bytes, Any]:
    """A release as the custodian's tool makes it, but for one share, truly signed."""
    answer = await desk.town.as_(one.id).get(f"/api/v1/tenders/{desk.tender}/kits/{stage}")
    kit = desk._archive(answer.content)
    view = look(kit, desk.town.policy, desk.town.parties, now=await desk.now())
    assert one.statement is not None
    checked = custody.check_kit(view, kit, tender=desk.tender, stage=stage, own=[one.statement])
    value = json.loads(custody.make_release(checked, one.private, one.identity)[0])
    for share in value["shares"]:
        if share["bid"] == bid:
            share["y"] = y
    data = canon(value)
    return data, [one.identity.sign(custody.RELEASE + data)]


async def bring(desk: Desk, one: Custodian, stage: str, data: bytes, sig: Any, expect: int = 201) -> Any:
    body = {"stage": stage, "release": b64(data), "sig": sig}
    return await desk.town.call(one.id, "POST", f"/tenders/{desk.tender}/releases", expect, body)


async def test_a_false_share_waits_for_the_third_custodian_and_is_held_against_the_liar(desk: Desk) -> None:
    await desk.open()
    firms = {name: await desk.bidder(name) for name in ("安和", "赣江")}
    for firm, price in zip(firms.values(), (9_200_000, 8_800_000), strict=True):
        await desk.hand_in(firm, price)
    assert await desk.wait() == "closed"
    await desk.store()
    liar, honest, late = desk.custodians

    data, sig = await lie(desk, liar, "form", firms["赣江"].bid, b64(bytes(32)))
    await bring(desk, liar, "form", data, sig)
    await desk.release(liar, "documents")
    for stage in ("form", "documents"):
        await desk.release(honest, stage)
    await desk.town.timers.run_due()
    await desk.town.beat()

    # One envelope never stalls the others, but nobody is ranked while one is still open.
    waiting = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert waiting["state"] == "closed"
    said = {r["bid"]: r["verdict"] for r in await records("unsealed") if r["stage"] == "form"}
    assert said == {firms["安和"].bid: "OK", firms["赣江"].bid: "PENDING"}
    no = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 409)
    assert no["code"] == "W-STATE"

    # He cannot take it back: one release of one closing, ever.
    other, its_sig = await lie(desk, liar, "form", firms["赣江"].bid, None)
    assert (await bring(desk, liar, "form", other, its_sig, 409))["code"] == "E-RELEASED"
    again = await bring(desk, liar, "form", data, sig)
    assert again["record"] == sha256_hex(canon((await records("released"))[0]))

    for stage in ("form", "documents"):
        await desk.release(late, stage)
    await desk.town.timers.run_due()
    await desk.town.beat()
    opened = await desk.town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert opened["state"] == "opened"
    assert verdicts(opened, firms) == {"安和": "OK", "赣江": "OK"}
    against = {bid["bid"]: bid["findings"]["form"] for bid in opened["bids"]}
    seat = next(s.i for s in desk.keysets["form"].custodians if s.custodian == liar.id)
    assert against == {firms["安和"].bid: [], firms["赣江"].bid: [seat]}

    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert (won["bidder"], won["price"]) == (firms["赣江"].code, 8_800_000)
    await judge(desk, *firms.values())


async def test_a_release_that_leaves_a_bid_out_or_names_another_closing_is_refused(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    for firm in firms:
        await desk.hand_in(firm, 9_000_000)
    await desk.wait()
    one = desk.custodians[0]
    data, _ = await lie(desk, one, "form", firms[0].bid, None)
    value = json.loads(data)
    for wrong in (value | {"shares": value["shares"][1:]}, value | {"closed": "0" * 64}):
        made = canon(wrong)
        no = await bring(desk, one, "form", made, [one.identity.sign(custody.RELEASE + made)], 409)
        assert no["code"] == "E-RELEASE"
    assert await records("released") == []


async def test_a_custodian_who_would_open_early_finds_nothing_to_open(desk: Desk) -> None:
    await desk.open()
    await desk.hand_in(await desk.bidder("安和"), 9_000_000)
    one = desk.custodians[0]
    answer = await desk.town.as_(one.id).get(f"/api/v1/tenders/{desk.tender}/kits/form")
    assert (answer.status_code, answer.json()["code"]) == (409, "W-STATE")
    no = await bring(desk, one, "form", b"{}", [one.identity.sign(b"{}")], 409)
    assert no["code"] == "W-STATE"
