"""What the law makes of opened bids by itself, over the real API: collusion that is deemed, and who may read of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trading.desk import Desk
from tests.trading.test_contracts import opened
from tests.trading.town import Town


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def read(desk: Desk, who: str, expect: int = 200) -> dict:
    return await desk.town.call(who, "GET", f"/tenders/{desk.tender}/suspicions", expect)


async def test_wk_50_three_prices_at_one_distance(desk: Desk) -> None:
    await desk.open(regime="works")
    bids = []
    for name, price in (("安和", 9_000_000), ("赣江", 9_100_000), ("博远", 9_200_000)):
        firm = await desk.bidder(name)
        await desk.hand_in(firm, price)
        bids.append(firm.bid)
    for who in ("tenderee", "supervisor"):
        assert (await read(desk, who, 409))["code"] == "W-STATE"
    await desk.wait()
    await desk.open_boxes()
    told = await read(desk, "tenderee")
    [prices] = [one for one in told["items"] if one["what"] == "K-PRICES"]
    assert (prices["item"], prices["rule"], sorted(prices["bids"])) == (4, "WK-50", sorted(bids))
    assert prices["article"] == "《招标投标法实施条例》第四十条" and prices["zh"] == "投标报价呈规律性差异"
    for who in ("安和", "operator", "public"):
        await read(desk, who, 401 if who == "public" else 403)
    assert await read(desk, "supervisor") == told


async def test_wk_50_honest_prices_are_no_finding(desk: Desk) -> None:
    await opened(desk, "works")
    told = await read(desk, "supervisor")
    assert [one for one in told["items"] if one["what"] in ("K-PRICES", "K-ACCOUNT")] == []
