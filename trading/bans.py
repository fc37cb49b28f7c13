"""Market bans and the register of agents' errors (执业经纪人差错登记): imposed and lifted by a competent body's user.

    impose → (admission refuses, to the organisation alone) → lift

Who is banned stands in records that supervisors alone may see, and in a refusal that only the organisation concerned gets:
with the decision's number, the body, until when, and how to appeal. Nothing public tells of it, and a refused bid leaves no
record, so that no closing ever names who was turned away.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Protocol

import asyncpg

from audit.act import acting, pool
from audit.canon import stamp
from audit.refusal import Refused
from trading import records as _records
from trading.accounts import Caller, decode_cursor, page

assert _records.PROJECT_ANNOUNCED.public  # the types are declared before the first act


class Rows(Protocol):
    """An act, or anything else that reads rows."""

    async def query(self, sql: str, *args: Any) -> list[Any]:
        """Rows of one statement."""


class _Pool:
    async def query(self, sql: str, *args: Any) -> list[Any]:
        return await pool().fetch(sql, *args)


# ------------------------------------------------------------------------------------------------------------ bans


async def impose(
    caller: Caller,
    *,
    organisation: str,
    decision: str,
    body: str,
    start: datetime,
    until: datetime | None,
    grounds: str,
    appeal: str,
) -> dict[str, Any]:
    """Ban an organisation by a decision. `until` null: until it is lifted; `appeal`: where and until when it may appeal.

    Refused: T-ORGANISATION (unknown), T-BAN-SPAN (ends before it starts), T-BAN-TWICE (that decision is entered already).
    """
    if until is not None and until <= start:
        raise Refused("T-BAN-SPAN", start=start, until=until)
    ban = secrets.token_hex(16)
    async with acting(caller.actor) as act:
        try:
            await act.query(
                """INSERT INTO trading_ban (id, organisation_id, decision, body, from_at, until_at, grounds, appeal,
                   imposed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
                ban, organisation, decision, body, start, until, grounds, appeal, act.now,
            )  # fmt: skip
        except asyncpg.ForeignKeyViolationError:
            raise Refused("T-ORGANISATION", organisation=organisation) from None
        except asyncpg.UniqueViolationError:
            raise Refused("T-BAN-TWICE", decision=decision) from None
        facts: dict[str, Any] = {
            "ban": ban, "organisation": organisation, "decision": decision, "body": body, "from": stamp(start),
            "until": None if until is None else stamp(until), "grounds": grounds,
        }  # fmt: skip
        act.record("ban-imposed", subject=organisation, **facts)
    return await _one(ban)


async def lift(caller: Caller, ban: str, decision: str) -> dict[str, Any]:
    """Lift a ban by another decision. Refused: W-UNKNOWN, T-BAN-LIFTED (it is lifted already)."""
    async with acting(caller.actor) as act:
        rows = await act.query("SELECT organisation_id, lifted_at FROM trading_ban WHERE id = $1 FOR UPDATE", ban)
        if not rows:
            raise Refused("W-UNKNOWN")
        if rows[0]["lifted_at"] is not None:
            raise Refused("T-BAN-LIFTED", lifted=rows[0]["lifted_at"])
        await act.query("UPDATE trading_ban SET lifted_at = $2, lifted_by = $3 WHERE id = $1", ban, act.now, decision)
        act.record("ban-lifted", subject=rows[0]["organisation_id"], ban=ban, decision=decision)
    return await _one(ban)


async def listed(caller: Caller, cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Bans by id: all of them for a supervisor, their own for everybody else."""
    own = None if caller.role == "supervisor" else caller.organisation or ""
    rows = await pool().fetch(
        f"{_BANS} WHERE b.id > $1 AND ($2::text IS NULL OR b.organisation_id = $2) ORDER BY b.id LIMIT $3",
        _after(cursor), own, limit + 1,
    )  # fmt: skip
    return page([dict(r) for r in rows], limit, "id")


_BANS = """SELECT b.id, b.organisation_id AS organisation, o.name AS organisation_name, b.decision, b.body,
    b.from_at AS start, b.until_at AS until, b.grounds, b.appeal, b.imposed_at, b.lifted_at, b.lifted_by
    FROM trading_ban b JOIN trading_organisation o ON o.code = b.organisation_id"""


async def _one(ban: str) -> dict[str, Any]:
    return dict(await pool().fetchrow(f"{_BANS} WHERE b.id = $1", ban))


# -------------------------------------------------------------------------------------------------- agents' errors


async def register_error(
    caller: Caller, *, agency: str, project: str | None, kind: str, decision: str, until: datetime | None
) -> dict[str, Any]:
    """Enter an agency's error. With `until` it may not act as an agent until then.

    Refused: T-ORGANISATION, T-BAN-TWICE (that decision is entered already).
    """
    error = secrets.token_hex(16)
    async with acting(caller.actor) as act:
        try:
            await act.query(
                """INSERT INTO trading_agent_error (id, agency_id, project, kind, decision, until_at, registered_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)""",
                error, agency, project, kind, decision, until, act.now,
            )  # fmt: skip
        except asyncpg.ForeignKeyViolationError:
            raise Refused("T-ORGANISATION", organisation=agency) from None
        except asyncpg.UniqueViolationError:
            raise Refused("T-BAN-TWICE", decision=decision) from None
        act.record(
            "agent-error-registered",
            subject=agency,
            error=error,
            agency=agency,
            project=project,
            kind=kind,
            decision=decision,
            until=None if until is None else stamp(until),
        )
    return dict(await pool().fetchrow(f"{_ERRORS} WHERE e.id = $1", error))


async def errors(caller: Caller, cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """The register by id: all of it for a supervisor, an agency's own for itself."""
    own = None if caller.role == "supervisor" else caller.organisation or ""
    rows = await pool().fetch(
        f"{_ERRORS} WHERE e.id > $1 AND ($2::text IS NULL OR e.agency_id = $2) ORDER BY e.id LIMIT $3",
        _after(cursor), own, limit + 1,
    )  # fmt: skip
    return page([dict(r) for r in rows], limit, "id")


_ERRORS = """SELECT e.id, e.agency_id AS agency, o.name AS agency_name, e.project, e.kind, e.decision,
    e.until_at AS until, e.registered_at FROM trading_agent_error e
    JOIN trading_organisation o ON o.code = e.agency_id"""


def _after(cursor: str | None) -> str:
    text = str(decode_cursor(cursor, str)) if cursor else ""
    if "\x00" in text:
        raise Refused("W-CURSOR")
    return text


# -------------------------------------------------------------------------------------------------------- admission


async def admit(organisation: str, rows: Rows | None = None) -> None:
    """Refuse whoever is banned now, to its face: E-BANNED with decision, body, until when, and how to appeal."""
    found = await (rows or _Pool()).query(
        """SELECT decision, body, until_at, appeal FROM trading_ban WHERE organisation_id = $1 AND lifted_at IS NULL
           AND from_at <= log_now() AND (until_at IS NULL OR until_at > log_now()) ORDER BY from_at LIMIT 1""",
        organisation,
    )
    if found:
        ban = found[0]
        raise Refused(
            "E-BANNED" if ban["until_at"] else "E-BANNED-OPEN",
            decision=ban["decision"], body=ban["body"], until=ban["until_at"], appeal=ban["appeal"],
        )  # fmt: skip


async def admit_agency(agency: str, caller: Caller, rows: Rows | None = None) -> None:
    """Refuse an agency that is banned or may not act for its errors.

    The agency itself is told the decision (E-BANNED, E-AGENT-SUSPENDED); another caller only that this agency may not act
    at present (E-AGENT): why is the agency's business.
    """
    try:
        await admit(agency, rows)
        found = await (rows or _Pool()).query(
            """SELECT decision, kind, until_at FROM trading_agent_error
               WHERE agency_id = $1 AND until_at > log_now() ORDER BY until_at DESC LIMIT 1""",
            agency,
        )
        if found:
            why = found[0]
            raise Refused("E-AGENT-SUSPENDED", decision=why["decision"], kind=why["kind"], until=why["until_at"])
    except Refused as no:
        if caller.organisation == agency:
            raise
        raise Refused("E-AGENT") from no
