"""Full-text search over announced lots, with facets: by kind, region, stage and year.

Words and queries are made by the database (migration 0007): pairs of neighbouring Chinese characters, other words from their
beginning. What is found is what the list of projects shows to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.act import pool
from trading.accounts import decode_cursor, page

FACETS = ("kind", "region", "stage", "year")
LONGEST = 100
"""Characters of a query; the rest is not looked at."""

_HITS = """FROM trading_search s WHERE ($1 = '' OR s.words @@ trading_query($1))
    AND ($2::text IS NULL OR s.kind = $2) AND ($3::text IS NULL OR s.region = $3)
    AND ($4::text IS NULL OR s.stage = $4) AND ($5::int IS NULL OR s.year = $5)"""
_FOUND = """SELECT h.number, h.project_id AS project, p.title AS project_title, h.lot_id AS lot, l.title,
    h.tender_id AS tender, h.kind, h.region, h.stage, h.year, p.organisation_id AS organisation, o.name AS organisation_name,
    p.currency, t.deadline, d.price
    FROM (SELECT * {hits} AND s.number < $6 ORDER BY s.number DESC LIMIT $7) h
    JOIN trading_lot l ON l.id = h.lot_id JOIN trading_project p ON p.id = h.project_id
    JOIN trading_organisation o ON o.code = p.organisation_id JOIN trading_tender t ON t.id = h.tender_id
    LEFT JOIN trading_line d ON d.tender_id = h.tender_id AND d.part = 1 AND d.status NOT IN ('failed', 'annulled')
        AND NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = d.number) ORDER BY h.number DESC"""
_COUNTS = """SELECT s.kind, s.region, s.stage, s.year, count(*)::int AS n {hits}
    GROUP BY GROUPING SETS ((s.kind), (s.region), (s.stage), (s.year), ())"""


async def search(
    said: str, chosen: Mapping[str, Any], cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Lots in which every word of `said` occurs, the newest first. `chosen`: values of facets, None for any.

    Refused: W-CURSOR.
    """
    before = decode_cursor(cursor, int) if cursor else 2**62
    rows = await pool().fetch(_FOUND.format(hits=_HITS), *_asked(said, chosen), before, limit + 1)
    items, following = page([dict(row) for row in rows], limit, "number")
    for item in items:
        item.pop("number")
    return items, following


async def facets(said: str, chosen: Mapping[str, Any]) -> tuple[int, dict[str, list[tuple[Any, int]]]]:
    """How many there are in all, and under each value of each facet, the most frequent first."""
    found: dict[str, list[tuple[Any, int]]] = {name: [] for name in FACETS}
    total = 0
    for row in await pool().fetch(_COUNTS.format(hits=_HITS), *_asked(said, chosen)):
        name = next((one for one in FACETS if row[one] is not None), None)
        if name is None:
            total = row["n"]
        else:
            found[name].append((row[name], row["n"]))
    for values in found.values():
        values.sort(key=lambda one: (-one[1], str(one[0])))
    return total, found


def _asked(said: str, chosen: Mapping[str, Any]) -> list[Any]:
    return [said.replace("\0", "").strip()[:LONGEST], *(chosen.get(name) for name in FACETS)]
