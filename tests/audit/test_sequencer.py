"""The sequencer keeps its promises through crashes, races and outages (log.md §3)."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from audit.act import acting
from audit.checkpoint import Checkpoint
from audit.merkle import Frontier
from audit.record import Rule, declare, parse_entry, types
from audit.refusal import Broken
from tests.audit.logworld import CLERK, LogWorld, log_world


class Killed(BaseException):
    """The process dies on this line."""


@pytest.fixture
async def world(db: object, database: str, tmp_path: Path) -> AsyncIterator[LogWorld]:
    async with log_world(database, tmp_path) as made:
        yield made


async def test_a_beat_gives_records_their_leaves_and_publishes(world: LogWorld) -> None:
    sequencer = world.sequencer()
    assert await sequencer.lead()
    (first,) = await sequencer.beat()
    assert (first.number, first.size, first.records) == (0, 8, 2)
    await world.sealed(3)
    await world.openly(1)
    (second,) = await sequencer.beat()
    assert (second.number, second.size, second.records) == (1, 16, 4)
    assert world.published().size == 16
    assert await world.check() == 16
    assert sequencer.status.pending == 0 and not sequencer.status.faults


POINTS = ["leaves", "committed", "signed", "stored", "cosigned", "tiles", "announced"]


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_line_the_next_process_carries_on(world: LogWorld, point: str) -> None:
    first = world.sequencer()
    assert await first.lead()
    await first.beat()
    await world.sealed(4)
    await world.openly(2)
    armed = True

    def die(at: str) -> None:
        if armed and at == point:
            raise Killed(at)

    await first.close()
    doomed = world.sequencer(die)
    assert await doomed.lead()
    with pytest.raises(Killed):
        await doomed.beat()
    await world.check()
    doomed._lead.terminate()  # the machine is gone: nobody says goodbye
    doomed._lead = None
    await world.sealed(1)
    survivor = world.sequencer()
    while not await survivor.lead():
        await asyncio.sleep(0.01)
    await survivor.beat()
    size = await world.check()
    assert world.published().size == size
    pool = survivor._pool
    assert await pool.fetchval("SELECT count(*) FROM log_leaf WHERE record IS NOT NULL") == 9
    unsigned = (
        "SELECT count(*) FROM log_checkpoint c WHERE (SELECT count(*) FROM log_cosignature s WHERE s.size=c.size) < 3"
    )
    assert await pool.fetchval(unsigned) == 0


async def test_a_witness_that_signed_before_we_stored_it_is_asked_again(world: LogWorld) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    lost = world.sequencer()
    await sequencer.close()
    await lost.lead()

    async def forget(*_: object) -> bool:
        raise Killed

    lost.cosigning._keep = forget  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await lost.beat()
    await lost.close()
    survivor = world.sequencer()
    await survivor.lead()
    await survivor.beat()
    await world.check()
    assert world.published().size == 24


async def test_two_sequencers_race_and_one_log_results(world: LogWorld) -> None:
    one, two = world.sequencer(), world.sequencer()
    assert await one.lead()
    assert not await two.lead()
    await one.beat()
    # A process that wrongly believes in its lock: the compare-and-swap refuses it.
    two._lead = await asyncpg.connect(world.dsn)
    await two._open(two._lead)
    results = await asyncio.gather(one.beat(), two.beat(), return_exceptions=True)
    assert sum(isinstance(result, asyncpg.UniqueViolationError) for result in results) <= 1
    assert any(isinstance(result, list) for result in results)
    await one.close()
    await two.close()
    third = world.sequencer()
    assert await third.lead()
    await third.beat()
    await world.check()


async def test_takeover_when_the_leader_dies(world: LogWorld) -> None:
    one, two = world.sequencer(), world.sequencer()
    assert await one.lead()
    await one.beat()
    assert not await two.lead()
    one._lead.terminate()
    one._lead = None
    while not await two.lead():
        await asyncio.sleep(0.01)
    await two.beat()
    assert await world.check() == 16


async def test_nothing_is_published_without_quorum_and_everything_is_made_up_for(world: LogWorld) -> None:
    sequencer = world.sequencer(patience=0.3)
    await sequencer.lead()
    await sequencer.beat()
    world.wires.down = {"w1", "w2"}
    for _ in range(4):
        await world.openly()
        await sequencer.beat()
        await world.check()
    assert world.published().size == 8
    assert sequencer.status.pending == 4 and set(sequencer.status.faults) == {"w1", "w2"}
    world.wires.down = {"w2"}
    await sequencer.beat()
    assert world.published().size == 48 and sequencer.status.pending == 0
    rows = await sequencer._pool.fetch("SELECT size, count(*) FROM log_cosignature GROUP BY size HAVING count(*) < 3")
    assert not rows, "an archive needs every one of these checkpoints with its quorum"
    assert await world.check() == 48


async def test_no_records_and_forty_look_alike(world: LogWorld, tmp_path: Path) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    shapes = []
    for records in (0, 7, 0, 3):
        await world.sealed(records)
        (beat,) = await sequencer.beat()
        entries = await sequencer._pool.fetch("SELECT entry FROM log_leaf WHERE beat = $1 ORDER BY index", beat.number)
        if beat.number:
            shapes.append([(len(row["entry"]), parse_entry(row["entry"]).kind) for row in entries])
    assert all(shape == shapes[0] for shape in shapes)
    await world.check()


async def test_the_beat_widens_when_more_than_twice_its_width_wait(world: LogWorld) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    await world.sealed(200)
    widths = [(await sequencer.beat())[0].width for _ in range(4)]
    assert widths == [8, 32, 128, 128]
    changes = await sequencer._pool.fetch(
        "SELECT convert_from(record, 'UTF8') t FROM log_record WHERE type = 'width-changed'"
    )
    assert ['"width":32' in changes[0]["t"], '"width":128' in changes[1]["t"]] == [True, True]
    await world.check()


async def test_a_closing_follows_its_records_in_beats_at_once(world: LogWorld) -> None:
    if "closed" not in types:  # the package above declares it; here it is only a name
        declare("closed", Rule.PUBLIC, fields=("tender",))
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    await world.sealed(50)
    async with acting(CLERK) as act:
        body = dict.fromkeys(types["closed"].fields, 0)
        act.record("closed", subject="T@1", **{**body, "tender": "T@1"})
    beats = await sequencer.beat()
    assert len(beats) > 1
    rows = await sequencer._pool.fetch(
        "SELECT l.index, r.type FROM log_leaf l JOIN log_record r ON r.id = l.record "
        "WHERE r.type IN ('closed', 'test-sealed')"
    )
    place = {row["type"]: row["index"] for row in sorted(rows, key=lambda row: row["index"])}
    assert place["closed"] > place["test-sealed"] and len(rows) == 51
    await world.check()
    assert world.published().size == beats[-1].size


async def test_asvs_16_4_3_a_database_older_than_what_left_the_house_stops_it(world: LogWorld) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    await sequencer.close()
    memory = world.key.path.with_name("log.pem.signed")
    memory.write_text("9000\n" + memory.read_text().splitlines()[1] + "\n")
    with pytest.raises(Broken, match="L-STATE"):
        await world.sequencer().lead()


async def test_one_witness_may_lie_and_two_stop_it(world: LogWorld) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    far = Frontier()
    far.extend([bytes(32)] * 99)
    world.witnesses["w1"].memory.keep(Checkpoint(world.origin, 99, far.root()), 1)
    await sequencer.beat()
    await sequencer.beat()
    assert world.published().size == 24 and sequencer.status.faults == {"w1": "L-STATE"}
    world.witnesses["w2"].memory.keep(Checkpoint(world.origin, 99, far.root()), 1)
    with pytest.raises(Broken, match="L-STATE"):
        await sequencer.beat()
        await sequencer.beat()
    assert world.published().size == 24


async def test_a_fork_that_two_witnesses_have_seen_stops_it(world: LogWorld) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    await sequencer._append()
    await sequencer._sign()
    for name in ("w1", "w3"):
        world.witnesses[name].memory.keep(Checkpoint(world.origin, 16, bytes(32)), 1)
    with pytest.raises(Broken, match="L-FORK"):
        await sequencer._cosign()
        await sequencer._cosign()


async def test_a_clock_that_runs_backwards_stops_it(world: LogWorld, owner_dsn: str) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    owner = await asyncpg.connect(owner_dsn)
    await owner.execute(
        "CREATE OR REPLACE FUNCTION log_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
        "$$ SELECT clock_timestamp() - interval '1 hour' $$"
    )
    await owner.close()
    with pytest.raises(Broken, match="L-CLOCK"):
        await sequencer.beat()
    await world.check()


async def test_the_low_water_mark_follows_and_waits_for_slow_acts(world: LogWorld) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    slow = acting(CLERK)
    act = await slow.__aenter__()
    act.record("test-sealed", subject="T@1", tender="T@1")
    await act.insert()  # it has its row id, and takes its time to commit
    done = asyncio.get_running_loop().create_future()

    async def others() -> None:
        await world.sealed(3)
        for _ in range(3):
            await sequencer.beat()
        done.set_result(None)

    await asyncio.get_running_loop().create_task(others(), context=contextvars.Context())
    taken = await sequencer._pool.fetchval("SELECT max(record) FROM log_leaf")
    low = await sequencer._pool.fetchval("SELECT max(low_record) FROM log_checkpoint")
    assert low < act.entries[0].id < taken
    act.entries.clear()
    act.record("test-sealed", subject="T@1", tender="T@1")
    await slow.__aexit__(None, None, None)
    for _ in range(3):
        await sequencer.beat()
    waiting = await sequencer._pool.fetchval(
        "SELECT count(*) FROM log_record r WHERE NOT EXISTS (SELECT FROM log_leaf l WHERE l.record = r.id)"
    )
    low = await sequencer._pool.fetchval("SELECT max(low_record) FROM log_checkpoint")
    newest = await sequencer._pool.fetchval("SELECT max(id) FROM log_record")
    assert (waiting, low) == (0, newest)
    await world.check()


async def test_a_tree_of_three_levels_of_tiles(db: object, database: str, tmp_path: Path) -> None:
    async with log_world(database, tmp_path, width=33_000, witnesses=1) as world:
        sequencer = world.sequencer()
        await sequencer.lead()
        for _ in range(2):
            await sequencer.beat()
        assert await world.check() == 66_000
        levels = await sequencer._pool.fetch("SELECT level, count(*) AS n FROM log_node GROUP BY level ORDER BY level")
        assert [(row["level"], row["n"]) for row in levels] == [(1, 257), (2, 1)]


async def test_it_runs_at_its_interval_and_survives_a_lost_database(world: LogWorld, owner_dsn: str) -> None:
    one, two = world.sequencer(), world.sequencer()
    running = [asyncio.create_task(one.run()), asyncio.create_task(two.run())]

    async def published(size: int) -> None:
        async with asyncio.timeout(20):
            while not (world.directory / "log" / "checkpoint").exists() or world.published().size < size:
                await asyncio.sleep(0.02)

    await published(16)
    owner = await asyncpg.connect(world.dsn)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
        "datname = current_database() AND usename = current_user AND query NOT LIKE '%log_clock%'"
    )
    await owner.close()
    await published(32)
    for task in running:
        assert not task.done()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await world.check()


async def test_broken_ends_the_run(world: LogWorld) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    await sequencer.close()
    for name in ("w2", "w3"):
        world.witnesses[name].memory.keep(Checkpoint(world.origin, 500, bytes(32)), 1)
    with pytest.raises(Broken, match="L-STATE"):
        async with asyncio.timeout(10):
            await world.sequencer().run()
