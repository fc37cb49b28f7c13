"""Identity keys and custodians' encryption keys: vouched, stated, rehearsed (envelope.md §2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.act import Actor, acting
from audit.canon import b64, parse_object
from audit.record import make
from audit.refusal import Refused
from audit.trust import Identities
from bidding import custodians
from trading import logbook
from trading.accounts import Caller
from trading.installation import Installation

Sig = Sequence[Mapping[str, Any]]


async def vouch(platform: Installation, caller: Caller, fields: Mapping[str, Any], sig: Sig) -> dict[str, str]:
    """Record an authority's vouching. `fields`: id, role, vkey, from, until, by. Refused: E-VOUCHING with a word why.

    The actor is the authority that signed; whoever brings it only carries it.
    """
    by = fields["by"]
    actor = Actor("authority", by if isinstance(by, str) else by[0])
    async with acting(actor) as act:
        # One vouching after the other: a second key for an id is a replacement and needs two signatures.
        await act.query("SELECT pg_advisory_xact_lock(hashtext('identity-vouched'))")
        rows = await act.query("SELECT record FROM log_record WHERE type = 'identity-vouched' ORDER BY id")
        identities = Identities(platform.parties, [parse_object(row["record"]) for row in rows])
        value = make(
            "identity-vouched", subject=fields["id"], actor={"kind": actor.kind, "id": actor.id}, time=await act.clock(),
            **fields, sig=list(sig),
        )  # fmt: skip
        identities.add(value)
        ref = act.record("identity-vouched", subject=fields["id"], **fields, sig=list(sig))
    return logbook.shown(ref)


async def enrol_statement(platform: Installation, caller: Caller, statement: bytes, sig: Sig) -> dict[str, Any]:
    """Register a custodian's key. Refused: as `custodians.enrol`, W-DENIED for another custodian's statement."""
    identities = await platform.identities()
    async with acting(caller.actor) as act:
        ref = await custodians.enrol(act, statement=statement, sig=sig, identities=identities, origin=platform.origin)
        if ref.subject != caller.party:
            raise Refused("W-DENIED", operation="enrol_statement", role=caller.role)
    return {"statement": ref.body["statement"], "custodian": ref.subject, "rehearsed": False}


async def read_statement(sha: str) -> dict[str, Any]:
    """Whether a statement is registered and rehearsed. Refused: E-STATEMENT."""
    found = await custodians.statement(sha)
    return {"statement": sha, "custodian": found.statement.custodian, "rehearsed": found.rehearsed}


async def challenge(caller: Caller, sha: str) -> dict[str, str]:
    """Draw a rehearsal for one of the caller's statements. Refused: E-STATEMENT."""
    await _own(caller, sha)
    drawn = await custodians.challenge(sha)
    return {"statement": sha, "challenge": drawn.challenge.hex(), "sealed": b64(drawn.sealed)}


async def rehearse(
    platform: Installation, caller: Caller, sha: str, challenge: str, proof: str, sig: Sig
) -> dict[str, str]:
    """Take the answer to a challenge. Refused: E-STATEMENT, E-REHEARSAL, E-SIG, E-IDENTITY."""
    await _own(caller, sha)
    identities = await platform.identities()
    async with acting(caller.actor) as act:
        ref = await custodians.rehearse(
            act,
            sha=sha,
            challenge=bytes.fromhex(challenge),
            proof=bytes.fromhex(proof),
            sig=sig,
            identities=identities,
        )
    return logbook.shown(ref)


async def _own(caller: Caller, sha: str) -> None:
    if (await read_statement(sha))["custodian"] != caller.party:
        raise Refused("E-STATEMENT", why="unknown")
