"""The bidder's desk in Chromium against the real application: from a new key to a receipt that Python verifies, with a cut
line and a reload in between; replaced, withdrawn, refused; and no word that a tired person could take for "handed in"."""

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

from audit.canon import b64
from audit.receipt import Receipt, check_receipt
from audit.refusal import Refused
from tests.browser.chromium import chromium
from tests.browser.wire import Line, Site, served
from tests.security.browsers import Clock, come_in
from tests.trading.desk import Desk
from tests.trading.town import Town, town
from trading import keyfiles
from trading.settings import Settings
from trading.tools import registration

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
        made, sig = registration.request_of(request.read_bytes(), self.town.settings.origin)
        assert made.bidder == self.code
        with pytest.raises(Refused, match="E-REGISTRATION"):  # another authority than the one it names
            registration.countersign(made, sig, "A-AUD", self.town.second)
        signed = self.tmp / "signed.json"
        signed.write_bytes(registration.countersign(made, sig, "A-SUP", self.town.authority))
        await page.set_input_files("#signed", str(signed))
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
        assert "3 bids" in await wang.page.inner_text("main")
        await shoot(wang.page, "hall")
        await wang.page.goto(f"{wang.address}/b/{desk.tender}/seal?lang=en")
        assert "The deadline has passed" in await wang.page.inner_text("main")


async def test_every_page_stands_in_both_languages_and_on_a_telephone(place: Town, tmp_path: Path) -> None:
    async with office(place, tmp_path) as wang:
        await wang.key()
        tender = wang.desk.tender
        pages = ("", "/key", *(f"/{tender}/{one}" for one in ("prepare", "seal", "withdraw", "hall")))
        for lang, width in (("zh", 1280), ("en", 1280), ("zh", 360), ("en", 360)):
            await wang.page.set_viewport_size({"width": width, "height": 800})
            for path in pages:
                answer = await wang.page.goto(f"{wang.address}/b{path}?lang={lang}")
                assert answer is not None and answer.status == 200, path
                await wang.page.wait_for_load_state("networkidle")
                assert await wang.page.evaluate("document.documentElement.scrollWidth") <= width, (path, lang, width)
                said = await wang.page.inner_text("body")
                assert "page." not in said and "…}" not in said, (path, lang)
                await shoot(wang.page, f"b{path.replace('/', '-').replace(tender, '')}-{lang}-{width}")
        assert wang.complaints == []


async def test_by_keyboard_alone(place: Town, tmp_path: Path) -> None:
    """From the top of the sealing page to the button that hands in, with the keyboard; files through their dialogue."""
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"offer")
    async with office(place, tmp_path) as wang:
        key, page = await wang.key(), wang.page
        await wang.go(f"/b/{wang.desk.tender}/seal")

        async def to(id_: str) -> None:
            for _ in range(60):
                await page.keyboard.press("Tab")
                if await page.evaluate("document.activeElement.id") == id_:
                    return
            raise AssertionError(id_)

        await to("trust-compared")
        await page.keyboard.press("Space")
        await page.wait_for_selector("#step-check[data-state=done]", timeout=DONE)
        await page.evaluate("document.activeElement.blur()")
        for id_, typed in (("field-price", "1,000.00"), ("field-days", "30")):
            await to(id_)
            await page.keyboard.type(typed)
        for id_, path in (("files", offer), ("key", key)):
            await to(id_)
            async with page.expect_file_chooser() as chosen:
                await page.keyboard.press("Space")
            await (await chosen.value).set_files(str(path))
        await to("phrase")
        await page.keyboard.type(PASSPHRASE)
        await page.keyboard.press("Enter")
        await wang.stands("Uploaded, not handed in yet")
        assert await page.evaluate("document.activeElement.id") == "submit"
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/b/receipt/**", timeout=DONE)
