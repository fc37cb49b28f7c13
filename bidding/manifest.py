"""The manifest: what a bidder signs of one sealed envelope, and the context that everything in it is bound to.

Normative text: envelope.md §3 (context) and §5 (manifest). A manifest is kept and hashed as bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from audit import wire
from audit.canon import b64, canon, sha256, sha256_hex, stamp
from audit.refusal import Refused
from audit.trust import Signer

FORM = "form"
"""The stage that holds the fields read out; its container holds no files."""
HEAD = 56
"""salt(24) || commitment(32): the first bytes of a payload."""
BOX = 113
"""enc(65) || ct(48)."""
PREFIX = b"trading/bid/v1\n"
"""Signed bytes are this, then the manifest."""


@dataclass(frozen=True)
class Context:
    """What one envelope is for: whoever changes a field of it makes another envelope (envelope.md §3)."""

    tender: str
    stage: str
    keyset: str
    bidder: str
    bid: str
    seq: int

    @cached_property
    def data(self) -> bytes:
        """The canonical bytes."""
        return canon(
            {
                "type": "trading.envelope/v1",
                "tender": self.tender,
                "stage": self.stage,
                "keyset": self.keyset,
                "bidder": self.bidder,
                "bid": self.bid,
                "seq": self.seq,
            }
        )

    @cached_property
    def ctx(self) -> bytes:
        """32 bytes that stand in every derivation of the envelope."""
        return sha256(b"trading/envelope/v1\n" + self.data)


@dataclass(frozen=True)
class Manifest:
    """A manifest that has been read; `data` are its bytes, `hash` the hex hash everybody cites it by."""

    context: Context
    head: bytes
    boxes: tuple[bytes, ...]
    root: str
    size: int
    prev: str | None
    created: datetime
    client: tuple[str, str]
    data: bytes

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the bytes, hex."""
        return sha256_hex(self.data)

    @property
    def tender(self) -> str:
        """The box family."""
        return self.context.tender

    @property
    def stage(self) -> str:
        """The stage."""
        return self.context.stage

    @property
    def bidder(self) -> str:
        """The bidder's id."""
        return self.context.bidder

    @property
    def bid(self) -> str:
        """The bid's id, the same in every stage and every replacement."""
        return self.context.bid

    @property
    def seq(self) -> int:
        """1, 2, 3 … within (bid, stage)."""
        return self.context.seq

    @staticmethod
    def parse(data: bytes, *, nfc: bool = False) -> Manifest:
        """Read the bytes. Raises `Refused("E-CANON", why=…)`: not canonical, a key too many or missing, a wrong type.

        Length and count of boxes are the business of `E-BOXES`, not of this.
        """
        try:
            found = wire.read(data, "trading.bid/v1", _FIELDS, nfc=nfc)
        except wire.Malformed as why:
            raise Refused("E-CANON", why=str(why)) from why
        context = Context(*(found[name] for name in ("tender", "stage", "keyset", "bidder", "bid", "seq")))
        client = (found["client"]["name"], found["client"]["version"])
        rest: dict[str, Any] = {name: found[name] for name in ("head", "boxes", "root", "size", "prev", "created")}
        return Manifest(context=context, client=client, data=data, **rest)


_FIELDS: dict[str, wire.Reader] = {
    "tender": wire.text,
    "stage": wire.name,
    "keyset": wire.HASH,
    "bidder": wire.text,
    "bid": wire.BID,
    "seq": wire.integer(1),
    "head": wire.base64(HEAD),
    "boxes": wire.listed(wire.base64()),
    "root": wire.HASH,
    "size": wire.integer(1),
    "prev": wire.maybe(wire.HASH),
    "created": wire.time,
    "client": wire.nested({"name": wire.text, "version": wire.text}),
}


def write_manifest(
    context: Context,
    *,
    head: bytes,
    boxes: Sequence[bytes],
    root: str,
    size: int,
    prev: str | None,
    created: datetime,
    client: tuple[str, str],
) -> bytes:
    """The canonical bytes of a manifest (envelope.md §5). `root` and `prev` are hex, `size` is in bytes."""
    return canon(
        {
            "type": "trading.bid/v1",
            "tender": context.tender,
            "stage": context.stage,
            "keyset": context.keyset,
            "bidder": context.bidder,
            "bid": context.bid,
            "seq": context.seq,
            "head": b64(head),
            "boxes": [b64(box) for box in boxes],
            "root": root,
            "size": size,
            "prev": prev,
            "created": stamp(created),
            "client": {"name": client[0], "version": client[1]},
        }
    )


def sign_manifest(data: bytes, signer: Signer) -> list[dict[str, Any]]:
    """The `sig.json` array of a manifest: exactly one signature, or whoever carries it could add his own (§5)."""
    return [signer.sign(PREFIX + data)]
