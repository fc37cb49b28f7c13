"""How the log stands, for people: its newest checkpoint, each witness's last signature, the last outage.

Nothing here is known that a reader of checkpoints and public records could not work out. No record is counted: every beat
adds the same number of entries, whatever they are (log.md §3).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from audit.act import pool
from audit.canon import instant, parse_object
from audit.checkpoint import Checkpoint, Note
from audit.clock import span
from audit.genesis import genesis
from audit.receipt import BEATS
from audit.tiles import Published
from trading.installation import Installation

LOOKED_AT = 4096
"""How many of the newest checkpoints are looked at: what lies further back is in the log."""


@dataclass(frozen=True)
class Watch:
    """One witness of the policy. `size`: of the newest checkpoint it signed, at `time`; None: of those looked at, none.

    `behind`: how many checkpoints came after that one; with None, at least as many as were looked at.
    """

    name: str
    size: int | None
    time: datetime | None
    behind: int


@dataclass(frozen=True)
class Break:
    """A stretch of more than four beats between two checkpoints with quorum; `end` None: it goes on."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True)
class Outage:
    """An outage that a logged record names, because it moved a deadline (log.md §5)."""

    tender: str
    start: datetime
    end: datetime
    deadline: datetime


@dataclass(frozen=True)
class Standing:
    """`note`: the published checkpoint as it is served, None while there is none; `made`, `published`: sizes.

    `last`: the time of the newest checkpoint with quorum, `since` that of the oldest one looked at; `beat` in log time.
    """

    note: str | None
    root: bytes
    made: int
    published: int
    last: datetime | None
    since: datetime | None
    beat: timedelta
    watches: tuple[Watch, ...]
    gap: Break | None
    outage: Outage | None

    def moves(self, now: datetime) -> bool:
        """Whether the newest checkpoint with quorum is at most four beats old."""
        return self.last is not None and now - self.last <= self.beat * BEATS

    def broken(self, now: datetime) -> Break | None:
        """The gap that goes on, else the last one among the checkpoints looked at."""
        return self.gap if self.last is None or self.moves(now) else Break(self.last, None)


class Standings:
    """How the log stands, read again when it has moved: a page that everybody looks at when something is wrong."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self._of: Any = None
        self._told: Standing | None = None
        self._reading = asyncio.Lock()

    async def now(self, platform: Installation) -> Standing:
        """As of the newest checkpoint and signature."""
        async with self._reading:
            newest = tuple(await pool().fetchrow(_NEWEST)), self._published.size()
            if self._told is None or newest != self._of:
                self._told, self._of = await read(platform, self._published), newest
            return self._told


async def read(platform: Installation, published: Published) -> Standing:
    """As of now. Refused: E-LOG-CLOSED when there is no log."""
    db, policy = pool(), platform.policy
    beat = span(await platform.clock(), (await genesis(db)).beat)
    rows = await db.fetch(_CHECKPOINTS, LOOKED_AT)
    signed: dict[str, Watch] = {}
    times: list[datetime] = []  # of those with quorum, the newest first
    for place, row in enumerate(rows):
        stamps = {
            name: datetime.fromtimestamp(at, UTC)
            for name, at in zip(row["names"], row["stamps"], strict=True)
            if name in policy.witnesses
        }
        for name, time in stamps.items():
            signed.setdefault(name, Watch(name, row["size"], time, place))
        if policy.quorum == "none":
            times.append(row["made_at"])
        elif policy.met(stamps):
            times.append(policy.time(stamps))
    note, root = await asyncio.to_thread(_note, published)
    return Standing(
        note=note,
        root=root,
        made=rows[0]["size"] if rows else 0,
        published=published.size(),
        last=times[0] if times else None,
        since=times[-1] if times else None,
        beat=beat,
        watches=tuple(signed.get(name, Watch(name, None, None, len(rows))) for name in policy.witnesses),
        gap=next((Break(a, b) for b, a in pairwise(times) if b - a > beat * BEATS), None),
        outage=await _outage(),
    )


def _note(published: Published) -> tuple[str | None, bytes]:
    try:
        data = (published.directory / "checkpoint").read_bytes()
    except FileNotFoundError:
        return None, b""
    return data.decode("utf-8"), Checkpoint.parse(Note.parse(data).body).root


async def _outage() -> Outage | None:
    found = await pool().fetchval(_MOVED, b'"outage":{')  # canonical bytes: within a text the quotes would be escaped
    if found is None:
        return None
    record = parse_object(found)
    told = record["outage"]
    return Outage(record["tender"], instant(told["from"]), instant(told["to"]), instant(record["deadline"]))


_NEWEST = "SELECT (SELECT max(size) FROM log_checkpoint), (SELECT max(id) FROM log_cosignature)"
_CHECKPOINTS = """SELECT c.size, c.made_at, array_remove(array_agg(s.name::text), NULL) AS names,
        array_remove(array_agg(s.timestamp), NULL) AS stamps
    FROM (SELECT size, made_at FROM log_checkpoint ORDER BY size DESC LIMIT $1) c
    LEFT JOIN log_cosignature s ON s.size = c.size AND s.timestamp IS NOT NULL
    GROUP BY c.size, c.made_at ORDER BY c.size DESC"""
_MOVED = """SELECT r.record FROM trading_tender t JOIN log_record r ON r.tender = t.id AND r.type = 'deadline-moved'
    WHERE t.announced_at IS NOT NULL AND r.nonce IS NULL AND position($1::bytea IN r.record) > 0
    ORDER BY r.id DESC LIMIT 1"""
