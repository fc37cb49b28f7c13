"""One of each paper, as a value: the cast of a school in the county of 安平."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from audit.canon import canon, sha256_hex
from audit.receipt import Receipt
from audit.report import Fault, Report, Status, Step, Verification
from experts import scoring
from trading.cli.verify import said, sentence
from trading.paper import awards, confirmations, evaluations, openings, receipts, statements, verifications
from trading.paper.press import Mark
from trading.paper.statements import Column, Statement
from trading.paper.tenders import Bidder, Opened, Ranked, Rejected, Tender

AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
LINK = "https://jy.example.gov.cn/t/2026-000017-01"
MARK = Mark(sha256_hex(b"the record"), "awarded", LINK)
SCHOOL = Tender(
    "2026-000017-01@4096", "安平县实验小学教学楼建设工程施工（一标段）", "安平县教育局", "河北正和招标代理有限公司",
    "buy", "comprehensive/v1", "CNY", 1_285_000_000, "jy.anping.example/2026",
)  # fmt: skip
ZHANG = Bidder("石家庄张氏建筑工程有限公司", "91130100MA0000001X", "1" * 32)
ZHU = Bidder("朱镕建设集团股份有限公司", "91130100MA0000002R", "2" * 32)
LI = Bidder("衡水李家园林古建筑工程有限责任公司第二分公司", "91130100MA0000003K", "3" * 32)
AWARD = awards.Award(SCHOOL, AT, ZHANG, 1_198_765_432)
OPENING = openings.OpeningRecord(
    SCHOOL, AT, AT, AT, 3,
    [
        Opened(ZHANG, "OK", {"price": 1_198_765_432, "days": 300, "quality": "合格"}, False, AT),
        Opened(ZHU, "OK", {"price": 1_210_000_000, "days": 280, "quality": "合格"}, True, AT),
        Opened(LI, "X-QUORUM", {}, False, AT),
    ],
)  # fmt: skip
CANDIDATES = awards.Candidates(
    SCHOOL, AT, AT.replace(day=5),
    [Ranked(1, ZHANG, 1_198_765_432, "94.25"), Ranked(2, ZHU, 1_210_000_000, "91.08")],
    [Rejected(LI, "投标文件未能开启", "招标投标法实施条例 51")],
)  # fmt: skip
CONTRACT = awards.Contract(AWARD, AT.replace(day=20), 1_198_765_432, 119_876_543, "c" * 64)
LAND = Tender(
    "2026-000031-01@5120", "安平县城东03-12地块国有建设用地使用权出让", "安平县自然资源和规划局", "", "sell",
    "highest-price/v1", "CNY", 12_000_000_000, "jy.anping.example/2026",
)  # fmt: skip
CONFIRMATION = confirmations.Confirmation(
    LAND, AT, LI, 7, 13_150_000_050, LAND.baseline, 1_150_000_050, 12_600_000_000, 50_000_000, 12, 48, 3, AT, True,
    13_000_000_000, [("auction-opened", 5301), ("auction-bid", 5377), ("auction-closed", 5380), ("awarded", 5402)],
)  # fmt: skip
REPORT = scoring.report(
    SCHOOL.id, "d" * 32, SCHOOL.method,
    totals={"rows": [
        {"bid": ZHANG.bid, "price": 1_198_765_432, "rank": 1, "total": "94.25"},
        {"bid": ZHU.bid, "price": 1_210_000_000, "rank": 2, "total": "91.08"},
    ]},
    rejected=[{"bid": LI.bid, "reason": "投标文件未能开启", "article": "招标投标法实施条例 51"}],
    found=scoring.Statistics(
        (scoring.Lean(1, Decimal("0.42"), Decimal("1.10")), scoring.Lean(2, Decimal("-6.20"), Decimal("6.20"))),
        (scoring.Outlier(2, ZHU.bid, "organisation", Decimal("4.0"), Decimal("9.0")),),
    ),
    seats=[
        {"seat": n, "side": "expert" if n < 5 else "tenderee", "sheet": f"{n}" * 64, "reasons": None}
        for n in range(1, 6)
    ],
)  # fmt: skip
SLIP = {
    "type": "trading.refusal/v1", "origin": SCHOOL.origin, "tender": SCHOOL.id, "stage": "form", "bidder": LI.code,
    "code": "E-LATE", "manifest": "e" * 64, "time": "2026-03-02T01:30:00.400000Z",
}  # fmt: skip
DEPOSIT = canon(
    {
        "type": "trading.deposited/v1", "subject": SCHOOL.id, "tender": SCHOOL.id, "stage": "form", "bid": ZHANG.bid,
        "seq": 2, "manifest": "a" * 64, "sig_hash": "b" * 64, "time": "2026-03-01T08:15:42.123456Z",
        "actor": {"kind": "bidder", "id": ZHANG.code},
    }
)  # fmt: skip
STATEMENT = Statement(
    "安平县公共资源交易统计表", "Public resource trading in Anping", SCHOOL.origin,
    "2025年1月1日至12月31日", "单位：万元", AT,
    [
        Column("交易类别", "kind"), Column("宗数", "trades", True), Column("预算额", "baseline", True),
        Column("成交额", "deal", True), Column("节约额", "saved", True), Column("增值额", "added", True),
        Column("比率", "rate", True),
    ],
    [
        ["工程建设", "112", "84,213.55", "76,002.18", "8,211.37", "—", "9.75%"],
        ["政府采购", "61", "10,998.00", "10,014.40", "983.60", "—", "8.94%"],
        ["土地使用权出让", "14", "52,300.00", "60,145.00", "—", "7,845.00", "15.00%"],
    ],
    ["合计", "187", "147,511.55", "146,161.58", "9,194.97", "7,845.00", ""],
    ["注：比率为合计额之比，不是各宗比率的平均。", "注：因四舍五入，各行之和与合计可能相差 0.01。"],
    "2025年，安平县共完成公共资源交易187宗，节约资金9,194.97万元，增值7,845.00万元。",
)  # fmt: skip
FOUND = Verification(
    (
        Report(
            Path("2026-000017-01@4096.public.zip"), SCHOOL.id, "public", SCHOOL.origin, 5120, True,
            ("log jy.anping.example/2026+e799cf57+AdylvwexdcMmZwbUbWosFZ8X9VsQcZd+bSeqQyEUQmKz",),
            (
                *(Step(number, Status.PASS) for number in range(1, 14)),
                Step(14, Status.FAIL, (Fault("record 4711", "E-NOT-FIRST", {"bid": ZHU.bid}),)),
                *(Step(number, Status.UNREACHED) for number in range(15, 18)),
            ),
        ),
    )
)  # fmt: skip


def _verification(found: Verification = FOUND) -> bytes:
    return verifications.verification_report(
        found, replace(MARK, about="verification"), AT, hashes=["f" * 64], said=said, sentence=sentence
    )


PAPERS: dict[str, Callable[[], bytes]] = {
    "receipt": lambda: receipts.receipt(
        Receipt(DEPOSIT, bytes(64), "a" * 64), replace(MARK, about="receipt"), SCHOOL.origin
    ),
    "refusal": lambda: receipts.refusal(
        SLIP, replace(MARK, about="refusal"), checked=True,
        sentence={"zh": "投标截止时间已过，投标文件予以拒收。", "en": "The deadline has passed."},
    ),
    "opening": lambda: openings.opening_record(OPENING, MARK),
    "evaluation": lambda: evaluations.evaluation_report(
        scoring.read_report(REPORT), replace(MARK, about="report"), AT, tender=SCHOOL,
        bidders={one.bid: one for one in (ZHANG, ZHU, LI)}, answers={1: "signed", 2: "dissent", 3: "signed", 4: "silent"},
    ),
    "candidates": lambda: awards.candidates(CANDIDATES, MARK),
    "award": lambda: awards.award_notice(AWARD, MARK),
    "confirmation": lambda: confirmations.confirmation(CONFIRMATION, MARK),
    "contract": lambda: awards.contract_cover(CONTRACT, MARK),
    "statement": lambda: statements.statement(STATEMENT, replace(MARK, about="statement")),
    "verification": _verification,
}  # fmt: skip
"""Each kind of paper, made."""
