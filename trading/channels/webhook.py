"""Standard Webhooks 1.0: a body signed with HMAC-SHA256 over its id, its time and itself.

Both ways: what we send to the centre's gateway, and what it sends to us.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from audit.refusal import Refused

SKEW: Final = 300.0
"""Machine seconds by which a message's time may be off (the specification's example)."""
PREFIX: Final = "whsec_"


def secret_bytes(secret: str) -> bytes:
    """The bytes of a `whsec_…` secret. Raises Refused("E-CHANNEL-SETTING") for what is none, or shorter than 24 bytes."""
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raw = b""
    if not 24 <= len(raw) <= 64:
        raise Refused("E-CHANNEL-SETTING", name="http_generic", setting="TRADING_GATEWAY_SECRET")
    return raw


def sign(secret: bytes, id: str, at: int, body: bytes) -> str:
    """The signature of one message: `v1,…`."""
    told = f"{id}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, told, sha256).digest()).decode()


def headers(secret: bytes, id: str, body: bytes, at: int | None = None) -> dict[str, str]:
    """The three headers of a message of ours."""
    at = int(time.time()) if at is None else at
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": sign(secret, id, at, body)}


def verify(secret: bytes, told: Mapping[str, str], body: bytes, now: float | None = None) -> str:
    """The id of a message that its sender signed. Raises Refused: E-CALLBACK-FORGED, E-CALLBACK-SKEW."""
    id, at, signatures = (told.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
    if not id or not at.isdecimal() or len(at) > 12:
        raise Refused("E-CALLBACK-FORGED")
    expected = sign(secret, id, int(at), body)
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures.split(" ")[:8]):
        raise Refused("E-CALLBACK-FORGED")
    if abs((time.time() if now is None else now) - int(at)) > SKEW:
        raise Refused("E-CALLBACK-SKEW")
    return id
