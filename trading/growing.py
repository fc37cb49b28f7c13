"""How far a tender's public page has grown: what tells whether somebody who looks at it sees the newest of it.

Made of public facts alone: records that stand in clear, their places in the log, the state, the rounds of an auction. A
sealed record changes nothing here, so that before an opening a page that grows by itself is as silent about bids as the log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.act import pool
from trading.auctions import state_of

OVER = frozenset({"archived", "failed", "terminated"})
"""States after which a page grows no more while somebody looks."""
_WRITTEN = re.compile(r"([a-z]+)\.(\d{1,9})\.(\d{1,9})~([a-z0-9.]{0,60})")


@dataclass(frozen=True)
class Stand:
    """What a page shows: the tender's state, its records (but prices cried) and how many of them have a place in the log;
    the auction as one word that differs whenever its card does, "" where there is none."""

    state: str = ""
    records: int = 0
    placed: int = 0
    auction: str = ""

    def __str__(self) -> str:
        return f"{self.state}.{self.records}.{self.placed}~{self.auction}"

    @classmethod
    def read(cls, text: str) -> Stand:
        """From its text; of anything else a stand that no page has, so that whoever shows it is sent everything."""
        found = _WRITTEN.fullmatch(text)
        return cls() if found is None else cls(found[1], int(found[2]), int(found[3]), found[4])

    @property
    def page(self) -> tuple[str, int, int]:
        """The part outside the auction's card."""
        return self.state, self.records, self.placed

    @property
    def over(self) -> bool:
        """Nothing more comes."""
        return self.state in OVER


async def stands(tenders: Sequence[str]) -> dict[str, Stand]:
    """Of these tenders those that are announced: one question to the database for all of them."""
    rows = await pool().fetch(_STANDS, list(tenders))
    return {row["tender"]: Stand(row["state"], row["records"], row["placed"], _auction(row)) for row in rows}


def _auction(row: object) -> str:
    asked: dict[str, object] = dict(row)  # type: ignore[call-overload]
    if asked["tender_id"] is None:
        return ""
    hammer, closed = asked["hammer"], asked["closed_at"]
    phase = "closed" if closed is not None else state_of(row).phase(asked["now"])  # type: ignore[arg-type]
    return f"{asked['bids']}.{phase}.{int(hammer.timestamp())}"  # type: ignore[attr-defined]


_STANDS = """
SELECT t.id AS tender, t.state, a.*, log_now() AS now,
    (SELECT count(*) FROM log_record r WHERE r.tender = t.id AND r.nonce IS NULL AND r.type <> 'auction-bid') AS records,
    (SELECT count(*) FROM log_record r JOIN log_leaf l ON l.record = r.id
        WHERE r.tender = t.id AND r.nonce IS NULL AND r.type <> 'auction-bid') AS placed,
    (SELECT count(*) FROM trading_auction_bid b WHERE b.tender_id = t.id) AS bids
FROM trading_tender t LEFT JOIN trading_auction a ON a.tender_id = t.id
WHERE t.id = ANY ($1) AND t.announced_at IS NOT NULL"""
