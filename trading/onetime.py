"""Codes of a code generator (RFC 6238) and their secrets at rest. Pure.

Six digits of thirty seconds, one step to either side. A step that was used is over: whoever looked over a shoulder has
nothing. The secret must be readable to be checked, so it lies sealed under a key made from the pepper.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.refusal import Broken

STEP, DIGITS, WINDOW = 30, 6, 1
_SEAL = b"trading/totp/v1"


def new_secret() -> str:
    """160 bits, base32, as a code generator wants them typed."""
    return pyotp.random_base32()


def uri(secret: str, login: str, issuer: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP, name=login, issuer=issuer).provisioning_uri()


def code_at(secret: str, moment: float) -> str:
    """The code of an instant (Unix seconds): for tests, the command line and demonstrations."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP).generate_otp(int(moment) // STEP)


def step_of(secret: str, code: str, moment: float, last: int = -1) -> int | None:
    """The step whose code this is, at most one away from now and after the last one used; None: it is none of them.

    All three are compared, whichever it is.
    """
    typed = unicodedata.normalize("NFKC", code).replace(" ", "")
    now, found = int(moment) // STEP, None
    generator = pyotp.TOTP(secret, digits=DIGITS, interval=STEP)
    for step in range(now - WINDOW, now + WINDOW + 1):
        same = hmac.compare_digest(generator.generate_otp(step).encode(), typed.encode())
        if same and step > last and step >= 0:
            found = step
    return found


def seal(secret: str, key: bytes, owner: str) -> bytes:
    """The secret as it rests, for this account alone."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, secret.encode(), _SEAL + owner.encode())


def unseal(sealed: bytes, key: bytes, owner: str) -> str:
    """The secret again. Broken: B-TOTP (another pepper, or somebody else's row)."""
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], _SEAL + owner.encode()).decode()
    except (InvalidTag, ValueError):
        raise Broken("B-TOTP") from None
