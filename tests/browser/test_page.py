"""The same modules in a real page, under the policy that pages will have: sealed in streaming, opened in Python."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Page

from bidding.manifest import Manifest
from bidding.payload import measure
from bidding.unseal import open_box, unseal
from tests.bidding.envelopes import PRIVATE, SCHEMA, context, keyset
from tests.browser.chromium import chromium, modules

MIB = 1 << 20
CREATED = "2026-03-02T04:00:00.000000Z"
PAGES = "/tests/browser/pages.js"


async def run(page: Page, what: str, **given: Any) -> Any:
    """Call a function of pages.js."""
    return await page.evaluate(
        "([from, what, given]) => import(from).then((it) => it[what](given))", [PAGES, what, given]
    )


def sealing() -> dict[str, Any]:
    guard = keyset(stage="documents")
    where = context(guard)
    names = ("tender", "stage", "keyset", "bidder", "bid", "seq")
    return {
        "context": {name: getattr(where, name) for name in names},
        "keyset": guard.data.decode(),
        "created": CREATED,
    }


async def test_eight_mib_sealed_in_a_page_open_in_python(tmp_path: Path) -> None:
    guard = keyset(stage="documents")
    wanted = {"商务标.pdf": os.urandom(5 * MIB + 3), "技术标.zip": os.urandom(3 * MIB), "空.txt": b""}
    for name, data in wanted.items():
        (tmp_path / name).write_bytes(data)
    with modules(tmp_path) as site:
        async with chromium() as browser:
            page = await browser.new_page()
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text))
            await page.goto(site)
            await page.set_input_files("#files", [tmp_path / name for name in wanted])
            said = await run(page, "sealChosen", **sealing())
    manifest = Manifest.parse(said["manifest"].encode(), nfc=True)
    assert manifest.hash == said["hash"]
    assert measure(tmp_path / "payload") == (manifest.root, manifest.size, manifest.head)
    released = {i: open_box(PRIVATE[i - 1], manifest, i) for i in (2, 3)}
    found = unseal(manifest, tmp_path / "payload", released, guard, schema=SCHEMA, extract=tmp_path / "opened")
    assert found.verdict == "OK"
    assert {name: (tmp_path / "opened" / name).read_bytes() for name in wanted} == wanted
    done, all_ = said["progress"]
    assert said["rising"] and done == all_ == sum(map(len, wanted.values())) + manifest.size // 65_600 * 65_536
    assert not [line for line in complaints if "favicon" not in line and "404" not in line]


WHOLE = "async () => (window.held = await document.querySelector('#files').files[0].arrayBuffer()).byteLength"


async def test_memory_stays_bounded(tmp_path: Path) -> None:
    """A file is sealed in a part of its own size; read whole, as the control does, it needs all of it."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(768 * MIB)
    peaks = {}
    with modules(tmp_path) as site:
        for name in ("sealed", "whole"):
            async with chromium() as browser:
                page = await browser.new_page()
                await page.goto(site)
                await page.set_input_files("#files", tmp_path / "large")
                before, most = _renderers(), 0
                doing = run(page, "sealAway", **sealing()) if name == "sealed" else page.evaluate(WHOLE)
                work = asyncio.ensure_future(doing)
                while not work.done():
                    most = max(most, _renderers() - before)
                    await asyncio.sleep(0.02)
                await work
                peaks[name] = max(most, _renderers() - before) / MIB
    assert peaks["whole"] > 750, peaks
    # 200 to 320, whatever the file's size: what the collector has not collected yet, later on a busy machine
    assert peaks["sealed"] < peaks["whole"] * 0.6, peaks


def _renderers() -> int:
    """Bytes that belong to the pages of our browser alone."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in child.cmdline():
                total += child.memory_info().rss - child.memory_info().shared
        except psutil.Error:
            continue
    return total


async def test_where_nothing_private_can_be_kept_the_store_says_so(tmp_path: Path) -> None:
    """Files, else the database, else memory: the same answers, and only the last one does not outlive a reload."""
    with modules(tmp_path) as site:
        async with chromium() as browser:
            for lacking, lasting in (([], True), (["files"], True), (["files", "database"], False)):
                page = await browser.new_page()
                await page.goto(site)
                said = await run(page, "storeWithout", lacking=lacking)
                assert said["lasting"] is lasting, lacking
                assert said["back"] == ["a documents,a form", "a form", "020202", None, "a documents"], lacking
