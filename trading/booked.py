"""What the log says stands in the books of a tender: its award, as often corrected as two signatures said. Pure.

The platform books by these functions, V16 judges by them (log.md §8), and published lines are held against archives by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.refusal import Refused
from trading import statement as s
from trading.law import gains

REASONS: Mapping[str, tuple[str, ...]] = {
    "amount": (s.CONCLUDED, s.NO_BASELINE),
    "baseline": (s.CONCLUDED, s.NO_BASELINE),
    "not-a-sum": (s.UNIT_PRICE, s.RATE),
    "void": (s.ANNULLED,),
    "twice": (s.ANNULLED,),
}
"""Why a line is corrected by hand, and what it may then be: 金额有误, 基准价有误, 单价费率误作总价, 中标无效, 重复登记."""
LONGEST = 500
"""Characters of the words of a correction."""
_STATUS: Mapping[str, str] = {gains.TOTAL: s.CONCLUDED, gains.UNIT: s.UNIT_PRICE, gains.RATE: s.RATE}
_WANTS: Mapping[str, tuple[bool, bool]] = {s.CONCLUDED: (True, True), s.NO_BASELINE: (True, False)}


@dataclass(frozen=True)
class Booked:
    """The figures of a line, fen: price and baseline where its status has them, gain and formula as they follow."""

    status: str
    price: int | None = None
    baseline: int | None = None
    gain: int | None = None
    formula: str | None = None

    @property
    def told(self) -> dict[str, Any]:
        """The fields of a `line-corrected` that say so."""
        return {name: getattr(self, name) for name in ("status", "price", "baseline", "gain", "formula")}


def line(direction: str, status: str, price: int | None = None, baseline: int | None = None) -> Booked:
    """A line with its gain computed. Raises Refused E-LEDGER-STATUS (no such status, or amounts that do not go with it)."""
    given = (price is not None, baseline is not None)
    if status not in s.STATUSES or _WANTS.get(status, (False, False)) != given:
        raise Refused("E-LEDGER-STATUS", status=status)
    if price is None or baseline is None:
        return Booked(status, price, baseline)
    named = gains.formula(direction)
    return Booked(status, price, baseline, gains.gain(named, price=price, baseline=baseline), named)


def awarded(notice: Mapping[str, Any], price: int) -> Booked:
    """The line of an award under a notice: a unit price or a rate is a trade and no money; so is a gain without baseline."""
    status, baseline = _STATUS[gains.pricing(notice)], notice["baseline"]
    if status != s.CONCLUDED:
        return Booked(status)
    return line(notice["direction"], s.CONCLUDED if baseline is not None else s.NO_BASELINE, price, baseline)


def restated(direction: str, standing: Booked, told: Mapping[str, Any]) -> Booked:
    """The line that stands in another's place, from the fields of a `line-corrected`.

    Raises Refused E-LEDGER-REASON (none of the list, or no words to it), E-LEDGER-STATUS (not one the reason leads to, or
    amounts that do not go with it), E-LEDGER-SAME (nothing is corrected).
    """
    reason, words = told["reason"], told["words"]
    if reason not in REASONS or not words or len(words) > LONGEST:
        raise Refused("E-LEDGER-REASON", known=", ".join(REASONS))
    if told["status"] not in REASONS[reason]:
        raise Refused("E-LEDGER-STATUS", status=told["status"])
    made = line(direction, told["status"], told["price"], told["baseline"])
    if made == standing:
        raise Refused("E-LEDGER-SAME")
    return made
