"""`trading demo`, as a visitor lives it: one click, a bid sealed in the browser, opened by the demonstration's own people,
read out, archived, and verified; then Ctrl-C. (The page by itself: tests/security/test_one_click.py.)"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from tests.browser.chromium import chromium
from tests.browser.test_every_page import WIDE, Look
from tests.cli.platform import trading
from trading.cli.screen import Screen
from trading.demo import guided, season
from trading.demo.processes import free_port

PRICE = "90,000,000"
"""More than anybody else offers for the land."""
DONE = 90_000


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[guided.Guided]:
    """A guided demonstration whose first deadline comes soon, without the long rests that people need to look."""
    home = tmp_path_factory.mktemp("a show")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(season, "FIRST", 115.0)
        patch.setattr(season, "EVERY", 10_000.0)
        patch.setattr(season, "AUCTIONS_EVERY", 10_000.0)
        patch.setattr(season, "APART", 6.0)
        patch.setattr(season, "LAST_CUSTODIAN", 2.0)
        patch.setattr(guided.Shown.__init__, "__defaults__", ("", 6.0, 2.0))
        show = guided.Guided(Screen("en", as_json=True), home, free_port(), [])
        stack.callback(show.close)
        show.begin(stack)
        try:
            show.invite()
            Thread(target=goes_on, args=(show,), daemon=True).start()
            yield show
        finally:
            show.leave()


def goes_on(show: guided.Guided) -> None:
    try:
        show.go_on()
    except guided.Over:
        return


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with chromium() as browser:
        context = await browser.new_context(accept_downloads=True)
        yield await context.new_page()


async def saved(page: Page, selector: str, to: Path) -> Path:
    async with page.expect_download(timeout=DONE) as download:
        await page.click(selector)
    await (await download.value).save_as(to)
    return to


@pytest.mark.slow
async def test_a_visitor_s_bid_is_opened_by_the_others_and_the_archive_verifies(
    place: guided.Guided, page: Page, tmp_path: Path
) -> None:
    offer = tmp_path / "offer.txt"
    offer.write_text("what we offer")
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    base = place.address.removesuffix("/demo")
    await page.goto(f"{base}/?lang=en")
    await page.click(".demo a")  # the banner leads to where a visitor begins
    assert "nobody has to trust anybody" in await page.inner_text("h1")
    while "地块" not in await page.inner_text("#bid"):  # until it suggests the land: the first that leaves time to seal
        await page.wait_for_timeout(1000)
        await page.reload()
    key = await saved(page, "a[href='/demo/key/anhe']", tmp_path / "anhe.key")
    seal = str(await page.get_attribute("#bid a[href*='/seal']", "href"))
    tender = seal.split("/")[2]
    await page.click("form:has(input[value=anhe]) button")
    await page.wait_for_url("**/b?**", timeout=DONE)
    await page.goto(base + seal)
    await page.wait_for_selector("html[data-ready='1']", timeout=DONE)
    await page.click("#trust-compared")
    await page.wait_for_selector("#step-check[data-state=done]", timeout=DONE)
    await page.fill("#field-price", PRICE)
    await page.fill("#field-days", "30")
    await page.set_input_files("#files", str(offer))
    await page.set_input_files("#key", str(key))
    await page.fill("#phrase", guided.PASSPHRASE)
    await page.click("#seal")
    await page.wait_for_function(
        "() => document.querySelector('#standing').textContent.includes('Uploaded, not handed in')", timeout=DONE
    )
    await page.click("#submit")
    await page.wait_for_url("**/b/receipt/**", timeout=DONE)

    def public(path: str) -> httpx.Response:
        return httpx.get(f"{place.url}{path}", headers={"Accept-Language": "en"}, timeout=30)

    told: Any = public(f"/api/v1/tenders/{tender}").json()
    assert told["state"] == "announced" and not told["bids"]  # nobody is told anything yet
    await page.goto(f"{base}/b/{tender}/hall?lang=en")  # the hall follows by itself
    await page.wait_for_selector(f"main :text('{PRICE}')", timeout=180_000)
    assert "安和建筑" in await page.inner_text("main")
    end = time.monotonic() + 240
    while (told := public(f"/api/v1/tenders/{tender}").json())["state"] != "archived":
        assert time.monotonic() < end, (told["state"], (place.home / "logs" / "demo.log").read_text())
        time.sleep(1)
    assert told["award"]["bidder_name"].startswith("安和建筑") and told["award"]["price"] == 9_000_000_000
    await page.goto(f"{base}/demo?lang=en")
    while not await page.locator(f"#check a[href='/demo/spoilt/{tender}']").count():  # until its file is written
        assert time.monotonic() < end
        await page.wait_for_timeout(1000)
        await page.reload()
    whole = await saved(page, "#check a[href$='/archive']", tmp_path / "whole.zip")
    spoilt = await saved(page, "#check a[href*='/demo/spoilt/']", tmp_path / "spoilt.zip")
    trust = ("--policy", place.trust_files / "policy.txt", "--parties", place.trust_files / "parties.txt")
    assert trading("verify", whole, *trust).code == 0
    wrong = trading("verify", spoilt, *trust)  # the control: one bit
    assert wrong.code == 3, wrong
    await page.goto(f"{base}/verify?lang=en")  # and in the visitor's own browser
    for file, holds in ((whole, True), (spoilt, False)):
        await page.reload()
        await page.set_input_files("#pick", str(file))
        await page.wait_for_selector("#results .verdict", timeout=DONE)
        assert ("proved" in str(await page.get_attribute("#results .verdict", "class"))) is holds
    assert complaints == []


@pytest.mark.slow
def test_it_is_started_once_ended_by_ctrl_c_and_says_what_stands_in_its_way(tmp_path: Path) -> None:
    port, home = free_port(), tmp_path / "a show"
    command = [
        sys.executable,
        "-m",
        "trading",
        "--lang",
        "en",
        "demo",
        "--no-browser",
        "--port",
        str(port),
        "--data",
        home,
    ]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert started.stdout is not None
        said = ""
        for line in started.stdout:
            said += line
            if "demo.localhost" in line:
                break
        assert f"http://demo.localhost:{port}/demo" in said, said
        busy = trading("demo", "--no-browser", "--port", str(port), "--data", tmp_path / "other")
        assert busy.code == 1 and "D-PORT" in busy.err
        assert not (tmp_path / "other").exists()
        os.killpg(started.pid, signal.SIGINT)  # as a terminal does: to everybody in it
        rest, _ = started.communicate(timeout=60)
        assert "The demonstration is over." in rest and "Traceback" not in rest
        assert started.returncode == 0
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/healthz")
    again = trading("demo", "--no-browser", "--port", str(port), "--data", home)
    assert again.code == 1 and "D-AGAIN" in again.err and "start anew" in again.err


@pytest.mark.slow
async def test_the_start_page_is_for_everybody(place: guided.Guided) -> None:
    """axe, both languages, light and dark, telephones, contrast themes: as every other page (tests/browser/everypage.py)."""
    async with chromium() as browser:
        seen: set[str] = set()
        for lang in ("zh", "en"):
            page = await (await browser.new_context(bypass_csp=True, viewport=WIDE)).new_page()  # type: ignore[arg-type]
            assert await Look(page, place.address, lang, "demo", seen)() == []
        assert len(seen) == 2, "the control: two pages were looked at"
