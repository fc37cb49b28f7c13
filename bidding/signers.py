"""Registered keys of bidders, as rows (envelope.md §5). What a registration must be is `registrations.py`'s to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from audit.act import Act, RecordRef, pool
from audit.canon import b64, canon, parse, sha256_hex
from audit.refusal import Refused
from audit.trust import Parties, sig_hash
from bidding.records import BIDDER_KEY_REGISTERED
from bidding.registrations import Keyring, Registration, check_registration

Query = Callable[..., Awaitable[list[Any]]]


@dataclass(frozen=True)
class Registered:
    """A registered key, with the signatures it came with and the hash (hex) of its record."""

    registration: Registration
    sig: list[dict[str, Any]]
    record: str
    at: datetime


async def register(
    act: Act,
    *,
    bidder: str,
    registration: bytes,
    sig: Sequence[Mapping[str, Any]],
    parties: Parties,
    origin: str,
) -> RecordRef:
    """Register a signing key of `bidder`. Records `bidder-key-registered`.

    Refused: E-REGISTRATION (not such an object; of another log or bidder; not signed by what it names, or that is
    not a key of this bidder), E-SIG, E-IDENTITY, E-CA, E-KEY-TWICE (one registration per bidder and key).
    """
    made = check_registration(registration, sig, origin=origin, parties=parties, at=act.now, nfc=True)
    if made.bidder != bidder:
        raise Refused("E-REGISTRATION", why=f"made for {made.bidder}")
    if made.by_key is not None:
        found = await act.query(
            "SELECT FROM bidding_registration WHERE bidder = $1 AND key = $2", bidder, made.by_key.hex()
        )
        if not found:
            raise Refused("E-REGISTRATION", why="names an earlier key that is not registered")
    record = act.record(
        BIDDER_KEY_REGISTERED.name,
        subject=bidder,
        bidder=bidder,
        key=b64(made.key),
        registration=b64(registration),
        sig_hash=sig_hash(list(sig)),
    )
    try:
        await act.query(
            "INSERT INTO bidding_registration (sha, bidder, key, registration, sig, sig_hash, record, registered_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            made.hash,
            bidder,
            made.key.hex(),
            registration,
            canon(list(sig)),
            sig_hash(list(sig)),
            sha256_hex(record.record),
            act.now,
        )
    except asyncpg.UniqueViolationError:
        raise Refused("E-KEY-TWICE", bidder=bidder) from None
    return record


async def registered(*bidders: str) -> list[Registered]:
    """All keys under these names, oldest first: a bidder's tool shows its own at every sign-in."""
    rows = await (await pool()).fetch(
        "SELECT registration, sig, record, registered_at FROM bidding_registration WHERE bidder = ANY ($1::text[]) "
        "ORDER BY registered_at, sha",
        list(bidders),
    )
    return [
        Registered(Registration.parse(row["registration"]), parse(row["sig"]), row["record"], row["registered_at"])
        for row in rows
    ]


def chains(known: Sequence[Registered], acted: Sequence[str]) -> list[Registered]:
    """Of `known`, the registrations with these hashes and those they rest on, to their roots (archive §7)."""
    keyring = Keyring(one.registration for one in known)
    owed = {
        link.hash
        for one in known
        if one.registration.hash in acted
        for link in keyring.chain(one.registration.bidder, one.registration.key)
    }
    return [one for one in known if one.registration.hash in owed]


async def signed_with(query: Query, tender: str, bid: str, stage: str = "form") -> bytes | None:
    """The raw key that signed the last manifest of a bid's stage; None: there is none."""
    rows = await query(
        """SELECT r.key FROM bidding_deposit d JOIN bidding_registration r ON r.sha = d.signer_id
           WHERE d.tender = $1 AND d.bid = $2 AND d.stage = $3 ORDER BY d.seq DESC LIMIT 1""",
        tender, bid, stage,
    )  # fmt: skip
    return bytes.fromhex(rows[0]["key"]) if rows else None
