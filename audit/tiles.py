"""The tree as others fetch it: tiles, entry bundles, proofs and notes, read from the database; and their files on disk.

The database holds the leaves and, for every full tile, its root one level up (`log_node`); everything here is computed
from these rows. The files under `<data>/log/` are not trusted by anybody, us included: they are written for whoever
fetches them, never read back, and made anew from the rows where no checkpoint is published.

Every function takes `db`, a raw asyncpg connection or pool.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from audit.canon import unb64
from audit.checkpoint import Checkpoint, TlogProof
from audit.logkey import sync_path
from audit.merkle import (
    HEIGHT,
    TILE,
    Tiles,
    consistency_proof,
    entries_path,
    inclusion_proof,
    pack_entries,
    tile_path,
    tile_width,
)
from audit.refusal import Broken, Refused
from audit.trust import Policy

CHUNK = 64  # tiles written in one go

Value = TypeVar("Value")


async def tile(db: Any, level: int, number: int, width: int = TILE) -> bytes:
    """A tile's bytes, 32 a hash. Broken("L-TILE") when the database does not hold `width` hashes of it."""
    first = number * TILE
    if level == 0:
        rows = await db.fetch(
            "SELECT leaf_hash AS hash FROM log_leaf WHERE index >= $1 AND index < $2 ORDER BY index",
            first,
            first + width,
        )
    else:
        rows = await db.fetch(
            "SELECT hash FROM log_node WHERE level = $1 AND index >= $2 AND index < $3 ORDER BY index",
            level,
            first,
            first + width,
        )
    if len(rows) != width:
        raise Broken("L-TILE", level=level, number=number, hashes=len(rows))
    return b"".join(row["hash"] for row in rows)


async def bundle(db: Any, number: int, width: int = TILE) -> bytes:
    """An entry bundle. Broken("L-TILE") when there are fewer entries."""
    rows = await db.fetch(
        "SELECT entry FROM log_leaf WHERE index >= $1 AND index < $2 ORDER BY index",
        number * TILE,
        number * TILE + width,
    )
    if len(rows) != width:
        raise Broken("L-TILE", level=-1, number=number, hashes=len(rows))
    return pack_entries(row["entry"] for row in rows)


async def inclusion(db: Any, index: int, size: int) -> list[bytes]:
    """The inclusion proof of leaf `index` in the tree of `size` leaves (log.md §4)."""
    return await _proved(db, size, lambda reader: inclusion_proof(reader, index, size))


async def consistency(db: Any, old: int, size: int) -> list[bytes]:
    """The consistency proof between two sizes."""
    return await _proved(db, size, lambda reader: consistency_proof(reader, old, size))


async def _proved(db: Any, size: int, proof: Callable[[Tiles], Value]) -> Value:
    """Run a proof, fetching each tile it asks for: at most a few, whatever the size of the tree."""
    held: dict[tuple[int, int], bytes] = {}

    class Wanted(Exception):
        pass

    def fetch(level: int, number: int, width: int) -> bytes:
        if (level, number) not in held:
            raise Wanted(level, number, width)
        return held[level, number]

    while True:
        try:
            return proof(Tiles(size, fetch))
        except Wanted as wanted:
            level, number, width = wanted.args
            held[level, number] = await tile(db, level, number, width)


async def checkpoint_at(db: Any, origin: str, size: int) -> Checkpoint:
    """The committed checkpoint of this size. Broken("L-SIZE") when no beat ended there."""
    root = await db.fetchval("SELECT root FROM log_checkpoint WHERE size = $1", size)
    if root is None:
        raise Broken("L-SIZE", size=size)
    return Checkpoint(origin, size, root)


async def note(db: Any, origin: str, size: int) -> bytes:
    """The signed note of this size with all cosignatures there are. Broken("L-SIZE"), Broken("L-UNSIGNED")."""
    checkpoint = await checkpoint_at(db, origin, size)
    rows = await db.fetch("SELECT line FROM log_cosignature WHERE size = $1 ORDER BY timestamp NULLS FIRST, id", size)
    if not rows:
        raise Broken("L-UNSIGNED", size=size)
    return checkpoint.body() + b"\n" + "".join(row["line"] for row in rows).encode()


async def quorate(db: Any, policy: Policy, least: int = 0) -> int:
    """The newest size whose checkpoint has the quorum of this policy, at least `least`. Refused("E-PENDING")."""
    below = 1 << 62
    while rows := await db.fetch(_NAMED, least, below):
        for row in rows:
            if policy.origin in row["names"] and policy.met([n for n in row["names"] if n in policy.witnesses]):
                return int(row["size"])
        below = rows[-1]["size"]
    raise Refused("E-PENDING", size=least)


_NAMED = """
SELECT c.size, ARRAY(SELECT s.name::text FROM log_cosignature s WHERE s.size = c.size) AS names
FROM log_checkpoint c WHERE c.size >= $1 AND c.size < $2 ORDER BY c.size DESC LIMIT 64"""


async def proof(db: Any, policy: Policy, record: int) -> TlogProof:
    """The proof for a record (its row id) under the newest checkpoint with quorum. Refused("E-PENDING") before that."""
    index = await db.fetchval("SELECT index FROM log_leaf WHERE record = $1", record)
    if index is None:
        raise Refused("E-PENDING", record=record)
    return await proof_at(db, policy, index)


async def proof_at(db: Any, policy: Policy, index: int) -> TlogProof:
    """The proof for the leaf `index`, likewise."""
    size = await quorate(db, policy, index + 1)
    return TlogProof(index, tuple(await inclusion(db, index, size)), await note(db, policy.origin, size))


class Published:
    """The directory that is served: `checkpoint` and `tile/…`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._seen: tuple[tuple[int, int], int] = ((0, 0), 0)

    def size(self) -> int:
        """The size of the published checkpoint; 0 when there is none (or none that reads)."""
        path = self.directory / "checkpoint"
        try:
            stat = path.stat()
            version = (stat.st_ino, stat.st_mtime_ns)
            if self._seen[0] != version:  # asked for every reader and listener: a stat is all it costs them
                lines = path.read_bytes().split(b"\n", 3)
                unb64(lines[2].decode(), 32)
                self._seen = (version, int(lines[1]))
            return self._seen[1]
        except (OSError, IndexError, ValueError):
            return 0

    async def write(self, db: Any, old: int, size: int) -> None:
        """Write what the tree of `size` leaves has and that of `old` had not. A crash here leaves files too many."""
        for first in range(old // TILE, -(-size // TILE), CHUNK):
            rows = await db.fetch(
                "SELECT entry, leaf_hash FROM log_leaf WHERE index >= $1 AND index < $2 ORDER BY index",
                first * TILE,
                min(size, (first + CHUNK) * TILE),
            )
            files = []
            for at in range(0, len(rows), TILE):
                part, number = rows[at : at + TILE], first + at // TILE
                files.append((entries_path(number, len(part)), pack_entries(row["entry"] for row in part)))
                files.append((tile_path(0, number, len(part)), b"".join(row["leaf_hash"] for row in part)))
            await asyncio.to_thread(self._put, files)
        level = 1
        while size >> (HEIGHT * level):
            files = []
            number = (old >> (HEIGHT * level)) // TILE
            while width := tile_width(size, level, number):
                files.append((tile_path(level, number, width), await tile(db, level, number, width)))
                number += 1
            await asyncio.to_thread(self._put, files)
            level += 1

    async def announce(self, signed: bytes) -> None:
        """Publish a checkpoint: the last step, when everything it speaks of is on the disk."""
        await asyncio.to_thread(self._put, [("checkpoint", signed)])

    def _put(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Each file whole or not at all (temp, fsync, rename), all on the disk on return."""
        paths = [self.directory / name for name, _ in files]
        for directory in {path.parent for path in paths}:
            directory.mkdir(parents=True, exist_ok=True)
        if len(files) > 4:
            with ThreadPoolExecutor(4) as threads:  # syncing waits for the disk, not for us
                list(threads.map(_write, paths, (data for _, data in files)))
        else:
            for path, (_, data) in zip(paths, files, strict=True):
                _write(path, data)
        for directory in {path.parent for path in paths}:
            sync_path(directory)
        for path in paths:  # C2SP tlog-tiles: partial tiles may go once the full one is there
            shutil.rmtree(path.with_name(path.name + ".p"), ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)
