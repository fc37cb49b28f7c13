"""The rows of sealed bidding. What the law forbids, the database refuses.

The migrations add what a model cannot say, every CHECK and partial UNIQUE among it (Tortoise writes those of a model
into a migration and then does not make them):
- a deposit and a withdrawal carry the deadline of their box by a composite foreign key that follows a moved
  deadline, and `CHECK (received_at <= deadline)`: a late bid cannot exist, whoever writes;
- a deadline moves only later, and not after the closing; a closed box stays closed;
- what a bidder signed is never changed or deleted, only ended;
- `bidding_seen` (heads and boxes of each bidder), `bidding_segment`, `bidding_refusals` have no model:
  nothing but the statements of boxes.py and uploads.py touches them.

Times are log time. Hashes are lower-case hex.
"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

_HASH = 64
_TENDER = 200
_STAGE = 40
_PARTY = 200


class Statement(Model):
    """A custodian's encryption key. `pub` is unique in the whole log, whoever the custodian."""

    sha = fields.CharField(max_length=_HASH, primary_key=True)
    custodian = fields.CharField(max_length=_PARTY)
    name = fields.CharField(max_length=400)
    pub = fields.CharField(max_length=130, unique=True)  # 65 bytes, hex
    valid_from = fields.DatetimeField()
    valid_to = fields.DatetimeField()
    tender = fields.CharField(max_length=_TENDER, null=True)  # null: a key of a period
    statement = fields.BinaryField()
    sig = fields.BinaryField()
    sig_hash = fields.CharField(max_length=_HASH)
    registered_at = fields.DatetimeField()

    class Meta:
        table = "bidding_statement"


class Rehearsal(Model):
    """32 random bytes sealed to a statement's key, and the proof that they were read."""

    challenge = fields.CharField(max_length=_HASH, primary_key=True)
    statement: Any = fields.ForeignKeyField("bidding.Statement", related_name=False, on_delete=fields.RESTRICT)
    r = fields.BinaryField()
    sealed = fields.BinaryField()
    proof = fields.CharField(max_length=_HASH, null=True)
    made_at = fields.DatetimeField()
    answered_at = fields.DatetimeField(null=True)

    class Meta:
        table = "bidding_rehearsal"


class Keyset(Model):
    """One key set per (tender, stage), ever."""

    id = fields.CharField(max_length=_HASH, primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    stage = fields.CharField(max_length=_STAGE)
    k = fields.IntField()
    n = fields.IntField()
    opens_at = fields.DatetimeField()
    custodians: Any = fields.JSONField()  # [{"i", "custodian", "pub", "statement"}]
    keyset = fields.BinaryField()
    made_at = fields.DatetimeField()

    class Meta:
        table = "bidding_keyset"
        unique_together = (("tender", "stage"),)


class Box(Model):
    """The boxes of one tender, one per stage, with one deadline. This row's lock orders deposits and the closing."""

    tender = fields.CharField(max_length=_TENDER, primary_key=True)
    deadline = fields.DatetimeField()
    min_bids = fields.IntField()
    unvouched: Any = fields.JSONField()  # bidders whose keys need no vouching
    opening_schema: Any = fields.JSONField()
    public_stages: Any = fields.JSONField()
    made_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    opens = fields.BooleanField(null=True)  # said by the closing
    abandoned = fields.BooleanField(default=False, db_default=False)  # closed before its hour, and for ever shut

    class Meta:
        table = "bidding_box"
        unique_together = (("tender", "deadline"),)


class Stage(Model):
    """A stage of a box: its key set and, for ever, its closing."""

    id = fields.BigIntField(primary_key=True)
    box: Any = fields.ForeignKeyField("bidding.Box", related_name=False, on_delete=fields.RESTRICT)
    stage = fields.CharField(max_length=_STAGE)
    keyset: Any = fields.OneToOneField("bidding.Keyset", related_name=False, on_delete=fields.RESTRICT)
    count = fields.IntField(null=True)
    list_root = fields.CharField(max_length=_HASH, null=True)
    events = fields.IntField(null=True)
    events_root = fields.CharField(max_length=_HASH, null=True)

    class Meta:
        table = "bidding_stage"
        unique_together = (("box_id", "stage"),)


class Registration(Model):
    """A bidder's signing key. One registration per bidder and key."""

    sha = fields.CharField(max_length=_HASH, primary_key=True)
    bidder = fields.CharField(max_length=_PARTY)
    key = fields.CharField(max_length=200)  # hex
    registration = fields.BinaryField()
    sig = fields.BinaryField()
    sig_hash = fields.CharField(max_length=_HASH)
    record = fields.CharField(max_length=_HASH)  # SHA-256 of `bidder-key-registered`
    registered_at = fields.DatetimeField()

    class Meta:
        table = "bidding_registration"
        unique_together = (("bidder", "key"),)


class Bid(Model):
    """A bid: one envelope per stage, all or none. This row's lock orders its requests."""

    id = fields.BigIntField(primary_key=True)
    box: Any = fields.ForeignKeyField("bidding.Box", related_name=False, on_delete=fields.RESTRICT)
    bid = fields.CharField(max_length=32)
    bidder = fields.CharField(max_length=_PARTY)
    withdrawn_at = fields.DatetimeField(null=True)

    class Meta:
        table = "bidding_bid"
        unique_together = (("box_id", "bid"), ("box_id", "bid", "bidder"))


class Upload(Model):
    """A payload that arrives in segments; deposited, it is the payload of one deposit."""

    id = fields.CharField(max_length=32, primary_key=True)  # also its name in the store
    tender = fields.CharField(max_length=_TENDER)
    bidder = fields.CharField(max_length=_PARTY)
    size = fields.BigIntField()
    segments = fields.IntField()
    stored = fields.IntField()
    head = fields.BinaryField(null=True)
    root = fields.CharField(max_length=_HASH, null=True)  # known, and the file kept, when all segments are in
    touched_at = fields.DatetimeField()

    class Meta:
        table = "bidding_upload"


class Deposit(Model):
    """One deposited envelope. Only `ended_at` and, with its box, `deadline` ever change."""

    id = fields.BigIntField(primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    deadline = fields.DatetimeField()
    stage = fields.CharField(max_length=_STAGE)
    bid = fields.CharField(max_length=32)
    bidder = fields.CharField(max_length=_PARTY)
    seq = fields.IntField()
    hash = fields.CharField(max_length=_HASH, unique=True)  # of the manifest
    manifest = fields.BinaryField()
    sig = fields.BinaryField()
    sig_hash = fields.CharField(max_length=_HASH)
    signer: Any = fields.ForeignKeyField("bidding.Registration", related_name=False, on_delete=fields.RESTRICT)
    root = fields.CharField(max_length=_HASH)
    size = fields.BigIntField()
    upload: Any = fields.OneToOneField("bidding.Upload", related_name=False, on_delete=fields.RESTRICT)
    received_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)  # replaced or withdrawn

    class Meta:
        table = "bidding_deposit"
        unique_together = (("tender", "bid", "stage", "seq"),)


class Withdrawal(Model):
    """A signed withdrawal of a whole bid; nothing follows it."""

    id = fields.BigIntField(primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    deadline = fields.DatetimeField()
    bid = fields.CharField(max_length=32)
    bidder = fields.CharField(max_length=_PARTY)
    withdrawal = fields.BinaryField()
    sig = fields.BinaryField()
    sig_hash = fields.CharField(max_length=_HASH)
    signer: Any = fields.ForeignKeyField("bidding.Registration", related_name=False, on_delete=fields.RESTRICT)
    received_at = fields.DatetimeField()

    class Meta:
        table = "bidding_withdrawal"
        unique_together = (("tender", "bid"),)


class Refusal(Model):
    """A recorded refusal."""

    id = fields.BigIntField(primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    stage = fields.CharField(max_length=_STAGE)
    bidder = fields.CharField(max_length=_PARTY)
    code = fields.CharField(max_length=40)
    manifest = fields.CharField(max_length=_HASH)
    refused_at = fields.DatetimeField()

    class Meta:
        table = "bidding_refusal"


class Erasure(Model):
    """A payload to erase, written by the act that ended it: a crash after the commit does not lose the erasure."""

    upload = fields.CharField(max_length=32, primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    due_at = fields.DatetimeField()
    erased_at = fields.DatetimeField(null=True)

    class Meta:
        table = "bidding_erasure"


class Release(Model):
    """One custodian's release: one per key set and index."""

    id = fields.BigIntField(primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    stage = fields.CharField(max_length=_STAGE)
    i = fields.IntField()
    custodian = fields.CharField(max_length=_PARTY)
    release = fields.BinaryField()
    sig = fields.BinaryField()
    sig_hash = fields.CharField(max_length=_HASH)
    released_at = fields.DatetimeField()

    class Meta:
        table = "bidding_release"
        unique_together = (("tender", "stage", "i"),)


class Stored(Model):
    """The supervisor's store has taken a larger stage."""

    id = fields.BigIntField(primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    stage = fields.CharField(max_length=_STAGE)
    missing: Any = fields.JSONField()  # bids
    stored_at = fields.DatetimeField()

    class Meta:
        table = "bidding_stored"


class Window(Model):
    """The end of a release window: these custodians (indexes) can release no more."""

    id = fields.BigIntField(primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    stage = fields.CharField(max_length=_STAGE)
    missing: Any = fields.JSONField()
    ended_at = fields.DatetimeField()

    class Meta:
        table = "bidding_window"
        unique_together = (("tender", "stage"),)


class Settlement(Model):
    """Who is admitted to a later stage."""

    id = fields.BigIntField(primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    stage = fields.CharField(max_length=_STAGE)
    admitted: Any = fields.JSONField()  # bids
    settled_at = fields.DatetimeField()

    class Meta:
        table = "bidding_settlement"
        unique_together = (("tender", "stage"),)


class Unsealed(Model):
    """A verdict. Several PENDING ones may come before the one that counts."""

    id = fields.BigIntField(primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    stage = fields.CharField(max_length=_STAGE)
    bid = fields.CharField(max_length=32)
    seq = fields.IntField()
    verdict = fields.CharField(max_length=20)
    value: Any = fields.JSONField()  # {"at", "opening", "files", "findings", "unvouched"}
    ck = fields.CharField(max_length=_HASH, null=True)
    unsealed_at = fields.DatetimeField()

    class Meta:
        table = "bidding_unsealed"
