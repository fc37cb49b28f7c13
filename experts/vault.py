"""The dispatcher's vault: what lies in rows and only the dispatcher reads.

    vault = Vault([key])                 raw keys of 32 bytes, from whoever holds the key file
    sealed = vault.seal("experts_expert.sealed", id, data)
    data = vault.open("experts_expert.sealed", id, sealed)
    vault.mark("phone", "+8613800138000")      a keyed hash: what a row may be found by

Envelope encryption: each row has a data key of its own, used once, wrapped by a key made of the master key; both layers are
AES-256-GCM, and both are bound to the vault key, the purpose (table and column) and the row's id. So a row that was moved
to another row, column or vault does not open, and rotation rewrites one row after the other.

    sealed = 01 || fingerprint8 || nonce12 || wrapped data key (48) || nonce12 || ciphertext and tag

The master key itself encrypts nothing: three keys are made of it by HMAC-SHA-256, to wrap, to mark and to be told by. Marks
are found under one key only, so a rotation changes them too. Nothing here prints, pickles or raises what it holds.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.canon import lp4
from audit.refusal import Broken, Refused

KEY: Final = 32
"""Bytes of a vault key."""
_VERSION = b"\x01"
_PRINT, _NONCE, _WRAPPED, _TAG = 8, 12, KEY + 16, 16
_HEAD = len(_VERSION) + _PRINT
_LEAST = _HEAD + _NONCE + _WRAPPED + _NONCE + _TAG


def new_key() -> bytes:
    """A fresh vault key."""
    return os.urandom(KEY)


def fingerprint(key: bytes) -> str:
    """By what a vault key is told from others: 16 hex, one way."""
    return _made(key, "fingerprint")[:_PRINT].hex()


class Vault:
    """The current key, and older ones that may still open. What is sealed or marked is so under the current one."""

    __slots__ = ("_marking", "_wrapping", "fingerprint", "fingerprints")

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys`: raw, of 32 bytes each, the current one first. ValueError for none, or one of another size."""
        if not keys or any(len(key) != KEY for key in keys):
            raise ValueError("a vault has keys of 32 bytes")
        self.fingerprints = tuple(dict.fromkeys(fingerprint(key) for key in keys))
        self.fingerprint = self.fingerprints[0]
        self._wrapping = {fingerprint(key): AESGCM(_made(key, "wrap")) for key in keys}
        self._marking = tuple(_made(key, "mark") for key in dict.fromkeys(keys))

    def seal(self, purpose: str, id: str, data: bytes) -> bytes:
        """`data` sealed for this purpose (table and column) and this row."""
        key, bound = os.urandom(KEY), _bound(self.fingerprint, purpose, id)
        wrap, seal = os.urandom(_NONCE), os.urandom(_NONCE)
        wrapped = self._wrapping[self.fingerprint].encrypt(wrap, key, b"key" + bound)
        head = _VERSION + bytes.fromhex(self.fingerprint)
        return head + wrap + wrapped + seal + AESGCM(key).encrypt(seal, data, b"data" + bound)

    def open(self, purpose: str, id: str, sealed: bytes) -> bytes:
        """What was sealed for this purpose and row.

        Raises Refused("E-VAULT-KEY", key=) for a key that is not here, Broken("E-VAULT", purpose=, id=) for what was
        changed, moved or made for something else.
        """
        of = key_of(sealed)
        if of not in self._wrapping:
            raise Refused("E-VAULT-KEY", key=of, here=list(self.fingerprints))
        bound = _bound(of, purpose, id)
        wrap, rest = sealed[_HEAD : _HEAD + _NONCE], sealed[_HEAD + _NONCE :]
        wrapped, rest = rest[:_WRAPPED], rest[_WRAPPED:]
        try:
            key = self._wrapping[of].decrypt(wrap, wrapped, b"key" + bound)
            return AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], b"data" + bound)
        except (InvalidTag, ValueError):
            raise Broken("E-VAULT", purpose=purpose, id=id) from None

    def mark(self, kind: str, value: str) -> str:
        """The keyed hash of a value, 64 hex: equal values of a kind are found by it, and nothing is learned from it."""
        return _mark(self._marking[0], kind, value)

    def marks(self, kind: str, value: str) -> list[str]:
        """The marks of a value under every key that is here, the current one's first: while some rows are older."""
        return [_mark(key, kind, value) for key in self._marking]

    def __repr__(self) -> str:
        return f"<Vault {self.fingerprint}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault stays where it is")


def key_of(sealed: bytes) -> str:
    """The fingerprint of the key under which something is sealed. Broken("E-VAULT") for what is no sealed thing."""
    if len(sealed) < _LEAST or sealed[:1] != _VERSION:
        raise Broken("E-VAULT", purpose="", id="")
    return sealed[1:_HEAD].hex()


def _made(key: bytes, use: str) -> bytes:
    return hmac.digest(key, b"trading/vault/v1\0" + use.encode(), "sha256")


def _mark(key: bytes, kind: str, value: str) -> str:
    return hmac.digest(key, lp4(kind.encode()) + lp4(value.encode()), "sha256").hex()


def _bound(key: str, purpose: str, id: str) -> bytes:
    return b"\0trading/vault/v1\0" + lp4(bytes.fromhex(key)) + lp4(purpose.encode()) + lp4(id.encode())
