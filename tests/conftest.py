"""The database of the tests: one embedded server a session (or a worker), one migrated template, one clone a test.

`database` is the application role's address of a fresh clone, `owner_dsn` the owner's, `settings` the settings that name
them, `db` a connected Tortoise. All are function-scoped; `clone` makes further ones (for a module, for a subprocess).
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import hypothesis
import pytest
from tortoise.context import TortoiseContext

from tests import memory
from tests.workers import longest_first, pytest_xdist_auto_num_workers, pytest_xdist_make_scheduler
from trading import postgres
from trading.settings import Settings

__all__ = ["pytest_xdist_auto_num_workers", "pytest_xdist_make_scheduler"]

# A busy machine is no fault: times are measured in benchmarks, beside their limits.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

STATEFUL = {"server", "template", "clone", "database", "db", "settings"}
ELSEWHERE = (
    "test_postgres.py",
    "test_agreement.py",
    "test_mutations.py",
    "test_lives.py",
    "test_evaluation.py",
    "test_releases.py",
    "cli",
    "trading",
    "journeys",
    "faults",
    "bench",
    "attacks",
    "secrecy",
    "security",
    "test_aliyun.py",
    "test_gateway.py",
    "test_smtp.py",
    "test_file.py",
    "test_speech.py",
    "test_secrecy.py",
    "test_page.py",
    "test_mutants.py",
    "test_cli.py",
    "test_offline_reading.py",
    "test_settings_reference.py",
    "test_life_walks.py",
    "test_import.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pure", action="store_true", help="only what needs no database and no server: a few seconds")


def _elsewhere(path: Path) -> bool:
    """Whether a file of the tests starts servers, processes or browsers, or takes seconds: not for `--pure`."""
    return bool({*path.relative_to(Path(__file__).parent).parts} & set(ELSEWHERE))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is not run is not read either: that alone took a fifth of the quick check."""
    inside = Path(__file__).parent in collection_path.parents
    return True if inside and config.getoption("--pure") and _elsewhere(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`--pure` (.ci/quick) leaves out whatever asks for a database, lies where servers are started, or is slow."""
    longest_first(config, items)
    if not config.getoption("--pure"):
        return
    pure, rest = [], []
    for item in items:
        stateful = STATEFUL & set(getattr(item, "fixturenames", ()))
        elsewhere = _elsewhere(item.path)  # a file that was named on the command line is read whatever it is
        (rest if stateful or elsewhere or item.get_closest_marker("slow") else pure).append(item)
    config.hook.pytest_deselected(items=rest)
    items[:] = pure


FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "max_wal_size": "512MB",
}
"""A machine that loses power is no part of a unit test; `synchronous_commit` stays as the house has it."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Embedded]:
    """The session's PostgreSQL, in memory where there is room, in a path with a space, empty."""
    with (
        memory.folder(tmp_path_factory.mktemp("a server")) as place,
        postgres.Embedded(place, settings=FAST) as embedded,
    ):
        yield embedded


@pytest.fixture(scope="session")
def template(server: postgres.Embedded, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of the migrated database that clones are made of."""
    migrated = Settings(
        data=tmp_path_factory.mktemp("template"),
        database_url=server.dsn(postgres.APP),
        database_owner_url=server.dsn(postgres.OWNER),
    )
    asyncio.run(postgres.migrate(migrated))
    return postgres.DATABASE


Cloner = Callable[[], "contextmanager[str]"]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def clone(server: postgres.Embedded, template: str) -> Cloner:
    """`with clone() as name:` is a database of its own, gone afterwards."""

    @contextmanager
    def cloned() -> Iterator[str]:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        server.say(f'CREATE DATABASE "{name}" OWNER {postgres.OWNER} TEMPLATE {template} STRATEGY FILE_COPY')
        try:
            yield name
        finally:
            server.say(f'DROP DATABASE "{name}" WITH (FORCE)')

    return cloned


@pytest.fixture
def database(server: postgres.Embedded, clone: Cloner) -> Iterator[str]:
    """The application role's address of a database nobody else uses."""
    with ExitStack() as stack:
        yield server.dsn(postgres.APP, stack.enter_context(clone()))


@pytest.fixture
def owner_dsn(database: str) -> str:
    """The owner's address of the same database: for a test that plays the dishonest administrator."""
    return database.replace(f"//{postgres.APP}@", f"//{postgres.OWNER}@", 1)


@pytest.fixture
def settings(database: str, owner_dsn: str, tmp_path: Path) -> Settings:
    """Settings of an installation in `tmp_path` on that database."""
    return Settings(data=tmp_path / "data", database_url=database, database_owner_url=owner_dsn, origin="demo.test/log")


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[TortoiseContext]:
    """Tortoise, connected as the application's role."""
    async with postgres.connected(settings) as context:
        yield context
