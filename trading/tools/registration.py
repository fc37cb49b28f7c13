"""A bidder's key and what vouches for it: `trading.bidder-key/v1`, envelope.md §5."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from audit.canon import b64, canon, unb64
from audit.refusal import Refused
from audit.trust import BadSignature, CertSigner, Ed25519Signer, ES256Signer, Signer, verify_signatures
from bidding.registrations import REGISTRATION, write_registration
from bidding.registrations import Registration as Made

Registration = tuple[bytes, list[dict[str, Any]]]


def signed(registration: bytes, *signers: Signer) -> list[dict[str, Any]]:
    """The signatures under it: the new key's, then that of whatever `by` names."""
    return [signer.sign(REGISTRATION + registration) for signer in signers]


def by_nobody(origin: str, bidder: str, signer: Signer) -> Registration:
    """A key that stands for itself: good for a notice that names the bidder in `unvouched`, or until one vouches."""
    registration = write_registration(origin=origin, bidder=bidder, alg=signer.alg, key=signer.key)
    return registration, signed(registration, signer)


def by_earlier_key(origin: str, bidder: str, signer: Signer, earlier: Signer) -> Registration:
    """A new key that an earlier key of the same bidder vouches for."""
    registration = write_registration(origin=origin, bidder=bidder, alg=signer.alg, key=signer.key, by_key=earlier.key)
    return registration, signed(registration, signer, earlier)


def by_authority(origin: str, bidder: str, signer: Signer, authority: str, authority_signer: Signer) -> Registration:
    """A key that an authority of `parties.txt` vouches for."""
    registration = write_registration(
        origin=origin, bidder=bidder, alg=signer.alg, key=signer.key, by_authority=authority
    )
    return registration, signed(registration, signer, authority_signer)


def request_of(data: bytes, origin: str) -> tuple[Made, list[dict[str, Any]]]:
    """What a bidder's page saved to be countersigned: the registration and the new key's own signature, which holds.

    Raises Refused E-REGISTRATION, E-SIG.
    """
    try:
        value = json.loads(data)
        registration, sig = unb64(value["registration"]), [dict(one) for one in value["sig"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("E-REGISTRATION", why="unreadable") from error
    made = Made.parse(registration, nfc=True)
    if made.origin != origin:
        raise Refused("E-REGISTRATION", why=f"made for the log {made.origin}")
    try:
        signed = verify_signatures(sig, REGISTRATION + registration)
    except BadSignature as why:
        raise Refused("E-SIG", who=made.bidder, why=why.facts["why"]) from why
    if not any((one.alg, one.key) == (made.alg, made.key) for one in signed):
        raise Refused("E-REGISTRATION", why="not signed by the new key")
    return made, sig


def countersign(made: Made, sig: list[dict[str, Any]], authority: str, signer: Signer) -> bytes:
    """The request with the authority's signature. Raises Refused E-REGISTRATION where it names another."""
    if made.by_authority != authority:
        raise Refused("E-REGISTRATION", why=f"names {made.by_authority or 'nobody'}")
    return canon({"registration": b64(made.data), "sig": [*sig, *signed(made.data, signer)]})


def by_certificate(
    origin: str, bidder: str, signer: Signer, chain: Path, key: Path, passphrase: Callable[[], str]
) -> Registration:
    """A key that a certificate vouches for: PEM chain, leaf first, root last; the leaf's private key as PEM.

    Raises Refused("T-CERTIFICATE").
    """
    try:
        certificates = x509.load_pem_x509_certificates(chain.read_bytes())
        pem = key.read_bytes()
        secret = passphrase().encode() if b"ENCRYPTED" in pem else None
        private = serialization.load_pem_private_key(pem, secret)
    except (OSError, ValueError, TypeError) as error:
        raise Refused("T-CERTIFICATE", path=str(chain), why=str(error)) from error
    own: Ed25519Signer | ES256Signer
    if isinstance(private, ed25519.Ed25519PrivateKey):
        own = Ed25519Signer(private)
    elif isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        own = ES256Signer(private)
    else:
        raise Refused("T-CERTIFICATE", path=str(key), why="neither Ed25519 nor P-256")
    x5c = [one.public_bytes(serialization.Encoding.DER) for one in certificates]
    registration = write_registration(origin=origin, bidder=bidder, alg=signer.alg, key=signer.key, by_x5c=x5c)
    return registration, signed(registration, signer, CertSigner(own, x5c))
