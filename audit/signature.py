"""Signature records and the keys under them: envelope.md §1; certificate chains: §5.

``{"alg","key","sig"}`` or ``{"alg","x5c","sig"}``; a ``sig`` field is a non-empty array of them and all must verify.
Libraries differ on Ed25519 keys that are not canonical or have small order, and on such points R in signatures: both
are refused here, so that every verifier gives the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from audit.canon import NotCanonical, b64, canon, exact, sha256, sha256_hex, unb64
from audit.refusal import Broken

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_N256: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CHAIN: Final = 8  # certificates in a chain


class BadSignature(Broken, ValueError):
    """A key or signature that does not hold (``E-SIG``); the fact ``why`` is a word for the log."""

    def __init__(self, why: str) -> None:
        super().__init__("E-SIG", why=why)


@dataclass(frozen=True)
class SignedBy:
    """Whose signature verified: the raw key, and the chain (DER, leaf first) it came in, if it did."""

    alg: str
    key: bytes
    x5c: tuple[bytes, ...] = ()


class Signer(Protocol):
    """Whatever makes signature records."""

    alg: str
    key: bytes

    def sign(self, message: bytes) -> dict[str, Any]: ...


class Ed25519Signer:
    """EdDSA under a raw key. ``raw`` is the bare 64 bytes, as notes carry them."""

    alg = "EdDSA"

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private
        self.key = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @classmethod
    def generate(cls) -> Ed25519Signer:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Ed25519Signer:
        """From the 32-byte secret of RFC 8032."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def raw(self, message: bytes) -> bytes:
        return self.private.sign(message)

    def sign(self, message: bytes) -> dict[str, Any]:
        return {"alg": self.alg, "key": b64(self.key), "sig": b64(self.raw(message))}


class ES256Signer:
    """ECDSA on P-256 with SHA-256; key 65-byte point, signature raw r||s."""

    alg = "ES256"

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self.private = private
        self.key = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @classmethod
    def generate(cls) -> ES256Signer:
        return cls(ec.generate_private_key(ec.SECP256R1()))

    def raw(self, message: bytes) -> bytes:
        r, s = utils.decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def sign(self, message: bytes) -> dict[str, Any]:
        return {"alg": self.alg, "key": b64(self.key), "sig": b64(self.raw(message))}


class CertSigner:
    """Signs under a certificate: the record carries the chain (DER, leaf first, root included)."""

    def __init__(self, signer: Ed25519Signer | ES256Signer, x5c: Sequence[bytes]) -> None:
        self.signer = signer
        self.alg = signer.alg
        self.key = signer.key
        self.x5c = tuple(x5c)

    def sign(self, message: bytes) -> dict[str, Any]:
        return {"alg": self.alg, "sig": b64(self.signer.raw(message)), "x5c": [b64(der) for der in self.x5c]}


# ------------------------------------------------------------------------------------------------------------ keys


def check_key(alg: str, key: bytes) -> None:
    """Raises BadSignature unless ``key`` may stand under ``alg``: EdDSA a canonical point not of small order, ES256
    an uncompressed point on P-256."""
    if alg == "EdDSA":
        if not _sound_point(bytes(key)):
            raise BadSignature("key")
    elif alg == "ES256":
        _p256(bytes(key))
    else:
        raise BadSignature("alg")


@lru_cache(maxsize=4096)
def _p256(key: bytes) -> ec.EllipticCurvePublicKey:
    if len(key) != 65 or key[0] != 4:
        raise BadSignature("key")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    except ValueError:
        raise BadSignature("key") from None


@lru_cache(maxsize=4096)
def _sound_point(data: bytes) -> bool:
    """Whether these 32 bytes are the canonical encoding of a point of edwards25519 whose order does not divide 8."""
    if len(data) != 32:
        return False
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        return False
    yy = y * y % _P
    xx = (yy - 1) * pow(_D * yy + 1, -1, _P) % _P
    # RFC 8032 §5.1.3: the candidate root, corrected by sqrt(-1) where its square has the other sign
    x = pow(xx, (_P + 3) // 8, _P)
    if x * x % _P != xx:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if x * x % _P != xx or (x == 0 and sign):
        return False
    # three doublings take a point of small order to (0, 1), whichever of the two roots x is
    for _ in range(3):
        bottom = _D * x * x % _P * y % _P * y % _P
        x, y = (
            2 * x * y * pow(1 + bottom, -1, _P) % _P,
            (y * y + x * x) * pow(1 - bottom, -1, _P) % _P,
        )
    return (x, y) != (0, 1)


# ------------------------------------------------------------------------------------------------------ signatures


def verify_ed25519(key: bytes, signature: bytes, message: bytes) -> None:
    """One bare signature, as notes and promises carry it. BadSignature."""
    check_key("EdDSA", key)
    if len(signature) != 64 or not _not_small(signature[:32]):
        raise BadSignature("signature")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        raise BadSignature("signature") from None


# The eight points of small order, by their canonical encodings; another spelling of one fails the library's
# comparison of encodings. (The y of order 8 solves d·y⁴ + 2·y² = 1.)
def _small_orders() -> frozenset[bytes]:
    found = set()
    for y in (0, 1, _P - 1, *_eighths()):
        found |= {y.to_bytes(32, "little"), (y | 1 << 255).to_bytes(32, "little")}
    return frozenset(found)


def _eighths() -> list[int]:
    ys = []
    half = pow(2, (_P - 1) // 4, _P)
    for root in (pow(1 + _D, (_P + 3) // 8, _P), pow(1 + _D, (_P + 3) // 8, _P) * half % _P):
        if root * root % _P != (1 + _D) % _P:
            continue
        for sign in (1, -1):
            yy = (sign * root - 1) * pow(_D, -1, _P) % _P
            for y in (pow(yy, (_P + 3) // 8, _P), pow(yy, (_P + 3) // 8, _P) * half % _P):
                if y * y % _P == yy:
                    ys += [y, _P - y]
    return ys


_SMALL: Final = _small_orders()


def _not_small(point: bytes) -> bool:
    return point not in _SMALL


def _verify(alg: str, key: bytes, signature: bytes, message: bytes) -> None:
    if alg == "EdDSA":
        verify_ed25519(key, signature, message)
    elif alg == "ES256":
        public = _p256(key)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if len(signature) != 64 or not 0 < r < _N256 or not 0 < s < _N256:
            raise BadSignature("signature")
        try:
            public.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
        except InvalidSignature:
            raise BadSignature("signature") from None
    else:
        raise BadSignature("alg")  # reserved names too: an algorithm nobody here checks proves nothing


def verify_signatures(sigs: Any, message: bytes) -> tuple[SignedBy, ...]:
    """Who signed ``message``. ``sigs`` is the parsed array; it must not be empty and every record in it must have
    exactly its keys and verify, else BadSignature."""
    if not isinstance(sigs, list) or not sigs:
        raise BadSignature("array")
    signers = []
    for record in sigs:
        try:
            if isinstance(record, dict) and "x5c" in record:
                exact(record, ("alg", "x5c", "sig"))
                if not isinstance(record["x5c"], list) or not 1 <= len(record["x5c"]) <= CHAIN:
                    raise BadSignature("x5c")
                x5c = tuple(unb64(der) for der in record["x5c"])
                signer = SignedBy(record["alg"], _leaf_key(x5c[0], record["alg"]), x5c)
            else:
                exact(record, ("alg", "key", "sig"))
                signer = SignedBy(record["alg"], unb64(record["key"]))
            _verify(signer.alg, signer.key, unb64(record["sig"]), message)
        except NotCanonical:
            raise BadSignature("record") from None
        signers.append(signer)
    return tuple(signers)


def verify_by(sigs: Any, message: bytes, *keys: bytes) -> None:
    """That exactly these Ed25519 keys signed ``message``, each of them and nobody else. BadSignature."""
    signers = verify_signatures(sigs, message)
    if any(signer.alg != "EdDSA" or signer.x5c for signer in signers) or {s.key for s in signers} != set(keys):
        raise BadSignature("signer")


def sig_hash(sigs: Any) -> str:
    """SHA-256 hex of the canonical signature array: what records hold, so that a signature cannot be made later."""
    return sha256_hex(canon(sigs))


# ---------------------------------------------------------------------------------------------------- certificates

_CRITICAL: Final = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)


@lru_cache(maxsize=1024)
def _certificate(der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        # These are parsed only when asked for, and a malformed one must fail here.
        _ = (certificate.extensions, certificate.subject, certificate.public_key())
        _ = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    except Exception:  # the parser has a dozen kinds of its own, and each means the same
        raise BadSignature("certificate") from None
    return certificate


def _leaf_key(der: bytes, alg: Any) -> bytes:
    public = _certificate(der).public_key()
    if alg == "EdDSA" and isinstance(public, Ed25519PublicKey):
        return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    if alg == "ES256" and isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise BadSignature("alg")


def chain_of(x5c: tuple[bytes, ...], at: datetime, subject: str) -> bytes:
    """SHA-256 of the DER root of a chain that holds at ``at`` and whose leaf has ``serialNumber`` = ``subject``.

    envelope.md §5. Raises BadSignature: signatures, validity, CA constraints, path length, unknown critical
    extensions, hashes that are broken (MD5, SHA-1).
    """
    if not 2 <= len(x5c) <= CHAIN:
        raise BadSignature("chain")
    chain = [_certificate(der) for der in x5c]
    for place, certificate in enumerate(chain):
        issuer = chain[min(place + 1, len(chain) - 1)]
        try:
            certificate.verify_directly_issued_by(issuer)
            digest = certificate.signature_hash_algorithm
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise BadSignature("chain") from None
        if digest is not None and digest.name in ("md5", "sha1"):
            raise BadSignature("chain")
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise BadSignature("expired")
        if any(ext.critical and not isinstance(ext.value, _CRITICAL) for ext in certificate.extensions):
            raise BadSignature("extension")
        if place:
            _check_issuer(certificate, below=place - 1)
    if [name.value for name in chain[0].subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)] != [subject]:
        raise BadSignature("subject")
    return sha256(x5c[-1])


def _check_issuer(certificate: x509.Certificate, below: int) -> None:
    """RFC 5280 §6.1.4 (k)–(n): a CA, for a path with ``below`` CAs between it and the leaf, that may sign."""
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise BadSignature("ca") from None
    if not basic.ca or (basic.path_length is not None and basic.path_length < below):
        raise BadSignature("ca")
    try:
        if not certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign:
            raise BadSignature("ca")
    except x509.ExtensionNotFound:
        pass
