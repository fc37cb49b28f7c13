"""Fixed keys and a key set, and envelopes made by hand: right ones, and every wrong one a bidder could make."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from audit.canon import lp4
from audit.trust import Ed25519Signer
from bidding import hpke, shares
from bidding.container import FileEntry, Header, padding
from bidding.keys import Keyset, Statement, make_keyset, write_statement
from bidding.manifest import Context, Manifest, write_manifest
from bidding.payload import measure
from bidding.stream import SaltedEncryptor
from bidding.unseal import make_box

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
ORIGIN = "demo.trading.example"
TENDER = "T2026-009@512"
BIDDER = "91440000MA00000001"
BID = "00112233445566778899aabbccddeeff"
SCHEMA: dict[str, dict[str, Any]] = {
    "price": {"kind": "fen", "min": 1},
    "days": {"kind": "int", "min": 1, "max": 3650},
    "remark": {"kind": "text", "max": 4, "optional": True},
    "start": {"kind": "date", "min": "2026-01-01", "optional": True},
}
OPENING = {"price": 92_000_000, "days": 80}
PRIVATE = [hpke.derive_key_pair(bytes([i]) * 32) for i in range(1, 10)]
IDENTITIES = [Ed25519Signer.from_seed(bytes([0x40 + i]) * 32) for i in range(1, 10)]
FIRM = Ed25519Signer.from_seed(bytes([0x60]) * 32)


def statement(i: int, **changes: Any) -> Statement:
    """Custodian i's statement about PRIVATE[i - 1]."""
    fields: dict[str, Any] = {
        "origin": ORIGIN,
        "custodian": f"C-{i}",
        "name": f"保管人{i}",
        "pub": hpke.public_bytes(PRIVATE[i - 1]),
        "valid_from": NOON - timedelta(days=1),
        "valid_to": NOON + timedelta(days=20),
        "tender": TENDER,
    }
    return Statement.parse(write_statement(**fields | changes))


def keyset(k: int = 2, n: int = 3, stage: str = "form", opens_at: datetime = NOON + timedelta(days=1)) -> Keyset:
    """The first n custodians, k of them enough."""
    made = [statement(i) for i in range(1, n + 1)]
    return make_keyset(made, origin=ORIGIN, tender=TENDER, stage=stage, k=k, opens_at=opens_at)


def context(guard: Keyset, seq: int = 1, bidder: str = BIDDER, bid: str = BID) -> Context:
    """BIDDER's envelope in the stage of this key set."""
    return Context(guard.tender, guard.stage, guard.id, bidder, bid, seq)


def header(
    where: Context, files: Mapping[str, bytes] | None = None, opening: Mapping[str, Any] | None = None
) -> Header:
    """A header that tells the truth about these files."""
    entries = [FileEntry(n, len(d), sha256(d).hexdigest(), "text/plain") for n, d in (files or {}).items()]
    if opening is None:
        opening = OPENING if where.stage == "form" else {}
    return Header(where.ctx.hex(), tuple(entries), opening)


def content(where: Context, files: Mapping[str, bytes] | None = None, opening: Any = None) -> bytes:
    """Header and files, not yet padded."""
    return lp4(header(where, files, opening).data) + b"".join((files or {}).values())


def padded(data: bytes) -> bytes:
    """With the least zero padding."""
    return data + bytes(padding(len(data)))


def payload(where: Context, plaintext: bytes, ck: bytes, salt: bytes = bytes(24)) -> bytes:
    """The encrypted bytes under a chosen key and salt."""
    encryptor, out = SaltedEncryptor(ck, where.ctx, salt), bytearray(len(plaintext) * 2 + 1024)
    size = encryptor.update_into(memoryview(plaintext), memoryview(out))
    return bytes(out[:size]) + encryptor.finalize()


@dataclass(frozen=True)
class Envelope:
    """A sealed envelope whose every part can be exchanged."""

    guard: Keyset
    where: Context
    ck: bytes
    payload: bytes
    boxes: tuple[bytes, ...]
    prev: str | None = None
    root: str = ""
    size: int = -1
    head: bytes = b""

    @property
    def manifest(self) -> Manifest:
        """The manifest over what is here."""
        root, size, head = measure(io.BytesIO(self.payload))
        data = write_manifest(
            self.where,
            head=self.head or head,
            boxes=self.boxes,
            root=self.root or root,
            size=self.size if self.size >= 0 else size,
            prev=self.prev,
            created=NOON,
            client=("test", "1"),
        )
        return Manifest.parse(data)

    def released(self, *custodians: int) -> dict[int, bytes | None]:
        """{i: y}: what honest custodians release."""
        from bidding.unseal import open_box

        chosen = custodians or tuple(range(1, self.guard.n + 1))
        return {i: open_box(PRIVATE[i - 1], self.manifest, i) for i in chosen}

    def but(self, **changes: Any) -> Envelope:
        """The same with other parts."""
        return replace(self, **changes)


def envelope(
    guard: Keyset | None = None,
    *,
    files: Mapping[str, bytes] | None = None,
    opening: Mapping[str, Any] | None = None,
    plaintext: bytes | None = None,
    ck: bytes = bytes(range(32)),
    where: Context | None = None,
    others: Sequence[int] = (),
    prev: str | None = None,
) -> Envelope:
    """An honest envelope, unless told otherwise: another `plaintext`, or boxes of `others` that hold no true share."""
    guard = guard or keyset()
    where = where or context(guard)
    sealed = payload(where, padded(content(where, files, opening)) if plaintext is None else plaintext, ck)
    head = sealed[:56]
    parts = list(shares.split(ck, where.ctx, guard.k, guard.n))
    for i in others:
        parts[i - 1] = bytes(32)
    boxes = tuple(make_box(ck, where.ctx, head, i, guard.pubs[i - 1], y) for i, y in enumerate(parts, 1))
    return Envelope(guard, where, ck, sealed, boxes, prev)
