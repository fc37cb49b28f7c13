"""A file of trades is read whole, or refused by the line that is wrong; nothing in a cell becomes a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from audit.refusal import Refused
from trading import messages, samples, statement_files, trade_file
from trading.statement import ORGANISATION, Query

HEAD = "id,kind,date,region,organisation,direction,baseline_fen,deal_fen,status\n"
GOOD = "A-1,works,2026-03-01,宁波,甲方,buy,10000,9000,concluded\n"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", 1, "no trade in it"),
        (HEAD, 2, "no trade in it"),
        ("id,kind\n", 1, "not the columns"),
        (HEAD.replace("status", "id") + GOOD, 1, "not the columns"),
        (HEAD + GOOD + GOOD, 3, "the id stands twice"),
        (HEAD + GOOD + GOOD.replace("A-1", ""), 3, "no id"),
        (HEAD + GOOD.replace("works", "boats"), 2, "no such kind"),
        (HEAD + GOOD.replace("buy", "sell"), 2, "the direction is not that of the kind"),
        (HEAD + GOOD.replace("concluded", "done"), 2, "no such status"),
        (HEAD + GOOD.replace("9000", ""), 2, "no deal_fen"),
        (HEAD + GOOD.replace("10000", ""), 2, "no baseline_fen"),
        (HEAD + GOOD.replace("9000", "90.00"), 2, "an amount that is no whole fen"),
        (HEAD + GOOD.replace("9000", "-9000"), 2, "an amount that is no whole fen"),
        (HEAD + GOOD.replace("9000", "9e3"), 2, "an amount that is no whole fen"),
        (HEAD + GOOD.replace("9000", "９０００"), 2, "an amount that is no whole fen"),
        (HEAD + GOOD.replace("9000", "9999999999999999"), 2, "an amount that is no whole fen"),
        (HEAD + GOOD.replace("2026-03-01", "2026-02-30"), 2, "a date that is no day"),
        (HEAD + GOOD.replace("2026-03-01", "1.3.2026"), 2, "a date that is no day"),
        (HEAD + GOOD.replace(",concluded", ""), 2, "a cell too many or too few"),
        (HEAD + GOOD.replace("concluded", "concluded,x"), 2, "a cell too many or too few"),
        (HEAD + GOOD.replace("甲方", "甲" * 201), 2, "a text that is none"),
        (HEAD + GOOD.replace("甲方", "甲\u202e方"), 2, "a text that is none"),
        (HEAD + GOOD + '"A-2,works\n', 3, "not CSV"),
    ],
)
def test_a_bad_file_is_refused_by_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(Refused, match="E-TRADES-FILE") as refused:
        list(trade_file.lines(text.encode(), "t.csv"))
    assert (refused.value.facts["line"], refused.value.facts["why"]) == (line, why)
    for lang in messages.LANGUAGES:
        assert messages.tell(refused.value, lang)
        assert messages.catalogue()[f"why: {why}"]


def test_a_file_of_another_encoding_is_refused_by_its_line() -> None:
    with pytest.raises(Refused) as refused:
        list(trade_file.lines((HEAD + GOOD).encode() + "甲".encode("gb18030"), "t.csv"))
    assert refused.value.facts["line"] == 3


def test_what_spreadsheets_write_is_read() -> None:
    text = "\ufeff" + (HEAD + GOOD + "\n").replace("\n", "\r\n")
    assert [one.organisation for one in trade_file.lines(text.encode(), "t.csv")] == ["甲方"]


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(whole: bytes) -> None:
    for text in (whole, (HEAD + GOOD).encode() + whole):
        try:
            list(trade_file.lines(text, "t.csv"))
        except Refused as refused:
            assert refused.code == "E-TRADES-FILE"


FORMULAS = ('=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "=cmd|' /C calc'!A0")


def test_asvs_1_2_10_no_text_is_taken_for_a_formula(tmp_path: Path) -> None:
    lines = samples.sample("xinjian-2016")
    for place, formula in enumerate(FORMULAS):
        lines[place] = replace(lines[place], organisation=formula)
    made = trade_file.state(Query(by=ORGANISATION), "=source()", lines)
    rows = list(csv.DictReader(io.StringIO(statement_files.write_csv(made, "zh-CN").decode("utf-8-sig"))))
    for formula in FORMULAS:
        assert f"'{formula}" in {row["key"] for row in rows}
    assert not [cell for row in rows for cell in (row["key"], row["name"], row["figure"]) if cell[:1] in "=+-@"]
    path = tmp_path / "s.xlsx"
    path.write_bytes(statement_files.write_xlsx(made, "zh-CN"))
    with zipfile.ZipFile(path) as parts:
        sheets = [parts.read(name) for name in parts.namelist() if "worksheets/sheet" in name]
    assert len(sheets) == 2 and not any(b"<f>" in sheet or b"<hyperlink" in sheet for sheet in sheets)
    shown = [cell.value for row in load_workbook(path).worksheets[1].iter_rows() for cell in row]
    assert set(FORMULAS) <= set(shown)  # in XLSX a text is a text and stays what it was
    assert [cell for cell in shown if isinstance(cell, int)].count(195) == 1
    assert trade_file.cell("安和") == "安和" and trade_file.write(lines).count("'=") == 2


def test_the_same_statement_is_the_same_bytes() -> None:
    made = trade_file.state(Query(), "t", samples.sample("xinjian-2016"))
    assert statement_files.write_xlsx(made, "zh-CN") == statement_files.write_xlsx(made, "zh-CN")
