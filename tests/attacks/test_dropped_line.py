"""A trade is awarded and its line is not in the books: left out of the award's record, or taken out of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest

from audit.act import Actor, acting, pool
from audit.refusal import Refused
from tests.attacks.conftest import Stage
from tests.world_tender import Tender
from trading import accounting
from trading.statement import Query


def _ranked(stage: Stage) -> Tender:
    tender = stage.bids()
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal()
    tender.rank()
    return tender


@pytest.mark.parametrize("dropped", ["gain", "baseline", "formula"])
def test_an_award_that_says_nothing_of_its_gain(stage: Stage, dropped: str) -> None:
    tender = _ranked(stage)
    tender.award(**{dropped: None})
    tender.finish()
    stage.caught(tender, "V16", "V-GAIN")


def test_an_award_by_the_formula_of_the_other_direction(stage: Stage) -> None:
    tender = _ranked(stage)
    tender.award(formula="price-minus-baseline/v1", gain=-12_000_000)
    tender.finish()
    stage.caught(tender, "V16", "V-GAIN")


async def _books(owner_dsn: str, *, booked: bool, told: bool, gain: int = 10) -> None:
    """One award, in the log and in the ledger; an owner of the database can write what he likes."""
    if told:
        async with acting(Actor("system", "centre")) as act:
            act.record(
                "awarded", subject="T", tender="T", bid="b" * 32, price=90, baseline=100, gain=gain,
                formula="baseline-minus-price/v1",
            )  # fmt: skip
    if booked:
        connection = await asyncpg.connect(owner_dsn)
        for name in await connection.fetch(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'trading_line'::regclass AND contype = 'f'"
        ):
            await connection.execute(f'ALTER TABLE trading_line DROP CONSTRAINT "{name["conname"]}"')
        await connection.execute("ALTER TABLE trading_line DISABLE TRIGGER USER")
        await connection.execute(
            """INSERT INTO trading_line (number, trade, tender_id, kind, day, organisation, direction, currency, regime,
                   status, bid, price, baseline, gain, formula, denominator, booked_at)
               VALUES (1, 'T', 'T', 'works', '2026-03-01', 'o', 'buy', 'CNY', 'works', 'concluded', repeat('b', 32),
                   90, 100, 10, 'baseline-minus-price/v1', 'baseline', $1)""",
            datetime(2026, 3, 1, tzinfo=UTC),
        )
        await connection.close()


async def test_the_ledger_and_the_log_agree(db: object, owner_dsn: str) -> None:
    """The control."""
    await _books(owner_dsn, booked=True, told=True)
    assert (await accounting.state(Query())).total.saved == 10


@pytest.mark.parametrize(
    ("booked", "told", "gain"),
    [(False, True, 10), (True, False, 10), (True, True, 11)],
    ids=["dropped", "made up", "other"],
)
async def test_no_statement_of_a_ledger_that_is_not_the_log(
    db: object, owner_dsn: str, booked: bool, told: bool, gain: int
) -> None:
    await _books(owner_dsn, booked=booked, told=told, gain=gain)
    with pytest.raises(Refused, match="E-LEDGER-LINES") as refused:
        await accounting.state(Query())
    assert refused.value.facts["tender"] == "T"


async def test_a_line_taken_out_by_whoever_owns_the_database(db: object, owner_dsn: str) -> None:
    await _books(owner_dsn, booked=True, told=True)
    connection = await asyncpg.connect(owner_dsn)
    await connection.execute("DELETE FROM trading_line")
    await connection.close()
    assert await pool().fetchval("SELECT count(*) FROM trading_line") == 0
    with pytest.raises(Refused, match="E-LEDGER-LINES"):
        await accounting.state(Query())
