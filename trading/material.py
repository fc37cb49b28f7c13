"""What archives and kits are made from: the log as stored, read for the pure builders of `trading.edition`.

The builders are synchronous and run in a thread; `StoredTree` answers them from the database through the event loop they
were started from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from audit import tiles
from audit.act import pool
from audit.canon import b64, canon
from audit.checkpoint import TlogProof
from audit.merkle import TILE, Tiles, bundles, entries_path, inclusion_proof, pack_entries
from audit.trust import Policy
from trading.edition import Content, Disclosed

T = TypeVar("T")

OLDER = ("log-opened", "trust-published", "identity-vouched", "custodian-key-registered", "rehearsed")
"""Clear records that a tender leans on and that may lie before its first bundle (log.md §7)."""


class StoredTree:
    """`edition.Tree` over the rows of the log, up to `size` leaves. Only for use from a thread beside the loop."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._loop = asyncio.get_running_loop()
        self._tiles = Tiles(size, self._tile)

    def node(self, level: int, index: int) -> bytes:
        """The root of the complete subtree number `index` of 2**level leaves."""
        return self._tiles.node(level, index)

    def entries(self, start: int, stop: int) -> Sequence[bytes]:
        """Leaves start … stop - 1."""
        return self._ask(_entries(start, stop))

    def _tile(self, level: int, number: int, width: int) -> bytes:
        return self._ask(tiles.tile(pool(), level, number, width))

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(question, self._loop).result(60)


async def _entries(start: int, stop: int) -> list[bytes]:
    rows = await pool().fetch("SELECT entry FROM log_leaf WHERE index >= $1 AND index < $2 ORDER BY index", start, stop)
    return [row["entry"] for row in rows]


async def notes(policy: Policy, sizes_from: int, size: int, more: Sequence[int] = ()) -> dict[int, bytes]:
    """Cosigned checkpoints that have the quorum: every one from `sizes_from` to `size`, and `more`."""
    rows = await pool().fetch(
        """SELECT c.size, c.root, array_agg(s.line ORDER BY s.timestamp NULLS FIRST, s.id) AS lines,
                  array_agg(s.name::text) AS names
           FROM log_checkpoint c JOIN log_cosignature s ON s.size = c.size
           WHERE (c.size >= $1 AND c.size <= $2) OR c.size = ANY ($3) GROUP BY c.size, c.root""",
        sizes_from, size, list(more),
    )  # fmt: skip
    found: dict[int, bytes] = {}
    for row in rows:
        witnesses = [n for n in row["names"] if n in policy.witnesses]
        if policy.origin in row["names"] and policy.met(witnesses):
            body = f"{policy.origin}\n{row['size']}\n{b64(row['root'])}\n\n".encode()
            found[row["size"]] = body + "".join(row["lines"]).encode()
    return found


async def disclosed(tender: str, first: int, size: int) -> list[Disclosed]:
    """The tender's blinded records, every registration of a bidder's key, the older clear ones, and where anybody was drawn
    the roster (edition.Material).

    What its party alone may see (who asked, who objected, who was paid back) never gets as far as here.
    """
    rows = await pool().fetch(
        """SELECT l.index, r.nonce, r.record FROM log_record r JOIN log_leaf l ON l.record = r.id
           WHERE l.index < $2 AND ((r.tender = $1 AND r.nonce IS NOT NULL AND r.rules <> 'party')
                 OR r.type = 'bidder-key-registered' OR (r.subject = $1 AND r.sserial IS NOT NULL)
                 OR (r.type = ANY ($3) AND l.index < $4)
                 OR (r.type = 'expert-admitted' AND EXISTS (
                     SELECT 1 FROM log_record d WHERE d.tender = $1 AND d.type = 'draw-committed'))) ORDER BY l.index""",
        tender, size, list(OLDER), first,
    )  # fmt: skip
    return [Disclosed(row["index"], row["nonce"], row["record"]) for row in rows]


async def disclosed_by_closing(tender: str, first: int, size: int) -> list[Disclosed]:
    """What a closing has shown: the events of its boxes, the registrations that acted; and the older clear records."""
    rows = await pool().fetch(
        """SELECT l.index, r.nonce, r.record FROM log_record r JOIN log_leaf l ON l.record = r.id
           WHERE l.index < $2 AND ((r.type = ANY ($3) AND l.index < $4) OR r.id IN (
               SELECT d.record FROM log_disclosure d JOIN log_record c ON c.id = d.cause
               WHERE c.tender = $1 AND c.type = 'closed')) ORDER BY l.index""",
        tender, size, list(OLDER), first,
    )  # fmt: skip
    return [Disclosed(row["index"], row["nonce"], row["record"]) for row in rows]


def first_bundle(tender: str) -> int:
    """The first leaf of the bundle that holds leaf `@<size>` of the tender's id (log.md §7)."""
    return int(tender.rpartition("@")[2]) // TILE * TILE


def log_files(tree: StoredTree, first: int, size: int) -> list[tuple[str, Content]]:
    """`frontier.json` and the bundles from `first` to `size`."""
    files: list[tuple[str, Content]] = []
    for number, width in bundles(first // TILE, size):
        entries = tree.entries(number * TILE, number * TILE + width)
        files.append((entries_path(number, width), pack_entries(entries)))
    hashes, at = [], 0
    for level in range(size.bit_length(), -1, -1):  # the complete subtrees of the first `first` leaves, widest first
        if first >> level & 1:
            hashes.append(tree.node(level, at >> level).hex())
            at += 1 << level
    return [*files, ("frontier.json", canon({"size": first, "hashes": hashes}))]


def record_files(tree: StoredTree, shown: Sequence[Disclosed], note: bytes) -> list[tuple[str, Content]]:
    """`records/` and `proofs/` of these records, ending in the very bytes of `note`."""
    files: list[tuple[str, Content]] = []
    for one in shown:
        nonce = None if one.nonce is None else b64(one.nonce)
        files.append(
            (f"records/{one.index}.json", canon({"index": one.index, "nonce": nonce, "record": b64(one.record)}))
        )
        proof = TlogProof(one.index, tuple(inclusion_proof(tree, one.index, tree.size)), note)
        files.append((f"proofs/{one.index}.tlog-proof", proof.format()))
    return files
