"""The checks of a request that finalises a bid: each alone, each with its own code (envelope.md §5).

No key is needed for any of them. The database clock and rows are read by the caller, under the locks; what decides is
here, so that a verifier and a test decide alike. `E-LATE` is decided first. Until `E-SIG` has passed a refusal is only
counted, not recorded: nobody may fill the log under another's name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.refusal import Refused
from audit.trust import BadSignature, verify_signatures
from bidding import hpke
from bidding.container import HEADER_LIMIT
from bidding.manifest import BOX, FORM, HEAD, PREFIX, Manifest
from bidding.payload import BLOCK, is_payload_size, payload_size
from bidding.registrations import Keyring, acting_key

FORM_MOST = payload_size(-(-(4 + HEADER_LIMIT) // BLOCK) * BLOCK)
"""The largest payload of stage `form`: a header and no files. Custodians carry all of them, so nobody sends a heap."""


@dataclass(frozen=True)
class Last:
    """The last act in a (bid, stage): the manifest's seq, hash and signing key, and whether a withdrawal followed."""

    seq: int
    hash: str
    key: bytes
    bidder: str
    withdrawn: bool = False


def check_time(now: datetime, deadline: datetime) -> None:
    """E-LATE: the clock, read under the lock in the statement that finalises, is past the deadline."""
    if now > deadline:
        raise Refused("E-LATE", now=now, deadline=deadline)


def check_canon(data: bytes) -> Manifest:
    """E-CANON: canonical, in NFC, exactly the keys of §5, each of its type."""
    return Manifest.parse(data, nfc=True)


def check_context(manifest: Manifest, *, tender: str, bid: str, keysets: Mapping[str, str]) -> None:
    """E-CONTEXT: this tender, this bid, a stage that was announced, and its key set ({stage: keyset_id})."""
    if manifest.tender != tender:
        raise Refused("E-CONTEXT", field="tender", found=manifest.tender, wanted=tender)
    if manifest.bid != bid:
        raise Refused("E-CONTEXT", field="bid", found=manifest.bid, wanted=bid)
    if manifest.stage not in keysets:
        raise Refused("E-CONTEXT", field="stage", found=manifest.stage, wanted=", ".join(keysets))
    if manifest.context.keyset != keysets[manifest.stage]:
        raise Refused("E-CONTEXT", field="keyset", found=manifest.context.keyset, wanted=keysets[manifest.stage])


def check_boxes(manifest: Manifest, n: int) -> None:
    """E-BOXES: n boxes of 113 bytes, each beginning with a point on the curve."""
    if len(manifest.boxes) != n:
        raise Refused("E-BOXES", why=f"{len(manifest.boxes)} boxes for {n} custodians")
    for i, box in enumerate(manifest.boxes, 1):
        if len(box) != BOX:
            raise Refused("E-BOXES", why=f"box {i} has {len(box)} bytes")
        try:
            hpke.public_key(box[: hpke.PUBLIC])
        except ValueError as why:
            raise Refused("E-BOXES", why=f"box {i} begins with no point") from why


def check_signer(bidder: str, sigs: Sequence[Mapping[str, Any]], keyring: Keyring, lasts: Sequence[Last] = ()) -> bytes:
    """E-SIGNER: the signing key is registered for this bidder and may follow the key of each last act; the key.

    Whether it really signed is `E-SIG`. For a withdrawal `lasts` holds every stage of the bid.
    """
    key = acting_key(sigs)
    if not keyring.registered(bidder, key):
        raise Refused("E-SIGNER", bidder=bidder, why="unregistered")
    for last in lasts:
        if last.bidder != bidder or not keyring.may_follow(bidder, last.key, key):
            raise Refused("E-SIGNER", bidder=bidder, why="chain")
    return key


def check_signature(manifest: Manifest, sigs: Sequence[Mapping[str, Any]]) -> None:
    """E-SIG: the signature over "trading/bid/v1\\n" || manifest verifies."""
    verify(sigs, PREFIX + manifest.data, manifest.bidder)


def verify(sigs: Sequence[Mapping[str, Any]], message: bytes, who: str) -> None:
    """E-SIG unless all signatures verify over the message."""
    try:
        verify_signatures(list(sigs), message)
    except BadSignature as why:
        raise Refused("E-SIG", who=who, why=why.facts["why"]) from why


def check_sequence(seq: int, prev: str | None, last: Last | None) -> None:
    """E-SEQ: seq = last + 1, prev = hash of the last manifest, nothing follows a withdrawal."""
    expected = (1, None) if last is None else (last.seq + 1, last.hash)
    if last is not None and last.withdrawn:
        raise Refused("E-SEQ", why="withdrawn", seq=seq, expected=expected[0])
    if (seq, prev) != expected:
        raise Refused("E-SEQ", why="chain", seq=seq, expected=expected[0])


def check_once(manifest: Manifest, effective: str | None) -> None:
    """E-TWICE: one effective bid per bidder and tender; `effective` is the id of the one there is, if any."""
    if effective is not None and effective != manifest.bid:
        raise Refused("E-TWICE", bidder=manifest.bidder, bid=effective)


def check_unseen(manifest: Manifest, seen: Collection[bytes]) -> None:
    """E-DUPHEAD: neither head nor any box was handed in before by the same bidder (`seen`), nor twice here.

    From another bidder a copy is accepted, and fails its commitment after opening: refusing it would betray that
    the original is in.
    """
    found = [manifest.head, *manifest.boxes]
    if len(set(found)) != len(found) or any(item in seen for item in found):
        raise Refused("E-DUPHEAD", bidder=manifest.bidder)


def is_possible_size(manifest: Manifest) -> bool:
    """Whether a payload of this stage can have the size that the manifest says."""
    return is_payload_size(manifest.size) and (manifest.stage != FORM or manifest.size <= FORM_MOST)


def check_payload(manifest: Manifest, *, head: bytes, size: int, root: str) -> None:
    """E-PAYLOAD: head, size and root over the stored bytes are the manifest's, and the size is 72 + 65,600·m."""
    if size != manifest.size or not is_possible_size(manifest):
        raise Refused("E-PAYLOAD", field="size", found=size, wanted=manifest.size)
    if root != manifest.root:
        raise Refused("E-PAYLOAD", field="root", found=root, wanted=manifest.root)
    if head[:HEAD] != manifest.head:
        raise Refused("E-PAYLOAD", field="head", found=head[:HEAD].hex(), wanted=manifest.head.hex())


def check_stages(given: Collection[str], announced: Collection[str], *, first: bool) -> None:
    """E-STAGES: the first request of a bid has a manifest for every announced stage, later ones any subset."""
    strange = sorted(set(given) - set(announced))
    missing = sorted(set(announced) - set(given)) if first else []
    if strange or missing or not given:
        raise Refused("E-STAGES", missing=", ".join(missing), strange=", ".join(strange))
