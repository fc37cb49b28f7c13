"""Every public page in Chromium: the keyboard reaches all, it is light, it stands out, on paper and without a script.

Which pages there are is read from the application's own tables: a new one is looked at without a change here. What axe says
of them, and how wide they are, is asked in test_every_page.py.
"""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.axe import SEVEN, axe
from tests.browser.standing import browser, place, settings, started, written
from tests.listening import listening
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading.web import app as _app
from trading.web.doors import doors
from trading.web.models import RoleName
from trading.web.roles import Verdict, matrix, open_routes

assert _app.PAGES
__all__ = ["browser", "place", "settings", "started", "written"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
FILES = {
    "/t/{tender}/live",
    "/t/{tender}/archive", "/t/{tender}/papers/{kind}.pdf", "/statements.{form}", "/static/{name}", "/modules/{path:path}",
    "/ocds/releases.jsonl", "/ocds/compiled.jsonl", "/ocds/projects/{project}", "/events", "/disclosures",
    "/log/checkpoint", "/log/tile/{path:path}", "/log/policy.txt", "/log/parties.txt", "/log/genesis", "/log/status",
    "/healthz", "/readyz", "/openapi.json", "/offline/{page}.html",
}  # fmt: skip
"""Open to everybody too, and no pages."""
MISSING = "/t/none@1"
KILOBYTES = 60
"""What a public page may weigh, compressed, with all it fetches; the ones that verify and sign in carry scripts besides."""


@dataclass
class Site:
    """A running centre with something to see."""

    address: str
    place: Town
    project: str
    sealed: str
    sold: str

    @property
    def paths(self) -> list[str]:
        """Every page that everybody may read; of a tender, one that is sealed and one that is over."""
        named = [path for path in sorted(open_routes()) if path not in FILES]
        named += [
            door.path for name, door in sorted(doors.items())
            if door.method == "GET" and not (door.machine or door.demo) and "{" not in door.path
            and matrix()[name].judge(RoleName.PUBLIC) is Verdict.ALLOW
        ]  # fmt: skip
        given = {
            "{project}": [self.project],
            "{tender}": [self.sealed, self.sold],
            "{operation}": ["get_tender"],
        }
        for name, values in given.items():
            named = [path.replace(name, one) for path in named for one in (values if name in path else values[:1])]
        assert not [path for path in named if "{" in path], "a new kind of path: say of what"
        return [*named, "/search?q=道", MISSING]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(place: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One tender is sold and archived, with a bid rejected; one is sealed. Nobody here does more than read."""
    tmp_path = tmp_path_factory.mktemp("desks")
    sold = Desk(place, tmp_path / "sold")
    await sold.open()
    for name, price in (("安和建设有限公司", 9_000_000), ("赣江第一工程有限公司", 8_000_000)):
        await sold.hand_in(await sold.bidder(name), price)
    await sold.settle()
    sealed = Desk(place, tmp_path / "sealed")
    await sealed.open()
    async with listening(place.app) as address:
        yield Site(address, place, sealed.tender.rpartition("-")[0], sealed.tender, sold.tender)


async def visit(page: Page, site: Site, path: str, lang: str = "zh") -> None:
    """Go there, fonts and all."""
    answer = await page.goto(f"{site.address}{path}{'&' if '?' in path else '?'}lang={lang}")
    assert answer is not None and answer.status == (404 if path == MISSING else 200), (path, answer)
    await page.evaluate("document.fonts.ready")


async def shoot(page: Page, path: str, name: str) -> None:
    """A picture for whoever wants to look (`SCREENSHOTS=folder`)."""
    if folder := os.environ.get("SCREENSHOTS"):
        file = path.strip("/").replace("/", "_").replace("?", "_") or "home"
        await page.screenshot(path=f"{folder}/{file}.{name}.png", full_page=True)


async def plain(browser: Browser, **more: Any) -> BrowserContext:
    """A window whose pages let axe in: their policy forbids every script of others, as it must."""
    return await browser.new_context(bypass_csp=True, **more)


async def test_axe_would_find_something(browser: Browser, site: Site) -> None:
    """The control: a picture without words, grey on white, a heading that skips a level."""
    page = await (await plain(browser)).new_page()
    await visit(page, site, "/help")
    harm = "<img src='/static/seal.svg'><p style='color:#bbb'>grau</p><h5>deep</h5>"
    await page.evaluate(f"document.querySelector('main').insertAdjacentHTML('beforeend', `{harm}`)")
    told = " ".join(await axe(page))
    assert "image-alt" in told and "color-contrast" in told and "heading-order" in told


@pytest.mark.slow
async def test_with_more_contrast_text_stands_out_at_least_seven_times(browser: Browser, site: Site) -> None:
    for scheme in ("light", "dark"):
        window = await plain(browser, color_scheme=scheme, contrast="more")
        page = await window.new_page()
        for path in ("/", "/status", "/why", f"/t/{site.sold}", f"/t/{site.sealed}"):
            await visit(page, site, path)
            told = await axe(page, SEVEN)
            assert told == [], (scheme, path)
            await shoot(page, path, f"contrast.{scheme}")


async def test_under_a_contrast_theme_states_keep_a_line_of_their_own(browser: Browser, site: Site) -> None:
    page = await (await browser.new_context(forced_colors="active")).new_page()
    for path in (f"/t/{site.sold}", "/status", "/"):
        await visit(page, site, path)
        await shoot(page, path, "forced")
        widths = await page.eval_on_selector_all(
            ".chip, .btn, .card", "all => all.map(one => parseFloat(getComputedStyle(one).borderTopWidth))"
        )
        assert widths and min(widths) >= 1, path
    await visit(page, site, f"/t/{site.sold}")
    won = "getComputedStyle(document.querySelector('tr.won td')).borderLeftWidth"
    assert await page.evaluate(won) == "4px"


WHERE = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const box = at.getBoundingClientRect(), style = getComputedStyle(at);
    const x = Math.min(Math.max(box.left + Math.min(box.width, 8) / 2, 1), innerWidth - 1);
    const hit = document.elementFromPoint(x, Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1));
    return {
        key: [...document.querySelectorAll('*')].indexOf(at),
        tag: at.tagName + '#' + at.id + ' ' + (at.textContent || '').trim().slice(0, 40),
        ringed: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        seen: at.id === 'pick' || !!hit && (at.contains(hit) || hit.contains(at)),
    };
}"""
REACHABLE = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]
    .filter(one => one.checkVisibility() && !one.disabled && !(one.type === 'radio' && !one.checked))
    .map(one => [...document.querySelectorAll('*')].indexOf(one))"""


@pytest.mark.slow
async def test_the_keyboard_reaches_all_and_is_seen_where_it_is(browser: Browser, site: Site) -> None:
    page = await (await browser.new_context(viewport={"width": 1280, "height": 720})).new_page()
    for path in site.paths:
        await visit(page, site, path)
        wanted, reached = set(await page.evaluate(REACHABLE)), []
        for _ in range(len(wanted) + 40):
            await page.keyboard.press("Tab")
            at = await page.evaluate(WHERE)
            if at is None or (reached and at["key"] == reached[0]):
                break
            assert at["ringed"] or at["tag"].startswith("INPUT#pick"), (path, at)
            assert at["seen"], (path, at)
            reached.append(at["key"])
        assert wanted <= set(reached), (path, wanted - set(reached))
    await visit(page, site, "/")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert await page.evaluate("location.hash") == "#main"


async def test_a_page_is_light_and_fetches_nothing_from_elsewhere(browser: Browser, site: Site) -> None:
    weights, turn = {}, asyncio.Semaphore(4)

    async def weigh(path: str) -> None:
        async with turn:
            window = await browser.new_context()
            page, asked = await window.new_page(), []
            page.on("response", lambda answer: asked.append(answer))
            await visit(page, site, path)
            if "/t/" not in path:  # a tender's page keeps a line open
                await page.wait_for_load_state("networkidle")
            hosts = {urlsplit(one.url).netloc for one in asked}
            assert hosts == {urlsplit(site.address).netloc}, (path, hosts)
            lines = [one for one in asked if "event-stream" in one.headers.get("content-type", "")]
            got = [one for one in asked if not 300 <= one.status < 400 and one not in lines]
            weights[path] = sum([len(gzip.compress(await one.body(), 6)) for one in got])
            await window.close()

    await asyncio.gather(*(weigh(path) for path in site.paths))
    assert weights.keys() == set(site.paths)
    scripted = {path for path in weights if path == "/verify"}
    heavy = {path: size for path, size in weights.items() if size > KILOBYTES * 1024 and path not in scripted}
    assert not heavy, heavy
    assert max(weights[path] for path in scripted) <= 3 * KILOBYTES * 1024


async def test_a_page_is_read_without_a_script(browser: Browser, site: Site) -> None:
    page = await (await browser.new_context(java_script_enabled=False)).new_page()
    for path in ("/", "/why", "/log", "/status", "/open-data", "/open-data/api", "/help", "/accessibility"):
        answer = await page.goto(site.address + path)
        assert answer is not None and answer.status == 200
        assert await page.locator("h1").count() == 1 and "<script" not in await page.content()


async def test_on_paper_nothing_is_left_that_one_presses(browser: Browser, site: Site) -> None:
    page = await (await browser.new_context(color_scheme="dark")).new_page()
    await page.emulate_media(media="print", color_scheme="dark")
    await visit(page, site, f"/t/{site.sold}")
    await shoot(page, f"/t/{site.sold}", "print")
    seen = "all => all.filter(one => one.checkVisibility()).length"
    assert (
        await page.eval_on_selector_all(".btn, nav, .search, summary", seen) <= 1
    )  # the header's nav is an empty frame
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert await page.eval_on_selector_all(".feed li", seen) > 5 and not await page.eval_on_selector_all(
        "details", seen
    )
