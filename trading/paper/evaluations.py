"""The committee's report 评标报告, set from the platform's own report (`trading.evaluation-report/v1`).

The report knows seats and never names, and so does the paper: who sat is on the door list, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trading.paper.press import Mark, press
from trading.paper.tenders import Bidder, Tender, named


def evaluation_report(
    report: Mapping[str, Any],
    mark: Mark,
    at: datetime,
    *,
    tender: Tender | None = None,
    bidders: Mapping[str, Bidder] | None = None,
    answers: Mapping[int, str] | None = None,
) -> bytes:
    """`report`: as `experts.scoring.read_report` gives it; `bidders` by bid and `answers` by seat, where they are known.

    Refused: PAPER-GLYPH.
    """
    known = bidders or {}
    currency = tender.currency if tender else ""
    rows = (report["totals"] or {}).get("rows", [])

    def name(bid: str) -> str:
        return known[bid].name if bid in known else bid

    def price(fen: int) -> dict[str, str]:
        return tender.offered(fen) if tender else {"digits": str(fen), "words": ""}

    value = {
        "issuer": tender.origin if tender else "",
        "tender": tender.plain() if tender else None,
        "id": str(report["tender"]),
        "number": str(report["tender"]).rpartition("@")[0] or str(report["tender"]),
        "draw": str(report["draw"]),
        "method": named("page.method.", str(report["method"])),
        "fen": not currency,
        "pointed": any("total" in row for row in rows),
        "rows": [
            {
                "rank": str(row.get("rank") or "—"),
                "name": name(str(row["bid"])),
                "price": price(int(row["price"])),
                "points": str(row.get("total", "")),
            }
            for row in rows
        ],
        "rejected": [
            {"name": name(str(one["bid"])), "reason": str(one["reason"]), "article": str(one["article"])}
            for one in report["rejected"]
        ],
        "seats": [
            {
                "seat": str(one["seat"]),
                "side": named("paper.side.", str(one["side"])),
                "sheet": str(one["sheet"] or ""),
                "answer": named("paper.answer.", (answers or {}).get(int(one["seat"]), "")) if answers else None,
            }
            for one in report["seats"]
        ],
        "deviations": [{name: str(one[name]) for name in ("seat", "lean", "spread")} for one in report["deviations"]],
        "outliers": [
            {"bid": name(str(one["bid"]))}
            | {field: str(one[field]) for field in ("seat", "criterion", "points", "median")}
            for one in report["outliers"]
        ],
    }
    return press("evaluation", value, mark, at)
