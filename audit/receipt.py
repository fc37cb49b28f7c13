"""Receipts: what a bidder holds when the centre's server is gone. log.md §6.

A receipt proves by itself that the operator promised to log these bytes; after the next beat, that they are in the
tree under a quorum of witnesses; after the closing, that the manifest is on the list that custodians open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from audit.canon import NotCanonical, b64, canon, exact, instant, parse_object, unb64, unhex
from audit.checkpoint import TlogProof, VerifiedNote
from audit.clock import Clock, span
from audit.merkle import LONGEST, leaf_hash, verify_inclusion
from audit.record import NONCE, check_record, entry_of
from audit.refusal import Broken, Refused
from audit.signature import BadSignature, Ed25519Signer, verify_ed25519
from audit.trust import Policy

BEATS: Final = 4  # a promised entry is in the tree within so many
_TYPE: Final = "trading.receipt/v1"
_KEYS: Final = frozenset({"type", "manifest", "nonce", "record", "promise"})


PROMISE: Final = b"trading/promise/v1\n"


def promise_message(entry: bytes) -> bytes:
    """What the log key signs as soon as a record is durable: ``"trading/promise/v1\\n" || entry``."""
    return PROMISE + entry


def promise(signer: Ed25519Signer, entry: bytes) -> bytes:
    """The 64 bytes of a promise."""
    return signer.raw(promise_message(entry))


@dataclass(frozen=True)
class Listed:
    """The inclusion of the manifest's hash in the ``list_root`` of a closing, ``path`` leaf's sibling first."""

    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Receipt:
    """``manifest`` is null for registrations and withdrawals; ``nonce`` for a record that stands in clear."""

    record: bytes
    promise: bytes
    manifest: str | None = None
    nonce: bytes | None = None
    proof: str | None = None
    listed: Listed | None = None

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """NotCanonical unless the bytes are a receipt, with proof and place on the list where it has them."""
        value = parse_object(data)
        value = exact(value, _KEYS | (value.keys() & {"proof", "listed"}))
        manifest, nonce, proof = value["manifest"], value["nonce"], value.get("proof")
        if value["type"] != _TYPE or ("proof" in value and not isinstance(proof, str)):
            raise NotCanonical("receipt")
        if manifest is not None:
            unhex(manifest, 32)
        listed = None
        if "listed" in value:
            place = exact(value["listed"], ("index", "path"))
            index, path = place["index"], place["path"]
            if type(index) is not int or index < 0 or not isinstance(path, list) or len(path) > LONGEST:
                raise NotCanonical("listed")
            listed = Listed(index, tuple(unhex(step, 32) for step in path))
        nonce = None if nonce is None else unb64(nonce, NONCE)
        return cls(unb64(value["record"]), unb64(value["promise"], 64), manifest, nonce, proof, listed)

    def plain(self) -> dict[str, Any]:
        """Its members, as a JSON answer carries them."""
        value: dict[str, Any] = {
            "type": _TYPE,
            "manifest": self.manifest,
            "nonce": None if self.nonce is None else b64(self.nonce),
            "record": b64(self.record),
            "promise": b64(self.promise),
        }
        if self.proof is not None:
            value["proof"] = self.proof
        if self.listed is not None:
            value["listed"] = {"index": self.listed.index, "path": [step.hex() for step in self.listed.path]}
        return value

    def format(self) -> bytes:
        """Canonical bytes."""
        return canon(self.plain())

    @property
    def entry(self) -> bytes:
        """What must be in the tree."""
        return entry_of(self.record, self.nonce)

    def with_proof(self, proof: TlogProof) -> Receipt:
        """The same receipt after the beat."""
        return replace(self, proof=proof.format().decode())

    def with_listed(self, index: int, path: tuple[bytes, ...]) -> Receipt:
        """The same receipt after the closing."""
        return replace(self, listed=Listed(index, path))


@dataclass(frozen=True)
class Findings:
    """What a receipt proves. ``record`` is the fact it is about; ``logged`` the checkpoint over it, unless the receipt
    holds no proof yet; ``listed`` whether its place on the closing's list was checked."""

    record: Mapping[str, Any]
    logged: VerifiedNote | None
    index: int
    listed: bool

    @property
    def what(self) -> str:
        """The record's type."""
        return str(self.record["type"])


def check_receipt(receipt: Receipt, policy: Policy, *, list_root: bytes | None = None, count: int = 0) -> Findings:
    """All that can be checked of a receipt offline, with the trust files of whoever holds it.

    ``list_root`` and ``count`` are those of the closing of its stage, where one is known; a receipt without
    ``listed`` is then a finding (``listed`` false), a wrong path an error. Raises Broken: R-RECORD (the record is no
    record, or is about another manifest), R-PROMISE, R-PROOF, R-LISTED.
    """
    try:
        record = check_record(receipt.record)
    except NotCanonical as error:
        raise Broken("R-RECORD", why=error.facts["why"]) from None
    if record.get("manifest") != receipt.manifest:
        raise Broken("R-RECORD", why="manifest")
    _check_promise(receipt, policy)
    logged, index = None, -1
    if receipt.proof is not None:
        try:
            proof = TlogProof.parse(receipt.proof.encode())
            logged, index = proof.verify(leaf_hash(receipt.entry), policy), proof.index
        except (Broken, UnicodeEncodeError) as error:
            raise Broken("R-PROOF", why=error.code if isinstance(error, Broken) else "utf8") from None
    listed = list_root is not None and receipt.listed is not None
    if list_root is not None and receipt.listed is not None:
        if receipt.manifest is None:
            raise Broken("R-LISTED", index=receipt.listed.index)
        try:
            leaf = bytes.fromhex(receipt.manifest)  # the hash itself is the leaf hash (envelope.md §6)
            verify_inclusion(leaf, receipt.listed.index, count, receipt.listed.path, list_root)
        except Broken:
            raise Broken("R-LISTED", index=receipt.listed.index) from None
    return Findings(record, logged, index, listed)


def _check_promise(receipt: Receipt, policy: Policy) -> None:
    message = promise_message(receipt.entry)
    for vkey in policy.logs:
        try:
            return verify_ed25519(vkey.public, receipt.promise, message)
        except BadSignature:
            continue
    raise Broken("R-PROMISE", origin=policy.origin)


def demand_proof(receipt: Receipt, clock: Clock, beat: float, now: datetime) -> None:
    """Complain about a proof that has not come within four beats (seconds of machine time) of the record's time.

    Refused("E-PROOF-OVERDUE"): with its promise, such a receipt is evidence against the operator.
    """
    since = instant(check_record(receipt.record)["time"])
    if receipt.proof is None and now > since + span(clock, BEATS * beat):
        raise Refused("E-PROOF-OVERDUE", since=since)
