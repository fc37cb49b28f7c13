"""What the files of a disclosed draw say of chance: who could be called, whom the order put first, who sat. Pure.

    told = read(tender, files)            the files of one attempt, as `experts/disclosure.py` gives them
    told.drawn                            for experts/fairness.py: the first places of each specialty, as many as seats

The first places hang on nobody's answer, so their chance is exact. Experts are ids of the roster, never names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from audit.canon import parse_object, unb64
from experts.draw import draw_ctx, order, parts_of, queues_of, read_need, read_said, seed_of
from experts.fairness import Drawn

OWED: Final = frozenset({"commit.json", "nonces.json", "secret.json", "leaves.json", "calls.json", "names.json"})
"""The files of an attempt that was called, for the supervision edition (draw.md §4)."""


@dataclass(frozen=True)
class Told:
    """One draw of a tender: its pools with whom the order put first, and the ids of those who sat."""

    tender: str
    drawn: tuple[Drawn, ...]
    seated: frozenset[str]


def read(tender: str, files: Mapping[str, bytes]) -> Told:
    """The draw that these files recompute. Raises KeyError or ValueError for files of no called attempt."""
    commit = parse_object(files["commit.json"])
    ids = {
        bytes.fromhex(row["leaf"]): row["expert"]
        for row in parse_object(files["names.json"])["roster"]
        if row["excluded"] is None
    }
    leaves = {
        bytes.fromhex(row["leaf"]): tuple(row["specialties"]) for row in parse_object(files["leaves.json"])["leaves"]
    }
    nonces = [_nonce(one) for one in sorted(parse_object(files["nonces.json"])["nonces"], key=lambda one: one["i"])]
    secret = bytes.fromhex(parse_object(files["secret.json"])["secret"])
    need = read_need(commit["need"])
    seed = seed_of(draw_ctx(commit["draw"], tender), secret, nonces, bytes.fromhex(commit["pool_root"]))
    parts = parts_of(leaves, need)
    queues = queues_of(order(seed, leaves), parts)
    drawn = []
    for one in need:
        queue = queues.get(one.specialty, [])
        pool = frozenset(ids[leaf] for leaf in queue)
        drawn.append(Drawn(pool, frozenset(ids[leaf] for leaf in queue[: one.count])))
    calls = parse_object(files["calls.json"])["calls"]
    seated = frozenset(ids[bytes.fromhex(row["leaf"])] for row in calls if row["outcome"] == "seated")
    return Told(tender, tuple(drawn), seated)


def _nonce(one: Mapping[str, Any]) -> bytes:
    return read_said(unb64(one["reveal"]), reveals=True).value
