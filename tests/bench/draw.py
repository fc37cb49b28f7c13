"""`draw`: a million experts to leaves, pool root and the first fifty of the order, s. Limit: those hashes alone.

The salts are made beforehand: how they come to be is the dispatcher's business. Goal: at most 1.5 times the limit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from experts.draw import first, leaf_of, root_of
from tests.bench import limits
from tests.bench.measure import Result, alternate

SEED = bytes(range(32))


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """Root and order of one pool."""
    size, turns = (2000, 1) if tiny else (1_000_000, 5)
    experts = [f"E{n:06}" for n in range(size)]
    salts = [sha256(expert.encode()).digest()[:16] for expert in experts]
    salted = [(salt, expert.encode()) for salt, expert in zip(salts, experts, strict=True)]

    def code() -> float:
        begun = time.perf_counter()
        leaves = list(map(leaf_of, salts, experts))
        root_of(leaves)
        assert len(first(SEED, leaves, 50)) == 50
        return time.perf_counter() - begun

    def limit() -> float:
        begun = time.perf_counter()
        limits.draw(SEED, salted)
        return time.perf_counter() - begun

    yield Result.of("draw", "s", alternate(code, limit, turns), goal=1 / 1.5, note=f"{size:,} experts, the first 50")
