"""What a method is given (offers, sheets) and what it gives back (an evaluation)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from audit.canon import canon, parse
from audit.refusal import Refused
from trading.law.methods.figures import HUNDRED, figure

SHEET = "trading.sheet/v1"


@dataclass(frozen=True)
class Offer:
    """A bid that was opened and counted, verdict OK in every stage. `price` in fen: read out in `form`, or as corrected.

    `stands`: it may win. A rejected bid does not; it is handed in all the same where the notice takes the benchmark of
    all that were opened (``base_of`` "opened"), and is passed over by every other method.
    """

    bid: str
    price: int
    small_firm: bool = False
    stands: bool = True


@dataclass(frozen=True)
class Ranked:
    """An offer with its place, from 1. `price` in fen is what it offers, never a price for scoring."""

    bid: str
    price: int
    rank: int


@dataclass(frozen=True)
class Evaluation:
    """A ranking with all it follows from.

    `rows`: one for each bid that may win, by rank, as in totals.json. `base`: the benchmark of the price score in fen.
    `without`: who would be first if that bid had not been there; empty where no price depends on another's.
    """

    ranked: tuple[Ranked, ...]
    rows: tuple[dict[str, Any], ...]
    without: dict[str, str | None] = field(default_factory=dict)
    base: int | None = None

    @property
    def decided_by(self) -> tuple[str, ...]:
        """The bids but for which another would have won: {k: the winner changes if bid k is removed}, the winner apart."""
        first = self.ranked[0].bid if self.ranked else None
        return tuple(bid for bid, then in self.without.items() if bid != first and then != first)


@dataclass(frozen=True)
class Sheet:
    """What one seat of the committee gave: `points` {bid: {criterion: points}}. Seats are numbered from 1."""

    tender: str
    seat: int
    points: Mapping[str, Mapping[str, Decimal]]

    @staticmethod
    def read(data: bytes) -> Sheet:
        """A sheet from its canonical bytes. Raises Refused E-SHEET for anything that is not one (log.md §8)."""
        try:
            value = parse(data)
        except (TypeError, ValueError):
            raise Refused("E-SHEET", why="its bytes are not canonical JSON") from None
        return Sheet.of(value)

    @staticmethod
    def of(value: Any) -> Sheet:
        """A sheet from its value. Raises Refused E-SHEET."""
        if not isinstance(value, dict) or set(value) != {"type", "tender", "seat", "rows"} or value["type"] != SHEET:
            raise Refused("E-SHEET", why="it has not exactly the fields of a sheet")
        seat, rows, tender = value["seat"], value["rows"], value["tender"]
        if type(seat) is not int or seat < 1 or not isinstance(tender, str) or not isinstance(rows, list):
            raise Refused("E-SHEET", why="it has not exactly the fields of a sheet")
        points: dict[str, dict[str, Decimal]] = {}
        for row in rows:
            if not isinstance(row, dict) or set(row) != {"bid", "points"} or not isinstance(row["points"], dict):
                raise Refused("E-SHEET", why="a row is a bid and its points")
            bid = row["bid"]
            if not isinstance(bid, str) or bid in points:
                raise Refused("E-SHEET", why="a bid stands in a sheet once")
            points[bid] = {name: _points(bid, name, given) for name, given in row["points"].items()}
        if list(points) != sorted(points):
            raise Refused("E-SHEET", why="rows stand in the order of bid ids")
        return Sheet(tender, seat, points)

    def plain(self) -> dict[str, Any]:
        """The value that is hashed and kept (in canonical form as ``evaluation/sheets/<sha256>.json``)."""
        rows = [
            {"bid": bid, "points": {name: f"{given:f}" for name, given in self.points[bid].items()}}
            for bid in sorted(self.points)
        ]
        return {"type": SHEET, "tender": self.tender, "seat": self.seat, "rows": rows}

    def encoded(self) -> bytes:
        """Its canonical bytes."""
        return canon(self.plain())


def _points(bid: str, name: str, given: object) -> Decimal:
    """Points are 0 … 100, in digits."""
    value = figure(given)
    if value is None or value > HUNDRED:
        raise Refused("E-SHEET-POINTS", bid=bid, criterion=name, points=str(given)[:20])
    return value
