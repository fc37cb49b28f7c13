"""Every page of the bidder's desk in both languages and on a telephone; and all of it by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser.office import DONE, PASSPHRASE, office, shoot
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
                await wang.page.wait_for_load_state("networkidle")
                assert await wang.page.evaluate("document.documentElement.scrollWidth") <= width, (path, lang, width)
                said = await wang.page.inner_text("body")
                assert "page." not in said and "…}" not in said, (path, lang)
                await shoot(wang.page, f"b{path.replace('/', '-').replace(tender, '')}-{lang}-{width}")
        assert wang.complaints == []


async def test_by_keyboard_alone(place: Town, tmp_path: Path) -> None:
    """From the top of the sealing page to the button that hands in, with the keyboard; files through their dialogue."""
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"offer")
    async with office(place, tmp_path) as wang:
        key, page = await wang.key(), wang.page
        await wang.go(f"/b/{wang.desk.tender}/seal")

        async def to(id_: str) -> None:
            for _ in range(60):
                await page.keyboard.press("Tab")
                if await page.evaluate("document.activeElement.id") == id_:
                    return
            raise AssertionError(id_)

        await to("trust-compared")
        await page.keyboard.press("Space")
        await page.wait_for_selector("#step-check[data-state=done]", timeout=DONE)
        await page.evaluate("document.activeElement.blur()")
        for id_, typed in (("field-price", "1,000.00"), ("field-days", "30")):
            await to(id_)
            await page.keyboard.type(typed)
        for id_, path in (("files", offer), ("key", key)):
            await to(id_)
            async with page.expect_file_chooser() as chosen:
                await page.keyboard.press("Space")
            await (await chosen.value).set_files(str(path))
        await to("phrase")
        await page.keyboard.type(PASSPHRASE)
        await page.keyboard.press("Enter")
        await wang.stands("Uploaded, not handed in yet")
        assert await page.evaluate("document.activeElement.id") == "submit"
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/b/receipt/**", timeout=DONE)
