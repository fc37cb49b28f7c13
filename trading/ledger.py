"""The ledger: one line a trade and winner, whole fen, for good. The database computes each gain again.

A line that was wrong is corrected by a further line that names it and stands in its place. Failed trades have lines of
their own, counted apart. Statements are made of these lines (trading/accounting.py).
"""

from __future__ import annotations

from typing import Any

from audit.act import Act, pool
from audit.refusal import Refused
from trading import booked
from trading.accounts import decode_cursor, page
from trading.booked import Booked
from trading.law.calendar import legal_day
from trading.law.gains import BASELINE
from trading.law.regimes import BUY
from trading.statement import ANNULLED, FAILED, kind_of

AWARD = "d.tender_id = t.id AND d.status <> 'failed' AND d.corrects IS NULL AND d.part = 1"
"""Which line `d` of the ledger is the award of tender `t`, as it was booked."""


async def book(
    act: Act,
    *,
    tender: str,
    bid: str,
    bidder: str,
    offered: int,
    line: Booked,
    currency: str,
    direction: str,
    regime: str,
) -> None:
    """Book an award in the act that makes it; the award is the record. `offered`: the price of the award, which is a sum of
    money only where the line has it as its price.
    """
    apart = line.price is None
    made = await act.query(
        """INSERT INTO trading_line (number, trade, tender_id, kind, day, region, organisation, direction, currency,
               regime, status, reason, bid, bidder_id, price, baseline, gain, formula, denominator, offered, booked_at)
           SELECT nextval('trading_trade_number'), t.id, t.id, $2, $3, p.region, p.organisation_id, $4, $5, $6, $7, $8, $9,
               $10, $11, $12, $13, $14, $15, $16, $17
           FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
           WHERE t.id = $1 RETURNING number""",
        tender, kind_of(regime, direction), legal_day(act.now), direction, currency, regime, line.status,
        line.status if apart else "", bid, bidder, line.price, line.baseline, line.gain, line.formula,
        None if line.gain is None else BASELINE, offered if apart else None, act.now,
    )  # fmt: skip
    assert made, tender


async def book_failure(act: Act, tender: str, reason: str) -> None:
    """Book that an announced tender came to nothing, in the act that says so; an award that stood is annulled by the line
    that corrects it. Reserve boxes are no trades.
    """
    stood = await act.query(
        """SELECT l.number FROM trading_line l WHERE l.tender_id = $1
           AND NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = l.number) ORDER BY l.number""",
        tender,
    )
    for line in stood:
        await correct(act, line["number"], status=ANNULLED, reason=reason)
    if stood:
        return
    rows = await act.query(
        """SELECT p.regime, p.direction FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id
           JOIN trading_project p ON p.id = l.project_id
           WHERE t.id = $1 AND t.kind = 'bids' AND t.announced_at IS NOT NULL""",
        tender,
    )
    for row in rows:
        await act.query(
            """INSERT INTO trading_line (number, trade, tender_id, kind, day, region, organisation, direction, currency,
                   regime, status, reason, booked_at)
               SELECT nextval('trading_trade_number'), t.id, t.id, $2, $3, p.region, p.organisation_id, p.direction,
                   p.currency, p.regime, $4, $5, $6
               FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
               WHERE t.id = $1""",
            tender, kind_of(row["regime"], row["direction"]), legal_day(act.now), FAILED, reason, act.now,
        )  # fmt: skip


async def correct(
    act: Act,
    number: int,
    *,
    status: str,
    reason: str,
    price: int | None = None,
    baseline: int | None = None,
    correction: int | None = None,
    words: str = "",
) -> int:
    """Book a line in the place of another, which it names; both stay. The number of the new line.

    `correction`, `words`: of one by hand (bookkeeping.py). Refused: E-LEDGER-REASON (none given), E-LEDGER-STATUS (no such
    status, or amounts that do not go with it), E-LEDGER-CORRECTS (no such line, or it was corrected already).
    """
    if not reason:
        raise Refused("E-LEDGER-REASON", known=", ".join(booked.REASONS))
    booked.line(BUY, status, price, baseline)
    found = await act.query(
        """SELECT direction, tender_id FROM trading_line l WHERE number = $1
           AND NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = l.number)""",
        number,
    )
    if not found:
        raise Refused("E-LEDGER-CORRECTS", line=number)
    made = booked.line(found[0]["direction"], status, price, baseline)
    rows = await act.query(
        """INSERT INTO trading_line (number, trade, part, tender_id, corrects, kind, day, region, organisation, direction,
               currency, regime, status, reason, bid, bidder_id, price, baseline, gain, formula, denominator, correction,
               words, booked_at)
           SELECT nextval('trading_trade_number'), trade, part, tender_id, number, kind, day, region, organisation,
               direction, currency, regime, $2, $3, bid, bidder_id, $4, $5, $6, $7, $8, $9, $10, $11
           FROM trading_line WHERE number = $1 ON CONFLICT (corrects) DO NOTHING RETURNING number""",
        number, status, reason, price, baseline, made.gain, made.formula, None if made.gain is None else BASELINE,
        correction, words, act.now,
    )  # fmt: skip
    if not rows:
        raise Refused("E-LEDGER-CORRECTS", line=number)
    return int(rows[0]["number"])


async def standing(act: Act, tender: str) -> Any:
    """The line that stands for a tender, with how many corrections by hand lie below it. Refused: E-LEDGER-NONE."""
    found = await act.query(
        """SELECT l.number, l.direction, l.status, l.price, l.baseline, l.gain, l.formula,
               (SELECT count(*) FROM trading_line h WHERE h.tender_id = $1 AND h.correction IS NOT NULL) AS corrections
           FROM trading_line l WHERE l.tender_id = $1 AND l.part = 1
               AND NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = l.number)""",
        tender,
    )
    if not found:
        raise Refused("E-LEDGER-NONE", tender=tender)
    return found[0]


async def trades(cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None, list[dict[str, Any]]]:
    """Lines that stand, newest first, each with those it stands for, and the sums of all per currency and direction."""
    before = decode_cursor(cursor, int) if cursor else 2**62
    rows = await pool().fetch(
        """SELECT d.number, d.tender_id AS tender, t.lot_id AS lot, l.project_id AS project, l.title, d.regime, d.direction,
                  d.currency, d.status, f.offered, d.price, d.baseline, d.gain, d.formula, d.bidder_id AS bidder,
                  o.name AS bidder_name, d.booked_at
           FROM trading_line d JOIN trading_tender t ON t.id = d.tender_id JOIN trading_lot l ON l.id = t.lot_id
           JOIN trading_organisation o ON o.code = d.bidder_id
           JOIN trading_line f ON f.tender_id = d.tender_id AND f.corrects IS NULL AND f.part = d.part
           WHERE d.number < $1 AND d.status NOT IN ('failed', 'annulled')
               AND NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = d.number) ORDER BY d.number DESC LIMIT $2""",
        before, limit + 1,
    )  # fmt: skip
    items, following = page([dict(r) for r in rows], limit, "number")
    former = await pool().fetch(
        """SELECT o.tender_id AS tender, o.status, o.price, o.baseline, o.gain, c.reason, c.words
           FROM trading_line o JOIN trading_line c ON c.corrects = o.number
           WHERE o.tender_id = ANY ($1) ORDER BY o.number DESC""",
        [item["tender"] for item in items],
    )
    for item in items:
        item.pop("number")
        mine = (dict(one) for one in former if one["tender"] == item["tender"])
        item["corrected"] = [{name: one[name] for name in one if name != "tender"} for one in mine]
    return items, following, await sums()


RECENT = 200
"""Lines among which every booking that is still on its way has its number: more than there are connections."""
NEWEST = f"""(SELECT max(number) FROM trading_line) AS last, (SELECT count(*)::int FROM trading_line
    WHERE number > (SELECT max(number) FROM trading_line) - {RECENT}) AS recent"""
"""Columns that say which lines there are (`Sums`)."""
_SUMS = """SELECT currency, direction, count(*)::int AS trades, sum(price)::bigint AS price,
        sum(baseline)::bigint AS baseline, sum(gain)::bigint AS gain
    FROM trading_line l WHERE status = 'concluded'
        AND NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = l.number)
    GROUP BY currency, direction ORDER BY currency, direction"""


class Sums:
    """The sums over the whole ledger, for pages that everybody asks for: added up again when there is a new line.

    Lines never change, so sums follow from which there are: from the highest number, and how many of the newest
    numbers are there (a booking may be committed after another that got a higher one).
    """

    def __init__(self) -> None:
        self._of: tuple[int | None, int] = (0, -1)
        self._sums: list[dict[str, Any]] = []

    async def of(self, newest: tuple[int | None, int]) -> list[dict[str, Any]]:
        """As of when `NEWEST` was read, or later."""
        if newest != self._of:
            self._sums = await sums()  # perhaps newer than `newest` says: then it is soon read again
            self._of = newest
        return self._sums


async def sums() -> list[dict[str, Any]]:
    """Per currency and direction over the whole ledger."""
    return [dict(s) for s in await pool().fetch(_SUMS)]
