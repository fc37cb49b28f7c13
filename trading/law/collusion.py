"""What counts as collusion between bidders 视为串通投标, and bidders of one house: findings, each with its item.

条例 40 and 财政部令87号 37 name the same six facts (gov adds the contact person to item 3). The facts come from opened
envelopes and securities; a finding says *which* bids and *why*, and the rejection that follows is an act of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from trading.law.article import Article
from trading.law.bounds import Book, asked

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Traits:
    """What is known of one opened bid. Sets hold ids of whatever kind, compared only with one another.

    `authors`: who (or which machine, licence) prepared it. `agents`: who handled it. `managers`: members of its project
    management. `contacts`. `texts`: hashes of its files. `enclosed`: bidders whose papers lie in it. `account`: whose
    account paid its security.
    """

    bid: str
    bidder: str = ""
    price: int | None = None
    authors: frozenset[str] = NONE
    agents: frozenset[str] = NONE
    managers: frozenset[str] = NONE
    contacts: frozenset[str] = NONE
    texts: frozenset[str] = NONE
    enclosed: frozenset[str] = NONE
    account: str = ""


@dataclass(frozen=True)
class Finding:
    """Item `item` of the article is met by these bids; `what` names the fact (a code of the catalogue)."""

    item: int
    what: str
    bids: tuple[str, ...]
    rule: str
    article: Article


AUTHOR, AGENT, MANAGER, ALIKE, PRICES, MIXED, ACCOUNT = (
    "K-AUTHOR", "K-AGENT", "K-MANAGER", "K-ALIKE", "K-PRICES", "K-MIXED", "K-ACCOUNT",
)  # fmt: skip


def findings(book: Book, bids: Sequence[Traits], common: Collection[str] = ()) -> tuple[Finding, ...]:
    """Every item of the article that these bids meet, in its order. `common`: hashes of files given to all bidders.

    Nothing where the book has neither WK-50 nor GP-45.
    """
    rule = asked(book, "GP-45", "WK-50")
    if rule is None:
        return ()
    gov, shared = rule.id == "GP-45", frozenset(common)
    found: list[tuple[int, str, tuple[str, ...]]] = []
    for one, other in combinations(sorted(bids, key=lambda b: b.bid), 2):
        met = [
            (1, AUTHOR, one.authors & other.authors),
            (2, AGENT, one.agents & other.agents),
            (3, MANAGER, (one.managers & other.managers) | (one.contacts & other.contacts if gov else NONE)),
            (4, ALIKE, (one.texts & other.texts) - shared),
            (5, MIXED, {other.bidder} & one.enclosed | {one.bidder} & other.enclosed),
            (6, ACCOUNT, {one.account} & {other.account} - {""}),
        ]
        found += [(item, what, (one.bid, other.bid)) for item, what, fact in met if fact]
    found += [(4, PRICES, bids_of) for bids_of in regular(bids)]
    return tuple(Finding(item, what, which, rule.id, rule.article) for item, what, which in sorted(found))


def regular(bids: Iterable[Traits]) -> list[tuple[str, ...]]:
    """Prices that differ by a rule: all of them, three or more, at one distance or in one proportion (whole fen)."""
    priced = sorted((b.price, b.bid) for b in bids if b.price is not None)
    prices = [price for price, _ in priced]
    if len(prices) <= 2:
        return []  # two prices always stand at one distance
    even = len({b - a for a, b in pairwise(prices)}) == 1
    scaled = all(a * c == b * b for a, b, c in zip(prices, prices[1:], prices[2:], strict=False))
    return [tuple(bid for _, bid in priced)] if even or scaled else []


# ------------------------------------------------------------------------------------------------- one house


@dataclass(frozen=True)
class House:
    """Who stands behind a bidder: its head 单位负责人, and the organisations that hold or manage it."""

    head: str = ""
    controllers: frozenset[str] = NONE


def related(book: Book, houses: Mapping[str, House]) -> tuple[tuple[str, str], ...]:
    """Pairs of bidders of one lot under one head or one control: both their bids are void (WK-51)."""
    if asked(book, "WK-51") is None:
        return ()

    def tied(a: str, b: str) -> bool:
        one, other = houses[a], houses[b]
        return bool(one.head and one.head == other.head) or a in other.controllers or b in one.controllers

    return tuple((a, b) for a, b in combinations(sorted(houses), 2) if tied(a, b))
