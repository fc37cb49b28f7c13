"""What other centres published, recomputed: sums, rates, what they divided by, and the one that does not add up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from audit.refusal import Refused
from trading import trade_file
from trading.law.gains import BASELINE, PRICE, denominator
from trading.statement import Query, adds_up, percent, plain, published, rounded
from trading.trade_file import Line

YI = 10_000_000_000  # fen


def _fen(yi: str) -> int:
    return int(Decimal(yi) * YI)


def _wan(wan: str) -> int:
    return int(Decimal(wan) * 1_000_000)


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


@pytest.mark.parametrize(
    ("who", "saved", "price", "of_baseline", "of_price"),
    [
        ("Zhuzhou, January to April 2024", "2.78", "8.80", "24.01", "31.59"),
        ("Zhuzhou, works", "3.06", "12.81", "19.28", "23.89"),
        ("Daying, first quarter", "0.1033", "1.4157", "6.80", "7.30"),
        ("Daying, comparisons", "0.0514", "0.6581", "7.24", "7.81"),
        ("Wuxi, August 2023: what was bought in all sectors", "9.9144", "93.47", "9.59", "10.61"),
    ],
)
def test_both_rates_to_the_last_figure(who: str, saved: str, price: str, of_baseline: str, of_price: str) -> None:
    """A statement of ours says the first; a centre that prints the second divides by something else and must say so."""
    line = Line("T", "works", date(2023, 8, 1), "", "", "concluded", _fen(saved) + _fen(price), _fen(price))
    told = plain(trade_file.state(Query(), "test", [line]))["total"]
    assert told["saved_rate"] == of_baseline, who
    assert percent(Decimal(saved) / Decimal(price)) == of_price, who


def test_what_can_be_said_of_baoshan_and_what_not() -> None:
    """Its parts are not known here, only that whoever had them found all six sums exact: one month inside eight."""
    month, eight = (114, "101132.92", "2784.26"), (1300, "1367873.46", "22468.44")
    assert all(Decimal(one) < Decimal(whole) for one, whole in zip(month, eight, strict=True))
    for _, price, saved in (month, eight):
        line = Line("T", "works", date(2020, 8, 1), "", "", "concluded", _wan(price) + _wan(saved), _wan(price))
        made = trade_file.state(Query(), "test", [line])
        assert f"{price}万元" in f"{rounded(made.total.deal, 1_000_000)}万元"
        assert rounded(made.total.saved or 0, 1_000_000) == Decimal(saved)


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
