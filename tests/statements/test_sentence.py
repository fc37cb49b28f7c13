"""The sentence a centre printed comes out of trades again, to the last figure; and what it says when they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from audit.refusal import Refused
from trading import samples, statement_words, trade_file
from trading.statement import KIND, MONTH, ORGANISATION, Query, Row, Side, build, plain
from trading.trade_file import Line

PRINTED = (
    "共完成各类交易195项，交易总额达85.80亿元，节约资金10.41亿元，增值资金0.50亿元。其中，建设工程交易160项，交易总额84.83亿元，"
    "节约资金10.40亿元；产权交易6项，成交金额约0.88亿元，增值率高达129.69%；政府采购29项，成交金额为907.44万元，"
    "为政府节约资金85.63万元。"
)
"""新建区, January to October 2016, as its centre printed it."""


def _said(lines: Sequence[Line], lang: str = "zh-CN") -> str:
    return statement_words.sentence(trade_file.state(Query(), "test", lines), lang)


def test_the_sentence_of_xinjian_to_the_last_figure() -> None:
    lines = samples.sample("xinjian-2016")
    assert len(lines) == 195 and all(one.id.startswith("CONSTRUCTED-") for one in lines)
    assert _said(lines) == PRINTED
    made = trade_file.state(Query(), "test", lines)
    assert not statement_words.footnotes(made, "zh-CN")
    assert plain(made)["total"]["saved_rate"] == "10.92"


def test_two_million_yuan_more_for_one_works_trade() -> None:
    lines = samples.sample("xinjian-2016")
    for place in (0, 80, 159):
        dearer = list(lines)
        dearer[place] = replace(lines[place], deal=(lines[place].deal or 0) + 2_000_000 * 100)
        said = _said(dearer)
        for figure in ("总额84.85亿", "节约资金10.38亿", "总额达85.82亿", "节约资金10.39亿"):
            assert figure in said, (place, said)


def test_one_property_trade_less() -> None:
    lines = samples.sample("xinjian-2016")
    for one in [one for one in lines if one.kind == "property"]:
        said = _said([other for other in lines if other is not one])
        assert "产权交易5项" in said and "各类交易194项" in said


def test_the_file_that_the_sample_prints_says_the_same() -> None:
    text = trade_file.write(samples.sample("xinjian-2016"))
    assert _said(list(trade_file.lines(text.encode(), "x.csv"))) == PRINTED


def test_failed_trades_are_counted_apart_and_never_as_money() -> None:
    lines = samples.sample("xinjian-2016")
    lines[0] = replace(lines[0], status="failed", baseline=None, deal=None)
    made = trade_file.state(Query(), "test", lines)
    assert (made.total.trades, made.total.failed) == (194, 1)
    assert "194项" in _said(lines)


def test_unit_prices_and_rates_are_trades_and_no_money_and_a_note_says_so() -> None:
    lines = samples.sample("xinjian-2016")
    lines[0] = replace(lines[0], status="unit-price", baseline=None, deal=None, reason="单价报价")
    lines[1] = replace(lines[1], status="no-baseline", baseline=None)
    made = trade_file.state(Query(), "test", lines)
    assert made.total.trades == 195 and made.total.buy.unpriced == 1 and made.total.buy.unmeasured == 1
    assert made.total.buy.measured == made.total.buy.deal - (lines[1].deal or 0)
    notes = statement_words.footnotes(made, "en")
    assert any("unit prices" in note for note in notes) and any("without a baseline" in note for note in notes)


def test_a_kind_that_had_no_price_in_money_names_none() -> None:
    lines = [Line("A", "works", date(2026, 3, 1), "", "", "concluded", 100_00, 90_00)]
    lines += [Line(f"R{n}", "procurement", date(2026, 3, 1), "", "", "rate", None, None, "费率") for n in (1, 2)]
    made = trade_file.state(Query(), "test", lines)
    assert _said(lines).endswith("政府采购2项，均为单价或费率报价，不计金额。")
    assert statement_words.table(made, "zh-CN").rows[1][3] == "—" and made.total.trades == 3


def test_a_loss_is_shown_as_it_is() -> None:
    line = Line("A", "works", date(2026, 3, 1), "", "", "concluded", 100_00, 120_00)
    made = trade_file.state(Query(), "test", [line])
    assert made.total.saved == -20_00 and plain(made)["total"]["saved_rate"] == "-20.00"
    assert "节约资金-20.00元" in _said([line])


def test_a_group_rate_is_sum_over_sum_and_never_a_mean() -> None:
    lines = [
        Line("A", "works", date(2026, 3, 1), "", "", "concluded", 100_00, 50_00),
        Line("B", "works", date(2026, 3, 1), "", "", "concluded", 900_00, 900_00),
    ]
    assert plain(trade_file.state(Query(), "test", lines))["total"]["saved_rate"] == "5.00"


def test_both_days_of_a_period_are_in_it() -> None:
    lines = samples.sample("xinjian-2016")
    first, last = min(one.day for one in lines), max(one.day for one in lines)
    assert trade_file.state(Query(first, last), "t", lines).total.trades == 195
    before = trade_file.state(Query(first, date(2016, 6, 30)), "t", lines).total.trades
    after = trade_file.state(Query(date(2016, 7, 1), last), "t", lines).total.trades
    assert before + after == 195 and before and after
    with pytest.raises(Refused, match="E-STATEMENT-PERIOD"):
        Query(last, first)
    with pytest.raises(Refused, match="E-STATEMENT-BY"):
        Query(by="colour")


def test_every_row_leads_to_its_trades() -> None:
    lines = samples.sample("xinjian-2016")
    for by in (KIND, MONTH, ORGANISATION):
        query = Query(by=by)
        made = trade_file.state(query, "t", lines)
        for row in made.rows:
            behind = trade_file.behind(query, row.key, lines)
            assert len(behind) == row.trades and sum(one.deal or 0 for one in behind) == row.deal
        assert len(trade_file.behind(query, "all", lines)) == made.total.trades


def test_rounded_rows_that_do_not_sum_owe_their_reader_a_note() -> None:
    lines = [
        Line(f"T{n}", "works", date(2026, n, 1), "", "", "concluded", 2_004_000_000_00, 1_004_000_000_00)
        for n in (1, 2)
    ]
    made = trade_file.state(Query(by=MONTH), "t", lines)
    shown = statement_words.table(made, "zh-CN")
    assert [row[3] for row in shown.rows] == ["10.04", "10.04", "20.08"] and not shown.notes
    lines[1] = replace(lines[1], deal=1_004_600_000_00)
    lines[0] = replace(lines[0], deal=1_004_500_000_00)
    shown = statement_words.table(trade_file.state(Query(by=MONTH), "t", lines), "zh-CN")
    assert [row[3] for row in shown.rows] == ["10.05", "10.05", "20.09"]
    assert shown.notes == ("注：因四舍五入，分项合计与总数可能有出入。",)


def test_sums_that_do_not_agree_make_no_statement() -> None:
    good = Row("works", Side(trades=2, deal=90, baseline=100, measured=90, gain=10))
    build(Query(), "t", [good], [good], replace(good, key="all"), read=2)
    attacks = {
        "E-STATEMENT-COUNTS": Side(trades=3, deal=90, baseline=100, measured=90, gain=10),  # a row was dropped
        "E-STATEMENT-SUMS": Side(trades=2, deal=91, baseline=100, measured=90, gain=10),  # a total was dressed up
    }
    for code, total in attacks.items():
        with pytest.raises(Refused, match=code):
            build(Query(), "t", [good], [good], Row("all", total), read=total.trades)
    with pytest.raises(Refused, match="E-STATEMENT-COUNTS"):  # a line was read and is nowhere
        build(Query(), "t", [good], [good], replace(good, key="all"), read=3)
    wrong = replace(good, buy=replace(good.buy, gain=11))
    with pytest.raises(Refused, match="E-STATEMENT-GAIN"):
        build(Query(), "t", [wrong], [wrong], replace(wrong, key="all"), read=2)


def test_an_empty_period_says_so() -> None:
    assert _said([]) == "共完成各类交易0项，交易总额达0.00元。"
    assert _said(samples.sample("xinjian-2016"), "en").startswith("Trades concluded: 195 for 8,580.07 million yuan")
