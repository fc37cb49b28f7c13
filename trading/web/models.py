"""What the JSON API takes and gives, as pydantic models: the one source of validation and of `/openapi.json`.

Money is whole fen (the smallest unit of the currency) as an integer. Times are RFC 3339 with an offset; answers are UTC.
Bytes that were hashed or signed travel as padded base64 of the exact bytes and are never re-serialised.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Fen = Annotated[int, Field(ge=0, le=2**53 - 1, strict=True, description="whole fen, the smallest unit of the currency")]
SignedFen = Annotated[int, Field(gt=-(2**53), lt=2**53, strict=True)]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
BidId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
PADDED = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
Base64 = Annotated[str, StringConstraints(pattern=PADDED, max_length=2_800_000)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
LongText = Annotated[str, StringConstraints(max_length=8000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")]
StageName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
OrganisationCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]
IdentityId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
ShortId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
TenderId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}@[0-9]{1,16}$")]


def _in_our_times(value: datetime) -> datetime:
    if not 1949 < value.year < 2200:
        raise ValueError("out of range")
    return value


When = Annotated[AwareDatetime, AfterValidator(_in_our_times)]
"""An instant with its offset, of a year in which it can be counted with: none that another zone cannot show."""


class RoleName(StrEnum):
    """A token carries exactly one of these; `public` is whoever comes without a token. There is no super-user."""

    PUBLIC = "public"
    BIDDER = "bidder"
    TENDEREE = "tenderee"
    AGENCY = "agency"
    OPERATOR = "operator"
    CUSTODIAN = "custodian"
    SUPERVISOR = "supervisor"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"
    EXPERT = "expert"  # a seat of a panel, by the token of its check-in; nobody is enrolled as one


class Model(BaseModel):
    """Base: unknown fields are an error, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Signature(Model):
    """A signature record, envelope.md §1."""

    alg: Annotated[str, StringConstraints(max_length=32)]
    sig: Base64
    key: Base64 | None = None
    x5c: Annotated[list[Base64], Field(max_length=8)] | None = None

    def plain(self) -> dict[str, Any]:
        """The record without absent members, as it was signed over and is hashed."""
        return self.model_dump(exclude_none=True)


Signatures = Annotated[list[Signature], Field(min_length=1, max_length=16)]


class Page(Model):
    """Cursor pagination: `cursor` is opaque, taken from the previous answer's `next`."""

    cursor: Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9_-]*$")] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class Seen(Model):
    """What a tool without a network has kept: the size of the last checkpoint; 0 for none."""

    seen: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0


class Problem(Model):
    """RFC 9457. `code` is stable, `detail` is in the language asked for."""

    model_config = ConfigDict(extra="allow", frozen=True)
    type: str
    title: str
    status: int
    detail: str
    code: str
    article: str | None = None
    facts: dict[str, Any] = {}
    receipt: dict[str, Any] | None = None
    slip: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | None = None


# accounts


class NewOrganisation(Model):
    """`identity`: the id under which trust files or vouchings know this organisation (custodian, authority, tenderee)."""

    code: OrganisationCode
    name: Text
    identity: IdentityId | None = None


class Organisation(Model):
    code: str
    name: str
    identity: str | None
    added_at: datetime


class Organisations(Model):
    items: list[Organisation]
    next: str | None


class NewPerson(Model):
    name: Text
    organisation: OrganisationCode
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=8)]


class Person(Model):
    id: str
    name: str
    organisation: str
    roles: list[RoleName]
    enrolled_at: datetime


class People(Model):
    items: list[Person]
    next: str | None


class NewToken(Model):
    """`expires` at most one year ahead; default 90 days."""

    person: ShortId
    role: RoleName
    expires: When | None = None


class Token(Model):
    """`token` is shown once, in the answer that issues it; the platform keeps a hash."""

    id: str
    person: str
    role: RoleName
    organisation: str
    issued_at: datetime
    expires: datetime
    revoked_at: datetime | None = None
    token: str | None = None


class Tokens(Model):
    items: list[Token]
    next: str | None


class Whoami(Model):
    role: RoleName
    organisation: str | None
    identity: str | None
    person: str | None


class Time(Model):
    """The log's time now, and how many of its seconds pass in one of ours: 1 but in a demonstration."""

    time: str
    factor: int


# identities and custodians


class NewIdentity(Model):
    """The body of an `identity-vouched` record (envelope.md §2); `sig` is an authority's over its record-sig bytes.

    The record's `subject` is `id`.
    """

    id: IdentityId
    role: Literal["custodian", "tenderee", "party"]
    vkey: Annotated[str, StringConstraints(max_length=300)]
    from_: Annotated[str, Field(alias="from", max_length=27)]
    until: Annotated[str, Field(max_length=27)] | None
    by: IdentityId | Annotated[list[IdentityId], Field(min_length=1, max_length=4)]
    sig: Signatures


class Recorded(Model):
    """The hash of the public record that was made; its log index follows at the next beat."""

    record: Hex32
    type: str


# projects


class NewProject(Model):
    """`organisation`: the tenderee an agency acts for; a tenderee's own token may leave it out.

    `region`: whose local rules are laid over the regime's, "" none; `estimate`: of the whole project.
    """

    title: Text
    regime: ShortId
    direction: Literal["buy", "sell"]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "CNY"
    description: LongText = ""
    source: LongText = ""
    organisation: OrganisationCode | None = None
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,40}$")] = ""
    estimate: Fen | None = None
    state_funded: bool = False


class ProjectChange(Model):
    """Before any lot of it is announced; needs If-Match."""

    title: Text | None = None
    description: LongText | None = None


class NewLot(Model):
    """`baseline`: control price when buying, reserve when selling."""

    title: Text
    baseline: Fen


class Lot(Model):
    id: str
    title: str
    baseline: int
    tender: str | None
    state: str | None


class Project(Model):
    id: str
    title: str
    regime: str
    direction: Literal["buy", "sell"]
    currency: str
    description: str
    source: str
    organisation: str
    organisation_name: str
    agency: str | None
    region: str
    estimate: int | None
    state_funded: bool
    version: int
    created_at: datetime
    lots: list[Lot]


class Projects(Model):
    items: list[Project]
    next: str | None


# tenders


class NewTender(Model):
    """Makes the id `<lot>@<size>` from the newest cosigned checkpoint. `kind` "reserve": the box of the lot's sealed reserve
    price, announced with its tender."""

    lot: ShortId
    kind: Literal["bids", "reserve"] = "bids"


class Keysets(Model):
    """`{stage: base64 of the key set's bytes}`, every stage at once."""

    keysets: Annotated[dict[StageName, Base64], Field(min_length=1, max_length=4)]


class SchemaField(Model):
    kind: Literal["fen", "int", "text", "date"]
    min: int | str | None = None
    max: int | str | None = None
    optional: Literal[True] | None = None


class NewAnnouncement(Model):
    """What the notice adds to the lot. `min_bids` null: the regime's; `window` null: 1800 s; `method` null: by direction."""

    deadline: When
    opening_schema: Annotated[dict[Code, SchemaField], Field(min_length=1, max_length=40)]
    method: Annotated[str, StringConstraints(pattern=r"^[a-z-]{1,40}/v[0-9]{1,3}$")] | None = None
    min_bids: Annotated[int, Field(ge=1, le=100)] | None = None
    public_stages: Annotated[list[StageName], Field(max_length=4)] = ["form"]
    unvouched: Annotated[list[ShortId], Field(max_length=500)] = []
    window: Annotated[int, Field(ge=60, le=86400 * 7)] | None = None  # envelope.md §6: seconds, as the notice says


class Probe(Model):
    """A witness's signed probe (log.md §4)."""

    probe: Base64
    sig: Signatures


class NewOutage(Model):
    """A gap between two cosigned checkpoints, and the probes of witnesses that did not see the platform meanwhile."""

    from_: Annotated[When, Field(alias="from")]
    to: When
    probes: Annotated[list[Probe], Field(max_length=20)] = []


class NewDeadline(Model):
    """A later deadline. With an `outage` it goes exactly where the rule of log.md §5 moves it; `sig`: two authorities'
    over the record, where no probe confirms the outage."""

    deadline: When
    reason: Code
    outage: NewOutage | None = None
    sig: Signatures | None = None


class RecordLine(Model):
    """One public record of a tender. `index` null until its beat."""

    index: int | None
    type: str
    time: str
    record: Base64


class OpenedBid(Model):
    bid: str
    bidder: str
    bidder_name: str
    seq: dict[str, int]
    verdicts: dict[str, str]
    opening: dict[str, Any] | None
    price: int | None
    unvouched: bool
    findings: dict[str, list[int]]
    rejected: str | None
    article: str | None
    security: str | None = None  # where one was asked for: received, less, late or none; a finding, no verdict


class Award(Model):
    bid: str
    bidder: str
    bidder_name: str
    price: int  # as the notice's `pricing` has it
    baseline: int | None
    gain: int | None
    formula: str | None
    currency: str
    status: str


class Tender(Model):
    """`state`: named, keyed, announced, closed, shut, opened, ranked, awarded, archived.

    `bids` is null until the list is fixed and opened.
    """

    id: str
    lot: str
    project: str
    title: str
    state: str
    regime: str
    direction: str
    currency: str
    baseline: int
    keysets: dict[str, Hex32]
    stages: list[str]
    announced_at: datetime | None
    deadline: datetime | None
    hour: datetime | None
    min_bids: int | None
    method: str | None
    opening_schema: dict[str, Any] | None
    public_stages: list[str] | None
    unvouched: list[str] | None
    window: int | None
    rulebook: Hex32 | None
    region: str
    documents: Hex32 | None  # the newest set
    supply_until: datetime | None
    parameters: dict[str, Any] | None
    security: dict[str, Any] | None  # {"amount", "valid_days", "accounts"}
    bid_validity_days: int | None
    estimate: int | None
    state_funded: bool
    predecessor: str | None
    reserve: str | None
    media: list[dict[str, str]] | None
    unchecked: list[str] | None  # rules of the regime that nobody has checked: shown, never in the way
    procedure: str | None
    blind: bool | None  # the panel rates without names
    pricing: str | None  # null: total
    opens: bool | None
    bids: list[OpenedBid] | None
    ranking: list[str] | None
    award: Award | None
    archives: dict[str, Hex32]
    version: int
    now: datetime


class Tenders(Model):
    items: list[Tender]
    next: str | None


class Timeline(Model):
    tender: str
    items: list[RecordLine]


# bids


class Receipt(Model):
    """log.md §6. `proof` (a tlog-proof) and `listed` (`{"index", "path"}`) are members as soon as there is one."""

    model_config = ConfigDict(extra="allow", frozen=True)
    type: str
    manifest: Hex32 | None
    nonce: str
    record: Base64
    promise: Base64


class Receipts(Model):
    """One receipt per stage handed in."""

    receipts: dict[str, Receipt]


# opening, evaluation, award


class NewWindowEnd(Model):
    """Two authorities say that these custodians (by `i`) can release no more: the body of `window-ended`, signed."""

    stage: StageName
    missing: Annotated[list[Annotated[int, Field(ge=1, le=9)]], Field(max_length=9)]
    sig: Signatures


class NewStored(Model):
    """The supervisor's copy before the first release of a larger stage: bids whose payload did not arrive."""

    stage: StageName
    missing: Annotated[list[BidId], Field(max_length=1000)]


class NewSettlement(Model):
    """`stage-settled`: who is admitted to a later stage, signed by the tenderee and one authority."""

    stage: StageName
    admitted: Annotated[list[BidId], Field(max_length=1000)]
    sheets: Annotated[list[Hex32], Field(max_length=1000)]
    sig: Signatures


class NewRejection(Model):
    bid: BidId
    reason: Code
    article: Text


class Candidates(Model):
    """`decided_by`: the bids but for which another would be first (a benchmark of prices hangs on all of them)."""

    tender: str
    ranking: list[str]
    totals: Hex32
    decided_by: list[str]


class NewAward(Model):
    """`bid` null: the first candidate."""

    bid: BidId | None = None


class NewLineCorrection(Model):
    """`line-corrected`: what stands in the place of the tender's line, signed by the tenderee and one authority. `price` and
    `baseline` null where the status has none; gain and formula follow."""

    correction: Annotated[int, Field(ge=1, le=1000, strict=True)]
    status: Literal["concluded", "no-baseline", "unit-price", "rate", "annulled"]
    reason: Literal["amount", "baseline", "not-a-sum", "void", "twice"]
    words: Text
    price: Fen | None
    baseline: Fen | None
    sig: Signatures


class Archives(Model):
    """Edition → SHA-256 of the zip."""

    tender: str
    editions: dict[str, Hex32]
    checkpoint: int


class FormerLine(Model):
    """更正: the line that stood before, and why it does no more."""

    status: str
    price: int | None
    baseline: int | None
    gain: int | None
    reason: str
    words: str


class Trade(Model):
    """A line as it stands; `corrected`: what stood there before, the last first. `offered`: a unit price or a rate."""

    tender: str
    lot: str
    project: str
    title: str
    regime: str
    direction: str
    currency: str
    status: str
    offered: int | None
    price: int | None
    baseline: int | None
    gain: int | None
    formula: str | None
    bidder: str
    bidder_name: str
    booked_at: datetime
    corrected: list[FormerLine]


class Sums(Model):
    currency: str
    direction: str
    trades: int
    price: int
    baseline: int
    gain: int


class Trades(Model):
    items: list[Trade]
    next: str | None
    sums: list[Sums]


class Health(Model):
    status: Literal["ok", "unready"]
    checks: dict[str, str] = {}
