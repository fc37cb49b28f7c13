"""A passkey in Chromium's own authenticator: made on the real page, used on the real page, and of no use to a look-alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, CDPSession, Page

from audit.act import pool
from tests.browser.chromium import chromium
from tests.browser.office import DONE
from tests.browser.wire import served
from tests.security.browsers import Clock, invite
from tests.trading.town import Town, town
from trading.settings import Settings
from trading.signin import Door

AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
"""A laptop with a fingerprint."""


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


@asynccontextmanager
async def at_home(place: Town) -> AsyncIterator[tuple[str, Browser]]:
    """The platform at the address its settings name, `localhost`: a passkey belongs to a host, and to no number."""
    async with served(place.app) as (address, _, _), chromium() as browser:
        port = urlsplit(address).port
        place.app.state.door = Door(place.settings.model_copy(update={"port": port, "host": "127.0.0.1"}))
        yield f"http://localhost:{port}", browser


async def with_fingerprint(browser: Browser) -> tuple[Page, CDPSession, str]:
    page = await (await browser.new_context(locale="en")).new_page()
    wire = await page.context.new_cdp_session(page)
    await wire.send("WebAuthn.enable")
    made = await wire.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return page, wire, made["authenticatorId"]


async def held(wire: CDPSession, key: str) -> list[dict[str, Any]]:
    return list((await wire.send("WebAuthn.getCredentials", {"authenticatorId": key}))["credentials"])


async def arrives(page: Page, path: str) -> None:
    """Until the browser is there; an address that only leads there does not count."""
    await page.wait_for_url(lambda url: urlsplit(url).path == path, timeout=DONE)


async def press(page: Page, kind: str) -> None:
    await page.click(f"form[data-passkey={kind}] button")


async def test_li_makes_a_passkey_signs_out_and_comes_back_with_it_alone(place: Town, tmp_path: Path) -> None:
    Clock(place)
    _, code = await invite(place, "li", "bidder")
    async with at_home(place) as (address, browser):
        page, wire, key = await with_fingerprint(browser)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{address}/invited/{code}?lang=en")
        await press(page, "make")
        await arrives(page, "/me")
        [made] = await held(wire, key)
        assert made["rpId"] == "localhost" and made["isResidentCredential"]
        assert "li公司" in await page.inner_text("main") and "Passkey" in await page.inner_text("#credentials ~ ul")

        await press(page, "make")  # the same authenticator again: the page says so, and nothing is added
        known = str(await page.get_attribute("form[data-passkey]", "data-known"))
        await page.wait_for_selector(f"form[data-passkey] [role=status]:text-is('{known}')", timeout=DONE)
        assert len(await held(wire, key)) == 1

        await page.goto(f"{address}/signout?lang=en")
        await page.click("main form button")
        await page.goto(f"{address}/b/key?lang=en")  # asked who it is, and led back to where it wanted to go
        assert "/signin" in page.url
        await press(page, "use")
        await arrives(page, "/b/key")
        assert (await held(wire, key))[0]["signCount"] > made["signCount"]
        await page.goto(f"{address}/signin/again?next=/me/password&lang=en")
        await press(page, "use")
        await arrives(page, "/me/password")
        assert await pool().fetchval("SELECT count(*) FROM trading_credential") == 1 and complaints == []


async def test_a_passkey_of_nobody_here_and_of_somebody_elses_finger_does_not_let_in(
    place: Town, tmp_path: Path
) -> None:
    Clock(place)
    _, code = await invite(place, "li", "bidder")
    async with at_home(place) as (address, browser):
        page, wire, key = await with_fingerprint(browser)
        await page.goto(f"{address}/invited/{code}?lang=en")
        await press(page, "make")
        await arrives(page, "/me")
        [made] = await held(wire, key)
        await page.goto(f"{address}/signout?lang=en")
        await page.click("main form button")

        async def refused() -> str:
            await page.goto(f"{address}/signin?lang=en")
            before = await page.get_attribute("form[data-passkey]", "data-waiting")
            await press(page, "use")
            await page.wait_for_function(
                "(said) => !['', said].includes(document.querySelector('form[data-passkey] [role=status]').textContent)",
                arg=before,
            )
            assert "/signin" in page.url
            return str(await page.inner_text("form[data-passkey] [role=status]"))

        await wire.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
        assert await refused()
        await wire.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": True})
        await wire.send("WebAuthn.clearCredentials", {"authenticatorId": key})
        stranger = {**made, "privateKey": other_key(), "signCount": 9}  # it has the name, not the key
        await wire.send("WebAuthn.addCredential", {"authenticatorId": key, "credential": stranger})
        assert await refused()
        await wire.send("WebAuthn.clearCredentials", {"authenticatorId": key})
        await wire.send("WebAuthn.addCredential", {"authenticatorId": key, "credential": {**made, "signCount": 9}})
        await page.goto(f"{address}/signin?lang=en")  # the control: the key itself
        await press(page, "use")
        await arrives(page, "/me")


def other_key() -> str:
    """A fresh private key as Chromium takes it."""
    from base64 import b64encode

    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import ec

    made = ec.generate_private_key(ec.SECP256R1())
    return b64encode(made.private_bytes(s.Encoding.DER, s.PrivateFormat.PKCS8, s.NoEncryption())).decode()


async def test_without_webauthn_nothing_is_offered_that_could_not_work(place: Town, tmp_path: Path) -> None:
    async with at_home(place) as (address, browser):
        page = await browser.new_page()
        await page.goto(f"{address}/signin?lang=en")
        assert await page.is_visible("form[data-passkey]")  # the control
        await page.add_init_script("delete window.PublicKeyCredential")
        await page.goto(f"{address}/signin?lang=en")
        assert not await page.is_visible("form[data-passkey]") and await page.is_visible("#login")
