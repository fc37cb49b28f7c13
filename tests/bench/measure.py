"""Code and limit in turns, so that whatever else the machine is doing hurts both alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Rate = Callable[[], float]


@dataclass(frozen=True)
class Result:
    """One line. `value` and `limit` are medians in `unit`; `ratio` is the median over the turns, 1 being the limit."""

    name: str
    value: float
    unit: str
    limit: float
    ratio: float
    goal: float = 0.0
    low: float = 0.0  # the lowest and highest ratio of any turn: how noisy the machine was
    high: float = 0.0
    note: str = ""

    @classmethod
    def of(
        cls, name: str, unit: str, turns: Sequence[tuple[float, float]], goal: float = 0.0, note: str = ""
    ) -> Result:
        """From (code, limit) of every turn. Of spans, which end in "s", less is more: the ratio is turned round."""
        spans = unit in ("s", "ms")
        ratios = [limit / code if spans else code / limit for code, limit in turns]
        code, limit = (median(column) for column in zip(*turns, strict=True))
        return cls(name, code, unit, limit, median(ratios), goal, min(ratios), max(ratios), note)

    def json(self) -> dict[str, Any]:
        """The line of `--json`."""
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "limit": round(self.limit, 3),
            "ratio": round(self.ratio, 3),
        }


def alternate(code: Rate, limit: Rate, turns: int, *, warm: bool = True) -> list[tuple[float, float]]:
    """ABAB: (code, limit) of each turn, after one of each that does not count."""
    if warm:
        code(), limit()
    found = []
    for turn in range(turns):
        gc.collect()
        if turn % 2:
            second = limit()
            found.append((code(), second))
        else:
            found.append((code(), limit()))
    return found
