"""Works that must by law be tendered: 招标投标法 and its implementing regulation."""

from __future__ import annotations

from trading.law.article import Article, Op, Rule
from trading.law.rules.sources import BIDDING, DETAIL, further, row

WK_02 = Rule(
    "WK-02", Article(DETAIL, 15), Op.MUST, "equal_text", "-",
    "在不同媒介发布的同一招标项目的资格预审公告或者招标公告的内容应当一致",
    "在不同媒介发布的同一公告内容应当一致。", "One notice has the same text on every medium.",
    until="announcement", regime="works", test=row("WK-02"),
)  # fmt: skip
WK_03 = Rule(
    "WK-03", Article(DETAIL, 16), Op.MIN, 5, "日",
    "资格预审文件或者招标文件的发售期不得少于5日",
    "招标文件发售期不得少于五日。", "Documents are on sale for at least five days.",
    since="supply-started", until="supply-ended", through=True, regime="works", test=row("WK-03"),
)  # fmt: skip
WK_04 = Rule(
    "WK-04", Article(DETAIL, 17), Op.MIN, 5, "日",
    "自资格预审文件停止发售之日起不得少于5日",
    "资格预审申请时间自停止发售之日起不得少于五日。",
    "Applications for prequalification stay open at least five days after the end of sale.",
    since="prequal-supply-ended", until="prequal-deadline", regime="works", test=row("WK-04"),
)  # fmt: skip
WK_05 = Rule(
    "WK-05", Article(DETAIL, 19), Op.MIN_COUNT, 3, "家",
    "通过资格预审的申请人少于3个的，应当重新招标",
    "通过资格预审的申请人少于三个的，应当重新招标。",
    "With fewer than three prequalified applicants the tender is held again.",
    until="prequalification", regime="works", test=row("WK-05"),
)  # fmt: skip
WK_06 = Rule(
    "WK-06", Article(BIDDING, 24), Op.MIN, 20, "日",
    "自招标文件开始发出之日起至投标人提交投标文件截止之日止，最短不得少于二十日",
    "自招标文件发出至投标截止不得少于二十日。",
    "At least twenty days from issue of the documents to the bid deadline.",
    since="documents-issued", until="deadline", regime="works", test=row("WK-06"),
)  # fmt: skip
WK_07 = Rule(
    "WK-07", Article(DETAIL, 21), Op.MIN_OR_EXTEND, 15, "日",
    "投标截止时间至少15日前，以书面形式通知",
    "可能影响投标文件编制的澄清或者修改，应当在投标截止十五日前通知，否则顺延截止时间。",
    "An amendment that may affect bids is told fifteen days before the deadline, else the deadline moves.",
    since="documents-amended", until="deadline", regime="works", test=row("WK-07"),
)  # fmt: skip
WK_08 = Rule(
    "WK-08", Article(DETAIL, 21), Op.MIN_OR_EXTEND, 3, "日",
    "提交资格预审申请文件截止时间至少3日前",
    "可能影响资格预审申请文件的修改，应当在提交截止三日前通知，否则顺延。",
    "An amendment that may affect applications is told three days before their deadline, else it moves.",
    since="documents-amended", until="prequal-deadline", regime="works", test=row("WK-08"),
)  # fmt: skip
WK_09 = Rule(
    "WK-09", Article(DETAIL, 22), Op.LATEST, 10, "日",
    "对招标文件有异议的，应当在投标截止时间10日前提出",
    "对招标文件的异议应当在投标截止十日前提出。",
    "An objection to the documents is raised ten days before the deadline.",
    until="deadline", regime="works", test=row("WK-09"),
)  # fmt: skip
WK_10 = Rule(
    "WK-10", Article(DETAIL, 22), Op.LATEST, 2, "日",
    "应当在提交资格预审申请文件截止时间2日前提出",
    "对资格预审文件的异议应当在提交截止二日前提出。",
    "An objection to the prequalification documents is raised two days before their deadline.",
    until="prequal-deadline", regime="works", test=row("WK-10"),
)  # fmt: skip
WK_11 = Rule(
    "WK-11", Article(DETAIL, 22), Op.MAX, 3, "日",
    "招标人应当自收到异议之日起3日内作出答复；作出答复前，应当暂停招标投标活动",
    "对招标文件的异议应当在三日内答复；答复前暂停招标投标活动。",
    "An objection to the documents is answered within three days; until then the tender is suspended.",
    since="objection-received", until="objection-answered", regime="works", test=row("WK-11"),
)  # fmt: skip
WK_12 = Rule(
    "WK-12", Article(DETAIL, 26), Op.MAX_PCT, 2, "%",
    "投标保证金不得超过招标项目估算价的2%",
    "投标保证金不得超过估算价的百分之二。", "The bid security is at most two per cent of the estimate.",
    since="estimate", until="bid-security", regime="works", test=row("WK-12"),
)  # fmt: skip
WK_13 = Rule(
    "WK-13", Article(DETAIL, 26), Op.EQUAL, "bid_validity", "-",
    "投标保证金有效期应当与投标有效期一致",
    "投标保证金有效期应当与投标有效期一致。", "The security is valid as long as the bid.",
    since="bid-validity", until="bid-security", regime="works", test=row("WK-13"),
)  # fmt: skip
WK_14 = Rule(
    "WK-14", Article(DETAIL, 26), Op.MUST, "basic_account", "-",
    "以现金或者支票形式提交的投标保证金应当从其基本账户转出",
    "现金或者支票保证金应当从基本账户转出。",
    "Cash or a cheque for the security comes from the bidder's basic account.",
    until="bid-security", regime="works", test=further("WK-14"),
)  # fmt: skip
WK_15 = Rule(
    "WK-15", Article(DETAIL, 35), Op.MAX, 5, "日",
    "招标人已收取投标保证金的，应当自收到投标人书面撤回通知之日起5日内退还",
    "撤回投标的，自收到书面撤回通知之日起五日内退还保证金。",
    "Withdrawn before the deadline: the security goes back within five days of the notice.",
    since="withdrawal-noticed", until="security-returned", regime="works", test=row("WK-15"),
)  # fmt: skip
WK_16 = Rule(
    "WK-16", Article(DETAIL, 35), Op.MAY, "forfeit", "-",
    "投标截止后投标人撤销投标文件的，招标人可以不退还投标保证金",
    "截止后撤销投标文件的，可以不退还投标保证金。", "Revoked after the deadline: the security may be kept.",
    since="deadline", until="security-returned", regime="works", test=row("WK-16"),
)  # fmt: skip
WK_17 = Rule(
    "WK-17", Article(DETAIL, 27), Op.SECRET, "base_price", "-",
    "一个招标项目只能有一个标底。标底必须保密",
    "一个招标项目只能有一个标底；标底必须保密。", "A tender has one base price, and it is secret.",
    until="opening", regime="works", test=further("WK-17"),
)  # fmt: skip
WK_18 = Rule(
    "WK-18", Article(DETAIL, 27), Op.MUST, "max_price_in_docs; no_min_price", "-",
    "应当在招标文件中明确最高投标限价或者最高投标限价的计算方法。招标人不得规定最低投标限价",
    "最高投标限价应当在招标文件中明确；不得规定最低投标限价。",
    "A maximum price stands in the documents; no minimum price may be set.",
    until="announcement", regime="works", test=row("WK-18"),
)  # fmt: skip
WK_19 = Rule(
    "WK-19", Article(DETAIL, 50), Op.MUST, "publish_base_price", "-",
    "招标项目设有标底的，招标人应当在开标时公布",
    "设有标底的，应当在开标时公布。", "A base price is announced at the opening.",
    until="opening", regime="works", test=further("WK-19"),
)  # fmt: skip
WK_20 = Rule(
    "WK-20", Article(BIDDING, 28), Op.MUST_NOT, "open_before_deadline", "-",
    "招标人收到投标文件后，应当签收保存，不得开启",
    "收到的投标文件应当保存，不得开启。", "Bids are received and kept, never opened before the deadline.",
    since="deposited", until="opening", regime="works", test=row("WK-20"),
)  # fmt: skip
WK_21 = Rule(
    "WK-21", Article(BIDDING, 29), Op.MAY, "replace_withdraw", "-",
    "可以补充、修改或者撤回已提交的投标文件，并书面通知招标人",
    "截止前可以补充、修改或者撤回投标文件。", "Until the deadline a bid may be supplemented, changed or withdrawn.",
    since="deposited", until="deadline", regime="works", test=further("WK-21"),
)  # fmt: skip
WK_22 = Rule(
    "WK-22", Article(DETAIL, 36), Op.MUST, "refuse", "-",
    "未通过资格预审的申请人提交的投标文件，以及逾期送达或者不按照招标文件要求密封的投标文件，招标人应当拒收",
    "逾期送达或者未按要求密封的投标文件应当拒收。", "A late or unsealed bid is refused.",
    until="deposited", regime="works", test=row("WK-22"),
)  # fmt: skip
WK_23 = Rule(
    "WK-23", Article(DETAIL, 36), Op.MUST, "record", "-",
    "招标人应当如实记载投标文件的送达时间和密封情况，并存档备查",
    "送达时间和密封情况应当如实记载并存档。", "When a bid arrived and how it was sealed is recorded and archived.",
    until="deposited", regime="works", test=row("WK-23"),
)  # fmt: skip
WK_24 = Rule(
    "WK-24", Article(BIDDING, 34), Op.EQUAL, "opening_time=deadline", "-",
    "开标应当在招标文件确定的提交投标文件截止时间的同一时间公开进行",
    "开标时间即投标截止时间。", "Bids are opened at the very time of the deadline.",
    since="deadline", until="opening", regime="works", test=row("WK-24"),
)  # fmt: skip
WK_25 = Rule(
    "WK-25", Article(BIDDING, 36), Op.MUST, "open_all", "-",
    "招标人在招标文件要求提交投标文件的截止时间前收到的所有投标文件，开标时都应当当众予以拆封、宣读",
    "截止前收到的所有投标文件都应当拆封、宣读。", "Every bid received in time is opened and read out.",
    until="opening", regime="works", test=row("WK-25"),
)  # fmt: skip
WK_26 = Rule(
    "WK-26", Article(DETAIL, 44), Op.MIN_COUNT, 3, "家",
    "投标人少于3个的，不得开标；招标人应当重新招标",
    "投标人少于三个的，不得开标，应当重新招标。",
    "With fewer than three bidders the bids are not opened; the tender is held again.",
    until="opening", regime="works", test=row("WK-26"),
)  # fmt: skip
WK_27 = Rule(
    "WK-27", Article(DETAIL, 44), Op.MUST, "on_spot", "-",
    "投标人对开标有异议的，应当在开标现场提出，招标人应当当场作出答复，并制作记录",
    "对开标的异议应当在开标现场提出，当场答复并记录。",
    "An objection to the opening is raised there, answered there and recorded.",
    until="opening", regime="works", test=further("WK-27"),
)  # fmt: skip
WK_28 = Rule(
    "WK-28", Article(BIDDING, 37), Op.MIN_COUNT, (("members", 5), ("odd", True), ("experts", 2), ("of", 3)), "人",
    "成员人数为五人以上单数，其中技术、经济等方面的专家不得少于成员总数的三分之二",
    "评标委员会五人以上单数，专家不少于三分之二。",
    "Five members or more, an odd number, two thirds of them experts.",
    until="panel", regime="works", test=row("WK-28"),
)  # fmt: skip
WK_29 = Rule(
    "WK-29", Article(DETAIL, 46), Op.MUST, "random_draw", "-",
    "应当从评标专家库内相关专业的专家名单中以随机抽取方式确定",
    "专家应当从专家库中随机抽取。", "The experts are drawn at random from the pool.",
    until="panel", regime="works", test=row("WK-29"),
)  # fmt: skip
WK_30 = Rule(
    "WK-30", Article(DETAIL, 46), Op.MUST_NOT, "supervisor_staff", "-",
    "行政监督部门的工作人员不得担任本部门负责监督项目的评标委员会成员",
    "行政监督部门的工作人员不得担任本部门监督项目的评委。",
    "A supervisor's staff do not sit on the committees it supervises.",
    until="panel", regime="works", test=row("WK-30"),
)  # fmt: skip
WK_31 = Rule(
    "WK-31", Article(BIDDING, 37), Op.MUST_NOT, "interest", "-",
    "与投标人有利害关系的人不得进入相关项目的评标委员会；已经进入的应当更换",
    "与投标人有利害关系的人不得进入评标委员会，已进入的应当更换。",
    "Whoever has an interest with a bidder does not sit on the committee, or is replaced.",
    until="panel", regime="works", test=further("WK-31"),
)  # fmt: skip
WK_32 = Rule(
    "WK-32", Article(DETAIL, 48), Op.VOID, "replaced_scores", "-",
    "被更换的评标委员会成员作出的评审结论无效，由更换后的评标委员会成员重新进行评审",
    "被更换的评委作出的评审结论无效，由更换后的评委重新评审。",
    "A replaced member's work is void and done again by the new member.",
    until="evaluation", regime="works", test=row("WK-32"),
)  # fmt: skip
WK_33 = Rule(
    "WK-33", Article(DETAIL, 48), Op.THRESHOLD, (("members", 1), ("of", 3)), "人",
    "超过三分之一的评标委员会成员认为评标时间不够的，招标人应当适当延长",
    "超过三分之一的评委认为评标时间不够的，应当延长。",
    "When more than a third of the members say so, the evaluation gets more time.",
    until="evaluation", regime="works", test=row("WK-33"),
)  # fmt: skip
WK_34 = Rule(
    "WK-34", Article(BIDDING, 37), Op.SECRET, "panel_names", "-",
    "评标委员会成员的名单在中标结果确定前应当保密",
    "评委名单在中标结果确定前应当保密。", "The members' names are secret until the award is fixed.",
    since="panel-drawn", until="award", regime="works", test=row("WK-34"),
)  # fmt: skip
WK_34A = Rule(
    "WK-34A", Article(DETAIL, 34), Op.MUST_NOT, "interest", "-",
    "与招标人存在利害关系可能影响招标公正性的法人、其他组织或者个人，不得参加投标",
    "与招标人存在利害关系可能影响公正性的，不得参加投标。",
    "Whoever has an interest with the tenderee that may affect fairness may not bid.",
    until="deposited", regime="works", test=further("WK-34A"),
)  # fmt: skip
WK_35 = Rule(
    "WK-35", Article(DETAIL, 53), Op.MAX_COUNT, 3, "家",
    "中标候选人应当不超过3个，并标明排序",
    "中标候选人不超过三个，并标明排序。", "At most three candidates, in ranked order.",
    until="candidates", regime="works", test=row("WK-35"),
)  # fmt: skip
WK_36 = Rule(
    "WK-36", Article(DETAIL, 53), Op.MUST, "all_sign", "-",
    "拒绝在评标报告上签字又不书面说明其不同意见和理由的，视为同意评标结果",
    "评委应当在评标报告上签字；拒签又不书面说明理由的，视为同意。",
    "Every member signs the report; who refuses without written reasons agrees.",
    until="report", regime="works", test=row("WK-36"),
)  # fmt: skip
WK_37 = Rule(
    "WK-37", Article(DETAIL, 54), Op.MAX, 3, "日",
    "招标人应当自收到评标报告之日起3日内公示中标候选人",
    "自收到评标报告之日起三日内公示中标候选人。",
    "Candidates are published within three days of receiving the report.",
    since="report-received", until="candidates", regime="works", test=row("WK-37"),
)  # fmt: skip
WK_38 = Rule(
    "WK-38", Article(DETAIL, 54), Op.MIN, 3, "日",
    "公示期不得少于3日",
    "中标候选人公示期不得少于三日。", "Candidates are published for at least three days.",
    since="candidates", until="award", through=True, regime="works", test=row("WK-38"),
)  # fmt: skip
WK_39 = Rule(
    "WK-39", Article(DETAIL, 54), Op.MAX, 3, "日",
    "评标结果有异议的，应当在中标候选人公示期间提出。招标人应当自收到异议之日起3日内作出答复；作出答复前，"
    "应当暂停招标投标活动",
    "对评标结果的异议在公示期内提出，三日内答复；答复前暂停招标投标活动。",
    "An objection to the result is raised while it is published and answered within three days; until then all is "
    "suspended.",
    since="objection-received", until="objection-answered", regime="works", test=row("WK-39"),
)  # fmt: skip
WK_40 = Rule(
    "WK-40", Article(DETAIL, 55), Op.MUST, "award_rank1", "-",
    "国有资金占控股或者主导地位的依法必须进行招标的项目，招标人应当确定排名第一的中标候选人为中标人",
    "国有资金项目应当确定排名第一的候选人为中标人。", "In a state-funded project the candidate ranked first wins.",
    until="award", regime="works", test=row("WK-40"),
)  # fmt: skip
WK_41 = Rule(
    "WK-41", Article(DETAIL, 60), Op.LATEST, 10, "日",
    "自知道或者应当知道之日起10日内向有关行政监督部门投诉",
    "投诉应当自知道或者应当知道之日起十日内提出。", "A complaint is made within ten days of knowing.",
    since="known", until="complaint", regime="works", test=row("WK-41"),
)  # fmt: skip
WK_42 = Rule(
    "WK-42", Article(DETAIL, 60), Op.MUST, "objection_first", "-",
    "应当先向招标人提出异议，异议答复期间不计算在前款规定的期限内",
    "就招标文件、开标、评标结果投诉的，应当先提出异议；答复期间不计入投诉期限。",
    "Before complaining one objects; the time of the answer does not count.",
    until="complaint", regime="works", test=row("WK-42"),
)  # fmt: skip
WK_43 = Rule(
    "WK-43", Article(DETAIL, 61), Op.MAX, 3, "工作日",
    "自收到投诉之日起3个工作日内决定是否受理投诉",
    "自收到投诉之日起三个工作日内决定是否受理。", "A complaint is accepted or refused within three working days.",
    since="complaint-received", until="complaint-accepted", regime="works", test=row("WK-43"),
)  # fmt: skip
WK_44 = Rule(
    "WK-44", Article(DETAIL, 61), Op.MAX, 30, "工作日",
    "自受理投诉之日起30个工作日内作出书面处理决定；需要检验、检测、鉴定、专家评审的，所需时间不计算在内",
    "自受理投诉之日起三十个工作日内作出书面处理决定。",
    "A complaint is decided within thirty working days of its acceptance.",
    since="complaint-accepted", until="complaint-decided", regime="works", test=row("WK-44"),
)  # fmt: skip
WK_45 = Rule(
    "WK-45", Article(DETAIL, 62), Op.MAY, "supervisor_suspend", "-",
    "必要时，行政监督部门可以责令暂停招标投标活动",
    "投诉本身不停止招标投标活动；必要时行政监督部门可以责令暂停。",
    "A complaint suspends nothing by itself; the supervisor may order it.",
    since="complaint-received", until="suspension-ordered", regime="works", test=row("WK-45"),
)  # fmt: skip
WK_46 = Rule(
    "WK-46", Article(BIDDING, 46), Op.MAX, 30, "日",
    "招标人和中标人应当自中标通知书发出之日起三十日内",
    "自中标通知书发出之日起三十日内订立书面合同。", "The contract is signed within thirty days of the award letter.",
    since="award-notified", until="contract-signed", regime="works", test=row("WK-46"),
)  # fmt: skip
WK_47 = Rule(
    "WK-47", Article(BIDDING, 47), Op.MAX, 15, "日",
    "自确定中标人之日起十五日内，向有关行政监督部门提交招标投标情况的书面报告",
    "自确定中标人之日起十五日内向行政监督部门提交书面报告。",
    "A written report goes to the supervisor within fifteen days of the award.",
    since="award", until="report-filed", regime="works", test=row("WK-47"),
)  # fmt: skip
WK_48 = Rule(
    "WK-48", Article(DETAIL, 58), Op.MAX_PCT, 10, "%",
    "履约保证金不得超过中标合同金额的10%",
    "履约保证金不得超过中标合同金额的百分之十。", "The performance security is at most ten per cent of the contract.",
    since="contract-amount", until="performance-security", regime="works", test=row("WK-48"),
)  # fmt: skip
WK_49 = Rule(
    "WK-49", Article(DETAIL, 57), Op.MAX, 5, "日",
    "招标人最迟应当在书面合同签订后5日内向中标人和未中标的投标人退还投标保证金及银行同期存款利息",
    "合同签订后五日内退还投标保证金及银行同期存款利息。",
    "Securities go back with bank interest within five days of the contract.",
    since="contract-signed", until="securities-settled", regime="works", test=row("WK-49"),
)  # fmt: skip
WK_50 = Rule(
    "WK-50", Article(DETAIL, 40), Op.DEEMED, "collusion_6_items", "-",
    "不同投标人的投标文件异常一致或者投标报价呈规律性差异",
    "投标文件异常一致或者报价呈规律性差异等六种情形，视为串通投标。",
    "Bids alike beyond chance, or prices that differ by a rule: six cases count as collusion.",
    until="evaluation", regime="works", test=row("WK-50"),
)  # fmt: skip
WK_51 = Rule(
    "WK-51", Article(DETAIL, 34), Op.VOID, "related_bidders", "-",
    "单位负责人为同一人或者存在控股、管理关系的不同单位，不得参加同一标段投标",
    "负责人为同一人或者存在控股、管理关系的单位，不得参加同一标段投标，否则均无效。",
    "Bidders under one head or one control may not bid for one lot; else both bids are void.",
    until="opening", regime="works", test=row("WK-51"),
)  # fmt: skip
WK_52 = Rule(
    "WK-52", Article(DETAIL, 51), Op.MUST, "reject_list_7", "-",
    "投标报价低于成本或者高于招标文件设定的最高投标限价",
    "低于成本或者高于最高投标限价的投标应当否决。", "A bid below cost or above the maximum price is rejected.",
    until="evaluation", regime="works", test=further("WK-52"),
)  # fmt: skip
WK_53 = Rule(
    "WK-53", Article(DETAIL, 31), Op.MUST, "refund_on_termination", "-",
    "以及所收取的投标保证金及银行同期存款利息",
    "终止招标的，应当及时退还文件费用、投标保证金及利息。",
    "When a tender is ended, fees and securities go back with interest.",
    until="terminated", regime="works", test=further("WK-53"),
)  # fmt: skip
SE_01 = Rule(
    "SE-01", Article(BIDDING, 22), Op.SECRET, "downloaders_names_count", "-",
    "招标人不得向他人透露已获取招标文件的潜在投标人的名称、数量以及可能影响公平竞争的有关招标投标的其他情况",
    "不得透露已获取招标文件者的名称、数量和可能影响公平竞争的情况。",
    "Who and how many took the documents stays secret, like all that may affect competition.",
    since="announcement", until="opening", regime="works", test=further("SE-01"),
)  # fmt: skip
