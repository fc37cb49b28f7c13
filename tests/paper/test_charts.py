"""Charts for print: the numbers of their table and no others, lengths in proportion, the same bytes, and never a box."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from audit.refusal import Refused
from tests.paper.test_papers import archival
from trading import samples, statement_chart, statement_words, trade_file
from trading import statement as s
from trading.messages import EN, ZH
from trading.statement_paper import write_pdf
from trading.trade_file import Line

pytestmark = pytest.mark.slow
SVG = "{http://www.w3.org/2000/svg}"


def made(by: str = s.KIND, *lines: Line) -> s.Statement:
    return trade_file.state(s.Query(by=by), "示范", lines or samples.sample("xinjian-2016"))


def trade(number: int, day: date, baseline: int, deal: int, organisation: str = "甲", kind: str = "works") -> Line:
    return Line(f"T{number}", kind, day, "新建", organisation, s.CONCLUDED, baseline * 100, deal * 100)


@pytest.mark.parametrize("by", s.BY)
@pytest.mark.parametrize("lang", [ZH, EN])
def test_the_chart_tells_the_numbers_of_its_table(by: str, lang: str) -> None:
    statement = made(by)
    chart = statement_chart.chart(statement, lang)
    table = statement_words.table(statement, lang)
    assert chart.table[-1] == table.rows[-1]
    if len(statement.rows) <= statement_chart.GROUPS:
        assert [tuple(row) for row in chart.table] == list(table.rows)
    for measure in chart.measures:
        column = [head["zh"] for head in chart.heads].index(measure.head["zh"])
        assert list(measure.texts) == [row[column] for row in chart.table[:-1]]
    picture = statement_chart.write_picture(statement, lang, "svg")
    assert picture == statement_chart.write_picture(statement, lang, "svg")
    root = ET.fromstring(picture)
    title, told = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img" and title is not None and told is not None and told.text
    assert title.text == chart.title and all(cell in told.text for row in chart.table for cell in row)
    assert not root.findall(f".//{SVG}script") and b"http" not in picture.replace(b"http://www.w3.org", b"")


def test_a_picture_for_print_has_its_dots_and_the_same_bytes() -> None:
    picture = statement_chart.write_picture(made(), ZH, "png")
    assert picture == statement_chart.write_picture(made(), ZH, "png") and picture.startswith(b"\x89PNG")
    (width,) = struct.unpack(">I", picture[16:20])
    assert width == round(21 / 2.54 * 200)


def test_bars_are_as_long_as_their_numbers_and_a_loss_goes_the_other_way() -> None:
    statement = made(
        s.ORGANISATION,
        trade(1, date(2026, 1, 5), 100, 75, "甲"),
        trade(2, date(2026, 1, 5), 100, 50, "乙"),
        trade(3, date(2026, 1, 5), 100, 125, "丙"),
    )
    chart = statement_chart.chart(statement, ZH)
    saved = next(one for one in chart.plain()["measures"] if one["tone"] == "saved")
    places = dict(zip(chart.rows, saved["places"], strict=True))
    zero = Decimal(saved["zero"])
    assert zero == Decimal("0.33333") and Decimal(places["乙"]["to"]) == 1
    assert Decimal(places["甲"]["to"]) - zero == pytest.approx(Decimal(1) / 3, abs=Decimal("0.0001"))
    assert Decimal(places["丙"]["from"]) == 0 and Decimal(places["丙"]["to"]) == zero
    assert statement_chart.write_picture(statement, ZH, "svg")


def test_a_month_without_a_trade_is_a_month() -> None:
    statement = made(s.MONTH, trade(1, date(2025, 11, 5), 100, 75), trade(2, date(2026, 2, 5), 100, 50))
    chart = statement_chart.chart(statement, ZH)
    assert list(chart.rows) == ["2025-11", "2025-12", "2026-01", "2026-02"] and chart.over_time
    assert chart.measures[0].amounts == [7500, 0, 0, 5000] and chart.measures[1].amounts == [2500, None, None, 5000]
    long = made(s.MONTH, *(trade(n, date(2000 + n, 1, 5), 100, 75) for n in range(20)))
    chart = statement_chart.chart(long, ZH)
    assert len(chart.rows) == statement_chart.MONTHS and chart.rows[-1] == "2019-01"
    assert any("最近 60 个月" in note for note in chart.notes) and not any("四舍五入" in note for note in chart.notes)


def test_many_groups_are_drawn_as_the_largest_and_the_sum_of_the_others() -> None:
    statement = made(s.ORGANISATION, *(trade(n, date(2026, 1, 5), 1000, 100 + n, f"单位{n:02}") for n in range(30)))
    chart = statement_chart.chart(statement, EN)
    assert len(chart.rows) == statement_chart.GROUPS and chart.rows[0] == "单位29" and chart.rows[-1] == "all others"
    assert sum(one or 0 for one in chart.measures[0].amounts) == statement.total.deal
    assert any("19" in note for note in chart.notes)


def test_a_chart_whose_rounded_rows_do_not_sum_says_so() -> None:
    lines = [trade(n, date(2026, 1, 5), 40_000_000, 33_333_333, f"单位{n}") for n in range(3)]
    assert any("四舍五入" in note for note in statement_chart.chart(made(s.ORGANISATION, *lines), ZH).notes)


@pytest.mark.parametrize("form", ["svg", "png"])
def test_a_name_that_cannot_be_printed_is_refused_in_a_picture_too(form: str) -> None:
    for name in ("𠮷兴建设", "张\u202e三"):
        statement = made(s.ORGANISATION, trade(1, date(2026, 1, 5), 100, 75, name))
        with pytest.raises(Refused, match="PAPER-GLYPH"):
            statement_chart.write_picture(statement, ZH, form)  # type: ignore[arg-type]


def test_nothing_was_traded_and_the_picture_says_nothing_else() -> None:
    statement = replace(made(), rows=(), kinds=(), total=s.Row(s.ALL), first=None, last=None)
    assert statement_chart.write_picture(statement, ZH, "svg") and write_pdf(statement)


@pytest.mark.parametrize("by", s.BY)
def test_the_paper_with_its_chart_is_archival_too(by: str) -> None:
    made_ = write_pdf(made(by), link="https://jy.example.gov.cn")
    archival(made_)
    assert made_ == write_pdf(made(by), link="https://jy.example.gov.cn")
