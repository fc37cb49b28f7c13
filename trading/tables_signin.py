"""Who signs in, with what, from where, until when; and what one person proposed for another to approve.

An account is a human being; a person (tables.py) is that human being in one organisation. Codes, sessions and devices are
kept as HMAC-SHA256(pepper, …), passwords as argon2id, secrets of codes sealed under the pepper: a stolen database opens no
door. Times here are the machine's clock, never the log's: a demonstration's days pass in minutes, its sessions must not.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from trading.tables import Person


class Account(Model):
    """A human being who signs in, whatever organisations it works for. `login` is null where there are passkeys alone."""

    id = fields.CharField(max_length=32, primary_key=True)
    login = fields.CharField(max_length=64, null=True, unique=True)
    made_at = fields.DatetimeField()

    class Meta:
        table = "trading_account"


class Credential(Model):
    """A password (argon2id), a code generator (its sealed secret), a passkey or a certificate; ended, never deleted.

    `counter`: the last time step of a code, or a passkey's count of signatures.
    """

    id = fields.CharField(max_length=32, primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "trading.Account", related_name="credentials", on_delete=fields.RESTRICT
    )
    kind = fields.CharField(max_length=12)
    handle = fields.BinaryField(null=True)  # a passkey's id, a certificate's SHA-256; unique while in force
    material = fields.BinaryField()
    counter = fields.BigIntField(db_default=0)
    label = fields.CharField(max_length=100, db_default="")
    made_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "trading_credential"


class Device(Model):
    """A browser that has once signed in to an account: no stranger's guesses keep it out."""

    id = fields.BigIntField(primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "trading.Account", related_name="devices", on_delete=fields.RESTRICT
    )
    digest = fields.BinaryField()
    known_at = fields.DatetimeField()

    class Meta:
        table = "trading_device"


class Session(Model):
    """One signing-in: `second` while the second factor is missing, then `in`; ended with a reason, never deleted."""

    id = fields.CharField(max_length=32, primary_key=True)
    digest = fields.BinaryField()
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "trading.Account", related_name="sessions", on_delete=fields.RESTRICT
    )
    person: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "trading.Person", related_name="sessions", null=True, on_delete=fields.RESTRICT
    )
    role = fields.CharField(max_length=20, null=True)
    step = fields.CharField(max_length=8)
    how = fields.CharField(max_length=24)
    agent = fields.CharField(max_length=100, db_default="")  # what the browser calls itself, for its owner to recognise
    opened_at = fields.DatetimeField()
    seen_at = fields.DatetimeField()
    fresh_at = fields.DatetimeField(null=True)
    ends_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    ended = fields.CharField(max_length=16, null=True)

    class Meta:
        table = "trading_session"


class Challenge(Model):
    """What a passkey is asked to sign: used once, then gone."""

    id = fields.BigIntField(primary_key=True)
    digest = fields.BinaryField()
    holder = fields.CharField(max_length=64)
    ends_at = fields.DatetimeField()

    class Meta:
        table = "trading_challenge"


class Invitation(Model):
    """A one-time code that lets a person choose its credentials; of a recovery each of two others holds one half."""

    id = fields.CharField(max_length=32, primary_key=True)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "trading.Person", related_name="invitations", on_delete=fields.RESTRICT
    )
    kind = fields.CharField(max_length=12)
    half = fields.BinaryField()
    other_half = fields.BinaryField(null=True)
    made_by = fields.CharField(max_length=32)  # a person, or "centre" at the machine
    approved_by = fields.CharField(max_length=32, null=True)
    made_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "trading_invitation"


class Proposal(Model):
    """An act that takes two people: as the first one asked for it, until the second one decides."""

    id = fields.CharField(max_length=32, primary_key=True)
    operation = fields.CharField(max_length=64)
    object = fields.CharField(max_length=81)
    path = fields.JSONField[dict[str, str]]()
    body = fields.TextField()
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "trading.Person", related_name="proposals", on_delete=fields.RESTRICT
    )
    role = fields.CharField(max_length=20)
    proposed_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.CharField(max_length=32, null=True)
    outcome = fields.CharField(max_length=12, null=True)

    class Meta:
        table = "trading_proposal"
