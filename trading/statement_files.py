"""A statement as CSV and XLSX. Amounts are whole fen as numbers; no text in a cell is ever taken for a formula. Pure."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, time
from typing import Any

import xlsxwriter

from trading import statement as s
from trading.messages import say
from trading.statement_words import name, table
from trading.trade_file import cell

COLUMNS = (
    "key", "name", "trades", "failed", "deal", "saved", "saved_baseline", "saved_rate", "added", "added_baseline",
    "added_rate", "without_price", "without_baseline", "figure",
)  # fmt: skip
TEXTS = ("key", "name", "figure")


def _rows(statement: s.Statement, lang: str) -> list[list[Any]]:
    plain = s.plain(statement)
    made = []
    for row, told in zip((*statement.rows, statement.total), (*plain["rows"], plain["total"]), strict=True):
        made.append([name(statement, row, lang) if column == "name" else told[column] for column in COLUMNS])
    return made


def write_csv(statement: s.Statement, lang: str) -> bytes:
    """UTF-8 with a byte order mark, without which spreadsheets show Chinese as noise."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _rows(statement, lang):
        writer.writerow([cell(value) if isinstance(value, str) and column in TEXTS else value
                         for column, value in zip(COLUMNS, row, strict=True)])  # fmt: skip
    return out.getvalue().encode("utf-8-sig")


def write_xlsx(statement: s.Statement, lang: str) -> bytes:
    """One sheet for people, in the unit of the total, and one of whole fen; the same bytes for the same statement."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    day = statement.end or datetime.fromtimestamp(0, UTC).date()
    book.set_properties({"created": datetime.combine(day, time())})
    bold, right = book.add_format({"bold": True}), book.add_format({"align": "right"})
    shown = table(statement, lang)
    people = book.add_worksheet(say("statement.sheet.shown", lang))
    people.set_column(0, 0, 28)
    people.set_column(1, len(shown.heads) - 1, 14)
    people.set_column(len(shown.heads), len(shown.heads), 24)
    title = say("statement.title", lang, start=statement.start, end=statement.end, unit=shown.unit)
    people.write_string(0, 0, title, bold)
    for column, head in enumerate((*shown.heads, "statement.head.figure")):
        people.write_string(1, column, say(head, lang), bold)
    for line, (row, told) in enumerate(zip(shown.rows, (*statement.rows, statement.total), strict=True), 2):
        for column, text in enumerate(row):
            people.write_string(line, column, text, right if column else None)
        people.write_string(line, len(shown.heads), told.key)
    for line, note in enumerate((*shown.notes, statement.source), len(shown.rows) + 3):
        people.write_string(line, 0, note)
    exact = book.add_worksheet(say("statement.sheet.exact", lang))
    for column, head in enumerate(COLUMNS):
        exact.write_string(0, column, head, bold)
    for line, values in enumerate(_rows(statement, lang), 1):
        for column, value in enumerate(values):
            if isinstance(value, int):
                exact.write_number(line, column, value)
            elif value is not None:
                exact.write_string(line, column, str(value))
    book.close()
    return out.getvalue()
