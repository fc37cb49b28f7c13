"""`upload`: four bidders' payloads side by side through the API, MiB/s. Limit: write, sync and SHA-256 of the same bytes.

Segments of 1 MiB go to `trading serve` one after another in each stream, over a plain socket, their digests made before;
the answer to each says that it is on the disk, and the last one that the payload is kept.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bidding.store import SEGMENT
from bidding.uploads import content_digest
from tests.bench import limits
from tests.bench.centre import Firm, centre, gather, house, platform, request
from tests.bench.measure import Result, alternate
from tests.trading.desk import Desk

STREAMS = 4


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """Payloads of 64 MiB."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    blocks, turns = (20, 1) if tiny else (1022, 13)
    size = 72 + 65_600 * blocks
    async with house(folder) as settings, centre(settings) as place:
        desk = Desk(place, folder / "desk")
        await desk.open()
        firms = await place.firms(STREAMS)
        payloads = [os.urandom(size) for _ in firms]
        digests = [
            [content_digest(payload[start : start + SEGMENT]) for start in range(0, size, SEGMENT)]
            for payload in payloads
        ]
        place_of_limit = folder / "limit"
        with platform(place.settings) as port:

            def one(number: int) -> None:
                _upload(port, desk.tender, firms[number], payloads[number], digests[number])

            def code() -> float:
                begun = time.perf_counter()
                with ThreadPoolExecutor(STREAMS) as threads:
                    list(threads.map(one, range(STREAMS)))
                took = time.perf_counter() - begun
                shutil.rmtree(place.settings.bids_dir / "kept")
                (place.settings.bids_dir / "kept").mkdir()
                return STREAMS * size / SEGMENT / took

            def limit() -> float:
                place_of_limit.mkdir()
                begun = time.perf_counter()
                limits.upload(place_of_limit, payloads)
                took = time.perf_counter() - begun
                shutil.rmtree(place_of_limit)
                return STREAMS * size / SEGMENT / took

            measured = alternate(code, limit, turns)
    yield Result.of("upload", "MiB/s", measured, 0.6, note=f"{STREAMS} streams over HTTP")


def _upload(port: int, tender: str, firm: Firm, payload: bytes, digests: list[str]) -> None:
    auth = {"Authorization": f"Bearer {firm.token}"}
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked = json.dumps({"size": len(payload)}).encode()
        wire.sendall(
            request("POST", f"/api/v1/tenders/{tender}/uploads", asked, Content_Type="application/json", **auth)
        )
        upload = json.loads(_answer(wire, 201))["id"]
        view = memoryview(payload)
        for n, digest in enumerate(digests):
            segment = view[n * SEGMENT : (n + 1) * SEGMENT]
            path = f"/api/v1/uploads/{upload}/segments/{n}"
            head = request("PUT", path, b"", **auth, Content_Digest=digest)
            wire.sendall(head.replace(b"Content-Length: 0", b"Content-Length: %d" % len(segment)))
            wire.sendall(segment)
            _answer(wire, 204)


def _answer(wire: socket.socket, status: int) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        piece = wire.recv(65_536)
        if not piece:
            raise ConnectionError(got)
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 %d" % status):
        raise RuntimeError(got[:600])
    if status != 204:
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        while len(body) < length:
            body += wire.recv(65_536)
    return body
