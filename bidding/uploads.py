"""Uploads of sealed payloads: 1 MiB segments, idempotent, parallel, resumable.

    POST /tenders/{tender}/uploads          {"size": bytes, "root"?: hex}      201 state
    PUT  /uploads/{upload}/segments/{n}     Content-Digest (RFC 9530)          204
    GET  /uploads/{upload}                                                     200 state

The digest of a segment is `sha-256=:…:`, or `rfc6962-sha-256=:…:`, which is SHA-256(00 || segment): its leaf in the
payload's tree, so that the platform hashes once and not twice.
`state` is `Upload.plain()`; `missing` lists at most a thousand segments, so a tool asks again until it is empty.

The declared size is checked against the limits before a byte is taken. A segment has one right length and,
from the first time it arrives whole, one right hash: sending it again is harmless, sending another is
refused. The hashes of the segments are kept as leaves of the payload's tree, so that the last segment
gives `root` and finalising a bid hashes nothing big (envelope.md §3, §5).

An upload is not an act: it changes nothing but a heap of ciphertext that expires, and leaves no record.
It becomes a deposit only by `boxes.deposit`. Its times are the machine's, not the log's.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from audit.act import pool
from audit.canon import b64
from audit.refusal import Refused
from bidding.manifest import HEAD
from bidding.payload import is_payload_size, payload_root, segment_leaf
from bidding.store import SEGMENT, Store

LISTED = 1000
"""Missing segments named in one answer."""
LEAF = "rfc6962-sha-256"
"""The digest algorithm that is a segment's leaf: SHA-256(00 || segment)."""
REMEMBERED = 4096
"""Uploads whose size and owner a process keeps in mind; neither ever changes."""


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
    missing: tuple[int, ...]  # the first thousand, ascending
    root: str | None  # hex; known when all segments are in

    @property
    def complete(self) -> bool:
        """Whether it can be deposited."""
        return self.root is not None

    def plain(self) -> dict[str, Any]:
        """As JSON: {"id", "size", "segment", "segments", "missing", "complete", "root"}."""
        return {
            "id": self.id,
            "size": self.size,
            "segment": SEGMENT,
            "segments": self.segments,
            "missing": list(self.missing),
            "complete": self.complete,
            "root": self.root,
        }


@dataclass(frozen=True)
class _Known:
    bidder: str
    size: int

    def length(self, n: int) -> int:
        """Bytes of segment `n`; 0 where there is none."""
        return max(0, min(SEGMENT, self.size - n * SEGMENT)) if n >= 0 else 0


class Uploads:
    """Takes payloads in; one per process, sharing `store` with the rest of bidding."""

    def __init__(self, store: Store, limits: Limits = Limits()) -> None:
        self.store = store
        self.limits = limits
        self._known: dict[str, _Known] = {}

    async def create(self, tender: str, bidder: str, size: int) -> Upload:
        """Begin an upload of `size` bytes, 72 + 65,600·m (envelope.md §3).

        Refused: E-TENDER, E-ABANDONED, E-LATE, E-SIZE (no such size, or above the limit), E-QUOTA, E-FULL.
        """
        rows = await pool()
        box = await rows.fetchrow(
            "SELECT log_now() > deadline OR closed_at IS NOT NULL AS late, abandoned, deadline, log_now() AS now "
            "FROM bidding_box WHERE tender = $1",
            tender,
        )
        if box is None:
            raise Refused("E-TENDER", tender=tender)
        if box["abandoned"]:
            raise Refused("E-ABANDONED")
        if box["late"]:
            raise Refused("E-LATE", now=box["now"], deadline=box["deadline"])
        if not is_payload_size(size) or size > self.limits.payload:
            raise Refused("E-SIZE", size=size, limit=self.limits.payload)
        upload, segments = secrets.token_hex(16), -(-size // SEGMENT)
        # The row comes first: a file without one would be nobody's, a row without a file expires.
        made = await rows.fetchval(
            "SELECT bidding_begin_upload($1, $2, $3, $4, $5, $6)",
            upload,
            tender,
            bidder,
            size,
            segments,
            self.limits.outstanding,
        )
        if not made:
            raise Refused("E-QUOTA", size=size, limit=self.limits.outstanding)
        try:
            await self.store.begin(upload, size)
        except BaseException:
            await rows.execute("DELETE FROM bidding_upload WHERE id = $1", upload)
            raise
        self._remember(upload, _Known(bidder, size))
        return Upload(upload, tender, bidder, size, segments, tuple(range(min(segments, LISTED))), None)

    async def put(self, upload: str, bidder: str, n: int, body: AsyncIterator[bytes], digest: str) -> None:
        """Take segment `n` (from 0); on return it is on the disk. `digest` is the Content-Digest field's value.

        Refused: E-UPLOAD (no such upload of this bidder), E-SEGMENT (no such n; too long or too short; other
        bytes than the first time), E-DIGEST (missing, malformed or wrong). Nothing of a refused segment stays.
        """
        known = await self._find(upload, bidder)
        length = known.length(n)
        if not length:
            raise Refused("E-SEGMENT", upload=upload, segment=n, why="number")
        expected = _digest(digest)
        pieces = await _gather(body, length, n)
        leaf = await asyncio.to_thread(_leaf, pieces, expected)
        # The place is taken only by bytes that are whole, and before they are written: so two requests never write
        # different bytes to one place, and no lie in a header blocks it.
        if not await self._claim(upload, n, leaf):
            await asyncio.to_thread(self.store.write_now, upload, n * SEGMENT, pieces)
        head = b"".join(pieces)[:HEAD] if n == 0 else None
        rows = await pool()
        state = await rows.fetchrow("SELECT * FROM bidding_stored($1, $2, $3)", upload, n, head)
        if state["stored"] is not None and state["stored"] == state["segments"]:
            await self._complete(upload)

    async def _claim(self, upload: str, n: int, leaf: bytes) -> bool:
        """Bind segment `n` to its leaf; whether it is on the disk already. Refused: E-SEGMENT, E-UPLOAD."""
        try:
            claim = await (await pool()).fetchval("SELECT bidding_claim($1, $2, $3)", upload, n, leaf)
        except asyncpg.ForeignKeyViolationError:
            self._known.pop(upload, None)
            raise Refused("E-UPLOAD", upload=upload) from None
        if claim == "other":
            raise Refused("E-SEGMENT", upload=upload, segment=n, why="other_bytes")
        return bool(claim == "stored")

    async def status(self, upload: str, bidder: str) -> Upload:
        """What has arrived. Refused: E-UPLOAD."""
        rows = await pool()
        row = await rows.fetchrow("SELECT * FROM bidding_upload WHERE id = $1 AND bidder = $2", upload, bidder)
        if row is None:
            raise Refused("E-UPLOAD", upload=upload)
        root = row["root"]
        if root is None and row["stored"] == row["segments"]:
            root = await self._complete(upload)  # a crash came between the last segment and its root
        missing = await rows.fetch(
            "SELECT n FROM generate_series(0, $2::int - 1) AS n WHERE NOT EXISTS "
            "(SELECT FROM bidding_segment s WHERE s.upload = $1 AND s.n = n.n AND s.stored) ORDER BY n LIMIT $3",
            upload,
            row["segments"],
            LISTED,
        )
        numbers = tuple(line["n"] for line in missing)
        return Upload(upload, row["tender"], bidder, row["size"], row["segments"], numbers, root)

    async def expire(self) -> int:
        """Forget uploads idle for longer than the limit that no deposit names; their number. For a timer."""
        rows = await pool()
        try:
            gone = await rows.fetch(
                "DELETE FROM bidding_upload u WHERE touched_at < clock_timestamp() - $1::interval "
                "AND NOT EXISTS (SELECT FROM bidding_deposit d WHERE d.upload_id = u.id) RETURNING id",
                self.limits.idle,
            )
        except asyncpg.ForeignKeyViolationError:
            return 0  # one of them was deposited this very moment; the next run takes the others
        # After the rows: a crash here leaves files without a row, which the next sweep of `sweep` removes.
        for row in gone:
            self._known.pop(row["id"], None)
            await self.store.discard(row["id"])
            await self.store.erase(row["id"])
        return len(gone)

    async def sweep(self) -> int:
        """Remove files that no row names, left by a crash in `create` or `expire`; their number. For a start."""
        rows = await pool()
        names = await asyncio.to_thread(self.store.uploads)
        known = {
            row["id"]
            for row in await rows.fetch("SELECT id FROM bidding_upload WHERE id = ANY ($1::text[])", sorted(names))
        }
        for name in sorted(names - known):
            await self.store.discard(name)
            await self.store.erase(name)
        return len(names - known)

    async def _find(self, upload: str, bidder: str) -> _Known:
        known = self._known.get(upload)
        if known is None:
            rows = await pool()
            row = await rows.fetchrow("SELECT bidder, size FROM bidding_upload WHERE id = $1", upload)
            if row is None:
                raise Refused("E-UPLOAD", upload=upload)
            known = _Known(row["bidder"], row["size"])
            self._remember(upload, known)
        if known.bidder != bidder:
            raise Refused("E-UPLOAD", upload=upload)  # in the same words: whose it is is nobody's business
        return known

    def _remember(self, upload: str, known: _Known) -> None:
        if len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[upload] = known

    async def _complete(self, upload: str) -> str:
        """All segments are on the disk: keep the file, then say so with its root. Twice does no harm."""
        await self.store.finish(upload)
        rows = await pool()
        leaves = await rows.fetch("SELECT leaf FROM bidding_segment WHERE upload = $1 ORDER BY n", upload)
        root = payload_root([row["leaf"] for row in leaves])
        await rows.execute("UPDATE bidding_upload SET root = $2 WHERE id = $1 AND root IS NULL", upload, root)
        return root


@dataclass(frozen=True)
class _Expected:
    """What a Content-Digest field promises: the leaf, or the plain hash."""

    leaf: bytes = b""
    sha256: bytes = b""


def _digest(field: str) -> _Expected:
    """The member of a Content-Digest field that we check (RFC 9530 §2, RFC 8941 byte sequence). Refused: E-DIGEST."""
    found: dict[str, bytes] = {}
    for member in field.split(","):
        name, _, value = member.strip().partition("=")
        if name in (LEAF, "sha-256") and len(value) == 46 and value[0] == value[-1] == ":":
            try:
                found[name] = base64.b64decode(value[1:-1], validate=True)
            except binascii.Error:
                continue
    if LEAF in found:
        return _Expected(leaf=found[LEAF])
    if "sha-256" in found:
        return _Expected(sha256=found["sha-256"])
    raise Refused("E-DIGEST", why="missing")


async def _gather(body: AsyncIterator[bytes], length: int, n: int) -> list[bytes]:
    """The segment in the pieces it came in, exactly `length` bytes. Refused: E-SEGMENT.

    A client that goes away raises and leaves nothing.
    """
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size > length:
            raise Refused("E-SEGMENT", segment=n, why="too_long", length=length)
        pieces.append(piece)
    if size < length:
        raise Refused("E-SEGMENT", segment=n, why="too_short", length=length)
    return pieces


def _leaf(pieces: list[bytes], expected: _Expected) -> bytes:
    """The segment's leaf, if it is what was sent along. Blocking, for a thread. Refused: E-DIGEST."""
    if expected.sha256:
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        if digest.digest() != expected.sha256:
            raise Refused("E-DIGEST", why="wrong")
    leaf = segment_leaf(*pieces)
    if expected.leaf and leaf != expected.leaf:
        raise Refused("E-DIGEST", why="wrong")
    return leaf


def content_digest(segment: bytes) -> str:
    """The Content-Digest value of a segment: what a client of ours sends."""
    return f"{LEAF}=:{b64(segment_leaf(segment))}:"


def routes(uploads: Uploads, bidder: Callable[[Request], Awaitable[str]]) -> list[Route]:
    """The three endpoints. `bidder` gives the organisation of the request or raises Refused, before a byte is read."""

    async def create(request: Request) -> Response:
        who = await bidder(request)
        asked = await request.json()
        size = asked.get("size") if isinstance(asked, dict) else None
        if not isinstance(size, int) or isinstance(size, bool):
            raise Refused("E-SIZE", size=str(size), limit=uploads.limits.payload)
        made = await uploads.create(request.path_params["tender"], who, size)
        return JSONResponse(made.plain(), 201)

    async def status(request: Request) -> Response:
        found = await uploads.status(request.path_params["upload"], await bidder(request))
        return JSONResponse(found.plain())

    async def put(request: Request) -> Response:
        who = await bidder(request)
        digest = request.headers.get("content-digest", "")
        n = request.path_params["n"]
        await uploads.put(request.path_params["upload"], who, n, request.stream(), digest)
        return Response(status_code=204)

    return [
        Route("/tenders/{tender}/uploads", create, methods=["POST"]),
        Route("/uploads/{upload}", status, methods=["GET"]),
        Route("/uploads/{upload}/segments/{n:int}", put, methods=["PUT"]),
    ]
