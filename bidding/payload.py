"""The encrypted bytes: C2SP chunked encryption with AES-256-GCM, cut into segments of 1 MiB (envelope.md §3).

`cryptography.cobblestone` does the encryption; the derivation is restated here because commitment and head are needed
before, and without, a single chunk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from audit import merkle
from bidding.hpke import expand
from bidding.manifest import HEAD

CHUNK = 16_384
"""Plaintext bytes of a chunk; the last one is always shorter and may be empty."""
TAG = 16
BLOCK = 65_536
"""Plaintext is padded with zeros to a multiple of this, so that a size betrays little."""
SEALED_BLOCK = BLOCK + BLOCK // CHUNK * TAG
SEGMENT = 1 << 20
"""Bytes of an upload segment, a leaf of `payload_root`; the last one may be shorter."""
SALT = 24

LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"


def payload_size(plaintext: int) -> int:
    """Bytes of the payload for that many plaintext bytes, a positive multiple of `BLOCK`: 72 + 65,600·m."""
    blocks, rest = divmod(plaintext, BLOCK)
    if rest or blocks < 1:
        raise ValueError("plaintext is not padded")
    return HEAD + SEALED_BLOCK * blocks + TAG


def is_payload_size(size: int) -> bool:
    """Whether a payload can have this many bytes."""
    return size >= HEAD + TAG + SEALED_BLOCK and (size - HEAD - TAG) % SEALED_BLOCK == 0


def commitment(ck: bytes, salt: bytes, ctx: bytes) -> bytes:
    """The 32 bytes of the head that fit one content key only."""
    return expand(ck, LABEL + b"\0" + salt + ctx, 76)[44:]


def meets(ck: bytes, head: bytes, ctx: bytes) -> bool:
    """Whether this is the content key of the envelope with this head: a wrong key is told from damage (§7)."""
    return commitment(ck, head[:SALT], ctx) == head[SALT:HEAD]


def segment_leaf(segment: bytes | bytearray | memoryview, *more: bytes | bytearray | memoryview) -> bytes:
    """SHA-256(00 || segment), the segment given in as many pieces as it lies in."""
    digest = hashlib.sha256(b"\0")
    for piece in (segment, *more):
        digest.update(piece)
    return digest.digest()


def segments(payload: BinaryIO) -> Iterator[bytes]:
    """The payload cut into segments."""
    while segment := payload.read(SEGMENT):
        yield segment


def payload_root(leaves: Iterable[bytes]) -> str:
    """The hex root over segment leaves, RFC 6962."""
    return merkle.root(list(leaves)).hex()


def measure(payload: Path | BinaryIO) -> tuple[str, int, bytes]:
    """(root, size, head) of stored bytes, in constant memory."""
    if isinstance(payload, Path):
        with payload.open("rb") as stream:
            return measure(stream)
    leaves, size, head = [], 0, b""
    for segment in segments(payload):
        head = head or segment[:HEAD]
        size += len(segment)
        leaves.append(segment_leaf(segment))
    return payload_root(leaves), size, head
