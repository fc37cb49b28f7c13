"""Keys at rest: one small JSON file per key, opened by a passphrase.

The file says in clear whose key it is, of what kind and for which log, so that a person can tell files apart and a
tool can refuse the wrong one before it asks for a passphrase. That header is the associated data of the encryption:
whoever edits it makes the file unreadable. PBKDF2 and AES-GCM are what every browser has, so a page can open the
same file (envelope.md §2: the tool keeps `origin` beside the private key and refuses any other).

The dispatcher's vault key (experts/vault.py) lies in such a file too; it is no pair, so its `public` is its fingerprint.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from audit.canon import NotCanonical, b64, canon, parse, unb64
from audit.refusal import Refused
from experts.vault import KEY, fingerprint, new_key

Kind = Literal["identity", "bidder", "custodian"]
VAULT, VAULT_ALGORITHM = "vault", "AES256"
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
ITERATIONS = 600_000
"""PBKDF2-HMAC-SHA-512 rounds of a new file: what OWASP asks of it thrice over; old files keep their own number."""
MOST_ITERATIONS = 20_000_000
"""A file that asks for more would hang the tool that opens it."""


@dataclass(frozen=True)
class KeyFile:
    """A key that has been opened: whose it is, what for, in which log, and the private key itself."""

    kind: Kind
    id: str
    origin: str
    private: PrivateKey

    @property
    def algorithm(self) -> str:
        """`Ed25519` or `P256`."""
        return "Ed25519" if isinstance(self.private, ed25519.Ed25519PrivateKey) else "P256"

    @property
    def public(self) -> bytes:
        """32 bytes (Ed25519) or the 65-byte uncompressed point (P-256)."""
        return public_bytes(self.private)


def public_bytes(private: PrivateKey) -> bytes:
    """The raw public key: 32 bytes for Ed25519, the 65-byte uncompressed point for P-256."""
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.public_key().public_bytes_raw()
    return private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def generate(kind: Kind, *, algorithm: str = "") -> PrivateKey:
    """A fresh private key: P-256 for a custodian's box key (envelope.md §2), Ed25519 unless told for the others."""
    chosen = algorithm or ("P256" if kind == "custodian" else "Ed25519")
    if chosen == "P256":
        return ec.generate_private_key(ec.SECP256R1())
    if chosen == "Ed25519" and kind != "custodian":
        return ed25519.Ed25519PrivateKey.generate()
    raise Refused("K-ALGORITHM", algorithm=chosen, kind=kind)


def write(path: Path, key: KeyFile, passphrase: str, *, iterations: int = ITERATIONS) -> None:
    """Write a new key file (mode 0600). An existing file is never overwritten: a lost key cannot be made again.

    Raises `Refused("K-EXISTS")`, `Refused("K-PASSPHRASE-EMPTY")`.
    """
    about = {
        "kind": key.kind,
        "id": key.id,
        "origin": key.origin,
        "algorithm": key.algorithm,
        "public": b64(key.public),
    }
    _write(path, about, _raw(key.private), passphrase, iterations)


def new_vault(path: Path, id: str, origin: str, passphrase: str, *, iterations: int = ITERATIONS) -> str:
    """Make a vault key and write its file; its fingerprint. Raises as `write`."""
    key = new_key()
    about = {
        "kind": VAULT, "id": id, "origin": origin, "algorithm": VAULT_ALGORITHM,
        "public": b64(bytes.fromhex(fingerprint(key))),
    }  # fmt: skip
    _write(path, about, key, passphrase, iterations)
    return fingerprint(key)


def _write(path: Path, about: Mapping[str, str], raw: bytes, passphrase: str, iterations: int) -> None:
    if not passphrase:
        raise Refused("K-PASSPHRASE-EMPTY")
    header: dict[str, Any] = {
        "type": "trading.keyfile/v1",
        **about,
        "iterations": iterations,
        "salt": b64(os.urandom(16)),
        "nonce": b64(os.urandom(12)),
    }
    sealed = AESGCM(_stretch(passphrase, header)).encrypt(unb64(header["nonce"]), raw, canon(header))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused("K-EXISTS", path=str(path)) from None
    with os.fdopen(handle, "wb") as out:
        out.write(canon({**header, "sealed": b64(sealed)}))
        out.flush()
        os.fsync(out.fileno())


def peek(path: Path) -> Mapping[str, Any]:
    """What the file says of itself, without a passphrase. Raises `Refused("K-FILE")` if it is no key file."""
    try:
        content = parse(path.read_bytes())
    except FileNotFoundError:
        raise Refused("K-MISSING", path=str(path)) from None
    except (NotCanonical, OSError):
        raise Refused("K-FILE", path=str(path)) from None
    wanted = {"type", "kind", "id", "origin", "algorithm", "public", "iterations", "salt", "nonce", "sealed"}
    if not isinstance(content, dict) or set(content) != wanted or content["type"] != "trading.keyfile/v1":
        raise Refused("K-FILE", path=str(path))
    if not isinstance(content["iterations"], int) or not 1 <= content["iterations"] <= MOST_ITERATIONS:
        raise Refused("K-FILE", path=str(path))
    return content


def read(path: Path, passphrase: str, *, kind: Kind | None = None, origin: str | None = None) -> KeyFile:
    """Open a key file. Raises `Refused`: `K-FILE`, `K-KIND` (another kind of key), `K-ORIGIN` (made for another log),
    `K-PASSPHRASE` (wrong passphrase, or the file was altered)."""
    content = peek(path)
    if content["kind"] == VAULT or (kind is not None and content["kind"] != kind):
        raise Refused("K-KIND", path=str(path), kind=content["kind"], wanted=kind or "identity")
    raw = _open(path, content, passphrase, origin)
    private: PrivateKey
    if content["algorithm"] == "Ed25519":
        private = ed25519.Ed25519PrivateKey.from_private_bytes(raw)
    else:
        private = ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
    return KeyFile(content["kind"], content["id"], content["origin"], private)


def read_vault(path: Path, passphrase: str, *, origin: str | None = None) -> bytes:
    """The vault key of a file: 32 bytes, for `experts.vault.Vault` and nothing else. Raises as `read`."""
    content = peek(path)
    if content["kind"] != VAULT:
        raise Refused("K-KIND", path=str(path), kind=content["kind"], wanted=VAULT)
    key = _open(path, content, passphrase, origin)
    if len(key) != KEY or bytes.fromhex(fingerprint(key)) != unb64(content["public"]):
        raise Refused("K-FILE", path=str(path))
    return key


def _open(path: Path, content: Mapping[str, Any], passphrase: str, origin: str | None) -> bytes:
    if origin is not None and content["origin"] != origin:
        raise Refused("K-ORIGIN", path=str(path), origin=content["origin"], wanted=origin)
    header = {name: value for name, value in content.items() if name != "sealed"}
    try:
        return AESGCM(_stretch(passphrase, header)).decrypt(
            unb64(header["nonce"]), unb64(content["sealed"]), canon(header)
        )
    except (InvalidTag, ValueError, TypeError):
        raise Refused("K-PASSPHRASE", path=str(path)) from None


def _stretch(passphrase: str, header: Mapping[str, Any]) -> bytes:
    return PBKDF2HMAC(hashes.SHA512(), 32, unb64(header["salt"]), header["iterations"]).derive(passphrase.encode())


def _raw(private: PrivateKey) -> bytes:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.private_bytes_raw()
    return private.private_numbers().private_value.to_bytes(32, "big")
