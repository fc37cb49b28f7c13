"""Keys of bidders: who may sign, and on whose word (envelope.md §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.act import Act, RecordRef
from audit.trust import Parties


@dataclass(frozen=True)
class Registration:
    """A registered key. `sha` is the SHA-256 (hex) of the registration's bytes."""

    sha: str
    bidder: str
    alg: str
    key: bytes
    vouched: bool  # a ca or an authority stands at the root
    registration: bytes
    sig: Sequence[Mapping[str, Any]]


async def register(
    act: Act, *, bidder: str, registration: bytes, sig: Sequence[Mapping[str, Any]], parties: Parties, origin: str
) -> RecordRef:
    """Register a bidder's signing key. Records `bidder-key-registered`.

    Refused: E-CANON, E-CONTEXT (origin, bidder), E-SIG, E-SIGNER (what `by` names did not sign, or is not
    known), E-CHAIN (certificate), E-KEY-TWICE (one registration per bidder and key).
    """
    raise RuntimeError


async def registered(bidder: str) -> list[Registration]:
    """All keys registered under a bidder's name, oldest first: the bidder's tool shows them at every sign-in."""
    return []


async def chain(sha: str) -> list[Registration]:
    """A registration and those it leans on, up to its root."""
    return []
