"""A bidder's passphrase wrapped by a passkey's PRF: she seals without typing it; without a PRF the passphrase goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.office import DONE, PASSPHRASE, Office, office, shoot
from tests.trading.town import Town, town
from trading.settings import Settings


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


async def authenticator(wang: Office, *, prf: bool) -> tuple[Any, str]:
    """Chromium's virtual authenticator, with or without the PRF."""
    devtools = await wang.page.context.new_cdp_session(wang.page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True, "hasPrf": prf,
    }  # fmt: skip
    added = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools, added["authenticatorId"]


async def wrap(wang: Office, key: Path) -> None:
    await wang.go("/b/key")
    await wang.page.set_input_files("#wrap-key", str(key))
    await wang.page.fill("#wrap-phrase", PASSPHRASE)
    await wang.page.click("#wrap button")
    await wang.page.wait_for_selector("#wrapped:not([hidden]), #wrong:not([hidden])", timeout=DONE)


async def test_she_seals_by_a_touch_and_by_passphrase_where_there_is_no_prf(place: Town, tmp_path: Path) -> None:
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"offer")
    async with office(place, tmp_path) as wang:
        key = await wang.key()
        name = wang.address.replace("127.0.0.1", "localhost")  # an address of numbers has no passkeys
        cookies = [{**one, "domain": "localhost"} for one in await wang.page.context.cookies()]
        await wang.page.context.add_cookies(cookies)  # type: ignore[arg-type]
        wang.address = name
        devtools, first = await authenticator(wang, prf=False)
        await wrap(wang, key)
        assert "K-PRF-NONE" in await wang.page.inner_text("#wrong")  # and the passphrase goes on
        await devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": first})
        devtools, second = await authenticator(wang, prf=True)
        await wrap(wang, key)
        assert await wang.page.is_visible("#wrapped"), await wang.page.inner_text("#wrong")
        await shoot(wang.page, "key-wrapped")
        kept = await wang.page.evaluate("JSON.stringify({...localStorage})")
        assert "wrapped" in kept and PASSPHRASE not in kept and json.loads(key.read_text())["sealed"] not in kept

        await wang.go(f"/b/{wang.desk.tender}/seal")
        await wang.trust()
        await wang.fill(key, offer)
        await wang.page.fill("#phrase", "")
        await wang.page.click("#seal")
        await wang.stands("Uploaded, not handed in yet")

        # without the passkey what was kept is of no use
        await devtools.send("WebAuthn.clearCredentials", {"authenticatorId": second})
        await wang.go("/b")
        await wang.page.evaluate(
            "navigator.storage.getDirectory().then((one) => one.removeEntry('sealed', {recursive: true}))"
        )
        await wang.go(f"/b/{wang.desk.tender}/seal")
        await wang.fill(key, offer)
        await wang.page.fill("#phrase", "")
        await wang.page.click("#seal")
        await wang.page.wait_for_selector("#wrong:not([hidden])", timeout=DONE)
        assert "K-PRF" in await wang.page.inner_text("#wrong")
        await wang.page.fill("#phrase", PASSPHRASE)  # the control: the file is what it was
        await wang.page.click("#seal")
        await wang.stands("Uploaded, not handed in yet")
