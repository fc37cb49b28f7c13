"""The page `/verify` in Chromium: files in, sentences out, nothing sent, alive without a network."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from audit.archive import Archive, write_archive
from tests.browser.chromium import dialogues
from tests.browser.standing import browser, place, settings, started, written
from tests.listening import listening
from tests.trading.town import Town
from tests.verify.stories import story
from trading.web.verify_page import modules

__all__ = ["browser", "place", "settings", "started", "written"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
DONE = 60_000
"""Milliseconds that a busy machine may need for one archive."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(place: Town) -> AsyncIterator[str]:
    """It publishes the trust files of the archives shown to it."""
    told = story()
    trust = {"policy_bytes": told.policy.read_bytes(), "parties_bytes": told.parties.read_bytes()}
    place.app.state.platform = replace(place.platform, **trust)
    async with listening(place.app) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, site: str) -> AsyncIterator[Page]:
    """`/verify` in English, with everything a browser complains of as a failure."""
    opened = await (await browser.new_context()).new_page()
    complaints: list[str] = []
    opened.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    await opened.goto(f"{site}/verify?lang=en")
    await opened.evaluate("document.fonts.ready")
    yield opened
    await opened.context.close()
    assert complaints == []


async def put(page: Page, *paths: Path) -> str:
    """Put files there, wait for the end, and give the headline."""
    await page.set_input_files("#pick", [str(path) for path in paths])
    await page.wait_for_selector("#results .checks", timeout=DONE)
    return await page.inner_text("#status")


async def states(page: Page) -> list[str]:
    return [str(one) for one in await page.eval_on_selector_all(".checks li", "all => all.map(one => one.className)")]


async def shoot(page: Page, name: str) -> None:
    """A picture for whoever wants to look (`SCREENSHOTS=folder`)."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def forged(path: Path, to: Path, member: str, data: bytes) -> Path:
    with Archive.open(path) as archive:
        files = {name: archive.read(name) for name in archive.names}
    write_archive(to, {**files, member: data}.items())
    return to


async def test_an_honest_archive_with_its_receipt(page: Page) -> None:
    told = story()
    headline = await put(page, told.archives["opened", "public"], told.receipts[0])
    assert "all 12 steps this page can check hold" in headline
    found = await states(page)
    assert found.count("is-holds") == 12 and found.count("is-absent") == 1 and found.count("is-elsewhere") == 4


async def test_without_a_network_the_page_goes_on(page: Page) -> None:
    await page.wait_for_load_state("networkidle")
    await page.context.set_offline(True)
    assert "steps this page can check hold" in await put(page, story().archives["shut", "supervision"])


async def test_nothing_is_sent_while_it_checks(page: Page) -> None:
    await page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    await put(page, story().archives["opened", "public"])
    assert asked == []


async def test_whoever_got_a_foothold_in_the_page_could_not_send_either(browser: Browser, site: str) -> None:
    attempt = "fetch('/healthz', {method: 'POST', body: 'bid'}).then(() => 'sent', () => 'blocked')"
    opened = await browser.new_page()
    await opened.goto(f"{site}/verify")
    assert await opened.evaluate(attempt) == "blocked"
    assert await opened.evaluate("try { new Worker('/static/site.css'); 'made' } catch { 'blocked' }") == "blocked"
    await opened.goto(f"{site}/healthz")  # the control: it is the page's policy that stops it
    assert await opened.evaluate("document.contentType") == "application/json"
    await opened.close()


async def test_a_changed_price_is_named(page: Page, tmp_path: Path) -> None:
    path = story().archives["opened", "public"]
    with Archive.open(path) as archive:
        name = next(one for one in archive.names if one.endswith("/opened.json") and b'"OK"' in archive.read(one))
        data = archive.read(name).replace(b'"price":', b'"price":1')
    headline = await put(page, forged(path, tmp_path / "forged.zip", name, data))
    assert "V11" in headline
    assert "what was read out is not what was sealed" in await page.inner_text(".is-fails .fault")
    assert name in await page.inner_text(".is-fails .where")


async def test_a_flipped_entry_leaves_the_rest_unreached(page: Page, tmp_path: Path) -> None:
    path = story().archives["opened", "public"]
    with Archive.open(path) as archive:
        name = next(one for one in archive.names if one.startswith("tile/entries/"))
        data = bytearray(archive.read(name))
    data[100] ^= 1
    await put(page, forged(path, tmp_path / "flipped.zip", name, bytes(data)))
    found = await states(page)
    assert found[2] == "is-fails" and set(found[3:]) == {"is-unreached"}


async def test_own_trust_files_are_used_and_remembered(page: Page, site: str) -> None:
    told = story()
    await put(page, told.archives["shut", "public"], told.policy, told.parties)
    assert await page.is_checked("#own")
    await page.check("#pin")
    await page.reload()
    assert await page.is_checked("#own") and len(await page.inner_text("#own-policy")) == 64
    await page.uncheck("#pin")
    await page.reload()
    assert await page.is_checked("#server")


async def test_an_archive_under_its_own_keys_is_not_called_trusted(page: Page) -> None:
    await page.check("#none")
    headline = await put(page, story().archives["opened", "public"])
    assert "trust is not established" in headline


async def test_a_receipt_alone(page: Page) -> None:
    headline = await put(page, story().receipts[0])
    assert "the receipt holds" in headline


async def test_by_keyboard_alone(page: Page) -> None:
    """From the top of the page to the button that opens the file dialogue, and on to the choice of keys."""
    reached = []
    for _ in range(30):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.id"))
    assert "pick" in reached and "server" in reached and "pin" in reached
    await page.focus("#pick")
    await dialogues(page)
    async with page.expect_file_chooser() as chosen:
        await page.keyboard.press("Enter")
    await (await chosen.value).set_files(str(story().archives["shut", "public"]))
    await page.wait_for_selector(".checks", timeout=DONE)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_it_fits_a_telephone(browser: Browser, site: str, lang: str, tmp_path: Path) -> None:
    told = story()
    flipped = forged(told.archives["opened", "public"], tmp_path / "flipped.zip", "policy.txt", b"log nobody\n")
    for width in (360, 1280):
        page = await browser.new_page(viewport={"width": width, "height": 800})
        await page.goto(f"{site}/verify?lang={lang}")
        await shoot(page, f"{lang}-{width}-empty")
        await put(page, told.archives["opened", "public"], told.receipts[0])
        await shoot(page, f"{lang}-{width}-holds")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.click("#again")
        await put(page, flipped)
        await shoot(page, f"{lang}-{width}-fails")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.close()


async def test_only_modules_are_served(place: Town) -> None:
    public = place.as_("public")
    for path in modules():
        answer = await public.get(f"/modules/{path}")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/javascript")
        assert "connect-src 'none'" in answer.headers["content-security-policy"]
    for path in ("audit/browser/../canon.py", "audit/canon.py", "trading/web/static/site.css", "audit/browser/none.js"):
        assert (await public.get(f"/modules/{path}")).status_code == 404
