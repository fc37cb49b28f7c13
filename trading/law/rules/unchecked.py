"""Rules nobody has read in a primary text yet: shown as unchecked at an announcement, never blocking, never pinned.

No words are quoted, for none were read; an article number of 0 says that we do not know it. Whoever reads the text moves
the row to its file, with its words and its test.
"""

from __future__ import annotations

from functools import partial

from trading.law.article import Article, Op, Rule, Status

_seen = partial(Rule, quote="", status=Status.UNCHECKED)

WK_55 = _seen(
    "WK-55", Article("七部委令12号", 8), Op.MUST, "before_opening", "-",
    zh="评标委员会成员名单一般应于开标前确定。", en="The committee's list is generally fixed before the opening.",
    until="opening", regime="works",
)  # fmt: skip
N_01 = _seen(
    "N-01", Article("财库〔2016〕198号", 0), Op.MAX, 2, "工作日",
    zh="政府采购评审专家原则上不早于评审前二个工作日抽取。",
    en="Procurement experts are in general drawn no earlier than two working days before the evaluation.",
    since="panel-drawn", until="evaluation", regime="gov",
)  # fmt: skip
HN_01 = _seen(
    "HN-01", Article("河南省实施招标投标法办法", 41), Op.MAX, 24, "小时",
    zh="评标委员会在开标前二十四小时内组成。", en="The committee is formed within twenty-four hours before the opening.",
    since="panel-drawn", until="opening", regime="local-HN",
)  # fmt: skip
N_02 = _seen(
    "N-02", Article("国土资源部令39号", 0), Op.MIN, 20, "日",
    zh="出让公告至少在活动开始前二十日发布。", en="A land grant is announced at least twenty days before it starts.",
    since="announcement", until="sale-started", regime="land",
)  # fmt: skip
N_03 = _seen(
    "N-03", Article("国土资源部令39号", 0), Op.MIN, 10, "日",
    zh="挂牌时间不得少于十日。", en="A listing lasts at least ten days.",
    since="listing-started", until="listing-ended", regime="land",
)  # fmt: skip
N_04 = _seen(
    "N-04", Article("国土资源部令39号", 0), Op.MAX, 10, "工作日",
    zh="出让活动结束后十个工作日内公布结果。", en="The result of a land grant is published within ten working days.",
    since="award", until="result-published", regime="land",
)  # fmt: skip
N_05 = _seen(
    "N-05", Article("国土资源部令39号", 0), Op.SECRET, "base_price", "-",
    zh="标底和底价集体决定，在活动结束前保密。", en="Base price and reserve are fixed collectively and secret to the end.",
    since="announcement", until="award", regime="land",
)  # fmt: skip
N_06 = _seen(
    "N-06", Article("国资委财政部令32号", 0), Op.MIN, (("disclosure", 20), ("extension", 5)), "工作日",
    zh="产权转让信息披露不少于二十个工作日，延长一次不少于五个工作日。",
    en="A transfer of state property is disclosed for twenty working days, each extension for five.",
    since="announcement", until="deadline", regime="property",
)  # fmt: skip
N_07 = _seen(
    "N-07", Article("国资委财政部令32号", 0), Op.MIN_PCT, 90, "%",
    zh="新的转让底价低于评估结果百分之九十的，应当重新批准。",
    en="A new floor below ninety per cent of the appraisal needs approval again.",
    since="appraisal", until="floor", regime="property",
)  # fmt: skip
N_08 = _seen(
    "N-08", Article("国资委财政部令32号", 0), Op.MIN, (("from_1_million_yuan", 10), ("from_10_million_yuan", 20)), "工作日",
    zh="资产转让披露：底价一百万元以上十个工作日，一千万元以上二十个工作日。",
    en="Sales of assets are disclosed ten working days from one million yuan, twenty from ten million.",
    since="announcement", until="deadline", regime="property",
)  # fmt: skip
N_09 = _seen(
    "N-09", Article("国资委财政部令32号", 0), Op.MIN, 5, "工作日",
    zh="产权交易结果公示不少于五个工作日。", en="The result of a sale is published for at least five working days.",
    since="award", until="result-notice-ended", through=True, regime="property",
)  # fmt: skip
N_10 = _seen(
    "N-10", Article("国资委财政部令32号", 0), Op.MIN_PCT, (("first_pct", 30), ("rest_years", 1)), "%;年",
    zh="分期付款首付不低于百分之三十，其余一年内付清。",
    en="In instalments: thirty per cent first, the rest within a year.",
    since="price", until="paid", regime="property",
)  # fmt: skip
N_11 = _seen(
    "N-11", Article("矿业权出让交易规则", 0), Op.MIN, (("notice", 20), ("listing", 10)), "工作日",
    zh="矿业权出让公告不少于二十个工作日，挂牌不少于十个工作日。",
    en="Mineral rights are announced for twenty working days and listed for ten.",
    since="announcement", until="deadline", regime="minerals",
)  # fmt: skip
N_12 = _seen(
    "N-12", Article("评标专家管理办法", 0), Op.MUST, "remote_draw; life_long_liability", "-",
    zh="评标专家终身负责，异地抽取。", en="Experts answer for life and are drawn from afar.",
    until="panel", regime="works",
)  # fmt: skip
N_13 = _seen(
    "N-13", Article("招标公告发布办法", 11), Op.MIN, 10, "年",
    zh="发布的公告至少十年内可以追溯。", en="Published notices can be traced for at least ten years.",
    since="announcement", until="destroyed", regime="works",
)  # fmt: skip
N_14 = _seen(
    "N-14", Article("财库〔2022〕19号", 0), Op.MAX_PCT,
    (("goods_services_from", 10), ("goods_services_to", 20), ("works_from", 4), ("works_to", 6)), "%",
    zh="小微企业价格扣除：货物服务百分之十至二十，工程百分之四至六。",
    en="Small firms' prices are reduced by ten to twenty per cent, in works by four to six.",
    until="evaluation", regime="gov",
)  # fmt: skip
N_15 = _seen(
    "N-15", Article("财政部令94号", 0), Op.MAX, 5, "工作日",
    zh="财政部门收到投诉书后五个工作日内审查。", en="A complaint is examined within five working days of its receipt.",
    since="complaint-received", until="complaint-accepted", regime="gov",
)  # fmt: skip
N_16 = _seen(
    "N-16", Article("十四部委令39号", 0), Op.MUST, "operator_duties", "-",
    zh="交易平台运行服务机构的存档等义务和禁止行为。", en="What a trading service must archive and may not do.",
    until="always", regime="all",
)  # fmt: skip
N_17 = _seen(
    "N-17", Article("DA/T 103-2024", 0), Op.MIN, (("long", 30), ("short", 10)), "年",
    zh="公共资源交易档案保管期限为永久、三十年、十年。", en="Trading archives are kept for ever, thirty or ten years.",
    since="archived", until="destroyed", regime="all",
)  # fmt: skip
RT_05 = _seen(
    "RT-05", Article("档案法实施条例", 39), Op.MUST, "metadata", "-",
    zh="电子档案的形成者、形成活动、形成时间可确认，元数据完整。",
    en="Of an electronic archive it can be told who made it, in what act and when; its metadata are complete.",
    until="archive", regime="keeping",
)  # fmt: skip
RT_06 = _seen(
    "RT-06", Article("网络安全法", 21), Op.MIN, 6, "月",
    zh="网络日志至少留存六个月。", en="Network logs are kept at least six months.",
    since="logged", until="destroyed", regime="keeping",
)  # fmt: skip
RT_08 = _seen(
    "RT-08", Article("网络数据安全管理条例", 12), Op.MIN, 3, "年",
    zh="向其他处理者提供数据的处理情况记录至少保存三年。",
    en="The record of data handed to another processor is kept at least three years.",
    since="data-handed-over", until="destroyed", regime="keeping",
)  # fmt: skip
