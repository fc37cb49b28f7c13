"""The rows of the online auction 网上竞价: one per tender, its bidders under their numbers, and every bid that was taken.

Who is behind a number stands here and in sealed records, nowhere else before the hammer. Bids only grow; the triggers of
0009 and 0011 refuse what the rules refuse, whoever writes. Money is in fen, spans are whole seconds of log time.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from trading.tables import Organisation, Tender


class AuctionJoiner(Model):
    """A qualified bidder who takes part, and the key it made for that; `number` 竞买号 is drawn when the auction opens."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="joiners", on_delete=fields.RESTRICT
    )
    bid = fields.CharField(max_length=32)
    bidder: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="auctions", on_delete=fields.RESTRICT
    )
    key = fields.CharField(max_length=44)  # base64 of a raw Ed25519 key
    joined_at = fields.DatetimeField()
    number = fields.IntField(null=True)

    class Meta:
        table = "trading_auction_joiner"
        unique_together = (("tender", "bid"), ("tender", "key"), ("tender", "number"))


class Auction(Model):
    """An auction: its terms for good, and where it stands (`standing`, `number`, `hammer`, `last_at`, `stopped_at`)."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.OneToOneRelation[Tender] = fields.OneToOneField(
        "trading.Tender", related_name="auction", on_delete=fields.RESTRICT
    )
    bidders = fields.IntField()
    start = fields.BigIntField()
    increment = fields.BigIntField()
    opens = fields.DatetimeField()
    first_hammer = fields.DatetimeField()
    window = fields.IntField()
    extension = fields.IntField()
    reserve = fields.CharField(max_length=64, null=True)
    reveal = fields.IntField()
    opened_at = fields.DatetimeField()
    standing = fields.BigIntField()
    number = fields.IntField(null=True)
    hammer = fields.DatetimeField()
    last_at = fields.DatetimeField(null=True)
    closed_at = fields.DatetimeField(null=True)
    outcome = fields.CharField(max_length=16, null=True)
    stopped_at = fields.DatetimeField(null=True)  # since when the rounds rest: the tender was suspended
    resumes = fields.DatetimeField(null=True)  # when they go on, or went on, after the last time they rested

    class Meta:
        table = "trading_auction"


class AuctionBid(Model):
    """A bid that was taken, with the hammer it was taken under."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="auction_bids", on_delete=fields.RESTRICT
    )
    number = fields.IntField()
    price = fields.BigIntField()
    hammer = fields.DatetimeField()
    made_at = fields.DatetimeField()
    record = fields.CharField(max_length=64)

    class Meta:
        table = "trading_auction_bid"
        unique_together = (("tender", "price"),)
