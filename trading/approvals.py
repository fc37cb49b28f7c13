"""Acts that take two people (ASVS 2.3.5): one proposes, another approves, and then the act runs as the first one asked.

A proposal keeps the request as it came; nothing else happens until somebody else, whom the role matrix lets do the same with
the same object, approves it. Two rows of one human being are one (invitations.same_human). The record of the approval names
both; the act's own record names the office that acts, as ever. The law is asked when the act runs: a refusal then uses the
proposal up, and whoever still wants it proposes again.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.act import acting, pool
from audit.refusal import Refused
from trading import invitations, records
from trading.accounts import Caller
from trading.settings import Settings

assert records.ACT_PROPOSED
APPROVED, WITHDRAWN = "approved", "withdrawn"


@dataclass(frozen=True)
class Proposal:
    """What one person asked for."""

    id: str
    operation: str
    object: str
    path: dict[str, str]
    body: str
    person: str
    role: str
    organisation: str
    proposed_at: datetime
    ends_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    outcome: str | None


_SELECT = """SELECT q.id, q.operation, q.object, q.path, q.body, q.person_id AS person, q.role,
    p.organisation_id AS organisation, q.proposed_at, q.ends_at, q.decided_at, q.decided_by, q.outcome
    FROM trading_proposal q JOIN trading_person p ON p.id = q.person_id"""
_OPEN = "q.outcome IS NULL AND q.ends_at > clock_timestamp()"


def _read(row: Any) -> Proposal:
    found = dict(row)
    if isinstance(found["path"], str):
        found["path"] = json.loads(found["path"])
    return Proposal(**found)


async def propose(
    settings: Settings, caller: Caller, operation: str, object: str, path: dict[str, str], body: str
) -> Proposal:
    """Keep what somebody asked for until another person decides. Refused: W-DENIED (it has no person behind it)."""
    if caller.person is None:
        raise Refused("W-DENIED", operation=operation, role=caller.role)
    name = secrets.token_hex(16)
    async with acting(caller.actor) as act:
        await act.query(
            """INSERT INTO trading_proposal (id, operation, object, path, body, person_id, role, proposed_at, ends_at)
               VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7, clock_timestamp(),
                       clock_timestamp() + make_interval(secs => $8))""",
            name, operation, object, json.dumps(path), body, caller.person, caller.role, settings.proposal_life,
        )  # fmt: skip
        act.record("act-proposed", subject=name, proposal=name, operation=operation, object=object, by=caller.person)
    return await get(name)


async def get(proposal: str) -> Proposal:
    """One proposal. Refused: W-UNKNOWN."""
    row = await pool().fetchrow(f"{_SELECT} WHERE q.id = $1", proposal)
    if row is None:
        raise Refused("W-UNKNOWN")
    return _read(row)


async def waiting() -> list[Proposal]:
    """All that wait, the oldest first; who may see which is the guard's."""
    return [_read(row) for row in await pool().fetch(f"{_SELECT} WHERE {_OPEN} ORDER BY q.proposed_at, q.id LIMIT 200")]


async def approve(caller: Caller, proposal: str) -> tuple[Proposal, Caller]:
    """Approve, once; the proposal, and its proposer as the caller it still is.

    Refused: W-UNKNOWN, T-PROPOSAL (decided or over), T-TWO (its own proposer, in whatever organisation), T-ROLE (the
    proposer no longer holds the role).
    """
    if caller.person is None:
        raise Refused("W-DENIED", operation="approve_proposal", role=caller.role)
    async with acting(caller.actor) as act:
        rows = await act.query(f"{_SELECT} WHERE q.id = $1 FOR UPDATE OF q", proposal)
        if not rows:
            raise Refused("W-UNKNOWN")
        found = _read(rows[0])
        if found.outcome is not None or (await act.query("SELECT clock_timestamp() AS now"))[0]["now"] >= found.ends_at:
            raise Refused("T-PROPOSAL")
        if await invitations.same_human(act, caller.person, found.person):
            raise Refused("T-TWO")
        who = await act.query(_PROPOSER, found.person, found.role)
        if not who:
            raise Refused("T-ROLE", role=found.role)
        await _decide(act, found, caller.person, APPROVED)
        act.record(
            "act-approved", subject=found.id, proposal=found.id, operation=found.operation, object=found.object,
            by=caller.person, proposed_by=found.person,
        )  # fmt: skip
    proposer = Caller(found.role, f"proposal-{found.id[:20]}", found.person, found.organisation, who[0]["identity"])
    return await get(proposal), proposer


async def withdraw(caller: Caller, proposal: str) -> Proposal:
    """Take back what one proposed oneself. Refused: W-UNKNOWN (another's too), T-PROPOSAL."""
    async with acting(caller.actor) as act:
        rows = await act.query(
            f"{_SELECT} WHERE q.id = $1 AND q.person_id = $2 FOR UPDATE OF q", proposal, caller.person
        )
        if not rows:
            raise Refused("W-UNKNOWN")
        found = _read(rows[0])
        if found.outcome is not None:
            raise Refused("T-PROPOSAL")
        await _decide(act, found, found.person, WITHDRAWN)
        act.record("proposal-withdrawn", subject=found.id, proposal=found.id, by=found.person)
    return await get(proposal)


async def _decide(act: Any, found: Proposal, by: str, outcome: str) -> None:
    await act.query(
        "UPDATE trading_proposal SET decided_at = clock_timestamp(), decided_by = $2, outcome = $3 WHERE id = $1",
        found.id, by, outcome,
    )  # fmt: skip


_PROPOSER = """SELECT o.identity FROM trading_person p JOIN trading_organisation o ON o.code = p.organisation_id
    JOIN trading_membership m ON m.person_id = p.id AND m.role = $2
    WHERE p.id = $1 AND NOT EXISTS (SELECT FROM trading_restriction r WHERE r.person_id = p.id)"""
