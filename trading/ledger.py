"""The ledger: one line a trade and winner, whole fen, for good. The database computes each gain again.

A line that was wrong is corrected by a further line that names it and stands in its place. Failed trades have lines of
their own, counted apart. Statements are made of these lines (trading/accounting.py).
"""

from __future__ import annotations

from typing import Any

from audit.act import Act, pool
from audit.refusal import Refused
from trading.accounts import decode_cursor, page
from trading.law.calendar import legal_day
from trading.law.gains import BASELINE, formula, gain
from trading.statement import ANNULLED, CONCLUDED, FAILED, NO_BASELINE, STATUSES, kind_of

AWARD = "d.tender_id = t.id AND d.status = 'concluded' AND d.corrects IS NULL AND d.part = 1"
"""Which line `d` of the ledger is the award of tender `t`, as it was booked."""


async def book(
    act: Act,
    *,
    tender: str,
    bid: str,
    bidder: str,
    price: int,
    baseline: int,
    gain: int,
    formula: str,
    currency: str,
    direction: str,
    regime: str,
    part: int = 1,
) -> None:
    """Book an award in the act that makes it; the award is the record. `part`: which of several winners, each with its
    share of the baseline; the trade counts once.
    """
    made = await act.query(
        """INSERT INTO trading_line (number, trade, part, tender_id, kind, day, region, organisation, direction, currency,
               regime, status, bid, bidder_id, price, baseline, gain, formula, denominator, booked_at)
           SELECT nextval('trading_trade_number'), t.id, $2, t.id, $3, $4, p.region, p.organisation_id, $5, $6, $7, $8, $9,
               $10, $11, $12, $13, $14, $15, $16
           FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
           WHERE t.id = $1 RETURNING number""",
        tender, part, kind_of(regime, direction), legal_day(act.now), direction, currency, regime, CONCLUDED, bid, bidder,
        price, baseline, gain, formula, BASELINE, act.now,
    )  # fmt: skip
    assert made, tender


async def book_failure(act: Act, tender: str, reason: str) -> None:
    """Book that an announced tender came to nothing, in the act that says so; an award that stood is annulled by the line
    that corrects it. Reserve boxes are no trades.
    """
    standing = await act.query(
        """SELECT l.number FROM trading_line l WHERE l.tender_id = $1
           AND NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = l.number) ORDER BY l.number""",
        tender,
    )
    for line in standing:
        await correct(act, line["number"], status=ANNULLED, reason=reason)
    if standing:
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
    act: Act, number: int, *, status: str, reason: str, price: int | None = None, baseline: int | None = None
) -> int:
    """Book a line in the place of another, which it names; both stay. The number of the new line.

    Refused: E-LEDGER-REASON (none given), E-LEDGER-STATUS (no such status, or amounts that do not go with it),
    E-LEDGER-CORRECTS (no such line, or it was corrected already).
    """
    if not reason:
        raise Refused("E-LEDGER-REASON")
    wants = {CONCLUDED: (True, True), NO_BASELINE: (True, False)}.get(status, (False, False))
    if status not in STATUSES or wants != (price is not None, baseline is not None):
        raise Refused("E-LEDGER-STATUS", status=status)
    found = await act.query(
        """SELECT direction FROM trading_line l WHERE number = $1
           AND NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = l.number)""",
        number,
    )
    if not found:
        raise Refused("E-LEDGER-CORRECTS", line=number)
    gained: tuple[int | None, str | None, str | None] = (None, None, None)
    if price is not None and baseline is not None:
        named = formula(found[0]["direction"])
        gained = (gain(named, price=price, baseline=baseline), named, BASELINE)
    made = await act.query(
        """INSERT INTO trading_line (number, trade, part, tender_id, corrects, kind, day, region, organisation, direction,
               currency, regime, status, reason, bid, bidder_id, price, baseline, gain, formula, denominator, booked_at)
           SELECT nextval('trading_trade_number'), trade, part, tender_id, number, kind, day, region, organisation,
               direction, currency, regime, $2, $3, bid, bidder_id, $4, $5, $6, $7, $8, $9
           FROM trading_line WHERE number = $1 ON CONFLICT (corrects) DO NOTHING RETURNING number""",
        number, status, reason, price, baseline, *gained, act.now,
    )  # fmt: skip
    if not made:
        raise Refused("E-LEDGER-CORRECTS", line=number)
    return int(made[0]["number"])


async def trades(cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None, list[dict[str, Any]]]:
    """Lines, newest first, and the sums over the whole ledger per currency and direction."""
    before = decode_cursor(cursor, int) if cursor else 2**62
    rows = await pool().fetch(
        """SELECT d.number, d.tender_id AS tender, t.lot_id AS lot, l.project_id AS project, l.title, d.regime, d.direction,
                  d.currency, d.price, d.baseline, d.gain, d.formula, d.bidder_id AS bidder, o.name AS bidder_name,
                  d.booked_at
           FROM trading_line d JOIN trading_tender t ON t.id = d.tender_id JOIN trading_lot l ON l.id = t.lot_id
           JOIN trading_organisation o ON o.code = d.bidder_id
           WHERE d.number < $1 AND d.status = 'concluded'
               AND NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = d.number) ORDER BY d.number DESC LIMIT $2""",
        before, limit + 1,
    )  # fmt: skip
    items, following = page([dict(r) for r in rows], limit, "number")
    for item in items:
        item.pop("number")
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
