"""How a ranking follows from what was opened, by the method the notice names. Versioned: a method never changes.

| method | rule | rounding |
|---|---|---|
| `lowest-price/v1` | price ascending, equal prices by bid id | none: whole fen |
| `highest-price/v1` | price descending, equal prices by bid id | none: whole fen |

(audit/log.md §8; 招标投标法 41: the evaluated lowest price, none below cost.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from audit.refusal import Refused

LOWEST, HIGHEST = "lowest-price/v1", "highest-price/v1"


@dataclass(frozen=True)
class Offer:
    """A bid that may win: verdict OK in every stage, not rejected, counted. `price` in fen, of `form`'s opening."""

    bid: str
    price: int


@dataclass(frozen=True)
class Ranked:
    """An offer with its place, from 1."""

    bid: str
    price: int
    rank: int


def rank(method: str, offers: Iterable[Offer]) -> tuple[Ranked, ...]:
    """All offers in order. Raises Refused E-METHOD for a method this house does not know."""
    offers = list(offers)
    if len({offer.bid for offer in offers}) != len(offers):
        raise ValueError("a bid stands in a ranking once")
    if method == LOWEST:
        ordered = sorted(offers, key=lambda offer: (offer.price, offer.bid))
    elif method == HIGHEST:
        ordered = sorted(offers, key=lambda offer: (-offer.price, offer.bid))
    else:
        raise Refused("E-METHOD", regime="", direction="", method=method)
    return tuple(Ranked(offer.bid, offer.price, place) for place, offer in enumerate(ordered, 1))


def totals(method: str, tender: str, ranked: Iterable[Ranked]) -> dict[str, Any]:
    """The content of `evaluation/totals.json` (log.md §8), to be hashed in its canonical form."""
    rows = [{"bid": r.bid, "price": r.price, "rank": r.rank} for r in sorted(ranked, key=lambda r: r.rank)]
    return {"method": method, "rows": rows, "tender": tender}
