"""`roles.toml` as values: the role matrix that the guard enforces and the tests are generated from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from trading.web.models import RoleName

TABLE = Path(__file__).with_name("roles.toml")


class Cell(StrEnum):
    """What one role may do with one operation."""

    ANY = "any"
    ANNOUNCED = "announced"
    OWN = "own"
    DENY = "deny"


class Verdict(StrEnum):
    """What the guard says."""

    ALLOW = "allow"
    DENY = "deny"  # 401 without a token, else 403
    HIDE = "hide"  # 404: it is not said that there is such a thing
    STATE = "state"  # 409: not in this state


@dataclass(frozen=True)
class Row:
    """One operation's row. `states` empty: any state."""

    operation: str
    object: str
    states: frozenset[str]
    record: bool
    cells: Mapping[RoleName, Cell]
    fresh: bool = False
    two: bool = False

    def judge(self, role: RoleName, *, own: bool = True, state: str = "") -> Verdict:
        """The verdict for a role, its own or a foreign object, in a state. Without an object both are ignored."""
        cell = self.cells.get(role, Cell.DENY)
        if cell is Cell.DENY:
            return Verdict.DENY
        if not self.object:
            return Verdict.ALLOW
        if not own and (cell is Cell.OWN or (cell is Cell.ANNOUNCED and state in UNANNOUNCED)):
            return Verdict.HIDE
        if self.states and state not in self.states:
            return Verdict.STATE
        return Verdict.ALLOW


ENROLLED = tuple(role for role in RoleName if role not in (RoleName.PUBLIC, RoleName.EXPERT))
"""The roles somebody can be enrolled in, and sign in as."""
UNANNOUNCED = frozenset({"draft", "named", "keyed"})
STATES: Mapping[str, tuple[str, ...]] = {
    "project": ("draft", "announced"),
    "tender": (
        "named", "keyed", "announced", "closed", "shut", "opened", "ranked", "awarded", "contracted", "failed",
        "terminated", "archived",
    ),
}  # fmt: skip


def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text("utf-8"))


def open_routes() -> frozenset[str]:
    """Paths of the routes that are no operations: open to everyone, for reading."""
    return frozenset(_table()["open"])


@lru_cache(maxsize=1)
def matrix() -> Mapping[str, Row]:
    """Every row, by operation. A word the table does not know is an error at start."""
    rows: dict[str, Row] = {}
    for name, fields in _table().items():
        if name == "open":
            continue
        object_ = fields.pop("object", "")
        states = frozenset(fields.pop("states", ()))
        record = bool(fields.pop("record", False))
        fresh, two = bool(fields.pop("fresh", False)), bool(fields.pop("two", False))
        everyone, signed_in = fields.pop("everyone", None), fields.pop("signed_in", None)
        cells = {role: Cell(everyone) for role in RoleName} if everyone else {}
        cells |= {role: Cell(signed_in) for role in ENROLLED} if signed_in else {}
        if everyone and object_:
            cells[RoleName.EXPERT] = Cell.OWN
        cells |= {RoleName(role): Cell(cell) for role, cell in fields.items()}
        if (object_ and object_ not in STATES) or not states <= set(STATES.get(object_, ())):
            raise ValueError(f"roles.toml: {name}: no such object or state")
        if not object_ and any(cell is not Cell.ANY for cell in cells.values()):
            raise ValueError(f"roles.toml: {name}: own or announced, of what?")
        if two and object_ != "tender":
            raise ValueError(f"roles.toml: {name}: two people, about what?")
        rows[name] = Row(name, object_, states, record, cells, fresh, two)
    return rows


def callers(operation: str) -> list[str]:
    """The roles that may call an operation at all, for `/openapi.json`."""
    return [r.value for r in RoleName if matrix()[operation].cells.get(r, Cell.DENY) is not Cell.DENY]
