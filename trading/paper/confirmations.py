"""成交确认书: what an online auction sold, to which number and whose it was, at what price, and by which records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trading.paper.figures import amount, moment, wan
from trading.paper.press import Mark, press
from trading.paper.tenders import Bidder, Tender


@dataclass(frozen=True)
class Confirmation:
    """An auction that ended in an award. Fen.

    `number` 竞买号 is None for a winner who took no part: where nobody bid the sealed prices decide. `reserve`: the one that
    was revealed; `reserved`: whether one had been committed to. `gain` over `baseline` as the award's record says, None
    where there is no baseline. `records`: (a code under `paper.record.`, index in the log), in their order.
    """

    tender: Tender
    at: datetime
    winner: Bidder
    number: int | None
    price: int
    baseline: int | None
    gain: int | None
    start: int
    increment: int
    bidders: int
    bids: int
    extensions: int
    hammer: datetime
    reserved: bool
    reserve: int | None
    records: Sequence[tuple[str, int]]


def confirmation(paper: Confirmation, mark: Mark) -> bytes:
    """The confirmation of a sale. Refused: PAPER-GLYPH."""
    tender = paper.tender
    currency = tender.currency
    value = {
        "issuer": tender.origin,
        "tender": tender.plain(),
        "at": moment(paper.at),
        "hammer": moment(paper.hammer),
        "winner": {"name": paper.winner.name, "code": paper.winner.code},
        "number": "" if paper.number is None else str(paper.number),
        "price": amount(paper.price, currency) | {"wan": wan(paper.price, currency)},
        "start": amount(paper.start, currency),
        "increment": amount(paper.increment, currency),
        "baseline": None if paper.baseline is None else amount(paper.baseline, currency),
        "gain": None if paper.gain is None else amount(paper.gain, currency),
        "reserve": None if paper.reserve is None else amount(paper.reserve, currency),
        "reserved": paper.reserved,
        "bidders": str(paper.bidders),
        "bids": str(paper.bids),
        "extensions": str(paper.extensions),
        "records": [{"what": what, "index": str(index)} for what, index in paper.records],
    }
    return press("confirmation", value, mark, paper.at)
