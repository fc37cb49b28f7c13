"""custodian.html, opened from a disk without a network: C-TEN releases there, the command line brings it, the boxes open;
a key is made, stated and rehearsed there too. What a custodian must refuse, the page refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from audit.canon import b64, canon, parse, unb64
from bidding.custody import Release
from tests.browser.chromium import chromium
from tests.browser.disk import disk, refused, trading, trusting
from tests.browser.office import DONE, PASSPHRASE, shoot
from tests.browser.wire import served
from tests.trading.desk import Custodian, Desk
from tests.trading.town import Town, town
from trading import keyfiles
from trading.keyfiles import KeyFile
from trading.settings import Settings


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


def keys(one: Custodian, place: Town, folder: Path) -> tuple[Path, Path]:
    """The two key files of a custodian, as the command line writes them."""
    made = []
    for kind, private in (("identity", one.identity.private), ("custodian", one.private)):
        path = folder / f"{one.id}-{kind}.key"
        if not path.exists():
            key = KeyFile(kind, one.id, place.settings.origin, private)  # type: ignore[arg-type]
            keyfiles.write(path, key, PASSPHRASE, iterations=1000)
        made.append(path)
    return made[0], made[1]


async def unlock(page: Page, identity: Path, box: Path, phrase: str = PASSPHRASE) -> None:
    await page.set_input_files("#identity", str(identity))
    await page.set_input_files("#box", str(box))
    await page.fill("#phrase", phrase)
    await page.click("#unlock button:not([type])")


async def kit_of(desk: Desk, one: Custodian, stage: str, folder: Path, name: str = "", query: str = "") -> Path:
    answer = await desk.town.as_(one.id).get(f"/api/v1/tenders/{desk.tender}/kits/{stage}{query}")
    assert answer.status_code == 200, answer.text
    path = folder / f"{name or stage}-kit.zip"
    path.write_bytes(answer.content)
    return path


async def checked(page: Page, kit: Path, stage: str) -> None:
    await page.set_input_files("#kit", str(kit))
    await page.wait_for_selector("#stage:not([disabled])", timeout=DONE)
    await page.select_option("#stage", stage)
    await page.click("#check")


async def saved(page: Page, selector: str, folder: Path) -> Path:
    async with page.expect_download(timeout=DONE) as download:
        await page.click(selector)
    made = await download.value
    path = folder / made.suggested_filename
    await made.save_as(path)
    return path


async def closed(place: Town, folder: Path) -> tuple[Desk, Any]:
    """Three bids, and the closing; one of the three has shown its receipt to nobody yet."""
    desk = Desk(place, folder / "desk")
    await desk.open()
    bidders = [await desk.bidder(name) for name in ("wang", "li", "zhao")]
    for number, one in enumerate(bidders):
        await desk.hand_in(one, 9_000_000 + number)
    await place.beat()
    await desk.wait()
    await desk.store()
    await place.beat()
    return desk, bidders


async def test_released_on_a_disk_brought_by_the_command_line(place: Town, tmp_path: Path) -> None:
    desk, bidders = await closed(place, tmp_path)
    supervision, tenderee, notary = desk.custodians
    identity, box = keys(tenderee, place, tmp_path)
    state = ["--state", str(tmp_path / "state")]
    async with (
        served(place.app) as (address, _, _),
        chromium() as browser,
        disk(browser, tmp_path, "custodian", place.clock.shift) as page,
    ):
        await trusting(page, place)
        await unlock(page, identity, box, "wrong")
        assert "K-PASSPHRASE" in await refused(page)
        await unlock(page, keys(notary, place, tmp_path)[0], box)
        assert "C-KEYSET" in await refused(page)
        await unlock(page, identity, box)
        await page.wait_for_selector("#keys.done", timeout=DONE)
        files = {}
        for stage in ("form", "documents"):
            await checked(page, await kit_of(desk, tenderee, stage, tmp_path), stage)
            await page.wait_for_selector("#found:not([hidden])", timeout=DONE)
            assert "bids: 3" in await page.inner_text("#found-count")
            await shoot(page, f"offline-custodian-{stage}")
            files[stage] = await saved(page, "#sign", tmp_path)
            again = await saved(page, "#sign", tmp_path / "again")
            assert again.read_bytes() == files[stage].read_bytes()  # signed once; a repetition is the same bytes
        held = parse(files["form"].read_bytes())
        release = Release.parse(unb64(held["release"]))
        assert set(release.shares) == {one.bid for one in bidders} and release.i == 2
        stored = await page.evaluate("JSON.stringify({...localStorage})")
        for secret in (
            PASSPHRASE,
            b64(box.read_bytes()),
            tenderee.private.private_numbers().private_value.to_bytes(32, "big").hex(),
        ):
            assert secret not in stored
        for file in files.values():
            code, out = await trading(
                "custodian", "bring", str(file), *state, "--url", address, "--token", place.tokens[tenderee.id]
            )
            assert code == 0, out
        # the command line keeps them as its own, and signs no other: the file of its memory is the page's
        assert (tmp_path / "state" / "releases" / f"{release.keyset}.json").read_bytes() == files["form"].read_bytes()
        other = tmp_path / "other.json"
        other.write_bytes(canon({**held, "closed": "0" * 64}))
        code, out = await trading("custodian", "bring", str(other), *state, "--url", address, "--token", "x")
        assert code == 1 and "never" in out
    for stage in desk.stages:
        await desk.release(supervision, stage)
    await place.timers.run_due()
    await place.beat()
    found = await place.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert sorted(bid["opening"]["price"] for bid in found["bids"]) == [9_000_000, 9_000_001, 9_000_002]


async def test_what_a_custodian_must_refuse(place: Town, tmp_path: Path) -> None:
    desk, bidders = await closed(place, tmp_path)
    tenderee = desk.custodians[1]
    identity, box = keys(tenderee, place, tmp_path)
    kit = await kit_of(desk, tenderee, "form", tmp_path)
    async with chromium() as browser:
        async with disk(browser, tmp_path, "custodian") as early:  # by its own clock the hour has not come
            await trusting(early, place)
            await unlock(early, identity, box)
            await checked(early, kit, "form")
            assert "C-LOG" in await refused(early) and await early.is_hidden("#found")
        async with disk(browser, tmp_path, "custodian", place.clock.shift) as page:
            await trusting(page, place)
            await checked(page, kit, "form")
            assert "W-FAULT" in await refused(page)  # no keys
            await unlock(page, *keys(Custodian("C-NEW", tenderee.identity, tenderee.private), place, tmp_path))
            await checked(page, kit, "form")
            assert "C-KEYSET" in await refused(page)
            await unlock(page, identity, box)
            await page.click("#lang")
            await checked(page, kit, "documents")  # nor a stage the kit is not of, where payloads are owed
            await page.wait_for_selector("#found:not([hidden]), #wrong:not([hidden])", timeout=DONE)
            await page.click("#lang")
            # a receipt of a bid that is not on the list stops the release
            lost = bidders[0].receipts["form"]
            forged = tmp_path / "receipt.json"
            forged.write_bytes(canon({k: v for k, v in lost.items() if v is not None or k == "nonce"}))
            await page.click("#release summary")
            await page.set_input_files("#receipts", str(forged))
            await checked(page, kit, "form")
            await page.wait_for_selector("#found:not([hidden])", timeout=DONE)  # it is listed: the control
            other = await kit_without(kit, tmp_path, bidders[0].bid)
            await checked(page, other, "form")
            assert "C-PAYLOAD" in await refused(page)
            await page.check("#without")
            await page.click("#check")
            await page.wait_for_selector("#found:not([hidden])", timeout=DONE)


async def kit_without(kit: Path, folder: Path, bid: str) -> Path:
    """The kit whose payload of a bid was left out, framed and summed anew as a platform would."""
    import io

    from audit.archive import Archive, write_archive

    archive = Archive(io.BytesIO(kit.read_bytes()))
    files = {name: archive.read(name) for name in archive.names if name != f"bids/{bid}/form/1/payload"}
    whole = io.BytesIO()
    write_archive(whole, sorted(files.items()))
    path = folder / "without-kit.zip"
    path.write_bytes(whole.getvalue())
    return path


async def test_a_key_is_made_stated_and_rehearsed_on_a_disk(place: Town, tmp_path: Path) -> None:
    await place.enrol("C-NOT", "custodian", identity="C-NOT")
    one = Custodian("C-NOT", place.custodians["C-NOT"], place.custodians["C-NOT"].private)
    identity = tmp_path / "identity.key"
    keyfiles.write(
        identity, KeyFile("identity", one.id, place.settings.origin, one.identity.private), PASSPHRASE, iterations=1000
    )
    state = ["--state", str(tmp_path / "state")]
    async with (
        served(place.app) as (address, _, _),
        chromium() as browser,
        disk(browser, tmp_path, "custodian") as page,
    ):
        await trusting(page, place)
        await page.click("#d-make summary")
        await page.fill("#make-id", one.id)
        await page.fill("#make-phrase", PASSPHRASE)
        await page.fill("#make-twice", PASSPHRASE)
        box = await saved(page, "#make button", tmp_path)
        assert keyfiles.read(box, PASSPHRASE, kind="custodian", origin=place.settings.origin).id == one.id
        await unlock(page, identity, box)
        await page.wait_for_selector("#keys.done", timeout=DONE)
        await page.click("#d-state summary")
        await page.fill("#state-name", "公证处")
        await page.fill("#state-from", "2026-01-01T00:00")
        await page.fill("#state-until", "2026-01-30T00:00")
        statement = await saved(page, "#state button", tmp_path)
        how = ["--url", address, "--token", place.tokens[one.id]]
        code, out = await trading("custodian", "bring", str(statement), *state, *how)
        assert code == 0, out
        challenge = tmp_path / "challenge.json"
        code, out = await trading("custodian", "challenge", str(statement), "--out", str(challenge), *how)
        assert code == 0, out
        await page.click("#d-rehearse summary")
        await page.set_input_files("#statement", str(statement))
        await page.set_input_files("#challenge", str(challenge))
        rehearsal = await saved(page, "#rehearse button", tmp_path)
        await shoot(page, "offline-custodian-prepared")
        code, out = await trading("custodian", "bring", str(rehearsal), *state, *how)
        assert code == 0, out
        sha = json.loads(rehearsal.read_text())["statement"]
        found = await place.call(one.id, "GET", f"/statements/{sha}", 200)
        assert found["rehearsed_at"] if "rehearsed_at" in found else found["rehearsed"]
