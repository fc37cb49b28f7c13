"""The electronic platform (电子招标投标办法, Order 20; 电子签名法 11) and what personal data law asks of it."""

from __future__ import annotations

from trading.law.article import Article, Op, Rule
from trading.law.rules.sources import ARCHIVES, BUYING, E_TENDER, PERSONAL, SIGNATURES, further, row

OP_08 = Rule(
    "OP-08", Article(E_TENDER, 21), Op.SECRET, "downloaders_names_count", "-",
    "在投标截止时间前，电子招标投标交易平台运营机构不得向招标人或者其委托的招标代理机构以外的任何单位和个人泄露",
    "截止前平台运营机构不得泄露下载招标文件者的名称、数量。",
    "Before the deadline the operator tells nobody who or how many took the documents.",
    since="announcement", until="deadline", regime="e-tender", test=row("OP-08"),
)  # fmt: skip
OP_09 = Rule(
    "OP-09", Article(E_TENDER, 23), Op.MUST_NOT, "operator_bids", "-",
    "电子招标投标交易平台的运营机构，以及与该机构有控股或者管理关系可能影响招标公正性的任何单位和个人，"
    "不得在该交易平台进行的招标项目中投标和代理投标",
    "交易平台运营机构不得在本平台投标。", "The operator of the platform may not bid on it.",
    until="deposited", regime="e-tender", test=further("OP-09"),
)  # fmt: skip
OP_11 = Rule(
    "OP-11", Article(E_TENDER, 26), Op.MUST, "refuse_unencrypted", "-",
    "投标人未按规定加密的投标文件，电子招标投标交易平台应当拒收并提示",
    "未按规定加密的投标文件应当拒收并提示。", "A bid not encrypted as prescribed is refused, with a notice.",
    until="deposited", regime="e-tender", test=row("OP-11"),
)  # fmt: skip
OP_12 = Rule(
    "OP-12", Article(E_TENDER, 27), Op.DEEMED, "withdrawn", "-",
    "投标截止时间前未完成投标文件传输的，视为撤回投标文件",
    "截止前未完成传输的，视为撤回。", "A bid not fully transmitted by the deadline counts as withdrawn.",
    until="deadline", regime="e-tender", test=row("OP-12"),
)  # fmt: skip
OP_13 = Rule(
    "OP-13", Article(E_TENDER, 27), Op.MUST, "receipt", "immediate",
    "应当即时向投标人发出确认回执通知，并妥善保存投标文件",
    "即时发出确认回执并妥善保存。", "A receipt is given at once and the bid kept safe.",
    until="deposited", regime="e-tender", test=row("OP-13"),
)  # fmt: skip
OP_14 = Rule(
    "OP-14", Article(E_TENDER, 27), Op.MUST_NOT, "decrypt", "-",
    "除投标人补充、修改或者撤回投标文件外，任何单位和个人不得解密、提取投标文件",
    "截止前任何单位和个人不得解密、提取投标文件。", "Before the deadline nobody decrypts or extracts a bid.",
    since="deposited", until="deadline", regime="e-tender", test=row("OP-14"),
)  # fmt: skip
OP_16 = Rule(
    "OP-16", Article(E_TENDER, 31), Op.DEEMED, "revoked", "-",
    "因投标人原因造成投标文件未解密的，视为撤销其投标文件",
    "因投标人原因未解密的，视为撤销。", "Not decrypted through the bidder's fault: revoked.",
    until="opening", regime="e-tender", test=row("OP-16"),
)  # fmt: skip
OP_17 = Rule(
    "OP-17", Article(E_TENDER, 31), Op.DEEMED, "withdrawn", "-",
    "因投标人之外的原因造成投标文件未解密的，视为撤回其投标文件",
    "非因投标人原因未解密的，视为撤回。",
    "Not decrypted for another reason: withdrawn, with a claim for direct loss.",
    until="opening", regime="e-tender", test=row("OP-17"),
)  # fmt: skip
OP_19 = Rule(
    "OP-19", Article(E_TENDER, 32), Op.MUST, "publish_record", "-",
    "电子招标投标交易平台应当生成开标记录并向社会公众公布",
    "开标记录应当向社会公众公布。", "The opening record is made public.",
    until="opening", regime="e-tender", test=row("OP-19"),
)  # fmt: skip
OP_21 = Rule(
    "OP-21", Article(E_TENDER, 39), Op.MUST, "online_objection", "-",
    "以及招标人答复，均应当通过电子招标投标交易平台进行",
    "异议和答复均应当通过交易平台进行。", "Objections and answers go through the platform alone.",
    since="objection-received", until="objection-answered", regime="e-tender", test=row("OP-21"),
)  # fmt: skip
OP_22 = Rule(
    "OP-22", Article(E_TENDER, 40), Op.MUST, "esign_archive_7", "-",
    "进行电子签名并进行电子存档",
    "七类文件应当电子签名并电子存档。", "Seven kinds of documents are signed and archived electronically.",
    until="archive", regime="e-tender", test=row("OP-22"),
)  # fmt: skip
OP_24 = Rule(
    "OP-24", Article(E_TENDER, 49), Op.MUST, "log_time_ip_staff", "-",
    "如实记录招标投标过程、数据信息来源，以及每一操作环节的时间、网络地址和工作人员，并具备电子归档功能",
    "如实记录各操作环节的时间、网络地址和工作人员。",
    "Every operation is recorded with its time, network address and person.",
    until="always", regime="e-tender", test=row("OP-24"),
)  # fmt: skip
OP_25 = Rule(
    "OP-25", Article(E_TENDER, 49), Op.MUST_NOT, "destroy", "-",
    "任何单位和个人不得伪造、篡改或者损毁电子招标投标活动信息",
    "不得伪造、篡改或者损毁电子招标投标活动信息。", "Nobody forges, alters or destroys the records of a tender.",
    until="always", regime="e-tender", test=row("OP-25"),
)  # fmt: skip
OP_28 = Rule(
    "OP-28", Article(SIGNATURES, 11), Op.EQUAL, "entry_time", "-",
    "收件人指定特定系统接收数据电文的，数据电文进入该特定系统的时间，视为该数据电文的接收时间",
    "进入指定系统的时间为接收时间。", "A bid is received when it enters the designated system.",
    until="deposited", regime="all", test=row("OP-28"),
)  # fmt: skip
PD_03 = Rule(
    "PD-03", Article(PERSONAL, 47), Op.MUST, "storage_only", "-",
    "停止除存储和采取必要的安全保护措施之外的处理",
    "保存期限未届满的个人信息，只存储和保护，不作其他处理。",
    "Personal data whose statutory term runs are stored and protected, nothing else.",
    until="deletion-requested", regime="all", test=row("PD-03"),
)  # fmt: skip
RT_02 = Rule(
    "RT-02", Article(BUYING, 42), Op.MUST_NOT, "destroy", "-",
    "不得伪造、变造、隐匿或者销毁",
    "采购文件不得伪造、变造、隐匿或者销毁。", "Procurement files are not forged, altered, hidden or destroyed.",
    until="destroyed", regime="keeping", test=further("RT-02"),
)  # fmt: skip
RT_03 = Rule(
    "RT-03", Article(ARCHIVES, 21), Op.MUST_NOT, "destroy", "-",
    "禁止篡改、损毁、伪造档案。禁止擅自销毁档案",
    "禁止篡改、损毁、伪造档案，禁止擅自销毁档案。",
    "Archives are not altered, damaged or forged, and not destroyed without authority.",
    until="always", regime="keeping", test=further("RT-03"),
)  # fmt: skip
RT_04 = Rule(
    "RT-04", Article(ARCHIVES, 37), Op.EQUAL, "valid", "-",
    "电子档案与传统载体档案具有同等效力，可以以电子形式作为凭证使用",
    "电子档案与传统载体档案具有同等效力。", "An electronic archive is as good as one on paper.",
    until="archive", regime="keeping", test=further("RT-04"),
)  # fmt: skip
RT_07 = Rule(
    "RT-07", Article(SIGNATURES, 24), Op.MIN, 5, "年",
    "信息保存期限至少为电子签名认证证书失效后五年",
    "与认证相关的信息至少保存至证书失效后五年。", "What a certificate rests on is kept five years after it expired.",
    since="certificate-expired", until="destroyed", through=True, regime="keeping", test=further("RT-07"),
)  # fmt: skip
