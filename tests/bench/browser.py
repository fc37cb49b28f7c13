"""`browser`: documents sealed in a page, MiB/s of plaintext. Limit: WebCrypto's AES-GCM and SHA-256 on the same bytes in
the same page.

`browser_one` is one large document, whose hash the page must make itself, piece by piece: WebCrypto would want all of it in
memory, which is what the limit gives it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from playwright.async_api import Browser

from tests.bench.centre import gather
from tests.bench.measure import Result
from tests.browser.chromium import chromium, modules
from tests.browser.test_page import sealing

MIB = 1 << 20
GOAL = 0.8


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """64 MiB: as eight documents, and as one."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    total, turns = (2, 1) if tiny else (64, 15)
    documents = [folder / str(n) for n in range(8)]
    for path in documents:
        path.write_bytes(os.urandom(total * MIB // len(documents)))
    whole = folder / "whole"
    whole.write_bytes(b"".join(path.read_bytes() for path in documents))
    with modules(folder) as site:
        async with chromium() as browser:
            measured = await _turns(browser, site, documents, total, turns)
            yield Result.of("browser", "MiB/s", measured, GOAL, note="eight documents")
            measured = await _turns(browser, site, [whole], total, turns)
            yield Result.of("browser_one", "MiB/s", measured, GOAL, note="one document")


async def _turns(browser: Browser, site: str, files: list[Path], total: int, turns: int) -> list[tuple[float, float]]:
    """ABAB in one page, as `measure.alternate` has it."""
    page = await browser.new_page()
    await page.goto(site)
    await page.set_input_files("#files", files)
    given = sealing()

    async def rate(what: str) -> float:
        took = await page.evaluate(
            "([what, given]) => import('/tests/bench/browser.js').then((it) => it[what](given))", [what, given]
        )
        await asyncio.sleep(0.1)
        return total / (took / 1000)

    await rate("code"), await rate("limit")
    found = []
    for turn in range(turns):
        if turn % 2:
            second = await rate("limit")
            found.append((await rate("code"), second))
        else:
            found.append((await rate("code"), await rate("limit")))
    await page.close()
    return found
