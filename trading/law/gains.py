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
BASELINE, PRICE = "baseline", "price"
"""What a gain is divided by: the first, as most centres do; whoever divides by the price says so."""


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


def denominator(gain: int, baseline: int, price: int, percent: Decimal) -> str | None:
    """What somebody else's printed rate (in per cent) was divided by: the nearer of the two, within a tenth of a point.

    None: by neither. Published tables print gains and amounts rounded, so their rates do not come out to the last digit.
    """
    found = {
        name: abs(Decimal(100 * gain) / whole - percent)
        for name, whole in ((BASELINE, baseline), (PRICE, price))
        if whole
    }
    nearest = min(found, key=lambda name: found[name], default=None)
    return nearest if nearest is not None and found[nearest] <= Decimal("0.1") else None
