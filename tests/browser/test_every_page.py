"""Every page × everybody who may read it × both languages × light and dark: axe finds nothing; at 200 % and at 400 % nothing
scrolls sideways; under a contrast theme buttons keep an edge, and whoever wants no motion sees none.

Which pages there are is said in everypage.py. `TRADING_SCREENSHOTS=folder` keeps a picture of each: wide, dark, and 360 px.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.axe import COLOURS, SMALL, axe
from tests.browser.chromium import chromium
from tests.browser.everypage import DESKS, EMPTY, FILES, OPEN, Centre, centre, fill, pages, people
from tests.trading.town import Town, town
from trading.settings import Settings
from trading.web.doors import doors

WIDE = {"width": 1280, "height": 900}
REFLOW = (640, 320)
"""CSS pixels: 1280 at 200 % and at 400 %."""
SETTLED = """() => document.fonts.ready.then(() => document.documentElement.dataset.ready === '1'
    || !document.querySelector('#given') || !document.querySelector('script[src*="_page.js"]:not([src*="verify"])'))"""
WORDLESS = re.compile(r"\bpage\.[a-z]+\.[a-z]|…}")
"""What a page says when a sentence of the catalogue is missing or was given too little."""
VARIES = "|".join((
    r'"given">.*?<\/script>', r"<b>\d{4}-[^<]*", r'name="(form_token|nonce)" value="[^"]*"', r'data:image[^"]*',
    r"[0-9a-f]{16,}", r"[A-Z2-7]{4}( [A-Z2-7]{4})+",
))  # fmt: skip
ITSELF = f"() => document.documentElement.outerHTML.replace(/{VARIES}/gs, '')"
"""The page but for what differs with every reading: pages that are the same for several roles are measured once."""
LOST = """() => [...document.querySelectorAll('tbody tr')].filter(one => one.getBoundingClientRect().right < 0)
    .map(one => one.outerHTML.slice(0, 120))"""
"""Rows of tables that were put off the page: what is hidden from eyes is a heading's words, never a fact."""
EDGES = """() => ({
    moving: document.getAnimations().filter(one => one.playState === 'running').length,
    bare: [...document.querySelectorAll('.btn, .chip, .card, input:not([type=hidden], [type=radio], [type=checkbox], .out)')]
        .filter(one => one.checkVisibility() && one.getBoundingClientRect().width > 2)
        .filter(one => parseFloat(getComputedStyle(one).borderTopWidth) < 1).map(one => one.outerHTML.slice(0, 80)),
})"""
DONE = 120_000
"""Milliseconds that a busy machine may need."""
SHOTS = os.environ.get("TRADING_SCREENSHOTS", "")


@pytest.fixture
def settings(database: str, owner_dsn: str, tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path / "data", database_url=database, database_owner_url=owner_dsn, origin="demo.test/log",
        lang="en", token_pepper="pepper", witnesses=("w=http://w",),
    )  # fmt: skip


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


def test_no_page_is_forgotten() -> None:
    """A new page is looked at, or somebody says that it is a file."""
    assert pages() == OPEN.keys() | DESKS.keys()


def test_and_a_forgotten_one_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from trading.web.doors import Opening

    monkeypatch.setitem(doors, "b_new", Opening("b_new", "GET", "/b/new", None, False))  # type: ignore[arg-type]
    assert pages() - (OPEN.keys() | DESKS.keys()) == {"b_new"}
    assert not FILES & OPEN.keys()


async def window(browser: Browser, site: Centre, who: str) -> BrowserContext:
    """Somebody's browser; its pages let axe in, whose script their policy forbids, as it must."""
    made = await browser.new_context(bypass_csp=True, viewport=WIDE)  # type: ignore[arg-type]
    if secret := site.cookies.get(who):
        await made.add_cookies([{"name": "session", "value": secret, "url": site.address}])
    return made


async def shoot(page: Page, name: str) -> None:
    if SHOTS:
        file = re.sub(r"[^\w@=.-]+", "_", name).strip("_") or "home"
        await page.screenshot(path=f"{SHOTS}/{file}.png", full_page=True)


class Look:
    """One page in one language, in every light and width; what is wrong with it."""

    def __init__(self, page: Page, address: str, lang: str, name: str, seen: set[str]) -> None:
        self.page, self.address, self.lang, self.name, self.seen = page, address, lang, name, seen
        self.wrong: list[str] = []

    def note(self, what: str, found: Any) -> None:
        if found:
            self.wrong.append(f"{what}: {found}")

    async def __call__(self) -> list[str]:
        page = self.page
        answer = await page.goto(f"{self.address}{'&' if '?' in self.address else '?'}lang={self.lang}", timeout=DONE)
        assert answer is not None
        self.note("status", answer.status if answer.status >= 500 else 0)
        await page.wait_for_function(SETTLED)
        said = await page.inner_text("body")
        if (itself := await page.evaluate(ITSELF)) in self.seen:
            return self.wrong
        self.seen.add(itself)
        self.note("no words", WORDLESS.findall(said))
        self.note("language", (await page.get_attribute("html", "lang") or "")[:2] != self.lang)
        self.note("rows nobody sees", await page.evaluate(LOST))
        self.note("light", await axe(page))
        await shoot(page, f"{self.name}.{self.lang}.wide")
        await page.emulate_media(color_scheme="dark")
        self.note("dark", await axe(page, COLOURS))
        await shoot(page, f"{self.name}.{self.lang}.dark")
        await page.emulate_media(color_scheme="light")
        await self.narrow()
        await self.themed()
        return self.wrong

    async def narrow(self) -> None:
        for width in REFLOW:
            await self.page.set_viewport_size({"width": width, "height": 720})
            measured = await self.page.evaluate("document.scrollingElement.scrollWidth")
            self.note(f"wider than {width}", measured if measured > width else 0)
        self.note("targets", await axe(self.page, SMALL))
        if SHOTS:
            await self.page.set_viewport_size({"width": 360, "height": 720})
            await shoot(self.page, f"{self.name}.{self.lang}.360")
        await self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]

    async def themed(self) -> None:
        await self.page.emulate_media(forced_colors="active", reduced_motion="reduce")
        found = await self.page.evaluate(EDGES)
        self.note("moves", found["moving"])
        self.note("no edge under a contrast theme", found["bare"])
        await self.page.emulate_media(forced_colors="none", reduced_motion="no-preference")


async def test_an_open_page_is_the_same_for_everybody(place: Town, tmp_path: Path) -> None:
    """So it is enough to look at it once: the same bytes but for clock and marks, with a session and without."""
    async with centre(place) as site:
        await place.enrol("operator", "operator")
        await site.come("operator", "operator", "operator")
        async with httpx.AsyncClient(base_url=site.address) as http:
            for route in OPEN:
                path = route.replace("{operation}", "get_tender")
                said = []
                for cookies in ({}, {"session": site.cookies["operator"]}):
                    http.cookies = httpx.Cookies(cookies)
                    said.append(re.sub(r'\d\d:\d\d:\d\d|nonce="[^"]*"', "", (await http.get(path)).text))
                assert said[0] == said[1], path
            http.cookies = httpx.Cookies({})  # the control: a desk's page is not
            assert (await http.get("/me")).status_code == 303


@pytest.mark.slow
async def test_every_page_for_everybody_in_both_languages_and_every_light(place: Town, tmp_path: Path) -> None:
    async with centre(place) as site, chromium() as browser:
        wrong: dict[str, list[str]] = {}
        seen: set[str] = set()

        async def look(looks: list[tuple[str, str, str]], state: str) -> None:
            windows: dict[tuple[str, str], Page] = {}
            for route, who, path in looks:

                async def one(lang: str, route: str = route, who: str = who, path: str = path) -> None:
                    if (who, lang) not in windows:
                        windows[who, lang] = await (await window(browser, site, who)).new_page()
                    name = f"{who}.{route}{path}.{state}"
                    if told := await Look(windows[who, lang], site.address + path, lang, name, seen)():
                        wrong[f"{path} as {who} in {lang}, {state}"] = told

                await asyncio.gather(one("zh"), one("en"))
            for page in windows.values():
                await page.context.close()

        await look([(path, "public", path) for path in EMPTY], "empty")
        await fill(site, tmp_path)
        await people(site)
        looks = list(site.looks())
        assert {route for route, _, _ in looks} >= pages()
        await look(looks, "full")
        assert not wrong, "\n".join(f"{name}: {told}" for name, told in wrong.items())
