"""What the database itself refuses, whoever asks."""

import asyncpg
import pytest

from audit.act import Actor, pool
from trading import accounts


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
            """INSERT INTO trading_trade (tender_id, number, bid, bidder_id, price, baseline, gain, formula, currency,
               direction, regime, booked_at) VALUES ('x', 1, 'b', 'c', 90, 100, 11, 'f', 'CNY', 'buy', 'works', now())"""
        )
