"""A bidder's key and what vouches for it: `trading.bidder-key/v1`, envelope.md §5."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from audit.refusal import Refused
from audit.trust import CertSigner, Ed25519Signer, ES256Signer, Signer
from bidding.registrations import REGISTRATION, write_registration

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
