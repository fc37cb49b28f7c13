"""What bidders register, upload, deposit and withdraw (envelope.md §5), as the interface takes and gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from trading.web.models import Base64, Hex32, Model, ShortId, Signatures, StageName


class NewRegistration(Model):
    """A bidder key, envelope.md §5."""

    registration: Base64
    sig: Signatures


class NewUpload(Model):
    """`size` of the payload in bytes, 72 + 65,600·m (envelope.md §3); what it is for is said when the bid is handed in."""

    size: Annotated[int, Field(ge=65_672, le=2**40)]


class Upload(Model):
    """`missing`: numbers of the 1 MiB segments not yet held, ascending, at most 1000; `root` once all are held."""

    id: str
    size: int
    segment: int
    segments: int
    held: int
    missing: list[int]
    complete: bool
    root: Hex32 | None = None


class StageDeposit(Model):
    manifest: Base64
    sig: Signatures
    upload: ShortId


class NewBid(Model):
    stages: Annotated[dict[StageName, StageDeposit], Field(min_length=1, max_length=4)]


class NewWithdrawal(Model):
    withdrawal: Base64
    sig: Signatures


class OwnDeposit(Model):
    """`stale`: it answers an older document set than the newest. It stays valid; whether to replace it is the bidder's
    choice, and nobody else is told."""

    tender: str
    bid: str
    stage: str
    seq: int
    manifest: Hex32
    received_at: datetime
    state: str
    stale: bool


class OwnDeposits(Model):
    items: list[OwnDeposit]
