"""HPKE (RFC 9180) in the one shape envelope.md §4 uses: base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

Every library draws the ephemeral key itself. Here it is derived from the content key instead, so that after opening
everybody recomputes every box and a box that opens for some custodians only is its bidder's fault, by proof.
That one choice of coins is why this file exists; what it writes, any RFC 9180 library opens.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PUBLIC = 65
"""Bytes of an uncompressed P-256 point: 04 || x || y."""
TAG = 16

_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_KEM = b"KEM" + (0x0010).to_bytes(2, "big")
_SUITE = b"HPKE" + (0x0010).to_bytes(2, "big") + (0x0001).to_bytes(2, "big") + (0x0002).to_bytes(2, "big")


class Unopenable(ValueError):
    """The ciphertext does not open under this key and info: another key, another context, or damage."""


def expand(prk: bytes, info: bytes, length: int, hash_name: str = "sha512") -> bytes:
    """HKDF-Expand (RFC 5869 §2.3). envelope.md derives everything with SHA-512; HPKE itself with SHA-256."""
    output, block, counter = b"", b"", 0
    while len(output) < length:
        counter += 1
        block = hmac.digest(prk, block + info + bytes([counter]), hash_name)
        output += block
    return output[:length]


def derive_key_pair(ikm: bytes) -> ec.EllipticCurvePrivateKey:
    """RFC 9180 §7.1.3, DeriveKeyPair for P-256: the same key from the same 32 or more bytes, for ever."""
    prk = _labeled_extract(_KEM, b"", b"dkp_prk", ikm)
    for counter in range(256):
        # bitmask 0xff: P-256 scalars use all 256 bits
        scalar = int.from_bytes(_labeled_expand(_KEM, prk, b"candidate", bytes([counter]), 32), "big")
        if 0 < scalar < _ORDER:
            return ec.derive_private_key(scalar, _CURVE)
    raise ArithmeticError("DeriveKeyPair found no scalar in 256 tries")  # RFC 9180: DeriveKeyPairError, 2^-8192


def public_key(data: bytes) -> ec.EllipticCurvePublicKey:
    """The point, or ValueError if these are not 65 bytes of an uncompressed point on the curve."""
    if len(data) != PUBLIC or data[0] != 4:
        raise ValueError("not an uncompressed P-256 point")
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, data)


def public_bytes(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> bytes:
    """The 65-byte uncompressed point of a key."""
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def seal(pub: bytes, ikm: bytes, info: bytes, plaintext: bytes) -> bytes:
    """enc(65) || ciphertext, to `pub`, with the ephemeral key DeriveKeyPair(ikm): a function of its arguments.

    Whoever calls this with one `ikm` for two plaintexts breaks both; envelope.md §4 derives it from what is sealed.
    """
    ephemeral = derive_key_pair(ikm)
    enc = public_bytes(ephemeral)
    secret = _kem_secret(ephemeral.exchange(ec.ECDH(), public_key(pub)), enc, pub)
    key, nonce = _schedule(secret, info)
    return enc + AESGCM(key).encrypt(nonce, plaintext, None)


def open(private: ec.EllipticCurvePrivateKey, info: bytes, sealed: bytes) -> bytes:
    """The plaintext of enc || ciphertext. Raises `Unopenable`."""
    enc, ciphertext = sealed[:PUBLIC], sealed[PUBLIC:]
    try:
        secret = _kem_secret(private.exchange(ec.ECDH(), public_key(enc)), enc, public_bytes(private))
        key, nonce = _schedule(secret, info)
        return AESGCM(key).decrypt(nonce, ciphertext, None)
    except (InvalidTag, ValueError) as why:
        raise Unopenable("does not open under this key and info") from why


def _kem_secret(shared: bytes, enc: bytes, pub: bytes) -> bytes:
    """RFC 9180 §4.1, ExtractAndExpand."""
    prk = _labeled_extract(_KEM, b"", b"eae_prk", shared)
    return _labeled_expand(_KEM, prk, b"shared_secret", enc + pub, 32)


def _schedule(secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """RFC 9180 §5.1, KeySchedule in base mode: (key, nonce of the one message)."""
    psk_id = _labeled_extract(_SUITE, b"", b"psk_id_hash", b"")
    context = b"\0" + psk_id + _labeled_extract(_SUITE, b"", b"info_hash", info)
    prk = _labeled_extract(_SUITE, secret, b"secret", b"")
    return _labeled_expand(_SUITE, prk, b"key", context, 32), _labeled_expand(_SUITE, prk, b"base_nonce", context, 12)


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(hashlib.sha256().digest_size), b"HPKE-v1" + suite + label + ikm, "sha256")


def _labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length, "sha256")
