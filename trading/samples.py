"""Samples to try the house with. They are CONSTRUCTED: no such trade ever was, and every id says so.

`xinjian-2016`: 新建区's centre printed one sentence for January to October 2016. These 195 trades are made so that their
unrounded sums lie inside what that sentence leaves open: works 9 523 000 000 yuan of baselines and 8 483 000 000 of
prices; sales 88 000 000 at 129.69 per cent more than their baselines; purchases 9 074 400 after 856 300 saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from audit.refusal import Refused
from trading.statement import CONCLUDED
from trading.trade_file import Line

YUAN = 100
_REGION = "新建区"
_START, _DAYS = date(2016, 1, 4), 300


def xinjian() -> list[Line]:
    """新建区, January to October 2016, constructed inside the rounding bounds of what was printed."""
    deals = [one * 1_000_000 * YUAN for one in (20, 18, 16, 14, 12, 8)]
    baselines = _split(3_831_250_816, [one // YUAN for one in deals])
    sold = list(zip(baselines, deals, strict=True))
    return [
        *_lines("works", "C-W", "示例建设单位", _bought(952_300_000_000, 104_000_000_000, 160)),
        *_lines("property", "C-P", "示例转让方", sold),
        *_lines("procurement", "C-G", "示例采购人", _bought(993_070_000, 85_630_000, 29)),
    ]


def _bought(baseline: int, saved: int, count: int) -> list[tuple[int, int]]:
    """So many (baseline, price) of these sums, uneven as life is."""
    baselines = _split(baseline, [1 + 37 * n % 41 for n in range(count)])
    gains = _split(saved, [base // YUAN * (7 + n % 5) for n, base in enumerate(baselines)])
    return [(base, base - gain) for base, gain in zip(baselines, gains, strict=True)]


def _split(whole: int, weights: Sequence[int]) -> list[int]:
    """Whole yuan by weight; what is left over goes to the last."""
    total = sum(weights)
    parts = [whole * weight // total // YUAN * YUAN for weight in weights]
    parts[-1] += whole - sum(parts)
    return parts


def _lines(kind: str, mark: str, who: str, pairs: Sequence[tuple[int, int]]) -> list[Line]:
    return [
        Line(
            f"CONSTRUCTED-{mark}{n:03}", kind, _START + timedelta(days=n * _DAYS // len(pairs)), _REGION,
            f"{who}{n % 7 + 1}", CONCLUDED, baseline, deal, "constructed",
        )
        for n, (baseline, deal) in enumerate(pairs)
    ]  # fmt: skip


SAMPLES: Mapping[str, Callable[[], list[Line]]] = {"xinjian-2016": xinjian}


def sample(name: str) -> list[Line]:
    """The trades of a sample. Refused: E-SAMPLE (there is no such one)."""
    if name not in SAMPLES:
        raise Refused("E-SAMPLE", name=name, known=", ".join(SAMPLES))
    return SAMPLES[name]()
