"""What the API takes and gives of an online auction 网上竞价. Money in fen, spans in seconds of log time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from trading.web.models import Base64, BidId, Fen, Hex32, Model, Signatures, When

Seconds = Annotated[int, Field(ge=0, le=10_000_000, strict=True)]
Increment = Annotated[int, Field(ge=1, le=2**50, strict=True)]


class JoinAuction(Model):
    """`key`: a raw Ed25519 key made for this auction; `sig`: by the key that signed the bid (log.md §8)."""

    bid: BidId
    key: Annotated[Base64, Field(min_length=44, max_length=44)]
    sig: Signatures


class AuctionReceipt(Model):
    """log.md §6; `nonce` is null where the record stands in clear."""

    receipt: dict[str, Any]


class NewAuction(Model):
    """`reserve`: SHA-256 of canon({"price","salt"}), which the tenderee keeps to itself until the hammer."""

    increment: Increment
    opens: When
    hammer: When
    window: Seconds
    extension: Seconds
    reserve: Hex32 | None = None
    reveal: Seconds = 0


class ResumeAuction(Model):
    """When the rounds go on, and until when: for as long as was left of them at least."""

    opens: When
    hammer: When


class NewAuctionBid(Model):
    price: Fen
    sig: Signatures


class HeardBid(AuctionReceipt):
    """The receipt of a bid, and where the auction stands with it."""

    number: int
    standing: int
    least: int
    hammer: datetime


class RevealedReserve(Model):
    price: Fen
    salt: Hex32


class CloseAuction(Model):
    reserve: RevealedReserve | None = None


class AuctionBid(Model):
    number: int
    price: int
    at: datetime
    record: Hex32


class Confirmation(Model):
    """成交确认书: what was sold to whom at what price, and the record that says so."""

    bid: BidId
    bidder: str
    bidder_name: str
    title: str
    seller: str
    number: int
    price: int
    hammer: datetime
    record: Hex32


class AuctionNumber(Model):
    """Who was behind a number, once the auction is closed; `price`: the last it cried."""

    number: int
    bid: BidId
    bidder: str
    bidder_name: str
    price: int | None


class Auction(Model):
    """An auction as everybody sees it; `own`, `own_price`, `result`: the caller's number 竞买号, its last price, what came
    of it. `revealed`: the reserve price; `numbers` are told when it is closed."""

    tender: str
    phase: Literal["waiting", "open", "stopped", "hammered", "closed"]
    bidders: int
    start: int
    increment: int
    opens: datetime
    hammer: datetime
    stopped_at: datetime | None
    window: int
    extension: int
    reserve: Hex32 | None
    reveal: int
    standing: int
    least: int
    number: int | None
    outcome: str | None
    now: datetime
    bids: list[AuctionBid]
    extensions: int
    revealed: int | None
    numbers: list[AuctionNumber]
    own: int | None
    own_price: int | None
    result: Literal["highest", "outbid", "no_effect"] | None
    confirmation: Confirmation | None
