"""A bid is handed in from a page over a line that is cut, with a reload in between: nothing is lost, nothing shows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from audit.canon import canon, stamp
from audit.receipt import Receipt, check_receipt
from bidding.store import SEGMENT
from tests.browser.chromium import chromium
from tests.browser.test_page import run
from tests.browser.wire import Line, Site, served
from tests.trading.desk import SCHEMA, Bidder, Desk
from tests.trading.town import Town, town
from trading import keyfiles
from trading.keyfiles import KeyFile
from trading.settings import Settings

MIB = 1 << 20
CANARY = os.urandom(32)
PASSPHRASE = "正确的马 battery staple"


@pytest.fixture
async def place(settings: Settings, owner_dsn: str, db: Any) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


@asynccontextmanager
async def bidding(place: Town, tmp_path: Path, rate: int) -> AsyncIterator[tuple[Desk, Bidder, Page, Site, Line]]:
    """A tender, a bidder with a key file, a page open at the platform, and a line as slow as that."""
    desk = Desk(place, tmp_path / "desk")
    await desk.open()
    wang = await desk.bidder("wang")
    async with served(place.app, rate) as (address, site, line), chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{address}/sealing")
        yield desk, wang, page, site, line


def sealed_by(desk: Desk, one: Bidder, tmp_path: Path) -> dict[str, Any]:
    """What the page is told."""
    path = tmp_path / "wang.key"
    key = KeyFile("bidder", one.code, desk.town.settings.origin, one.signer.private)
    keyfiles.write(path, key, PASSPHRASE, iterations=1000)
    return {
        "bid": one.bid, "bidder": one.code, "tender": desk.tender, "created": stamp(datetime.now(UTC)),
        "keysets": {stage: keyset.data.decode() for stage, keyset in desk.keysets.items()},
        "opening": {"price": 9_100_000, "days": 80}, "schema": SCHEMA,
        "file": path.read_text(), "passphrase": PASSPHRASE,
    }  # fmt: skip


async def begin(page: Page, **given: Any) -> None:
    """Begin to send; what becomes of it stands in `window.outcome`."""
    await page.evaluate(
        "(given) => { window.outcome = null; window.paused = false;"
        " import('/tests/browser/pages.js').then((it) => it.sendBid(given))"
        ".then((done) => (window.outcome = done), (why) => (window.outcome = String(why))); }",
        given,
    )


async def done(page: Page, stage: str) -> int:
    """What the page says is acknowledged of a stage."""
    found = await page.evaluate("(stage) => window.said?.filter((one) => one.stage === stage).at(-1)?.done ?? 0", stage)
    return int(found)


async def until(condition: Any, patience: float = 60) -> None:
    async with asyncio.timeout(patience):
        while not await condition():
            await asyncio.sleep(0.03)


async def test_a_cut_and_a_reload_cost_what_was_under_way(place: Town, tmp_path: Path) -> None:
    document = tmp_path / "offer.pdf"
    document.write_bytes(CANARY + os.urandom(24 * MIB) + CANARY)
    async with bidding(place, tmp_path, rate=8 * MIB) as (desk, wang, page, site, line):
        await page.set_input_files("#files", document)
        said = await run(page, "sealBid", **sealed_by(desk, wang, tmp_path))
        assert said["lasting"] and said["names"] == [f"{wang.bid} documents", f"{wang.bid} form"]
        kept = await run(page, "everythingKept")
        check_nothing_secret(kept, wang)
        sending = {"bid": wang.bid, "tender": desk.tender, "token": place.tokens["wang"]}

        await begin(page, **sending)
        await until(lambda: past(page, 5 * MIB))
        await line.cut(1.5)
        await until(lambda: past(page, 10 * MIB))
        states = await page.evaluate("window.said.map((one) => one.state)")
        assert "waiting" in states  # it said so, and went on by itself
        acknowledged, stored = await done(page, "documents"), site.stored
        assert acknowledged <= stored * SEGMENT
        await page.reload()
        await page.evaluate("window.said = []")
        await begin(page, **sending)
        await until(lambda: past(page, 1))
        first = await page.evaluate("window.said.find((one) => one.stage === 'documents').done")
        assert first >= acknowledged  # what the platform has acknowledged, it is not sent again
        await until(lambda: page.evaluate("window.outcome !== null"))
        assert await page.evaluate("window.outcome") == ["documents", "form"]
        assert site.stored <= 25 + 1 + 8  # twice four were under way when it was cut, and when it was left
        assert (await place.call("wang", "GET", f"/tenders/{desk.tender}/bids", 200))["items"] == []  # not submitted

        receipts = await run(page, "submitBid", **sending)
        for stage, receipt in receipts.items():
            found = check_receipt(Receipt.parse(canon(receipt)), place.policy)
            assert (found.record["stage"], found.record["manifest"]) == (stage, said["found"][stage])
        assert (await run(page, "everythingKept"))["files"] == []
    for name, price in (("li", 9_500_000), ("zhao", 9_900_000)):
        await desk.hand_in(await desk.bidder(name), price)
    await desk.wait()
    opened = await desk.open_boxes()
    mine = next(bid for bid in opened["bids"] if bid["bidder"] == wang.code)
    assert mine["opening"] == {"price": 9_100_000, "days": 80}, mine


async def past(page: Page, least: int) -> bool:
    return await done(page, "documents") >= least


def check_nothing_secret(kept: Any, wang: Bidder) -> None:
    """Neither a byte of the document, nor the key, nor what opens it, in anything the browser has written down."""
    files = dict(kept["files"])
    assert sum(len(data) // 2 for data in files.values()) > 24 * MIB  # it looked where the ciphertext lies
    secrets = {
        "document": CANARY,
        "key": wang.signer.private.private_bytes_raw(),
        "passphrase": PASSPHRASE.encode(),
        "price": b"9100000",
    }
    for what, secret in secrets.items():
        for name, data in files.items():
            assert secret.hex() not in data, (what, name)
    assert any(wang.code.encode().hex() in data or wang.bid.encode().hex() in data for data in files.values()) or any(
        wang.bid in name for name in files
    )  # the control: what stands in clear is found
    assert (kept["local"], kept["session"], kept["databases"]) == ("{}", "{}", 0)


async def test_a_pause_begins_nothing_new(place: Town, tmp_path: Path) -> None:
    document = tmp_path / "offer.pdf"
    document.write_bytes(os.urandom(12 * MIB))
    async with bidding(place, tmp_path, rate=64 * MIB) as (desk, wang, page, _, _):
        await page.set_input_files("#files", document)
        await run(page, "sealBid", **sealed_by(desk, wang, tmp_path))
        sending = {"bid": wang.bid, "tender": desk.tender, "token": place.tokens["wang"]}
        await begin(page, **sending, pauseAt=3 * MIB)
        await until(lambda: page.evaluate("window.outcome !== null"))
        said = await page.evaluate("window.said.filter((one) => one.stage === 'documents')")
        at = next(n for n, one in enumerate(said) if one["state"] == "paused")
        until_resumed = next(n for n in range(at, len(said)) if said[n]["state"] == "sending")
        under_way = said[until_resumed]["done"] - said[at]["done"]
        assert under_way <= 4 * SEGMENT
        assert said[-1] == {
            "stage": "documents",
            "done": said[-1]["size"],
            "size": said[-1]["size"],
            "state": "complete",
        }
        assert all(one["done"] <= other["done"] for one, other in pairwise(said))


async def test_a_refusal_is_told_in_the_platforms_own_words(place: Town, tmp_path: Path) -> None:
    async with bidding(place, tmp_path, rate=64 * MIB) as (desk, wang, page, _, _):
        (tmp_path / "x").write_bytes(b"x")
        await page.set_input_files("#files", tmp_path / "x")
        told = sealed_by(desk, wang, tmp_path)
        await run(page, "sealBid", **told)
        sending = {"bid": wang.bid, "tender": desk.tender, "token": place.tokens["wang"]}
        await begin(page, **sending)
        await until(lambda: page.evaluate("window.outcome !== null"))
        await desk.wait()  # the deadline passes before the last request
        refused = await run(page, "refusal", **sending)
        assert (refused["code"], refused["status"]) == ("E-LATE", 409) and refused["said"]
        record = check_receipt(Receipt.parse(canon(refused["receipt"])), place.policy).record
        assert (record["type"], record["code"]) == ("trading.refused/v1", "E-LATE")
        names = await run(page, "names")
        assert len(names) == 2  # the sealed bid is still there


async def test_the_countdown_is_the_platforms(place: Town, tmp_path: Path) -> None:
    async with bidding(place, tmp_path, rate=64 * MIB) as (_, _, page, _, _):
        said = await run(page, "clock")
        now = datetime.now(UTC).timestamp() * 1000
        assert abs(said["time"] - now) <= said["within"] + 2000 and said["factor"] == 1
        await page.clock.install(time=datetime(2031, 1, 1, tzinfo=UTC))  # the user's own clock is years off
        off = await run(page, "clock")
        assert abs(off["time"] - now) < 20_000
