"""`finalise`: bids handed in per second over 64 connections, two stages and two promises each; and their p99.

`trading serve` on a durable server, one tender a turn, every bid another firm's, bytes and signatures right. Limit: a
bare Starlette application behind the same uvicorn, two asyncpg inserts of the same bytes in a durable transaction.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from audit.canon import b64
from bidding import hpke
from bidding.manifest import BOX, HEAD, Context, sign_manifest, write_manifest
from tests.bench.centre import Centre, Firm, Laid, ask_all, bare, centre, gather, house, lay, platform, request
from tests.bench.measure import Result
from tests.trading.desk import Desk

CONNECTIONS = 64
SIZE = 72 + 65_600 * 17  # a document of one MiB, padded


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """So many firms bid in so many tenders."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    count, turns, warm = (8, 2, 1) if tiny else (320, 18, 3)
    async with house(folder) as settings, centre(settings) as place:
        firms = await place.firms(count)
        points = [hpke.public_bytes(ec.generate_private_key(ec.SECP256R1())) for _ in range(16)]
        rates, spans = [], []
        with platform(place.settings) as ours, bare(place.settings) as theirs:
            for turn in range(turns):
                requests, limits = await _prepare(place, folder / str(turn), firms, points)
                told = {}
                for port in (ours, theirs) if turn % 2 else (theirs, ours):
                    told[port] = await ask_all(port, requests if port == ours else limits, CONNECTIONS)
                if turn >= warm:  # the first fill pools, caches and plans
                    rates.append((told[ours][0], told[theirs][0]))
                    spans.append((_p99(told[ours][1]), _p99(told[theirs][1])))
    yield Result.of("finalise", "1/s", rates, 0.5, note=f"{CONNECTIONS} connections")
    yield Result.of("finalise_p99", "ms", spans)


def _p99(spans: list[float]) -> float:
    return 1000 * spans[len(spans) * 99 // 100]


async def _prepare(
    place: Centre, folder: Path, firms: list[Firm], points: list[bytes]
) -> tuple[list[bytes], list[bytes]]:
    """A tender, and everybody's request: the boxes begin with points and hold noise, which nobody can tell by then."""
    tender = Desk(place, folder)
    await tender.open()
    requests, limits, laid = [], [], []
    for firm in firms:
        parts, bid = {}, secrets.token_hex(16)
        for stage, keyset in tender.keysets.items():
            one = Laid(secrets.token_hex(16), firm.code, SIZE, os.urandom(32).hex(), os.urandom(HEAD))
            boxes = [points[i] + os.urandom(BOX - hpke.PUBLIC) for i in range(keyset.n)]
            manifest = write_manifest(
                Context(tender.tender, stage, keyset.id, firm.code, bid, 1),
                head=one.head, boxes=boxes, root=one.root, size=SIZE, prev=None, created=datetime.now(UTC),
                client=("bench", "1"),
            )  # fmt: skip
            laid.append(one)
            parts[stage] = {
                "manifest": b64(manifest),
                "sig": sign_manifest(manifest, firm.signer),
                "upload": one.upload,
            }
        body = json.dumps({"stages": parts}).encode()
        headers = {"Authorization": f"Bearer {firm.token}", "Content_Type": "application/json"}
        requests.append(request("POST", f"/api/v1/tenders/{tender.tender}/bids/{bid}", body, **headers))
        limits.append(request("POST", f"/bids/{bid}", body, **headers))
    await lay(str(place.settings.database_owner_url), tender.tender, laid)
    return requests, limits
