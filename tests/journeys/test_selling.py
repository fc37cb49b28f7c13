"""State property goes to whoever offers most, never below its lowest price; the added value is booked."""

from __future__ import annotations

from tests.journeys.court import judge, member
from tests.trading.desk import Desk


async def test_the_highest_offer_wins_and_what_it_brings_above_the_reserve_is_booked(desk: Desk) -> None:
    await desk.open(regime="property", direction="sell", baseline=5_000_000)
    firms = [await desk.bidder(name) for name in ("安和", "赣江", "博远")]
    for firm, price in zip(firms, (6_000_000, 7_500_001, 4_000_000), strict=True):
        await desk.hand_in(firm, price)
    assert await desk.wait() == "closed"
    await desk.open_boxes()
    path = f"/tenders/{desk.tender}"
    ranked = await desk.town.call("tenderee", "POST", f"{path}/candidates", 201)
    assert ranked["ranking"] == [firms[1].bid, firms[0].bid, firms[2].bid]
    no = await desk.town.call("tenderee", "POST", f"{path}/award", 409, {"bid": firms[0].bid})
    assert no["code"] == "E-NOT-FIRST"
    won = await desk.town.call("tenderee", "POST", f"{path}/award", 201, {})
    assert (won["bidder"], won["price"], won["gain"]) == (firms[1].code, 7_500_001, 2_500_001)
    [line] = (await desk.town.call("public", "GET", "/trades", 200))["sums"]
    assert (line["direction"], line["price"], line["baseline"], line["gain"]) == (
        "sell", 7_500_001, 5_000_000, 2_500_001,
    )  # fmt: skip
    paths = await judge(desk, *firms)
    totals = member(paths["public"], "evaluation/totals.json")
    assert totals["method"] == "highest-price/v1"
    assert [row["price"] for row in totals["rows"]] == [7_500_001, 6_000_000, 4_000_000]


async def test_below_the_lowest_price_nothing_is_sold(desk: Desk) -> None:
    await desk.open(regime="property", direction="sell", baseline=5_000_000)
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 4_999_999)
    await desk.wait()
    await desk.open_boxes()
    path = f"/tenders/{desk.tender}"
    no = await desk.town.call("tenderee", "POST", f"{path}/candidates", 409)
    assert no["code"] == "E-UNDER-FLOOR" and no["article"].endswith("art. 55")
    body = {"bid": firm.bid, "reason": "under_floor", "article": "企业国有资产法 55"}
    await desk.town.call("tenderee", "POST", f"{path}/rejections", 201, body)
    assert (await desk.town.call("tenderee", "POST", f"{path}/candidates", 409))["code"] == "E-NO-CANDIDATE"
    await desk.town.call("tenderee", "POST", f"{path}/failure", 201, {"reason": "all_rejected"})
    await judge(desk, firm)
