"""`statement`: a statement over a million lines of the ledger, s. Limit: the same rows by one plain GROUP BY.

Ours holds the ledger against the log, sums the totals apart from the rows (a second scan), groups by kind besides, takes
names and reconciles; the limit is the one query somebody would type. One line in a hundred is corrected. Same server, in
turns.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import asyncpg

from tests.bench.centre import gather, house
from tests.bench.measure import Result
from trading import accounting
from trading.postgres import connected
from trading.statement import BY, Query

FILL = """INSERT INTO trading_line (number, trade, kind, day, region, organisation, direction, currency, regime, status,
    price, baseline, gain, formula, denominator, booked_at)
SELECT n, 'T' || n, k.kind, DATE '2016-01-01' + (n % 3650)::int, 'R' || n % 40, 'O' || n % 2000, k.direction, 'CNY',
    'source-law', 'concluded', 90000 + n, 100000 + n, CASE k.direction WHEN 'buy' THEN 10000 ELSE -10000 END,
    CASE k.direction WHEN 'buy' THEN 'baseline-minus-price/v1' ELSE 'price-minus-baseline/v1' END, 'baseline', now()
FROM generate_series(1::bigint, $1::bigint) n
JOIN (VALUES (0, 'works', 'buy'), (1, 'procurement', 'buy'), (2, 'property', 'sell'), (3, 'land', 'sell'),
    (4, 'minerals', 'sell')) k (i, kind, direction) ON k.i = n % 5"""
CORRECT = """INSERT INTO trading_line (number, trade, kind, day, region, organisation, direction, currency, regime, status,
    reason, price, baseline, gain, formula, denominator, booked_at, corrects)
SELECT number + $1, trade, kind, day, region, organisation, direction, currency, regime, status, 'typing error', price,
    baseline, gain, formula, denominator, booked_at, number FROM trading_line WHERE number % 100 = 0"""
PLAIN = """SELECT {}, direction, count(*), sum(price), sum(baseline), sum(gain) FROM trading_line l
    WHERE day BETWEEN $1 AND $2 AND currency = 'CNY'
        AND NOT EXISTS (SELECT FROM trading_line c WHERE c.corrects = l.number) GROUP BY 1, 2"""
KEYS = {"month": "to_char(day, 'YYYY-MM')"}


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """One ledger, every grouping."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    size, turns = (2000, 1) if tiny else (1_000_000, 5)
    start, end = date(2016, 1, 1), date(2025, 12, 31)
    async with house(folder) as settings, connected(settings):
        owner = await asyncpg.connect(str(settings.database_owner_url))
        await owner.execute(FILL, size)
        await owner.execute(CORRECT, size)
        await owner.execute("ANALYZE trading_line")
        for by in BY:
            spans = []
            for turn in range(turns + 1):
                begun = time.perf_counter()
                plain = await owner.fetch(PLAIN.format(KEYS.get(by, by)), start, end)
                between = time.perf_counter()
                told = await accounting.state(Query(start, end, by))
                ended = time.perf_counter()
                assert told.total.trades == sum(row["count"] for row in plain)
                if turn or tiny:  # the first warms the cache
                    spans.append((ended - between, between - begun))
            name = "statement" if by == BY[0] else f"statement_{by}"
            yield Result.of(name, "s", spans, note=f"{size:,} lines, {len(told.rows)} rows")
        await owner.close()
