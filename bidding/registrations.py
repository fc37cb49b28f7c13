"""Bidders' signing keys, who may act after whom, and withdrawals (envelope.md §5).

The operator can register any key in a bidder's name. So it matters what stands at the root of a key: the bidder's own
earlier key, a certificate, an authority, or nothing (`by: null`): such a key deposits, but does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import wire
from audit.canon import b64, canon, sha256_hex, unb64
from audit.refusal import Refused
from audit.trust import BadSignature, Parties, chain_to_ca, check_key, verify_signatures
from bidding import hpke

REGISTRATION = b"trading/bidder-key/v1\n"
WITHDRAWAL = b"trading/withdraw/v1\n"


@dataclass(frozen=True)
class Registration:
    """A bidder's word that a key is theirs. Of `by_key`, `by_x5c` and `by_authority` at most one is set."""

    origin: str
    bidder: str
    alg: str
    key: bytes
    by_key: bytes | None
    by_x5c: tuple[bytes, ...] | None
    by_authority: str | None
    data: bytes

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the bytes, hex."""
        return sha256_hex(self.data)

    @property
    def rooted(self) -> bool:
        """Whether a certificate authority or an authority stands behind this very registration."""
        return self.by_x5c is not None or self.by_authority is not None

    @staticmethod
    def parse(data: bytes, *, nfc: bool = False) -> Registration:
        """Read the bytes. Raises `Refused("E-REGISTRATION", why=…)`."""
        try:
            found = wire.read(data, "trading.bidder-key/v1", _REGISTRATION, nfc=nfc)
            check_key(found["alg"], found["key"])
        except (ValueError, BadSignature) as why:
            raise Refused("E-REGISTRATION", why=str(why)) from why
        by = found.pop("by")
        return Registration(
            data=data, by_key=by.get("key"), by_x5c=by.get("x5c"), by_authority=by.get("authority"), **found
        )


def _by(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= _BY.keys():
        raise ValueError("names neither a key, nor certificates, nor an authority")
    return {name: _BY[name](item) for name, item in value.items()}


def _certificates(value: Any) -> tuple[bytes, ...]:
    chain: tuple[bytes, ...] = wire.listed(wire.base64())(value)
    if not chain:
        raise ValueError("no certificate")
    return chain


_BY: dict[str, wire.Reader] = {"key": wire.base64(), "x5c": _certificates, "authority": wire.text}
_REGISTRATION: dict[str, wire.Reader] = {
    "origin": wire.text,
    "bidder": wire.text,
    "alg": wire.text,
    "key": wire.base64(),
    "by": _by,
}


def write_registration(
    *,
    origin: str,
    bidder: str,
    alg: str,
    key: bytes,
    by_key: bytes | None = None,
    by_x5c: Sequence[bytes] | None = None,
    by_authority: str | None = None,
) -> bytes:
    """The object; signed, under `REGISTRATION + bytes`, by the new key first and then by what `by` names."""
    by: dict[str, Any] | None = None
    if by_key is not None:
        by = {"key": b64(by_key)}
    elif by_x5c is not None:
        by = {"x5c": [b64(certificate) for certificate in by_x5c]}
    elif by_authority is not None:
        by = {"authority": by_authority}
    return canon(
        {"type": "trading.bidder-key/v1", "origin": origin, "bidder": bidder, "alg": alg, "key": b64(key), "by": by}
    )


def check_registration(
    data: bytes,
    sigs: Sequence[Mapping[str, Any]],
    *,
    origin: str,
    parties: Parties,
    at: datetime,
    nfc: bool = False,
) -> Registration:
    """Signed by the new key and by what `by` names, in force at `at`, the time of its record (§5).

    Whether an earlier key (`by_key`) is the bidder's is the keyring's business. Raises `Refused`: `E-REGISTRATION`,
    `E-SIG`, `E-IDENTITY`, `E-CA`.
    """
    made = Registration.parse(data, nfc=nfc)
    if made.origin != origin:
        raise Refused("E-REGISTRATION", why=f"made for the log {made.origin}")
    try:
        signed = verify_signatures(list(sigs), REGISTRATION + data)
    except BadSignature as why:
        raise Refused("E-SIG", who=made.bidder, why=why.facts["why"]) from why
    if not any((one.alg, one.key) == (made.alg, made.key) for one in signed):
        raise Refused("E-REGISTRATION", why="not signed by the new key")
    if made.by_x5c is not None:
        try:
            chain_to_ca(made.by_x5c, parties, at, made.bidder)
        except BadSignature as why:
            raise Refused("E-REGISTRATION", why=f"certificates: {why}") from why
        behind = any(one.x5c == made.by_x5c for one in signed)
    elif made.by_authority is not None:
        key = parties.authority(made.by_authority, at)
        behind = any((one.alg, one.key) == ("EdDSA", key) for one in signed)
    else:
        behind = made.by_key is None or any(one.key == made.by_key for one in signed)
    if not behind:
        raise Refused("E-REGISTRATION", why="not signed by what it names")
    return made


class Keyring:
    """The registrations in force: hand in those recorded before the act in question, in the order of their records.

    One per bidder and key counts, the first: who could register a key again could put another root under it.
    """

    def __init__(self, registrations: Iterable[Registration] = ()) -> None:
        self._known: dict[tuple[str, bytes], Registration] = {}
        for registration in registrations:
            self.add(registration)

    def add(self, registration: Registration) -> None:
        """Add one whose signatures have been checked."""
        self._known.setdefault((registration.bidder, registration.key), registration)

    def registered(self, bidder: str, key: bytes) -> bool:
        """Whether this key was ever registered for this bidder."""
        return (bidder, key) in self._known

    def chain(self, bidder: str, key: bytes) -> tuple[Registration, ...]:
        """The key's own registration, then those it rests on, to the root; empty if it is not registered.

        It ends early where a link is missing, and then the last one has `by_key` set.
        """
        found: list[Registration] = []
        cursor: bytes | None = key
        while cursor is not None and (link := self._known.get((bidder, cursor))) and link not in found:
            found.append(link)
            cursor = link.by_key
        return tuple(found)

    def vouched(self, bidder: str, key: bytes) -> bool:
        """A `ca` or an authority stands at the root of its registrations."""
        chain = self.chain(bidder, key)
        return bool(chain) and chain[-1].rooted

    def may_follow(self, bidder: str, previous: bytes, key: bytes) -> bool:
        """Whether `key` may replace or withdraw what `previous` signed (§5).

        The same key; one reached from it, each registration signed by the key before; or one vouched by `ca` or
        authority for this bidder.
        """
        if key == previous:
            return True
        if any(link.by_key == previous for link in self.chain(bidder, key)):
            return True
        return self.vouched(bidder, key)


def acting_key(sigs: Sequence[Mapping[str, Any]]) -> bytes:
    """The one key a manifest or a withdrawal is signed with.

    Exactly one signature: the array is not covered by what it signs, so the operator could append his own, and with
    it a key that may act next. Raises `Refused("E-SIGNER")`; whether the key really signed is for `E-SIG` to say.
    """
    if len(sigs) != 1 or not isinstance(sigs[0], Mapping):
        raise Refused("E-SIGNER", bidder="", why="one_signature")
    record = sigs[0]
    try:
        if "key" in record:
            return unb64(record["key"])
        public = x509.load_der_x509_certificate(unb64(record["x5c"][0])).public_key()
    except (ValueError, KeyError, IndexError, TypeError, UnsupportedAlgorithm) as why:
        raise Refused("E-SIGNER", bidder="", why="unreadable") from why
    if isinstance(public, Ed25519PublicKey):
        return public.public_bytes_raw()
    if isinstance(public, ec.EllipticCurvePublicKey):
        return hpke.public_bytes(public)
    raise Refused("E-SIGNER", bidder="", why="unreadable")


# --- withdrawal ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Withdrawal:
    """The end of a bid, in every stage: {stage: (seq, prev)}, seq one more than the last manifest's, prev its hash."""

    tender: str
    bidder: str
    bid: str
    stages: Mapping[str, tuple[int, str]]
    data: bytes

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the bytes, hex."""
        return sha256_hex(self.data)

    @staticmethod
    def parse(data: bytes, *, nfc: bool = False) -> Withdrawal:
        """Read the bytes. Raises `Refused("E-CANON", why=…)`."""
        try:
            found = wire.read(data, "trading.withdraw/v1", _WITHDRAWAL, nfc=nfc)
        except wire.Malformed as why:
            raise Refused("E-CANON", why=str(why)) from why
        return Withdrawal(data=data, **found)


def _stages(value: Any) -> dict[str, tuple[int, str]]:
    if not isinstance(value, dict) or not value:
        raise ValueError("no stage")
    result = {}
    for stage, item in value.items():
        found = wire.members(item, {"seq": wire.integer(2), "prev": wire.HASH})
        result[wire.name(stage)] = (found["seq"], found["prev"])
    return result


_WITHDRAWAL: dict[str, wire.Reader] = {
    "tender": wire.text,
    "bidder": wire.text,
    "bid": wire.BID,
    "stages": _stages,
}


def write_withdrawal(*, tender: str, bidder: str, bid: str, lasts: Mapping[str, tuple[int, str]]) -> bytes:
    """Withdraw the whole bid: `lasts` is {stage: (seq, hash)} of the last manifests.

    Signed under `WITHDRAWAL + bytes`, by exactly one key.
    """
    return canon(
        {
            "type": "trading.withdraw/v1",
            "tender": tender,
            "bidder": bidder,
            "bid": bid,
            "stages": {stage: {"seq": seq + 1, "prev": hash} for stage, (seq, hash) in lasts.items()},
        }
    )
