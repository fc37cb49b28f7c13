"""Beats: committed records get their leaves, the tree a checkpoint, the checkpoint its signatures (log.md §3).

One sequencer works at a time (PostgreSQL advisory lock on a connection of its own; any process may take over). A beat

1. *appends*, in one transaction: the marker, the waiting records in the order of their row ids (which follows every
   order that locks impose, so `closed` comes after all records of its box), covers for the rest at places drawn at
   random; the checkpoint row is a compare-and-swap on the old size.
2. *signs* what is committed, and only that: a root that could be rolled back is never shown to the key.
3. *cosigns*: every checkpoint, in order, to every witness, until each has its quorum. An archive needs the first
   checkpoint over each of its records, so none is skipped, not even after an outage.
4. *publishes* tiles, then the newest checkpoint below which all have their quorum.

After a crash at any line the same path carries on from what was committed: steps 2–4 work on what the database says is
unsigned, without quorum, unpublished. A clock that runs backwards or an unknown log state is Broken and stops it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from audit import tiles
from audit.act import Act, Actor, reach
from audit.checkpoint import Checkpoint, Note
from audit.cosigning import KEEP_LINE, Cosigning
from audit.genesis import Genesis, genesis
from audit.logkey import LogKey
from audit.merkle import TILE, Frontier, leaf_hash, root
from audit.record import LOG_OPENED, WIDTH_CHANGED, entry_cover, entry_marker
from audit.refusal import Broken, Refused
from audit.trust import Policy

LOCK = 0x6C6F672D62656174  # "log-beat"
WIDEST = 16  # times the width of record 0
_UNWANTED = ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_nestloop")
CALM = timedelta(hours=1)  # how long a wider beat stays without being needed, machine time
SKEW = timedelta(seconds=2)  # between the database's clock and ours, before it is worth an alert

AWAY = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)

log = logging.getLogger("audit.sequencer")


@dataclass(frozen=True)
class Beat:
    """One beat that was appended."""

    number: int
    size: int
    root: bytes
    records: int
    width: int
    next_width: int
    urgent: bool  # a closing still waits for its leaf


@dataclass
class Status:
    """What the last beat came to, for /readyz and desks."""

    size: int = 0
    beat: int = -1
    published: int = 0
    pending: int = 0  # checkpoints without their quorum
    at: datetime | None = None  # machine time of the last beat
    skew: float = 0.0  # seconds between the database's clock and this machine's
    faults: dict[str, str] = field(default_factory=dict)  # witness → what failed


def _nothing(_: str) -> None:
    """The tests put a crash here: "leaves", "committed", "signed", "stored", "cosigned", "tiles", "announced"."""


class Sequencer:
    """`await lead()` then `await beat()`, or `await run()` for ever; `await close()` at the end.

    `dsn` is the application role's address; `witnesses` are (name in the policy, address).
    """

    def __init__(
        self,
        dsn: str,
        key: LogKey,
        directory: Path,
        policy: Policy,
        witnesses: Sequence[tuple[str, str]] = (),
        *,
        patience: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
        point: Callable[[str], None] = _nothing,
    ) -> None:
        if key.vkey not in policy.logs:
            raise Broken("L-KEY", vkey=str(key.vkey))
        self.key = key
        self.published = tiles.Published(directory)
        self.cosigning = Cosigning(policy, witnesses, patience=patience, transport=transport)
        self.status = Status()
        self._dsn, self._point = dsn, point
        self._lead: Any = None  # the connection that holds the lock
        self._pool: Any = None
        self._genesis: Genesis | None = None

    # ------------------------------------------------------------------------------------------------- leadership

    async def lead(self) -> bool:
        """Try to become (or remain) the one sequencer; False while another process is, or no log is open."""
        if self._lead is not None and not self._lead.is_closed():
            return True
        self._lead = None
        connection = await asyncpg.connect(
            self._dsn,
            # Index ranges above the low-water mark, merged, whatever stale statistics say: a beat costs the same in a
            # long log and under a long backlog.
            server_settings={"plan_cache_mode": "force_custom_plan", **dict.fromkeys(_UNWANTED, "off")},
        )
        try:
            leads = await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK)
            if not leads or not await self._open(connection):
                await connection.close()
                return False
        except BaseException:
            connection.terminate()
            raise
        self._lead = connection
        self.cosigning.begin(self._pool)
        return True

    async def _open(self, connection: Any) -> bool:
        """Read record 0, and check that this key and these files belong to this log."""
        try:
            self._genesis = await genesis(connection)
        except Refused:
            return False
        if self._genesis.origin != self.key.origin:
            raise Broken("L-ORIGIN", found=self._genesis.origin, expected=self.key.origin)
        size = await connection.fetchval("SELECT coalesce(max(size), 0) FROM log_checkpoint")
        signed = self.key.last_signed()
        for known in (self.published.size(), signed.size if signed else 0):
            if known > size:  # the database is older than what left the house
                raise Broken("L-STATE", known=known, size=size)
        if self._pool is None:
            self._pool = await asyncpg.create_pool(self._dsn, min_size=1, max_size=4, connect=reach)
        return True

    async def close(self) -> None:
        """Let go of the lock, the connections and unfinished offers."""
        await self.cosigning.close()
        if self._pool is not None:
            await self._pool.close()
            self._pool = None
        if self._lead is not None:
            await self._lead.close()
            self._lead = None

    async def run(self) -> None:
        """Beat at the interval of record 0 until cancelled. A lost database is waited for; Broken and a disk that does
        not write (OSError) end it."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                try:
                    if await self._try_to_lead():
                        await self.beat()
                except AWAY as gone:
                    log.warning("the database is away: %s", gone)
                    await self._drop()
                except asyncpg.UniqueViolationError as taken:
                    log.warning("another process has beaten: %s", taken)
                    await self._drop()
                interval = self._genesis.beat if self._genesis else 1.0
                due = max(due + interval, loop.time())
                await asyncio.sleep(due - loop.time())
        except Broken as broken:
            log.critical("the sequencer stops: %s", broken)
            raise
        finally:
            await self.close()

    async def _try_to_lead(self) -> bool:
        try:
            return await self.lead()
        except OSError as gone:  # no socket, nobody behind it
            raise ConnectionError(str(gone)) from gone

    async def _drop(self) -> None:
        if self._lead is not None:
            self._lead.terminate()
            self._lead = None

    # ------------------------------------------------------------------------------------------------------- beats

    async def beat(self) -> list[Beat]:
        """One beat and what follows it; several when a closing has to get its leaf. Call `lead()` first."""
        if self._lead is None:
            raise RuntimeError("beat() without lead()")
        await self._sign()  # what a crash left behind, before anything is built upon it
        beats = [await self._append()]
        while beats[-1].urgent:
            beats.append(await self._append())
        await self._sign()
        await self._cosign()
        await self._publish()
        last = beats[-1]
        self.status.size, self.status.beat, self.status.at = last.size, last.number, datetime.now(UTC)
        return beats

    async def _append(self) -> Beat:
        """Step 1, one transaction."""
        genesis, db = self._known(), self._lead
        async with db.transaction():
            # Read before this transaction has a number: ids up to `mark` were taken by older transactions.
            mark = await db.fetchval("SELECT last_value FROM log_record_id_seq")
            now, machine, own, oldest = await db.fetchrow(_MOMENT)
            self._compare(machine)
            last = await db.fetchrow("SELECT * FROM log_checkpoint ORDER BY size DESC LIMIT 1")
            if last is None:
                number, size, width, frontier = 0, 0, genesis.width, Frontier()
                low, final, marked, since = 0, False, (0, 0), now
            else:
                number, size, width = last["beat"] + 1, last["size"], last["next_width"]
                frontier = Frontier(size, _split(last["frontier"]))
                low, marked, since = last["low_record"], (last["mark_record"], last["mark_xact"]), last["width_since"]
                # All who could still commit a record up to the old mark have ended. (A number above our own is of
                # another cluster: restored from a dump, where nobody is half-way.)
                final = marked[1] <= oldest or marked[1] > own
                if now < last["made_at"]:
                    raise Broken("L-CLOCK", now=now.isoformat(), last=last["made_at"].isoformat())

            take = width - 1 if number else width  # record 0 stands for the marker of beat 0
            rows = await db.fetch(_WAITING, low, take + 1)
            waiting = len(rows)
            if waiting > take and width < WIDEST * genesis.width:  # how many more matters only to who may widen
                waiting = await db.fetchval(_COUNT, low, 2 * width + 1)
            next_width, since = self._pace(width, waiting, now, since)
            change = next_width != width
            left_over, rows = rows[take - change :], rows[: take - change]
            if number == 0 and (not rows or rows[0]["type"] != LOG_OPENED.name):
                raise Broken("L-ORIGIN", found=rows[0]["type"] if rows else None, expected=genesis.origin)
            records = [(row["id"], row["entry"]) for row in rows]
            if change:
                act = Act(Actor("sequencer", genesis.origin), db, db)
                act.at(now)
                changed = act.record(WIDTH_CHANGED.name, subject=genesis.origin, width=next_width)
                await act.insert()
                records.append((changed.id, changed.entry))

            ids, entries = zip(*_arrange(number, width, records), strict=True)
            hashes = [leaf_hash(entry) for entry in entries]
            await db.copy_records_to_table(
                "log_leaf",
                records=zip(range(size, size + width), repeat(number), ids, entries, hashes, strict=False),
                columns=("index", "beat", "record", "entry", "leaf_hash"),
            )
            frontier, nodes = await self._grow(frontier, hashes)
            if nodes:
                await db.copy_records_to_table("log_node", records=nodes, columns=("level", "index", "hash"))
            if final:
                low, marked = (marked[0] if not left_over else min(marked[0], left_over[0]["id"] - 1)), (mark, own)
            elif last is None:
                marked = (mark, own)
            self._point("leaves")
            await db.execute(
                _CHECKPOINT,
                frontier.size,
                size,
                number,
                frontier.root(),
                b"".join(frontier.hashes),
                width,
                next_width,
                since,
                low,
                *marked,
                now,
            )
            urgent = bool(left_over) and await db.fetchval(_CLOSING_WAITS, low)
        self._point("committed")
        return Beat(number, frontier.size, frontier.root(), len(records), width, next_width, urgent)

    def _compare(self, machine: datetime) -> None:
        """log.md §5: application and database clocks more than 2 s apart are worth an alert."""
        skew = abs(machine - datetime.now(UTC))
        if skew > SKEW:
            log.warning("the database's clock and ours are %.1f s apart", skew.total_seconds())
        self.status.skew = skew.total_seconds()

    def _pace(self, width: int, waiting: int, now: datetime, since: datetime) -> tuple[int, datetime]:
        """The width of the next beat, and since when it is (was last) needed: w, 4w, 16w, each for an hour."""
        genesis = self._known()
        if waiting > 2 * width and width < WIDEST * genesis.width:
            return 4 * width, now
        if width > genesis.width and waiting > width // 2:  # the narrower beat would have to widen
            return width, now
        if width > genesis.width and now - since >= CALM * genesis.factor:
            return genesis.width, now
        return width, since

    async def _grow(self, frontier: Frontier, hashes: list[bytes]) -> tuple[Frontier, list[tuple[int, int, bytes]]]:
        """The frontier with these leaves, and the roots of the tiles they fill, level by level: each hashed once."""
        found: list[tuple[int, int, bytes]] = []
        level, first, row, rests = 0, frontier.size, hashes, list[list[bytes]]()
        while (first + len(row)) // TILE > first // TILE:
            begin = first // TILE
            if first % TILE:
                row = _split(await tiles.tile(self._lead, level, begin, first % TILE)) + row
            full = len(row) // TILE * TILE
            rests.append(row[full:])
            row = [root(row[at : at + TILE]) for at in range(0, full, TILE)]
            level, first = level + 1, begin
            found += [(level, begin + at, value) for at, value in enumerate(row)]
        # What is above the filled tiles grows by their roots; below, each level begins anew with what is left over.
        grown = Frontier(first, frontier.hashes[: first.bit_count()])
        grown.extend(row)
        kept = grown.hashes
        for rest in reversed(rests):
            lower = Frontier()
            lower.extend(rest)
            kept += lower.hashes
        return Frontier(frontier.size + len(hashes), kept), found

    # -------------------------------------------------------------------------------------------------- signatures

    async def _sign(self) -> None:
        """Step 2: the log's line over every committed checkpoint that has none, oldest first."""
        origin, db = self._known().origin, self._lead
        signed = self.key.last_signed()
        for row in await db.fetch(_UNSIGNED, signed.size if signed else 0, origin):
            note = await asyncio.to_thread(self.key.sign, Checkpoint(origin, row["size"], row["root"]))
            self._point("signed")
            await db.execute(KEEP_LINE, row["size"], origin, None, Note.parse(note).signatures[0].line().decode())
            self._point("stored")

    async def _cosign(self) -> None:
        """Step 3."""
        await self.cosigning.gather(self.published.size())
        self.status.pending, self.status.faults = self.cosigning.pending, dict(self.cosigning.faults)
        self._point("cosigned")

    # ------------------------------------------------------------------------------------------------- publication

    async def _publish(self) -> None:
        """Step 4: files for the newest checkpoint below which every one has its quorum."""
        before, size = self.published.size(), self.cosigning.settled or 0
        if size == 0:
            return
        if size > before:
            await self.published.write(self._pool, before, size)
        self._point("tiles")
        await self.published.announce(await tiles.note(self._pool, self._known().origin, size))
        self.status.published = size
        self._point("announced")

    def _known(self) -> Genesis:
        if self._genesis is None:
            raise RuntimeError("no log is open")
        return self._genesis


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + 32] for at in range(0, len(hashes), 32)]


def _arrange(number: int, width: int, records: list[tuple[int, bytes]]) -> list[tuple[int | None, bytes]]:
    """The leaves of a beat: its marker, its records in order, and covers at places drawn at random among them."""
    first: list[tuple[int | None, bytes]] = [(None, entry_marker(number))] if number else [*records[:1]]
    records = records if number else records[1:]
    room, free = width - 1, width - 1 - len(records)
    if not free:
        return [*first, *records]
    dice = memoryview(os.urandom(8 * room)).cast("Q")
    places = set(sorted(range(room), key=dice.__getitem__)[:free])
    queue = iter(records)
    return [*first, *((None, entry_cover()) if at in places else next(queue) for at in range(room))]


_MOMENT = """
SELECT log_now(), clock_timestamp(), pg_current_xact_id()::text::bigint,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint"""
_FROM_WAITING = """
FROM log_record r WHERE r.id > $1
AND NOT EXISTS (SELECT FROM log_leaf l WHERE l.record = r.id AND l.record > $1)"""
_COUNT = f"SELECT count(*) FROM (SELECT 1 {_FROM_WAITING} LIMIT $2) w"
_WAITING = f"SELECT r.id, r.type, r.entry {_FROM_WAITING} ORDER BY r.id LIMIT $2"
_CLOSING_WAITS = f"SELECT EXISTS (SELECT 1 {_FROM_WAITING} AND r.type IN ('closed', 'evaluation-closed'))"
_CHECKPOINT = """
INSERT INTO log_checkpoint (size, previous, beat, root, frontier, width, next_width, width_since,
    low_record, mark_record, mark_xact, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"""
_UNSIGNED = """
SELECT c.size, c.root FROM log_checkpoint c WHERE c.size >= $1
AND NOT EXISTS (SELECT FROM log_cosignature s WHERE s.size = c.size AND s.size >= $1 AND s.name = $2) ORDER BY c.size"""
