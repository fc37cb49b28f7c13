"""Lines of a CSV or XLSX file that somebody else made: bounded, and believed in nothing.

    for number, cells in lines(path): …      the number as a spreadsheet or an editor shows it

CSV is UTF-8 (with or without a mark) or GB 18030, which spreadsheets write in China. XLSX is read cell by cell, and no
formula is computed: such a cell says so (`Kind.FORMULA`), and so does a CSV cell that a spreadsheet would take for one.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from audit.refusal import Refused

LARGEST: Final = 64 << 20
"""Bytes of a file."""
UNPACKED: Final = 512 << 20
"""Bytes an XLSX may unpack to, before it is unpacked."""
MOST: Final = 200_000
"""Lines of a file; more go into several."""
WIDEST: Final = 64
"""Columns that are looked at."""
LONGEST: Final = 4000
"""Characters of a cell."""


class Kind(Enum):
    """What stands in a cell."""

    TEXT = "text"
    NUMBER = "number"  # digits beyond the fifteenth may be gone
    DATE = "date"
    FORMULA = "formula"
    ERROR = "error"  # too long, a control character, or a spreadsheet's own error


@dataclass(frozen=True, repr=False)
class Cell:
    """A cell: its text without blanks around, dates as ISO 8601; "" where nothing stands."""

    text: str = ""
    kind: Kind = Kind.TEXT


Line = tuple[int, list[Cell]]


def lines(path: Path) -> Iterator[Line]:
    """Every line in which something stands.

    Raises Refused: E-TABLE-SIZE (bytes, most), E-TABLE-LINES (most), E-TABLE-FILE (why: unreadable, neither CSV nor XLSX …).
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise Refused("E-TABLE-SIZE", size=size, most=LARGEST)
        data = path.read_bytes()
    except OSError:
        raise Refused("E-TABLE-FILE", why="unreadable") from None
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused("E-TABLE-FILE", why="an old spreadsheet: save it as XLSX")
    read = _xlsx(data) if data.startswith(b"PK") else _csv(data)
    for count, (number, cells) in enumerate(read, 1):
        if count > MOST or number > 2 * MOST:
            raise Refused("E-TABLE-LINES", most=MOST)
        if any(cell.text or cell.kind is not Kind.TEXT for cell in cells):
            yield number, cells


# -------------------------------------------------------------------------------------------------------------------- CSV


def _csv(data: bytes) -> Iterator[Line]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            raise Refused("E-TABLE-FILE", why="neither UTF-8 nor GB 18030") from None
    if "\x00" in text:
        raise Refused("E-TABLE-FILE", why="neither CSV nor XLSX")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for row in reader:
            yield number + 1, [_text(value) for value in row[:WIDEST]]
            number = reader.line_num
    except csv.Error:
        raise Refused("E-TABLE-FILE", why="a quotation mark without its fellow, or a field too long") from None


def _text(value: str) -> Cell:
    text = value.strip()
    if len(text) > LONGEST or any((ord(c) < 32 and c not in "\t\n\r") or c == "\x7f" for c in text):
        return Cell("", Kind.ERROR)
    if text.startswith(("=", "@")):
        return Cell("", Kind.FORMULA)
    return Cell(text)


# ------------------------------------------------------------------------------------------------------------------- XLSX


def _xlsx(data: bytes) -> Iterator[Line]:
    broken = Refused("E-TABLE-FILE", why="neither CSV nor XLSX")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = packed.infolist()
            size = sum(one.file_size for one in members)
            if any(one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for one in members):
                raise broken
            if size > UNPACKED or len(members) > 1000:
                raise Refused("E-TABLE-SIZE", size=size, most=UNPACKED)
            for one in members:
                with packed.open(one) as member:
                    # No spreadsheet has a document type; whoever adds one wants entities expanded.
                    if one.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in member.read(4096):
                        raise broken
        with _quiet():
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        try:
            sheet: Any = book.worksheets[0]
            sheet.reset_dimensions()  # what the file says of itself is not believed
            rows, number = iter(sheet.iter_rows(max_col=WIDEST)), 0
            while True:
                with _quiet():
                    row = next(rows, None)
                if row is None:
                    break
                number += 1
                if number > 2 * MOST:
                    raise Refused("E-TABLE-LINES", most=MOST)
                if row:
                    yield number, [_cell(cell) for cell in row]
        finally:
            book.close()
    except (Refused, GeneratorExit):
        raise
    except (InvalidFileException, zipfile.BadZipFile, OSError, ValueError, KeyError, IndexError, TypeError, SyntaxError,
            AttributeError, NotImplementedError, EOFError, RuntimeError, OverflowError, zlib.error):  # fmt: skip
        raise broken from None  # SyntaxError: XML's own; the others are how a spreadsheet library meets a broken file


@contextmanager
def _quiet() -> Iterator[None]:
    """The library warns of missing styles and unknown extensions, which concern nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _cell(cell: Any) -> Cell:
    value, kind = cell.value, cell.data_type
    if value is None:
        return Cell()
    if kind == "f":
        return Cell("", Kind.FORMULA)
    if kind == "e":
        return Cell("", Kind.ERROR)
    if isinstance(value, datetime):
        return Cell(value.date().isoformat(), Kind.DATE)
    if isinstance(value, date):
        return Cell(value.isoformat(), Kind.DATE)
    if isinstance(value, bool):
        return Cell("", Kind.ERROR)
    if isinstance(value, int | float):
        whole = int(value) if isinstance(value, int) or value.is_integer() else None
        return Cell("", Kind.ERROR) if whole is None else Cell(str(whole), Kind.NUMBER)
    return _text(str(value))
