"""Where a request comes from: the address behind a proxy that is trusted, the page in the browser, the certificate.

A header says what whoever sent it likes; it is believed when the connection itself comes from one of `trusted_proxies`.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from cryptography import x509
from starlette.requests import Request

from audit.refusal import Refused
from trading import client_certificates
from trading.settings import Settings

SAFE = frozenset({"GET", "HEAD"})
TOKEN = "x-form-token"
"""The header, and `form_token` the field, in which a page says that it is one of ours."""


def address(request: Request, settings: Settings) -> str:
    """The network address of whoever asks."""
    peer = request.client.host if request.client else ""
    if peer in settings.trusted_proxies:
        forwarded = request.headers.get("x-forwarded-for", "")
        return forwarded.rpartition(",")[2].strip() or peer
    return peer


def certificate(request: Request, settings: Settings) -> x509.Certificate | None:
    """The client certificate of this connection; None: there is none, or nobody we trust says so. Refused: T-CLIENT-CERT."""
    peer = request.client.host if request.client else ""
    if not settings.client_cert_header or peer not in settings.trusted_proxies:
        return None
    value = request.headers.get(settings.client_cert_header, "")
    return client_certificates.read_header(value) if value else None


def check_page(request: Request, settings: Settings, expected: str, given: str) -> None:
    """A request that a cookie speaks for and that changes something comes from a page of ours (ASVS 3.5.1): the browser says
    so, and the page carries the token of this session. Refused: W-FORGED.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        raise Refused("W-FORGED")
    if site is not None and site != "same-origin":
        raise Refused("W-FORGED")
    if origin is not None and origin not in _ours(request, settings):
        raise Refused("W-FORGED")
    if not expected or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise Refused("W-FORGED")


def _ours(request: Request, settings: Settings) -> tuple[str, ...]:
    base = urlsplit(settings.base_url)
    ours: tuple[str, ...] = (f"{base.scheme}://{base.netloc}",)
    if settings.local and not settings.https:  # 127.0.0.1, localhost, a forwarded port: whatever it was called by
        ours += (f"http://{request.headers.get('host', '')}",)
    return ours
