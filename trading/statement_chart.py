"""A statement as a chart: bars by group, lines over months, and the table of the same numbers. Pure.

A picture holds so many groups: the largest by price stand by themselves, the others in one row, which is their sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Final, Literal

from trading import statement as s
from trading.messages import EN, say
from trading.paper.charts import Chart, Measure, draw
from trading.statement_words import HEADS, cells, name, owed

GROUPS: Final = 12
"""Groups that are drawn by themselves."""
MONTHS: Final = 60
"""Months that are drawn, the latest ones."""
OTHERS = "others"
"""The key of the row that is the sum of all other groups."""


def chart(statement: s.Statement, lang: str, *, both: bool = False) -> Chart:
    """The chart of a statement in a language. `both`: heads in Chinese and English, for a paper that has both."""
    unit, word = s.unit_for(statement.total.deal, lang)
    rows, notes = _drawn(statement, lang)
    if not both:  # a paper says it once, below its table
        notes += _owed(statement, lang, rows, unit)

    def head(code: str) -> dict[str, str]:
        return {"zh": say(code, lang), "en": say(code, EN) if both else ""}

    names = [_named(statement, row, lang) for row in rows]
    printed = [cells(row, unit) for row in rows]
    whole = cells(statement.total, unit)
    measures = [
        Measure(head(HEADS[place + 1]), tone, [getattr(row, tone) for row in rows], [row[place] for row in printed])
        for tone, place in _TONES
        if getattr(statement.total, tone) is not None
    ]
    return Chart(
        title=say("statement.chart", lang, by=say(f"statement.by.{statement.query.by}", lang)),
        about=say("statement.title", lang, start=statement.start, end=statement.end, unit=word)
        if statement.start
        else say("statement.none", lang),
        rows=names,
        measures=measures,
        over_time=statement.query.by == s.MONTH,
        heads=[head(code) for code in HEADS],
        table=[
            *((called, *row) for called, row in zip(names, printed, strict=True)),
            (say("statement.total", lang), *whole),
        ],
        notes=notes,
        lang="en" if lang == EN else "zh",
    )


_TONES: tuple[tuple[Literal["deal", "saved", "added"], int], ...] = (("deal", 2), ("saved", 3), ("added", 5))
"""What is drawn, and where it stands among the cells of a row."""


def write_picture(statement: s.Statement, lang: str, form: Literal["svg", "png"]) -> bytes:
    """The chart for print; the same statement gives the same bytes. Refused: PAPER-GLYPH."""
    day = statement.end or datetime.fromtimestamp(0, UTC).date()
    return draw(chart(statement, lang), form, datetime.combine(day, time(), UTC))


def keys(statement: s.Statement) -> list[str]:
    """Which trades are behind each row of the chart, as `/trade-lines?key=` takes it; "" for the sum of the others."""
    return ["" if row.key == OTHERS else row.key for row in _drawn(statement, EN)[0]]


def _owed(statement: s.Statement, lang: str, rows: list[s.Row], unit: int) -> Iterator[str]:
    """What the table below the chart owes its reader; latest months alone never sum to a period's total."""
    cut = statement.query.by == s.MONTH and rows[:1] != list(statement.rows[:1])
    adds_up = cut or s.printed_adds_up(replace(statement, rows=tuple(rows)), unit)
    return owed(statement, lang, adds_up=adds_up)


def _drawn(statement: s.Statement, lang: str) -> tuple[list[s.Row], list[str]]:
    rows = list(statement.rows)
    if statement.query.by == s.MONTH:
        rows = _without_gaps(rows)
        if len(rows) > MONTHS:
            return rows[-MONTHS:], [say("statement.chart.months", lang, count=MONTHS)]
        return rows, []
    if len(rows) <= GROUPS:
        return rows, []
    rows.sort(key=lambda row: (-row.deal, row.key))
    others = sum(rows[GROUPS - 1 :], s.Row(OTHERS))
    return [*rows[: GROUPS - 1], others], [say("statement.chart.others", lang, count=len(rows) - GROUPS + 1)]


def _without_gaps(rows: list[s.Row]) -> list[s.Row]:
    """Every month from the first to the last; one without a trade is a month of nothing, not no month."""
    if not rows:
        return []
    told = {row.key: row for row in rows}
    year, month = map(int, rows[0].key.split("-"))
    filled = []
    while (key := f"{date(year, month, 1):%Y-%m}") <= rows[-1].key:
        filled.append(told.get(key, s.Row(key)))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return filled


def _named(statement: s.Statement, row: s.Row, lang: str) -> str:
    return say("statement.others", lang) if row.key == OTHERS else name(statement, row, lang)
