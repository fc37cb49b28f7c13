"""Signing in as people do it: invited, by password and code, by passkey, by certificate; and what may not work."""

from __future__ import annotations

from tests.security.browsers import Browser, Clock, Passkey, come_in, invite, sign_in
from tests.trading.town import Town


async def test_wang_is_invited_chooses_his_ways_and_comes_back(place: Town) -> None:
    clock = Clock(place)
    browser, generator = await come_in(place, "wang", "bidder", clock)
    assert "wang公司" in browser.page and "Bidder" in browser.page
    await browser.submit("/signout", status=200)
    assert "You are signed out" in browser.page and not browser.session
    await browser.get("/me")
    assert browser.answer.url.path == "/signin"
    await sign_in(browser, "wang", generator, clock)


async def test_li_comes_in_by_a_passkey_alone_and_adds_another(place: Town) -> None:
    Clock(place)
    _, code = await invite(place, "li", "bidder")
    browser, key = Browser(place), Passkey()
    await browser.get(f"/invited/{code}")
    await browser.passkey(key, "/invited/passkey/options", "/invited/passkey", 201, code=code)
    await browser.get("/me")
    await browser.passkey(Passkey(), "/me/passkeys/options", "/me/passkeys", 201)
    elsewhere = Browser(place, "203.0.113.9")
    await elsewhere.get("/signin")
    await elsewhere.passkey(key, "/signin/passkey/options", "/signin/passkey", 200)
    page = await elsewhere.get("/me")
    assert page.text.count("Passkey") >= 2 and "li公司" in page.text


async def test_a_visitor_plays_somebody_with_one_click_in_a_demonstration_alone(place: Town) -> None:
    """The seam for the guided demonstration: no credential is made, and outside a `demo.` log there is no such thing."""
    import pytest

    from audit.act import pool
    from audit.refusal import Refused
    from trading import invitations, sessions

    await place.enrol("wang", "bidder")
    person = (await place.call("wang", "GET", "/whoami", 200))["person"]
    with pytest.raises(Refused, match="T-PERSON"):
        await sessions.open_(place.settings, person, "bidder", "demo")
    assert await invitations.stand_in(place.settings, person) == await invitations.stand_in(place.settings, person)
    opened = await sessions.open_(place.settings, person, "bidder", "demo")
    browser = Browser(place)
    browser.http.cookies.set("session", opened.secret, domain="127.0.0.1")
    assert "demonstration" in (await browser.get("/me")).text
    assert await pool().fetchval("SELECT count(*) FROM trading_credential") == 0
    with pytest.raises(Refused, match="T-ROLE"):
        await sessions.open_(place.settings, person, "supervisor", "demo")
    with pytest.raises(Refused, match="W-UNKNOWN"):
        await invitations.stand_in(place.settings.model_copy(update={"origin": "trade.example/log"}), person)
