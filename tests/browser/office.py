"""A bidder's office: a browser in which Wang is signed in, at the real application, behind a line that can be cut."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from audit.receipt import Receipt, check_receipt
from audit.refusal import Refused
from tests.browser.chromium import chromium
from tests.browser.wire import Line, Site, served
from tests.security.browsers import Clock, come_in
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading.tools import registration

PASSPHRASE = "正确的马 battery staple"
DONE = 60_000
"""Milliseconds that a busy machine may need."""


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
        made, sig = registration.request_of(request.read_bytes(), self.town.settings.origin)
        assert made.bidder == self.code
        with pytest.raises(Refused, match="E-REGISTRATION"):  # another authority than the one it names
            registration.countersign(made, sig, "A-AUD", self.town.second)
        signed = self.tmp / "signed.json"
        signed.write_bytes(registration.countersign(made, sig, "A-SUP", self.town.authority))
        await page.set_input_files("#signed", str(signed))
        receipt = await self.saved("#bring button:not([type])")
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
