"""Custodians' keys: statement, rehearsal, key set (envelope.md §2).

Everything here is a value in and a value or a refusal out; which records and identities are in force is handed in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from audit import wire
from audit.canon import b64, canon, sha256, sha256_hex, stamp
from audit.refusal import Refused
from audit.trust import BadSignature, Identities, Signer, verify_signatures
from bidding import hpke

SUITE = "P256"
STATEMENT = b"trading/custodian-key/v1\n"
REHEARSED = b"trading/rehearsed/v1\n"
MOST = 9
"""Custodians of a key set at most."""
LONGEST = timedelta(days=31)  # envelope.md §2
"""Span of a period key at most: theft of k period keys opens that period's boxes."""


@dataclass(frozen=True)
class Statement:
    """A custodian's word about one encryption key. `valid_from` … `valid_to` bound the `opens_at` it may guard."""

    origin: str
    custodian: str
    name: str
    pub: bytes
    valid_from: datetime
    valid_to: datetime
    scope: str | None
    data: bytes
    suite: str = SUITE

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the bytes, hex: how key sets and records name it."""
        return sha256_hex(self.data)

    @staticmethod
    def parse(data: bytes, *, nfc: bool = False) -> Statement:
        """Read the bytes; `scope` is the tender it is made for, None for a period. Raises `Refused("E-STATEMENT")`."""
        try:
            found = wire.read(data, "trading.custodian-key/v1", _STATEMENT, nfc=nfc)
            hpke.public_key(found["pub"])
        except ValueError as why:
            raise Refused("E-STATEMENT", why=str(why)) from why
        if found["suite"] != SUITE or found["valid_from"] > found["valid_to"]:
            raise Refused("E-STATEMENT", why="suite or span")
        return Statement(data=data, **found)


def _scope(value: Any) -> str | None:
    if value == {"period": True} and value["period"] is True:
        return None
    scope: str = wire.members(value, {"tender": wire.text})["tender"]
    return scope


_STATEMENT: dict[str, wire.Reader] = {
    "origin": wire.text,
    "custodian": wire.text,
    "name": wire.text,
    "suite": wire.text,
    "pub": wire.base64(hpke.PUBLIC),
    "valid_from": wire.time,
    "valid_to": wire.time,
    "scope": _scope,
}


def write_statement(
    *,
    origin: str,
    custodian: str,
    name: str,
    pub: bytes,
    valid_from: datetime,
    valid_to: datetime,
    tender: str | None = None,
) -> bytes:
    """The statement of a fresh key: for one `tender`, or for a period. The caller signs `STATEMENT + bytes`."""
    return canon(
        {
            "type": "trading.custodian-key/v1",
            "origin": origin,
            "custodian": custodian,
            "name": name,
            "suite": SUITE,
            "pub": b64(pub),
            "valid_from": stamp(valid_from),
            "valid_to": stamp(valid_to),
            "scope": {"period": True} if tender is None else {"tender": tender},
        }
    )


def check_statement(
    data: bytes, sigs: Sequence[Mapping[str, Any]], identities: Identities, *, origin: str, at: datetime
) -> Statement:
    """A statement of this log, signed under the custodian's identity key in force at `at`, the record's time.

    Raises `Refused`: `E-STATEMENT`, `E-IDENTITY`, `E-SIG`.
    """
    statement = Statement.parse(data)
    if statement.origin != origin:
        raise Refused("E-STATEMENT", why=f"made for the log {statement.origin}")
    if statement.scope is None and statement.valid_to - statement.valid_from > LONGEST:
        raise Refused("E-STATEMENT", why="a period key guards a month at most")
    check_custodian(sigs, STATEMENT + data, identities, statement.custodian, at)
    return statement


def check_custodian(
    sigs: Sequence[Mapping[str, Any]], message: bytes, identities: Identities, custodian: str, at: datetime
) -> None:
    """All signatures verify and the custodian's own identity key is among them. Raises `Refused`."""
    key = identities.key(custodian, "custodian", at)
    try:
        signed = verify_signatures(list(sigs), message)
    except BadSignature as why:
        raise Refused("E-SIG", who=custodian, why=why.facts["why"]) from why
    if not any(one.key == key for one in signed):
        raise Refused("E-IDENTITY", id=custodian, role="custodian")


# --- rehearsal -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Challenge:
    """What the server keeps of a rehearsal it asked for: r is published in the record, after the answer."""

    statement: str
    challenge: bytes
    r: bytes
    sealed: bytes
    """enc || ct to the statement's key: the only part the custodian is sent, besides `challenge`."""


def rehearsal_info(statement: bytes, challenge: bytes) -> bytes:
    """The HPKE info of a rehearsal: one of the only two a custodian's private key is ever used for."""
    return b"trading/rehearsal/v1\0" + sha256(statement) + challenge


def challenge(statement: Statement, entropy: Callable[[int], bytes] = os.urandom) -> Challenge:
    """Server side: 32 random bytes sealed to the statement's key (§2)."""
    asked, r = entropy(32), entropy(32)
    sealed = hpke.seal(statement.pub, entropy(32), rehearsal_info(statement.data, asked), r)
    return Challenge(statement.hash, asked, r, sealed)


def answer(
    own: Statement, private: ec.EllipticCurvePrivateKey, identity: Signer, challenge: bytes, sealed: bytes
) -> tuple[bytes, list[dict[str, Any]]]:
    """Custodian side: (proof, sig). The info comes from the tool's own statement, never from outside, and r stays here.

    Raises `Refused("E-REHEARSAL")` if this key does not open it.
    """
    if hpke.public_bytes(private) != own.pub or len(challenge) != 32:
        raise Refused("E-REHEARSAL", why="not the key of this statement")
    try:
        r = hpke.open(private, rehearsal_info(own.data, challenge), sealed)
    except hpke.Unopenable as why:
        raise Refused("E-REHEARSAL", why="the challenge does not open under this key") from why
    proof = rehearsal_proof(challenge, r)
    return proof, [identity.sign(_rehearsed(own.hash, challenge, proof))]


def rehearsal_proof(challenge: bytes, r: bytes) -> bytes:
    """SHA-256("trading/rehearsed/v1\\0" || challenge || r)."""
    return sha256(b"trading/rehearsed/v1\0" + challenge + r)


def check_rehearsal(
    statement: Statement,
    *,
    challenge: bytes,
    r: bytes,
    proof: bytes,
    sig: Sequence[Mapping[str, Any]],
    identities: Identities,
    at: datetime,
) -> None:
    """Anybody: recompute the proof from the published r and check the signature. Raises `Refused`."""
    if len(challenge) != 32 or len(r) != 32 or proof != rehearsal_proof(challenge, r):
        raise Refused("E-REHEARSAL", why="the proof does not follow from r")
    check_custodian(sig, _rehearsed(statement.hash, challenge, proof), identities, statement.custodian, at)


def _rehearsed(statement: str, challenge: bytes, proof: bytes) -> bytes:
    return REHEARSED + bytes.fromhex(statement) + challenge + proof


# --- key set ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seat:
    """One custodian of a key set; `i` is the x-coordinate of the share."""

    i: int
    custodian: str
    pub: bytes
    statement: str


@dataclass(frozen=True)
class Keyset:
    """Whose k of n keys open one stage of one tender, and not before when."""

    origin: str
    tender: str
    stage: str
    k: int
    n: int
    opens_at: datetime
    custodians: tuple[Seat, ...]
    data: bytes
    suite: str = SUITE

    @cached_property
    def id(self) -> str:
        """`keyset_id`, SHA-256 of the bytes, hex."""
        return sha256_hex(self.data)

    @property
    def pubs(self) -> tuple[bytes, ...]:
        """pub_1 … pub_n."""
        return tuple(seat.pub for seat in self.custodians)

    def seat(self, i: int) -> Seat:
        """The custodian with this index, from 1."""
        return self.custodians[i - 1]

    @staticmethod
    def parse(data: bytes) -> Keyset:
        """Read the bytes and check what needs nothing else: suite, k and n, indexes, distinctness.

        Raises `Refused("E-KEYSET", why=…)`.
        """
        try:
            found = wire.read(data, "trading.keyset/v1", _KEYSET)
        except wire.Malformed as why:
            raise Refused("E-KEYSET", why=str(why)) from why
        keyset = Keyset(data=data, **{**found, "custodians": tuple(Seat(**seat) for seat in found["custodians"])})
        seats = keyset.custodians
        if keyset.suite != SUITE:
            raise Refused("E-KEYSET", why=f"suite {keyset.suite}")
        if not 2 <= keyset.k <= keyset.n <= MOST or [seat.i for seat in seats] != list(range(1, keyset.n + 1)):
            raise Refused("E-KEYSET", why="k, n or the order of custodians")
        if any(len({value(seat) for seat in seats}) != keyset.n for value in _DISTINCT):
            raise Refused("E-KEYSET", why="a custodian, key or statement stands twice")
        for seat in seats:
            try:
                hpke.public_key(seat.pub)
            except ValueError as why:
                raise Refused("E-KEYSET", why=f"key of {seat.custodian} is no point") from why
        return keyset


_DISTINCT: tuple[Callable[[Seat], object], ...] = (
    lambda seat: seat.custodian,
    lambda seat: seat.pub,
    lambda seat: seat.statement,
)
_KEYSET: dict[str, wire.Reader] = {
    "origin": wire.text,
    "tender": wire.text,
    "stage": wire.name,
    "suite": wire.text,
    "k": wire.integer(2),
    "n": wire.integer(2),
    "opens_at": wire.time,
    "custodians": wire.listed(
        wire.nested(
            {
                "i": wire.integer(1),
                "custodian": wire.text,
                "pub": wire.base64(hpke.PUBLIC),
                "statement": wire.HASH,
            }
        )
    ),
}


def make_keyset(
    statements: Sequence[Statement], *, origin: str, tender: str, stage: str, k: int, opens_at: datetime
) -> Keyset:
    """The key set of these custodians, in this order. Raises `Refused("E-KEYSET")` as `check_keyset` does."""
    data = canon(
        {
            "type": "trading.keyset/v1",
            "origin": origin,
            "tender": tender,
            "stage": stage,
            "suite": SUITE,
            "k": k,
            "n": len(statements),
            "opens_at": stamp(opens_at),
            "custodians": [
                {"i": i, "custodian": made.custodian, "pub": b64(made.pub), "statement": made.hash}
                for i, made in enumerate(statements, 1)
            ],
        }
    )
    keyset = Keyset.parse(data)
    check_keyset(keyset, {made.hash: made for made in statements})
    return keyset


def check_keyset(keyset: Keyset, statements: Mapping[str, Statement]) -> None:
    """Every seat is what its statement says, in one log, and `opens_at` lies in every span and scope (§2).

    `statements` are those whose signature and rehearsal have been checked. Raises `Refused("E-KEYSET", why=…)`.
    """
    for seat in keyset.custodians:
        made = statements.get(seat.statement)
        if made is None:
            raise Refused("E-KEYSET", why=f"no rehearsed statement of {seat.custodian}")
        if (made.custodian, made.pub, made.suite) != (seat.custodian, seat.pub, keyset.suite):
            raise Refused("E-KEYSET", why=f"the statement of {seat.custodian} says otherwise")
        if made.origin != keyset.origin:
            raise Refused("E-KEYSET", why=f"key of {seat.custodian} was made for the log {made.origin}")
        if made.scope not in (None, keyset.tender):
            raise Refused("E-KEYSET", why=f"key of {seat.custodian} was made for the tender {made.scope}")
        if not made.valid_from <= keyset.opens_at <= made.valid_to:
            raise Refused("E-KEYSET", why=f"opens_at is outside the span of {seat.custodian}")
