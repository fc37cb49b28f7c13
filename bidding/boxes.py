"""Sealed boxes: made, filled, emptied by their bidders, closed for ever (envelope.md §5–§6).

One box family per tender: one row, one deadline, and a key set per stage. A late bid cannot exist,
whoever writes: the deposit row carries the box's deadline by a foreign key and is checked against it.

    make      at the announcement
    deposit   one request of one bid: a manifest for each stage (later: any subset)
    withdraw  the whole bid
    refuse    record what was refused, in an act of its own, because the deposit's act has rolled back
    close     at the hour: the list, for ever

How a use case hands in a bid, and gets a receipt or a signed refusal in the same request:

    try:
        async with acting(actor, clock=False) as act:
            deposits = await boxes.deposit(act, tender=…, bidder=…, bid=…, stages=…)
    except Refused as no:
        if await boxes.to_be_recorded(no):          # counts it; True: after E-SIG, at most 20 an hour
            async with acting(actor) as act:
                ref = await boxes.refuse(act, no)
        …
    await boxes.erase_due(store)                    # superseded payloads, at once after the commit
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.act import Act, RecordRef
from audit.refusal import Refused
from bidding.store import Store


@dataclass(frozen=True)
class Submission:
    """What a bidder hands in for one stage: manifest bytes, its `sig.json` array, and the upload of its payload."""

    manifest: bytes
    sig: Sequence[Mapping[str, Any]]
    upload: str


@dataclass(frozen=True)
class Deposit:
    """A deposited envelope. `record` is complete (id) when the act has committed."""

    stage: str
    seq: int
    manifest: str  # SHA-256 hex
    received_at: datetime
    record: RecordRef


@dataclass(frozen=True)
class Closing:
    """One stage's closing (envelope.md §6.1)."""

    stage: str
    keyset: str
    count: int
    list_root: str
    events: int
    events_root: str
    opens: bool
    reason: str
    record: RecordRef


async def make(
    act: Act,
    *,
    tender: str,
    keysets: Mapping[str, str],
    deadline: datetime,
    min_bids: int,
    unvouched: Sequence[str] = (),
    opening_schema: Mapping[str, Any],
    public_stages: Sequence[str] = ("form",),
) -> None:
    """Make the box of `tender` with a made key set (id, hex) for each stage.

    Records nothing: the announcement that names the key sets is the record. Refused: E-KEYSET.
    """


async def deposit(
    act: Act, *, tender: str, bidder: str, bid: str, stages: Mapping[str, Submission]
) -> list[Deposit]:
    """Take one request of a bid, all its stages or none. Records `deposited` (and `erased` for what it replaces).

    Refused, in this order: E-LATE, E-STAGES, E-CANON, E-CONTEXT, E-BOXES, E-SIGNER, E-SIG, E-SEQ, E-TWICE,
    E-DUPHEAD, E-PAYLOAD.
    """
    return []


async def withdraw(act: Act, *, tender: str, bidder: str, withdrawal: bytes, sig: Sequence[Mapping[str, Any]]) -> RecordRef:
    """Withdraw a whole bid before the deadline. Refused: E-LATE, E-CANON, E-CONTEXT, E-SIGNER, E-SIG, E-SEQ."""
    raise RuntimeError


async def to_be_recorded(no: Refused) -> bool:
    """Count a refusal of deposit or withdraw (in a transaction of its own); whether it is to be recorded."""
    return False


async def refuse(act: Act, no: Refused) -> RecordRef:
    """Record a refusal; its promise and nonce make the signed refusal (envelope.md §5)."""
    raise RuntimeError


async def move_deadline(
    act: Act, *, tender: str, deadline: datetime, reason: str,
    outage: Mapping[str, Any] | None = None, sig: Sequence[Mapping[str, Any]] | None = None,
) -> RecordRef:
    """Move the deadline later (log.md §5). Refused: E-LATE (passed, and no outage), E-EARLIER, E-CLOSED."""
    raise RuntimeError


async def close(act: Act, *, tender: str) -> list[Closing]:
    """Close every stage of the tender, once and for ever, and disclose what that ends the secrecy of.

    Refused: E-EARLY (before the deadline), E-CLOSED.
    """
    return []


async def erase_due(store: Store) -> int:
    """Erase superseded and withdrawn payloads that are still on the disk; their number. Also for a timer."""
    return 0
