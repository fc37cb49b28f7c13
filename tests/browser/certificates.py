"""A certificate authority, firms' certificates, and their files as people have them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from audit.canon import sha256_hex

NOW = datetime.now(UTC)
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


def _name(common: str, serial: str = "") -> x509.Name:
    given = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    return x509.Name([*given, *([x509.NameAttribute(NameOID.SERIAL_NUMBER, serial)] if serial else [])])


class Authority:
    """A root and one that it has put between."""

    def __init__(self, name: str = "江西CA") -> None:
        self.key, self.between = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
        self.root = self.issue(_name(name), self.key.public_key(), ca=True, by=(_name(name), self.key))
        self.middle = self.issue(
            _name(f"{name} 2"), self.between.public_key(), ca=True, by=(self.root.subject, self.key)
        )

    @property
    def digest(self) -> str:
        return sha256_hex(self.root.public_bytes(DER))

    def issue(
        self,
        subject: x509.Name,
        key: Any,
        *,
        ca: bool = False,
        by: Any = None,
        since: datetime = NOW - timedelta(days=1),
    ) -> x509.Certificate:
        issuer, signer = by or (self.middle.subject, self.between)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(since)
        builder = builder.not_valid_after(since + timedelta(days=365))
        return builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True).sign(
            signer, hashes.SHA256()
        )

    def firm(self, code: str, key: Any = None, **more: Any) -> tuple[Any, list[x509.Certificate]]:
        """A firm's key and its chain, leaf first."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        return key, [self.issue(_name("安和建设", code), key.public_key(), **more), self.middle, self.root]


def chain_file(chain: list[x509.Certificate], encoding: Any = PEM) -> bytes:
    return b"".join(one.public_bytes(encoding) for one in chain)


def key_file(key: Any, passphrase: str = "", *, old: bool = False, encoding: Any = PEM) -> bytes:
    """PKCS #8; `old`: EC PRIVATE KEY."""
    form = serialization.PrivateFormat.TraditionalOpenSSL if old else serialization.PrivateFormat.PKCS8
    lock: Any = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    data: bytes = key.private_bytes(encoding, form, lock)
    return data


def token(key: Any, data: bytes) -> bytes:
    """What a token gives back: DER of an ECDSA signature, or an Ed25519 one."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    signed: bytes = key.sign(data, ec.ECDSA(hashes.SHA256()))
    return signed
