"""The people of one organisation, as it sees them itself, and how a bidder's person lets a colleague in.

    a bidder's person names a colleague → enrolled, role `bidder` and no other → a one-time code, shown once, given by hand

Nobody gains by it what he had not: the colleague may what the inviter may, in the same organisation. Other roles, and taking
one away, stay with the centre's security administrator, and so does whoever that one enrolled: a colleague's code is made
anew by a colleague, an administrator's by an administrator. Whoever has lost every way in takes two others (invitations.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.act import pool
from audit.refusal import Refused
from trading import accounts, invitations
from trading.accounts import Caller
from trading.installation import Installation

LONGEST = 60
"""Characters of a name."""
ROLE = "bidder"
IN, INVITED, OUT = "in", "invited", "out"


@dataclass(frozen=True)
class Colleague:
    """One person. `name`: "" of whoever's data are only stored; `state`: signs in, has a code that counts, or has neither;
    `inviter`: the colleague who let this one in, "" where the centre did; `ours`: a colleague may make a new code."""

    id: str
    name: str
    roles: tuple[str, ...]
    enrolled_at: datetime
    state: str
    ends_at: datetime | None
    inviter: str
    ours: bool


_PEOPLE = """SELECT p.id, CASE WHEN r.person_id IS NULL THEN p.name ELSE '' END AS name, r.person_id IS NOT NULL AS shut,
    p.enrolled_at, p.account_id IS NOT NULL AS inside,
    array(SELECT role FROM trading_membership m WHERE m.person_id = p.id ORDER BY role) AS roles,
    (SELECT max(i.ends_at) FROM trading_invitation i WHERE i.person_id = p.id AND i.kind = 'invitation'
       AND i.used_at IS NULL AND i.ended_at IS NULL AND i.ends_at > clock_timestamp()) AS ends_at,
    (SELECT q.name FROM trading_invitation i JOIN trading_person q ON q.id = i.made_by AND q.organisation_id = $1
       WHERE i.person_id = p.id AND i.kind = 'invitation' ORDER BY i.made_at LIMIT 1) AS inviter,
    NOT EXISTS (SELECT FROM trading_invitation i WHERE i.person_id = p.id AND i.kind = 'invitation' AND NOT EXISTS
       (SELECT FROM trading_person q WHERE q.id = i.made_by AND q.organisation_id = $1)) AS colleagues
    FROM trading_person p LEFT JOIN trading_restriction r ON r.person_id = p.id WHERE p.organisation_id = $1"""


async def of(caller: Caller) -> list[Colleague]:
    """The people of the caller's own organisation, whoever came first at the top."""
    rows = await pool().fetch(f"{_PEOPLE} ORDER BY p.enrolled_at, p.id", caller.organisation or "")
    return [_read(row) for row in rows]


def _read(row: Any) -> Colleague:
    state = IN if row["inside"] else INVITED if row["ends_at"] is not None else OUT
    ours = not (row["inside"] or row["shut"]) and row["inviter"] is not None and row["colleagues"]
    roles = tuple(row["roles"])
    return Colleague(
        row["id"], row["name"], roles, row["enrolled_at"], state, row["ends_at"] if state == INVITED else None,
        row["inviter"] or "", ours and roles == (ROLE,),
    )  # fmt: skip


def named(text: str) -> str:
    """A name as it is kept. Refused: T-COLLEAGUE-NAME: none, too long, or with characters that print nothing."""
    name = " ".join(text.split())
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise Refused("T-COLLEAGUE-NAME", most=LONGEST)
    return name


async def invite(platform: Installation, caller: Caller, name: str) -> dict[str, Any]:
    """Enrol a colleague in the role `bidder` of the caller's own organisation; the code, which nobody is shown again.

    Whom a colleague has named so before and who never came in is that same person: the code before it ends.
    Refused: T-COLLEAGUE-NAME, E-OPERATOR-BIDS, W-OFTEN.
    """
    name = named(name)
    with platform.pace.taking("invitations", caller.organisation or ""):
        known = next((one for one in await of(caller) if one.ours and one.name == name), None)
        person = known.id if known else await _enrol(caller, name)
        return await _code(platform, caller, person, name)


async def _enrol(caller: Caller, name: str) -> str:
    made = await accounts.enrol(caller.actor, name, caller.organisation or "", [ROLE])
    return str(made["id"])


async def again(platform: Installation, caller: Caller, person: str) -> dict[str, Any]:
    """A new code for somebody a colleague has invited and who never came in. Refused: T-COLLEAGUE: anybody else; W-OFTEN."""
    with platform.pace.taking("invitations", caller.organisation or ""):
        one = next((one for one in await of(caller) if one.id == person and one.ours), None)
        if one is None:
            raise Refused("T-COLLEAGUE")
        return await _code(platform, caller, person, one.name)


async def _code(platform: Installation, caller: Caller, person: str, name: str) -> dict[str, Any]:
    made = await invitations.invite(platform.settings, caller.actor, caller.person or "", person)
    return {**made, "name": name}


async def recover(platform: Installation, caller: Caller, person: str) -> dict[str, Any]:
    """Begin to give a colleague the way in back: one half of the code; an administrator approves and has the other.

    Refused: T-PERSON (not of this organisation, too), T-SELF, T-NEVER-IN, W-OFTEN.
    """
    with platform.pace.taking("invitations", caller.organisation or ""):
        one = next((one for one in await of(caller) if one.id == person), None)
        if one is None:
            raise Refused("T-PERSON", person=person)
        made = await invitations.propose_recovery(platform.settings, caller, person)
        return {**made, "name": one.name}
