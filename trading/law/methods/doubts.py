"""Abnormally low prices: who must explain himself before there is a ranking.

财政部令87号 60: where a price is clearly lower than those of the others and quality or honest performance is in doubt, the
committee asks for a written explanation; who cannot show that the price is reasonable, his bid is invalid. The notice
may say from where on the platform raises the doubt by itself; the committee may raise it anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trading.law.article import Article
from trading.law.methods.figures import HUNDRED
from trading.law.methods.offers import Offer
from trading.law.methods.parameters import Abnormal, read

EXPLANATION = Article("财政部令87号", 60)


@dataclass(frozen=True)
class Doubt:
    """A price that must be explained: `reasons` are the thresholds it reaches (below_mean, below_next)."""

    bid: str
    price: int
    reasons: tuple[str, ...]


def abnormally_low(method: str, parameters: Mapping[str, Any], offers: Iterable[Offer]) -> tuple[Doubt, ...]:
    """The standing bids whose price is, by the thresholds of the notice, abnormally low; in order of bid ids.

    `below_mean` p: price ≤ (100 − p) % of the mean of the other standing prices. `below_next` p: price ≤ (100 − p) %
    of the lowest of the other standing prices that is not below it. Both compare exactly, without rounding.
    """
    rule = read(method, parameters).abnormal
    standing = [offer for offer in offers if offer.stands]
    if rule is None or len(standing) < 2:
        return ()
    found = []
    for offer in sorted(standing, key=lambda one: one.bid):
        others = [one.price for one in standing if one is not offer]
        if reasons := tuple(_reasons(rule, offer.price, others)):
            found.append(Doubt(offer.bid, offer.price, reasons))
    return tuple(found)


def _reasons(rule: Abnormal, price: int, others: list[int]) -> Iterable[str]:
    if rule.below_mean is not None and _at_least_below(price * len(others), sum(others), rule.below_mean):
        yield "below_mean"
    above = [one for one in others if one >= price]
    if rule.below_next is not None and above and _at_least_below(price, min(above), rule.below_next):
        yield "below_next"


def _at_least_below(price: int, other: int, percent: Decimal) -> bool:
    return other > 0 and HUNDRED * price <= (HUNDRED - percent) * other
