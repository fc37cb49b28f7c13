"""What a trade gained: savings when buying, added value when selling. Whole fen, never rounded; rates only for reading.

`baseline-minus-price/v1` (buy): 节约资金 S = control price − deal. `price-minus-baseline/v1` (sell): 增值 V = deal −
reserve. Both may be negative and are shown as they are; failed tenders are not counted. A unit price or a rate is no sum of
money 单价、费率: whatever it lies below, nothing is known of what was saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from audit.refusal import Refused
from trading.law.regimes import BUY, SELL

SAVINGS, ADDED_VALUE = "baseline-minus-price/v1", "price-minus-baseline/v1"
BASELINE, PRICE = "baseline", "price"
"""What a gain is divided by: the first, as most centres do; whoever divides by the price says so."""


TOTAL, UNIT, RATE = "total", "unit", "rate"
PRICINGS = (TOTAL, UNIT, RATE)
"""What the `price` of a notice is: fen in all; fen for a unit 单价; ten-thousandths of what will be paid 费率, of a ceiling
or a list (a 下浮率 of 12.50 % is bid as 8750). The last two rank like prices, and no gain follows from them."""


def pricing(notice: Mapping[str, Any]) -> str:
    """What the price of a notice is; one that does not say means a total. Raises Refused E-PRICING."""
    told = notice.get("pricing")
    if told is not None and told not in PRICINGS:
        raise Refused("E-PRICING", pricing=told, known=", ".join(PRICINGS))
    return TOTAL if told is None else str(told)


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
