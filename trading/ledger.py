"""The ledger: one line per award, whole fen. The database checks the gain again and keeps every line for good."""

from __future__ import annotations

from typing import Any

from audit.act import Act, pool
from trading.accounts import decode_cursor, page


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
) -> None:
    """Book an award in the act that makes it; the award is the record."""
    await act.query(
        """INSERT INTO trading_trade (tender_id, number, bid, bidder_id, price, baseline, gain, formula,
               currency, direction, regime, booked_at)
           VALUES ($1, nextval('trading_trade_number'), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        tender, bid, bidder, price, baseline, gain, formula, currency, direction, regime, act.now,
    )  # fmt: skip


async def trades(cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None, list[dict[str, Any]]]:
    """Lines, newest first, and the sums over the whole ledger per currency and direction."""
    before = decode_cursor(cursor, int) if cursor else 2**62
    rows = await pool().fetch(
        """SELECT d.number, d.tender_id AS tender, t.lot_id AS lot, l.project_id AS project, l.title, d.regime, d.direction,
                  d.currency, d.price, d.baseline, d.gain, d.formula, d.bidder_id AS bidder, o.name AS bidder_name,
                  d.booked_at
           FROM trading_trade d JOIN trading_tender t ON t.id = d.tender_id JOIN trading_lot l ON l.id = t.lot_id
           JOIN trading_organisation o ON o.code = d.bidder_id
           WHERE d.number < $1 ORDER BY d.number DESC LIMIT $2""",
        before, limit + 1,
    )  # fmt: skip
    items, following = page([dict(r) for r in rows], limit, "number")
    for item in items:
        item.pop("number")
    sums = await pool().fetch(
        """SELECT currency, direction, count(*)::int AS trades, sum(price)::bigint AS price,
                  sum(baseline)::bigint AS baseline, sum(gain)::bigint AS gain
           FROM trading_trade GROUP BY currency, direction ORDER BY currency, direction"""
    )
    return items, following, [dict(s) for s in sums]
