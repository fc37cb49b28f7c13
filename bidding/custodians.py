"""Custodians: enrol, rehearse, key sets (envelope.md §2). What they do after the closing is in releases.py.

The checks are the pure ones of keys.py; the rows add what only the whole log can say: a public key belongs to one
custodian, a key set is made once, a challenge is answered once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from audit.act import Act, RecordRef, pool
from audit.canon import canon, parse
from audit.refusal import Refused
from audit.trust import Identities, sig_hash
from bidding import keys
from bidding.files import kit
from bidding.keys import Keyset, Statement
from bidding.records import CUSTODIAN_KEY_REGISTERED, KEYSET_MADE, REHEARSED
from bidding.releases import due, end_window, keyset, settle, stored, take_release

__all__ = [
    "Challenge",
    "Enrolled",
    "build_keyset",
    "challenge",
    "due",
    "end_window",
    "enrol",
    "keyset",
    "kit",
    "make_keyset",
    "rehearse",
    "settle",
    "statement",
    "statements",
    "stored",
    "take_release",
]

Sigs = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Challenge:
    """A rehearsal to answer: 32 bytes, and r sealed to the statement's key (enc || ct)."""

    challenge: bytes
    sealed: bytes


@dataclass(frozen=True)
class Enrolled:
    """A registered statement."""

    statement: Statement
    sig: list[dict[str, Any]]
    registered_at: datetime
    rehearsed: bool


async def enrol(act: Act, *, statement: bytes, sig: Sigs, identities: Identities, origin: str) -> RecordRef:
    """Register a custodian's encryption key. Records `custodian-key-registered`, under the custodian.

    Refused: E-STATEMENT (not such an object; of another log), E-IDENTITY, E-SIG, E-PUB-TWICE (this key is known,
    of whomever).
    """
    made = keys.check_statement(statement, sig, identities, origin=origin, at=act.now)
    try:
        await act.query(
            "INSERT INTO bidding_statement (sha, custodian, name, pub, valid_from, valid_to, tender, statement, sig, "
            "sig_hash, registered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            made.hash,
            made.custodian,
            made.name,
            made.pub.hex(),
            made.valid_from,
            made.valid_to,
            made.scope,
            statement,
            canon(list(sig)),
            sig_hash(list(sig)),
            act.now,
        )
    except asyncpg.UniqueViolationError:
        raise Refused("E-PUB-TWICE", custodian=made.custodian) from None
    return act.record(
        CUSTODIAN_KEY_REGISTERED.name, subject=made.custodian, statement=made.hash, sig_hash=sig_hash(list(sig))
    )


async def challenge(sha: str) -> Challenge:
    """Draw a rehearsal for a statement. No act: it says nothing about anybody. Refused: E-STATEMENT."""
    rows = await pool()
    data = await rows.fetchval("SELECT statement FROM bidding_statement WHERE sha = $1", sha)
    if data is None:
        raise Refused("E-STATEMENT", why="unknown")
    asked = keys.challenge(Statement.parse(data))
    await rows.execute(
        "INSERT INTO bidding_rehearsal (challenge, statement_id, r, sealed, made_at) VALUES ($1, $2, $3, $4, log_now())",
        asked.challenge.hex(),
        sha,
        asked.r,
        asked.sealed,
    )
    return Challenge(asked.challenge, asked.sealed)


async def rehearse(
    act: Act, *, sha: str, challenge: bytes, proof: bytes, sig: Sigs, identities: Identities
) -> RecordRef:
    """Take the answer to a challenge. Records `rehearsed`, with r, so that everybody recomputes the proof.

    Refused: E-REHEARSAL (no such open challenge, or a wrong proof), E-IDENTITY, E-SIG.
    """
    rows = await act.query(
        "SELECT r.r, s.statement FROM bidding_rehearsal r JOIN bidding_statement s ON s.sha = r.statement_id "
        "WHERE r.challenge = $1 AND r.statement_id = $2 AND r.answered_at IS NULL FOR UPDATE OF r",
        challenge.hex(),
        sha,
    )
    if not rows:
        raise Refused("E-REHEARSAL", why="no such open challenge")
    statement, r = Statement.parse(rows[0]["statement"]), rows[0]["r"]
    keys.check_rehearsal(statement, challenge=challenge, r=r, proof=proof, sig=sig, identities=identities, at=act.now)
    await act.query(
        "UPDATE bidding_rehearsal SET proof = $2, answered_at = $3 WHERE challenge = $1",
        challenge.hex(),
        proof.hex(),
        act.now,
    )
    return act.record(
        REHEARSED.name,
        subject=statement.custodian,
        statement=sha,
        challenge=challenge.hex(),
        r=r.hex(),
        proof=proof.hex(),
        sig=list(sig),
    )


_ENROLLED = """
SELECT s.statement, s.sig, s.registered_at, EXISTS (SELECT FROM bidding_rehearsal r
    WHERE r.statement_id = s.sha AND r.answered_at IS NOT NULL) AS rehearsed
FROM bidding_statement s WHERE """


async def statement(sha: str) -> Enrolled:
    """One registered statement. Refused: E-STATEMENT."""
    rows = await (await pool()).fetch(_ENROLLED + "s.sha = $1", sha)
    if not rows:
        raise Refused("E-STATEMENT", why="unknown")
    return _enrolled(rows[0])


async def statements(custodian: str | None = None) -> list[Enrolled]:
    """Registered statements (of one custodian), oldest first."""
    rows = await (await pool()).fetch(
        _ENROLLED + "$1::text IS NULL OR s.custodian = $1 ORDER BY s.registered_at, s.sha", custodian
    )
    return [_enrolled(row) for row in rows]


def _enrolled(row: Any) -> Enrolled:
    return Enrolled(Statement.parse(row["statement"]), parse(row["sig"]), row["registered_at"], row["rehearsed"])


async def build_keyset(
    *, tender: str, stage: str, k: int, opens_at: datetime, statements: Sequence[str], origin: str
) -> bytes:
    """Key set bytes of registered, rehearsed statements (hashes), in the order given. Refused: E-KEYSET."""
    found = await _rehearsed(statements)
    for sha in statements:
        if sha not in found:
            raise Refused("E-KEYSET", why=f"no rehearsed statement {sha}")
    chosen = [found[sha] for sha in statements]
    return keys.make_keyset(chosen, origin=origin, tender=tender, stage=stage, k=k, opens_at=opens_at).data


async def make_keyset(act: Act, *, tender: str, stage: str, keyset: bytes, origin: str) -> str:
    """Make a key set, once per (tender, stage) in the whole log. Records `keyset-made`; gives its id (hex).

    Refused: E-KEYSET (not such an object; of another log, tender or stage; statements that do not fit or are not
    rehearsed; a second one).
    """
    made = Keyset.parse(keyset)
    if (made.origin, made.tender, made.stage) != (origin, tender, stage):
        raise Refused("E-KEYSET", why="made for another log, tender or stage")
    keys.check_keyset(made, await _rehearsed([seat.statement for seat in made.custodians]))
    try:
        await act.query(
            "INSERT INTO bidding_keyset (id, tender, stage, k, n, opens_at, custodians, keyset, made_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            made.id,
            tender,
            stage,
            made.k,
            made.n,
            made.opens_at,
            json.dumps([{"i": seat.i, "custodian": seat.custodian} for seat in made.custodians]),
            keyset,
            act.now,
        )
    except asyncpg.UniqueViolationError:
        raise Refused("E-KEYSET", why=f"there is one for stage {stage}") from None
    act.record(KEYSET_MADE.name, subject=tender, tender=tender, stage=stage, keyset=made.id)
    return made.id


async def _rehearsed(hashes: Sequence[str]) -> dict[str, Statement]:
    rows = await (await pool()).fetch(
        "SELECT DISTINCT s.sha, s.statement FROM bidding_statement s JOIN bidding_rehearsal r ON r.statement_id = s.sha "
        "WHERE s.sha = ANY ($1::text[]) AND r.answered_at IS NOT NULL",
        list(hashes),
    )
    return {row["sha"]: Statement.parse(row["statement"]) for row in rows}
