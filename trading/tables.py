"""The rows of the market: organisations, people, tokens, projects, lots, tenders, trades, timers.

Facts stand in the log; these rows are what the platform works with between two facts. What only the migrations can say
(checks, triggers) stands there and is named here: the gain of a trade is checked by the database itself.
"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class Organisation(Model):
    """A legal person, known by its unified social credit code (GB 32100-2015)."""

    code = fields.CharField(max_length=18, primary_key=True)
    name = fields.CharField(max_length=500)
    identity = fields.CharField(max_length=64, null=True, unique=True)  # its id in trust files and vouchings
    added_at = fields.DatetimeField()

    class Meta:
        table = "trading_organisation"


class Person(Model):
    """A natural person. The name stays in this row and never enters the log."""

    id = fields.CharField(max_length=32, primary_key=True)
    organisation: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="people", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=500)
    enrolled_at = fields.DatetimeField()
    account: fields.ForeignKeyNullableRelation[Any] = fields.ForeignKeyField(
        "trading.Account", related_name="people", null=True, on_delete=fields.RESTRICT
    )  # who signs in as this person (tables_signin.py); null: nobody yet, or a machine with a token

    class Meta:
        table = "trading_person"


class Membership(Model):
    """One role of one person; two administrators' roles never meet in one person (三员分立)."""

    id = fields.BigIntField(primary_key=True)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "trading.Person", related_name="memberships", on_delete=fields.RESTRICT
    )
    role = fields.CharField(max_length=20)

    class Meta:
        table = "trading_membership"
        unique_together = (("person", "role"),)


class Token(Model):
    """An API token: only HMAC-SHA256(pepper, token) is kept."""

    id = fields.CharField(max_length=32, primary_key=True)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "trading.Person", related_name="tokens", on_delete=fields.RESTRICT
    )
    role = fields.CharField(max_length=20)
    digest = fields.BinaryField()  # unique by the migration's index
    issued_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "trading_token"


class Project(Model):
    """What is to be bought or sold, under one regime. `version` is its ETag."""

    id = fields.CharField(max_length=40, primary_key=True)
    number = fields.BigIntField(unique=True)  # order of registration: the cursor
    organisation: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="projects", on_delete=fields.RESTRICT
    )
    agency: fields.ForeignKeyNullableRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="run_projects", null=True, on_delete=fields.RESTRICT
    )
    title = fields.CharField(max_length=500)
    description = fields.TextField()
    source = fields.TextField()  # where published data came from, if it did
    regime = fields.CharField(max_length=40)
    direction = fields.CharField(max_length=4)
    currency = fields.CharField(max_length=3)
    region = fields.CharField(max_length=40, db_default="")  # an overlay of the law; "": none
    estimate = fields.BigIntField(null=True)  # fen, of the whole project
    state_funded = fields.BooleanField(db_default=False)
    version = fields.IntField(db_default=1)
    created_at = fields.DatetimeField()

    class Meta:
        table = "trading_project"


class Lot(Model):
    """A part of a project that is tendered by itself."""

    id = fields.CharField(max_length=64, primary_key=True)
    project: fields.ForeignKeyRelation[Project] = fields.ForeignKeyField(
        "trading.Project", related_name="lots", on_delete=fields.RESTRICT
    )
    title = fields.CharField(max_length=500)
    baseline = fields.BigIntField()  # fen: control price (buying) or reserve (selling)

    class Meta:
        table = "trading_lot"


class Tender(Model):
    """One box family of a lot and its notice. `state` only walks forward (trigger); `version` is its ETag."""

    id = fields.CharField(max_length=81, primary_key=True)  # <lot>@<size>
    number = fields.BigIntField(unique=True)
    lot: fields.ForeignKeyRelation[Lot] = fields.ForeignKeyField(
        "trading.Lot", related_name="tenders", on_delete=fields.RESTRICT
    )
    state = fields.CharField(max_length=12)  # the stages of law/stages.py
    kind = fields.CharField(max_length=8, db_default="bids")  # or "reserve": the box of another tender's reserve price
    predecessor = fields.CharField(max_length=81, null=True)  # the tender of the same lot that came to nothing
    reserve = fields.CharField(max_length=81, null=True)  # its reserve box
    documents = fields.CharField(max_length=64, null=True)  # the newest document set
    ended = fields.CharField(max_length=20, null=True)  # why it failed or was terminated
    abandoned_at = fields.DatetimeField(null=True)
    named_at = fields.DatetimeField()
    keysets = fields.JSONField[dict[str, str]](null=True)  # {stage: keyset id}, in the order they open
    announced_at = fields.DatetimeField(null=True)
    deadline = fields.DatetimeField(null=True)
    hour = fields.DatetimeField(null=True)
    terms = fields.JSONField[dict[str, object]](null=True)  # the announced fields that are not columns
    rulebook = fields.BinaryField(null=True)  # pinned bytes
    opens = fields.BooleanField(null=True)
    totals = fields.BinaryField(null=True)
    ranking = fields.JSONField[list[str]](null=True)
    last_sserial = fields.BigIntField(null=True)
    version = fields.IntField(db_default=1)

    class Meta:
        table = "trading_tender"


class Rejection(Model):
    """A rejected bid, with its reason; once."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="rejections", on_delete=fields.RESTRICT
    )
    bid = fields.CharField(max_length=32)
    reason = fields.CharField(max_length=64)
    article = fields.CharField(max_length=500)

    class Meta:
        table = "trading_rejection"
        unique_together = (("tender", "bid"),)


class Timer(Model):
    """Something that is due at a time of the log's clock; claimed with FOR UPDATE SKIP LOCKED (jobs.py).

    `generation` counts how often it was armed: whoever finishes an older one has not finished this one.
    """

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(max_length=20)  # what jobs.py knows to do: close, open, window, archive …
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="timers", on_delete=fields.RESTRICT
    )
    due_at = fields.DatetimeField()
    generation = fields.IntField(db_default=0)
    done_at = fields.DatetimeField(null=True)
    leased_until = fields.DatetimeField(null=True)  # machine time: the claim of a process that died ends here
    attempts = fields.IntField(db_default=0)
    trouble = fields.TextField(null=True)  # why the last attempt failed

    class Meta:
        table = "trading_timer"
        unique_together = (("kind", "tender"),)


class Probe(Model):
    """A witness's signed probe that confirmed an outage; it goes into the archives."""

    sha = fields.CharField(max_length=64, primary_key=True)
    data = fields.BinaryField()  # canonical {"probe", "sig"}

    class Meta:
        table = "trading_probe"


class Reply(Model):
    """The first answer to an Idempotency-Key, kept for its repetitions; `status` null while the first one runs."""

    id = fields.BigIntField(primary_key=True)
    holder = fields.CharField(max_length=32)  # token id
    key = fields.CharField(max_length=128)
    request = fields.BinaryField()  # SHA-256 of method, path and body
    status = fields.IntField(null=True)
    headers = fields.JSONField[dict[str, str]](null=True)
    body = fields.BinaryField(null=True)
    made_at = fields.DatetimeField()

    class Meta:
        table = "trading_reply"
        unique_together = (("holder", "key"),)


class Archived(Model):
    """An edition on disk, bound to the checkpoint it ends with."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="archives", on_delete=fields.RESTRICT
    )
    edition = fields.CharField(max_length=12)
    sha256 = fields.CharField(max_length=64)
    size = fields.BigIntField()
    checkpoint = fields.BigIntField()
    made_at = fields.DatetimeField()

    class Meta:
        table = "trading_archived"
        unique_together = (("tender", "edition"),)
