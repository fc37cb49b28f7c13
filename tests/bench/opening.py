"""`opening`: 200 bids of a MiB under three of five keys, from releases to recorded verdicts, bids/s.

Both stages of each bid: the fields read out and the document. Each turn opens the same closed tender in a fresh copy of
its database. Limit: the cryptography alone, of the same envelopes, in as many threads.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from audit.act import pool
from bidding.keys import Keyset
from bidding.manifest import Manifest
from tests.bench import limits
from tests.bench.centre import gather, house
from tests.bench.closed import as_limit, closed, released
from tests.bench.measure import Result
from trading import opening, postgres
from trading.installation import open_


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """Close, then open."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    count, turns = (3, 1) if tiny else (200, 6)
    async with house(folder) as settings:
        async with closed(settings, folder, count) as made:
            tender = made.tender
            envelopes = await _as_limits(made.town.platform.store.path, tender)
        measured = []
        for turn in range(turns + 1):
            name = f"copy_{turn}"
            postgres.Embedded(folder / "postgres").say(f"CREATE DATABASE {name} TEMPLATE {postgres.DATABASE}")
            address = str(settings.database_url).replace(f"/{postgres.DATABASE}?", f"/{name}?")
            copy = settings.model_copy(update={"database_url": address})
            async with postgres.connected(copy):
                platform = open_(copy)
                begun = time.perf_counter()
                assert await opening.open_boxes(platform, tender)
                code = count / (time.perf_counter() - begun)
            begun = time.perf_counter()
            limits.open_envelopes(envelopes)
            measured.append((code, count / (time.perf_counter() - begun)))
    yield Result.of("opening", "1/s", measured[1:], 0.5, note=f"{count} bids of 1 MiB, 3 of 5")


async def _as_limits(path: object, tender: str) -> list[limits.Sealed]:
    """Every envelope of the tender as the limit takes it."""
    shares: dict[tuple[str, str], dict[int, bytes]] = defaultdict(dict)
    for row in await pool().fetch("SELECT stage, release FROM bidding_release WHERE tender = $1", tender):
        i, given = released(row["release"])
        for bid, share in given.items():
            shares[row["stage"], bid][i] = share
    rows = await pool().fetch("SELECT stage, keyset FROM bidding_keyset WHERE tender = $1", tender)
    keysets = {row["stage"]: Keyset.parse(row["keyset"]) for row in rows}
    found = []
    for row in await pool().fetch("SELECT manifest, upload_id FROM bidding_deposit WHERE tender = $1", tender):
        manifest = Manifest.parse(row["manifest"])
        read = path(row["upload_id"]).read_bytes  # type: ignore[operator]
        found.append(as_limit(keysets[manifest.stage], manifest, shares[manifest.stage, manifest.bid], read))
    return found
