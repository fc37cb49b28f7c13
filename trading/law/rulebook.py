"""The rules a project is announced under, pinned: canonical bytes whose hash stands in the announcement (log.md §5).

A later change of law is a new dated value in `statutes.py`; what was announced before keeps its rulebook.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.canon import canon, parse, sha256_hex
from audit.refusal import Refused
from trading.law.calendar import legal_day
from trading.law.regimes import REGIMES, Regime

TYPE = "trading.rulebook/v1"


@dataclass(frozen=True)
class Rulebook:
    """A pinned rulebook as read back from its bytes; `values` is {rule id: (value, unit)}."""

    id: str
    regime: str
    values: dict[str, tuple[int | str, str]] = field(hash=False)
    panel: dict[str, Any] = field(hash=False)
    data: bytes

    @property
    def digest(self) -> str:
        """What the announcement names (SHA-256, hex)."""
        return sha256_hex(self.data)

    def value(self, *ids: str) -> int | None:
        """The number of the first of these rules that was pinned; None: none of them was, so nothing is asked."""
        return next((v for v, _ in (self.values[i] for i in ids if i in self.values) if isinstance(v, int)), None)

    @property
    def max_candidates(self) -> int:
        """How many candidates may be published (WK-35); 0: all."""
        return self.value("WK-35") or 0

    @property
    def min_bids(self) -> int:
        """How many bidders it takes to open (WK-26, GP-29, SL-01); 1 where it says nothing."""
        return self.value("WK-26", "GP-29", "SL-01") or 1

    @property
    def known_regime(self) -> Regime | None:
        """The regime of that name as this house has it today; None for a rulebook of another implementation."""
        return REGIMES.get(self.regime)


def pin(regime: Regime, announced: datetime) -> Rulebook:
    """The rulebook of a regime on the day of an announcement."""
    day = legal_day(announced)
    rules = [{"id": r.id, "value": r.value, "unit": r.unit} for r in regime.in_force(day)]
    data = canon(
        {
            "type": TYPE,
            "id": f"{regime.id}@{day.isoformat()}",
            "regime": regime.id,
            "rules": rules,
            "panel": dict(regime.panel),
        }
    )
    return read(data)


def read(data: bytes) -> Rulebook:
    """A rulebook from its bytes. `id` and `rules` may be missing (other implementations). Raises Refused E-RULEBOOK."""
    try:
        value = parse(data)
        if value["type"] != TYPE:
            raise ValueError
        values = {str(r["id"]): (r["value"], str(r["unit"])) for r in value.get("rules", [])}
        return Rulebook(str(value.get("id", "")), str(value["regime"]), values, dict(value["panel"]), data)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused("E-RULEBOOK") from None
