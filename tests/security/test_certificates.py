"""Client certificates: believed from a proxy we trust, of a CA we trust, in the place of a code and of nothing more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from audit.refusal import Refused
from tests.security.browsers import PASSWORD, Browser, Clock, come_in
from tests.trading.town import Town
from trading import client_certificates

NOW = datetime.now(UTC)
PROXY, HEADER = "192.0.2.80", "x-client-cert"


class Authority:
    """A CA and what it issues."""

    def __init__(self, name: str = "CA", ca: bool = True, since: datetime = NOW - timedelta(days=1)) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._make(self.name, self.key.public_key(), since, ca=ca)

    def _make(self, name: x509.Name, key: ec.EllipticCurvePublicKey, since: datetime, ca: bool, client: bool = True,
              days: int = 30) -> x509.Certificate:  # fmt: skip
        builder = (
            x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key)
            .serial_number(x509.random_serial_number()).not_valid_before(since)
            .not_valid_after(since + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )  # fmt: skip
        if not ca:
            usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name: str, since: datetime = NOW - timedelta(days=1), client: bool = True) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._make(subject, key, since, ca=False, client=client)


def pem(certificate: x509.Certificate) -> str:
    return quote(certificate.public_bytes(serialization.Encoding.PEM).decode())


def test_asvs_12_1_3_a_chain_that_holds_and_those_that_do_not() -> None:
    ours, other, leaf_as_ca = Authority(), Authority(), Authority("no CA", ca=False)
    good = ours.issue("wang")
    assert client_certificates.check(good, [other.certificate, ours.certificate], NOW) == good.fingerprint(
        hashes.SHA256()
    )
    assert client_certificates.read_header(pem(good)) == good
    for wrong, cas, why in (
        (good, [other.certificate], "issuer"),
        (good, [], "issuer"),
        (leaf_as_ca.issue("wang"), [leaf_as_ca.certificate], "issuer"),
        (ours.issue("wang", since=NOW - timedelta(days=60)), [ours.certificate], "dates"),
        (ours.issue("wang", since=NOW + timedelta(days=1)), [ours.certificate], "dates"),
        (ours.issue("wang", client=False), [ours.certificate], "usage"),
    ):
        with pytest.raises(Refused) as no:
            client_certificates.check(wrong, cas, NOW)
        assert (no.value.code, no.value.facts["why"]) == ("T-CLIENT-CERT", why)
    for text in ("", "nonsense", "%", "A" * 20_000):
        with pytest.raises(Refused, match="T-CLIENT-CERT"):
            client_certificates.read_header(text)


async def test_a_certificate_takes_the_place_of_a_code_through_a_proxy_we_trust(place: Town, tmp_path: Path) -> None:
    clock, authority = Clock(place), Authority()
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    more = {"client_ca": ca, "client_cert_header": HEADER, "trusted_proxies": (PROXY,)}
    settings = place.settings.model_copy(update=more)
    place.settings = settings
    from trading.web.app import create_app

    place.app = create_app(settings, connected=True)
    async with place.app.router.lifespan_context(place.app):
        clock = Clock(place)
        place.clients.clear()
        mine, hers = pem(authority.issue("wang")), pem(authority.issue("li"))
        browser, _ = await come_in(place, "wang", "bidder", clock, PROXY)
        browser.http.headers[HEADER] = mine
        await browser.get("/me")
        await browser.submit("/me/certificates")
        await browser.submit("/signout", status=200)
        await browser.get("/signin")
        await browser.submit("/signin", login="wang@example.cn", password=PASSWORD)
        assert "serial number ends in" in browser.page
        token = browser.token
        for header, address in ((hers, PROXY), (mine, "203.0.113.9"), ("", PROXY)):
            thief = Browser(place, address)
            thief.http.cookies.update(browser.http.cookies)
            thief.http.headers[HEADER] = header
            answer = await thief.post("/signin/second", {"certificate": "1", "form_token": token})
            assert answer.status_code == 401, (header[:20], address)
        fields = {"certificate": "1", "form_token": token}
        assert (await browser.post("/signin/second", fields)).status_code == 303
        # Proved again by certificate and password together, by neither alone.
        await browser.get("/signin/again")
        for typed, status in (("", 401), ("wrong wrong wrong", 401), (PASSWORD, 303)):
            fields = {"certificate": "1", "password": typed, "form_token": browser.token}
            assert (await browser.post("/signin/again", fields)).status_code == status


async def test_asvs_4_1_3_a_forwarded_address_is_believed_from_a_trusted_proxy_alone(place: Town) -> None:
    from starlette.requests import Request

    from trading.web import origin

    settings = place.settings.model_copy(update={"trusted_proxies": (PROXY,)})

    def of(peer: str, forwarded: str) -> str:
        headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
        scope = {"type": "http", "client": (peer, 1), "headers": headers}
        return origin.address(Request(scope), settings)

    assert of("203.0.113.9", "198.51.100.1") == "203.0.113.9"
    assert of(PROXY, "198.51.100.1") == "198.51.100.1"
    assert of(PROXY, "10.0.0.1, 198.51.100.1") == "198.51.100.1"  # what the visitor wrote himself stands before it
    assert of(PROXY, "") == PROXY
