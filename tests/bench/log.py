"""`log`: entries/s from waiting records to a published checkpoint. Limit: COPY of the same leaves, in the same batches.

A beat is all of it: indexes, covers, tree, checkpoint, the log's signature, a witness that checks and signs, tiles and
bundles on the disk. The log is one of w = 1,024, which a backlog widens to beats of 16,384
leaves (log.md §3): what 10,000 entries a second need at a beat a second.
"""

from __future__ import annotations

import gc
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg

from audit.act import acting
from tests.audit.logworld import CLERK, log_world
from tests.bench import limits
from tests.bench.centre import gather, house
from tests.bench.measure import Result
from trading import postgres

COLUMNS = ("index", "beat", "record", "entry", "leaf_hash")


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """A backlog of 250,000 records, one in four of them public."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    width, beats = (8, 2) if tiny else (1024, 11)
    wide = 16 * width
    async with house(folder) as settings, postgres.connected(settings):
        assert settings.database_url and settings.database_owner_url
        db = await asyncpg.connect(settings.database_owner_url)
        await db.execute("CREATE TABLE bench_leaf (LIKE log_leaf INCLUDING ALL)")
        async with log_world(settings.database_url, folder, width=width, witnesses=1) as world:
            waiting = (beats + 4) * wide
            while waiting > 0:
                async with acting(CLERK) as act:
                    for number in range(min(waiting, 4096)):
                        kind = "test-sealed" if number % 4 else "test-public"
                        act.record(kind, subject=f"T@{waiting}", tender="T@1")
                waiting -= 4096
            sequencer = world.sequencer()
            assert await sequencer.lead()
            while (await sequencer.beat())[-1].width < wide:
                pass
            gc.collect()
            gc.freeze()  # a sequencer's process does not carry the heap of those who wrote the backlog
            turns = []
            for turn in range(beats):
                begun = time.perf_counter()
                beat = (await sequencer.beat())[-1]
                code = beat.width / (time.perf_counter() - begun)
                assert beat.width == wide
                sql = f"SELECT {', '.join(COLUMNS)} FROM log_leaf WHERE index >= $1 ORDER BY index"
                rows = [tuple(row) for row in await db.fetch(sql, beat.size - beat.width)]
                begun = time.perf_counter()
                await limits.copy(db, "bench_leaf", COLUMNS, rows)
                limit = beat.width / (time.perf_counter() - begun)
                if turn or tiny:
                    turns.append((code, limit))
        gc.unfreeze()
        await db.close()
    yield Result.of("log", "1/s", turns, 0.5, note=f"beats of {wide}")
