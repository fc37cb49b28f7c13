"""What the API takes and gives between registration and deadline: papers, documents, questions, securities, bans.

As in `models.py`: money in whole fen, times with an offset, bytes that were signed as padded base64.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from trading.web.models import (
    Fen,
    Hex32,
    LongText,
    Model,
    NewAnnouncement,
    OrganisationCode,
    Receipt,
    Text,
    When,
)

FileName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f/\\:*?\"<>|]+$")]
Files = Annotated[dict[FileName, Hex32], Field(min_length=1, max_length=100)]
Decision = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Body = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Asked = Annotated[str, StringConstraints(min_length=1, max_length=8000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]
Days = Annotated[int, Field(ge=1, le=3650)]
SECURED = 10**13  # fen: a hundred billion yuan; sums of it stay numbers that a record can hold
SecurityFen = Annotated[int, Field(ge=1, le=SECURED, strict=True)]

# ------------------------------------------------------------------------------------------------------- announcement


class SecurityTerms(Model):
    """Bid security asked for: `accounts` basic (from the bidder's basic account, where paid in money) or any."""

    amount: SecurityFen
    valid_days: Days
    accounts: Literal["basic", "any"] = "basic"


class MediaText(Model):
    """A medium, and the hash of the notice as it stands there."""

    name: Text
    sha256: Hex32


class Announcement(NewAnnouncement):
    """`documents`: {file name: sha256} of papers kept here; `parameters`: the method's; `estimate` null: the project's, else
    the control price; `reserve`: the tender whose box holds the reserve price; `procedure` null: by the stages;
    `blind`: the panel rates without the bidders' names; `pricing`: whether the price is a total, a unit price (fen) or a
    rate (ten-thousandths of what will be paid); `winners`: more than one is refused."""

    documents: Annotated[dict[FileName, Hex32], Field(max_length=100)] | None = None
    supply_until: When | None = None
    parameters: dict[str, Any] | None = None
    security: SecurityTerms | None = None
    bid_validity_days: Days | None = None
    estimate: Fen | None = None
    media: Annotated[tuple[MediaText, ...], Field(max_length=20)] = ()
    procedure: Literal["open", "two-envelope"] | None = None
    reserve: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}@[0-9]{1,16}$")] | None = None
    blind: Annotated[bool, Field(strict=True)] = False
    pricing: Literal["total", "unit", "rate"] | None = None
    winners: Annotated[int, Field(ge=1, le=100)] = 1


# ------------------------------------------------------------------------------------------------ papers and documents


class Paper(Model):
    """Kept, durably. It is its keeper's alone until a public record names it."""

    sha256: Hex32
    size: int


class DocumentFile(Model):
    name: str
    size: int
    sha256: Hex32


class DocumentSet(Model):
    number: int
    set: Hex32
    files: list[DocumentFile]
    affects: bool
    reason: str
    issued_at: datetime


class DocumentSets(Model):
    """The newest first."""

    items: list[DocumentSet]


class NewAmendment(Model):
    """The whole new set. `affects`: whether it may affect how a bid is made (可能影响投标文件编制)."""

    files: Files
    affects: bool
    reason: Text


class Amendment(Model):
    """`moved`: the deadline went to the earliest the law allows, counted as in `derivation` under `rule` and `article`."""

    set: Hex32
    files: list[DocumentFile]
    affects: bool
    reason: str
    deadline: datetime
    moved: bool
    rule: str | None
    article: str | None
    derivation: str
    record: Hex32
    type: str


# ----------------------------------------------------------------------------------------------------------- questions


class NewQuestion(Model):
    text: Asked


class AskedQuestion(Model):
    """The asker's receipt: nobody else is told who asked."""

    question: str
    receipt: Receipt


class Question(Model):
    """To everybody when answered; to the tenderee before that, without asker or hour; to the asker its own."""

    question: str
    text: str
    asked_on: date | None = None
    asked_at: datetime | None = None
    answer: str | None = None
    answered_at: datetime | None = None
    set: Hex32 | None = None


class Questions(Model):
    """`answered` as published; `pending` for the tenderee and its agency; `own` for a bidder."""

    answered: list[Question]
    pending: list[Question] | None = None
    own: list[Question] | None = None


class NewQuestionAnswer(Model):
    """`text`: the question as published, where its own words would tell who asks; `set`: the documents it refers to."""

    answer: Asked
    text: Asked | None = None
    set: Hex32 | None = None


# ---------------------------------------------------------------------------------------------------------- securities


class NewSecurity(Model):
    """What the caller paid. `basic`: out of its basic account; `proof`: a paper of its own, the bank's or guarantor's."""

    amount: SecurityFen
    form: Literal["transfer", "letter", "e-guarantee", "cheque"]
    account: Annotated[str, StringConstraints(min_length=4, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    basic: bool = False
    proof: Hex32 | None = None
    received: When


class Payment(Model):
    amount: int
    form: str
    account: str
    proof: Hex32 | None
    received: datetime


class Return(Model):
    amount: int
    interest: int
    reason: str
    returned: datetime


class Security(Model):
    """One payer's line. `finding`: received, less (than asked for) or late; `left`: what is still here."""

    bidder: str
    payments: list[Payment]
    returns: list[Return]
    paid: int
    left: int
    finding: Literal["received", "less", "late"]


class Securities(Model):
    """`receipts`, to a payer: of everything that went back to it or was forfeited."""

    items: list[Security]
    receipts: list[Receipt] | None = None


class ReceivedSecurity(Securities):
    receipt: Receipt


class NewReturn(Model):
    """`interest` in fen, or `rate`, the bank's yearly one (0.0035 = 0.35 %); `revoked`: when a forfeiting bidder revoked."""

    bidder: OrganisationCode
    amount: SecurityFen
    reason: Literal["withdrawn", "lost", "won", "shut", "terminated", "forfeited"]
    interest: Fen | None = None
    rate: Annotated[str, StringConstraints(pattern=r"^0(\.[0-9]{1,8})?$")] | None = None
    revoked: When | None = None


class SettledSecurities(Model):
    """How many payers, how much went back or was forfeited, with what interest: the sums of the lines."""

    count: int
    amount: int
    interest: int
    record: Hex32
    type: str


# ---------------------------------------------------------------------------------------------------------------- bans


class NewBan(Model):
    """A decision. `until` null: until it is lifted; `appeal`: where, how and until when the organisation may appeal."""

    organisation: OrganisationCode
    decision: Decision
    body: Body
    from_: Annotated[When, Field(alias="from")]
    until: When | None = None
    grounds: LongText
    appeal: LongText


class Ban(Model):
    id: str
    organisation: str
    organisation_name: str
    decision: str
    body: str
    start: Annotated[datetime, Field(serialization_alias="from")]
    until: datetime | None
    grounds: str
    appeal: str
    imposed_at: datetime
    lifted_at: datetime | None
    lifted_by: str | None


class Bans(Model):
    items: list[Ban]
    next: str | None


class NewLift(Model):
    decision: Decision


class NewAgentError(Model):
    """`until`: until then the agency may not act as an agent; null: the error is only entered."""

    agency: OrganisationCode
    project: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")] | None = None
    kind: Decision
    decision: Decision
    until: When | None = None


class AgentError(Model):
    id: str
    agency: str
    agency_name: str
    project: str | None
    kind: str
    decision: str
    until: datetime | None
    registered_at: datetime


class AgentErrors(Model):
    items: list[AgentError]
    next: str | None
