"""Unsealing: from releases to verdicts (envelope.md §7). The rules are `unseal.py`'s; this moves rows and files.

    found = await unsealing.unseal(store, tender, stage)       # no act: reads, computes in threads
    async with acting(actor) as act:
        await unsealing.keep(act, found)                       # `unsealed` for each new verdict

It can be run again at any time: after another release, a window's end, or a payload that somebody brought. One
envelope never stalls the others. Documents are decrypted a second time, into the store, when a desk first asks for
one: until then no plaintext of theirs is on the disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audit.act import Act, RecordRef, pool
from audit.refusal import Refused
from bidding.closing import counted
from bidding.custody import released_shares
from bidding.files import archive_files
from bidding.manifest import Manifest
from bidding.payload import measure
from bidding.records import UNSEALED
from bidding.releases import ClosedStage, closed_stage, lock_stage, taken
from bidding.store import Store
from bidding.unseal import Verdict
from bidding.unseal import unseal as judge

__all__ = [
    "Unsealed",
    "archive_files",
    "bring",
    "document",
    "keep",
    "payload_name",
    "unseal",
    "unsealed",
]

THREADS = os.cpu_count() or 2


@dataclass(frozen=True)
class Unsealed:
    """One envelope's verdict, as `unsealed` records it, and its content key once found."""

    tender: str
    stage: str
    bid: str
    seq: int
    verdict: str
    at: tuple[int, ...]
    opening: Mapping[str, Any] | None
    files: tuple[Mapping[str, Any], ...]  # {"name", "size", "sha256", "media"}
    findings: tuple[int, ...]  # custodians' indexes
    unvouched: bool
    ck: str | None  # hex
    releases: frozenset[int] = frozenset()  # the custodians whose releases it was computed from

    @classmethod
    def read(cls, tender: str, stage: str, bid: str, seq: int, value: Mapping[str, Any], ck: str | None) -> Unsealed:
        """From the value of `opened.json`, with the content key beside it."""
        return cls(
            tender=tender,
            stage=stage,
            bid=bid,
            seq=seq,
            verdict=value["verdict"],
            at=tuple(value["at"]),
            opening=value["opening"],
            files=tuple(value["files"]),
            findings=tuple(value["findings"]),
            unvouched=value["unvouched"],
            ck=ck,
        )

    def opened(self) -> dict[str, Any]:
        """The value of `opened.json` (log.md §7)."""
        value: dict[str, Any] = {
            "verdict": self.verdict,
            "at": list(self.at),
            "opening": None if self.opening is None else dict(self.opening),
            "files": [dict(file) for file in self.files],
            "findings": list(self.findings),
            "unvouched": self.unvouched,
        }
        if self.ck is not None:
            value["ck"] = self.ck
        return value


async def unseal(store: Store, tender: str, stage: str) -> list[Unsealed]:
    """The verdict of every listed envelope that has no final one yet, by bid.

    Refused: E-TENDER, E-OPEN, E-SHUT, E-RELEASES (fewer than k of n are in; with `window-ended` none is waited for).
    """
    rows = pool()
    box = await closed_stage(rows.fetch, tender, stage)
    if not box.opens:
        raise Refused("E-SHUT", tender=tender)
    releases = await taken(rows.fetch, tender, stage)
    ended = bool(await rows.fetch("SELECT FROM bidding_window WHERE tender = $1 AND stage = $2", tender, stage))
    if len(releases) < box.keyset.k and not ended:
        raise Refused("E-RELEASES", stage=stage, count=len(releases), k=box.keyset.k)
    listed = await rows.fetch(_OPEN, tender, stage)
    unvouched = (await counted(tender)).unvouched
    chosen = box.to_release()
    turn = asyncio.Semaphore(THREADS)

    async def one(row: Any) -> Unsealed:
        manifest = Manifest.parse(row["manifest"])
        shares = released_shares(releases, manifest.bid, manifest.seq)
        async with turn:
            opened = await asyncio.to_thread(
                judge,
                manifest,
                store.path(row["upload_id"]),
                shares,
                box.keyset,
                schema=box.opening_schema,
                window_ended=ended,
            )
        value = opened.json(unvouched=unvouched[manifest.bid])
        read = Unsealed.read(tender, stage, manifest.bid, manifest.seq, value, value.get("ck"))
        return replace(read, releases=frozenset(release.i for release in releases))

    return list(await asyncio.gather(*(one(row) for row in listed if row["bid"] in chosen)))


_OPEN = """
SELECT d.bid, d.seq, d.manifest, d.upload_id FROM bidding_deposit d
WHERE d.tender = $1 AND d.stage = $2 AND d.ended_at IS NULL AND NOT EXISTS (SELECT FROM bidding_unsealed u
    WHERE u.tender = d.tender AND u.stage = d.stage AND u.bid = d.bid AND u.verdict <> 'PENDING')
ORDER BY d.bid"""


async def keep(act: Act, found: Sequence[Unsealed]) -> list[RecordRef]:
    """Record the verdicts that are new. A repeated PENDING is not, nor what a release has overtaken meanwhile: then
    the list is shorter, maybe empty, and the next run computes again. (An act needs at least one record.)"""
    kept: list[RecordRef] = []
    for tender, stage in sorted({(one.tender, one.stage) for one in found}):
        await lock_stage(act, tender, stage)
        releases = await act.query("SELECT i FROM bidding_release WHERE tender = $1 AND stage = $2", tender, stage)
        known = {
            row["bid"]: row["verdict"]
            for row in await act.query(
                "SELECT DISTINCT ON (bid) bid, verdict FROM bidding_unsealed WHERE tender = $1 AND stage = $2 "
                "ORDER BY bid, id DESC",
                tender,
                stage,
            )
        }
        fresh: list[Unsealed] = []
        for one in found:
            if (one.tender, one.stage) != (tender, stage) or one.releases != {row["i"] for row in releases}:
                continue
            last = known.get(one.bid)
            if last is not None and (last != Verdict.PENDING or one.verdict == Verdict.PENDING):
                continue
            fresh.append(one)
        await _insert(act, fresh)
        kept += [_record(act, one) for one in fresh]
    return kept


async def _insert(act: Act, fresh: Sequence[Unsealed]) -> None:
    """The rows of one stage's verdicts, in one statement."""
    values = [{name: item for name, item in one.opened().items() if name != "ck"} for one in fresh]
    await act.query(
        "INSERT INTO bidding_unsealed (tender, stage, bid, seq, verdict, value, ck, unsealed_at) "
        "SELECT u.tender, u.stage, u.bid, u.seq, u.verdict, u.value::jsonb, u.ck, $8 FROM unnest($1::text[], "
        "$2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[]) "
        "AS u(tender, stage, bid, seq, verdict, value, ck)",
        [one.tender for one in fresh],
        [one.stage for one in fresh],
        [one.bid for one in fresh],
        [one.seq for one in fresh],
        [one.verdict for one in fresh],
        [json.dumps(value) for value in values],
        [one.ck for one in fresh],
        act.now,
    )


def _record(act: Act, one: Unsealed) -> RecordRef:
    return act.record(
        UNSEALED.name,
        subject=one.tender,
        tender=one.tender,
        stage=one.stage,
        bid=one.bid,
        seq=one.seq,
        verdict=one.verdict,
        at=list(one.at),
        opening=None if one.opening is None else dict(one.opening),
        findings=list(one.findings),
        unvouched=one.unvouched,
    )


async def unsealed(tender: str, stage: str | None = None) -> list[Unsealed]:
    """The last verdict of each listed envelope, by bid and stage. Empty before the opening."""
    rows = await pool().fetch(
        "SELECT DISTINCT ON (bid, stage) stage, bid, seq, value, ck FROM bidding_unsealed "
        "WHERE tender = $1 AND ($2::text IS NULL OR stage = $2) ORDER BY bid, stage, id DESC",
        tender,
        stage,
    )
    return [_unsealed(tender, row) for row in rows]


def _unsealed(tender: str, row: Any) -> Unsealed:
    value = json.loads(row["value"])
    return Unsealed.read(tender, row["stage"], row["bid"], row["seq"], value, row["ck"])


async def payload_name(manifest: str) -> str:
    """The store's name of the payload that a deposited manifest (hash, hex) is about. Refused: E-MANIFEST."""
    name = await pool().fetchval("SELECT upload_id FROM bidding_deposit WHERE hash = $1", manifest)
    if name is None:
        raise Refused("E-MANIFEST", manifest=manifest)
    return str(name)


async def bring(store: Store, *, tender: str, stage: str, bid: str, payload: Path) -> bool:
    """Anyone brings the payload of a listed envelope that the store lost (§7): whether it was taken.

    `payload` is a file of `store.draft()`; it is moved if size and root are those that the bidder signed. What is
    there and right already stays.
    """
    row = await pool().fetchrow(
        "SELECT upload_id, root, size FROM bidding_deposit "
        "WHERE tender = $1 AND stage = $2 AND bid = $3 AND ended_at IS NULL",
        tender,
        stage,
        bid,
    )
    if row is None:
        return False

    def take() -> bool:
        root, size, _ = measure(payload)
        if (root, size) != (row["root"], row["size"]):
            return False
        store.keep_file(payload, row["upload_id"])
        return True

    return await asyncio.to_thread(take)


async def document(store: Store, *, tender: str, stage: str, bid: str, sha256: str) -> Path:
    """Where an opened document lies, for a desk to show. Refused: E-FILE (no such file in an envelope that is OK)."""
    row = await pool().fetchrow(
        "SELECT u.seq, u.value, d.manifest, d.upload_id FROM bidding_unsealed u JOIN bidding_deposit d "
        "ON (d.tender, d.stage, d.bid, d.seq) = (u.tender, u.stage, u.bid, u.seq) "
        "WHERE u.tender = $1 AND u.stage = $2 AND u.bid = $3 AND u.verdict = 'OK'",
        tender,
        stage,
        bid,
    )
    files = json.loads(row["value"])["files"] if row else []
    if sha256 not in {file["sha256"] for file in files}:
        raise Refused("E-FILE", bid=bid, stage=stage)
    if not store.holds(sha256):
        box = await closed_stage(pool().fetch, tender, stage)
        releases = await taken(pool().fetch, tender, stage)
        shares = released_shares(releases, bid, row["seq"])
        await asyncio.to_thread(_extract, store, Manifest.parse(row["manifest"]), row["upload_id"], shares, box, files)
    return store.path(sha256)


def _extract(
    store: Store,
    manifest: Manifest,
    payload: str,
    shares: Mapping[int, bytes | None],
    box: ClosedStage,
    files: Sequence[Mapping[str, Any]],
) -> None:
    """Open an envelope once more, its files into the store under their hashes (blocking)."""
    folder = Path(tempfile.mkdtemp(prefix="opened-", dir=store.root))
    try:
        opened = judge(manifest, store.path(payload), shares, box.keyset, schema=box.opening_schema, extract=folder)
        if opened.verdict is not Verdict.OK:
            raise RuntimeError(f"{manifest.hash} was OK and is {opened.verdict} now: {opened.why}")
        for file in files:
            if not store.holds(file["sha256"]):
                store.keep_file(folder / file["name"], file["sha256"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
