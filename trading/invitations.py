"""How somebody gets in for the first time, and again after everything was lost: a one-time code, and one's own credentials.

An invitation is made by the security administrator; of a bidder's colleague, who comes in as a bidder and nothing else, by a
bidder (colleagues.py). A recovery takes two others: somebody of the same organisation or an
administrator proposes it, an administrator who is neither of them approves it (one of the two is a security
administrator), and each is shown *half* of the code. The person needs both halves, so nobody becomes somebody else alone;
all that signed in before ends with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from audit.act import Act, Actor, acting, pool
from audit.refusal import Refused
from trading import credentials, onetime, passwords, records, sessions
from trading.accounts import ADMINS, Caller, digest, new_code, one_human
from trading.settings import Settings
from trading.signin import PASSKEY, PASSWORD, TOTP, Door, Let, Visitor, let_in

assert records.INVITATION_MADE
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
HALF = 13
"""Letters of half a code: 31^13, 64 bits; of a whole one 26."""
INVITATION, RECOVERY = "invitation", "recovery"


@dataclass(frozen=True)
class Invited:
    """Whom a code lets in. `account`: there is one already (a recovery, or none yet)."""

    id: str
    kind: str
    person: str
    name: str
    organisation: str
    organisation_name: str
    account: str | None


def _plain(code: str) -> str:
    return "".join(c for c in code.upper() if c in ALPHABET)


# ----------------------------------------------------------------------------------------------------------- the inviters


async def invite(settings: Settings, actor: Actor, by: str, person: str) -> dict[str, Any]:
    """A code for a person who has no account; earlier ones end. `by`: a person's id, or `centre`.

    Refused: T-PERSON, T-INVITED (somebody signs in as it: recovery is the way), T-SELF.
    """
    if by == person:
        raise Refused("T-SELF")
    code, name = new_code(ALPHABET, 2 * HALF), secrets.token_hex(8)
    async with acting(actor) as act:
        row = await _locked(act, person)
        if row["account_id"] is not None:
            raise Refused("T-INVITED")
        await act.query(_SUPERSEDE, person)
        ends = await _insert(act, name, person, INVITATION, code, by, settings.invitation_life)
        act.record("invitation-made", subject=person, person=person, invitation=name)
    return {"id": name, "person": person, "code": code, "ends_at": ends}


async def propose_recovery(settings: Settings, caller: Caller, person: str) -> dict[str, Any]:
    """Begin to give somebody an account back: by somebody else of the same organisation, or an administrator. One half.

    Refused: T-PERSON, T-SELF, W-DENIED (of another organisation), T-NEVER-IN (nobody ever signed in as it: invite).
    """
    if caller.person is None:
        raise Refused("W-DENIED", operation="propose_recovery", role=caller.role)
    half, name = new_code(ALPHABET, HALF), secrets.token_hex(8)
    async with acting(caller.actor) as act:
        row = await _locked(act, person)
        if caller.role not in ADMINS and caller.organisation != row["organisation_id"]:
            raise Refused("W-DENIED", operation="propose_recovery", role=caller.role)
        if await same_human(act, caller.person, person):
            raise Refused("T-SELF")
        if row["account_id"] is None:
            raise Refused("T-NEVER-IN")
        await act.query(_SUPERSEDE, person)
        ends = await _insert(act, name, person, RECOVERY, half, caller.person, settings.recovery_life)
        act.record("recovery-proposed", subject=person, person=person, recovery=name, by=caller.person)
    return {"id": name, "person": person, "code": half, "ends_at": ends}


async def approve_recovery(caller: Caller, recovery: str) -> dict[str, Any]:
    """The second half, for an administrator who is neither the loser nor the proposer; one of the two is a security
    administrator. Refused: W-UNKNOWN, T-SELF, W-DENIED."""
    if caller.person is None:
        raise Refused("W-DENIED", operation="approve_recovery", role=caller.role)
    half = new_code(ALPHABET, HALF)
    async with acting(caller.actor) as act:
        rows = await act.query(
            f"""SELECT person_id, made_by, ends_at FROM trading_invitation
                WHERE id = $1 AND kind = 'recovery' AND other_half IS NULL AND {_OPEN} FOR UPDATE""",
            recovery,
        )
        if not rows:
            raise Refused("W-UNKNOWN")
        person, proposer = rows[0]["person_id"], rows[0]["made_by"]
        if caller.role != "security_admin" and not await act.query(_SECURITY, proposer):
            raise Refused("W-DENIED", operation="approve_recovery", role=caller.role)
        for one in (person, proposer):
            if await same_human(act, caller.person, one):
                raise Refused("T-SELF")
        await act.query(
            "UPDATE trading_invitation SET other_half = $2, approved_by = $3 WHERE id = $1",
            recovery, digest("code/" + half), caller.person,
        )  # fmt: skip
        act.record(
            "recovery-approved",
            subject=person,
            person=person,
            recovery=recovery,
            by=caller.person,
            proposed_by=proposer,
        )
    return {"id": recovery, "person": person, "code": half, "ends_at": rows[0]["ends_at"]}


async def end_sessions(caller: Caller, person: str) -> None:
    """End every session of a person's account, without a word how many there were. Refused: T-PERSON."""
    async with acting(caller.actor) as act:
        rows = await act.query("SELECT account_id FROM trading_person WHERE id = $1", person)
        if not rows:
            raise Refused("T-PERSON", person=person)
        act.record("sessions-ended", subject=person, person=person, by=caller.person or "")
    if rows[0]["account_id"] is not None:
        await sessions.end_all(rows[0]["account_id"], "administrator")


async def recoveries() -> list[dict[str, Any]]:
    """Recoveries that wait for their second half."""
    rows = await pool().fetch(
        f"""SELECT id, person_id AS person, made_by AS proposed_by, ends_at FROM trading_invitation
            WHERE kind = 'recovery' AND other_half IS NULL AND {_OPEN} ORDER BY made_at, id LIMIT 100"""
    )
    return [dict(row) for row in rows]


async def same_human(act: Act, one: str, other: str) -> bool:
    """Whether two people are one human being."""
    if one == other:
        return True
    rows = await act.query(
        "SELECT count(DISTINCT account_id) = 1 AND count(account_id) = 2 AS same FROM trading_person WHERE id IN ($1, $2)",
        one, other,
    )  # fmt: skip
    return bool(rows[0]["same"])


async def _locked(act: Act, person: str) -> Any:
    rows = await act.query(
        """SELECT p.organisation_id, p.account_id FROM trading_person p WHERE p.id = $1
           AND NOT EXISTS (SELECT FROM trading_restriction r WHERE r.person_id = p.id) FOR UPDATE OF p""",
        person,
    )
    if not rows:
        raise Refused("T-PERSON", person=person)
    return rows[0]


async def _insert(act: Act, name: str, person: str, kind: str, code: str, by: str, life: float) -> Any:
    rows = await act.query(
        """INSERT INTO trading_invitation (id, person_id, kind, half, made_by, made_at, ends_at)
           VALUES ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp() + make_interval(secs => $6))
           RETURNING ends_at""",
        name, person, kind, digest("code/" + code), by, life,
    )  # fmt: skip
    return rows[0]["ends_at"]


_SECURITY = "SELECT 1 FROM trading_membership WHERE person_id = $1 AND role = 'security_admin'"
_OPEN = "used_at IS NULL AND ended_at IS NULL AND ends_at > clock_timestamp()"
_SUPERSEDE = """UPDATE trading_invitation SET ended_at = clock_timestamp()
    WHERE person_id = $1 AND used_at IS NULL AND ended_at IS NULL"""


# ----------------------------------------------------------------------------------------------------------- the invited


async def find(code: str) -> Invited:
    """Whom a code lets in. Refused: T-INVITATION (unknown, used, over, superseded: not told apart)."""
    row = await pool().fetchrow(f"{_FIND} AND {_OPEN}", *_halves(code))
    if row is None:
        raise Refused("T-INVITATION")
    return Invited(**dict(row))


def _halves(code: str) -> tuple[bytes, bytes, bytes]:
    plain = _plain(code)
    return digest("code/" + plain), digest("code/" + plain[:HALF]), digest("code/" + plain[HALF:])


_FIND = """SELECT i.id, i.kind, p.id AS person, p.name, o.code AS organisation, o.name AS organisation_name,
    p.account_id AS account
    FROM trading_invitation i JOIN trading_person p ON p.id = i.person_id
    JOIN trading_organisation o ON o.code = p.organisation_id
    WHERE ((i.kind = 'invitation' AND i.half = $1 AND p.account_id IS NULL)
        OR (i.kind = 'recovery' AND ((i.half = $2 AND i.other_half = $3) OR (i.half = $3 AND i.other_half = $2))))
    AND NOT EXISTS (SELECT FROM trading_restriction r WHERE r.person_id = p.id)"""

Adds = Callable[[Act, str], Awaitable[None]]


async def _use(door: Door, code: str, how: str, adds: Adds, visitor: Visitor) -> Let:
    """Use a code up and set what signs in from now on; a recovery ends all that did before.

    Refused: T-INVITATION, T-ADMINS, E-OPERATOR-BIDS."""
    async with acting(Actor("person", "")) as act:
        rows = await act.query(f"{_FIND} AND {_OPEN} FOR UPDATE OF i, p", *_halves(code))
        if not rows:
            raise Refused("T-INVITATION")
        row = rows[0]
        act.actor = Actor("person", row["person"])
        account = row["account"]
        if account is None:
            account = secrets.token_hex(8)
            await act.query("INSERT INTO trading_account (id, made_at) VALUES ($1, clock_timestamp())", account)
            await join(act, row["person"], row["organisation"], account, how)
        else:
            await credentials.lock(act, account)
            await credentials.end_all(act, account)
            await act.query("DELETE FROM trading_device WHERE account_id = $1", account)
        await adds(act, account)
        await act.query("UPDATE trading_invitation SET used_at = clock_timestamp() WHERE id = $1", row["id"])
    await sessions.end_all(account, "recovered")
    return await let_in(door, account, visitor, how)


async def by_password(
    door: Door, code: str, *, login: str, password: str, secret: str, typed: str, visitor: Visitor
) -> Let:
    """Come in with a name, a password and a code generator of one's own choice.

    Refused: T-INVITATION, T-LOGIN, T-LOGIN-TAKEN, T-PASSWORD, T-SECOND.
    """
    invited = await find(code)
    about = [login, invited.name]
    step = onetime.step_of(secret, typed, door.now())
    if step is None:
        raise Refused("T-SECOND")
    made = await door.lanes.hash(passwords.check(password, *about))

    async def adds(act: Act, account: str) -> None:
        await credentials.take_login(act, account, login)
        await credentials.add(act, account, PASSWORD, made)
        await credentials.add(act, account, TOTP, credentials.sealed(secret, account), counter=step)

    return await _use(door, code, f"{PASSWORD}+{TOTP}", adds, visitor)


async def ask_passkey(door: Door, code: str) -> dict[str, Any]:
    """What the invited one's browser is given to make a passkey. Refused: T-INVITATION."""
    invited = await find(code)
    return await credentials.ask_new_passkey(door, invited.account or invited.person, invited.name, _holder(invited))


def _holder(invited: Invited) -> str:
    return f"invited/{invited.id}"


async def by_passkey(door: Door, code: str, answer: dict[str, Any], label: str, visitor: Visitor) -> Let:
    """Come in with a passkey alone. Refused: T-INVITATION, T-PASSKEY, T-CREDENTIAL-TAKEN."""
    invited = await find(code)
    made = await credentials.brought(door, answer, _holder(invited))

    async def adds(act: Act, account: str) -> None:
        await credentials.add(act, account, PASSKEY, made.key, handle=made.id, counter=made.count, label=label)

    return await _use(door, code, PASSKEY, adds, visitor)


async def by_account(code: str, account: str) -> Invited:
    """Join this person to an account that signs in already: one human being in several organisations.

    Refused: T-INVITATION, T-ADMINS, E-OPERATOR-BIDS.
    """
    async with acting(Actor("person", "")) as act:
        rows = await act.query(f"{_FIND} AND i.kind = 'invitation' AND {_OPEN} FOR UPDATE OF i, p", *_halves(code))
        if not rows:
            raise Refused("T-INVITATION")
        invited = Invited(**dict(rows[0]))
        act.actor = Actor("person", invited.person)
        await join(act, invited.person, invited.organisation, account, "signed-in")
        await act.query("UPDATE trading_invitation SET used_at = clock_timestamp() WHERE id = $1", invited.id)
    return invited


async def stand_in(settings: Settings, person: str) -> str:
    """The account of a person of a demonstration, whom a visitor plays with one click (`sessions.open_` does the rest): made
    without anything to sign in with if there is none. Refused: W-UNKNOWN outside a `demo.` log, T-PERSON."""
    if not settings.origin.startswith("demo."):
        raise Refused("W-UNKNOWN")
    account = await pool().fetchval("SELECT account_id FROM trading_person WHERE id = $1", person)
    if account is not None:
        return str(account)
    async with acting(Actor("system", "centre")) as act:
        row = await _locked(act, person)
        if row["account_id"] is not None:
            act.record("account-joined", subject=person, person=person, account=row["account_id"], how="demo")
            return str(row["account_id"])
        account = secrets.token_hex(8)
        await act.query("INSERT INTO trading_account (id, made_at) VALUES ($1, clock_timestamp())", account)
        await join(act, person, row["organisation_id"], account, "demo")
    return str(account)


async def join(act: Act, person: str, organisation: str, account: str, how: str) -> None:
    """From now on this account signs in as this person too. Refused: T-ADMINS, E-OPERATOR-BIDS."""
    try:
        await act.query("UPDATE trading_person SET account_id = $2 WHERE id = $1", person, account)
    except asyncpg.CheckViolationError as no:
        raise one_human(no, organisation) from None
    act.record("account-joined", subject=person, person=person, account=account, how=how)
