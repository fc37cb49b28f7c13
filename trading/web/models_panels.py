"""What the API takes and gives of panels: requests, nonces, counts, readings of the door list (experts/draw.md).

Objects that are signed travel as base64 of their exact bytes. Nothing here has a field for who is called or who comes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from trading.web.models import Base64, BidId, Hex32, IdentityId, Model, Signature, Signatures, When

Specialty = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f{}]+$")]
Count = Annotated[int, Field(ge=1, le=99, strict=True)]
SmallObject = Annotated[Base64, StringConstraints(max_length=4000)]
Point = Annotated[Base64, StringConstraints(min_length=88, max_length=88)]


class Needed(Model):
    """So many experts of one specialty."""

    specialty: Specialty
    count: Count


class Wording(Model):
    """What a call may say besides day and hour: how long, where, who calls, whom to call back. Never what for."""

    duration: Words
    city: Words
    centre: Words
    contact: Words


class NewPanel(Model):
    """`need` ascends by specialty; `representatives`: the tenderee's own seats; `parties`: ids of identity keys.

    `region`: GB/T 2260 code of the experts' region, "" any. `special`: complex, or of great social impact. `reveal_within`:
    seconds of the log's time between the draw's commitment and the last reveal.
    """

    need: Annotated[list[Needed], Field(min_length=1, max_length=12)]
    representatives: Annotated[int, Field(ge=0, le=33, strict=True)] = 0
    meets: When
    parties: Annotated[list[IdentityId], Field(min_length=2, max_length=9)]
    wording: Wording
    region: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,12}$")] = ""
    special: bool = False
    reveal_within: Annotated[int, Field(ge=1, le=10**9, strict=True)] | None = None


class Unread(Model):
    """A rule about the hour of a draw that nobody has read in its own text: told, never blocking."""

    rule: str
    article: str
    zh: str
    en: str


class Convened(Model):
    """`after_opening`: it is drawn once the list of bids is closed, not before."""

    record: Hex32
    type: str
    draw: BidId
    members: int
    after_opening: bool
    unchecked: list[Unread]


class Panel(Model):
    """Counts, and never who. Whatever has happened, these members stand here, and the answer has one size."""

    draw: BidId
    replaces: BidId | None
    state: Literal["requested", "committed", "calling", "seated", "exhausted", "over"]
    attempt: int
    need: list[Needed]
    needed: int
    representatives: int
    region: str
    parties: list[str]
    committed: int
    revealed: int
    accepted: int
    checked_in: int
    after_opening: bool
    approval_wanted: bool
    meets: datetime
    asked_at: datetime
    reveal_by: datetime | None
    seated_at: datetime | None


class SignedObject(Model):
    """A party's `trading.draw-nonce/v1` object and its one signature."""

    object: SmallObject
    sig: Signatures


class Draw(Model):
    """An attempt that waits for a party: a hint where to look, nothing more."""

    tender: str
    draw: BidId
    attempt: int
    reveal_by: datetime
    parties: list[str]


class Draws(Model):
    items: list[Draw]


class PanelDraft(Model):
    """`draft`: the record-to-be that an authority approves; signed over the record-sig bytes (log.md §1)."""

    attempt: int
    draft: Base64


class Approval(Model):
    sig: Signatures


class PanelApproved(Model):
    attempt: int


class NewReading(Model):
    """`key`: a P-256 point (65 bytes), made for this reading. `approvals`: two keys of different kinds, while not all are
    seated."""

    key: Point
    approvals: Annotated[list[Signature], Field(default_factory=list, max_length=16)]


class Reading(Model):
    """`sealed`: the list, for the key it was asked with (HPKE, base mode; null until it is there). One size, either way."""

    id: BidId
    draw: BidId
    ground: Literal["seated", "two_keys"]
    asked_at: datetime
    answered_at: datetime | None
    sealed: Base64 | None


class PanelSeat(Model):
    """Under which leaf somebody sits: a salted hash, for the authority that signs a removal. No name."""

    draw: BidId
    attempt: int
    seat: int
    leaf: Hex32
    specialty: str


class NewRemoval(Model):
    """`sig`: the authority `by`'s, over the record-sig bytes of the `draw-called` that follows."""

    leaf: Hex32
    outcome: Literal["removed", "conflict"]
    by: IdentityId
    sig: Signatures


class ExpertShare(Model):
    """An expert, by id of the roster, beside expectation: `low` … `high` is the central band of 95 % or more."""

    expert: str
    pools: int
    expected: float
    observed: int
    low: int
    high: int
    p: float
    inside: bool


class MetOften(Model):
    """An expert and a bidder together in more tenders than chance explains."""

    expert: str
    bidder: str
    together: int
    expected: float
    p: float


class Fairness(Model):
    """`often`: experts drawn more often than chance explains, however many were looked at. No number accuses anybody."""

    draws: int
    experts: list[ExpertShare]
    often: list[str]
    pairs: list[MetOften]


class PanelMember(Model):
    seat: int
    name: str


class PanelMembers(Model):
    items: list[PanelMember]
