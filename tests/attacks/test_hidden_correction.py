"""A line is corrected and the public is not told, or told of other figures, or by one hand alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from audit.act import Act, Actor, acting, pool
from audit.refusal import Refused
from tests.attacks.conftest import Stage
from tests.world_tender import Tender
from trading import accounting, ledger
from trading.statement import Query


def _awarded(stage: Stage, **terms: Any) -> Tender:
    tender = stage.bids(**terms)
    tender.open()
    tender.rank()
    tender.award()
    return tender


CORRECTED = {"price": 8_800_000, "baseline": 100_000_000}


def test_a_correction_by_two_is_taken_and_told(stage: Stage) -> None:
    """The control; then a second one, and one after the archive."""
    tender = _awarded(stage)
    tender.restate(**CORRECTED)
    tender.restate(status="unit-price", reason="not-a-sum", words="报的是单价")
    tender.restate(**CORRECTED, words="仍是总价")
    tender.finish()
    tender.restate(status="annulled", reason="void", words="中标无效：〔2026〕7号决定")
    tender.world.wait()
    stage.honest(tender)
    report, _ = stage.judge(tender, "public")
    notes = [note.code for note in report.steps[15].notes]
    assert notes == ["V-RESTATED-NOTE"] * 4


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({**CORRECTED, "gain": 92_000_000}, "V-RESTATED"),
        ({**CORRECTED, "formula": "price-minus-baseline/v1"}, "V-RESTATED"),
        ({"price": 88_000_000, "baseline": 100_000_000}, "V-RESTATED"),  # what stands: nothing is corrected
        ({**CORRECTED, "correction": 2}, "V-RESTATED"),
        ({**CORRECTED, "reason": "void"}, "V-RESTATED"),
        ({**CORRECTED, "reason": "because"}, "V-RESTATED"),
        ({**CORRECTED, "words": "长" * 501}, "V-RESTATED"),
        ({**CORRECTED, "status": "annulled"}, "V-RESTATED"),
        ({"price": 8_800_000}, "V-RESTATED"),
        ({**CORRECTED, "words": ""}, "V-RECORD"),
        ({"price": -1, "baseline": 100_000_000}, "V-RECORD"),
        ({**CORRECTED, "signers": ["P-TEN"]}, "E-SIG"),
        ({**CORRECTED, "signers": ["A-SUP"]}, "E-SIG"),
        ({**CORRECTED, "signers": ["A-SUP", "A-NOT"]}, "E-SIG"),
    ],
)
def test_a_correction_that_does_not_follow(stage: Stage, wrong: dict[str, Any], code: str) -> None:
    tender = _awarded(stage)
    if "A-NOT" in wrong.get("signers", ()):
        wrong["signers"] = sorted(tender.world.authorities)[:2]
    tender.restate(**wrong)
    tender.finish()
    stage.caught(tender, "V16", code)


def test_a_correction_of_what_was_never_awarded(stage: Stage) -> None:
    tender = stage.bids()
    tender.open()
    tender.rank()
    tender.restate(**CORRECTED)
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")


def test_an_award_that_failed_is_not_brought_back_by_a_correction(stage: Stage) -> None:
    tender = _awarded(stage)
    tender.fail("candidates_gone", "招标投标法实施条例 55")
    tender.finish()
    tender.restate(**CORRECTED)
    tender.world.wait()
    stage.caught(tender, "V15", "V-STEP")


# ------------------------------------------------------------------------------------------- the platform's own books


async def _books(owner_dsn: str) -> None:
    """One award with its line, as both stand."""
    async with acting(Actor("system", "centre")) as act:
        _record(act, "awarded", bid="b" * 32, price=90, baseline=100, gain=10, formula="baseline-minus-price/v1")
    connection = await asyncpg.connect(owner_dsn)
    for name in await connection.fetch(
        """SELECT conname FROM pg_constraint WHERE conrelid = 'trading_line'::regclass AND contype = 'f'
           AND conname <> 'trading_line_corrects'"""
    ):
        await connection.execute(f'ALTER TABLE trading_line DROP CONSTRAINT "{name["conname"]}"')
    await connection.execute(
        """INSERT INTO trading_line (number, trade, tender_id, kind, day, organisation, direction, currency, regime, status,
               bid, price, baseline, gain, formula, denominator, booked_at)
           VALUES (nextval('trading_trade_number'), 'T', 'T', 'works', '2026-03-01', 'o', 'buy', 'CNY', 'works', 'concluded',
               repeat('b', 32), 90, 100, 10, 'baseline-minus-price/v1', 'baseline', $1)""",
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    await connection.close()


def _record(act: Act, what: str, **told: Any) -> None:
    act.record(what, subject="T", tender="T", **told)


async def _correct(*, price: int, told: int | None, by_hand: int | None = 1) -> None:
    number = await pool().fetchval("SELECT max(number) FROM trading_line")
    async with acting(Actor("operator", "centre")) as act:
        await ledger.correct(
            act, number, status="concluded", reason="amount", price=price, baseline=100, correction=by_hand,
            words="误录" if by_hand else "",
        )  # fmt: skip
        if told is None:
            _record(act, "award-notified", letter="0" * 64)
        else:
            _record(
                act, "line-corrected", correction=1, status="concluded", reason="amount", words="误录", price=told,
                baseline=100, gain=100 - told, formula="baseline-minus-price/v1", sig=[],
            )  # fmt: skip


async def test_the_books_take_a_correction_with_its_record(db: object, owner_dsn: str) -> None:
    """The control."""
    await _books(owner_dsn)
    await _correct(price=80, told=80)
    told = await accounting.state(Query())
    assert (told.total.saved, told.corrections, told.restated[0].figures["deal"]) == (20, 1, (90, 80))


@pytest.mark.parametrize(
    ("told", "by_hand"),
    [(None, 1), (None, None), (85, 1), (80, None)],
    ids=["hidden", "unnumbered", "other", "unbound"],
)
async def test_the_database_takes_no_correction_that_the_log_does_not_tell(
    db: object, owner_dsn: str, told: int | None, by_hand: int | None
) -> None:
    await _books(owner_dsn)
    with pytest.raises(asyncpg.CheckViolationError, match="no record tells of line"):
        await _correct(price=80, told=told, by_hand=by_hand)
    assert await pool().fetchval("SELECT count(*) FROM trading_line") == 1


@pytest.mark.parametrize("told", [None, 85], ids=["hidden", "other"])
async def test_whoever_owns_the_database_corrects_in_silence_and_nothing_is_published(
    db: object, owner_dsn: str, told: int | None
) -> None:
    await _books(owner_dsn)
    connection = await asyncpg.connect(owner_dsn)
    await connection.execute("ALTER TABLE trading_line DISABLE TRIGGER USER")
    await connection.close()
    await _correct(price=80, told=told)
    with pytest.raises(Refused, match="E-LEDGER-LINES") as refused:
        await accounting.state(Query())
    assert refused.value.facts["tender"] == "T"


async def test_a_correction_in_the_log_whose_line_is_missing(db: object, owner_dsn: str) -> None:
    await _books(owner_dsn)
    async with acting(Actor("operator", "centre")) as act:
        _record(
            act, "line-corrected", correction=1, status="annulled", reason="void", words="无效", price=None, baseline=None,
            gain=None, formula=None, sig=[],
        )  # fmt: skip
    with pytest.raises(Refused, match="E-LEDGER-LINES"):
        await accounting.state(Query())


async def test_a_line_that_no_award_tells_of_is_not_committed(db: object, owner_dsn: str) -> None:
    await _books(owner_dsn)
    connection = await asyncpg.connect(owner_dsn)
    with pytest.raises(asyncpg.CheckViolationError, match="no record tells of line"):
        await connection.execute(
            """INSERT INTO trading_line (number, trade, tender_id, kind, day, organisation, direction, currency, regime,
                   status, reason, booked_at)
               VALUES (7, 'U', 'U', 'works', '2026-03-01', 'o', 'buy', 'CNY', 'works', 'failed', 'shut', now())"""
        )
    await connection.close()
