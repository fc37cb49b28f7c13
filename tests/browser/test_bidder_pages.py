"""Every page of the bidder's desk in both languages and on a telephone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser.office import office, shoot
from tests.trading.town import Town, town
from trading.settings import Settings


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


async def test_every_page_stands_in_both_languages_and_on_a_telephone(place: Town, tmp_path: Path) -> None:
    async with office(place, tmp_path) as wang:
        await wang.key()
        tender = wang.desk.tender
        pages = ("", "/key", "/messages", *(f"/{tender}/{one}" for one in ("prepare", "seal", "withdraw", "hall")))
        for lang, width in (("zh", 1280), ("en", 1280), ("zh", 360), ("en", 360)):
            await wang.page.set_viewport_size({"width": width, "height": 800})
            for path in pages:
                answer = await wang.page.goto(f"{wang.address}/b{path}?lang={lang}")
                assert answer is not None and answer.status == 200, path
                if not path.endswith("/hall"):  # which keeps a line open
                    await wang.page.wait_for_load_state("networkidle")
                assert await wang.page.evaluate("document.documentElement.scrollWidth") <= width, (path, lang, width)
                said = await wang.page.inner_text("body")
                assert "page." not in said and "…}" not in said, (path, lang)
                await shoot(wang.page, f"b{path.replace('/', '-').replace(tender, '')}-{lang}-{width}")
        assert wang.complaints == []
