"""How days are counted: 民法典 201–203 and 1259."""

from __future__ import annotations

from trading.law.article import Article, Op, Rule
from trading.law.rules.sources import CIVIL, ORDER87, further, row

CL_01 = Rule(
    "CL-01", Article(CIVIL, 201), Op.CALENDAR, "exclude_start", "日",
    "开始的当日不计入，自下一日开始计算",
    "期间开始的当日不计入。", "The day on which a period starts is not counted.",
    since="trigger", until="last-day", regime="all", test=row("CL-01"),
)  # fmt: skip
CL_02 = Rule(
    "CL-02", Article(CIVIL, 203), Op.CALENDAR, "roll_forward", "日",
    "期间的最后一日是法定休假日的，以法定休假日结束的次日为期间的最后一日",
    "最后一日是法定休假日的，顺延至休假日结束的次日。", "A last day on a public holiday moves to the day after it.",
    until="last-day", regime="all", test=row("CL-02"),
)  # fmt: skip
CL_03 = Rule(
    "CL-03", Article(CIVIL, 203), Op.CALENDAR, "end_2400_or_closing", "-",
    "有业务时间的，停止业务活动的时间为截止时间",
    "期间在最后一日的二十四时届满；有业务时间的，停止业务活动时届满。",
    "A period ends at 24:00 of its last day, or at close of business where there are business hours.",
    until="last-day", regime="all", test=row("CL-03"),
)  # fmt: skip
CL_04 = Rule(
    "CL-04", Article(CIVIL, 1259), Op.CALENDAR, "inclusive", "-",
    "所称的“以上”、“以下”、“以内”、“届满”，包括本数；所称的“不满”、“超过”、“以外”，不包括本数",
    "“不少于”“以上”包括本数，“不足”“超过”不包括本数。",
    "“Not less than” includes the number itself; “fewer than” and “more than” do not.",
    regime="all", test=row("CL-04"),
)  # fmt: skip
CL_05 = Rule(
    "CL-05", Article(ORDER87, 85), Op.CALENDAR, "exclude_start", "日",
    "按日计算期间的，开始当天不计入，从次日开始计算",
    "政府采购按日计算的期间，开始当日不计入。",
    "In government procurement, too, the day on which a period starts is not counted.",
    since="trigger", until="last-day", regime="gov", test=further("CL-05"),
)  # fmt: skip
