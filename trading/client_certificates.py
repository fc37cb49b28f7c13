"""Client certificates: what a TLS terminator hands over, whether one of our CAs stands behind it, whose it is. Pure.

The terminator has proved, in the handshake, that whoever asks holds the key; we check the chain and the dates ourselves.
That a card asked for its PIN is nobody's to prove from here, so a certificate takes the place of a code, not of both
factors. Nothing is asked about revocation: whoever loses a card ends it here, at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from audit.refusal import Refused

LARGEST = 16 * 1024


def read_cas(path: Path) -> tuple[x509.Certificate, ...]:
    """The CAs of a PEM file. Refused: T-CLIENT-CA."""
    try:
        found = tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        raise Refused("T-CLIENT-CA", path=str(path)) from None
    return found


def read_header(value: str) -> x509.Certificate:
    """The certificate a header carries, percent-encoded PEM. Refused: T-CLIENT-CERT."""
    try:
        if len(value) > LARGEST:
            raise ValueError
        return x509.load_pem_x509_certificate(unquote_to_bytes(value))
    except ValueError:
        raise Refused("T-CLIENT-CERT", why="unreadable") from None


def check(certificate: x509.Certificate, cas: Sequence[x509.Certificate], now: datetime) -> bytes:
    """Its SHA-256, if one of the CAs issued it, both are in force and it may be a client's. Refused: T-CLIENT-CERT."""
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Refused("T-CLIENT-CERT", why="dates")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
            raise Refused("T-CLIENT-CERT", why="usage")
    except x509.ExtensionNotFound:
        pass
    except ValueError:
        raise Refused("T-CLIENT-CERT", why="unreadable") from None
    for ca in cas:
        if not _is_ca(ca) or not ca.not_valid_before_utc <= now <= ca.not_valid_after_utc:
            continue
        try:
            certificate.verify_directly_issued_by(ca)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return fingerprint(certificate)
    raise Refused("T-CLIENT-CERT", why="issuer")


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of its DER."""
    return certificate.fingerprint(hashes.SHA256())


def told(certificate: x509.Certificate) -> str:
    """What its owner recognises it by: the last digits of its serial number."""
    return f"{certificate.serial_number:X}"[-8:]
