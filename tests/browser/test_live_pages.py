"""Pages that grow while somebody looks: 安和 watches an opening, a visitor an auction, somebody types a search; and markup
that got in where it should not runs nothing and asks for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route

from tests.browser.chromium import chromium
from tests.browser.office import DONE, office, shoot
from tests.listening import listening
from tests.trading import test_auctions as sale
from tests.trading.desk import Desk
from tests.trading.town import Town, town
from trading.settings import Settings
from trading.web import search_page

ANHE, GANJIANG = "安和建设有限公司", "赣江第一工程有限公司"
HARM = "<img src=x onerror='window.ran=1'><b hx-get=/stolen hx-trigger=load>道路</b>"
FOUND = """<!doctype html><head><title>-</title></head><body><section id="found"><h2>7</h2>
<img src="data:,x" onerror="window.ran = 'onerror'">
<a id="bait" href="javascript:void(window.ran = 'href')"
    hx-on:click="window.ran = 'hx-on'" onclick="window.ran = 'onclick'">x</a>
<b hx-on:htmx:after:init="window.ran = 'hx-on'" hx-get="/stolen?get" hx-trigger="load"></b>
<b hx-get="/stolen?guess" hx-trigger="load" hx-nonce="guessed"></b>
<b hx-get="/stolen?page" hx-trigger="load" hx-nonce="THE-PAGES"></b>
<b hx-sse:connect="/stolen?line"></b><b data-hx-get="/stolen?data" hx-trigger="load"></b>
<b hx-get="/stolen?vals" hx-trigger="load" hx-vals="js:{a: window.ran = 'vals'}"></b>
<script>window.ran = "script"</script><script nonce="THE-PAGES">window.ran = "stolen nonce"</script>
</section></body>"""


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


async def seen(page: Page, words: str, patience: float = DONE) -> None:
    await page.wait_for_function(
        "(words) => document.querySelector('main').innerText.includes(words)", arg=words, timeout=patience
    )


@pytest.mark.slow
async def test_anhe_watches_custodians_release_and_the_pages_fill_by_themselves(place: Town, tmp_path: Path) -> None:
    async with office(place, tmp_path) as wang:
        desk, browser = wang.desk, wang.page.context.browser
        assert browser is not None
        public, plain = (
            await browser.new_page(),
            await (await browser.new_context(java_script_enabled=False)).new_page(),
        )
        told: list[str] = []
        public.on("console", lambda one: told.append(one.text) if one.type == "error" else None)
        address = f"{wang.address}/t/{desk.tender}?lang=zh"
        await wang.go(f"/b/{desk.tender}/hall", "zh")
        await public.goto(address)
        await public.click("#timeline details >> nth=0")
        await public.focus("#timeline a.idx >> nth=0")
        before = await public.inner_html("#live"), await wang.page.inner_html("#steps")
        for name, price in ((ANHE, 9_000_000), (GANJIANG, 8_000_000), (HARM, 9_500_000)):
            await desk.hand_in(await desk.bidder(name), price)
            await place.beat()
        await asyncio.sleep(1.5)
        assert (await public.inner_html("#live"), await wang.page.inner_html("#steps")) == before  # not a word of it
        await wang.page.evaluate("window.same = true")
        await public.evaluate("window.same = true")
        await desk.wait()
        for page in (public, wang.page):
            await page.wait_for_function(
                "() => document.querySelector('main').innerText.includes('截标')", timeout=DONE
            )
        await desk.open_boxes()
        await seen(public, "90,000.00")
        await seen(wang.page, "90,000.00")
        assert await public.evaluate("window.same") and await wang.page.evaluate("window.same")  # nobody reloaded
        assert await public.evaluate("document.activeElement.matches('#timeline a.idx')")
        assert await public.locator("#timeline details[open]").count() == 1
        assert ANHE in await public.inner_text("#record") and "C-" in await wang.page.inner_text("#steps")
        await plain.goto(address)
        for words in (ANHE, "90,000.00", GANJIANG, "80,000.00"):
            assert words in await plain.inner_text("#record")
        await place.beat()
        await public.wait_for_function(
            "() => !document.querySelector('#timeline .quiet')?.innerText.includes('待')", timeout=DONE
        )
        await shoot(public, "live-opened")
        await shoot(wang.page, "live-hall")
        for page in (public, wang.page):  # a stranger's words are words
            assert "<img" in await page.inner_text("main") and await page.evaluate("() => window.ran ?? null") is None
        assert told == [] and wang.complaints == []
        await public.close()
        await wang.page.goto("about:blank")
        async with asyncio.timeout(10):  # who goes away holds no place
            while place.app.state.places.held or place.app.state.following.topics:
                await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_an_auction_counts_down_and_shows_the_next_price(place: Town, tmp_path: Path) -> None:
    desk, room = await sale._room(place, tmp_path)
    for crier in room.values():
        await crier.join(desk)
    await sale._begin(desk)
    await sale._numbers(desk, room)
    wang, zhao = room["wang"], room["zhao"]
    async with listening(place.app) as address, chromium() as browser:
        page = await browser.new_page()
        told: list[str] = []
        page.on("console", lambda one: told.append(one.text) if one.type == "error" else None)
        await page.goto(f"{address}/t/{desk.tender}?lang=zh")
        first = await page.inner_text("[role=timer]")
        await page.wait_for_function(
            "(was) => document.querySelector('[role=timer]').innerText < was", arg=first, timeout=5000
        )
        await wang.cry(desk, 9_400_000)
        await seen(page, "94,000.00", 2000)
        await zhao.cry(desk, 9_500_000)
        await seen(page, "95,000.00", 2000)
        await shoot(page, "live-auction")
        plain = await (await browser.new_context(java_script_enabled=False)).new_page()
        await plain.goto(f"{address}/t/{desk.tender}?lang=zh")
        assert "95,000.00" in await plain.inner_text("#auction") and ":" in await plain.inner_text("[role=timer]")
        narrow = await browser.new_page(viewport={"width": 360, "height": 640})
        await narrow.goto(f"{address}/t/{desk.tender}?lang=en")
        assert await narrow.evaluate("document.scrollingElement.scrollWidth") <= 360
        await shoot(narrow, "live-auction-360")
        assert told == []


async def _market(place: Town, tmp: Path) -> list[Desk]:
    desks = []
    for n, title in enumerate(("城东道路改造", "城西桥梁加固", HARM)):
        desk = Desk(place, tmp / str(n))
        await desk.open(title=title)
        desks.append(desk)
    await place.beat()
    return desks


async def test_a_search_follows_as_one_types_and_a_stranger_words_run_nothing(place: Town, tmp_path: Path) -> None:
    desks = await _market(place, tmp_path)
    async with listening(place.app) as address, chromium() as browser:
        page = await browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{address}/?lang=zh")
        assert await page.locator("script").count() == 0  # a list that has no more needs none
        await page.fill("#q", "桥梁")
        await page.press("#q", "Enter")
        await page.wait_for_url("**/search?q=*")
        await page.fill("#q", "")
        await page.locator("#q").press_sequentially("道路", delay=20)
        await page.wait_for_function("() => document.querySelectorAll('#rows tr').length == 2", timeout=DONE)
        assert await page.evaluate("document.activeElement.id") == "q" and "%E9%81%93" in page.url
        assert "%E9%81%93" in (await page.get_attribute("#switch", "href") or "")
        await shoot(page, "live-search")
        assert "道路改造" in await page.inner_text("#found")
        await page.click(f"a[href^='/t/{desks[0].tender}']")
        await page.go_back()
        assert await page.input_value("#q") == "道路" and await page.locator("#rows tr").count() == 2
        assert "<img" in await page.inner_text("#found") and await page.evaluate("() => window.ran ?? null") is None
        assert not [url for url in asked if "stolen" in url]


async def _injected(browser: Browser, address: str, **more: Any) -> tuple[Any, list[str], list[str]]:
    """A page that was answered with somebody's markup: what ran of it, what was asked, and what the browser said."""
    page = await (await browser.new_context(**more)).new_page()
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.on("console", lambda one: told.append(one.text))
    await page.goto(f"{address}/search?lang=zh")
    mark = await page.evaluate("document.querySelector('script[nonce]').nonce")
    assert len(mark) >= 22

    async def poison(route: Route) -> None:
        await route.fulfill(body=FOUND.replace("THE-PAGES", mark), content_type="text/html")

    await page.route("**/search?q=x*", poison)
    await page.locator("#q").press_sequentially("x")
    await page.wait_for_function("() => document.querySelector('#found h2').innerText == '7'", timeout=DONE)
    await page.click("#bait")
    await asyncio.sleep(0.7)
    return await page.evaluate("window.ran ?? null"), [one for one in asked if one.startswith("stolen")], told


async def test_markup_that_got_in_runs_nothing_and_asks_for_nothing(place: Town) -> None:
    async with listening(place.app) as address, chromium() as browser:
        ran, asked, told = await _injected(browser, address)
        assert (ran, asked) == (None, [])
        assert any("hx-csp" in one for one in told) and any("Content Security Policy" in one for one in told)
        ran, asked, _ = await _injected(browser, address, bypass_csp=True)  # the control: it would have
        assert ran is not None and asked == []


async def test_who_has_no_place_and_who_has_no_network_keep_what_they_see(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    await place.beat()
    place.app.state.places.of_one = 0
    async with listening(place.app) as address, chromium() as browser:
        page = await browser.new_page()
        async with page.expect_response("**/live?*") as full:
            await page.goto(f"{address}/t/{desk.tender}?lang=zh")
        assert (await full.value).status == 429
        assert desk.tender.rpartition("@")[0] in await page.inner_text("main")
        await page.goto(f"{address}/search?lang=zh")
        rows = await page.locator("#rows tr").count()
        await page.context.set_offline(True)
        await page.locator("#q").press_sequentially("x")
        await asyncio.sleep(0.6)
        assert await page.locator("#rows tr").count() == rows > 0


async def test_more_leads_on_to_what_it_brought(place: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_page, "ROWS", 1)
    await _market(place, tmp_path)
    async with listening(place.app) as address, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{address}/search?lang=zh")
        for rows in (1, 2, 3):
            assert await page.locator("#rows tr").count() == rows
            if rows < 3:
                await page.focus("#more a")
                await page.keyboard.press("Enter")
                await page.wait_for_function(
                    "(n) => document.querySelectorAll('#rows tr').length > n", arg=rows, timeout=DONE
                )
                assert await page.evaluate("() => document.activeElement.closest('tr')?.sectionRowIndex") == rows
        assert await page.locator("#more a").count() == 0 and page.url == f"{address}/search?lang=zh"
        titles = await page.locator("#rows a.title").evaluate_all("all => new Set(all.map(one => one.href)).size")
        assert titles == 3
        plain = await (await browser.new_context(java_script_enabled=False)).new_page()
        await plain.goto(f"{address}/search?lang=zh")
        await plain.click("#more a")
        assert await plain.locator("#rows tr").count() == 1 and "cursor=" in plain.url
