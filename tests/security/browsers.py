"""A browser with a cookie jar that fills in forms, a code generator and a passkey: nothing of the platform's own code.

Forms are filled in as they stand on the page: hidden fields with them, so a form that forgot its token fails here.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from html.parser import HTMLParser
from typing import Any

import cbor2
import httpx
import pyotp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.trading.town import Town

SITE = "http://127.0.0.1:8000"


class Forms(HTMLParser):
    """The forms of a page: action → fields; and what it says in plain text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[tuple[dict[str, str | None], dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append((given, {}))
        elif tag == "input" and self.forms and given.get("name"):
            if given.get("type") == "radio" and "checked" not in given:
                return
            self.forms[-1][1][str(given["name"])] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, action: str) -> dict[str, str]:
        for attributes, fields in self.forms:
            if action in (attributes.get("action"), attributes.get("data-options")):
                return dict(fields)
        raise AssertionError(f"no form for {action}: {[a for a, _ in self.forms]}")


class Browser:
    """One browser at one address."""

    def __init__(self, town: Town, address: str = "198.51.100.7", lang: str = "en") -> None:
        transport = httpx.ASGITransport(app=town.app, client=(address, 50_000))
        self.http = httpx.AsyncClient(
            transport=transport, base_url=SITE, headers={"Accept-Language": lang, "User-Agent": "Test/1"}
        )
        self.page = ""
        self.shown: httpx.Response | None = None
        self.answer: httpx.Response

    async def get(self, path: str, status: int = 200) -> Forms:
        """Read a page; redirects are followed."""
        self.answer = await self.http.get(path, follow_redirects=True)
        assert self.answer.status_code == status, (path, self.answer.status_code, self.answer.text[:2000])
        self.page, self.shown = self.answer.text, self.answer
        return Forms(self.page)

    async def submit(self, action: str, status: int = 303, **typed: str) -> httpx.Response:
        """Fill in the form on the page in front of one and send it; then read what it leads to."""
        fields = {**Forms(self.page).of(action), **typed}
        self.answer = await self.post(action, fields)
        assert self.answer.status_code == status, (
            action,
            self.answer.status_code,
            Forms(self.answer.text).text[-1500:],
        )
        answer = self.answer
        if status == 303:
            await self.get(answer.headers["location"])
        else:
            self.page, self.shown = answer.text, answer
        return answer

    async def post(self, path: str, fields: dict[str, str], **more: Any) -> httpx.Response:
        """A form as a browser sends it from a page of this site."""
        shy = self.shown is not None and self.shown.headers.get("referrer-policy") == "no-referrer"
        origin = "null" if shy else SITE  # as the Fetch standard has it
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin", **more.pop("headers", {})}
        return await self.http.post(path, data=fields, headers=headers, **more)

    async def ask(self, path: str, token: str, body: Any) -> httpx.Response:
        """What a script of the page sends."""
        headers = {"Origin": SITE, "Sec-Fetch-Site": "same-origin", "X-Form-Token": token}
        return await self.http.post(path, json=body, headers=headers)

    @property
    def token(self) -> str:
        """The form token of the page in front of one."""
        return next(fields["form_token"] for _, fields in Forms(self.page).forms if "form_token" in fields)

    async def passkey(self, key: Passkey, options: str, answer: str, status: int, **more: str) -> httpx.Response:
        """What passkey.js does with a form of the page."""
        fields = Forms(self.page).of(options)
        asked = await self.ask(options, fields["form_token"], more)
        assert asked.status_code == 200, asked.text
        signed = key.make(asked.json()) if "rp" in asked.json() else key.use(asked.json())
        got = await self.ask(answer, fields["form_token"], {**signed, **more})
        assert got.status_code == status, (got.status_code, got.text)
        return got

    @property
    def session(self) -> str:
        """The session's cookie."""
        return self.http.cookies.get("session") or ""


def b64u(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Passkey:
    """An authenticator in software (WebAuthn level 3, attestation none, ES256); `verified`: it asked for its PIN."""

    def __init__(self, origin: str = "http://localhost:8000", verified: bool = True) -> None:
        self.origin, self.verified = origin, verified
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.count = 0
        self.rp = ""

    def _data(self, attested: bool) -> bytes:
        self.count += 1
        flags = 0x01 | (0x04 if self.verified else 0) | (0x40 if attested else 0)
        return hashlib.sha256(self.rp.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        self.rp = options["rp"]["id"]
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        data = self._data(True) + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        client = self._client("webauthn.create", options["challenge"])
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"clientDataJSON": b64u(client), "attestationObject": b64u(attestation)}
        return {"id": b64u(self.id), "rawId": b64u(self.id), "type": "public-key", "response": response}

    def use(self, options: dict[str, Any]) -> dict[str, Any]:
        data, client = self._data(False), self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": b64u(client), "authenticatorData": b64u(data), "signature": b64u(signature),
            "userHandle": None,
        }  # fmt: skip
        return {"id": b64u(self.id), "rawId": b64u(self.id), "type": "public-key", "response": response}


class Generator:
    """A code generator that never shows a used code twice: it waits, in tests by asking for the next step."""

    def __init__(self, page: str) -> None:
        import re

        found = re.search(r'<p class="mono">([A-Z2-7 ]+)</p>', page)
        assert found, "no secret on the page"
        self.secret = found[1].replace(" ", "")
        self.totp = pyotp.TOTP(self.secret)

    def code(self, moment: float) -> str:
        return self.totp.at(int(moment))


class Clock:
    """The clock of the door's code generators: pushed one step on for each code, as people wait for the next one."""

    def __init__(self, town: Town) -> None:
        import time

        self.now = time.time()
        town.app.state.door.now = lambda: self.now

    def __call__(self) -> float:
        self.now += 30
        return self.now


PASSWORD = "四月的风吹过赣江两岸的田"


async def invite(town: Town, name: str, role: str) -> tuple[str, str]:
    """Enrol somebody and invite them; the person's id and the code."""
    await town.enrol(name, role)
    return await code_of(town, name)


async def code_of(town: Town, name: str) -> tuple[str, str]:
    person = (await town.call(name, "GET", "/whoami", 200))["person"]
    made = await town.call("sa", "POST", f"/people/{person}/invitation", 201)
    return person, made["code"]


async def come_in(
    town: Town, name: str, role: str, clock: Clock, address: str = "198.51.100.7"
) -> tuple[Browser, Generator]:
    """Enrolled, invited, in by password and code; the browser they sit at and their generator."""
    _, code = await invite(town, name, role)
    browser = Browser(town, address)
    await browser.get(f"/invited/{code}")
    generator = Generator(browser.page)
    await browser.submit(
        "/invited/password", login=f"{name}@example.cn", password=PASSWORD, typed=generator.code(clock())
    )
    assert browser.answer.url.path == "/me"
    return browser, generator


async def sign_in(browser: Browser, name: str, generator: Generator, clock: Clock) -> None:
    await browser.get("/signin")
    await browser.submit("/signin", login=f"{name}@example.cn", password=PASSWORD)
    await browser.submit("/signin/second", code=generator.code(clock()))
    assert browser.answer.url.path == "/me"
