"""`pages`: the list of projects and a project's page per second, as a stranger reads them, among 100,000 projects.

`trading serve` on a durable server: language, clock, guard, templates, headers. Limit: a bare Starlette application behind
the same uvicorn, which asks asyncpg the same in one query and joins strings. Same connections, in turns.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg

from tests.bench.centre import ask_all, bare, centre, gather, house, platform, request
from tests.bench.measure import Result
from tests.bench.search import FILL

CONNECTIONS = 4
BOOKED = """ALTER TABLE trading_line DISABLE TRIGGER trading_line_told; -- no record of the log tells of these
INSERT INTO trading_line (number, trade, tender_id, kind, day, region, organisation, direction, currency,
    regime, status, price, baseline, gain, formula, denominator, booked_at)
SELECT number, id, id, 'procurement', DATE '2016-01-01' + (number % 3650)::int, '', '91000000000000001A', 'buy', 'CNY',
    'gov', 'concluded', 90000, 100000, 10000, 'baseline-minus-price/v1', 'baseline', now()
FROM trading_tender WHERE number % 2 = 0;
ALTER TABLE trading_line ENABLE TRIGGER trading_line_told"""


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """The first page of the list, and pages of projects here and there."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    count, asked, turns = (200, 8, 2) if tiny else (100_000, 300, 7)
    async with house(folder) as settings, centre(settings):
        assert settings.database_owner_url
        owner = await asyncpg.connect(settings.database_owner_url)
        await owner.execute(FILL.format(count=count))
        await owner.execute(BOOKED)
        await owner.execute("ANALYZE")
        await owner.close()
        with platform(settings) as ours, bare(settings) as theirs:
            for name in ("pages", "pages_project"):
                rates = []
                for turn in range(turns + 1):
                    paths = [_path(name, turn * asked + n, count) for n in range(asked)]
                    sent = [request("GET", path, b"", Accept_Language="zh-CN") for path in paths]
                    told = {}
                    for port in (ours, theirs) if turn % 2 else (theirs, ours):
                        told[port], _ = await ask_all(port, list(sent), CONNECTIONS, 200)
                    if turn:  # the first warms both
                        rates.append((told[ours], told[theirs]))
                note = f"{count:,} projects, {CONNECTIONS} connections"
                yield Result.of(name, "1/s", rates, 0.6, note)


def _path(name: str, number: int, count: int) -> str:
    return "/" if name == "pages" else f"/p/2026-{1 + number * 7919 % count:06d}"
