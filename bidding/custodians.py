"""Custodians: enrol, rehearse, key sets, kits, releases (envelope.md §2, §6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.act import Act, RecordRef
from audit.trust import Identities
from bidding.store import Store

Sig = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Challenge:
    """A rehearsal to answer: 32 bytes, and r sealed to the statement's key (enc || ct)."""

    challenge: bytes
    sealed: bytes


@dataclass(frozen=True)
class Statement:
    """A registered statement. `sha` is the SHA-256 (hex) of its bytes."""

    sha: str
    custodian: str
    name: str
    pub: bytes
    valid_from: datetime
    valid_to: datetime
    tender: str | None
    rehearsed: bool
    statement: bytes
    sig: Sig


async def enrol(act: Act, *, statement: bytes, sig: Sig, identities: Identities, origin: str) -> RecordRef:
    """Register a custodian's encryption key. Records `custodian-key-registered`.

    Refused: E-CANON, E-CONTEXT (origin), E-IDENTITY, E-SIG, E-PUB (not on the curve), E-PUB-TWICE (one custodian only).
    """
    raise RuntimeError


async def challenge(sha: str) -> Challenge:
    """Draw a rehearsal for a statement (no act: it says nothing about anybody). Refused: E-STATEMENT."""
    raise RuntimeError


async def rehearse(act: Act, *, sha: str, challenge: bytes, proof: bytes, sig: Sig, identities: Identities) -> RecordRef:
    """Take the answer to a challenge. Records `rehearsed`. Refused: E-REHEARSAL, E-SIG, E-IDENTITY."""
    raise RuntimeError


async def statements(*, custodian: str | None = None) -> list[Statement]:
    """Registered statements, oldest first."""
    return []


async def build_keyset(*, tender: str, stage: str, k: int, opens_at: datetime, statements: Sequence[str], origin: str) -> bytes:
    """Key set bytes of rehearsed statements (by sha), in the order given. Refused: E-KEYSET."""
    raise RuntimeError


async def make_keyset(act: Act, *, tender: str, stage: str, keyset: bytes, origin: str) -> str:
    """Make a key set, once per (tender, stage). Records `keyset-made`; gives its id. Refused: E-KEYSET."""
    raise RuntimeError


async def kit(store: Store, tender: str, stage: str) -> list[tuple[str, bytes | Path]]:
    """The bidding part of a custodian's kit (§6.2) in archive layout, sorted by path.

    Key set, statements, every manifest of the box with its signatures, withdrawals, registrations and, in
    stage `form`, every listed payload. The log's part (bundles, proofs, records, checkpoint) comes from audit.
    """
    return []


async def due(custodian: str) -> list[tuple[str, str]]:
    """(tender, stage) of closed boxes that open and that this custodian has not released yet."""
    return []


async def take_release(act: Act, *, tender: str, stage: str, release: bytes, sig: Sig, identities: Identities) -> RecordRef:
    """Take a custodian's release. Records `released`.

    Refused: E-CANON, E-CONTEXT, E-IDENTITY, E-SIG, E-LIST (shares are not exactly the list), E-HOUR, E-RELEASED
    (another release of this custodian is there; the same bytes again are answered with `E-REPEATED`).
    """
    raise RuntimeError


async def stored(act: Act, *, tender: str, stage: str, missing: Sequence[str]) -> RecordRef:
    """The supervisor's store holds this stage's payloads but for `missing` (bids). Records `stored`."""
    raise RuntimeError


async def end_window(act: Act, *, tender: str, stage: str, missing: Sequence[int], sig: Sig, identities: Identities) -> RecordRef:
    """Two authorities say that these custodians (indexes) can release no more. Records `window-ended`."""
    raise RuntimeError


async def settle(act: Act, *, tender: str, stage: str, admitted: Sequence[str], sheets: str, sig: Sig, identities: Identities) -> RecordRef:
    """A later stage may be released for `admitted` bids. Records `stage-settled`."""
    raise RuntimeError
