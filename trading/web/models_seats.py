"""What the API takes and gives at an expert's desk: check-in, declaration, bids, scores, report; and who attended.

Members stand under seat numbers; names and numbers of people are in none of these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from trading.web.models import Base64, BidId, Fen, Hex32, Model, Recorded, Signatures
from trading.web.models_procedure import CriterionId, Points, SheetRow, Words

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Draw = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Seat = Annotated[int, Field(ge=1, le=99, strict=True)]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,4}$")]
Share = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,3}\.[0-9]{2}$")]
DRAFT = 349_528
"""Characters of base64 that hold 256 KiB."""


class NewCheckIn(Model):
    """`key`: the seat's new Ed25519 key; `sig`: by it, over "trading/check-in/v1\\n" and canonical {"code","key"}."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[\x20-\x7e]+$")]
    key: Key
    sig: Signatures


class CheckedIn(Model):
    """`token` is shown in this answer only; `leaf` null: a representative of the tenderee."""

    tender: str
    draw: Draw
    attempt: int
    seat: int
    leaf: Hex32 | None
    token: str


class NewInvitation(Model):
    """`seat` null: the lowest that has no code yet; a number: a new code, and whoever sat there is replaced."""

    seat: Seat | None = None


class Invitation(Model):
    """`code` is shown in this answer only."""

    seat: int
    code: str


class Parties(Model):
    tenderee: str
    agency: str | None
    bidders: list[str]


class Rated(Model):
    """`most`: points, or units where `found` (an adjustment)."""

    id: str
    most: str
    found: bool


class Desk(Model):
    """`replaces`: what the seat's next sheet names; `round` and `asking`: of extensions. `parties.bidders` once opened."""

    tender: str
    draw: Draw
    attempt: int
    seat: int
    leaf: Hex32 | None
    state: str
    blind: bool
    method: str
    now: datetime
    parties: Parties
    rated: list[Rated]
    meets: datetime
    due: datetime | None
    seats: int
    present: int
    seated: bool
    declared: bool
    committed: int
    revealed: int
    commit: Hex32 | None
    replaces: Hex32 | None
    round: int
    asking: int


class NewDeclaration(Model):
    """`sig`: by the seat's key over the record-sig bytes of `conflict-declared` (log.md §1)."""

    conflict: Annotated[bool, Field(strict=True)]
    sig: Signatures


class NewSignature(Model):
    sig: Signatures


class TimeAsked(Recorded):
    extended: bool


class Document(Model):
    n: int
    name: str
    size: int
    media: str
    sha256: Hex32 | None


class PanelBid(Model):
    """Where the notice says `blind`, names and ids are null, and `opening` until the seat has committed."""

    label: Label
    bid: BidId | None
    bidder: str | None
    bidder_name: str | None
    opening: dict[str, Any] | None
    standing: bool
    documents: list[Document]


class PanelBids(Model):
    blind: bool
    items: list[PanelBid]


class LabelOf(Model):
    label: Label
    bid: BidId


class Labels(Model):
    items: list[LabelOf]


class NewDraft(Model):
    """At most 256 KiB, encrypted by the seat's own tool."""

    data: Annotated[Base64, StringConstraints(max_length=DRAFT)]


class Draft(Model):
    data: Base64 | None
    saved_at: datetime | None


class NewCommitment(Model):
    """`sig`: over the record-sig bytes of `scores-committed`."""

    commit: Hex32
    sig: Signatures


class NewScores(Model):
    """`sheet`, `reasons`: canonical bytes; `nonce`: 32 bytes; `sig`: over the record-sig bytes of `scores-entered`."""

    sheet: Base64
    nonce: Hex32
    reasons: Base64
    sig: Signatures


class ScoresEntered(Recorded):
    sheet: Hex32
    replaces: Hex32 | None


class ReasonGiven(Model):
    bid: BidId
    criterion: CriterionId
    text: str


class SeatScores(Model):
    seat: int
    sheet: Hex32
    rows: list[SheetRow]
    reasons: list[ReasonGiven]


class Deviation(Model):
    """Per cent of what may be given: `lean` from the panel's means, signed; `spread` without sign."""

    seat: int
    lean: Share
    spread: Share


class Outlier(Model):
    seat: int
    bid: BidId
    criterion: CriterionId
    points: Points
    median: str


class PanelScores(Model):
    """Everything is empty until every seat has revealed."""

    open: bool
    seats: list[SeatScores]
    deviations: list[Deviation]
    outliers: list[Outlier]


class PanelReport(Model):
    """`data`: the report's canonical bytes, `report` their hash; `answer`: the seat's own, null while it has none."""

    report: Hex32
    data: Base64
    answer_by: datetime
    answer: str | None


class NewReportAnswer(Model):
    """`reason` where it dissents; `sig`: over the record-sig bytes of `report-answered`, `reason` there as its hash."""

    report: Hex32
    answer: Literal["signed", "dissent"]
    reason: Words | None = None
    sig: Signatures


class ReportAnswer(Model):
    seat: int
    answer: str
    reason: str | None


class AnsweredReport(Model):
    report: Hex32
    data: Base64
    answers: list[ReportAnswer]


class Attended(Model):
    """Times of the log; `hours` begun; `fee` in fen by the declared rule."""

    seat: int
    side: Literal["expert", "tenderee"]
    checked_in: datetime
    ended: datetime
    replaced_for_conflict: bool
    hours: int
    fee: Fen


class Attendance(Model):
    items: list[Attended]
