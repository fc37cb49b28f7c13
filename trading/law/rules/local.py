"""Local regulations: Chongqing, Ningbo, Puyang. They tighten and never loosen (`trading/law/regions.py`)."""

from __future__ import annotations

from trading.law.article import Article, Op, Rule
from trading.law.rules.sources import CHONGQING, NINGBO, PUYANG, further, row

SE_04 = Rule(
    "SE-04", Article(CHONGQING, 16), Op.SECRET, "bond_status", "-",
    "投标保证金交纳情况在开标前应当保密",
    "投标保证金交纳情况在开标前应当保密。", "Who paid a security is secret until the opening.",
    since="announcement", until="opening", regime="local-CQ", test=row("SE-04"),
)  # fmt: skip
RT_01 = Rule(
    "RT-01", Article(CHONGQING, 38), Op.MIN, 15, "年",
    "资料保存期限不得少于十五年，其中，投标人资料只保留中标候选人的资料",
    "招标投标资料至少保存十五年；投标人资料只保留中标候选人的。",
    "Files are kept at least fifteen years; of the bidders' only the candidates'.",
    since="tender-ended", until="destroyed", through=True, regime="local-CQ", test=row("RT-01"),
)  # fmt: skip
NB_08 = Rule(
    "NB-08", Article(NINGBO, 25), Op.MUST, "suspend", "-",
    "电子交易系统发生故障且其他备用方案无法弥补，导致交易不能进行的",
    "系统故障致使交易不能进行的，应当暂停交易。", "If a system failure makes the trade impossible, it is suspended.",
    until="outage", regime="local-NB", test=row("NB-08"),
)  # fmt: skip
NB_09 = Rule(
    "NB-09", Article(NINGBO, 26), Op.TERMINATE, (("months", 3), ("warning", 10)), "月+日",
    "自公共资源交易项目受理登记之日起超过三个月未进行交易，经催告后超过十日无正当理由仍不进行交易的",
    "受理登记三个月未交易，经催告超过十日仍不交易的，终止。",
    "Three months idle and ten days after a warning: the project ends.",
    since="registered", until="terminated", regime="local-NB", test=row("NB-09"),
)  # fmt: skip
PY_03 = Rule(
    "PY-03", Article(PUYANG, 18), Op.MUST, "publish_scores", "-",
    "公示信息应当包括专家打分情况、否决投标原因以及异议、质疑和投诉渠道",
    "结果公示应当包括专家打分、否决原因和救济渠道。",
    "The result notice shows scores, reasons of rejection and remedies.",
    until="candidates", regime="local-PY", test=row("PY-03"),
)  # fmt: skip
PY_04 = Rule(
    "PY-04", Article(PUYANG, 21), Op.MUST, "suspend", "-",
    "因电子交易系统故障致使交易不能进行的",
    "系统故障致使交易不能进行的，应当暂停交易。", "If a system failure makes the trade impossible, it is suspended.",
    until="outage", regime="local-PY", test=further("PY-04"),
)  # fmt: skip
PY_05 = Rule(
    "PY-05", Article(PUYANG, 22), Op.TERMINATE, (("days", 90), ("warning", 7)), "日",
    "自公共资源交易项目受理登记之日起九十日内不进行交易，经催告后七日内无正当理由仍不进行交易的",
    "受理登记九十日内不交易，经催告七日内仍不交易的，终止。",
    "Ninety days idle and seven days after a warning: the project ends.",
    since="registered", until="terminated", regime="local-PY", test=row("PY-05"),
)  # fmt: skip
CQ_01 = Rule(
    "CQ-01", Article(CHONGQING, 30), Op.MAX, 24, "小时",
    "招标人应当在评标前二十四小时内抽取评标委员会的专家成员并组建评标委员会",
    "应当在评标前二十四小时内抽取专家并组建评标委员会。",
    "The experts are drawn within twenty-four hours before the evaluation.",
    since="panel-drawn", until="evaluation", regime="local-CQ", test=row("CQ-01"),
)  # fmt: skip
