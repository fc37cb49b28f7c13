"""The bidder's desk in Chromium against the real application: from a new key to a receipt that Python verifies, with a cut
line and a reload in between; replaced, withdrawn, refused; and never a word that a tired person could take for "handed in"."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from audit.canon import b64, unb64
from audit.receipt import Receipt, check_receipt
from bidding.registrations import REGISTRATION
from tests.browser.chromium import chromium
from tests.browser.wire import Line, Site, served
from tests.security.browsers import Clock, come_in
from tests.trading.desk import Desk
from tests.trading.town import Town, town
from trading import keyfiles
from trading.settings import Settings

MIB = 1 << 20
CANARY = os.urandom(32)
PASSPHRASE = "正确的马 battery staple"
DONE = 60_000
"""Milliseconds that a busy machine may need."""


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


@dataclass
class Office:
    """Wang's office: a browser in which Wang is signed in, at the platform, behind a line; and what it clicked."""

    town: Town
    desk: Desk
    page: Page
    site: Site
    line: Line
    address: str
    tmp: Path
    complaints: list[str]
    clicks: int = 0

    @property
    def code(self) -> str:
        return self.town.codes["wang"]

    async def go(self, path: str, lang: str = "en") -> None:
        await self.page.goto(f"{self.address}{path}?lang={lang}")
        await self.ready()

    async def ready(self) -> None:
        await self.page.wait_for_selector("html[data-ready='1']", timeout=DONE)

    async def click(self, selector: str) -> None:
        self.clicks += 1
        await self.page.click(selector, timeout=DONE)

    async def choose(self, selector: str, *paths: Path) -> None:
        """Choosing files is one click on the field and a dialogue of the system."""
        self.clicks += 1
        await self.page.set_input_files(selector, [str(path) for path in paths])

    async def saved(self, selector: str) -> Path:
        """What a click hands to the user to be saved."""
        async with self.page.expect_download(timeout=DONE) as download:
            await self.page.click(selector)
        made = await download.value
        path = self.tmp / made.suggested_filename
        await made.save_as(path)
        return path

    async def standing(self) -> str:
        return str(await self.page.inner_text("#standing"))

    async def stands(self, part: str) -> None:
        """Until the line that says where the bid stands has this in it."""
        await self.page.wait_for_function(
            "(part) => document.querySelector('#standing').textContent.includes(part)", arg=part, timeout=DONE
        )

    async def key(self) -> Path:
        """Make a key, have it countersigned by the authority, register it."""
        page = self.page
        await self.go("/b/key")
        await page.fill("#phrase-new", PASSPHRASE)
        await page.fill("#phrase-twice", PASSPHRASE)
        file = await self.saved("#make button")
        await page.set_input_files("#key", str(file))
        await page.fill("#phrase", PASSPHRASE)
        await page.check("input[name=by][value=authority]")
        await page.select_option("#authority", "A-SUP")
        request = await self.saved("#register-go")
        made = json.loads(request.read_text())
        made["sig"].append(self.town.authority.sign(REGISTRATION + unb64(made["registration"])))
        request.write_text(json.dumps(made))
        await page.set_input_files("#signed", str(request))
        receipt = await self.saved("#bring button")
        check_receipt(Receipt.parse(receipt.read_bytes()), self.town.policy)
        await self.town.beat()
        return file

    async def fill(self, key: Path, *files: Path, price: str = "52,870,000.00") -> None:
        page = self.page
        await page.fill("#field-price", price)
        await page.fill("#field-days", "90")
        await self.choose("#files", *files)
        await self.choose("#key", key)
        await page.fill("#phrase", PASSPHRASE)

    async def trust(self) -> None:
        await self.click("#trust-compared")
        await self.page.wait_for_selector("#step-check[data-state=done], #wrong:not([hidden])", timeout=DONE)
        assert await self.page.is_hidden("#wrong"), await self.page.inner_text("#wrong")


@asynccontextmanager
async def office(place: Town, tmp_path: Path, rate: int = 1 << 30) -> AsyncIterator[Office]:
    desk = Desk(place, tmp_path / "desk")
    await desk.open()
    known, _ = await come_in(place, "wang", "bidder", Clock(place))
    await place.beat()
    async with served(place.app, rate) as (address, site, line), chromium() as browser:
        page = await signed_in(browser, address, known)
        complaints: list[str] = []
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Office(place, desk, page, site, line, address, tmp_path, complaints)


async def signed_in(browser: Browser, address: str, known: Any) -> Page:
    context = await browser.new_context(accept_downloads=True)
    cookies = [{"name": name, "value": value, "url": address} for name, value in known.http.cookies.items()]
    await context.add_cookies(cookies)  # type: ignore[arg-type]
    return await context.new_page()


async def shoot(page: Page, name: str) -> None:
    """A picture for whoever wants to look (`SCREENSHOTS=folder`)."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


async def test_from_a_new_key_to_a_receipt_in_six_clicks(place: Town, tmp_path: Path) -> None:
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(CANARY + os.urandom(3 * MIB) + CANARY)
    async with office(place, tmp_path) as wang:
        key = await wang.key()
        assert keyfiles.read(key, PASSPHRASE, kind="bidder", origin=place.settings.origin).id == wang.code
        await wang.go("/b")
        assert "vouched" in await wang.page.inner_text("#keys + table")
        await wang.click(f"a[href^='/b/{wang.desk.tender}/seal']")
        await wang.ready()
        assert await wang.standing() == "Not handed in"
        await wang.trust()
        await wang.fill(key, offer)
        await shoot(wang.page, "seal-filled")
        await wang.click("#seal")
        await wang.stands("Uploaded, not handed in yet")
        await shoot(wang.page, "seal-uploaded")
        assert (await place.call("wang", "GET", f"/tenders/{wang.desk.tender}/bids", 200))["items"] == []  # nor is it
        await wang.click("#submit")
        await wang.page.wait_for_url("**/b/receipt/**", timeout=DONE)
        assert wang.clicks <= 6
        said = await wang.page.inner_text("main")
        assert "Handed in: your receipt" in said
        await place.beat()
        await wang.page.reload()
        await shoot(wang.page, "receipt")
        for n in (0, 1):
            async with wang.page.expect_download() as download:
                await wang.page.click(f".receipt >> nth={n} >> a[href^='/b/receipts/']")
            path = tmp_path / f"{n}.json"
            await (await download.value).save_as(path)
            found = check_receipt(Receipt.parse(path.read_bytes()), place.policy)
            assert found.record["type"] == "trading.deposited/v1" and found.logged is not None
        assert wang.complaints == []
