"""Who may bid, what may win, and where the law says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from audit.refusal import Refused
from trading.law.article import Article, article
from trading.law.bounds import Book, asked
from trading.law.regimes import BUY, Regime
from trading.law.rules import platform, works
from trading.law.rules.sources import DETAIL

GROUNDS: Mapping[str, Article] = {
    "E-LATE": works.WK_22.article,
    "E-BOXES": platform.OP_11.article,
    "E-PAYLOAD": platform.OP_11.article,
    "E-TWICE": Article(DETAIL, 51),
    "E-EARLY": works.WK_24.article,
    "E-HOUR": platform.OP_14.article,
    "C-TIME": works.WK_20.article,
    "C-RECEIPT": works.WK_25.article,
    "E-UNOPENED": works.WK_25.article,
    "M-CONSISTENCY": platform.OP_25.article,
}
"""Articles of what a floor below refuses by name, knowing no law: late, not sealed as prescribed, a second bid, an hour
that has not come, a bid that is left out of an opening, a log that was shortened. The edge adds them."""


@article("电子招标投标办法", 23)
def not_the_operator(bidder: str, operators: Iterable[str]) -> None:
    """The platform's operator and whoever it controls may not bid on it (E-OPERATOR-BIDS)."""
    if bidder in set(operators):
        raise Refused("E-OPERATOR-BIDS", bidder=bidder)


@article("招标投标法实施条例", 34)
def not_the_tenderee(bidder: str, tenderee: str, agency: str = "") -> None:
    """Neither the tenderee nor its agent bids in its own tender (E-OWN-TENDER)."""
    if bidder in {tenderee, agency} - {""}:
        raise Refused("E-OWN-TENDER", bidder=bidder)


@article("招标投标法实施条例", 51)
def under_the_ceiling(price: int, baseline: int) -> None:
    """A price above the maximum the documents set is rejected (E-OVER-CEILING). Fen."""
    if price > baseline:
        raise Refused("E-OVER-CEILING", price=price, baseline=baseline)


@article("企业国有资产法", 55)
def over_the_floor(price: int, baseline: int) -> None:
    """State property is not sold below its lowest price (E-UNDER-FLOOR). Fen."""
    if price < baseline:
        raise Refused("E-UNDER-FLOOR", price=price, baseline=baseline)


def check_price(regime: Regime, direction: str, price: int, baseline: int, reserve: int | None = None) -> None:
    """Whether a price may win at all under a regime: `source-law` knows no limit, the source's decisions stand.

    `reserve`: the sealed reserve price that was read out with the bids, in fen. Whoever sells does not sell below it; what a
    buyer thought of the price before is published and is no reason to reject anybody (招标投标法实施条例 50).
    """
    if direction == BUY and regime.has("WK-52"):
        under_the_ceiling(price, baseline)
    if direction != BUY and regime.has("PR-03"):
        over_the_floor(price, baseline)
    if direction != BUY and reserve is not None:
        over_the_floor(price, reserve)


# ------------------------------------------------------------------------------------------------- who is let in


def enough_prequalified(book: Book, passed: Collection[str]) -> None:
    """Fewer than three prequalified applicants: the tender is called again (WK-05). Raises E-TOO-FEW-PREQUALIFIED."""
    rule = asked(book, "WK-05")
    if rule and len(set(passed)) < rule.count:
        raise Refused("E-TOO-FEW-PREQUALIFIED", rule.article, count=len(set(passed)), needed=rule.count)


def prequalified(book: Book, bidder: str, passed: Collection[str] | None) -> None:
    """Where there was a prequalification, a bid of one who did not pass is refused (WK-22). None: there was none.

    Raises Refused E-NOT-PREQUALIFIED. Late and unsealed bids are refused by the floor that takes them (`GROUNDS`).
    """
    rule = asked(book, "WK-22")
    if rule and passed is not None and bidder not in passed:
        raise Refused("E-NOT-PREQUALIFIED", rule.article, bidder=bidder)


def enough_bidders(book: Book, needed: int) -> None:
    """A notice may ask for more bidders than the law, never for fewer (WK-26, GP-29, SL-01). Raises T-MIN-BIDS."""
    rule = asked(book, "WK-26", "GP-29", "SL-01")
    if rule and needed < rule.count:
        raise Refused("T-MIN-BIDS", rule.article, given=needed, needed=rule.count)


# ------------------------------------------------------------------------------------------------- how it is sold

TENDER, AUCTION, LISTING = "tender", "auction", "listing"
COMPETITIVE = frozenset({TENDER, AUCTION, LISTING})
WAYS: Mapping[str, str] = {"open": TENDER, "two-envelope": TENDER}
"""The procedures of a notice, and which way of selling each is; what is none of ours is no competition we know."""


def check_way(book: Book, way: str, *, buyers: int | None = None, exempt: bool = False) -> None:
    """Land and minerals are granted by tender, auction or listing (LD-02, MN-01) unless a law exempts the case; state
    property is, as soon as two want it (PR-02). `buyers` None: nobody knows yet how many come.

    Raises Refused E-NOT-COMPETITIVE.
    """
    if way in COMPETITIVE:
        return
    granted, sold = asked(book, "LD-02", "MN-01"), asked(book, "PR-02")
    if granted and not exempt:
        raise Refused("E-NOT-COMPETITIVE", granted.article, way=way)
    if sold and (buyers is None or buyers >= sold.number("open_bidding_from")):
        raise Refused("E-NOT-COMPETITIVE", sold.article, way=way)


def check_appraisal(book: Book, floor: int | None, appraisal: int | None) -> None:
    """State property is listed with a lowest price, and that rests on an approved appraisal (PR-03). Fen.

    Raises Refused E-NO-APPRAISAL. How far below the appraisal it may lie is not checked law (N-07), so nothing blocks it.
    """
    rule = asked(book, "PR-03")
    if rule and (not appraisal or not floor):
        raise Refused("E-NO-APPRAISAL", rule.article)


# ------------------------------------------------------------------------------------------------- when it is opened


def check_hour(book: Book, deadline: datetime, hour: datetime) -> None:
    """Bids are opened at the very time of the deadline: no earlier hour, no later one (WK-24). Raises E-OPENING-HOUR.

    The hour of the first stage; a second envelope waits for the settlement of the first.
    """
    rule = asked(book, "WK-24")
    if rule and hour != deadline:
        raise Refused("E-OPENING-HOUR", rule.article, hour=hour, deadline=deadline)


WITHDRAWN, REVOKED = "withdrawn", "revoked"


def deemed(book: Book, *, bidders_fault: bool) -> tuple[str, Article | None]:
    """What a bid counts as that could not be opened, and the article: 撤销 through the bidder (OP-16), else 撤回 (OP-17)."""
    rule = asked(book, "OP-16" if bidders_fault else "OP-17")
    return (REVOKED if bidders_fault else WITHDRAWN), rule.article if rule else None
