"""What the state sells: auctions, property rights, land use rights, mineral rights; and what a source ran itself."""

from __future__ import annotations

from trading.law.article import Article, Op, Rule
from trading.law.rules.sources import AUCTION, CIVIL, LAND, MINERALS, SOURCE, STATE_ASSETS, row

AU_01 = Rule(
    "AU-01", Article(AUCTION, 45), Op.MIN, 7, "日",
    "拍卖人应当于拍卖日七日前发布拍卖公告",
    "拍卖公告应当于拍卖日七日前发布。", "An auction is announced seven days before.",
    since="auction-noticed", until="auction", regime="auction", test=row("AU-01"),
)  # fmt: skip
AU_02 = Rule(
    "AU-02", Article(AUCTION, 48), Op.MIN, 2, "日",
    "拍卖标的的展示时间不得少于两日",
    "拍卖标的展示不得少于二日。", "What is auctioned is shown for at least two days.",
    since="display-started", until="display-ended", through=True, regime="auction", test=row("AU-02"),
)  # fmt: skip
AU_03 = Rule(
    "AU-03", Article(AUCTION, 50), Op.VOID, "below_reserve", "-",
    "竞买人的最高应价未达到保留价时，该应价不发生效力",
    "最高应价未达到保留价的，不发生效力。", "A highest bid below the reserve has no effect.",
    until="hammer", regime="auction", test=row("AU-03"),
)  # fmt: skip
AU_04 = Rule(
    "AU-04", Article(AUCTION, 36), Op.MUST_NOT, "withdraw_bid", "-",
    "竞买人一经应价，不得撤回",
    "竞买人一经应价，不得撤回。", "A bid in an auction cannot be withdrawn.",
    until="auction", regime="auction", test=row("AU-04"),
)  # fmt: skip
AU_07 = Rule(
    "AU-07", Article(AUCTION, 54), Op.MIN, 5, "年",
    "自委托拍卖合同终止之日起计算，不得少于五年",
    "拍卖账簿和资料至少保存五年。", "Auction books are kept at least five years.",
    since="auction-contract-ended", until="destroyed", through=True, regime="auction", test=row("AU-07"),
)  # fmt: skip
PR_02 = Rule(
    "PR-02", Article(STATE_ASSETS, 54), Op.MUST, (("open_bidding_from", 2),), "家",
    "征集产生的受让方为两个以上的，转让应当采用公开竞价的交易方式",
    "受让方为两个以上的，应当公开竞价。", "With two or more buyers the sale is by open competitive bidding.",
    until="opening", regime="property", test=row("PR-02"),
)  # fmt: skip
PR_03 = Rule(
    "PR-03", Article(STATE_ASSETS, 55), Op.MUST, "floor_from_appraisal", "-",
    "合理确定最低转让价格",
    "以评估价格为依据确定最低转让价格。", "The lowest price rests on the approved appraisal.",
    until="announcement", regime="property", test=row("PR-03"),
)  # fmt: skip
LD_02 = Rule(
    "LD-02", Article(LAND, 18), Op.MUST, "competitive", "-",
    "应当采取招标、拍卖、挂牌等竞争性方式确定土地使用者",
    "土地使用权以竞争性方式出让。", "Land use rights are granted competitively.",
    until="announcement", regime="land", test=row("LD-02"),
)  # fmt: skip
LD_03 = Rule(
    "LD-03", Article(CIVIL, 348), Op.MUST, "written_contract", "-",
    "通过招标、拍卖、协议等出让方式设立建设用地使用权的，当事人应当采用书面形式订立建设用地使用权出让合同",
    "建设用地使用权出让应当订立书面合同。", "A grant of land use rights is put into a written contract.",
    since="award", until="archived", regime="land", test="tests/law/test_grants.py::test_ld_03",
)  # fmt: skip
MN_01 = Rule(
    "MN-01", Article(MINERALS, 17), Op.MUST, "competitive", "-",
    "矿业权应当通过招标、拍卖、挂牌等竞争性方式出让",
    "矿业权以竞争性方式出让。", "Mineral rights are granted competitively.",
    until="announcement", regime="minerals", test=row("MN-01"),
)  # fmt: skip
MN_03 = Rule(
    "MN-03", Article(MINERALS, 19), Op.MUST, "advance_notice", "-",
    "应当提前公告拟出让矿业权的基本情况、竞争规则、受让人的技术能力等条件及其权利义务等事项",
    "应当提前公告基本情况、竞争规则和条件。", "Facts, rules and conditions are announced in advance.",
    until="announcement", regime="minerals", test=row("MN-03"),
)  # fmt: skip
MN_04 = Rule(
    "MN-04", Article(MINERALS, 20), Op.MUST, "written_contract", "-",
    "出让矿业权的，矿业权出让部门应当与依法确定的受让人以书面形式签订矿业权出让合同",
    "矿业权出让应当签订书面合同。", "A grant of mineral rights is put into a written contract.",
    since="award", until="archived", regime="minerals", test="tests/law/test_grants.py::test_mn_04",
)  # fmt: skip
SL_01 = Rule(
    "SL-01", Article(SOURCE, 1), Op.MIN_COUNT, 1, "家",
    "", "按来源程序，一家投标即可开标。", "Under the source's own procedure one bid is enough.",
    until="opening", regime="source-law", test="tests/law/test_rules.py::test_source_law_takes_one_bid_and_both_directions",
)  # fmt: skip
