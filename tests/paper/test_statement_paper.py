"""A statement that `trading report` made, on paper: the sentence and every figure can be read out of the PDF again."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from trading import samples, statement, statement_words, trade_file
from trading.statement_paper import write_pdf

pytestmark = pytest.mark.slow


def test_the_sentence_and_its_figures_stand_on_the_paper_and_the_same_statement_gives_the_same_bytes() -> None:
    lines = samples.sample("xinjian-2016")
    made = trade_file.state(statement.Query(), "xinjian-2016", lines)
    paper = write_pdf(made)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)
    plainly = "".join(text.split())
    assert "".join(statement_words.sentence(made, "zh-CN").split()) in plainly
    for row in statement_words.table(made, "zh-CN").rows:
        assert all("".join(cell.split()) in plainly for cell in row)
    assert write_pdf(made) == paper
