"""A chart for print: bars beside their groups, or a line over months, each with the table of the same numbers below it.

Drawn by the typesetter that sets the papers, so that fonts, missing characters and equal bytes are its matter too. Nothing
is computed here but lengths: what a bar is labelled with is the text its table has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal
from xml.sax.saxutils import escape

from trading.paper.figures import Pair
from trading.paper.press import picture

PLACES: Final = Decimal("0.00001")
"""To how much of its axis a length is told: finer than a printer's dot."""


@dataclass(frozen=True)
class Measure:
    """One axis: `amounts` of the rows, None where there is nothing to tell, and their `texts` as the table prints them.

    `tone`: the colour, deal, saved or added; what is black on white is told apart by its head.
    """

    head: Pair
    tone: Literal["deal", "saved", "added"]
    amounts: Sequence[int | None]
    texts: Sequence[str]


@dataclass(frozen=True)
class Chart:
    """`rows`: names of groups, or months in their order (`over_time`); `heads` and `table`: the same numbers again.

    All texts are in one language, or pairs of two; `notes` stand below.
    """

    title: str
    about: str
    rows: Sequence[str]
    measures: Sequence[Measure]
    over_time: bool
    heads: Sequence[Pair]
    table: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    lang: str = "zh"

    def plain(self) -> dict[str, Any]:
        """As templates take it."""
        return {
            "title": self.title,
            "about": self.about,
            "rows": list(self.rows),
            "measures": [_measure(one) for one in self.measures],
            "line": self.over_time,
            "heads": [dict(head) for head in self.heads],
            "table": [list(row) for row in self.table],
            "notes": list(self.notes),
            "lang": self.lang,
        }

    @property
    def told(self) -> str:
        """The table in words, a line a row: what a picture says to whoever does not see it."""
        heads = [head["zh"] for head in self.heads]
        lines = ("; ".join(f"{head} {cell}" for head, cell in zip(heads, row, strict=True)) for row in self.table)
        return "\n".join((self.about, *lines, *self.notes))


def draw(chart: Chart, form: Literal["svg", "png"], at: datetime) -> bytes:
    """The picture; SVG with a title and a description that assistive technology reads. Refused: PAPER-GLYPH."""
    made = picture("chart", {"chart": chart.plain()}, at, form)
    if form == "png":
        return made
    head, rest = made.decode().split(">", 1)
    said = f"<title>{escape(chart.title)}</title><desc>{escape(chart.told)}</desc>"
    return f'{head} role="img" lang="{chart.lang}">{said}{rest}'.encode()


def _measure(one: Measure) -> dict[str, Any]:
    told = [amount for amount in one.amounts if amount is not None]
    low, high = min(0, *told, 0), max(0, *told, 0)
    span = high - low or 1

    def at(amount: int) -> str:
        return str((Decimal(amount - low) / span).quantize(PLACES, ROUND_HALF_UP))

    places: list[Mapping[str, str] | None] = [
        None
        if amount is None
        else {"from": at(min(0, amount)), "to": at(max(0, amount)), "at": at(amount)}
        for amount in one.amounts
    ]  # fmt: skip
    ends = {amount: text for amount, text in zip(one.amounts, one.texts, strict=True) if amount is not None}
    return {
        "head": dict(one.head),
        "tone": one.tone,
        "texts": list(one.texts),
        "places": places,
        "zero": at(0),
        "top": ends.get(high, "0"),
        "bottom": ends.get(low, "0"),
    }
