"""Government procurement of goods and services: 政府采购法, its implementing regulation and Order 87."""

from __future__ import annotations

from trading.law.article import Article, Op, Rule
from trading.law.rules.sources import BUYING, BUYING_DETAIL, ORDER87, further, row

GP_01 = Rule(
    "GP-01", Article(BUYING, 35), Op.MIN, 20, "日",
    "自招标文件开始发出之日起至投标人提交投标文件截止之日止，不得少于二十日",
    "自招标文件发出至投标截止不得少于二十日。",
    "At least twenty days from issue of the documents to the bid deadline.",
    since="documents-issued", until="deadline", regime="gov", test=row("GP-01"),
)  # fmt: skip
GP_02 = Rule(
    "GP-02", Article(BUYING_DETAIL, 21), Op.MIN, 5, "工作日",
    "自公告发布之日起不得少于5个工作日",
    "资格预审申请时间自公告发布之日起不得少于五个工作日。",
    "Applications for prequalification stay open at least five working days from the notice.",
    since="announcement", until="prequal-deadline", regime="gov", test=row("GP-02"),
)  # fmt: skip
GP_03 = Rule(
    "GP-03", Article(BUYING_DETAIL, 31), Op.MIN, 5, "工作日",
    "招标文件的提供期限自招标文件开始发出之日起不得少于5个工作日",
    "招标文件提供期限不得少于五个工作日。", "The documents are available for at least five working days.",
    since="documents-issued", until="supply-ended", through=True, regime="gov", test=row("GP-03"),
)  # fmt: skip
GP_04 = Rule(
    "GP-04", Article(ORDER87, 16), Op.EQUAL, 5, "工作日",
    "招标公告、资格预审公告的公告期限为5个工作日",
    "招标公告的公告期限为五个工作日。", "The notice is posted for five working days.",
    since="announcement", until="notice-ended", through=True, regime="gov", test=row("GP-04"),
)  # fmt: skip
GP_05 = Rule(
    "GP-05", Article(BUYING_DETAIL, 31), Op.MIN_OR_EXTEND, 15, "日",
    "投标截止时间至少15日前，以书面形式通知所有获取招标文件的潜在投标人",
    "可能影响投标文件编制的澄清或者修改，应当在投标截止十五日前通知，否则顺延截止时间。",
    "An amendment that may affect bids is told fifteen days before the deadline, else the deadline moves.",
    since="documents-amended", until="deadline", regime="gov", test=row("GP-05"),
)  # fmt: skip
GP_07 = Rule(
    "GP-07", Article(BUYING_DETAIL, 33), Op.MAX_PCT, 2, "%",
    "投标保证金不得超过采购项目预算金额的2%",
    "投标保证金不得超过预算金额的百分之二。", "The bid security is at most two per cent of the budget.",
    since="estimate", until="bid-security", regime="gov", test=row("GP-07"),
)  # fmt: skip
GP_08 = Rule(
    "GP-08", Article(BUYING_DETAIL, 33), Op.MAX, 5, "工作日",
    "自中标通知书发出之日起5个工作日内退还未中标供应商的投标保证金，"
    "自政府采购合同签订之日起5个工作日内退还中标供应商的投标保证金",
    "未中标的自中标通知书发出、中标的自合同签订之日起五个工作日内退还投标保证金。",
    "Losers get their security back five working days after the award letter, the winner five after the contract.",
    since="award-notified", until="security-returned", regime="gov", test=row("GP-08"),
)  # fmt: skip
GP_09 = Rule(
    "GP-09", Article(ORDER87, 38), Op.MAX, 5, "工作日",
    "自收到投标人书面撤回通知之日起５个工作日内，退还已收取的投标保证金",
    "撤回投标的，自收到书面撤回通知之日起五个工作日内退还保证金。",
    "Withdrawn before the deadline: the security goes back within five working days of the notice.",
    since="withdrawal-noticed", until="security-returned", regime="gov", test=row("GP-09"),
)  # fmt: skip
GP_10 = Rule(
    "GP-10", Article(BUYING_DETAIL, 43), Op.MAX, 2, "工作日",
    "采购代理机构应当自评审结束之日起2个工作日内将评审报告送交采购人",
    "自评审结束之日起二个工作日内将评审报告送交采购人。",
    "The report reaches the buyer within two working days of the evaluation.",
    since="evaluation-ended", until="report-received", regime="gov", test=row("GP-10"),
)  # fmt: skip
GP_11 = Rule(
    "GP-11", Article(BUYING_DETAIL, 43), Op.MAX, 5, "工作日",
    "采购人应当自收到评审报告之日起5个工作日内",
    "采购人自收到评审报告之日起五个工作日内按顺序确定中标人。",
    "The buyer fixes the winner, in ranked order, within five working days of the report.",
    since="report-received", until="award", regime="gov", test=row("GP-11"),
)  # fmt: skip
GP_12 = Rule(
    "GP-12", Article(BUYING_DETAIL, 43), Op.MAX, 2, "工作日",
    "应当自中标、成交供应商确定之日起2个工作日内，发出中标、成交通知书",
    "自中标人确定之日起二个工作日内发出中标通知书并公告结果。",
    "Award letter and result notice follow within two working days of the award.",
    since="award", until="award-notified", regime="gov", test=row("GP-12"),
)  # fmt: skip
GP_13 = Rule(
    "GP-13", Article(BUYING_DETAIL, 43), Op.MUST, "expert_names_public", "-",
    "服务要求以及评审专家名单",
    "结果公告应当包括评审专家名单。", "The result notice names the experts.",
    until="award-notified", regime="gov", test=row("GP-13"),
)  # fmt: skip
GP_14 = Rule(
    "GP-14", Article(ORDER87, 69), Op.EQUAL, 1, "工作日",
    "中标公告期限为1个工作日",
    "中标公告期限为一个工作日。", "The result notice is posted for one working day.",
    since="award-notified", until="result-notice-ended", through=True, regime="gov", test=row("GP-14"),
)  # fmt: skip
GP_15 = Rule(
    "GP-15", Article(BUYING, 46), Op.MAX, 30, "日",
    "应当在中标、成交通知书发出之日起三十日内",
    "自中标通知书发出之日起三十日内签订合同。", "The contract is signed within thirty days of the award letter.",
    since="award-notified", until="contract-signed", regime="gov", test=row("GP-15"),
)  # fmt: skip
GP_16 = Rule(
    "GP-16", Article(BUYING, 47), Op.MAX, 7, "工作日",
    "自签订之日起七个工作日内",
    "合同副本自签订之日起七个工作日内备案。", "A copy of the contract is filed within seven working days.",
    since="contract-signed", until="contract-filed", regime="gov", test=row("GP-16"),
)  # fmt: skip
GP_17 = Rule(
    "GP-17", Article(BUYING_DETAIL, 50), Op.MAX, 2, "工作日",
    "采购人应当自政府采购合同签订之日起2个工作日内",
    "自合同签订之日起二个工作日内公告合同。", "The contract is published within two working days.",
    since="contract-signed", until="contract-published", regime="gov", test=row("GP-17"),
)  # fmt: skip
GP_18 = Rule(
    "GP-18", Article(BUYING_DETAIL, 38), Op.MIN, 5, "工作日",
    "公示期不得少于5个工作日",
    "单一来源采购的公示期不得少于五个工作日。",
    "A purchase from a single source is made public for at least five working days.",
    since="single-source-published", until="single-source-bought", through=True, regime="gov", test=row("GP-18"),
)  # fmt: skip
GP_19 = Rule(
    "GP-19", Article(BUYING_DETAIL, 52), Op.MAX, 3, "工作日",
    "应当在3个工作日内对供应商依法提出的询问作出答复",
    "对询问应当在三个工作日内答复。", "An inquiry is answered within three working days.",
    since="inquiry-received", until="inquiry-answered", regime="gov", test=row("GP-19"),
)  # fmt: skip
GP_20 = Rule(
    "GP-20", Article(BUYING, 52), Op.LATEST, 7, "工作日",
    "可以在知道或者应知其权益受到损害之日起七个工作日内，以书面形式向采购人提出质疑",
    "质疑应当自知道或者应知之日起七个工作日内提出。", "A challenge is made within seven working days of knowing.",
    since="known", until="challenge", regime="gov", test=row("GP-20"),
)  # fmt: skip
GP_21 = Rule(
    "GP-21", Article(BUYING, 53), Op.MAX, 7, "工作日",
    "采购人应当在收到供应商的书面质疑后七个工作日内作出答复",
    "对质疑应当在七个工作日内答复。", "A challenge is answered within seven working days.",
    since="challenge-received", until="challenge-answered", regime="gov", test=row("GP-21"),
)  # fmt: skip
GP_22 = Rule(
    "GP-22", Article(BUYING, 55), Op.LATEST, 15, "工作日",
    "可以在答复期满后十五个工作日内向同级政府采购监督管理部门投诉",
    "投诉应当在答复期满后十五个工作日内提出。",
    "A complaint is made within fifteen working days after the time for the answer.",
    since="answer-due", until="complaint", regime="gov", test=row("GP-22"),
)  # fmt: skip
GP_23 = Rule(
    "GP-23", Article(BUYING, 56), Op.MAX, 30, "工作日",
    "应当在收到投诉后三十个工作日内，对投诉事项作出处理决定",
    "自收到投诉之日起三十个工作日内作出处理决定。",
    "A complaint is decided within thirty working days of its receipt.",
    since="complaint-received", until="complaint-decided", regime="gov", test=row("GP-23"),
)  # fmt: skip
GP_24 = Rule(
    "GP-24", Article(BUYING, 57), Op.MAX, 30, "日",
    "可以视具体情况书面通知采购人暂停采购活动，但暂停时间最长不得超过三十日",
    "投诉处理期间可以书面通知暂停采购，最长不超过三十日。",
    "A supervisor may suspend the purchase for a complaint, thirty days at most.",
    since="suspension-ordered", until="suspension-lifted", regime="gov", test=row("GP-24"),
)  # fmt: skip
GP_25 = Rule(
    "GP-25", Article(BUYING_DETAIL, 54), Op.MUST, "suspend_contract", "-",
    "询问或者质疑事项可能影响中标、成交结果的，采购人应当暂停签订合同，已经签订合同的，应当中止履行合同",
    "询问或者质疑可能影响结果的，暂停签订合同；已签订的中止履行。",
    "While an inquiry or challenge may change the result, no contract is signed, and a signed one rests.",
    since="challenge-received", until="challenge-answered", regime="gov", test=row("GP-25"),
)  # fmt: skip
GP_26 = Rule(
    "GP-26", Article(BUYING_DETAIL, 48), Op.MAX_PCT, 10, "%",
    "履约保证金的数额不得超过政府采购合同金额的10%",
    "履约保证金不得超过合同金额的百分之十。", "The performance security is at most ten per cent of the contract.",
    since="contract-amount", until="performance-security", regime="gov", test=row("GP-26"),
)  # fmt: skip
GP_27 = Rule(
    "GP-27", Article(BUYING, 49), Op.MAX_PCT, 10, "%",
    "所有补充合同的采购金额不得超过原合同采购金额的百分之十",
    "补充合同金额合计不得超过原合同金额的百分之十。",
    "All additions together are at most ten per cent of the contract.",
    since="contract-amount", until="contract-additions", regime="gov", test=row("GP-27"),
)  # fmt: skip
GP_28 = Rule(
    "GP-28", Article(BUYING, 36), Op.MUST, "annul", "-",
    "符合专业条件的供应商或者对招标文件作实质响应的供应商不足三家的",
    "实质响应的供应商不足三家的，予以废标。",
    "With fewer than three suppliers that answer the documents the procurement is annulled.",
    until="evaluation", regime="gov", test=further("GP-28"),
)  # fmt: skip
GP_29 = Rule(
    "GP-29", Article(ORDER87, 41), Op.MIN_COUNT, 3, "家",
    "投标人不足3家的，不得开标",
    "投标人不足三家的，不得开标。", "With fewer than three bidders the bids are not opened.",
    until="opening", regime="gov", test=row("GP-29"),
)  # fmt: skip
GP_30 = Rule(
    "GP-30", Article(ORDER87, 44), Op.MIN_COUNT, 3, "家",
    "合格投标人不足3家的，不得评标",
    "合格投标人不足三家的，不得评标。", "With fewer than three qualified bidders there is no evaluation.",
    until="evaluation", regime="gov", test=row("GP-30"),
)  # fmt: skip
GP_32 = Rule(
    "GP-32", Article(ORDER87, 39), Op.MUST, "av_record", "-",
    "应当对开标、评标现场活动进行全程录音录像",
    "开标、评标全程录音录像并随采购文件存档。",
    "Opening and evaluation are recorded in sound and picture, and archived.",
    since="opening", until="report", regime="gov", test=row("GP-32"),
)  # fmt: skip
GP_33 = Rule(
    "GP-33", Article(ORDER87, 47), Op.MIN_COUNT,
    (("members", 5), ("large", 7), ("budget", 1_000_000_000), ("odd", True), ("experts", 2), ("of", 3)), "人",
    "成员人数应当为5人以上单数，其中评审专家不得少于成员总数的三分之二",
    "评标委员会五人以上单数，专家不少于三分之二；预算千万元以上等为七人以上。",
    "Five members or more, seven from a budget of ten million yuan; an odd number, two thirds of them experts.",
    until="panel", regime="gov", test=row("GP-33"),
)  # fmt: skip
GP_34 = Rule(
    "GP-34", Article(ORDER87, 47), Op.SECRET, "panel_names", "-",
    "评标委员会成员名单在评标结果公告前应当保密",
    "评委名单在评标结果公告前应当保密。", "The members' names are secret until the result notice.",
    since="panel-drawn", until="award-notified", regime="gov", test=row("GP-34"),
)  # fmt: skip
GP_35 = Rule(
    "GP-35", Article(ORDER87, 49), Op.MUST, "stop_seal", "-",
    "封存所有投标文件和开标、评标资料",
    "评委无法补足的，停止评标，封存所有投标文件和资料。",
    "If a member cannot be replaced, the evaluation stops and everything is sealed.",
    until="evaluation", regime="gov", test=row("GP-35"),
)  # fmt: skip
GP_36 = Rule(
    "GP-36", Article(ORDER87, 55), Op.MIN_PCT, (("goods", 30), ("services", 10)), "%",
    "货物项目的价格分值占总分值的比重不得低于30%；服务项目的价格分值占总分值的比重不得低于10%",
    "价格分值比重：货物不低于百分之三十，服务不低于百分之十。",
    "Price weighs at least thirty per cent for goods, ten for services.",
    until="announcement", regime="gov", test=row("GP-36"),
)  # fmt: skip
GP_37 = Rule(
    "GP-37", Article(ORDER87, 55), Op.FORMULA, "base/bid*100", "分",
    "投标报价得分=(评标基准价／投标报价)×100",
    "价格分采用低价优先法计算，不得去掉最高或者最低报价。",
    "The price score is lowest price over price; no bid is trimmed away.",
    until="evaluation", regime="gov", test=row("GP-37"),
)  # fmt: skip
GP_39 = Rule(
    "GP-39", Article(BUYING_DETAIL, 39), Op.MUST, "random_draw", "-",
    "采购人或者采购代理机构应当从政府采购评审专家库中随机抽取评审专家",
    "评审专家应当从专家库中随机抽取。", "The experts are drawn at random from the pool.",
    until="panel", regime="gov", test=further("GP-39"),
)  # fmt: skip
GP_40 = Rule(
    "GP-40", Article(BUYING, 42), Op.MIN, 15, "年",
    "采购文件的保存期限为从采购结束之日起至少保存十五年",
    "采购文件自采购结束之日起至少保存十五年。", "Procurement files are kept at least fifteen years.",
    since="procurement-ended", until="destroyed", through=True, regime="gov", test=row("GP-40"),
)  # fmt: skip
GP_43 = Rule(
    "GP-43", Article(ORDER87, 28), Op.SECRET, "downloaders_names_count", "-",
    "投标截止时间前，采购人、采购代理机构和有关人员不得向他人透露已获取招标文件的潜在投标人的名称、数量",
    "截止前不得透露已获取招标文件者的名称、数量。",
    "Before the deadline nobody tells who or how many took the documents.",
    since="announcement", until="deadline", regime="gov", test=further("GP-43"),
)  # fmt: skip
GP_45 = Rule(
    "GP-45", Article(ORDER87, 37), Op.DEEMED, "collusion_6_items", "-",
    "项目管理成员或者联系人员为同一人",
    "投标文件由同一单位编制、联系人为同一人等情形，视为串通投标，投标无效。",
    "One author or one contact person in two bids counts as collusion; the bids are invalid.",
    until="evaluation", regime="gov", test=further("GP-45"),
)  # fmt: skip
GP_46 = Rule(
    "GP-46", Article(ORDER87, 60), Op.MUST, "ask_explanation", "-",
    "应当要求其在评标现场合理的时间内提供书面说明",
    "报价明显偏低的，应当要求书面说明，不能证明合理性的为无效投标。",
    "An abnormally low price is explained in writing, or the bid is invalid.",
    until="evaluation", regime="gov", test=further("GP-46"),
)  # fmt: skip
