"""What anybody may fetch of the log: checkpoint, tiles, events by log index, disclosures (log.md §2, §4).

Everything here stops at the published checkpoint, so whoever reads an event can prove it. Events are public records at
their own index, and sealed ones at the index of the record that disclosed them (their closing): whoever follows
`sequence` sees each exactly once, in the same order as everybody else, and sees nothing of what is still sealed.

`Refused` (a cursor that is none) and 404 pass through to the edge.
Mount `log_routes` under `/log` and `event_routes` at the root. Reading goes through raw asyncpg.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from audit.act import pool
from audit.canon import b64, parse
from audit.merkle import TILE, entries_path, tile_path, tile_width
from audit.refusal import Refused
from audit.tiles import Published, bundle, tile

FOREVER = {"cache-control": "public, max-age=31536000, immutable"}  # a tile of this name and width never changes
FRESH = {"cache-control": "no-cache"}
PAGE = 100
PAGE_LIMIT = 1000
LOOK = 0.5  # seconds between two looks at the published checkpoint, for those who listen
_TILE = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_AFTER = re.compile(r"(-1|[0-9]{1,18})(?:\.([0-9]{1,18}))?")


@dataclass(frozen=True, order=True)
class Place:
    """A place in the feed: the index that made something known, and the index of what was disclosed there (-1: itself).

    Written `12` or `12.7`.
    """

    position: int
    within: int = -1

    @classmethod
    def parse(cls, text: str) -> Place:
        """Refused("E-CURSOR") unless it is an index or a `sequence` of the feed."""
        match = _AFTER.fullmatch(text)
        if match is None:
            raise Refused("E-CURSOR", cursor=text[:40])
        return cls(int(match[1]), -1 if match[2] is None else int(match[2]))

    def __str__(self) -> str:
        return str(self.position) if self.within < 0 else f"{self.position}.{self.within}"


START = Place(-1)


@dataclass(frozen=True)
class Shown:
    """A record as the feed shows it; `nonce` is None for one that stands in clear."""

    place: Place
    index: int
    record: bytes
    nonce: bytes | None
    leaf_hash: bytes

    def event(self, origin: str) -> dict[str, Any]:
        """CloudEvents 1.0, JSON format. `data` is the record; its canonical bytes are what the leaf commits to."""
        record = parse(self.record)
        event = {
            "specversion": "1.0",
            "id": str(self.index),
            "source": f"//{origin}",
            "type": record["type"],
            "subject": record["subject"],
            "time": record["time"],
            "datacontenttype": "application/json",
            "logindex": self.index,
            "leafhash": self.leaf_hash.hex(),
            "sequence": str(self.place),
            "data": record,
        }
        if self.nonce is not None:
            event["nonce"] = b64(self.nonce)
        return event

    def disclosure(self) -> dict[str, Any]:
        """log.md §2: (index, nonce, record), as `records/<index>.json` of an archive holds it (§7)."""
        return {
            "index": self.index,
            "nonce": None if self.nonce is None else b64(self.nonce),
            "record": b64(self.record),
        }


async def events(db: Any, after: Place, limit: int, size: int) -> list[Shown]:
    """Up to `limit` records that became known after a place, in a log whose published size is `size`."""
    rows = await db.fetch(_CLEAR, after.position, size, limit)
    until = rows[-1]["index"] if len(rows) == limit else size - 1
    shown = [_shown(row, row["index"], -1) for row in rows]
    shown += await disclosures(db, after, limit, until + 1)
    return sorted(shown, key=lambda one: one.place)[:limit]


async def disclosures(db: Any, after: Place, limit: int, size: int) -> list[Shown]:
    """Likewise, disclosed records only."""
    rows = await db.fetch(_DISCLOSED, after.position, after.within, size, limit)
    return [_shown(row, row["position"], row["index"]) for row in rows]


async def disclosed_in(db: Any, tender: str, *, supervision: bool) -> list[Shown]:
    """The blinded records an edition of a tender's archive holds: those its closings disclosed, by index.

    The supervision edition also has what a shut box keeps from the public, and the tender's supervisor-only records.
    """
    return [_shown(row, row["index"], -1) for row in await db.fetch(_EDITION, tender, supervision)]


def _shown(row: Mapping[str, Any], position: int, within: int) -> Shown:
    return Shown(Place(position, within), row["index"], row["record"], row["nonce"], row["leaf_hash"])


_CLEAR = """
SELECT l.index, l.leaf_hash, r.record, r.nonce FROM log_leaf l JOIN log_record r ON r.id = l.record
WHERE get_byte(l.entry, 0) = 2 AND l.index > $1 AND l.index < $2 ORDER BY l.index LIMIT $3"""
_DISCLOSED = """
SELECT c.index AS position, l.index, l.leaf_hash, r.record, r.nonce
FROM log_leaf c JOIN log_disclosure d ON d.cause = c.record AND d.public
JOIN log_leaf l ON l.record = d.record JOIN log_record r ON r.id = d.record
WHERE get_byte(c.entry, 0) = 2 AND c.index >= $1 AND c.index < $3 AND (c.index, l.index) > ($1, $2)
ORDER BY c.index, l.index LIMIT $4"""
_EDITION = """
SELECT l.index, l.leaf_hash, r.record, r.nonce FROM log_record r JOIN log_leaf l ON l.record = r.id
WHERE r.nonce IS NOT NULL AND (
    EXISTS (SELECT FROM log_disclosure d JOIN log_record c ON c.id = d.cause
            WHERE d.record = r.id AND c.tender = $1 AND (d.public OR $2))
    OR ($2 AND r.tender = $1 AND r.rules = 'supervisor'))
ORDER BY l.index"""


# --------------------------------------------------------------------------------------------------------- over HTTP


@dataclass(frozen=True)
class Feed:
    """What the routes speak of: a log's name, its published directory, its trust files."""

    origin: str
    published: Published
    policy: Path
    parties: Path

    @classmethod
    def of(cls, origin: str, log_dir: Path, policy: Path, parties: Path) -> Feed:
        """The feed of an installation."""
        return cls(origin, Published(log_dir), policy, parties)


def log_routes(feed: Feed) -> list[BaseRoute]:
    """`checkpoint`, `tile/…` (C2SP tlog-tiles), the trust files, record 0 and a status line, to be mounted at /log."""

    async def checkpoint(_: Request) -> Response:
        try:
            data = await asyncio.to_thread((feed.published.directory / "checkpoint").read_bytes)
        except FileNotFoundError:
            raise HTTPException(404, headers=FRESH) from None
        return Response(data, media_type="text/plain; charset=utf-8", headers=FRESH)

    async def tiles(request: Request) -> Response:
        match = _TILE.fullmatch("tile/" + request.path_params["path"])
        if match is None:
            raise HTTPException(404, headers=FRESH)
        level = -1 if match[1] == "entries" else int(match[1])
        number = int(match[2].replace("x", "").replace("/", ""))
        width = int(match[3] or TILE)
        held = tile_width(feed.published.size(), max(level, 0), number)
        name = None if width > TILE else entries_path(number, width) if level < 0 else tile_path(level, number, width)
        if name != match[0] or width > held or (match[3] and width == TILE):
            raise HTTPException(404, headers=FRESH)
        try:
            data = await asyncio.to_thread((feed.published.directory / name).read_bytes)
        except FileNotFoundError:
            # a partial tile of another size than was published: a prefix of what there is
            db = pool()
            data = await (bundle(db, number, width) if level < 0 else tile(db, level, number, width))
        return Response(data, media_type="application/octet-stream", headers=FOREVER)

    def file(path: Path) -> Any:
        async def served(_: Request) -> Response:
            data = await asyncio.to_thread(path.read_bytes)
            return Response(data, media_type="text/plain; charset=utf-8", headers=FRESH)

        return served

    async def genesis(_: Request) -> Response:
        record = await pool().fetchval("SELECT record FROM log_record WHERE type = 'log-opened' ORDER BY id LIMIT 1")
        if record is None:
            raise HTTPException(404, headers=FRESH)
        return Response(record, media_type="application/json")

    async def status(_: Request) -> Response:
        return JSONResponse(await standing(feed), headers=FRESH)

    return [
        Route("/checkpoint", checkpoint),
        Route("/tile/{path:path}", tiles),
        Route("/policy.txt", file(feed.policy)),
        Route("/parties.txt", file(feed.parties)),
        Route("/genesis", genesis),
        Route("/status", status),
    ]


async def standing(feed: Feed) -> dict[str, Any]:
    """Whether the log moves and is witnessed: sizes committed and published, and each witness's last cosignature."""
    db = pool()
    last = await db.fetchrow("SELECT size, beat, width, made_at FROM log_checkpoint ORDER BY size DESC LIMIT 1")
    published = feed.published.size()
    lines = await db.fetch(
        "SELECT name, max(size) AS size, max(timestamp) AS time FROM log_cosignature "
        "WHERE size >= $1 AND timestamp IS NOT NULL GROUP BY name",
        published,
    )
    return {
        "origin": feed.origin,
        "size": last["size"] if last else 0,
        "beat": last["beat"] if last else -1,
        "width": last["width"] if last else 0,
        "made_at": last["made_at"].isoformat() if last else None,
        "published": published,
        "cosigned": last is not None and published == last["size"],
        "witnesses": {row["name"]: {"size": row["size"], "time": row["time"]} for row in lines},
    }


def event_routes(feed: Feed) -> list[BaseRoute]:
    """`/events` (a CloudEvents batch; server-sent events to whoever accepts text/event-stream) and `/disclosures`."""

    async def page(request: Request) -> Response:
        after, limit = _asked(request)
        if "text/event-stream" in request.headers.get("accept", ""):
            return EventSourceResponse(_listen(feed, after), ping=15, headers=FRESH)
        shown = await events(pool(), after, limit, feed.published.size())
        batch = [one.event(feed.origin) for one in shown]
        headers = {**FRESH, **_next(request, shown, limit)}
        return Response(_json(batch), media_type="application/cloudevents-batch+json", headers=headers)

    async def disclosed(request: Request) -> Response:
        after, limit = _asked(request)
        shown = await disclosures(pool(), after, limit, feed.published.size())
        batch = [{**one.disclosure(), "sequence": str(one.place)} for one in shown]
        return Response(_json(batch), media_type="application/json", headers={**FRESH, **_next(request, shown, limit)})

    return [Route("/events", page), Route("/disclosures", disclosed)]


async def _listen(feed: Feed, after: Place) -> AsyncIterator[dict[str, str]]:
    """Everything after a place, then everything new, until the listener goes away."""
    size = -1
    while True:
        published = feed.published.size()
        if published == size:
            await asyncio.sleep(LOOK)
            continue
        while shown := await events(pool(), after, PAGE, published):
            for one in shown:
                event = one.event(feed.origin)
                yield {"id": event["sequence"], "event": event["type"], "data": _json(event).decode()}
            after = shown[-1].place
        size = published


def _asked(request: Request) -> tuple[Place, int]:
    """`after` (or Last-Event-ID) and `limit`. Refused("E-CURSOR"), Refused("E-LIMIT")."""
    given = request.query_params.get("after") or request.headers.get("last-event-id")
    after = START if given is None else Place.parse(given)
    limit = request.query_params.get("limit", str(PAGE))
    if not re.fullmatch("[0-9]{1,4}", limit) or not 1 <= int(limit) <= PAGE_LIMIT:
        raise Refused("E-LIMIT", limit=limit[:40], most=PAGE_LIMIT)
    return after, int(limit)


def _next(request: Request, shown: list[Shown], limit: int) -> dict[str, str]:
    if len(shown) < limit:
        return {}
    return {"link": f'<{request.url.path}?after={shown[-1].place}&limit={limit}>; rel="next"'}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
