"""The town, for tests over the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.trading.town import Town, town
from trading.settings import Settings


@pytest.fixture
def settings(database: str, owner_dsn: str, tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path / "data",
        database_url=database,
        database_owner_url=owner_dsn,
        origin="demo.test/log",
        lang="en",
        token_pepper="pepper",
        witnesses=("w=http://w",),
    )


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made
