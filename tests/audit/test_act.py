"""No act, no effect; and what was logged stays as it was (log.md §1, §5)."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from audit.act import acting, pool
from audit.canon import instant, parse
from audit.clock import LogClock
from audit.genesis import genesis, open_log
from audit.record import entry_of
from audit.refusal import Broken, Refused
from tests.audit.logworld import CLERK, LogWorld, log_world

TABLES = ["log_record", "log_leaf", "log_node", "log_checkpoint", "log_cosignature", "log_disclosure"]


@pytest.fixture
async def world(db: object, database: str, tmp_path: Path) -> AsyncIterator[LogWorld]:
    async with log_world(database, tmp_path) as made:
        yield made


async def count(where: str = "true") -> int:
    return int(await pool().fetchval(f"SELECT count(*) FROM log_record WHERE {where}"))


async def test_records_are_committed_with_the_change(world: LogWorld) -> None:
    async with acting(CLERK) as act:
        await act.query("INSERT INTO log_serial (subject, serial, sserial) VALUES ($1, 0, 0)", "a change")
        sealed = act.record("test-sealed", subject="T@1", tender="T@1", manifest="ab" * 32)
        assert sealed.record and sealed.nonce and not sealed.committed
        with pytest.raises(RuntimeError, match="before the act has ended"):
            world.key.receipt(sealed)
        public = act.record("test-public", subject="T@1", tender="T@1")
        assert not public.record, "its serial number comes with the lock"
        assert await count("type LIKE 'test-%'") == 0
    row = await pool().fetchrow("SELECT * FROM log_record WHERE id = $1", sealed.id)
    assert (row["record"], row["nonce"], row["entry"]) == (sealed.record, sealed.nonce, sealed.entry)
    assert sealed.entry == entry_of(sealed.record, sealed.nonce) and sealed.entry[0] == 1
    assert (row["rules"], row["tender"], row["actor"]) == ("closing party", "T@1", "wang")
    assert public.entry == b"\x02" + public.record and parse(public.record)["serial"] == 1
    assert [ref.id for ref in act.entries] == [sealed.id, public.id]
    assert instant(parse(sealed.record)["time"]) == row["made_at"]


async def test_an_act_without_a_record_rolls_back(world: LogWorld) -> None:
    with pytest.raises(RuntimeError, match="without a record"):
        async with acting(CLERK) as act:
            await act.query("INSERT INTO log_serial (subject, serial, sserial) VALUES ('x', 0, 0)")
    assert not await pool().fetchval("SELECT count(*) FROM log_serial WHERE subject = 'x'")


async def test_asvs_2_3_3_a_refusal_leaves_nothing(world: LogWorld) -> None:
    before = await count()
    with pytest.raises(Refused):
        async with acting(CLERK) as act:
            act.record("test-public", subject="T@1", tender="T@1")
            raise Refused("E-LATE")
    assert await count() == before
    async with acting(CLERK) as act:
        ref = act.record("test-public", subject="T@1", tender="T@1")
    assert parse(ref.record)["serial"] == 1, "a rolled-back act uses no serial number"


async def test_acts_do_not_nest_and_the_next_one_works(world: LogWorld) -> None:
    async with acting(CLERK) as act:
        act.record("test-public", subject="T@1", tender="T@1")
        with pytest.raises(RuntimeError, match="do not nest"):
            async with acting(CLERK):
                pass
    async with acting(CLERK) as act:
        act.record("test-public", subject="T@1", tender="T@1")


async def test_only_declared_types_with_their_fields(world: LogWorld) -> None:
    with pytest.raises(KeyError):
        async with acting(CLERK) as act:
            act.record("invented", subject="T@1")
    with pytest.raises(ValueError, match="missing"):
        async with acting(CLERK) as act:
            act.record("test-public", subject="T@1")


async def test_serials_count_per_subject_and_sealed_records_have_none(world: LogWorld) -> None:
    async with acting(CLERK) as act:
        one = act.record("test-public", subject="B", tender="B")
        sealed = act.record("test-sealed", subject="B", tender="B")
        two = act.record("test-public", subject="A", tender="A")
        alert = act.record("alert-raised", subject="B", alert="x")
        three = act.record("test-public", subject="B", tender="B")
    assert [ref.body.get("serial") for ref in (one, sealed, two, alert, three)] == [1, None, 1, None, 2]
    assert [ref.body.get("sserial") for ref in (one, sealed, two, alert, three)] == [None, None, None, 1, None]


async def test_serials_have_no_gap_under_load(world: LogWorld) -> None:
    async def clerk(n: int) -> None:
        for k in range(10):
            try:
                async with acting(CLERK) as act:
                    for subject in ("A", "B") if n % 2 else ("B", "A"):
                        act.record("test-public", subject=subject, tender=subject)
                    if k % 3 == 0:
                        raise Refused("E-LATE")
            except Refused:
                pass

    await asyncio.gather(*(clerk(n) for n in range(8)))
    for subject in ("A", "B"):
        rows = await pool().fetch("SELECT serial FROM log_record WHERE subject = $1 ORDER BY id", subject)
        assert [row["serial"] for row in rows] == list(range(1, len(rows) + 1)), "and the row ids follow them"


async def test_time_is_the_databases_and_can_be_read_again(world: LogWorld) -> None:
    async with acting(CLERK) as act:
        first = act.now
        await asyncio.sleep(0.01)
        assert await act.clock() > first
        act.record("test-public", subject="T@1", tender="T@1")
    with pytest.raises(RuntimeError, match="without a clock"):
        async with acting(CLERK, clock=False) as act:
            act.record("test-public", subject="T@1", tender="T@1")
    async with acting(CLERK, clock=False) as act:
        (row,) = await act.query("SELECT log_now() AS now")
        act.at(row["now"])
        ref = act.record("test-public", subject="T@1", tender="T@1")
    assert instant(parse(ref.record)["time"]) == row["now"]


async def test_a_cancelled_act_leaves_nothing(world: LogWorld) -> None:
    before = await count()

    async def slow() -> None:
        async with acting(CLERK) as act:
            act.record("test-public", subject="T@1", tender="T@1")
            await asyncio.sleep(10)

    task = asyncio.get_running_loop().create_task(slow(), context=contextvars.copy_context())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count() == before


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["application", "owner"])
async def test_log_rows_stay_as_they_are(world: LogWorld, database: str, owner_dsn: str, role: str, table: str) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    connection = await asyncpg.connect(database if role == "application" else owner_dsn)
    column = {"log_node": "hash", "log_disclosure": "at", "log_cosignature": "line"}.get(table, "made_at")
    column = "entry" if table in ("log_record", "log_leaf") else column
    refused = (asyncpg.InsufficientPrivilegeError, asyncpg.RaiseError)
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(refused) as error:
            await connection.execute(statement)
        if role == "owner":
            assert "stay as they are" in str(error.value)
    await connection.close()
    await world.check()


async def test_rows_that_contradict_themselves_cannot_be_written(world: LogWorld, database: str) -> None:
    async with acting(CLERK) as act:
        ref = act.record("test-sealed", subject="T@1", tender="T@1")
    connection = await asyncpg.connect(database)
    columns = "type, rules, subject, actor_kind, actor, serial, sserial, record, nonce, entry, made_at"
    for change in (
        {"nonce": "NULL"},  # a sealed record in clear
        {"rules": "'public'"},  # a public type under 01: void
        {"serial": "7"},  # a serial on a sealed record betrays it
        {"entry": r"'\x0100'::bytea"},  # an entry of something else
        {"record": "record || 'x'"},
    ):
        values = ", ".join(change.get(name.strip(), name.strip()) for name in columns.split(","))
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                f"INSERT INTO log_record (id, {columns}) SELECT log_next_record(), {values} FROM log_record WHERE id = $1",
                ref.id,
            )
    await connection.close()


async def test_a_demo_log_has_a_clock_of_its_own(db: object, database: str, tmp_path: Path) -> None:
    start = datetime.now(UTC)
    clock = LogClock(datetime(2026, 3, 2, tzinfo=UTC), 3600, start)
    async with log_world(database, tmp_path, origin="demo.example/log", clock=clock):
        said = (await genesis(pool())).clock
        assert said == clock
        async with acting(CLERK) as act:
            expected = clock.at(datetime.now(UTC))
            act.record("test-public", subject="T@1", tender="T@1")
            assert abs(act.now - expected) < timedelta(minutes=30)
        # set once, before the first record, or never
        with pytest.raises(asyncpg.RaiseError, match="before its first record"):
            await pool().execute("INSERT INTO log_clock VALUES (1, now(), 2, now())")


async def test_a_real_log_takes_no_clock_of_its_own(db: object, tmp_path: Path, world: LogWorld) -> None:
    clock = LogClock(datetime(2026, 3, 2, tzinfo=UTC), 60, datetime.now(UTC))
    with pytest.raises(Refused, match="E-DEMO-CLOCK"):
        await open_log(world.origin, beat=1, width=8, policy=world.policy, parties=world.parties, clock=clock)
    again = await open_log(world.origin, beat=5, width=9, policy=world.policy, parties=world.parties)
    assert (again.beat, again.width) == (1, 8), "opening an open log changes nothing"
    with pytest.raises(asyncpg.RaiseError):
        await pool().execute("INSERT INTO log_clock VALUES (1, now(), 2, now())")


async def test_another_log_in_this_database_is_broken(world: LogWorld, tmp_path: Path) -> None:
    other = LogWorld(world.dsn, tmp_path / "other", "other.example/log", 8, 0)
    with pytest.raises(Broken, match="L-ORIGIN"):
        await open_log(other.origin, beat=1, width=8, policy=other.policy, parties=other.parties)
    with pytest.raises(Broken, match="L-ORIGIN"):
        await other.sequencer().lead()
