"""Trades of elsewhere: taken in from OCDS files, listed and summed by themselves, never with the log's own.

What was read stands in a table of its own. It is no fact of this log: nobody here can prove it, so no record says it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from audit.act import pool
from trading.accounts import decode_cursor, page
from trading.ocds_reading import Found, Remark, Trade, read

CHUNK = 1000
_COLUMNS = (
    "ocid", "award", "publisher", "title", "buyer", "supplier", "kind", "direction", "currency", "baseline", "price",
    "status", "traded_at", "file",
)  # fmt: skip
_TYPES = (
    "text[]", "text[]", "text[]", "text[]", "text[]", "text[]", "text[]", "text[]", "text[]", "numeric[]", "numeric[]",
    "text[]", "timestamptz[]", "text[]",
)  # fmt: skip
_TAKE = f"""INSERT INTO trading_imported ({", ".join(_COLUMNS)})
    SELECT * FROM unnest({", ".join(f"${n}::{kind}" for n, kind in enumerate(_TYPES, 1))})
    ON CONFLICT (ocid, award) DO NOTHING RETURNING 1"""


@dataclass(frozen=True)
class Imported:
    """`taken` new trades, `known` ones that were there already, and what was odd or left out."""

    taken: int
    known: int
    remarks: tuple[Remark, ...]


async def take(files: Sequence[Path], *, dry: bool = False) -> Imported:
    """Read every file, then take all trades in or none. Refused: O-BROKEN, O-SIZE."""
    found, digest = Found(), hashlib.sha256()
    for path in files:
        with path.open("rb") as data:
            digest.update(hashlib.file_digest(data, "sha256").digest())
            data.seek(0)
            read(found, path.name, data)
    taken = met = 0
    trades = found.each()
    async with (await pool()).acquire() as db, db.transaction():
        while lines := [_line(one, digest.hexdigest()) for one in islice(trades, CHUNK)]:
            met += len(lines)
            if dry:
                known = await db.fetchval(
                    """SELECT count(*) FROM trading_imported
                       WHERE (ocid, award) IN (SELECT * FROM unnest($1::text[], $2::text[]))""",
                    [line[0] for line in lines], [line[1] for line in lines],
                )  # fmt: skip
                taken += len(lines) - known
            else:
                taken += len(await db.fetch(_TAKE, *map(list, zip(*lines, strict=True))))
    return Imported(taken, met - taken, tuple(found.remarks))


def _line(one: Trade, file: str) -> tuple[Any, ...]:
    return (
        one.ocid, one.award, one.publisher, one.title, one.buyer, one.supplier, one.kind, one.direction, one.currency,
        one.baseline, one.price, one.status, one.at, file,
    )  # fmt: skip


async def listed(cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Imported trades, the last taken in first. Refused: W-CURSOR."""
    before = decode_cursor(cursor, int) if cursor else 2**62
    rows = await pool().fetch(
        """SELECT id, ocid, award, publisher, title, buyer, supplier, kind, direction, currency, baseline, price, gain,
           status, traded_at, imported_at FROM trading_imported WHERE id < $1 ORDER BY id DESC LIMIT $2""",
        before, limit + 1,
    )  # fmt: skip
    items, following = page([dict(row) for row in rows], limit, "id")
    for item in items:
        item.pop("id")
    return items, following


async def sums() -> list[dict[str, Any]]:
    """Per publisher, currency and direction: deals, those with a baseline, their sums, and what came to nothing."""
    rows = await pool().fetch(
        """SELECT publisher, currency, direction, count(*) FILTER (WHERE status = 'deal')::int AS trades,
               count(*) FILTER (WHERE status = 'failed')::int AS failed,
               coalesce(sum(price), 0) AS price, count(gain)::int AS compared,
               coalesce(sum(baseline) FILTER (WHERE gain IS NOT NULL), 0) AS baseline, coalesce(sum(gain), 0) AS gain
           FROM trading_imported GROUP BY publisher, currency, direction ORDER BY publisher, currency, direction"""
    )
    return [dict(row) for row in rows]
