"""The opening record 开标记录: every bid on the closed list, what was read out of it, or why it did not open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trading.paper.figures import moment
from trading.paper.press import Mark, press
from trading.paper.tenders import Opened, Tender, named


@dataclass(frozen=True)
class OpeningRecord:
    """`listed`: bids on the closed list; `opened`: those of them that were unsealed, in the order of the list."""

    tender: Tender
    deadline: datetime
    closed: datetime
    at: datetime
    listed: int
    opened: Sequence[Opened]


def opening_record(record: OpeningRecord, mark: Mark) -> bytes:
    """The paper. Refused: PAPER-GLYPH."""
    tender = record.tender
    further = sorted({name for one in record.opened for name in one.opening if name != "price"})
    rows = []
    for one in record.opened:
        price = one.opening.get("price")
        rows.append(
            {
                "name": one.bidder.name,
                "code": one.bidder.code,
                "price": tender.offered(price) if isinstance(price, int) else {"digits": "—", "words": ""},
                "further": [str(one.opening.get(name, "—")) for name in further],
                "verdict": named("page.verdict.", one.verdict) | ({"code": one.verdict}),
                "unvouched": one.unvouched,
            }
        )
    value = {
        "issuer": tender.origin,
        "tender": tender.plain(),
        "direction": tender.direction,
        "baseline": None if tender.baseline is None else tender.offered(tender.baseline),
        "deadline": moment(record.deadline),
        "closed": moment(record.closed),
        "opened": moment(record.at),
        "listed": str(record.listed),
        "further": [named("paper.field.", name) for name in further],
        "rows": rows,
    }
    return press("opening", value, mark, record.at)
