"""In works a price over the announced ceiling may not win: such bids are rejected with their article, and it ends there."""

from __future__ import annotations

from tests.journeys.court import judge
from tests.trading.desk import Desk


async def test_where_every_price_is_over_the_ceiling_nobody_wins_and_the_tender_still_ends(desk: Desk) -> None:
    await desk.open(regime="works", baseline=10_000_000)
    firms = [await desk.bidder(name) for name in ("安和", "赣江", "博远")]
    for firm, price in zip(firms, (10_000_001, 11_000_000, 12_000_000), strict=True):
        await desk.hand_in(firm, price)
    assert await desk.wait() == "closed"
    await desk.open_boxes()
    path = f"/tenders/{desk.tender}"
    await desk.report()
    no = await desk.town.call("tenderee", "POST", f"{path}/candidates", 409)
    assert (no["code"], no["article"]) == ("E-OVER-CEILING", "Regulation implementing the Bidding Law, art. 51")
    for firm in firms:
        body = {"bid": firm.bid, "reason": "over_ceiling", "article": "招标投标法实施条例 51(5)"}
        await desk.town.call("tenderee", "POST", f"{path}/rejections", 201, body)
    assert (await desk.town.call("tenderee", "POST", f"{path}/candidates", 409))["code"] == "E-NO-CANDIDATE"
    assert (await desk.town.call("public", "GET", "/trades", 200))["items"] == []
    await desk.fail("all_rejected")
    await judge(desk, *firms)
