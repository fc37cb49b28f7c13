"""What other centres published, recomputed: sums, rates, what they divided by, and the one that does not add up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from audit.refusal import Refused
from trading.law.gains import BASELINE, PRICE, denominator
from trading.statement import adds_up, published

YI = 10_000_000_000  # fen


def _fen(yi: str) -> int:
    return int(Decimal(yi) * YI)


@pytest.mark.parametrize(
    ("who", "baseline", "price", "saved", "percent", "divided_by"),
    [
        ("Zhuzhou, January to April 2024", "11.58", "8.80", "2.78", "24.03", BASELINE),
        ("Zhuzhou, works", "15.87", "12.81", "3.06", "19.29", BASELINE),
        ("Daying, first quarter", "1.519", "1.4157", "0.1033", "6.8", BASELINE),
        ("Daying, comparisons", "0.7095", "0.6581", "0.0514", "7.24", BASELINE),
        # the one that is inconsistent with the others: S/A, which must be labelled wherever it is shown
        ("Wuxi, August 2023", "103.3844", "93.47", "9.9144", "10.7", PRICE),
    ],
)
def test_what_they_divided_by(who: str, baseline: str, price: str, saved: str, percent: str, divided_by: str) -> None:
    assert denominator(_fen(saved), _fen(baseline), _fen(price), Decimal(percent)) == divided_by, who


def test_a_rate_that_comes_from_neither_is_flagged() -> None:
    assert denominator(_fen("2.78"), _fen("11.58"), _fen("8.80"), Decimal("26.00")) is None
    assert denominator(1, 0, 0, Decimal(1)) is None


@pytest.mark.parametrize(
    ("who", "counts", "total", "amounts", "sum_"),
    [
        ("Wuxi, August 2023", (249, 138, 32, 3, 90, 65), 577, (), "0"),
        ("Zhejiang, first half of 2020", (6526, 16165, 3534, 809, 5983), 33_017, (), "0"),
        ("Xinjian, 2016", (160, 6, 29), 195, ("84.83", "0.88", "0.090744"), "85.80"),
    ],
)
def test_tables_that_add_up(who: str, counts: tuple[int, ...], total: int, amounts: tuple[str, ...], sum_: str) -> None:
    assert published(counts, total, [Decimal(one) for one in amounts], Decimal(sum_)), who


def test_tai_an_does_not_add_up_and_is_refused() -> None:
    amounts = [Decimal(one) for one in ("94.7", "26.7", "11.6", "9.4")]
    with pytest.raises(Refused, match="E-STATEMENT-COUNTS") as refused:
        published((456, 314, 57, 28), 856, amounts, Decimal("142.3"))
    assert refused.value.facts["rows"] == 855
    assert not adds_up(amounts, Decimal("142.3"))  # 142.4: that alone rounding explains, and a footnote would say so
    assert published((456, 314, 57, 29), 856, amounts, Decimal("142.3")) is False
