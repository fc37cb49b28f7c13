"""Any ledger, corrected again and again: SQL says what the lines that stand say, and one that lies says nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import asyncpg
import pytest

from audit.act import Actor, acting
from audit.refusal import Refused
from tests.trading.test_ledger import _put
from trading import accounting, ledger, trade_file
from trading.statement import (
    ANNULLED,
    BY,
    CONCLUDED,
    FAILED,
    KINDS,
    NO_BASELINE,
    RATE,
    UNIT_PRICE,
    Query,
    Statement,
)
from trading.trade_file import Line

pytestmark = pytest.mark.usefixtures("db")
WORLDS = 6
STATUSES = (CONCLUDED, CONCLUDED, CONCLUDED, NO_BASELINE, UNIT_PRICE, RATE, FAILED, ANNULLED)


def _figures(dice: random.Random, status: str) -> dict[str, Any]:
    price = dice.randrange(10**9) if status in (CONCLUDED, NO_BASELINE) else None
    return {"deal": price, "baseline": dice.randrange(10**9) if status == CONCLUDED else None, "status": status}


async def _world(number: int, dsn: str, first: int) -> tuple[str, list[Line], int]:
    """A ledger of a currency of its own, with corrections of corrections; the lines that stand, as the test keeps them."""
    dice, currency = random.Random(number), f"X{number // 26 % 26 + 65:c}{number % 26 + 65:c}"
    standing: dict[int, Line] = {}
    for _ in range(dice.randrange(1, 15)):
        place = {
            "kind": dice.choice(list(KINDS)), "day": date(2026, dice.randrange(1, 13), dice.randrange(1, 29)),
            "region": dice.choice(("", "宁波", "濮阳")), "organisation": dice.choice(("甲方", "乙方", "丙方")),
        }  # fmt: skip
        for part in range(1, dice.choice((1, 1, 1, 2, 3)) + 1):
            told = _figures(dice, dice.choice(STATUSES))
            line = Line(f"{currency}-{first}", **place, **told, reason="r", part=part)
            number_ = first + 1 if part == 1 else first + part
            if part > 1:
                line = replace(line, id=standing[first + 1].id)
            await _put([line], dsn, first=number_, part=part, currency=currency)
            standing[number_] = line
        first = max(standing)
    for _ in range(dice.randrange(8)):
        number_ = dice.choice(list(standing))
        told = _figures(dice, dice.choice(STATUSES))
        async with acting(Actor("system", "centre")) as act:
            made = await ledger.correct(
                act, number_, status=told["status"], reason="更正", price=told["deal"], baseline=told["baseline"]
            )
            act.record("project-changed", subject="p", project="p", version=made, title="t", description="d")
        standing[made] = replace(standing.pop(number_), **told)
        first = max(first, made)
    return currency, list(standing.values()), first


def _within(query: Query, one: Line) -> bool:
    return (query.start or one.day) <= one.day <= (query.end or one.day)


def _same(ours: Statement, theirs: Statement) -> bool:
    return (ours.rows, ours.kinds, ours.total, ours.first, ours.last) == (
        theirs.rows, theirs.kinds, theirs.total, theirs.first, theirs.last,
    )  # fmt: skip


async def test_sql_says_what_the_standing_lines_say(owner_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds, first = [], 0
    for number in range(WORLDS):
        currency, standing, first = await _world(number, owner_dsn, first)
        worlds.append((currency, standing))
    monkeypatch.setattr(trade_file, "within", _within)  # a file tells yuan alone, these worlds one currency each
    for currency, standing in worlds:
        for by in BY:
            for period in ((None, None), (date(2026, 3, 1), date(2026, 9, 15))):
                query = Query(*period, by, currency)
                assert _same(await accounting.state(query), trade_file.state(query, "ledger", standing)), (currency, by)


def _once(change: Callable[[str], str], *, everywhere: bool) -> Callable[[str, int, str], str]:
    """`accounting._sums` with one thing changed: in the rows alone, or in rows and total alike."""
    honest = accounting._sums

    def lying(groups: str, columns: int, more: str = "") -> str:
        made = honest(groups, columns, more)
        if groups == "direction" and not everywhere:
            return made
        assert change(made) != made, "the lie is none"
        return change(made)

    return lying


ROWS_ALONE = {
    "what was corrected is summed beside what stands": lambda sql: sql.replace(accounting.STANDING, "true"),
    "every share counts as a trade": lambda sql: sql.replace("count(*) FILTER (WHERE part = 1)", "count(*)"),
    "a month is left out": lambda sql: sql.replace("WHERE day", "WHERE extract(month FROM day) <> 3 AND day"),
    "the dearest is left out": lambda sql: sql.replace("sum(price)", "sum(price) - coalesce(max(price), 0)"),
    "a fen too much": lambda sql: sql.replace("sum(baseline), 0)", "sum(baseline), 0) + 1"),
}
ALIKE = {
    "gains a tenth larger": lambda sql: sql.replace("sum(gain), 0)", "sum(gain), 0) * 11 / 10"),
    "baselines a fen larger": lambda sql: sql.replace("sum(baseline), 0)", "sum(baseline), 0) + 1"),
    "prices a fen lower": lambda sql: sql.replace("sum(price), 0)", "sum(price), 0) - 1"),
}


async def _some(dsn: str) -> None:
    """In March a trade that was corrected, in April one that two share."""
    march, april = date(2026, 3, 2), date(2026, 4, 2)
    await _put([Line("T1", "works", march, "", "甲方", CONCLUDED, 100_00, 90_00)], dsn)
    await _put([Line("T2", "works", april, "", "甲方", CONCLUDED, 60_00, 50_00)], dsn, first=2)
    await _put([Line("T2", "works", april, "", "甲方", CONCLUDED, 40_00, 35_00)], dsn, first=3, part=2)
    async with acting(Actor("system", "centre")) as act:
        await ledger.correct(act, 1, status=CONCLUDED, reason="更正", price=80_00, baseline=100_00)
        act.record("project-changed", subject="p", project="p", version=1, title="t", description="d")


@pytest.mark.parametrize("lie", [*ROWS_ALONE, *ALIKE])
async def test_an_sql_that_lies_says_nothing(owner_dsn: str, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    await _some(owner_dsn)
    assert (await accounting.state(Query())).total.saved == 35_00  # the control
    monkeypatch.setattr(accounting, "_sums", _once({**ROWS_ALONE, **ALIKE}[lie], everywhere=lie in ALIKE))
    for by in BY:
        with pytest.raises(Refused, match="E-STATEMENT"):
            await accounting.state(Query(by=by))


async def test_a_share_of_no_trade_is_no_line(owner_dsn: str) -> None:
    await _some(owner_dsn)
    share = Line("T2", "works", date(2026, 4, 2), "", "甲方", CONCLUDED, 1, 1)
    for wrong in (replace(share, id="T9"), replace(share, day=date(2026, 5, 2)), replace(share, organisation="乙方")):
        with pytest.raises(asyncpg.CheckViolationError, match="a share of no trade"):
            await _put([wrong], owner_dsn, first=9, part=3)
