"""What a trade gained: savings when buying, added value when selling. Whole fen, never rounded; rates only for reading.

`baseline-minus-price/v1` (buy): 节约资金 S = control price − deal. `price-minus-baseline/v1` (sell): 增值 V = deal −
reserve. Both may be negative and are shown as they are; failed tenders are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from audit.refusal import Refused
from trading.law.regimes import BUY, SELL

SAVINGS, ADDED_VALUE = "baseline-minus-price/v1", "price-minus-baseline/v1"


def formula(direction: str) -> str:
    """The formula of a direction. Raises Refused E-DIRECTION."""
    if direction not in (BUY, SELL):
        raise Refused("E-DIRECTION", regime="", direction=direction)
    return SAVINGS if direction == BUY else ADDED_VALUE


def gain(formula: str, *, price: int, baseline: int) -> int:
    """The gain in fen. Raises Refused E-FORMULA for a formula this house does not know."""
    if formula == SAVINGS:
        return baseline - price
    if formula == ADDED_VALUE:
        return price - baseline
    raise Refused("E-FORMULA", formula=formula)


def rate(pairs: Iterable[tuple[int, int]]) -> Decimal:
    """节资率 or 增值率 of one or many trades given as (gain, baseline): Σ gain ÷ Σ baseline, never a mean of rates.

    Raises Refused E-RATE when there is no baseline to divide by.
    """
    gains, baselines = 0, 0
    for one, base in pairs:
        gains += one
        baselines += base
    if baselines <= 0:
        raise Refused("E-RATE", baseline=baselines)
    return Decimal(gains) / Decimal(baselines)
