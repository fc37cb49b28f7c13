"""Sums as headlines write them: 10.41 亿元, 10.41 million CNY. The exact value always stands beside it."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

YUAN = 100
"""Fen in a yuan."""
UNITS = {
    "zh-CN": (("big", 100_000_000 * YUAN), ("middle", 10_000 * YUAN)),
    "en": (("big", 1_000_000 * YUAN), ("middle", 1_000 * YUAN)),
}
"""What a headline counts in, the largest first: 亿 and 万, million and thousand; in fen."""


def scaled(fen: int, lang: str) -> tuple[str, str]:
    """(amount with two decimals at most, its unit: "big", "middle"), rounded half to even; ("", "") below the smallest unit,
    where the exact value is short enough. Fen."""
    for name, size in UNITS[lang]:
        if abs(fen) >= size:
            rounded = (Decimal(fen) / size).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
            return f"{rounded:,.2f}".rstrip("0").rstrip(".").replace("-", "−"), name
    return "", ""
