"""The rules a project is announced under, pinned: canonical bytes whose hash stands in the announcement (log.md §5).

A later change of law is a new dated value in `rules/`; what was announced before keeps its rulebook. Rules that nobody has
checked are never pinned: `unchecked` lists them for the announcement, which shows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from audit.canon import canon, parse, sha256_hex
from audit.refusal import Refused
from trading.law.article import Op, Rule, Value, frozen, plain
from trading.law.calendar import legal_day
from trading.law.regimes import REGIMES, Regime
from trading.law.regions import overlay
from trading.law.rules import RULES

TYPE = "trading.rulebook/v1"


@dataclass(frozen=True)
class Rulebook:
    """A pinned rulebook as read back from its bytes; `values` is {rule id: (value, unit)}."""

    id: str
    regime: str
    values: dict[str, tuple[Value, str]] = field(hash=False)
    panel: dict[str, Any] = field(hash=False)
    data: bytes

    @property
    def digest(self) -> str:
        """What the announcement names (SHA-256, hex)."""
        return sha256_hex(self.data)

    def value(self, *ids: str) -> int | None:
        """The number of the first of these rules that was pinned; None: none of them was, so nothing is asked."""
        return next((v for v, _ in (self.values[i] for i in ids if i in self.values) if isinstance(v, int)), None)

    def has(self, id: str) -> bool:
        """Whether that rule was pinned."""
        return id in self.values

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The pinned rules this house knows, each with the value and unit that were pinned, whatever stands here today."""
        return tuple(
            replace(RULES[id], value=value, unit=unit) for id, (value, unit) in self.values.items() if id in RULES
        )

    def find(self, op: Op, since: str, until: str) -> tuple[Rule, ...]:
        """The pinned rules of one kind between two events, a region's too: ask so, and a tighter one is not missed."""
        return tuple(r for r in self.rules if r.op is op and (r.since, r.until) == (since, until))

    def _bounds(self, op: Op, until: str) -> list[int]:
        return [rule.value for rule in self.find(op, "", until) if isinstance(rule.value, int)]

    @property
    def max_candidates(self) -> int:
        """How many candidates may be published (WK-35, or a region that wants fewer); 0: all."""
        return min(self._bounds(Op.MAX_COUNT, "candidates"), default=0)

    @property
    def min_bids(self) -> int:
        """How many bidders it takes to open (WK-26, GP-29, SL-01, or a region that wants more); 1 where it says nothing."""
        return max(self._bounds(Op.MIN_COUNT, "opening"), default=1)

    @property
    def known_regime(self) -> Regime | None:
        """The regime of that name as this house has it today; None for a rulebook of another implementation."""
        return REGIMES.get(self.regime)


def pin(regime: Regime, announced: datetime, region: str = "") -> Rulebook:
    """The rulebook of a regime on the day of an announcement, with what its region adds. Raises Refused E-REGION."""
    day = legal_day(announced)
    whole = overlay(regime, region)
    place = f"{regime.id}+{whole.region}" if whole.region else regime.id
    data = canon(
        {
            "type": TYPE,
            "id": f"{place}@{day.isoformat()}",
            "regime": regime.id,
            "rules": [{"id": r.id, "value": plain(r.value), "unit": r.unit} for r in whole.in_force(day)],
            "panel": dict(regime.panel),
        }
    )
    return read(data)


def unchecked(regime: Regime, announced: datetime, region: str = "") -> tuple[Rule, ...]:
    """The rules of that day which nobody has checked: an announcement shows them, and they never block."""
    return overlay(regime, region).unchecked(legal_day(announced))


def read(data: bytes) -> Rulebook:
    """A rulebook from its bytes. `id` and `rules` may be missing (other implementations). Raises Refused E-RULEBOOK."""
    try:
        value = parse(data)
        if value["type"] != TYPE:
            raise ValueError
        values = {str(r["id"]): (frozen(r["value"]), str(r["unit"])) for r in value.get("rules", [])}
        return Rulebook(str(value.get("id", "")), str(value["regime"]), values, dict(value["panel"]), data)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused("E-RULEBOOK") from None
