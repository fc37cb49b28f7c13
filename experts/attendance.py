"""Who was there how long, and what it is worth: pure. Members stand under seat numbers; names are the dispatcher's.

The fee follows a rule that was declared beforehand, so that nobody decides it when the marks are known.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

EXPERT, TENDEREE = "expert", "tenderee"


@dataclass(frozen=True)
class Fees:
    """A declared rule, in fen: `first` for attending up to `hours` hours, `further` for each further hour begun, `excused`
    for who came and was replaced for a conflict. The tenderee's representatives get nothing."""

    hours: int = 4
    first: int = 0
    further: int = 0
    excused: int = 0

    def of(self, side: str, hours: int, *, conflict: bool) -> int:
        """The fee of one member, in fen."""
        if side != EXPERT:
            return 0
        if conflict:
            return self.excused
        return self.first + max(0, hours - self.hours) * self.further


@dataclass(frozen=True)
class Attended:
    """One member's time at a panel, in log time. `ended`: when the seat or the evaluation ended."""

    seat: int
    side: str
    checked_in: datetime
    ended: datetime
    conflict: bool

    @property
    def hours(self) -> int:
        """Hours, a begun one counts whole."""
        return -((self.ended - self.checked_in) // timedelta(hours=-1))

    def line(self, fees: Fees) -> dict[str, Any]:
        """As the list shows it; `fee` in fen."""
        return {
            "seat": self.seat,
            "side": self.side,
            "checked_in": self.checked_in,
            "ended": self.ended,
            "replaced_for_conflict": self.conflict,
            "hours": self.hours,
            "fee": fees.of(self.side, self.hours, conflict=self.conflict),
        }


def sheet(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A CSV file (RFC 4180, UTF-8 with its mark) in which no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in (head, *rows):
        writer.writerow([harmless(value) for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def harmless(value: Any) -> str:
    """A cell's text; what a spreadsheet would compute is given an apostrophe in front (numbers stay numbers)."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return (
        f"'{text}"
        if text.lstrip()[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠") or text[:1] in "\t\r\n"
        else text
    )
