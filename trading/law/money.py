"""Money is whole fen (the smallest unit of its currency) as an integer; words and decimals only at the two edges."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from audit.refusal import Refused

WHOLE_UNITS = frozenset({"JPY", "KRW", "VND", "ISK", "CLP", "UGX", "XAF", "XOF"})
"""Currencies without a smaller unit (ISO 4217); all others here have hundredths."""

LARGEST = 10**15
"""Fen: ten trillion yuan, well inside a 64-bit integer and inside what JSON carries exactly (2^53)."""

UNITS = {"元": Decimal(1), "万元": Decimal(10_000), "亿元": Decimal(100_000_000)}

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,15})(\.[0-9]+)?")


def digits(currency: str) -> int:
    """How many decimals a currency has."""
    return 0 if currency in WHOLE_UNITS else 2


def fen(amount: str, currency: str = "CNY") -> int:
    """A published decimal ("69900.0") as whole fen, exactly. Raises Refused E-AMOUNT for anything that is not one:

    a sign, an exponent, separators, more decimals than the currency has (trailing zeros are no decimals), or too much.
    """
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
        raise Refused("E-AMOUNT", amount=str(amount)[:40], currency=currency)
    scaled = Decimal(amount).scaleb(digits(currency))
    if scaled != scaled.to_integral_value() or scaled > LARGEST:
        raise Refused("E-AMOUNT", amount=amount[:40], currency=currency)
    return int(scaled)


def decimal(amount: int, currency: str = "CNY") -> str:
    """Whole fen as a plain decimal with a point: 291000 → "2910.00", exactly."""
    places = digits(currency)
    return f"{Decimal(amount).scaleb(-places):.{places}f}"


def render(amount: int, currency: str = "CNY", lang: str = "zh-CN", unit: str = "元") -> str:
    """An amount for people: grouped, half-up to two decimals when told in 万元 or 亿元.

    Yuan carry their unit in Chinese (`2,910.00元`), everything else its currency code (`UAH 2,910.00`).
    """
    if currency == "CNY" and lang.startswith("zh"):
        value = (Decimal(amount).scaleb(-2) / UNITS[unit]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return f"{value:,.2f}{unit}"
    places = digits(currency)
    return f"{currency} {Decimal(amount).scaleb(-places):,.{places}f}"
