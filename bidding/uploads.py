"""Uploads of sealed payloads: 1 MiB segments, idempotent, parallel, resumable.

    POST /tenders/{tender}/uploads            {"size": bytes}           201 {"upload", "size", "segment", "segments"}
    PUT  /uploads/{upload}/segments/{n}       Content-Digest: sha-256=:…:   204   (RFC 9530)
    GET  /uploads/{upload}                                              200 {"upload", "size", "segments", "present", "root"}

The declared size is checked against the limits before a byte is taken. A segment has one right length and,
from the first time it arrives whole, one right hash: sending it again is harmless, sending another is
refused. The hashes of the segments are kept as leaves of the payload's tree, so that the last segment
gives `root` and finalising a bid hashes nothing big (envelope.md §3, §5).

An upload is not an act: it changes nothing but a heap of ciphertext that expires, and leaves no record.
It becomes a deposit only by `boxes.deposit`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from bidding.store import SEGMENT, Store


@dataclass(frozen=True)
class Limits:
    """What a bidder may lay on our disk, in bytes."""

    payload: int = 2 << 30  # one payload
    outstanding: int = 8 << 30  # all uploads of one bidder that are not deposited yet
    idle: timedelta = timedelta(hours=24)  # then an upload nobody finished is forgotten


@dataclass(frozen=True)
class Upload:
    """An upload and what has arrived of it."""

    id: str
    tender: str
    bidder: str
    size: int
    segments: int
    present: tuple[int, ...]
    root: str | None  # hex; known when all segments are in


class Uploads:
    """Takes payloads in; one per application, sharing `store` with the rest of bidding."""

    def __init__(self, store: Store, limits: Limits = Limits(), *, pool: Callable[[], Any] | None = None) -> None: ...

    async def create(self, tender: str, bidder: str, size: int) -> Upload:
        """Begin an upload of `size` bytes, 72 + 65,600·m (envelope.md §3).

        Refused: E-SIZE (no such size, or above the limit), E-QUOTA, E-FULL, E-LATE, E-TENDER.
        """

    async def put(self, upload: str, bidder: str, n: int, body: AsyncIterator[bytes], digest: str) -> Upload | None:
        """Take segment `n` (from 0). `digest` is the value of the Content-Digest field.

        Refused: E-UPLOAD (no such upload of this bidder), E-SEGMENT (no such n, too long or too short, or
        other bytes than before), E-DIGEST (missing or wrong).
        """

    async def status(self, upload: str, bidder: str) -> Upload:
        """What has arrived. Refused: E-UPLOAD."""

    async def expire(self) -> int:
        """Forget uploads idle for longer than the limit that no deposit names; their number. For a timer."""

    async def carry_out_erasures(self) -> int: ...


def routes(uploads: Uploads, bidder: Callable[[Request], Awaitable[str]]) -> list[Route]:
    """The three endpoints. `bidder` gives the organisation of the request or raises Refused."""
    return []
