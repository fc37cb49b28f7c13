"""A disk without a network: an offline page in a browser of its own, and the command line that carries files across."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, Page

from tests.browser.office import DONE
from tests.trading.town import Town
from trading import offline


@asynccontextmanager
async def disk(browser: Browser, tmp: Path, name: str, shift: timedelta = timedelta()) -> AsyncIterator[Page]:
    """The page of this name as it was saved, in a browser of its own that is offline; every request it makes is noted.

    `shift`: how far the clock of its machine is ahead of ours, as the test's log is."""
    path = tmp / f"{name}.html"
    path.write_bytes(offline.built(name))
    context = await browser.new_context(offline=True, accept_downloads=True)
    page = await context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.clock.set_fixed_time(datetime.now(UTC) + shift)
    await page.goto(path.as_uri())
    await page.wait_for_selector("html[data-ready='1']", timeout=DONE)
    if await page.inner_text("#lang") == "English":
        await page.click("#lang")
    try:
        yield page
    finally:
        assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
        assert complaints == [], complaints
        await context.close()


async def trusting(page: Page, place: Town) -> None:
    await page.set_input_files("#trust-files", [str(place.settings.policy_path), str(place.settings.parties_path)])
    await page.wait_for_selector("#trust-own:not([hidden])", timeout=DONE)


async def refused(page: Page) -> str:
    await page.wait_for_selector("#wrong:not([hidden])", timeout=DONE)
    return str(await page.inner_text("#wrong"))


async def trading(*words: str) -> tuple[int | None, str]:
    """A command of the house, as from a shell."""
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trading", "--lang", "en", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await run.communicate()
    return run.returncode, out.decode()


def trust_of(place: Town) -> list[str]:
    return ["--policy", str(place.settings.policy_path), "--parties", str(place.settings.parties_path)]
