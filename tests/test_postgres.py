"""The embedded server: any path, any user, any death."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
from pathlib import Path

import asyncpg
import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from audit.refusal import Refused
from trading import embedded, postgres
from trading.migrating import Executor
from trading.settings import Settings

FAST = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"}


def forget(server: postgres.Embedded) -> None:
    """What the kernel does when the owning process dies: the lock goes, the server stays (an orphan or a zombie)."""
    server.child = None
    assert server._ownership
    server._ownership.close()
    server._ownership = None


async def count(server: postgres.Embedded, role: str = postgres.OWNER) -> int:
    connection = await asyncpg.connect(server.dsn(role))
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS t (i int)")
        await connection.execute("INSERT INTO t VALUES (1)")
        return int(await connection.fetchval("SELECT count(*) FROM t"))
    finally:
        await connection.close()


async def test_it_works_in_a_path_with_a_space_and_keeps_what_it_was_given(tmp_path: Path) -> None:
    place = tmp_path / "a path with 空格 and 'quotes'"
    async with postgres.Embedded(place, settings=FAST) as server:
        assert await count(server) == 1
        assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.cluster.stat().st_mode) == 0o700
    assert server.pid is None
    async with postgres.Embedded(place, settings=FAST) as server:
        assert await count(server) == 2


async def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    place = tmp_path / ("long" * 30)
    with postgres.Embedded(place, settings=FAST) as server:
        assert len(str(server.sockets)) < 60
        assert postgres.Embedded(place).sockets == server.sockets  # another process finds it
        assert await count(server) == 1
        short = server.sockets
    assert not short.exists()


async def test_kill_9_of_the_server_leaves_nothing_that_stops_the_next_start(tmp_path: Path) -> None:
    server = postgres.Embedded(tmp_path, settings=FAST).start()
    for rounds in range(1, 4):
        assert await count(server) == rounds
        assert server.child
        os.kill(server.child.pid, signal.SIGKILL)  # nobody waits for it: the zombie's pid stands in postmaster.pid
        forget(server)
        server = postgres.Embedded(tmp_path, settings=FAST).start()
    server.stop()


async def test_kill_9_of_the_owner_leaves_an_orphan_that_the_next_start_ends(tmp_path: Path) -> None:
    server = postgres.Embedded(tmp_path, settings=FAST).start()
    orphan = server.pid
    forget(server)
    with postgres.Embedded(tmp_path, settings=FAST) as again:
        assert again.pid != orphan
        assert await count(again) == 1


async def test_a_pid_file_that_names_somebody_else_is_no_server(tmp_path: Path) -> None:
    with postgres.Embedded(tmp_path, settings=FAST) as server:
        pass
    (server.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{server.cluster}\n0\n5432\n\n\n\nready\n")
    assert server.pid is None
    with server:
        assert server.child and server.pid == server.child.pid


async def test_later_processes_share_the_running_server(tmp_path: Path) -> None:
    with postgres.Embedded(tmp_path, settings=FAST) as server:
        program = (
            "import sys, pathlib; from trading.postgres import Embedded\n"
            "with Embedded(pathlib.Path(sys.argv[1])) as shared: print(shared.child, shared.pid)"
        )
        import sys

        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(tmp_path), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await other.communicate()
        assert said.decode().split() == ["None", str(server.pid)]
        assert await count(server) == 1  # and it did not take the server with it


def test_a_half_made_cluster_is_never_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "cluster.new").mkdir()
    (tmp_path / "cluster.new" / "PG_VERSION").write_text("18")
    with postgres.Embedded(tmp_path, settings=FAST) as server:
        assert server.pid


def test_no_binaries_is_a_sentence_that_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        postgres.Embedded(tmp_path, pg_bin=tmp_path).start()
    assert refused.value.code == "E-POSTGRES-MISSING"


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        postgres.Embedded(tmp_path, settings={**FAST, "shared_buffers": "nonsense"}).start()
    assert refused.value.code == "E-POSTGRES-START"
    assert "shared_buffers" in refused.value.facts["log"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root falls to another user")
def test_root_without_user_namespaces_falls_to_nobody(tmp_path: Path, monkeypatch) -> None:
    """As in a container; below a directory that is shut to others, as /root is and this test's own."""
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    monkeypatch.setattr(embedded, "_user_namespaces", lambda: False)
    with postgres.Embedded(tmp_path / "pg", settings=FAST) as server:
        assert server.cluster.stat().st_uid != 0
        assert server.child and Path(f"/proc/{server.child.pid}").stat().st_uid != 0
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700  # nobody else's modes were touched
    monkeypatch.undo()
    with server:  # a cluster that belongs to nobody stays nobody's
        assert server.pid


async def test_synchronous_commit_is_on_unless_a_test_says_otherwise(tmp_path: Path) -> None:
    for asked, expected in (({}, "on"), ({"synchronous_commit": "off"}, "off")):
        with postgres.Embedded(tmp_path, settings={**FAST, **asked}) as server:
            connection = await asyncpg.connect(server.dsn())
            assert await connection.fetchval("SHOW synchronous_commit") == expected
            assert await connection.fetchval("SHOW listen_addresses") == ""
            assert await connection.fetchval("SELECT pg_is_in_recovery()") is False
            await connection.close()


async def test_two_migrations_at_once_and_a_third_one_later(server, tmp_path: Path, clone) -> None:
    server.say("CREATE DATABASE twice OWNER trading TEMPLATE template0")
    settings = Settings(
        data=tmp_path,
        database_url=server.dsn("trading_app", "twice"),
        database_owner_url=server.dsn("trading", "twice"),
    )
    program = (
        "import asyncio; from trading import postgres; from trading.settings import Settings\n"
        "asyncio.run(postgres.migrate(Settings()))"
    )
    import sys

    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
    }
    racers = [await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=environment) for _ in range(2)]
    assert [await racer.wait() for racer in racers] == [0, 0]
    await postgres.migrate(settings)
    connection = await asyncpg.connect(server.dsn("trading", "twice"))
    applied = await connection.fetch("SELECT app, name FROM tortoise_migrations")
    await connection.close()
    server.say("DROP DATABASE twice WITH (FORCE)")
    assert len({(row["app"], row["name"]) for row in applied}) == len(applied) > 0


async def test_a_migration_that_dies_leaves_the_schema_as_it_was(server, tmp_path: Path, monkeypatch) -> None:
    from tortoise.migrations.recorder import MigrationRecorder

    server.say("CREATE DATABASE dying OWNER trading TEMPLATE template0")
    settings = Settings(
        data=tmp_path,
        database_url=server.dsn("trading_app", "dying"),
        database_owner_url=server.dsn("trading", "dying"),
    )
    note = MigrationRecorder.record_applied

    async def die_late(self, app: str, name: str) -> None:
        await note(self, app, name)
        if app == "trading":
            raise KeyboardInterrupt

    monkeypatch.setattr(MigrationRecorder, "record_applied", die_late)
    with pytest.raises(KeyboardInterrupt):
        await postgres.migrate(settings)
    monkeypatch.undo()
    connection = await asyncpg.connect(server.dsn("trading", "dying"))
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await connection.fetchval(tables) == 1  # Tortoise's own list, empty
    await postgres.migrate(settings)
    assert await connection.fetchval(tables) > 20
    await connection.close()
    server.say("DROP DATABASE dying WITH (FORCE)")


async def schema(server: postgres.Embedded, tmp_path: Path, *executors: type[MigrationExecutor]) -> str:
    """What stands in a database after one executor has gone so far, and the next one the rest, as pg_dump writes it."""
    server.say("CREATE DATABASE written OWNER trading TEMPLATE template0")
    address = server.dsn("trading", "written")
    config = postgres.configuration(address)
    try:
        for last, executor in enumerate(executors, 1 - len(executors)):
            async with TortoiseContext() as context:
                await context.init(config=config)
                targets = None if last == 0 else [MigrationTarget("bidding", "0001_initial")]
                await executor(context.db(), config["apps"]).migrate(targets, direction="forward")
        dump = await asyncio.create_subprocess_exec(
            postgres.binaries() / "pg_dump", "-s", address, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await dump.communicate()
    finally:
        server.say("DROP DATABASE written WITH (FORCE)")
    return re.sub(r"(?m)^.(un)?restrict .*$", "", said.decode())


@pytest.mark.slow
async def test_the_quick_executor_writes_the_schema_that_tortoise_s_own_writes(server, tmp_path: Path) -> None:
    theirs = await schema(server, tmp_path, MigrationExecutor)
    assert theirs.count("CREATE TABLE") > 70
    assert await schema(server, tmp_path, Executor) == theirs
    assert await schema(server, tmp_path, Executor, Executor) == theirs  # an installation of an older version


def test_no_migration_asks_a_model() -> None:
    """What the quick executor leaves out: whoever writes one that asks needs Tortoise's own."""
    for path in Path(__file__).parent.parent.glob("*/migrations/0*.py"):
        assert "RunPython" not in path.read_text("utf-8"), path


async def test_asvs_16_4_2_the_application_cannot_change_what_is_in_the_log(db, database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        for table in postgres.APPEND_ONLY:
            for act in (f"UPDATE {table} SET ctid = ctid", f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)):
                    await connection.execute(act)
    finally:
        await connection.close()


async def test_models_and_migrations_agree() -> None:
    """`makemigrations` would say "No changes detected"; asked in-process, so that it cannot write files here."""
    from tortoise.migrations.autodetector import MigrationAutodetector

    async with TortoiseContext() as context:
        await context.init(config=postgres.MODELS, init_connections=False)
        assert context.apps
        writers = await MigrationAutodetector(context.apps, postgres.MODELS["apps"]).changes()
    assert [f"{w.app_label}: {[op.describe() for op in w.operations]}" for w in writers] == []


@pytest.mark.skipif(not (postgres.binaries() / "psql").exists(), reason="these binaries come without psql")
async def test_the_roles_of_a_real_installation(tmp_path: Path, monkeypatch) -> None:
    """docker/postgres/roles.sql on a bare cluster, then `migrate`: the platform's role can work and cannot rule."""
    monkeypatch.setattr(postgres.Embedded, "_make_roles", lambda self: None)
    with postgres.Embedded(tmp_path / "pg", settings=FAST) as server:
        script = Path(__file__).parent.parent / "docker/postgres/roles.sql"
        who = ("-h", server.sockets, "-U", postgres.SUPERUSER, "-d", "postgres")
        psql = await asyncio.create_subprocess_exec(
            postgres.binaries() / "psql", "-qX", *who, "-f", script,
            env={**os.environ, "TRADING_OWNER_PASSWORD": "it's", "TRADING_APP_PASSWORD": "two"},
        )  # fmt: skip
        assert await psql.wait() == 0
        settings = Settings(data=tmp_path, database_url=server.dsn(), database_owner_url=server.dsn(postgres.OWNER))
        await postgres.migrate(settings)
        connection = await asyncpg.connect(server.dsn())
        try:
            assert await connection.fetchval("SELECT count(*) FROM trading_project") == 0
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("CREATE TABLE mine (i int)")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DROP TABLE trading_project")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("ALTER TABLE log_record DISABLE TRIGGER ALL")
        finally:
            await connection.close()
