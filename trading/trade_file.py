"""A file of trades, CSV, as other houses write them: read whole, or refused by the line that is wrong.

Columns `id,kind,date,region,organisation,direction,baseline_fen,deal_fen,status`, in any order, and `reason` if there is
one. Where several winners share a trade, `part` says which of them a line is of, each with its share of the baseline: the
trade counts once, by its part 1, and the shares are summed. Pure: bytes come in, lines go out.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from audit.refusal import Refused
from trading import statement as s
from trading.law.gains import formula, gain
from trading.law.money import LARGEST
from trading.law.regimes import BUY, SELL

COLUMNS = ("id", "kind", "date", "region", "organisation", "direction", "baseline_fen", "deal_fen", "status")
REASON, PART = "reason", "part"
OPTIONAL = {REASON, PART}
LONGEST = 200
"""Characters of a text in a cell."""
_FEN = re.compile(r"0|[1-9][0-9]{0,15}")
_PART = re.compile(r"[1-9][0-9]{0,3}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Line:
    """One trade. `baseline` and `deal` in fen, None where its status has none."""

    id: str
    kind: str
    day: date
    region: str
    organisation: str
    status: str
    baseline: int | None
    deal: int | None
    reason: str = ""
    part: int = 1

    @property
    def direction(self) -> str:
        """Which way: it follows from the kind."""
        return s.KINDS[self.kind]

    def key(self, by: str) -> str:
        """The row of a statement this line belongs to."""
        return {
            s.KIND: self.kind,
            s.REGION: self.region,
            s.ORGANISATION: self.organisation,
            s.MONTH: f"{self.day:%Y-%m}",
        }[by]

    def figures(self) -> tuple[int, ...]:
        """What it adds to a row: the fields of a `statement.Side`, in their order. Of several winners the first counts."""
        once = 1 if self.part == 1 else 0
        if self.status in (s.FAILED, s.ANNULLED):
            return 0, 0, 0, 0, 0, 0, 0, once
        if self.deal is None:
            return once, 0, 0, 0, 0, 0, once, 0
        if self.baseline is None:
            return once, self.deal, 0, 0, 0, once, 0, 0
        gained = gain(formula(self.direction), price=self.deal, baseline=self.baseline)
        return once, self.deal, self.baseline, self.deal, gained, 0, 0, 0


class _Bad(Exception):
    """What is wrong with a cell; the reader says on which line."""


def read(path: Path) -> tuple[str, list[Line]]:
    """Name and SHA-256 of a file, and all of its trades.

    Refused: E-TRADES-FILE with line and why; nothing of a file with one wrong line is reported.
    """
    whole = path.read_bytes()
    return f"{path.name} sha256:{hashlib.sha256(whole).hexdigest()}", list(lines(whole, path.name))


def lines(whole: bytes, name: str) -> Iterator[Line]:
    """The trades of a file's bytes. Refused: E-TRADES-FILE."""
    try:
        text = whole.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("E-TRADES-FILE", file=name, line=whole[: error.start].count(b"\n") + 1, why="not UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    seen: dict[tuple[str, int], Line] = {}
    begun, head = 1, None
    try:
        for row in rows:
            if head is None:
                head = _head(row)
            elif row:
                line = _line(dict(zip(head, row, strict=True)) if len(row) == len(head) else None)
                if (line.id, line.part) in seen:
                    raise _Bad("the id stands twice")
                first = seen.get((line.id, 1))
                if line.part > 1 and (first is None or _place(first) != _place(line)):
                    raise _Bad("a share of no trade")
                seen[line.id, line.part] = line
                yield line
            begun = rows.line_num + 1
        if not seen:
            raise _Bad("no trade in it")
    except (_Bad, csv.Error) as error:
        why = str(error) if isinstance(error, _Bad) else "not CSV"
        raise Refused("E-TRADES-FILE", file=name, line=begun, why=why) from None


def _place(one: Line) -> tuple[Any, ...]:
    """Where a line lies, whatever the grouping."""
    return one.kind, one.day, one.region, one.organisation


def _head(row: Sequence[str]) -> Sequence[str]:
    if len(set(row)) != len(row) or set(row) - OPTIONAL != set(COLUMNS):
        raise _Bad("not the columns")
    return row


def _line(cells: dict[str, str] | None) -> Line:
    if cells is None:
        raise _Bad("a cell too many or too few")
    for cell in cells.values():
        if len(cell) > LONGEST or not cell.replace("\u3000", " ").isprintable():
            raise _Bad("a text that is none")
    kind, status, reason = cells["kind"], cells["status"], cells.get(REASON, "")
    if not cells["id"].strip():
        raise _Bad("no id")
    if kind not in s.KINDS:
        raise _Bad("no such kind")
    if cells["direction"] != s.KINDS[kind]:
        raise _Bad("the direction is not that of the kind")
    if status not in s.STATUSES:
        raise _Bad("no such status")
    baseline, deal = _fen(cells["baseline_fen"]), _fen(cells["deal_fen"])
    if status in (s.CONCLUDED, s.NO_BASELINE) and deal is None:
        raise _Bad("no deal_fen")
    if status == s.CONCLUDED and baseline is None:
        raise _Bad("no baseline_fen")
    if status == s.NO_BASELINE:
        baseline = None
    elif status != s.CONCLUDED:
        baseline = deal = None  # a unit price, a rate, or what was offered in vain, is no sum of money
    return Line(
        cells["id"], kind, _day(cells["date"]), cells["region"], cells["organisation"], status, baseline, deal, reason,
        _part(cells.get(PART, "")),
    )  # fmt: skip


def _part(cell: str) -> int:
    if not cell:
        return 1
    if not _PART.fullmatch(cell):
        raise _Bad("a part that is no number")
    return int(cell)


def _fen(cell: str) -> int | None:
    if not cell:
        return None
    if not _FEN.fullmatch(cell) or int(cell) > LARGEST:
        raise _Bad("an amount that is no whole fen")
    return int(cell)


def _day(cell: str) -> date:
    try:
        if _DAY.fullmatch(cell):
            return date.fromisoformat(cell)
    except ValueError:
        pass
    raise _Bad("a date that is no day")


def write(found: Iterable[Line]) -> str:
    """The same file again, from lines: header first, a line each, safe to open in a spreadsheet."""
    lines = list(found)
    more = [REASON] if any(one.reason and one.status != s.CONCLUDED for one in lines) else []
    more += [PART] if any(one.part > 1 for one in lines) else []
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*COLUMNS, *more))
    for one in lines:
        texts = (cell(one.id), one.kind, one.day.isoformat(), cell(one.region), cell(one.organisation), one.direction)
        amounts = ("" if amount is None else str(amount) for amount in (one.baseline, one.deal))
        told = {REASON: cell(one.reason), PART: str(one.part)}
        writer.writerow((*texts, *amounts, one.status, *(told[name] for name in more)))
    return out.getvalue()


def cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection): an apostrophe before what begins one."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠") else text


def state(query: s.Query, source: str, found: Iterable[Line]) -> s.Statement:
    """The statement of the lines that lie in the period: rows, kinds and total, each summed by itself."""
    summed: dict[tuple[str, str, str], list[int]] = {}
    count, first, last = 0, None, None
    groups = {s.ALL, query.by, s.KIND}
    for one in found:
        if not within(query, one):
            continue
        count += one.part == 1
        first, last = min(first or one.day, one.day), max(last or one.day, one.day)
        figures, way = one.figures(), one.direction
        for by in groups:
            into = summed.setdefault((by, s.ALL if by == s.ALL else one.key(by), way), [0] * len(figures))
            for place, figure in enumerate(figures):
                into[place] += figure
    sides = {at: s.Side(*figures) for at, figures in summed.items()}

    def rows(by: str) -> list[s.Row]:
        keys = {key for group, key, _ in sides if group == by} | ({s.ALL} if by == s.ALL else set())
        none = s.Side()
        return [s.Row(key, sides.get((by, key, BUY), none), sides.get((by, key, SELL), none)) for key in sorted(keys)]

    return s.build(
        query,
        source,
        rows(query.by),
        rows(s.KIND),
        rows(s.ALL)[0],
        read=count,
        first=first,
        last=last,
    )


def within(query: s.Query, one: Line) -> bool:
    """Whether a line lies in the period, both days in it. A file tells yuan."""
    return (query.start or one.day) <= one.day <= (query.end or one.day) and query.currency == "CNY"


def behind(query: s.Query, key: str, found: Iterable[Line]) -> list[Line]:
    """The trades behind the figures of one row."""
    return [one for one in found if within(query, one) and (key == s.ALL or one.key(query.by) == key)]
