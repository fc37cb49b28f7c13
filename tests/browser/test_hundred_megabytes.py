"""Journey 1 as a bidder goes it: sign in, seal 100 MB, lose the network, lose the page, hand in; then prove it to two
verifiers, neither of which has to ask the platform.

Clicks are counted where they arrive, in the page: every press of the mouse from the moment of being signed in. Choosing
files costs the press on the field's button; the dialogue that follows is the system's.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from bidding import unsealing
from tests.browser.chromium import chromium, dialogues
from tests.browser.office import DONE, PASSPHRASE, Office
from tests.browser.wire import served
from tests.security.browsers import PASSWORD, Clock, come_in
from tests.trading.desk import Desk
from tests.trading.town import Town, town
from trading.settings import Settings

SIZE = 100_000_000
"""Bytes of documents; nothing in them can be compressed."""
LINE = 12_500_000 // 4
"""Bytes a second of each of the four connections that an upload uses: 100 Mbit/s together."""
CLICKS = 6
SECONDS = 120
"""What journey 1 may take on such a line, with a cut and a reload in it."""
COUNTING = "addEventListener('pointerdown', (event) => event.isTrusted && window.pressed(event.target.id), true)"


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


async def until(condition: Any, patience: float = SECONDS) -> None:
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0.02)


def documents(folder: Path) -> list[Path]:
    """Three files, 100 MB together."""
    found = []
    for name, size in (("商务标.pdf", 30_000_000), ("技术标.zip", 69_000_000), ("报价清单.xlsx", 1_000_000)):
        path = folder / name
        path.write_bytes(os.urandom(size))
        found.append(path)
    assert sum(path.stat().st_size for path in found) == SIZE
    return found


async def pick(page: Page, selector: str, *paths: Path) -> None:
    """Press the field's button; the system's dialogue opens."""
    await dialogues(page)
    async with page.expect_file_chooser() as chosen:
        await page.click(selector)
    await (await chosen.value).set_files([str(path) for path in paths])


async def enter(page: Page, address: str, generator: Any, clock: Clock) -> None:
    """Wang opens the desk, is asked who it is, and is back where it wanted to go."""
    await page.goto(f"{address}/b?lang=en")
    await page.fill("#login", "wang@example.cn")
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.fill("#code", generator.code(clock()))
    await page.keyboard.press("Enter")
    await page.wait_for_selector("html[data-ready='1']", timeout=DONE)


@pytest.mark.slow
async def test_a_hundred_megabytes_in_six_clicks_with_a_cut_and_a_reload(
    place: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk, clock = Desk(place, tmp_path / "desk"), Clock(place)
    await desk.open()
    _, generator = await come_in(place, "wang", "bidder", clock)
    await place.beat()
    offer = documents(tmp_path)
    async with served(place.app, LINE) as (address, site, line), chromium() as browser:
        context = await browser.new_context(accept_downloads=True)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        wang = Office(place, desk, page, site, line, address, tmp_path, complaints)
        await enter(page, address, generator, clock)
        key = await wang.key()
        await wang.go("/b")

        pressed: list[str] = []
        await context.expose_function("pressed", lambda id_: pressed.append(id_))
        await page.add_init_script(COUNTING)
        await page.reload()
        await wang.ready()
        started = time.monotonic()
        await page.click(f"a[href^='/b/{desk.tender}/seal']")  # 1
        await wang.ready()
        await page.click("#trust-compared")  # 2
        await page.wait_for_selector("#step-check[data-state=done]", timeout=DONE)
        await page.fill("#field-price", "52,870,000.00")
        await page.fill("#field-days", "90")
        await pick(page, "#files", *offer)  # 3
        await pick(page, "#key", key)  # 4
        await page.fill("#phrase", PASSPHRASE)
        await page.click("#seal")  # 5
        await wang.stands("% uploaded, not handed in")
        sealed = time.monotonic() - started
        await until(lambda: site.stored > 25)
        await line.cut(2)
        assert "not handed in" in await wang.standing()
        await until(lambda: site.stored > 55)
        before = site.stored
        await page.reload()
        await wang.stands("Uploaded, not handed in yet")
        uploaded = time.monotonic() - started
        assert (await place.call("wang", "GET", f"/tenders/{desk.tender}/bids", 200))["items"] == []
        final = len(line.heard)
        await page.click("#submit")  # 6
        await page.wait_for_url("**/b/receipt/**", timeout=DONE)
        took, final, clicks = time.monotonic() - started, len(line.heard) - final, len(pressed)
        assert clicks <= CLICKS, pressed
        assert before < site.stored <= 96 + 1 + 12  # what was acknowledged is not sent again
        assert took < SECONDS and complaints == []
        await place.beat()
        await page.reload()
        receipts = [await wang.saved(f".receipt >> nth={n} >> a[href^='/b/receipts/']") for n in (0, 1)]
        with capsys.disabled():
            print(
                f"\n100 MB in {clicks} clicks and {took:.1f} s: sealed after {sealed:.1f} s, all there after"
                f" {uploaded:.1f} s with a cut of 2 s and a reload; {site.stored} segments, the last act {final} bytes"
            )
        await both_verifiers(browser, address, place, receipts)
    await opened_in_python(place, desk, offer)


async def both_verifiers(browser: Browser, address: str, place: Town, receipts: list[Path]) -> None:
    """The command line, without a network, and `/verify`; a receipt with another hash is refused by both."""
    trust = ["--policy", str(place.settings.policy_path), "--parties", str(place.settings.parties_path)]
    forged = receipts[0].with_name("forged.json")
    forged.write_bytes(receipts[0].read_bytes().replace(b'"promise":"', b'"promise":"AAAA', 1))
    for path, code in (*((one, 0) for one in receipts), (forged, 3)):
        command = [str(Path(sys.executable).with_name("trading")), "receipt", str(path), "--offline", *trust]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert done.returncode == code, (path, done)
    page = await browser.new_page()
    await page.goto(f"{address}/verify?lang=en")
    for path, said in ((receipts[0], "the receipt holds"), (forged, "does not hold")):
        await page.set_input_files("#pick", str(path))
        await page.wait_for_selector("#results .checks", timeout=DONE)
        assert said in await page.inner_text("#status")
        await page.click("#again")
    await page.close()


async def opened_in_python(place: Town, desk: Desk, offer: list[Path]) -> None:
    """The hour comes: what was sealed in the page opens here, byte for byte."""
    for name, price in (("li", 5_300_000_000), ("zhao", 5_400_000_000)):
        await desk.hand_in(await desk.bidder(name), price)
    await desk.wait()
    opened = await desk.open_boxes()
    mine = next(bid for bid in opened["bids"] if bid["bidder"] == place.codes["wang"])
    assert mine["opening"] == {"price": 5_287_000_000, "days": 90}, mine
    for path in offer:
        about = {"tender": desk.tender, "stage": "documents", "bid": mine["bid"]}
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        there = await unsealing.document(place.platform.store, sha256=digest, **about)
        assert there.read_bytes() == path.read_bytes()
