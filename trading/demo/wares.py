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


PROPERTY = made_up("property", "国有企业闲置设备一批转让（网上竞价）", 300, 305, 320, 341)
LAND = made_up("land", "城东03-12地块国有建设用地使用权出让（招标）", 12_000, 12_600, 13_150, 12_080)
MINERALS = made_up("minerals", "青石山建筑用石灰岩矿采矿权出让（招标）", 4_500, 4_700, 5_120, 4_950)

TOO_DEAR = made_up("too-dear", "新区支路改造（报价均超限价）", 500, 520, 560, 610)
AGAIN = made_up("again", "新区支路改造（重新招标）", 500, 470, 482, 495)
GIVEN_UP = made_up("given-up", "校舍外墙修缮（招标人终止）", 200, 180, 190, 195)
IDLE = made_up("idle", "河道清淤（登记后未进行）", 900)
OBJECTED = made_up("objected", "社区停车场工程（异议）", 400, 360, 372, 385)
COMPLAINED = made_up("complained", "污水管网一期（投诉）", 1_200, 1_050, 1_100, 1_150)
FAILED_SYSTEM = made_up("system-failed", "路灯更换（系统故障）", 260, 230, 240, 250)
AMENDED = made_up("amended", "桥梁加固（澄清与修改）", 800, 700, 720, 760)
SECURED = made_up("secured", "文化馆装修（投标保证金与失信限制）", 350, 300, 310, 330)
GONE = made_up("candidate-gone", "公园绿化（候选人放弃）", 150, 120, 130, 140)
SCORED = made_up("scored", "教学设备采购（综合评分与质疑）", 90, 80, 84, 88)
DECLINED = made_up("declined", "街心花园绿化（专家婉拒）", 160, 130, 138, 141)
CONFLICTED = made_up("conflicted", "水闸维修（专家回避）", 240, 200, 214, 225)
ABSENT = made_up("no-show", "客运站改造（专家未到）", 680, 600, 622, 640)
VOIDED = made_up("voided", "体育馆屋面修缮（抽取作废重来）", 420, 370, 381, 390)
EXHAUSTED = made_up("exhausted", "变电站土建（专家不足）", 950, 860, 872, 901)
LOT_ONE = made_up("lot-one", "农村公路养护 一标段", 300, 270, 280, 290)
LOT_TWO = made_up("lot-two", "农村公路养护 二标段", 320, 285, 295, 310)
TWO_ENVELOPES = made_up("two-envelopes", "污水处理厂提标（双信封）", 2_600, 2_300, 2_420, 2_380)
SEALED_RESERVE = made_up("sealed-reserve", "国有房产转让（密封底价）", 1_000, 1_050, 1_180, 1_260)
BELOW_RESERVE = made_up(
    "below-reserve", "河滨07地块国有建设用地使用权出让（竞价未达保留价）", 8_000, 8_200, 8_450, 8_300
)
STOPPED = made_up("auction-stopped", "黑石岭饰面花岗岩采矿权出让（竞价中止与恢复）", 2_000, 2_100, 2_150, 2_220)
