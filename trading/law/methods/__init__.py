"""How a ranking follows from what was opened, by the method the notice names. Versioned: a method never changes.

| method | rule | where |
|---|---|---|
| `lowest-price/v1` | price ascending | buying |
| `highest-price/v1` | price descending | selling |
| `evaluated-lowest/v1` | price + declared adjustments − small-firm deduction, ascending | works; gov: deduction alone |
| `comprehensive/v1` | rated criteria by weight + a price score | works, gov, land, minerals |
| `benchmark-mean/v1` | nearness to a trimmed mean of the prices | works |

Values in, values out: the platform, `trading verify` and whoever reads log.md §8 compute the same bytes. Formulas,
order of operations and rounding stand there; everything rounds half up, in Decimal.
"""

from __future__ import annotations

from trading.law.methods.doubts import Doubt, abnormally_low
from trading.law.methods.evaluating import check_sheet, evaluate, evaluate_means, means, rank, told_means, totals
from trading.law.methods.offers import Evaluation, Offer, Ranked, Sheet
from trading.law.methods.parameters import (
    BENCHMARK,
    COMPREHENSIVE,
    EVALUATED,
    HIGHEST,
    HIGHEST_SCORE,
    LOWEST,
    LOWEST_SCORE,
    METHODS,
    check_parameters,
    fits,
    is_small_firm,
    remarks,
)

__all__ = [
    "BENCHMARK",
    "COMPREHENSIVE",
    "EVALUATED",
    "HIGHEST",
    "HIGHEST_SCORE",
    "LOWEST",
    "LOWEST_SCORE",
    "METHODS",
    "Doubt",
    "Evaluation",
    "Offer",
    "Ranked",
    "Sheet",
    "abnormally_low",
    "check_parameters",
    "check_sheet",
    "evaluate",
    "evaluate_means",
    "fits",
    "is_small_firm",
    "means",
    "rank",
    "remarks",
    "told_means",
    "totals",
]
