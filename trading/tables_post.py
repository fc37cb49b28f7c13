"""Who follows which tender, what is written to whom, and what became of it.

Nothing here may tell who bids, or how many: a person follows by a form of its own and never by handing in, what one reads
on one's own page is made of the log and kept nowhere, and the database takes no letter about somebody's own bid before the
bids are opened (migrations/0014). Times are the machine's clock but for `read_until`, which is the log's.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from trading.tables import Person, Tender


class Following(Model):
    """A person wants to hear of a tender."""

    id = fields.BigIntField(primary_key=True)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "trading.Person", related_name="following", on_delete=fields.RESTRICT
    )
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="followers", on_delete=fields.RESTRICT
    )
    since = fields.DatetimeField()

    class Meta:
        table = "trading_following"
        unique_together = (("person", "tender"),)


class Letterbox(Model):
    """What a person wants written, by which channel; and up to when it has read what its page says."""

    id = fields.BigIntField(primary_key=True)
    person: fields.OneToOneRelation[Person] = fields.OneToOneField(
        "trading.Person", related_name="letterbox", on_delete=fields.RESTRICT
    )
    lang = fields.CharField(max_length=8)
    everything = fields.BooleanField(db_default=False)  # every tender, not only those followed
    mail = fields.JSONField[list[str]]()  # events, of trading/letters.py
    sms = fields.JSONField[list[str]]()
    read_until = fields.DatetimeField(null=True)

    class Meta:
        table = "trading_letterbox"


class Address(Model):
    """Where a person can be written to, once it has shown that it reads what comes there; one of each kind."""

    id = fields.CharField(max_length=32, primary_key=True)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "trading.Person", related_name="addresses", on_delete=fields.RESTRICT
    )
    kind = fields.CharField(max_length=8)
    address = fields.CharField(max_length=254)
    state = fields.CharField(max_length=12)  # asked, confirmed, bounced, ended
    guesses = fields.IntField(db_default=0)
    asked_at = fields.DatetimeField()
    confirmed_at = fields.DatetimeField(null=True)
    bounced_at = fields.DatetimeField(null=True)

    class Meta:
        table = "trading_address"


class Letter(Model):
    """One message to one person by one channel about one thing: its key is unique, whatever crashes."""

    id = fields.CharField(max_length=32, primary_key=True)
    event = fields.CharField(max_length=12)
    about = fields.CharField(max_length=160)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "trading.Person", related_name="letters", on_delete=fields.RESTRICT
    )
    channel = fields.CharField(max_length=8)
    tender: fields.ForeignKeyNullableRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="letters", null=True, on_delete=fields.RESTRICT
    )
    address: fields.ForeignKeyRelation[Address] = fields.ForeignKeyField(
        "trading.Address", related_name="letters", on_delete=fields.RESTRICT
    )
    state = fields.CharField(max_length=8)  # queued, sent, bounced, failed, dropped
    tries = fields.IntField(db_default=0)
    made_at = fields.DatetimeField()
    next_at = fields.DatetimeField()  # the claim of a process that died ends here
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "trading_letter"
        unique_together = (("about", "person", "channel"),)


class Postmark(Model):
    """How far in the log letters have been written: one row."""

    id = fields.IntField(primary_key=True)
    index = fields.BigIntField()

    class Meta:
        table = "trading_postmark"
