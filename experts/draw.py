"""The draw: draw.md §1, §2, as values and bytes. Pure; the dispatcher, the parties' tools and `verify` run the same.

    ctx = draw_ctx(draw, tender)
    leaves = {leaf_of(salt_of(salts, expert), expert): ("civil",) for expert in pool}
    seed = seed_of(ctx, secret, nonces, root_of(leaves))
    queues = queues_of(order(seed, leaves), parts_of(leaves, need))

Nobody steers it: the dispatcher is bound to pool and secret before the parties choose their nonces, and they to their
nonces before anybody reveals. Nothing here draws chance by itself.
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from audit import wire
from audit.canon import canon, lp4, u8
from audit.merkle import root
from audit.refusal import Broken

DRAW: Final = "trading.draw/v1"
NONCE: Final = "trading.draw-nonce/v1"
SIGNED: Final = b"trading/draw-nonce/v1\n"
"""What stands before a nonce object when it is signed."""
SALT: Final = 16
SECRET: Final = 32
"""Bytes of a secret, and of a nonce."""
LARGEST_ID: Final = 64

_COMMIT = b"trading/draw-commit/v1\0"
_NONCE_COMMIT = b"trading/draw-nonce/v1\0"
_SCORE = b"trading/score/v1\0"
_leaf = hashlib.sha256(b"\x00trading/expert/v1\0")


@dataclass(frozen=True)
class Need:
    """So many seats of one specialty. `specialty`: `[a-z0-9_]+`; `count`: at least 1."""

    specialty: str
    count: int


def read_need(value: Any) -> tuple[Need, ...]:
    """The `need` of a record: ascending by specialty, each once. Raises ValueError."""
    item = {"specialty": wire.name, "count": wire.integer(1)}
    need = tuple(Need(**one) for one in wire.listed(wire.nested(item))(value))
    names = [one.specialty for one in need]
    if not need or names != sorted(set(names)):
        raise ValueError("not ascending, each once")
    return need


def told(need: Iterable[Need]) -> list[dict[str, Any]]:
    """As it stands in records."""
    return [{"specialty": one.specialty, "count": one.count} for one in need]


# --------------------------------------------------------------------------------------------------------------- the pool


def is_expert_id(text: Any) -> bool:
    """1 to 64 bytes of UTF-8 (draw.md §1)."""
    return isinstance(text, str) and 1 <= len(text.encode("utf-8", "replace")) <= LARGEST_ID


def salt_of(salts: bytes, expert: str) -> bytes:
    """The salt of an expert in one draw, from the 32 random bytes of the draw: one shown tells nothing of another."""
    return hmac.digest(salts, b"salt\0" + expert.encode(), "sha256")[:SALT]


def leaf_of(salt: bytes, expert: str) -> bytes:
    """SHA-256(00 || "trading/expert/v1\\0" || salt16 || expert)."""
    state = _leaf.copy()
    state.update(salt + expert.encode())
    return state.digest()


def root_of(leaves: Collection[bytes]) -> bytes:
    """The RFC 6962 root over the sorted leaves. Broken("D-LEAF-TWICE") where two are the same."""
    ranked = sorted(leaves)
    if any(one == other for one, other in pairwise(ranked)):
        raise Broken("D-LEAF-TWICE")
    return root(ranked)


def leaves_file(leaves: Mapping[bytes, Sequence[str]]) -> bytes:
    """`leaves.json`: every leaf of the pool with the needed specialties it is eligible for."""
    rows = [{"leaf": leaf.hex(), "specialties": sorted(leaves[leaf])} for leaf in sorted(leaves)]
    return canon({"leaves": rows})


# ------------------------------------------------------------------------------------------------------ commit and reveal


def draw_ctx(draw: str, tender: str) -> bytes:
    """What every commitment of a draw is bound to."""
    return canon({"draw": draw, "tender": tender, "type": DRAW})


def secret_commit(ctx: bytes, secret: bytes) -> bytes:
    """The dispatcher's commitment to its secret."""
    return hashlib.sha256(_COMMIT + lp4(ctx) + lp4(secret)).digest()


def nonce_commit(ctx: bytes, i: int, nonce: bytes) -> bytes:
    """Party i's commitment to its nonce."""
    return hashlib.sha256(_NONCE_COMMIT + lp4(ctx) + u8(i) + lp4(nonce)).digest()


def score_commit(ctx: bytes, seat: int, nonce: bytes, sheet: bytes) -> bytes:
    """A seat's commitment to its score sheet (draw.md §2.6)."""
    return hashlib.sha256(_SCORE + lp4(ctx) + u8(seat) + lp4(nonce) + lp4(sheet)).digest()


@dataclass(frozen=True)
class Said:
    """What a party signs: its commitment or, later, its nonce. `value`: 32 bytes; `draw_record`: hex."""

    draw: str
    tender: str
    attempt: int
    i: int
    draw_record: str
    value: bytes
    reveals: bool

    @property
    def data(self) -> bytes:
        """The canonical bytes."""
        return canon(
            {
                "type": NONCE,
                "draw": self.draw,
                "tender": self.tender,
                "attempt": self.attempt,
                "i": self.i,
                "draw_record": self.draw_record,
                "nonce" if self.reveals else "commit": self.value.hex(),
            }
        )

    @property
    def signed(self) -> bytes:
        """The bytes that are signed."""
        return SIGNED + self.data


def read_said(data: bytes, *, reveals: bool) -> Said:
    """A nonce object as it came, canonical and whole. Raises `audit.wire.Malformed`."""
    field = "nonce" if reveals else "commit"
    readers: dict[str, wire.Reader] = {
        "draw": wire.hexadecimal(16),
        "tender": wire.text,
        "attempt": wire.integer(1),
        "i": wire.integer(1),
        "draw_record": wire.HASH,
        field: wire.hexadecimal(SECRET),
    }
    found = wire.read(data, NONCE, readers)
    value = bytes.fromhex(found.pop(field))
    return Said(**found, value=value, reveals=reveals)


def seed_of(ctx: bytes, secret: bytes, nonces: Sequence[bytes], pool_root: bytes) -> bytes:
    """The seed. `nonces` in the order of the parties. Broken("D-NO-NONCE") without any."""
    if not nonces:
        raise Broken("D-NO-NONCE")
    key = b"".join(lp4(part) for part in (secret, *nonces, pool_root))
    prk = hmac.digest(b"trading/draw/v1", key, "sha256")
    return hmac.digest(prk, b"seed\0" + lp4(ctx) + b"\x01", "sha256")


# -------------------------------------------------------------------------------------------------------------- the order


def rank(seed: bytes, leaf: bytes) -> bytes:
    """HMAC-SHA256(seed, leaf)."""
    return hmac.digest(seed, leaf, "sha256")


def order(seed: bytes, leaves: Iterable[bytes]) -> list[bytes]:
    """The whole pool, ascending by (rank, leaf)."""
    return [leaf for _, leaf in sorted((hmac.digest(seed, leaf, "sha256"), leaf) for leaf in leaves)]


def first(seed: bytes, leaves: Iterable[bytes], count: int) -> list[bytes]:
    """The first of that order, without sorting the rest."""
    ranked = ((hmac.digest(seed, leaf, "sha256"), leaf) for leaf in leaves)
    return [leaf for _, leaf in heapq.nsmallest(count, ranked)]


def parts_of(leaves: Mapping[bytes, Collection[str]], need: Iterable[Need]) -> dict[bytes, str]:
    """For which needed specialty each leaf counts: of several the one with the fewest leaves, ties by its name's bytes."""
    needed = [one.specialty for one in need]
    sizes = {name: sum(name in specialties for specialties in leaves.values()) for name in needed}
    first_choice = sorted(needed, key=lambda name: (sizes[name], name))  # [a-z0-9_]+ sorts as its bytes do
    parts = {}
    for leaf, specialties in leaves.items():
        for name in first_choice:
            if name in specialties:
                parts[leaf] = name
                break
    return parts


def queues_of(ranked: Iterable[bytes], parts: Mapping[bytes, str]) -> dict[str, list[bytes]]:
    """The one order, filtered by specialty: in each the leaves in the order in which they are called."""
    queues: dict[str, list[bytes]] = {}
    for leaf in ranked:
        if leaf in parts:
            queues.setdefault(parts[leaf], []).append(leaf)
    return queues


def rank_experts(seed: bytes, salted: Iterable[tuple[bytes, str]]) -> list[tuple[bytes, str]]:
    """(leaf, expert) of (salt, expert), in the order of the draw: for whoever checks by hand."""
    leaves = [(leaf_of(salt, expert), expert) for salt, expert in salted]
    return sorted(leaves, key=lambda one: (rank(seed, one[0]), one[0]))
