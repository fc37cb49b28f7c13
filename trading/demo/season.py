"""What the guided demonstration plays: the tenders, their hours, and how long each stage can be looked at.

Pure: spans are machine seconds, and one of them is an hour of the log (`FACTOR`). Twenty days for bids are eight minutes.
"""

from __future__ import annotations

import random
from datetime import timedelta

from trading.demo.tenders import Note, SourceBid, SourceTender
from trading.demo.wares import WAN
from trading.law.regimes import ADMITTED_DAYS

FACTOR = 3600
DAY = 24.0
"""Machine seconds of a day, at an hour each."""
EVERY = 150.0
"""From one deadline to the next: at every moment some tender takes bids for two minutes and more."""
FIRST = 200.0
"""From the first announcement to the first deadline that a visitor can meet."""
LEAD = 535.0
"""How long before its deadline a tender under the law of works is announced: its twenty days, and the keys."""
APART = 45.0
"""From the closing to the second custodian's release: time to see that one alone opens nothing. The window for late
releases, a week, is 168."""
LAST_CUSTODIAN = 12.0
ADMITTED = ADMITTED_DAYS * DAY + 8
"""Since the beginning, until experts may be drawn at all."""
DWELL = 45.0
"""How long an opened, an awarded and a contracted tender stay as they are."""

FIRMS = ("华泰建设", "中岳工程", "江南市政", "北辰机电", "远大土木", "润城建工", "同济路桥", "金石营造")
"""Who bids beside the visitor; made up."""
WORKS = (
    ("示范小学操场改造", 320), ("滨河步道二期", 860), ("老旧小区加装电梯", 1_450), ("城北泵站更新", 540),
    ("社区卫生服务中心装修", 275), ("农贸市场雨污分流", 390), ("人行天桥维修", 180), ("图书馆消防改造", 230),
    ("公交首末站充电设施", 610), ("中学学生宿舍建设", 2_980), ("河道生态护岸", 1_120), ("隧道照明节能改造", 465),
)  # fmt: skip
SALES = (
    ("land", "城南08-21地块国有建设用地使用权出让", 6_800),
    ("property", "国有企业闲置车辆一批转让", 120),
    ("land", "经开区11-03地块工业用地使用权出让", 3_200),
)  # fmt: skip
AUCTIONS_EVERY = 600.0
AUCTION = ("property", "国有企业办公楼一层转让（网上竞价）", 900)


def tender(id: str, title: str, baseline: int, *, sells: bool = False, bids: int = 3) -> SourceTender:
    """A made-up tender of so many 万元, with bids of others around what it is worth."""
    chance = random.Random(id)
    shares = sorted(chance.sample(range(101, 116) if sells else range(86, 99), bids))
    chance.shuffle(shares)
    firms = chance.sample(FIRMS, bids)
    return SourceTender(
        ocid=f"guided-{id}",
        title=f"示范：{title}",
        description="本项目为演示而编，不对应任何真实交易。投标人、保管人、专家与监督部门由演示程序扮演。",
        buyer="示范招标人",
        currency="CNY",
        baseline=baseline * WAN,
        period=timedelta(hours=1),
        bids=tuple(
            SourceBid(firm, baseline * WAN * share // 100, False) for firm, share in zip(firms, shares, strict=True)
        ),
        winner="",
        notes=(Note("demo.note.made-up"),),
        publisher="示范",
    )


def slot(number: int) -> tuple[str, SourceTender, float]:
    """The tender of a slot: its regime, itself, and when its bids are due, from the beginning.

    Until the twenty days of works can have run it is a sale: nobody's law gives those a number of days.
    """
    due = FIRST + number * EVERY
    if due < LEAD:
        regime, title, baseline = SALES[number % len(SALES)]
        return regime, tender(f"sale-{number}", title, baseline, sells=True), due
    title, baseline = WORKS[number % len(WORKS)]
    again = number // len(WORKS)
    return "works", tender(f"works-{number}", f"{title}{f'（第{again + 1}批）' if again else ''}", baseline), due


def announced_at(number: int) -> float:
    """When a slot's tender is announced, from the beginning; 0 or less: at once."""
    regime, _, due = slot(number)
    return due - LEAD if regime == "works" else 0.0
