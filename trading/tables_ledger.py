"""The rows of the ledger: one line a trade and winner, never changed; what was wrong is corrected by a further line."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from trading.tables import Organisation, Tender


class Line(Model):
    """One line, whole fen. The database refuses UPDATE, DELETE and TRUNCATE, and computes the gain again.

    `status` says whether the line is in the figures (trading/statement.py); all but `concluded` give their `reason`.
    A line that `corrects` another stands in its place, of the same trade, part, kind and day; each is corrected once. One of
    a tender commits only with the public record that tells of it: `correction` is the number its `line-corrected` bears.
    """

    number = fields.BigIntField(primary_key=True, generated=False)
    trade = fields.CharField(max_length=200)  # the tender, or the id that its source gave it
    part = fields.IntField(db_default=1)  # which of several winners
    tender: fields.ForeignKeyNullableRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="lines", null=True, on_delete=fields.RESTRICT
    )
    corrects = fields.BigIntField(null=True, unique=True)
    kind = fields.CharField(max_length=20)
    day = fields.DateField()  # legal day of the award or failure
    region = fields.CharField(max_length=200, db_default="")
    organisation = fields.CharField(max_length=200)  # whose trade it is: a code, or a name where there is none
    direction = fields.CharField(max_length=4)
    currency = fields.CharField(max_length=3)
    regime = fields.CharField(max_length=40)
    status = fields.CharField(max_length=20)
    reason = fields.CharField(max_length=200, db_default="")
    words = fields.CharField(max_length=500, db_default="")  # to the reason of a correction by hand
    correction = fields.IntField(null=True)  # by hand: the how-manieth of its tender
    offered = fields.BigIntField(null=True)  # a unit price (fen) or a rate (ten-thousandths): no sum of money
    bid = fields.CharField(max_length=32, null=True)
    bidder: fields.ForeignKeyNullableRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="lines", null=True, on_delete=fields.RESTRICT
    )
    price = fields.BigIntField(null=True)
    baseline = fields.BigIntField(null=True)
    gain = fields.BigIntField(null=True)
    formula = fields.CharField(max_length=40, null=True)
    denominator = fields.CharField(max_length=20, null=True)  # what a rate of this line is divided by
    booked_at = fields.DatetimeField()

    class Meta:
        table = "trading_line"
