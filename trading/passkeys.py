"""Passkeys (WebAuthn): what a browser is asked, and what its answer proves. Pure but for the library's randomness.

A passkey counts as both factors: it must say that its user was verified (PIN, fingerprint, face), so possession and
knowledge or biometry. Discoverable, so that nobody types a name; no attestation is asked for: which maker's it is is its
owner's business.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from audit.refusal import Refused

WITHIN = 300.0
"""Machine seconds in which a challenge is answered."""


@dataclass(frozen=True)
class Site:
    """Where passkeys are made and used: the host they belong to, what people call it, the origin that may ask."""

    rp: str
    name: str
    origin: str


@dataclass(frozen=True)
class Made:
    """A passkey as it is kept."""

    id: bytes
    key: bytes
    count: int


def to_make(site: Site, *, user: bytes, login: str, have: Sequence[bytes], challenge: bytes) -> dict[str, Any]:
    """What `navigator.credentials.create` is given, as JSON."""
    options = webauthn.generate_registration_options(
        rp_id=site.rp,
        rp_name=site.name,
        user_name=login,
        user_id=user,
        challenge=challenge,
        timeout=int(WITHIN * 1000),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in have],
    )
    return dict(json.loads(webauthn.options_to_json(options)))


def to_use(site: Site, *, challenge: bytes, have: Sequence[bytes] = ()) -> dict[str, Any]:
    """What `navigator.credentials.get` is given; without `have`, whichever passkey of this site the browser holds."""
    options = webauthn.generate_authentication_options(
        rp_id=site.rp,
        challenge=challenge,
        timeout=int(WITHIN * 1000),
        user_verification=UserVerificationRequirement.REQUIRED,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in have],
    )
    return dict(json.loads(webauthn.options_to_json(options)))


def made(site: Site, answer: dict[str, Any], challenge: bytes) -> Made:
    """The passkey an answer to `to_make` brings. Refused: T-PASSKEY."""
    try:
        found = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except _WRONG:
        raise Refused("T-PASSKEY") from None
    return Made(found.credential_id, found.credential_public_key, found.sign_count)


def used(site: Site, answer: dict[str, Any], challenge: bytes, key: bytes, count: int) -> int:
    """The new count of signatures, if this key answered this challenge and its count has not gone back (a copy of it
    elsewhere). Refused: T-PASSKEY."""
    try:
        found = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp,
            expected_origin=site.origin,
            credential_public_key=key,
            credential_current_sign_count=count,
            require_user_verification=True,
        )
    except _WRONG:
        raise Refused("T-PASSKEY") from None
    return int(found.new_sign_count)


_WRONG = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""What the library raises for an answer that proves nothing, or that is none: it comes from a stranger."""


def read(answer: Any) -> tuple[bytes, bytes]:
    """Which passkey an answer says it is of, and the challenge it says it answers. Refused: T-PASSKEY."""
    try:
        client = json.loads(webauthn.base64url_to_bytes(answer["response"]["clientDataJSON"]))
        return webauthn.base64url_to_bytes(answer["rawId"]), webauthn.base64url_to_bytes(client["challenge"])
    except _WRONG:
        raise Refused("T-PASSKEY") from None
