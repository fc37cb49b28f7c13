"""The reserve price in its own box: sold below it, read too late, changed, or filled by a friend; each is named.

Control: closed after the bids, read before anybody is ranked, and kept.
"""

from __future__ import annotations

from typing import Any

from tests.attacks.conftest import Stage
from tests.world import Bidder
from tests.world_tender import Tender

FLOOR = 93_000_000
SALE: dict[str, Any] = {"direction": "sell", "min_bids": 1, "baseline": 50_000_000}


def offer(stage: Stage, floor: int | None = FLOOR, owner: Bidder | None = None, **how: Any) -> tuple[Tender, Tender]:
    """A sale with three offers (88, 92 and 95 million), and the box of its reserve price."""
    seller = stage.world.bidder("seller")
    box: Tender = stage.world.tender(
        "T1", minutes=30, stages=("form",), reserve_of="T1", owner=seller.id, **{**SALE, **how}
    )
    sale: Tender = stage.world.tender("T1", minutes=20, reserve=box.id, **SALE)
    for firm, price in zip(stage.firms, (92_000_000, 88_000_000, 95_000_000), strict=True):
        sale.deposit(firm, price)
    if floor is not None:
        box.deposit(owner or seller, floor)
    return sale, box


def read(box: Tender) -> None:
    """The box is closed and read."""
    box.close()
    if box.opens:
        for custodian in ("C-SUP", "C-TEN"):
            box.release(custodian)
        box.unseal()


def test_a_reserve_price_that_is_kept(stage: Stage) -> None:
    sale, box = offer(stage)
    sale.close()
    read(box)
    sale.finish()
    box.ended_early = True  # nobody is ranked in it
    box.finish()
    stage.honest(sale)
    stage.honest(box)


def test_nobody_sealed_one(stage: Stage) -> None:
    sale, box = offer(stage, None)
    sale.close()
    read(box)
    assert not box.opens
    sale.finish()
    stage.honest(sale)


def test_sold_below_the_reserve(stage: Stage) -> None:
    sale, box = offer(stage, 95_000_001)  # above every offer
    sale.close()
    read(box)
    sale.finish()
    stage.caught(sale, "V14", "V-UNDER-RESERVE")


def test_read_when_the_ranking_is_known(stage: Stage) -> None:
    sale, box = offer(stage)
    sale.close()
    box.close()
    sale.finish()
    stage.caught(sale, "V14", "V-RESERVE")


def test_what_was_read_out_is_no_price(stage: Stage) -> None:
    sale, box = offer(stage)
    sale.close()
    box.close()
    for custodian in ("C-SUP", "C-TEN"):
        box.release(custodian)
    stage.world.forge["unsealed"] = lambda record: {**record, "opening": {"price": "93000000", "days": 90}}
    box.unseal()
    stage.world.forge.clear()
    sale.finish()
    stage.caught(sale, "V14", "V-RESERVE")


def test_its_box_is_closed_before_the_bids(stage: Stage) -> None:
    sale, box = offer(stage)
    box.done.add("close")
    box._close(opens=True, reason="")
    stage.world.wait()
    sale.close()
    for custodian in ("C-SUP", "C-TEN"):
        box.release(custodian)
    box.unseal()
    sale.finish()
    stage.caught(sale, "V14", "V-RESERVE")


def test_the_notice_names_the_reserve_of_another_lot(stage: Stage) -> None:
    sale: Tender = stage.tender(reserve="T2@8", **SALE)
    sale.deposit(stage.fir, 92_000_000)
    sale.finish()
    stage.caught(sale, "V14", "V-RESERVE")


def test_a_friend_fills_the_sellers_box(stage: Stage) -> None:
    sale, box = offer(stage, 60_000_000, owner=stage.oak)
    sale.close()
    read(box)
    sale.finish()
    box.ended_early = True  # nobody is ranked in it
    box.finish()
    stage.honest(sale)  # his archive shows what was read; whose it was, the box's own
    stage.caught(box, "V14", "V-RESERVE")
