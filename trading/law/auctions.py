"""拍卖法: notice, display, the hammer. Values in, refusals out; the rounds themselves are `bidding_rounds.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.refusal import Refused
from trading.law.bounds import Book, Due, asked, keep_from


@dataclass(frozen=True)
class Offer:
    """A bidder's cry: whose, and how much in fen."""

    bidder: str
    price: int


def keep_auction_notice(book: Book, noticed: datetime, auction: datetime) -> Due | None:
    """The notice is out seven days before the day of the auction (AU-01). Raises Refused E-PERIOD."""
    return keep_from(book, noticed, auction, "AU-01")


def keep_display(book: Book, started: datetime, ended: datetime) -> Due | None:
    """What is sold is shown for two days at least (AU-02). Raises Refused E-PERIOD."""
    return keep_from(book, started, ended, "AU-02")


def hammer(book: Book, offers: Sequence[Offer], reserve: int | None) -> Offer:
    """The highest offer, unless it is below the reserve: then it has no effect and the lot is withdrawn (AU-03). Fen.

    Raises Refused E-BELOW-RESERVE, E-NO-CANDIDATE (nobody bid).
    """
    if not offers:
        raise Refused("E-NO-CANDIDATE")
    best = max(offers, key=lambda o: o.price)
    rule = asked(book, "AU-03")
    if rule and reserve is not None and best.price < reserve:
        raise Refused("E-BELOW-RESERVE", rule.article, price=best.price)
    return best


def withdraw(book: Book, offers: Sequence[Offer], mine: Offer) -> None:
    """An offer once made binds; only a higher one releases its bidder (AU-04). Raises Refused E-NO-WITHDRAWAL."""
    rule = asked(book, "AU-04")
    higher = any(o.price > mine.price for o in offers)
    if rule and not higher:
        raise Refused("E-NO-WITHDRAWAL", rule.article, price=mine.price)
