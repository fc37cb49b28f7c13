"""What custodians register, rehearse and release (envelope.md §2, §6), as the interface takes and gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from trading.web.models import Base64, Hex32, Model, Signatures, StageName


class NewStatement(Model):
    statement: Base64
    sig: Signatures


class Statement(Model):
    statement: Hex32
    custodian: str
    rehearsed: bool


class Challenge(Model):
    """`sealed` = enc || ct, HPKE to the statement's key with the rehearsal info (envelope.md §2)."""

    statement: Hex32
    challenge: Hex32
    sealed: Base64


class NewRehearsal(Model):
    challenge: Hex32
    proof: Hex32
    sig: Signatures


class CustodyItem(Model):
    """`state`: waiting (before the hour) | due | released | shut (never opens)."""

    tender: str
    stage: str
    keyset: Hex32
    i: int
    opens_at: datetime
    hour: datetime
    state: Literal["waiting", "due", "released", "shut"]


class Custody(Model):
    items: list[CustodyItem]


class NewRelease(Model):
    stage: StageName
    release: Base64
    sig: Signatures
