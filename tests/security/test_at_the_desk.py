"""What somebody who signed in does with the same API: a bidder's signing key (envelope.md §5), from a page, by a cookie."""

from __future__ import annotations

from audit.canon import b64
from audit.trust import Ed25519Signer
from bidding.registrations import REGISTRATION, write_registration
from tests.security.browsers import Clock, Passkey, come_in
from tests.trading.town import Town


async def test_wang_registers_his_signing_key_from_his_desk(place: Town) -> None:
    clock = Clock(place)
    browser, _ = await come_in(place, "wang", "bidder", clock)
    signer = Ed25519Signer.generate()
    data = write_registration(
        origin=place.settings.origin, bidder=place.codes["wang"], alg="EdDSA", key=signer.key, by_authority="A-SUP"
    )
    sig = [s.sign(REGISTRATION + data) for s in (signer, place.authority)]
    body = {"registration": b64(data), "sig": sig}
    assert (await browser.http.post("/api/v1/registrations", json=body)).status_code == 403
    made = await browser.ask("/api/v1/registrations", browser.token, body)
    assert made.status_code == 201, made.text
    [line] = (await browser.http.get("/api/v1/registrations")).json()["items"]
    assert line["type"].endswith("bidder-key-registered/v1")
    li, _ = await come_in(place, "li", "bidder", clock, "203.0.113.9")
    assert (await li.http.get("/api/v1/registrations")).json()["items"] == []  # hers, and nobody else's
    foreign = await li.ask("/api/v1/registrations", li.token, body)
    assert foreign.status_code >= 400  # nor does she register a key in his name
    supervisor, _ = await come_in(place, "su", "supervisor", clock, "203.0.113.10")
    assert (await supervisor.ask("/api/v1/registrations", supervisor.token, body)).status_code == 403


async def test_a_passkey_that_proves_nothing(place: Town) -> None:
    """Not verified by its user; of another site; a challenge used before; a copy whose count goes back; nobody's."""
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    key = Passkey()
    await browser.passkey(key, "/me/passkeys/options", "/me/passkeys", 201)
    token = browser.token
    for field, value in (("verified", False), ("origin", "https://evil.example"), ("count", 0), ("id", b"x" * 32)):
        right = getattr(key, field)
        if field == "count":
            options = (await browser.ask("/signin/again/passkey/options", token, {})).json()
            await browser.ask("/signin/again/passkey", token, key.use(options))
            await browser.get("/me")
            token = browser.token
        options = (await browser.ask("/signin/again/passkey/options", token, {})).json()
        setattr(key, field, value)
        refused = await browser.ask("/signin/again/passkey", token, key.use(options))
        assert (refused.status_code, refused.json()["code"]) == (401, "T-PASSKEY"), field
        setattr(key, field, max(right, 5) if field == "count" else right)
    options = (await browser.ask("/signin/again/passkey/options", token, {})).json()
    answer = key.use(options)
    assert (await browser.ask("/signin/again/passkey", token, answer)).status_code == 200
    await browser.get("/me")
    assert (
        await browser.ask("/signin/again/passkey", browser.token, answer)
    ).status_code == 401  # a challenge is used once
    li, _ = await come_in(place, "li", "bidder", Clock(place), "203.0.113.9")
    options = (await li.ask("/signin/again/passkey/options", li.token, {})).json()
    assert (
        await li.ask("/signin/again/passkey", li.token, key.use(options))
    ).status_code == 401  # his does not prove her
