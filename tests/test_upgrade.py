"""An upgrade is looked at before it is made, and a database that is ahead of the program is left alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import asyncpg
import pytest

from audit.refusal import Refused
from trading import doctor, postgres
from trading.messages import tell
from trading.settings import Settings

Clone = Callable[[], AbstractContextManager[str]]


async def schema(settings: Settings) -> tuple[bool, str]:
    """What `trading doctor` says of the schema."""
    (found,) = [one for one in await doctor.examine(settings, "en") if one.what == "schema"]
    return found.well, found.detail


async def test_before_the_first_upgrade_every_step_is_to_come(server: postgres.Embedded, tmp_path: Path) -> None:
    server.say(f'CREATE DATABASE "bare_plan" OWNER {postgres.OWNER} TEMPLATE template0')
    try:
        bare = Settings(data=tmp_path, database_url=server.dsn(postgres.OWNER, "bare_plan"))
        found = await postgres.plan(bare)
        assert found == postgres.Plan(tuple(postgres.known_steps()), (), None)
        assert {step.partition("/")[0] for step in found.pending} == set(postgres.APPS)
        connection = await asyncpg.connect(server.dsn(postgres.OWNER, "bare_plan"))
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0, (
            "only looked"
        )
        await connection.close()
    finally:
        server.say('DROP DATABASE "bare_plan" WITH (FORCE)')


async def test_afterwards_none_is_and_the_doctor_says_so(settings: Settings) -> None:
    assert await postgres.plan(settings) == postgres.Plan((), (), None)
    assert await schema(settings) == (True, str(len(postgres.known_steps())))


async def test_a_step_not_taken_is_told_with_its_name(settings: Settings, owner_dsn: str) -> None:
    connection = await asyncpg.connect(owner_dsn)
    last = postgres.known_steps()[-1]
    await connection.execute("DELETE FROM tortoise_migrations WHERE app || '/' || name = $1", last)
    await connection.close()
    assert (await postgres.plan(settings)).pending == (last,)
    well, detail = await schema(settings)
    assert not well and last in detail and "trading migrate" in detail


async def test_an_older_program_refuses_a_newer_database(settings: Settings, owner_dsn: str) -> None:
    """Somebody goes back to yesterday's version: its steps cannot be undone, and it does not guess what they did."""
    connection = await asyncpg.connect(owner_dsn)
    await connection.execute(
        "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('trading', '9999_tomorrow', now())"
    )
    before = await connection.fetch("SELECT app, name FROM tortoise_migrations ORDER BY 1, 2")
    assert (await postgres.plan(settings)).unknown == ("trading/9999_tomorrow",)
    with pytest.raises(Refused) as no:
        await postgres.migrate(settings)
    assert no.value.code == "E-SCHEMA-NEWER" and "9999_tomorrow" in tell(no.value, "en")
    assert before == await connection.fetch("SELECT app, name FROM tortoise_migrations ORDER BY 1, 2")
    await connection.close()
    well, detail = await schema(settings)
    assert not well and "9999_tomorrow" in detail
