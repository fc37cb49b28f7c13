"""What the API takes and gives between the opening and the archive: remedies, evaluation, contract, failures, agenda.

As in `models.py`: money in whole fen, times with an offset, papers by the SHA-256 under which they are kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from trading.web.models import BidId, Fen, Hex32, Model, Receipt, Recorded, When

RemedyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=8000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]
Number = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
CriterionId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Points = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$")]

# ------------------------------------------------------------------------------------------------------------- remedies


class NewRemedy(Model):
    """`text`: the grounds, read by those who answer. `known`: when it became known; `follows`: the objection or challenge
    that a complaint follows, null: the caller's last one about the same matter."""

    kind: Literal["objection", "inquiry", "challenge", "complaint"]
    about: Literal["documents", "opening", "result"]
    text: Words
    known: When | None = None
    follows: RemedyId | None = None


class NewConfirmation(Model):
    """`unsealed`: SHA-256 of the records of what was read out of the bid, the last of each stage, by stage."""

    unsealed: Annotated[list[Hex32], Field(min_length=1, max_length=16)]


class Filed(Model):
    """`receipt` proves whose it is; in public the remedy names nobody. SHA-256 of "trading/grounds/v1\\n", the bytes of
    `salt` and the text is the `grounds` of the public record."""

    remedy: RemedyId
    salt: Hex32
    receipt: Receipt


class Reason(Model):
    reason: Words


class NewAnswer(Model):
    outcome: Literal["upheld", "dismissed", "partly"]
    text: Words


class Remedy(Model):
    """`text` is shown to those who answer and to whoever filed, `objector` to himself; to those who answer once the bids
    are open."""

    id: RemedyId
    kind: str
    about: str
    state: str
    mine: bool
    objector: str | None
    text: str | None
    known: datetime | None
    follows: RemedyId | None
    filed_at: datetime
    decided_at: datetime | None
    reason: str | None
    answered_at: datetime | None
    outcome: str | None
    answer: str | None


class Remedies(Model):
    items: list[Remedy]


class NewSuspension(Model):
    """`order`: the decision's number; `until` null: until it is lifted, or as long as the law lets it hold."""

    order: Number
    ground: Literal["complaint", "supervision", "outage"]
    remedy: RemedyId | None = None
    until: When | None = None


class Suspended(Recorded):
    until: datetime | None
    article: str


class Lifting(Model):
    order: Number


# ----------------------------------------------------------------------------------------------------------- evaluation


class SheetRow(Model):
    bid: BidId
    points: Annotated[dict[CriterionId, Points], Field(max_length=128)]


class NewSheet(Model):
    """One seat's points, rows in the order of bid ids; a later sheet replaces the seat's last until the report is there."""

    seat: Annotated[int, Field(ge=1, le=99, strict=True)]
    rows: Annotated[list[SheetRow], Field(max_length=1000)]


class Sheet(Recorded):
    sheet: Hex32
    replaces: Hex32 | None


class NewCorrection(Model):
    """`rule`: which correction of 财政部令87号 59; `confirmed`: the bidder has, in writing."""

    bid: BidId
    corrected: Fen
    rule: Literal["opening-list", "words", "decimal-point", "sum"]
    confirmed: bool


class NewExplanationAsked(Model):
    bid: BidId
    due: When


class NewExplanation(Model):
    text: Words


class Receipted(Model):
    receipt: Receipt


class Explanation(Model):
    bid: BidId
    due: datetime
    asked_at: datetime
    text: str | None
    given_at: datetime | None


class Explanations(Model):
    items: list[Explanation]


class NewReport(Model):
    """The hash of a paper kept here."""

    report: Hex32


# ------------------------------------------------------------------------------------------------------ award, contract


class NewLetter(Model):
    """The hash of a paper kept here; everybody may read it from now on."""

    letter: Hex32


class NewContract(Model):
    """`contract`: the hash of a paper kept here; `amount`: the price of the award; `signed` null: now."""

    contract: Hex32
    amount: Fen
    performance: Fen | None = None
    signed: When | None = None


class Contract(Model):
    contract: Hex32
    amount: int
    performance: int | None
    signed: datetime
    published: datetime | None
    filed: datetime | None


# ----------------------------------------------------------------------------------------------------------------- ends


class NewFailure(Model):
    reason: Literal["all_rejected", "too_few_qualified", "no_candidate", "candidates_gone"]


class NewTermination(Model):
    reason: Literal["idle", "tenderee", "force_majeure"]


class Warned(Recorded):
    due: datetime


# --------------------------------------------------------------------------------------------------------------- agenda


class Due(Model):
    """An act that may come next: not before, not after, under which rule and article, how it was counted. `about`: the
    remedy or order it is about; `owed`: somebody must do it by then; `suspended`: it waits."""

    act: str
    about: str | None
    not_before: datetime | None
    not_after: datetime | None
    rule: str | None
    article: str | None
    derivation: str
    owed: bool
    overdue: bool
    suspended: bool


class Suspicion(Model):
    """What the law makes of opened bids: an item of the collusion that is deemed (`item`), or a bid (`stage`) that counts
    as revoked or withdrawn. `what`: its code; `zh`, `en`: its words."""

    what: str
    zh: str
    en: str
    bids: list[BidId]
    article: str
    item: int | None = None
    rule: str | None = None
    stage: str | None = None


class Suspicions(Model):
    """Findings about opened bids."""

    items: list[Suspicion]


class SuspensionShown(Model):
    """Why a tender waits, since when, under which article, and until when at the latest (null: until it is answered or
    lifted). `scope` contract: only the contract waits."""

    why: str
    id: str
    scope: str
    since: datetime
    until: datetime | None
    rule: str
    article: str


class Agenda(Model):
    """What may happen next, by when, under which article; as of the log's time `now`."""

    tender: str
    state: str
    now: datetime
    suspension: SuspensionShown | None
    items: list[Due]
    contract: Contract | None
