"""The offline pages are for everybody: axe on the saved files, both languages, light and dark, a telephone, the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.axe import COLOURS, axe
from tests.browser.chromium import chromium
from tests.browser.test_every_page import REFLOW, WIDE, shoot
from trading import offline


@pytest.mark.parametrize("name", offline.PAGES)
async def test_a_saved_page_has_no_barrier(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.html"
    path.write_bytes(offline.built(name))
    async with chromium() as browser:
        context = await browser.new_context(offline=True, bypass_csp=True, viewport=WIDE, locale="zh-CN")  # type: ignore[arg-type]
        page = await context.new_page()
        await page.goto(path.as_uri())
        await page.wait_for_selector("html[data-ready='1']")
        spoken = set()
        for _ in range(2):
            lang = await page.get_attribute("html", "lang") or ""
            spoken.add(lang)
            assert await axe(page) == [], lang
            await shoot(page, f"offline-{name}.{lang}.wide")
            await page.emulate_media(color_scheme="dark")
            assert await axe(page, COLOURS) == [], (lang, "dark")
            await shoot(page, f"offline-{name}.{lang}.dark")
            await page.emulate_media(color_scheme="light")
            for width in REFLOW:
                await page.set_viewport_size({"width": width, "height": 720})
                assert await page.evaluate("document.scrollingElement.scrollWidth") <= width, (lang, width)
            await page.set_viewport_size({"width": 360, "height": 720})
            await shoot(page, f"offline-{name}.{lang}.360")
            await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
            await page.focus("#lang")
            await page.keyboard.press("Enter")
        assert len(spoken) == 2, "both languages were read"
        await page.evaluate("document.querySelector('main').append(document.createElement('img'))")
        assert any("image-alt" in told for told in await axe(page)), "the control"
