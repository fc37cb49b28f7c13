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
    return await page.evaluate("([from, what, given]) => import(from).then((it) => it[what](given))", [PAGES, what, given])


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


async def test_memory_stays_bounded(tmp_path: Path) -> None:
    """A file twelve times as large needs hardly more; read whole, as the control does, it needs itself."""
    sizes = {"small": 16 * MIB, "large": 192 * MIB}
    for name, size in sizes.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    peaks = {}
    with modules(tmp_path) as site:
        for name in ("small", "large", "whole"):
            async with chromium() as browser:
                page = await browser.new_page()
                await page.goto(site)
                await page.set_input_files("#files", tmp_path / ("large" if name == "whole" else name))
                before = _renderers()
                if name == "whole":
                    work = asyncio.ensure_future(
                        page.evaluate("async () => (window.kept = await document.querySelector('#files').files[0].arrayBuffer()).byteLength")
                    )
                else:
                    work = asyncio.ensure_future(run(page, "sealAway", **sealing()))
                most = 0
                while not work.done():
                    most = max(most, _renderers() - before)
                    await asyncio.sleep(0.01)
                await work
                most = max(most, _renderers() - before)
                peaks[name] = most / MIB
    print({name: round(peak) for name, peak in peaks.items()})
    assert peaks["whole"] > 180  # the control: what is not streamed is seen
    assert peaks["large"] < 128
    assert peaks["large"] < peaks["small"] + 64


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
