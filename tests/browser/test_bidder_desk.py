"""The bidder's desk in Chromium against the real application: from a new key to a receipt that Python verifies, with a cut
line and a reload in between; replaced, withdrawn, refused; and no word that a tired person could take for "handed in"."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from audit.canon import b64
from audit.receipt import Receipt, check_receipt
from tests.browser.office import DONE, PASSPHRASE, office, shoot
from tests.trading.desk import Desk
from tests.trading.town import Town, town
from trading import keyfiles
from trading.settings import Settings

MIB = 1 << 20
CANARY = os.urandom(32)


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


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


async def kept(page: Page) -> dict[str, Any]:
    """Every byte that the browser has kept for this site."""
    found = await page.evaluate(
        """async () => {
            const files = {};
            const walk = async (folder) => {
                for await (const [name, handle] of folder.entries())
                    if (handle.kind === "directory") await walk(handle);
                    else files[name] = btoa(Array.from(new Uint8Array(await (await handle.getFile()).arrayBuffer()),
                        (one) => String.fromCharCode(one)).join(""));
            };
            await walk(await navigator.storage.getDirectory());
            return {files, local: JSON.stringify({...localStorage}), session: JSON.stringify({...sessionStorage})};
        }"""
    )
    return dict(found)


async def test_a_cut_line_and_a_reload_cost_what_was_under_way(place: Town, tmp_path: Path) -> None:
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(CANARY + os.urandom(16 * MIB) + CANARY)
    async with office(place, tmp_path, rate=6 * MIB) as wang:
        key = await wang.key()
        await wang.go(f"/b/{wang.desk.tender}/seal")
        await wang.trust()
        await wang.fill(key, offer)
        await wang.click("#seal")
        await wang.stands("% uploaded, not handed in")
        await wang.page.click("#pause")
        await wang.stands("Upload paused, not handed in")
        await asyncio.sleep(1)
        stored = wang.site.stored
        await asyncio.sleep(0.5)
        assert wang.site.stored == stored  # a pause begins nothing new
        await wang.page.click("#pause")
        await until(lambda: wang.site.stored > stored + 1)
        await wang.line.cut(1.5)
        await wang.stands("Upload interrupted, not handed in")
        await wang.stands("% uploaded, not handed in")
        await until(lambda: wang.site.stored > stored + 4)
        check_nothing_secret(await kept(wang.page), bytes(wang.line.heard), key)
        await wang.page.goto(f"{wang.address}/b?lang=en")  # away, and back
        await wang.ready()
        assert "sealed bid that was not handed in" in await wang.page.inner_text("#waiting")
        await wang.page.click("#waiting-links a")
        await wang.ready()
        assert "nothing has to be sealed again" in await wang.page.inner_text("#kept")
        await wang.stands("Uploaded, not handed in yet")
        assert wang.site.stored <= 16 + 2 + 12  # what was acknowledged is not sent again
        await wang.page.click("#submit")
        await wang.page.wait_for_url("**/b/receipt/**", timeout=DONE)
        await wang.go("/b")
        assert await wang.page.is_hidden("#waiting")
        assert "Handed in, sealed" in await wang.page.inner_text("#mine + table")


async def until(condition: Any, patience: float = 60) -> None:
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0.03)


def check_nothing_secret(held: dict[str, Any], sent: bytes, key: Path) -> None:
    """Neither document, nor key, nor passphrase, nor price in anything that was kept or has left."""
    from base64 import b64decode

    files = [b64decode(data) for data in held["files"].values()]
    assert sum(map(len, files)) > 16 * MIB and len(sent) > MIB  # it looked where ciphertext lies and goes
    secrets = (
        CANARY, PASSPHRASE.encode(), b"5287000000", b"52,870,000", b"offer.pdf",
        keyfiles.read(key, PASSPHRASE).private.private_bytes_raw(), json.loads(key.read_text())["sealed"].encode(),
    )  # fmt: skip
    for secret in secrets:
        for data in (*files, sent, held["local"].encode(), held["session"].encode()):
            assert secret not in data and b64(secret).encode() not in data, secret
    assert any(b'"submitted":false' in data for data in files)  # the control: what stands in clear is found


async def test_the_thread_with_the_key_may_connect_nowhere(place: Town, tmp_path: Path) -> None:
    async with office(place, tmp_path) as wang:
        await wang.go(f"/b/{wang.desk.tender}/seal")
        await wang.trust()
        thread = wang.page.workers[0]
        attempt = "fetch('/healthz', {method: 'POST', body: 'key'}).then(() => 'sent', () => 'blocked')"
        assert await thread.evaluate(attempt) == "blocked"
        assert await wang.page.evaluate(attempt) == "sent"  # the control: the page may, and never holds a key
        made = "try { new Worker('/static/site.css'); 'made' } catch { 'blocked' }"
        assert await wang.page.evaluate(made) == "blocked"


async def test_a_forged_kit_seals_nothing(place: Town, tmp_path: Path) -> None:
    """The platform shows other key sets than the log's: nothing is sealed, nothing leaves."""
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"offer")
    async with office(place, tmp_path) as wang:
        key = await wang.key()
        asked: list[str] = []
        other = Desk(place, tmp_path / "other")
        await other.open()
        await place.beat()
        forged = (await place.as_("public").get(f"/api/v1/tenders/{other.tender}/sealing-kit")).content
        await wang.go(f"/b/{wang.desk.tender}/seal")
        await wang.trust()  # it held while it was honest
        await wang.page.route(
            "**/sealing-kit", lambda route: route.fulfill(body=forged, content_type="application/zip")
        )
        wang.page.on("request", lambda request: asked.append(request.url))
        await wang.fill(key, offer)
        await wang.page.click("#seal")
        await wang.page.wait_for_selector("#wrong:not([hidden])", timeout=DONE)
        assert "E-KEYSET" in await wang.page.inner_text("#wrong")
        assert await wang.standing() == "Not handed in"
        assert not [url for url in asked if "uploads" in url]
        await wang.page.unroute("**/sealing-kit")  # the control
        await wang.page.click("#seal")
        await wang.stands("Uploaded, not handed in yet")


async def test_an_answer_that_is_no_receipt_is_not_taken_for_one(place: Town, tmp_path: Path) -> None:
    """Whoever answers “taken” with receipts of another key: the page says that it is not handed in."""
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"offer")
    async with office(place, tmp_path) as wang:
        key = await wang.key()
        await wang.go(f"/b/{wang.desk.tender}/seal")
        await wang.trust()
        await wang.fill(key, offer)
        await wang.click("#seal")
        await wang.stands("Uploaded, not handed in yet")

        async def forge(route: Any) -> None:
            answer = await route.fetch()
            value = await answer.json()
            for one in value["receipts"].values():
                one["promise"] = b64(bytes(64))
            await route.fulfill(status=201, json=value)

        pattern = f"**/api/v1/tenders/{wang.desk.tender}/bids/*"
        await wang.page.route(pattern, forge)
        await wang.page.click("#submit")
        await wang.stands("No valid receipt: this is not handed in")
        assert "VB-PROMISE" in await wang.page.inner_text("#wrong")
        await wang.page.unroute(pattern)
        await wang.page.click("#submit")  # asked again, an honest platform answers with the receipts it gave
        await wang.page.wait_for_url("**/b/receipt/**", timeout=DONE)


async def test_replaced_then_withdrawn(place: Town, tmp_path: Path) -> None:
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(os.urandom(1000))
    async with office(place, tmp_path) as wang:
        key = await wang.key()
        for price in ("91,000.00", "90,000.50"):
            await wang.go(f"/b/{wang.desk.tender}/seal")
            if await wang.page.is_visible("#trust-first"):
                await wang.trust()
            await wang.fill(key, offer, price=price)
            await wang.page.click("#seal")
            await wang.stands("Uploaded, not handed in yet")
            await wang.page.click("#submit")
            await wang.page.wait_for_url("**/b/receipt/**", timeout=DONE)
        items = (await place.call("wang", "GET", f"/tenders/{wang.desk.tender}/bids", 200))["items"]
        assert sorted((one["seq"], one["state"]) for one in items) == [
            (1, "superseded"), (1, "superseded"), (2, "effective"), (2, "effective"),
        ]  # fmt: skip
        await wang.go(f"/b/{wang.desk.tender}/withdraw")
        await wang.page.set_input_files("#key", str(key))
        await wang.page.fill("#phrase", "wrong")
        await wang.page.click("#withdraw-go")
        await wang.page.wait_for_selector("#wrong:not([hidden])", timeout=DONE)
        assert "K-PASSPHRASE" in await wang.page.inner_text("#wrong")
        await wang.page.fill("#phrase", PASSPHRASE)
        receipt = await wang.saved("#withdraw-go")
        assert check_receipt(Receipt.parse(receipt.read_bytes()), place.policy).what == "trading.withdrawn/v1"
        await wang.page.wait_for_url("**/b/receipt/**", timeout=DONE)
        assert "This bid was withdrawn" in await wang.page.inner_text("h1")
        await wang.go("/b")
        assert "Withdrawn, will not be opened" in await wang.page.inner_text("#mine + table")
        assert wang.complaints == []


async def test_too_late_is_told_with_a_signed_refusal_and_the_hall_follows(place: Town, tmp_path: Path) -> None:
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"offer")
    async with office(place, tmp_path) as wang:
        desk, key = wang.desk, await wang.key()
        for name, price in (("li", 9_500_000), ("zhao", 9_900_000), ("sun", 9_700_000)):
            await desk.hand_in(await desk.bidder(name), price)
        await place.beat()
        await wang.go(f"/b/{desk.tender}/seal")
        await wang.trust()
        await wang.fill(key, offer)
        await wang.page.click("#seal")
        await wang.stands("Uploaded, not handed in yet")
        await desk.wait()
        await wang.page.click("#submit")
        await wang.stands("No valid receipt: this is not handed in")
        assert "E-LATE" in await wang.page.inner_text("#wrong")
        refusal = await wang.saved("#proof")
        record = check_receipt(Receipt.parse(refusal.read_bytes()), place.policy).record
        assert (record["type"], record["code"]) == ("trading.refused/v1", "E-LATE")
        await wang.page.goto(f"{wang.address}/b/{desk.tender}/hall?lang=en")
        await wang.ready()
        assert "None has released yet" in await wang.page.inner_text("main")
        await desk.open_boxes()
        await wang.page.wait_for_selector("text=95,000.00", timeout=DONE)
        assert "bids: 3" in await wang.page.inner_text("main")
        await shoot(wang.page, "hall")
        await wang.page.goto(f"{wang.address}/b/{desk.tender}/seal?lang=en")
        assert "The deadline has passed" in await wang.page.inner_text("main")
