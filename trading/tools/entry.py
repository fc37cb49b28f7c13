"""One entry of the log, proved by the log's own tiles under a checkpoint with quorum; and the record that names a tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.canon import NotCanonical
from audit.checkpoint import TlogProof, VerifiedNote, verify_note
from audit.merkle import (
    TILE,
    Tiles,
    entries_path,
    inclusion_proof,
    leaf_hash,
    tile_path,
    tile_width,
    unpack_entries,
    verify_inclusion,
)
from audit.record import TOOL_PUBLISHED, Kind, check_record, parse_entry
from audit.refusal import Refused
from audit.trust import Policy
from trading.client import Platform

BATCH = 1000


@dataclass(frozen=True)
class ProvedEntry:
    """An entry and what proves it: `proof` is a tlog-proof, `note` the checkpoint it ends in."""

    index: int
    entry: bytes
    proof: bytes
    note: VerifiedNote


def proved(platform: Platform, policy: Policy, index: int) -> ProvedEntry:
    """Fetch checkpoint, tiles and the entry. Raises Refused("L-INDEX"), Broken for what does not hold."""
    note = platform.fetch("/log/checkpoint")
    verified = verify_note(note, policy)
    checkpoint = verified.checkpoint
    if not 0 <= index < checkpoint.size:
        raise Refused("L-INDEX", index=index, size=checkpoint.size)

    def tile(level: int, number: int, width: int) -> bytes:
        return platform.fetch("/log/" + tile_path(level, number, width).lstrip("/"))

    path = inclusion_proof(Tiles(checkpoint.size, tile), index, checkpoint.size)
    bundle, place = divmod(index, TILE)
    where = entries_path(bundle, tile_width(checkpoint.size, 0, bundle))
    entry = unpack_entries(platform.fetch("/log/" + where.lstrip("/")))[place]
    verify_inclusion(leaf_hash(entry), index, checkpoint.size, path, checkpoint.root)
    return ProvedEntry(index, entry, TlogProof(index, tuple(path), note).format(), verified)


def tool_of(platform: Platform, policy: Policy, sha256: str) -> tuple[ProvedEntry, dict[str, Any]]:
    """The first `tool-published` with this hash, proved, and its record. What the feed says is only where to look.

    Raises Refused("T-TOOL") where the log has none.
    """
    after = "-1"
    while batch := platform.request("GET", "/events", params={"after": after, "limit": BATCH}).json():
        for event in batch:
            after = event["sequence"]
            told = event.get("data") or {}
            if told.get("type") != TOOL_PUBLISHED.type or told.get("sha256") != sha256:
                continue
            found = proved(platform, policy, int(event["logindex"]))
            entry = parse_entry(found.entry)
            try:
                record = check_record(entry.record) if entry.kind is Kind.CLEAR else {}
            except NotCanonical:
                record = {}
            if (record.get("type"), record.get("sha256")) == (TOOL_PUBLISHED.type, sha256):
                return found, record
        if len(batch) < BATCH:
            break
    raise Refused("T-TOOL", sha256=sha256)
