"""The rules of this path, each with the words of its article. Ids and words: the checked table of the domain folder.

`quote` is verbatim; a test finds each quote of a checked rule in the article it names. The numbers of days of the whole
house stand here.
"""

from __future__ import annotations

from trading.law.article import Article, Op, Rule

CIVIL, BIDDING, DETAIL = "民法典", "招标投标法", "招标投标法实施条例"
BUYING, E_TENDER, ORDER87 = "政府采购法", "电子招标投标办法", "财政部令87号"

# ------------------------------------------------------------------------------------------- how days are counted

CL_01 = Rule(
    "CL-01", Article(CIVIL, 201), Op.CALENDAR, "exclude_start", "日",
    "开始的当日不计入，自下一日开始计算",
    "期间开始的当日不计入。", "The day on which a period starts is not counted.",
)  # fmt: skip
CL_02 = Rule(
    "CL-02", Article(CIVIL, 203), Op.CALENDAR, "roll_forward", "日",
    "期间的最后一日是法定休假日的，以法定休假日结束的次日为期间的最后一日",
    "最后一日是法定休假日的，顺延至休假日结束的次日。", "A last day on a public holiday moves to the day after it.",
)  # fmt: skip
CL_04 = Rule(
    "CL-04", Article(CIVIL, 1259), Op.CALENDAR, "inclusive", "-",
    "所称的“以上”、“以下”、“以内”、“届满”，包括本数；所称的“不满”、“超过”、“以外”，不包括本数",
    "“不少于”包括本数。", "“Not less than” includes the number itself.",
)  # fmt: skip

# ------------------------------------------------------------------------------------------- works

WK_06 = Rule(
    "WK-06", Article(BIDDING, 24), Op.MIN, 20, "日",
    "自招标文件开始发出之日起至投标人提交投标文件截止之日止，最短不得少于二十日",
    "自招标文件发出至投标截止不得少于二十日。", "At least twenty days from issue of the documents to the bid deadline.",
    since="documents-issued", until="deadline",
)  # fmt: skip
WK_18 = Rule(
    "WK-18", Article(DETAIL, 27), Op.MUST, "max_price_in_docs", "-",
    "应当在招标文件中明确最高投标限价或者最高投标限价的计算方法。招标人不得规定最低投标限价",
    "最高投标限价应当在招标文件中明确；不得规定最低投标限价。",
    "A maximum price stands in the documents; no minimum price may be set.",
)  # fmt: skip
WK_20 = Rule(
    "WK-20", Article(BIDDING, 28), Op.MUST_NOT, "open_before_deadline", "-",
    "招标人收到投标文件后，应当签收保存，不得开启",
    "收到的投标文件应当保存，不得开启。", "Bids are received and kept, never opened before the deadline.",
)  # fmt: skip
WK_21 = Rule(
    "WK-21", Article(BIDDING, 29), Op.MUST, "replace_withdraw", "-",
    "可以补充、修改或者撤回已提交的投标文件，并书面通知招标人",
    "截止前可以补充、修改或者撤回投标文件。", "Until the deadline a bid may be supplemented, changed or withdrawn.",
)  # fmt: skip
WK_22 = Rule(
    "WK-22", Article(DETAIL, 36), Op.MUST, "refuse", "-",
    "未通过资格预审的申请人提交的投标文件，以及逾期送达或者不按照招标文件要求密封的投标文件，招标人应当拒收",
    "逾期送达或者未按要求密封的投标文件应当拒收。", "A late or unsealed bid is refused.",
)  # fmt: skip
WK_24 = Rule(
    "WK-24", Article(BIDDING, 34), Op.MUST, "opening_time=deadline", "-",
    "开标应当在招标文件确定的提交投标文件截止时间的同一时间公开进行",
    "开标时间即投标截止时间。", "Bids are opened at the very time of the deadline.",
)  # fmt: skip
WK_25 = Rule(
    "WK-25", Article(BIDDING, 36), Op.MUST, "open_all", "-",
    "招标人在招标文件要求提交投标文件的截止时间前收到的所有投标文件，开标时都应当当众予以拆封、宣读",
    "截止前收到的所有投标文件都应当拆封、宣读。", "Every bid received in time is opened and read out.",
)  # fmt: skip
WK_26 = Rule(
    "WK-26", Article(DETAIL, 44), Op.MIN_COUNT, 3, "家",
    "投标人少于3个的，不得开标；招标人应当重新招标",
    "投标人少于三个的，不得开标。", "With fewer than three bidders the bids are not opened.",
    until="opening",
)  # fmt: skip
WK_34A = Rule(
    "WK-34A", Article(DETAIL, 34), Op.MUST_NOT, "interest", "-",
    "与招标人存在利害关系可能影响招标公正性的法人、其他组织或者个人，不得参加投标",
    "与招标人存在利害关系可能影响公正性的，不得参加投标。",
    "Whoever has an interest with the tenderee that may affect fairness may not bid.",
)  # fmt: skip
WK_35 = Rule(
    "WK-35", Article(DETAIL, 53), Op.MAX_COUNT, 3, "家",
    "中标候选人应当不超过3个，并标明排序",
    "中标候选人不超过三个，并标明排序。", "At most three candidates, in ranked order.",
    until="candidates",
)  # fmt: skip
WK_38 = Rule(
    "WK-38", Article(DETAIL, 54), Op.MIN, 3, "日",
    "公示期不得少于3日",
    "中标候选人公示期不得少于三日。", "Candidates are published for at least three days.",
    since="candidates", until="award", through=True,
)  # fmt: skip
WK_40 = Rule(
    "WK-40", Article(DETAIL, 55), Op.MUST, "award_rank1", "-",
    "国有资金占控股或者主导地位的依法必须进行招标的项目，招标人应当确定排名第一的中标候选人为中标人",
    "国有资金项目应当确定排名第一的候选人为中标人。", "In a state-funded project the candidate ranked first wins.",
)  # fmt: skip
WK_52 = Rule(
    "WK-52", Article(DETAIL, 51), Op.MUST, "reject_list_7", "-",
    "投标报价低于成本或者高于招标文件设定的最高投标限价",
    "高于最高投标限价的投标应当否决。", "A bid above the maximum price is rejected.",
)  # fmt: skip
WK_28 = Rule(
    "WK-28", Article(BIDDING, 37), Op.MIN_COUNT, 5, "人",
    "成员人数为五人以上单数，其中技术、经济等方面的专家不得少于成员总数的三分之二",
    "评标委员会五人以上单数，专家不少于三分之二。", "Five members or more, an odd number, two thirds of them experts.",
    until="panel",
)  # fmt: skip

# ------------------------------------------------------------------------------------------- the electronic platform

OP_09 = Rule(
    "OP-09", Article(E_TENDER, 23), Op.MUST_NOT, "operator_bids", "-",
    "电子招标投标交易平台的运营机构，以及与该机构有控股或者管理关系可能影响招标公正性的任何单位和个人，"
    "不得在该交易平台进行的招标项目中投标和代理投标",
    "交易平台运营机构不得在本平台投标。", "The operator of the platform may not bid on it.",
)  # fmt: skip
OP_11 = Rule(
    "OP-11", Article(E_TENDER, 26), Op.MUST, "refuse_unencrypted", "-",
    "投标人未按规定加密的投标文件，电子招标投标交易平台应当拒收并提示",
    "未按规定加密的投标文件应当拒收并提示。", "A bid not encrypted as prescribed is refused, with a notice.",
)  # fmt: skip
OP_12 = Rule(
    "OP-12", Article(E_TENDER, 27), Op.DEEMED, "withdrawn", "-",
    "投标截止时间前未完成投标文件传输的，视为撤回投标文件",
    "截止前未完成传输的，视为撤回。", "A bid not fully transmitted by the deadline counts as withdrawn.",
)  # fmt: skip
OP_13 = Rule(
    "OP-13", Article(E_TENDER, 27), Op.MUST, "receipt", "-",
    "应当即时向投标人发出确认回执通知，并妥善保存投标文件",
    "即时发出确认回执。", "A receipt is given at once.",
)  # fmt: skip
OP_14 = Rule(
    "OP-14", Article(E_TENDER, 27), Op.MUST_NOT, "decrypt", "-",
    "除投标人补充、修改或者撤回投标文件外，任何单位和个人不得解密、提取投标文件",
    "截止前任何单位和个人不得解密、提取投标文件。", "Before the deadline nobody decrypts or extracts a bid.",
)  # fmt: skip
OP_16 = Rule(
    "OP-16", Article(E_TENDER, 31), Op.DEEMED, "revoked", "-",
    "因投标人原因造成投标文件未解密的，视为撤销其投标文件",
    "因投标人原因未解密的，视为撤销。", "Not decrypted through the bidder's fault: revoked.",
)  # fmt: skip
OP_17 = Rule(
    "OP-17", Article(E_TENDER, 31), Op.DEEMED, "withdrawn", "-",
    "因投标人之外的原因造成投标文件未解密的，视为撤回其投标文件",
    "非因投标人原因未解密的，视为撤回。", "Not decrypted for another reason: withdrawn, with a claim for direct loss.",
)  # fmt: skip
OP_19 = Rule(
    "OP-19", Article(E_TENDER, 32), Op.MUST, "publish_record", "-",
    "电子招标投标交易平台应当生成开标记录并向社会公众公布",
    "开标记录应当向社会公众公布。", "The opening record is made public.",
)  # fmt: skip
OP_28 = Rule(
    "OP-28", Article("电子签名法", 11), Op.MUST, "entry_time", "-",
    "收件人指定特定系统接收数据电文的，数据电文进入该特定系统的时间，视为该数据电文的接收时间",
    "进入指定系统的时间为接收时间。", "A bid is received when it enters the designated system.",
)  # fmt: skip

# ------------------------------------------------------------------------------------------- government procurement

GP_01 = Rule(
    "GP-01", Article(BUYING, 35), Op.MIN, 20, "日",
    "自招标文件开始发出之日起至投标人提交投标文件截止之日止，不得少于二十日",
    "自招标文件发出至投标截止不得少于二十日。", "At least twenty days from issue of the documents to the bid deadline.",
    since="documents-issued", until="deadline",
)  # fmt: skip
GP_29 = Rule(
    "GP-29", Article(ORDER87, 41), Op.MIN_COUNT, 3, "家",
    "投标人不足3家的，不得开标",
    "投标人不足三家的，不得开标。", "With fewer than three bidders the bids are not opened.",
    until="opening",
)  # fmt: skip
GP_30 = Rule(
    "GP-30", Article(ORDER87, 44), Op.MIN_COUNT, 3, "家",
    "合格投标人不足3家的，不得评标",
    "合格投标人不足三家的，不得评标。", "With fewer than three qualified bidders there is no evaluation.",
    until="evaluation",
)  # fmt: skip
GP_33 = Rule(
    "GP-33", Article(ORDER87, 47), Op.MIN_COUNT, 5, "人",
    "成员人数应当为5人以上单数，其中评审专家不得少于成员总数的三分之二",
    "评标委员会五人以上单数，专家不少于三分之二。", "Five members or more, an odd number, two thirds of them experts.",
    until="panel",
)  # fmt: skip

# ------------------------------------------------------------------------------------------- property, land, minerals

PR_02 = Rule(
    "PR-02", Article("企业国有资产法", 54), Op.MUST, "open_bidding_if>=2", "家",
    "征集产生的受让方为两个以上的，转让应当采用公开竞价的交易方式",
    "受让方为两个以上的，应当公开竞价。", "With two or more buyers the sale is by open competitive bidding.",
)  # fmt: skip
PR_03 = Rule(
    "PR-03", Article("企业国有资产法", 55), Op.MUST, "floor_from_appraisal", "-",
    "合理确定最低转让价格",
    "以评估价格为依据确定最低转让价格。", "The lowest price rests on the approved appraisal.",
)  # fmt: skip
LD_02 = Rule(
    "LD-02", Article("土地管理法实施条例", 18), Op.MUST, "competitive", "-",
    "应当采取招标、拍卖、挂牌等竞争性方式确定土地使用者",
    "土地使用权以竞争性方式出让。", "Land use rights are granted competitively.",
)  # fmt: skip
MN_01 = Rule(
    "MN-01", Article("矿产资源法", 17), Op.MUST, "competitive", "-",
    "矿业权应当通过招标、拍卖、挂牌等竞争性方式出让",
    "矿业权以竞争性方式出让。", "Mineral rights are granted competitively.",
)  # fmt: skip
MN_03 = Rule(
    "MN-03", Article("矿产资源法", 19), Op.MUST, "advance_notice", "-",
    "应当提前公告拟出让矿业权的基本情况、竞争规则、受让人的技术能力等条件及其权利义务等事项",
    "应当提前公告基本情况、竞争规则和条件。", "Facts, rules and conditions are announced in advance.",
)  # fmt: skip

# ------------------------------------------------------------------------------------------- as the source ran it

SL_01 = Rule(
    "SL-01", Article("来源", 1), Op.MIN_COUNT, 1, "家",
    "", "按来源程序，一家投标即可开标。", "Under the source's own procedure one bid is enough.",
    until="opening",
)  # fmt: skip

ALL: tuple[Rule, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
"""Every rule, in the order written."""
