"""Who may bid, what may win, and where the law says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from audit.refusal import Refused
from trading.law.article import Article, article
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
}
"""Articles of what a floor below refuses by name, knowing no law: late, not sealed as prescribed, a second bid, an hour
that has not come. The edge adds them."""


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


def check_price(regime: Regime, direction: str, price: int, baseline: int) -> None:
    """Whether a price may win at all under a regime: `source-law` knows no limit, the source's decisions stand."""
    if direction == BUY and regime.has("WK-52"):
        under_the_ceiling(price, baseline)
    if direction != BUY and regime.has("PR-03"):
        over_the_floor(price, baseline)
