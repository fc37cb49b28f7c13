"""One town and one browser for all tests of a file that read, and leave things as they found them.

Whoever imports these fixtures runs in the module's loop: `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import chromium
from tests.conftest import Cloner
from tests.trading.town import Town, town
from trading import postgres
from trading.settings import Settings

__all__ = ["browser", "place", "settings", "started", "written"]


@pytest.fixture(scope="module")
def written(clone: Cloner) -> Iterator[str]:
    """The name of the file's database."""
    with clone() as name:
        yield name


@pytest.fixture(scope="module")
def settings(server: postgres.Embedded, written: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        data=tmp_path_factory.mktemp("a town") / "data",
        database_url=server.dsn(postgres.APP, written),
        database_owner_url=server.dsn(postgres.OWNER, written),
        origin="demo.test/log",
        lang="en",
        token_pepper="pepper",
        witnesses=("w=http://w",),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(settings: Settings) -> AsyncIterator[Town]:
    async with postgres.connected(settings), town(settings, settings.database_owner_url or "") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def browser(started: Browser) -> AsyncIterator[Browser]:
    """No window is left open for the next test."""
    yield started
    for window in started.contexts:
        await window.close()
