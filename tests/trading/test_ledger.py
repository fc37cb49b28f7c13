"""The ledger: lines that stay, corrections that name what they correct, statements out of SQL, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from audit.act import Actor, acting, pool
from audit.refusal import Refused
from tests.trading.town import Town
from trading import accounting, ledger, samples, statement_words, trade_file
from trading.statement import BY, CONCLUDED, KIND, MONTH, ORGANISATION, REGION, UNIT_PRICE, Query
from trading.trade_file import Line

pytestmark = pytest.mark.usefixtures("db")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = (
    "number", "trade", "part", "corrects", "kind", "day", "region", "organisation", "direction", "currency", "regime",
    "status", "reason", "price", "baseline", "gain", "formula", "denominator", "booked_at",
)  # fmt: skip


async def _put(lines: list[Line], dsn: str, **more: Any) -> None:
    """Lines as the importer of another house's trades would book them: without a tender."""
    rows = []
    for number, one in enumerate(lines, more.pop("first", 1)):
        gain = None
        if one.deal is not None and one.baseline is not None:
            gain = one.baseline - one.deal if one.direction == "buy" else one.deal - one.baseline
        formula = {"buy": "baseline-minus-price/v1", "sell": "price-minus-baseline/v1"}[one.direction]
        row = dict.fromkeys(COLUMNS) | {
            "number": number, "trade": one.id, "part": 1, "kind": one.kind, "day": one.day, "region": one.region,
            "organisation": one.organisation, "direction": one.direction, "currency": "CNY", "regime": "source-law",
            "status": one.status, "reason": one.reason, "price": one.deal, "baseline": one.baseline, "gain": gain,
            "formula": formula if gain is not None else None, "denominator": "baseline" if gain is not None else None,
            "booked_at": NOW,
        } | more  # fmt: skip
        rows.append(tuple(row[name] for name in COLUMNS))
    connection = await asyncpg.connect(dsn)
    try:
        await connection.copy_records_to_table("trading_line", records=rows, columns=COLUMNS)
        await connection.execute("SELECT setval('trading_trade_number', (SELECT max(number) FROM trading_line))")
    finally:
        await connection.close()


async def _correct(number: int, **line: Any) -> int:
    async with acting(Actor("system", "centre")) as act:
        made = await ledger.correct(act, number, **line)
        act.record("project-changed", subject="p", project="p", version=made, title="t", description="d")
    return made


@pytest.mark.parametrize("by", BY)
async def test_ledger_and_file_give_the_same_statement(owner_dsn: str, by: str) -> None:
    lines = samples.sample("xinjian-2016")
    lines[3] = Line("F", "works", date(2016, 5, 5), "新建区", "某单位", "failed", None, None, "shut")
    lines[4] = Line("U", "works", date(2016, 5, 6), "新建区", "某单位", UNIT_PRICE, None, None, "单价报价")
    await _put(lines, owner_dsn)
    for query in (Query(by=by), Query(date(2016, 2, 1), date(2016, 6, 30), by)):
        ours, theirs = await accounting.state(query), trade_file.state(query, "ledger", lines)
        assert ours.unlogged == theirs.total.trades + theirs.total.failed  # the log knows nothing of these
        assert replace(ours, unlogged=0) == theirs
        for row in (*ours.rows, ours.total):
            behind = await accounting.behind(query, row.key)
            assert [one.id for one in behind] == [one.id for one in trade_file.behind(query, row.key, lines)]
            assert len(behind) == row.trades + row.failed


async def test_the_sentence_comes_out_of_the_ledger(owner_dsn: str) -> None:
    await _put(samples.sample("xinjian-2016"), owner_dsn)
    said = statement_words.sentence(await accounting.state(Query()), "zh-CN")
    assert said.startswith("共完成各类交易195项，交易总额达85.80亿元，节约资金10.41亿元，增值资金0.50亿元。")


async def test_the_database_keeps_every_line_and_computes_for_itself(owner_dsn: str) -> None:
    line = Line("A", "works", date(2026, 3, 1), "宁波", "甲方", CONCLUDED, 100, 90)
    await _put([line], owner_dsn)
    for wrong in (
        {"gain": 11}, {"gain": None}, {"formula": "price-minus-baseline/v1"}, {"direction": "sell"}, {"kind": "boats"},
        {"status": "failed"}, {"status": "no-baseline", "reason": "r"}, {"denominator": None}, {"price": -1}, {"part": 0},
        {"trade": "B", "corrects": 1, "reason": "r"}, {"trade": "A", "part": 1}, {"corrects": 77, "reason": "r"},
        {"trade": "A", "corrects": 1, "reason": ""}, {"trade": "A", "corrects": 1, "reason": "r", "kind": "procurement"},
    ):  # fmt: skip
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await _put([line], owner_dsn, first=2, **({"trade": "B"} | wrong))
    assert await pool().fetchval("SELECT count(*) FROM trading_line") == 1
    for dsn in (owner_dsn, owner_dsn.replace("//trading@", "//trading_app@", 1)):
        connection = await asyncpg.connect(dsn)
        for change in ("UPDATE trading_line SET reason = 'x'", "DELETE FROM trading_line", "TRUNCATE trading_line"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
        await connection.close()


async def test_a_correction_names_its_line_stands_in_its_place_and_both_stay(owner_dsn: str) -> None:
    await _put(
        [Line(f"T{n}", "works", date(2026, 3, n), "", "甲方", CONCLUDED, 100_00, 90_00) for n in (1, 2)], owner_dsn
    )
    made = await _correct(1, status=CONCLUDED, price=80_00, baseline=100_00, reason="复核：价格误录")
    told = await accounting.state(Query())
    assert (told.total.trades, told.total.saved, told.corrections) == (2, 30_00, 1)
    assert any("更正" in note for note in statement_words.footnotes(told, "zh-CN"))
    rows = await pool().fetch("SELECT number, corrects, price FROM trading_line ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, None, 90_00), (2, None, 90_00), (made, 1, 80_00)]
    with pytest.raises(Refused, match="E-LEDGER-CORRECTS"):  # it was corrected: the next correction corrects that line
        await _correct(1, status="annulled", reason="r")
    await _correct(made, status="annulled", reason="中标无效")
    told = await accounting.state(Query())
    assert (told.total.trades, told.total.failed, told.total.saved, told.corrections) == (1, 1, 10_00, 1)
    assert [(one.was, one.status) for one in told.restated] == [(CONCLUDED, "annulled")]
    for wrong in ({"status": CONCLUDED}, {"status": "failed", "price": 1}, {"status": "gone"}):
        with pytest.raises(Refused, match="E-LEDGER-STATUS"):
            await _correct(2, reason="r", **wrong)
    with pytest.raises(Refused, match="E-LEDGER-REASON"):
        await _correct(2, status="annulled", reason="")


async def test_several_winners_are_one_trade_and_their_shares_are_summed(owner_dsn: str) -> None:
    day = date(2026, 3, 1)
    await _put([Line("T", "procurement", day, "", "甲方", CONCLUDED, 60_00, 50_00)], owner_dsn)
    await _put([Line("T", "procurement", day, "", "甲方", CONCLUDED, 40_00, 35_00)], owner_dsn, first=2, part=2)
    told = await accounting.state(Query())
    assert (told.total.trades, told.total.deal, told.total.saved) == (1, 85_00, 15_00)
    assert told.total.buy.rate == Decimal("0.15")
    assert [(one.id, one.part) for one in await accounting.behind(Query(), "procurement")] == [("T", 1), ("T", 2)]


async def test_other_currencies_are_told_apart(owner_dsn: str) -> None:
    await _put([Line("A", "works", date(2026, 3, 1), "", "甲方", CONCLUDED, 100, 90)], owner_dsn)
    await _put(
        [Line("B", "works", date(2026, 3, 1), "", "甲方", CONCLUDED, 500, 90)], owner_dsn, first=2, currency="UAH"
    )
    told = await accounting.state(Query())
    assert (told.total.trades, told.total.saved, told.elsewhere) == (1, 10, 1)
    assert (await accounting.state(Query(currency="UAH"))).total.saved == 410
    assert any("currencies other than CNY" in note for note in statement_words.footnotes(told, "en"))


async def test_a_key_that_is_none_has_no_trades_behind_it(owner_dsn: str) -> None:
    await _put([Line("A", "works", date(2026, 3, 1), "", "甲方", CONCLUDED, 100, 90)], owner_dsn)
    for by in (KIND, REGION, ORGANISATION, MONTH):
        assert await accounting.behind(Query(by=by), "' OR 1=1 --") == []
    assert len(await accounting.behind(Query(by=MONTH), "2026-03")) == 1


async def test_everybody_reads_statements_and_the_trades_behind_each_figure(place: Town, owner_dsn: str) -> None:
    lines = samples.sample("xinjian-2016")
    await _put(lines, owner_dsn)
    asked = "from=2016-01-01&to=2016-10-31"
    told = await place.call("public", "GET", f"/statements?{asked}", 200)
    assert told["sentence"].startswith("Trades concluded: 195 ") or told["sentence"].startswith("共完成各类交易195项")
    assert [row["key"] for row in told["rows"]] == ["works", "property", "procurement"] and told["from"] == "2016-01-01"
    for row in (*told["rows"], told["total"]):
        got, cursor = [], ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            page = await place.call("public", "GET", f"/trade-lines?{row['figure']}&limit=100{more}", 200)
            got += page["items"]
            cursor = page["next"]
        assert len(got) == row["trades"] and sum(one["deal"] for one in got) == row["deal"]
    for wrong in ("by=colour", "from=yesterday", "currency=%27", "from=2016-02-30"):
        await place.call("public", "GET", f"/statements?{wrong}", 422)
    refused = await place.call("public", "GET", "/statements?from=2016-02-01&to=2016-01-01", 422)
    assert refused["code"] == "E-STATEMENT-PERIOD"
