"""Kits: what a bidder's tool checks before it seals, and what a custodian's tool computes from (envelope.md §2a, §6).

Both are zips in the archive layout. Neither is trusted: the tools recompute everything in them.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from audit import tiles
from audit.act import pool
from audit.archive import write_archive
from audit.canon import b64, canon
from audit.merkle import consistency_proof
from audit.refusal import Refused
from bidding import custodians, files, releases
from trading import logbook, material
from trading.edition import Content, Disclosed
from trading.installation import Installation
from trading.tenders import loaded

BEFORE_SEALING = (
    "keyset-made", "project-announced", "deadline-moved", "abandoned", "documents-issued", "documents-amended",
)  # fmt: skip


async def sealing_kit(platform: Installation, tender: str, seen: int = 0) -> bytes:
    """Key sets, statements, trust files, and every record §2a asks for with its proof under one fresh checkpoint.

    `seen`: the size of the checkpoint that a tool without a network has kept; the kit then proves that the log only grew.
    Refused: E-PENDING until the announcement is under the published checkpoint.
    """
    rows = await pool().fetch(
        """SELECT r.type, l.index, r.nonce, r.record FROM log_record r LEFT JOIN log_leaf l ON l.record = r.id
           WHERE r.nonce IS NULL AND ((r.tender = $1 AND r.type = ANY ($2)) OR r.type = ANY ($3)) ORDER BY l.index""",
        tender, list(BEFORE_SEALING), list(material.OLDER),
    )  # fmt: skip
    places = [r["index"] for r in rows if r["type"] in BEFORE_SEALING]
    if not any(r["type"] == "project-announced" for r in rows) or None in places:
        raise Refused("E-PENDING", record="project-announced")
    size = _published(platform, max(places))
    shown = [Disclosed(r["index"], None, r["record"]) for r in rows if r["index"] is not None and r["index"] < size]
    rulebook = await pool().fetchval("SELECT rulebook FROM trading_tender WHERE id = $1", tender)
    return await _kit(platform, tender, size, shown, {"rulebook.json": rulebook, **await _keysets(tender)}, seen=seen)


async def custodian_kit(platform: Installation, tender: str, stage: str, seen: int = 0) -> bytes:
    """The log from the tender's first bundle on, what the closing disclosed, and bidding's part. `seen` as above.

    Refused: E-PENDING.
    """
    closed = [k for k in await logbook.public_of(tender) if k.type == "closed"]
    if not closed or any(k.index is None for k in closed):
        raise Refused("E-PENDING", record="closed")
    size = _published(platform, max(k.index for k in closed if k.index is not None))
    first = material.first_bundle(tender)
    shown = await material.disclosed_by_closing(tender, first, size)
    rulebook = await pool().fetchval("SELECT rulebook FROM trading_tender WHERE id = $1", tender)
    found: dict[str, Content] = {"rulebook.json": rulebook}
    found.update(await files.kit(platform.store, tender, stage))
    return await _kit(platform, tender, size, shown, found, bundles=True, seen=seen)


def _published(platform: Installation, covered: int) -> int:
    """The size of the published checkpoint, above this index: a tool proves by tiles that it only grew, and tiles end there.
    Refused: E-PENDING."""
    size = tiles.Published(platform.settings.log_dir).size()
    if size <= covered:
        raise Refused("E-PENDING", size=covered + 1)
    return size


async def _keysets(tender: str) -> dict[str, Content]:
    stages = loaded(await pool().fetchval("SELECT keysets FROM trading_tender WHERE id = $1", tender)) or {}
    found: dict[str, Content] = {}
    for stage in stages:
        keyset = await releases.keyset(tender, stage)
        found[f"keysets/{keyset.id}.json"] = keyset.data
        for seat in keyset.custodians:
            enrolled = await custodians.statement(seat.statement)
            found[f"statements/{seat.statement}.json"] = canon(
                {"statement": b64(enrolled.statement.data), "sig": enrolled.sig}
            )
    return found


async def _kit(
    platform: Installation,
    tender: str,
    size: int,
    shown: list[Disclosed],
    held: dict[str, Content],
    *,
    bundles: bool = False,
    seen: int = 0,
) -> bytes:
    first, named = material.first_bundle(tender), int(tender.rpartition("@")[2])
    notes = await material.notes(platform.policy, first if bundles else size, size, [named, size])
    head: dict[str, Any] = {
        "type": "trading.archive/v1",
        "edition": "public",
        "tender": tender,
        "origin": platform.origin,
        "size": size,
        "first": first,
    }
    held |= {
        "archive.json": canon(head),
        "policy.txt": platform.policy_bytes,
        "parties.txt": platform.parties_bytes,
        "checkpoint": notes[size],
    }
    held |= {f"checkpoints/{at}": note for at, note in notes.items() if at != size or bundles}
    tree = material.StoredTree(size)

    def build() -> bytes:
        more = material.record_files(tree, shown, notes[size])
        if bundles:
            more += material.log_files(tree, first, size)
        if 0 < seen < size:
            lines = [b64(value) for value in consistency_proof(tree, seen, size)]
            more.append((f"consistency/{seen}", ("\n".join(lines) + "\n").encode()))
        whole = io.BytesIO()
        write_archive(whole, sorted({**held, **dict(more)}.items()))
        return whole.getvalue()

    return await asyncio.to_thread(build)


async def payload(platform: Installation, tender: str, manifest: str) -> Response:
    """A listed payload, streamed. Refused: W-UNKNOWN."""
    listed = await logbook.listed_after_closing(tender)
    if manifest not in listed:
        raise Refused("W-UNKNOWN")
    name = await pool().fetchval("SELECT upload_id FROM bidding_deposit WHERE hash = $1", manifest)
    if name is None or not platform.store.holds(name):
        raise Refused("W-UNKNOWN")

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in platform.store.stream(name):
            yield piece

    return StreamingResponse(pieces(), media_type="application/octet-stream")
