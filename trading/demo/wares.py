"""Made-up tenders, for what the published ones do not show: sales, and the ways in which a procedure can fail.

Everything here says of itself that it is made up (`demo.note.made-up`, and `示范` in its title); amounts are fen.
"""

from __future__ import annotations

from datetime import timedelta

from trading.demo.tenders import Note, SourceBid, SourceTender

BUYER = "示范招标人"
WAN = 10_000 * 100
"""Fen of 万元."""


def made_up(id: str, title: str, baseline: int, *prices: int, description: str = "") -> SourceTender:
    """A tender that nobody published, with a bid for each price, in 万元."""
    bids = tuple(SourceBid(f"示范企业{number}", price * WAN, False) for number, price in enumerate(prices, 1))
    return SourceTender(
        ocid=f"made-up-{id}",
        title=f"示范：{title}",
        description=description or "本项目为演示而编，不对应任何真实交易。",
        buyer=BUYER,
        currency="CNY",
        baseline=baseline * WAN,
        period=timedelta(hours=1),
        bids=bids,
        winner="",
        notes=(Note("demo.note.made-up"),),
        publisher="示范",
    )


PROPERTY = made_up("property", "国有企业闲置设备一批转让", 300, 305, 320, 341)
LAND = made_up("land", "城东03-12地块国有建设用地使用权出让（招标）", 12_000, 12_600, 13_150, 12_080)
MINERALS = made_up("minerals", "青石山建筑用石灰岩矿采矿权出让（招标）", 4_500, 4_700, 5_120, 4_950)
