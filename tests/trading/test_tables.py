"""What the database itself refuses, whoever asks."""

import asyncpg
import pytest

from audit.act import Actor, pool
from trading import accounts
from trading.law.stages import TABLE


@pytest.fixture
async def ada(db):
    accounts.use_pepper(b"pepper")
    code = accounts.demo_code(1)
    await accounts.add_organisation(Actor("system", "centre"), code, "安和建设", None)
    return await accounts.enrol(Actor("system", "centre"), "Ada", code, ["bidder", "security_admin"])


async def test_one_person_holds_one_administrator_role(ada):
    with pytest.raises(asyncpg.CheckViolationError):
        await pool().execute("INSERT INTO trading_membership (person_id, role) VALUES ($1, 'audit_admin')", ada["id"])


async def test_the_ledger_counts_for_itself(db):
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await pool().execute(
            """INSERT INTO trading_line (number, trade, kind, day, organisation, bid, price, baseline, gain, formula,
               denominator, currency, direction, regime, status, booked_at) VALUES (1, 'x', 'works', '2026-03-01', 'o', 'b',
               90, 100, 11, 'baseline-minus-price/v1', 'baseline', 'CNY', 'buy', 'works', 'concluded', now())"""
        )


STATES = (
    "named", "keyed", "announced", "closed", "shut", "opened", "ranked", "awarded", "contracted", "failed", "terminated",
    "archived",
)  # fmt: skip


@pytest.fixture
async def tender(ada):
    code = await pool().fetchval("SELECT code FROM trading_organisation")
    await pool().execute(
        """INSERT INTO trading_project (id, number, organisation_id, title, description, source, regime, direction, currency,
           created_at) VALUES ('p', 1, $1, 't', '', '', 'works', 'buy', 'CNY', now())""",
        code,
    )
    await pool().execute("INSERT INTO trading_lot (id, project_id, title, baseline) VALUES ('p-01', 'p', 't', 1)")

    async def make(state, id="p-01@8"):
        await pool().execute("DELETE FROM trading_tender WHERE id = $1", id)
        await pool().execute(
            "INSERT INTO trading_tender (id, number, lot_id, state, named_at) VALUES ($1, 1, 'p-01', $2, now())",
            id,
            state,
        )
        return id

    return make


async def test_asvs_2_3_1_a_tender_goes_from_stage_to_stage_as_the_law_has_it_and_no_other_way(tender):
    lawful = {(stage, after) for (stage, _), after in TABLE.items() if stage != after}
    assert {stage for pair in lawful for stage in pair} == set(STATES)
    taken = set()
    for before in STATES:
        for after in STATES:
            if before != after:
                id = await tender(before)
                try:
                    await pool().execute("UPDATE trading_tender SET state = $2 WHERE id = $1", id, after)
                    taken.add((before, after))
                except asyncpg.CheckViolationError:
                    pass
    assert taken == lawful


async def test_what_may_be_filled_is_filled_once(tender, ada):
    id = await tender("announced")
    code = await pool().fetchval("SELECT code FROM trading_organisation")
    await pool().execute(
        """INSERT INTO trading_question (id, tender_id, asker_id, text, asked_at)
           VALUES (repeat('a', 32), $1, $2, 'q', now())""",
        id, code,
    )  # fmt: skip
    with pytest.raises(asyncpg.CheckViolationError):
        await pool().execute("UPDATE trading_question SET text = 'another'")
    with pytest.raises(asyncpg.CheckViolationError):
        await pool().execute("UPDATE trading_question SET answer = 'a'")  # without its time
    await pool().execute("UPDATE trading_question SET answer = 'a', answered_at = now()")
    with pytest.raises(asyncpg.CheckViolationError):
        await pool().execute("UPDATE trading_question SET answer = 'b'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool().execute("DELETE FROM trading_question")
