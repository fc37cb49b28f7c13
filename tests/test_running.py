"""Running a centre: an upgrade is looked at before it is made, a newer database is left alone, and the doctor looks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import asyncpg
import pytest

from audit.refusal import Refused
from trading import doctor, metrics, postgres
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


# ---- the doctor, of what is set and not there


async def finding(settings: Settings, what: str) -> tuple[bool, str]:
    (found,) = [one for one in await doctor.examine(settings, "en") if one.what == what]
    return found.well, found.detail


async def test_a_terminator_is_one_address(settings: Settings) -> None:
    """A network matches nobody: the header of a certificate would be believed of nobody, and nothing would say so."""
    for wrong in ("172.30.8.0/24", "proxy", "10.0.0.1:443", " 10.0.0.1", "::0001"):
        well, detail = await finding(settings.model_copy(update={"trusted_proxies": ("10.0.0.1", wrong)}), "proxies")
        assert not well and wrong in detail and "10.0.0.1, " not in detail
    assert await finding(settings.model_copy(update={"trusted_proxies": ("10.0.0.1", "::1")}), "proxies") == (
        True, "10.0.0.1, ::1",
    )  # fmt: skip
    public = settings.model_copy(update={"public_url": "https://centre.example", "origin": "centre.example/log"})
    well, detail = await finding(public, "proxies")
    assert not well and "TRADING_TRUSTED_PROXIES" in detail
    assert await finding(settings, "proxies") == (True, "none")


async def test_metrics_that_were_asked_for_answer(settings: Settings) -> None:
    assert await finding(settings, "metrics") == (True, "off")
    with socket.create_server((metrics.HOST, 0)) as one:
        port = int(one.getsockname()[1])
    asked = settings.model_copy(update={"jobs_metrics_port": port})
    well, detail = await finding(asked, "metrics")
    assert not well and "ConnectError" in detail

    async def page() -> bytes:
        return metrics.text([])

    async with metrics.told(port, page):
        await asyncio.sleep(0.2)
        assert await finding(asked, "metrics") == (True, f"jobs {port}: 200")


async def test_the_fonts_of_papers_are_there(settings: Settings) -> None:
    well, detail = await finding(settings, "fonts")
    assert well and "erif" in detail
