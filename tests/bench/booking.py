"""`booking`: awards put into the ledger per second, each with its record in one durable act, one after the other.

Limit: one connection that inserts the same bytes, two rows in a durable transaction, into tables without keys or checks.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg

from audit.act import Actor, acting
from tests.bench.centre import centre, gather, house
from tests.bench.measure import Result
from tests.bench.search import FILL
from trading import booked, ledger

LAW = {"regime": "gov", "direction": "buy", "currency": "CNY"}
PRICE = {"price": 90_000, "baseline": 100_000, "gain": 10_000, "formula": "baseline-minus-price/v1"}
BOOKED = booked.line("buy", "concluded", 90_000, 100_000)
BARE = """CREATE TABLE bench_line (number bigint, trade text, kind text, day date, organisation text, price bigint,
    baseline bigint, gain bigint, formula text, booked_at timestamptz);
CREATE TABLE bench_said (id bigserial PRIMARY KEY, body bytea)"""


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """So many awards a turn; the last turns stand on a ledger and a log that have grown by all turns before."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    each, turns = (4, 2) if tiny else (200, 12)
    async with house(folder) as settings, centre(settings) as place:
        assert settings.database_owner_url
        owner = await asyncpg.connect(settings.database_owner_url)
        await owner.execute(FILL.format(count=each * (turns + 1)))
        await owner.execute(BARE)
        firm = (await place.firms(1))[0]
        rates: list[tuple[float, float]] = []
        for turn in range(turns + 1):
            tenders = [f"2026-{1 + turn * each + n:06d}-01@1" for n in range(each)]
            begun = time.perf_counter()
            for tender in tenders:
                async with acting(Actor("tenderee", "bench")) as act:
                    act.record("awarded", subject=tender, tender=tender, bid=firm.bid, **PRICE)
                    await ledger.book(
                        act,
                        tender=tender,
                        bid=firm.bid,
                        bidder=firm.code,
                        offered=BOOKED.price or 0,
                        line=BOOKED,
                        **LAW,
                    )
            between = time.perf_counter()
            body = bytes(act.entries[0].record)
            for number, tender in enumerate(tenders):
                async with owner.transaction():
                    await owner.execute(
                        "INSERT INTO bench_line VALUES ($1, $2, 'procurement', current_date, $3, $4, $5, $6, $7, now())",
                        number, tender, firm.code, *PRICE.values(),
                    )  # fmt: skip
                    await owner.execute("INSERT INTO bench_said (body) VALUES ($1)", body)
            ended = time.perf_counter()
            if turn:  # the first warms both
                rates.append((each / (between - begun), each / (ended - between)))
        await owner.close()
    third = len(rates) // 3 or 1
    early, late = (sum(ours for ours, _ in part) / len(part) for part in (rates[:third], rates[-third:]))
    note = f"one after the other; the last {third} turns at {late / early:.2f} of the first"
    yield Result.of("booking", "1/s", rates, note=note)
