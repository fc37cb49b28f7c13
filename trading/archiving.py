"""Archiving: the last record of a tender, and its two editions on disk (log.md §7).

The platform builds an edition with the very rules `verify` checks it by, and verifies what it wrote before it says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from audit import tiles
from audit.act import acting, pool
from audit.archive import write_archive
from audit.logkey import sync_path
from audit.refusal import Refused
from bidding import files as bids
from experts import disclosure
from trading import lives, material, score_sheets
from trading.accounts import Caller
from trading.edition import Edition, Material, edition_files
from trading.installation import Installation
from trading.law import committee, retention
from trading.law.regimes import SOURCE_LAW
from trading.outages import probe_files
from trading.tenders import locked

EDITIONS: tuple[Edition, ...] = ("public", "supervision")


async def archive(platform: Installation, caller: Caller | None, tender: str) -> dict[str, Any]:
    """Record `archived`, then write both editions once the log covers that record.

    Refused: E-STAGE (not at its end), E-UNFINISHED (what the regime still asks for), E-PENDING (ask again after the next
    beats; nothing is lost meanwhile).
    """
    covered = await _record(platform, caller, tender)
    size = await tiles.quorate(pool(), platform.policy, covered + 1)
    done = {r["edition"]: r["sha256"] for r in await _written(tender)}
    if len(done) < len(EDITIONS):
        async with _alone(platform, tender):
            done = {r["edition"]: r["sha256"] for r in await _written(tender)}
            for edition in EDITIONS:
                if edition not in done:
                    done[edition] = await _write(platform, tender, edition, size)
    return {"tender": tender, "editions": done, "checkpoint": min(r["checkpoint"] for r in await _written(tender))}


async def rests(tender: str) -> bool:
    """Whether nobody at a desk is likely to act on the tender any more, so that the timer may archive it by itself.

    What the law owes is asked in the act. Beyond it an award of ours is followed by letter and contract, and a contract is
    published: an operator may archive without them where the law does (a sale of state property), a clock does not.
    """
    row = await pool().fetchrow(
        """SELECT t.state, p.regime, c.published_at FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id
           JOIN trading_project p ON p.id = l.project_id LEFT JOIN trading_contract c ON c.tender_id = t.id
           WHERE t.id = $1""",
        tender,
    )
    if row["state"] == "awarded":
        return bool(row["regime"] == SOURCE_LAW.id)
    return row["state"] != "contracted" or row["published_at"] is not None


@asynccontextmanager
async def _alone(platform: Installation, tender: str) -> AsyncIterator[None]:
    """One process builds a tender's archive: a timer and a person may both ask. Refused: E-PENDING, ask again."""
    async with platform.turns, (await pool()).acquire() as held, held.transaction():
        if not await held.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended('archive ' || $1, 0))", tender):
            raise Refused("E-PENDING", record="archived")
        yield


async def _record(platform: Installation, caller: Caller | None, tender: str) -> int:
    """The leaf of the tender's `archived` record, made if it is not there. Refused: E-PENDING before its beat."""
    state = await pool().fetchval("SELECT state FROM trading_tender WHERE id = $1", tender)
    if state is None:
        raise Refused("W-UNKNOWN")
    if state != "archived":
        async with acting(caller.actor if caller else platform.centre) as act:
            row = await locked(act, tender)
            if (
                row["state"] == "opened" and row["kind"] == "bids"
            ):  # else what was sealed in its evaluation stays sealed
                raise Refused("E-UNFINISHED", act="archive", why="fail")
            await lives.expect(act, tender, "archive", row=row)
            told = {
                r["type"] for r in await act.query("SELECT DISTINCT type FROM log_record WHERE tender = $1", tender)
            }
            book = lives.book_of(row, act.now)
            await disclosure.settle(act, tender, named=committee.names_published(book, told))
            retention.check_archive(book, told, contracted=row["state"] == "contracted")
            rows = await act.query("SELECT sserial FROM log_serial WHERE subject = $1 FOR UPDATE", tender)
            last = rows[0]["sserial"] if rows else 0
            await act.query("UPDATE trading_tender SET last_sserial = $2 WHERE id = $1", tender, last)
            act.record("archived", subject=tender, tender=tender, last_sserial=last)
    leaf = await pool().fetchval(
        """SELECT l.index FROM log_record r LEFT JOIN log_leaf l ON l.record = r.id
           WHERE r.tender = $1 AND r.type = 'archived'""",
        tender,
    )
    if leaf is None:
        raise Refused("E-PENDING", record="archived")
    return int(leaf)


async def _written(tender: str) -> list[Any]:
    return await pool().fetch(
        "SELECT edition, sha256, checkpoint FROM trading_archived WHERE tender_id = $1 ORDER BY edition", tender
    )


async def _write(platform: Installation, tender: str, edition: Edition, size: int) -> str:
    """Build, write durably, verify, and only then say that the edition exists; its SHA-256."""
    made = await gather(platform, tender, edition, size)
    path = edition_path(platform, tender, edition)
    digest, length = await asyncio.to_thread(_build, made, edition, path)
    await pool().execute(
        """INSERT INTO trading_archived (tender_id, edition, sha256, size, checkpoint, made_at)
           VALUES ($1, $2, $3, $4, $5, log_now()) ON CONFLICT DO NOTHING""",
        tender, edition, digest, length, size,
    )  # fmt: skip
    return digest


def _build(made: Material, edition: Edition, path: Path) -> tuple[str, int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        write_archive(draft, edition_files(made, edition))
        with draft.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        os.rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_path(path.parent)
    return digest, path.stat().st_size


async def gather(platform: Installation, tender: str, edition: Edition, size: int) -> Material:
    """All that an edition may be made from, as of the checkpoint of `size`."""
    row = await pool().fetchrow("SELECT rulebook, totals FROM trading_tender WHERE id = $1", tender)
    first = material.first_bundle(tender)
    named = int(tender.rpartition("@")[2])
    files = dict(await bids.archive_files(platform.store, tender, edition))
    if row["totals"] is not None:
        files["evaluation/totals.json"] = row["totals"]
    files |= await score_sheets.sheet_files(tender)
    files |= await probe_files(tender)
    files |= await disclosure.archive_files(pool().fetch, tender)
    shown = await material.disclosed(tender, first, size)
    return Material(
        tender=tender,
        origin=platform.origin,
        size=size,
        policy=platform.policy_bytes,
        parties=platform.parties_bytes,
        rulebook=row["rulebook"],
        notes=await material.notes(platform.policy, first, size, [named, size]),
        tree=material.StoredTree(size),
        disclosed=shown,
        files=files,
    )


def edition_path(platform: Installation, tender: str, edition: str) -> Path:
    """Where an edition lies."""
    return platform.settings.archives_dir / f"{tender}.{edition}.zip"


async def archive_file(platform: Installation, tender: str, edition: str) -> Path:
    """The file of an edition for its download. Refused: W-UNKNOWN."""
    known = await pool().fetchval(
        "SELECT true FROM trading_archived WHERE tender_id = $1 AND edition = $2", tender, edition
    )
    path = edition_path(platform, tender, edition)
    if not known or not path.exists():
        raise Refused("W-UNKNOWN")
    return path
