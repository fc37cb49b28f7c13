"""The offline pages, opened from a disk in a browser without a network: 安和建筑 seals there and hands in by the
command line, and what was sealed opens in Python; who tampers with trust files, kits or the page is told."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from audit.receipt import Receipt, check_receipt
from bidding.envelope import SealedFile
from tests.browser.disk import disk, refused, trading, trust_of, trusting
from tests.browser.office import DONE, PASSPHRASE, Office, office, shoot
from tests.browser.wire import served
from tests.trading.desk import Desk
from tests.trading.town import Town, town
from trading import offline, tool_hashes
from trading.settings import Settings

CANARY = os.urandom(32)


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


def browser_of(wang: Office) -> Browser:
    assert wang.page.context.browser
    return wang.page.context.browser


async def kit_of(wang: Office, query: str = "") -> Path:
    answer = await wang.town.as_("public").get(f"/api/v1/tenders/{wang.desk.tender}/sealing-kit{query}")
    assert answer.status_code == 200, answer.text
    path = wang.tmp / f"sealing-kit-{os.urandom(2).hex()}.zip"
    path.write_bytes(answer.content)
    return path


async def sealed(page: Page, key: Path, offer: Path, tmp: Path, price: str, before: Path | None = None) -> Path:
    await page.wait_for_selector("#form:not([hidden])", timeout=DONE)
    await page.fill("#field-price", price)
    await page.fill("#field-days", "90")
    await page.set_input_files("#files", str(offer))
    await page.set_input_files("#key", str(key))
    await page.fill("#phrase", PASSPHRASE)
    if before:
        await page.click("summary")
        await page.set_input_files("#before", str(before))
    async with page.expect_download(timeout=DONE) as download:
        await page.click("#seal")
    made = await download.value
    path = tmp / made.suggested_filename
    await made.save_as(path)
    return path


async def opened(place: Town, desk: Desk) -> Any:
    for name, price in (("li", 9_500_000), ("zhao", 9_900_000)):
        await desk.hand_in(await desk.bidder(name), price)
    await place.beat()
    await desk.wait()
    return await desk.open_boxes()


async def test_sealed_from_a_disk_handed_in_by_the_command_line(place: Town, tmp_path: Path) -> None:
    offer = tmp_path / "投标文件.pdf"
    offer.write_bytes(CANARY + os.urandom(2_500_000) + CANARY)
    async with office(place, tmp_path) as wang, disk(browser_of(wang), tmp_path, "sealing") as page:
        key = await wang.key()
        await shoot(page, "offline-sealing-first")
        await trusting(page, place)
        await page.set_input_files("#kit", str(await kit_of(wang)))
        await page.wait_for_selector("#guarded:not([hidden])", timeout=DONE)
        said = await page.inner_text("#guards")
        assert "C-SUP" in said and "any 2 of 3" in said
        file = await sealed(page, key, offer, tmp_path, "87,345.67")
        await shoot(page, "offline-sealing-made")
        assert "not handed in yet" in await page.inner_text("#made")
        content = file.read_bytes()
        for secret in (CANARY, PASSPHRASE.encode(), b"8734567", b"87,345"):
            assert content.find(secret) < 0, (secret, content[content.find(secret) - 40 :][:90])
        one = SealedFile(file)
        assert (one.tender, one.bidder, set(one.stages)) == (wang.desk.tender, wang.code, {"form", "documents"})
        remembered = await page.evaluate("JSON.stringify({...localStorage})")
        assert "87,345" not in remembered and PASSPHRASE not in remembered and "checkpoint" in remembered

        # the log has grown: without a proof that it only grew, the page takes no second kit
        await place.beat()
        await page.set_input_files("#kit", str(await kit_of(wang)))
        told = await refused(page)
        assert (
            "E-KEYSET" in told
            and "no proof that the log continues" in told
            and "--seen" in await page.inner_text("#seen")
        )
        seen = json.loads(await page.evaluate(f"localStorage['trading-offline-checkpoint-{place.settings.origin}']"))
        await page.set_input_files("#kit", str(await kit_of(wang, f"?seen={seen['size']}")))
        again = await sealed(page, key, offer, tmp_path, "90,000.00", before=file)
        assert SealedFile(again).stages["form"].manifest.prev == one.stages["form"].manifest.hash

        for path in (file, again):
            code, out = await trading(
                "submit", str(path), *trust_of(place), "--url", wang.address, "--token", place.tokens["wang"]
            )
            assert code == 0, out
        receipt = again.with_suffix(".receipts") / "form.json"
        assert check_receipt(Receipt.parse(receipt.read_bytes()), place.policy).what == "trading.deposited/v1"
        found = await opened(place, wang.desk)
        mine = next(bid for bid in found["bids"] if bid["bidder"] == wang.code)
        assert mine["opening"] == {"price": 9_000_000, "days": 90}


async def test_a_file_sealed_elsewhere_is_handed_in_on_the_page(place: Town, tmp_path: Path) -> None:
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(os.urandom(1_200_000))
    async with office(place, tmp_path) as wang, disk(browser_of(wang), tmp_path, "sealing") as page:
        key = await wang.key()
        await trusting(page, place)
        await page.set_input_files("#kit", str(await kit_of(wang)))
        file = await sealed(page, key, offer, tmp_path, "91,000.00")
        damaged = tmp_path / "damaged.sealed"
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
        await wang.go(f"/b/{wang.desk.tender}/seal")
        await wang.trust()
        await wang.page.click("#bring summary")
        await wang.page.set_input_files("#bring-file", str(damaged))
        await wang.page.wait_for_selector("#wrong:not([hidden])", timeout=DONE)
        assert "E-PAYLOAD" in await wang.page.inner_text("#wrong")
        await wang.page.set_input_files("#bring-file", str(file))  # the control
        await wang.stands("Uploaded, not handed in yet")
        await wang.page.click("#submit")
        await wang.page.wait_for_url("**/b/receipt/**", timeout=DONE)
        # and one that the command line made, another program's zip
        found = await opened(place, wang.desk)
        assert next(bid for bid in found["bids"] if bid["bidder"] == wang.code)["opening"]["price"] == 9_100_000


async def test_wrong_trust_another_tender_and_an_old_kit_are_refused(place: Town, tmp_path: Path) -> None:
    async with office(place, tmp_path) as wang, disk(browser_of(wang), tmp_path, "sealing") as page:
        kit = await kit_of(wang)
        other = tmp_path / "policy.txt"  # of another witness: a platform that vouches for itself
        lines = place.settings.policy_path.read_text().splitlines()
        lines[1] = lines[1].replace("w.example", "x.example")
        other.write_text("\n".join(lines) + "\n")
        await page.set_input_files("#trust-files", [str(other), str(place.settings.parties_path)])
        assert "W-FAULT" in await refused(page) or "VB-TRUST" in await refused(page)
        fewer = tmp_path / "parties.txt"  # the custodians are not those this bidder was told of
        fewer.write_text(re.sub(r"(?m)^custodian C-TEN .*\n", "", place.settings.parties_path.read_text()))
        await page.set_input_files("#trust-files", [str(place.settings.policy_path), str(fewer)])
        await page.wait_for_selector("#trust-own:not([hidden])", timeout=DONE)
        await page.set_input_files("#kit", str(kit))
        assert "E-KEYSET" in await refused(page)
        assert await page.is_hidden("#form") and await page.is_hidden("#guarded")
        await page.click("#lang")
        chinese = await page.inner_text("#wrong")
        assert "C-TEN" in chinese and not re.search(r"[a-z]{4}", chinese), chinese
        await page.click("#lang")
        await page.click("#trust-forget")
        await trusting(page, place)
        broken = tmp_path / "broken.zip"
        content = bytearray(kit.read_bytes())
        content[len(content) // 2] ^= 1
        broken.write_bytes(content)
        await page.set_input_files("#kit", str(broken))
        assert "VB-" in await refused(page)
        await page.set_input_files("#kit", str(kit))  # the control
        await page.wait_for_selector("#guarded:not([hidden])", timeout=DONE)


async def test_a_key_set_that_is_no_2_of_3_is_taken_by_name_alone(
    place: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Desk, "k", 3)
    async with office(place, tmp_path) as wang, disk(browser_of(wang), tmp_path, "sealing") as page:
        await trusting(page, place)
        await page.set_input_files("#kit", str(await kit_of(wang)))
        assert "did not accept by name" in await refused(page) and await page.is_hidden("#form")
        keyset = wang.desk.keysets["form"].id
        assert keyset in (await page.inner_text("#odd-sets")).replace(" ", "")
        await page.click("#odd-accept")
        await page.wait_for_selector("#guarded:not([hidden])", timeout=DONE)
        assert "any 3 of 3" in await page.inner_text("#guards")
        served_page = wang.page
        await wang.go(f"/b/{wang.desk.tender}/seal")
        await served_page.click("#trust-compared")
        await served_page.wait_for_selector("#odd:not([hidden])", timeout=DONE)
        assert keyset in (await served_page.inner_text("#odd-sets")).replace(" ", "")
        await shoot(served_page, "seal-odd")
        await served_page.click("#odd-accept")
        await served_page.wait_for_selector("#step-check[data-state=done]", timeout=DONE)
        # what is no trust file takes nobody's place, and what is forgotten is asked for again
        wrong = tmp_path / "policy.txt"
        wrong.write_text("quorum none\n")
        await served_page.click("details:has(#trust-files) summary")
        await served_page.set_input_files("#trust-files", str(wrong))
        await served_page.wait_for_selector("#wrong:not([hidden])", timeout=DONE)
        assert "VB-TRUST" in await served_page.inner_text("#wrong")
        assert await served_page.is_hidden("#trust-first")
        await served_page.click("#trust-forget")
        assert await served_page.is_visible("#trust-first") and await served_page.is_disabled("#seal")


async def test_the_page_is_the_one_in_the_log_and_a_tampered_one_is_not(place: Town, tmp_path: Path) -> None:
    async with served(place.app) as (address, _, _):
        public = place.as_("public")
        assert "not in the log yet" in (await public.get("/offline?lang=en")).text
        assert await tool_hashes.publish(place.platform) == len(offline.PAGES)
        assert await tool_hashes.publish(place.platform) == 0  # twice is once
        await place.beat()
        page = (await public.get("/offline?lang=en")).text
        file = tmp_path / "custodian.html"
        for name in offline.PAGES:
            answer = await public.get(f"/offline/{name}.html")
            assert answer.headers["content-disposition"] == f'attachment; filename="{name}.html"'
            assert "sandbox" in answer.headers["content-security-policy"]  # it is to be saved, and does nothing here
            assert hashlib.sha256(answer.content).hexdigest() in page and answer.content == offline.built(name)
            file.write_bytes(answer.content)
        assert (await public.get("/offline/other.html")).status_code == 404
        how = ["--policy", str(place.settings.policy_path), "--url", address]
        code, out = await trading("log", "tool", str(file), *how)
        assert code == 0 and "custodian.html" in out and "cosigned by w" in out, out
        code, out = await trading("offline-pages", "--out", str(tmp_path / "mine"))
        assert code == 0 and (tmp_path / "mine" / "custodian.html").read_bytes() == file.read_bytes()
        file.write_bytes(file.read_bytes().replace(b"connect-src 'none'", b"connect-src *     "))
        code, out = await trading("log", "tool", str(file), *how)
        assert code == 1 and "T-TOOL" in out, out


def test_the_pages_are_made_of_the_modules_served() -> None:
    for name in offline.PAGES:
        page = offline.built(name).decode()
        offline._built.cache_clear()
        assert offline.built(name).decode() == page  # the same bytes again
        assert offline.digest(name) == hashlib.sha256(page.encode()).hexdigest()
        assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)  # nothing from elsewhere
        for path in ("audit/browser/trust.js", "bidding/browser/envelope.js"):
            body = (offline._file(path)).read_text("utf-8").partition("*/")[2]
            whole = offline.EXPORT.sub("", offline.IMPORT.sub("", body)).strip()
            assert whole in page, path


def test_a_module_that_changes_changes_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = offline.digest("sealing")
    folder = tmp_path / "browser"
    shutil.copytree(offline.FOLDERS["bidding/browser"], folder)
    (folder / "envelope.js").write_text((folder / "envelope.js").read_text("utf-8") + "// one byte more\n", "utf-8")
    monkeypatch.setitem(offline.FOLDERS, "bidding/browser", folder)
    offline._built.cache_clear()
    assert offline.digest("sealing") != before
    monkeypatch.undo()
    offline._built.cache_clear()
    assert offline.digest("sealing") == before
