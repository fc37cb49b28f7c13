"""A statement of accounts as a paper: a plain value of rows, totals and footnotes, which `trading report` computes.

Nothing is added up here: what does not sum must not reach the press, and its builder refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit import wire
from audit.canon import parse_object
from audit.refusal import Refused
from trading.paper.charts import Chart
from trading.paper.press import Mark, press

TYPE = "trading.statement/v1"


@dataclass(frozen=True)
class Column:
    """A head in both languages; `right` for numbers."""

    zh: str
    en: str
    right: bool = False


@dataclass(frozen=True)
class Statement:
    """`period`, `unit` and cells are texts as they are to be printed; `total` is a row of its own, or empty."""

    title: str
    subtitle: str
    issuer: str
    period: str
    unit: str
    at: datetime
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] = ()
    footnotes: Sequence[str] = ()
    words: str = ""
    """The sentence of the statement, if it has one."""
    keys: Sequence[str] = ()
    """Of each row, and of the total last: under which key its trades are found."""
    links: Sequence[str] = ()
    """Where they are found, in the same order; empty where no platform's address is known."""
    chart: Chart | None = None

    def __post_init__(self) -> None:
        """Refused PAPER-VALUE: a row that has more or fewer cells than there are heads."""
        for row in (*self.rows, *([self.total] if self.total else [])):
            if len(row) != len(self.columns):
                raise Refused("PAPER-VALUE", why="a row has another number of cells than there are columns")
        for told in (self.keys, self.links):
            if told and len(told) != len(self.rows) + bool(self.total):
                raise Refused("PAPER-VALUE", why="a row has another number of cells than there are columns")


def read_statement(data: bytes) -> Statement:
    """A statement from its JSON (`trading.statement/v1`). Refused: PAPER-VALUE."""
    try:
        told = parse_object(data)
        if told.pop("type", None) != TYPE:
            raise Refused("PAPER-VALUE", why="it is no statement")
        found: dict[str, Any] = wire.members(told, _FIELDS)
    except ValueError as why:
        raise Refused("PAPER-VALUE", why=str(why)[:200]) from None
    columns = [Column(**one) for one in found.pop("columns")]
    return Statement(columns=columns, **found)


def statement(paper: Statement, mark: Mark) -> bytes:
    """The paper; more than six columns lie across. Refused: PAPER-GLYPH."""
    value: Mapping[str, Any] = {
        "issuer": paper.issuer,
        "title": {"zh": paper.title, "en": paper.subtitle},
        "period": paper.period,
        "unit": paper.unit,
        "columns": [{"zh": one.zh, "en": one.en, "right": one.right} for one in paper.columns],
        "rows": [list(row) for row in paper.rows],
        "total": list(paper.total),
        "footnotes": list(paper.footnotes),
        "words": paper.words,
        "keys": list(paper.keys),
        "links": list(paper.links),
        "chart": None if paper.chart is None else paper.chart.plain(),
    }
    return press("statement", value, mark, paper.at)


def _texts(value: Any) -> list[str]:
    return list(wire.listed(wire.string)(value))


def _column(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != {"zh", "en", "right"} or not isinstance(value["right"], bool):
        raise ValueError("a column has zh, en and right")
    return {"zh": wire.string(value["zh"]), "en": wire.string(value["en"]), "right": value["right"]}


_FIELDS: dict[str, wire.Reader] = {
    "title": wire.text,
    "subtitle": wire.string,
    "issuer": wire.string,
    "period": wire.string,
    "unit": wire.string,
    "at": wire.time,
    "columns": wire.listed(_column),
    "rows": wire.listed(_texts),
    "total": _texts,
    "footnotes": _texts,
    "words": wire.string,
}
