"""Decimals as notices, sheets and totals write them, and the one way this house rounds: half up, once, where it is said.

A quotient is computed with 60 digits before it is rounded. Its terms are fen (at most 10^15) and decimals of at most
ten digits, so it is never nearer to a half than 10^-40 without being one: what is rounded is the exact value.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
HUNDRED = Decimal(100)
MEAN_PLACES = 4
"""Digits of a mean of the seats' points (log.md §8)."""

_FIGURE = re.compile(r"(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?")
_SIGNED = re.compile(rf"-?{_FIGURE.pattern}")


def figure(text: object, *, signed: bool = False) -> Decimal | None:
    """A plain decimal of at most six digits and four decimals ("85.0"); None for everything else, "-0" too."""
    pattern = _SIGNED if signed else _FIGURE
    if not isinstance(text, str) or not pattern.fullmatch(text):
        return None
    value = Decimal(text)
    return None if text.startswith("-") and value == 0 else value


def divided(value: Decimal, by: Decimal, places: int) -> Decimal:
    """`value` ÷ `by`, rounded half up to so many decimals. `by` is positive."""
    return EXACT.divide(value, by).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EXACT)


def fen(value: Decimal, by: Decimal) -> int:
    """`value` ÷ `by` as whole fen, rounded half up."""
    return int(divided(value, by, 0))


def written(value: Decimal) -> str:
    """A decimal as it stands in totals: plain, with all its places."""
    return f"{value:f}"
