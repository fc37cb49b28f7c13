"""`verify_log`: a log of a million entries replayed from its bundles on the disk, entries/s. Limit: SHA-256 of its tree.

Every eighth entry is a marker, every sixteenth a clear record, the others are covers or blinded: a beat of eight leaves
with one public record in every other, which is a busy log.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from audit.canon import canon
from audit.merkle import TILE, Frontier, bundles, entries_path, pack_entries
from audit.record import entry_clear, entry_cover, entry_marker
from audit.replay import replay
from tests.bench import limits
from tests.bench.measure import Result, alternate

RECORD = {
    "type": "trading.released/v1", "subject": "t-1@8", "tender": "t-1@8", "stage": "form", "i": 1,
    "actor": {"kind": "custodian", "id": "C-SUP"}, "time": "2026-03-02T01:00:00.000000Z",
    "release": "0" * 64, "sig_hash": "0" * 64, "serial": 1,
}  # fmt: skip


def entry(index: int) -> bytes:
    """Leaf `index` of the log."""
    if index == 0:
        return entry_clear(canon({**RECORD, "type": "trading.log-opened/v1"}))
    if index % 8 == 0:
        return entry_marker(index // 8)
    return entry_clear(canon({**RECORD, "serial": index})) if index % 16 == 5 else entry_cover()


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """One file a bundle, as they are published."""
    size, turns = (3000, 1) if tiny else (1_000_000, 5)
    entries = [entry(index) for index in range(size)]
    paths: list[tuple[Path, int]] = []
    for number, width in bundles(0, size):
        path = folder / entries_path(number, width)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack_entries(entries[number * TILE : number * TILE + width]))
        paths.append((path, width))
    root = limits.tree_hash(entries)

    def code() -> float:
        begun = time.perf_counter()
        stream = ((os.fspath(path), width, path.read_bytes()) for path, width in paths)
        tree = replay(stream, Frontier(), size, {size})
        took = time.perf_counter() - begun
        assert tree.roots[size] == root
        return size / took

    def limit() -> float:
        begun = time.perf_counter()
        limits.tree_hash(entries)
        return size / (time.perf_counter() - begun)

    yield Result.of("verify_log", "1/s", alternate(code, limit, turns, warm=tiny), 0.5)
