"""Sessions of people who signed in: kept here, known by the hash of a cookie, ended here.

A session speaks for one person in one role; to change either, to sign in and to prove again who one is each make a new one
with a new secret, and end the old. It ends by itself when it was idle, when its time is over, when the role is taken away
and when the person's data are restricted: each request asks. Times are the machine's clock.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.act import pool
from audit.refusal import Refused
from trading.accounts import Caller, digest, new_token
from trading.settings import Settings

PREFIX = "trc_"
SEEN_EVERY = 60.0
"""Machine seconds between two writings of when a session was last seen."""
SECOND_WITHIN = 300.0
"""Machine seconds in which the second factor follows the first."""
CSRF = "csrf/"


@dataclass(frozen=True)
class Session:
    """A session as one request finds it. `step` is `second` while the second factor is missing: then it speaks for nobody.

    `token` is what its forms carry (ASVS 3.5.1): made from the cookie, known to nobody who has not the cookie.
    """

    id: str
    account: str
    person: str | None
    role: str | None
    organisation: str | None
    identity: str | None
    name: str
    step: str
    how: str
    fresh: bool
    ends_at: datetime
    token: str

    def caller(self) -> Caller:
        """Whom it speaks for."""
        assert self.step == "in" and self.role is not None
        return Caller(
            self.role, f"session-{self.id}", self.person, self.organisation, self.identity,
            session=self.id, account=self.account, fresh=self.fresh,
        )  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """A new session: its id, and the secret that the cookie holds and nothing else does."""

    id: str
    secret: str


@dataclass(frozen=True)
class Post:
    """As whom an account may act."""

    person: str
    role: str
    organisation: str
    organisation_name: str


def form_token(secret: str) -> str:
    """What forms carry beside this cookie."""
    return digest(CSRF + secret).hex()


# -------------------------------------------------------------------------------------------------------------- making


async def open_(
    settings: Settings, person: str, role: str, how: str, *, agent: str = "", fresh: bool = True, until: Any = None
) -> Opened:
    """A session of a person in a role, whatever was asked of it before: the caller has seen to that.

    `until`: not beyond this instant, for one that follows another. Refused: T-PERSON (nobody signs in as it, or its data are
    restricted), T-ROLE (not its role).
    """
    opened = Opened(secrets.token_hex(10), new_token(PREFIX))
    row = await pool().fetchrow(
        """WITH who AS (
               SELECT p.account_id, m.role FROM trading_person p
               LEFT JOIN trading_membership m ON m.person_id = p.id AND m.role = $4
               WHERE p.id = $3 AND p.account_id IS NOT NULL
                 AND NOT EXISTS (SELECT FROM trading_restriction r WHERE r.person_id = p.id)
           ), made AS (
               INSERT INTO trading_session (id, digest, account_id, person_id, role, step, how, agent, opened_at, seen_at,
                   fresh_at, ends_at)
               SELECT $1, $2, account_id, $3, role, 'in', $5, $6, clock_timestamp(), clock_timestamp(),
                   CASE WHEN $7 THEN clock_timestamp() END,
                   least(clock_timestamp() + make_interval(secs => $8), $9::timestamptz)
               FROM who WHERE role IS NOT NULL RETURNING id
           ) SELECT who.account_id, who.role, made.id FROM who LEFT JOIN made ON true""",
        opened.id, digest(opened.secret), person, role, how, agent[:100], fresh, settings.session_most, until,
    )  # fmt: skip
    if row is None:
        raise Refused("T-PERSON", person=person)
    if row["id"] is None:
        raise Refused("T-ROLE", role=role)
    return opened


async def pend(account: str, how: str, agent: str = "") -> Opened:
    """A session that waits for the second factor and speaks for nobody."""
    opened = Opened(secrets.token_hex(10), new_token(PREFIX))
    await pool().execute(
        """INSERT INTO trading_session (id, digest, account_id, step, how, agent, opened_at, seen_at, ends_at)
           VALUES ($1, $2, $3, 'second', $4, $5, clock_timestamp(), clock_timestamp(),
                   clock_timestamp() + make_interval(secs => $6))""",
        opened.id, digest(opened.secret), account, how, agent[:100], SECOND_WITHIN,
    )  # fmt: skip
    return opened


async def follow(
    settings: Settings,
    session: Session,
    *,
    person: str,
    role: str,
    fresh: bool | None = None,
    cause: str,
    agent: str = "",
) -> Opened:
    """A new session in the place of this one, which ends: another role, or proved again (`fresh`). It lives no longer.

    Refused: T-PERSON (also: of another account), T-ROLE.
    """
    if person not in {post.person for post in await posts(session.account)}:
        raise Refused("T-PERSON", person=person)
    opened = await open_(
        settings, person, role, session.how, agent=agent, fresh=session.fresh if fresh is None else fresh,
        until=session.ends_at,
    )  # fmt: skip
    await end(session.account, session.id, cause)
    return opened


# ------------------------------------------------------------------------------------------------------------- finding


async def find(settings: Settings, secret: str) -> Session | None:
    """The session of a cookie, if it lives; it has been seen now."""
    if not secret.startswith(PREFIX) or len(secret) > 100 or not secret.isascii():
        return None
    row = await pool().fetchrow(_FIND, digest(secret), settings.session_idle, settings.fresh_for)
    if row is None:
        return None
    if row["silent"] > SEEN_EVERY:
        await pool().execute("UPDATE trading_session SET seen_at = clock_timestamp() WHERE id = $1", row["id"])
    found = {key: value for key, value in dict(row).items() if key != "silent"}
    return Session(**found, token=form_token(secret))


_FIND = """SELECT s.id, s.account_id AS account, s.person_id AS person, s.role, p.organisation_id AS organisation,
    o.identity, coalesce(p.name, '') AS name, s.step, s.how, s.ends_at,
    coalesce(s.fresh_at > clock_timestamp() - make_interval(secs => $3), false) AS fresh,
    extract(epoch FROM clock_timestamp() - s.seen_at)::float8 AS silent
    FROM trading_session s
    LEFT JOIN trading_person p ON p.id = s.person_id AND p.account_id = s.account_id
    LEFT JOIN trading_organisation o ON o.code = p.organisation_id
    LEFT JOIN trading_membership m ON m.person_id = p.id AND m.role = s.role
    WHERE s.digest = $1 AND s.ended_at IS NULL AND s.ends_at > clock_timestamp()
      AND s.seen_at > clock_timestamp() - make_interval(secs => $2)
      AND (s.step = 'second' OR (m.role IS NOT NULL
           AND NOT EXISTS (SELECT FROM trading_restriction r WHERE r.person_id = s.person_id)))"""


async def posts(account: str) -> list[Post]:
    """As whom an account may act, restricted people left out: organisations by name, roles in their order."""
    rows = await pool().fetch(
        """SELECT p.id AS person, m.role, p.organisation_id AS organisation, o.name AS organisation_name
           FROM trading_person p JOIN trading_membership m ON m.person_id = p.id
           JOIN trading_organisation o ON o.code = p.organisation_id
           WHERE p.account_id = $1 AND NOT EXISTS (SELECT FROM trading_restriction r WHERE r.person_id = p.id)
           ORDER BY o.name, p.id, m.role""",
        account,
    )
    return [Post(**dict(row)) for row in rows]


async def last_post(account: str) -> Post | None:
    """As whom an account acted last, if it still may; else the first; None: as nobody."""
    all_ = await posts(account)
    row = await pool().fetchrow(
        "SELECT person_id, role FROM trading_session WHERE account_id = $1 AND step = 'in' ORDER BY opened_at DESC LIMIT 1",
        account,
    )
    if row is not None:
        for post in all_:
            if (post.person, post.role) == (row["person_id"], row["role"]):
                return post
    return all_[0] if all_ else None


async def listed(settings: Settings, account: str) -> list[dict[str, Any]]:
    """The account's sessions that live, the newest first: what its owner may see and end."""
    rows = await pool().fetch(
        """SELECT id, role, how, agent, opened_at, seen_at, ends_at FROM trading_session
           WHERE account_id = $1 AND step = 'in' AND ended_at IS NULL AND ends_at > clock_timestamp()
             AND seen_at > clock_timestamp() - make_interval(secs => $2) ORDER BY opened_at DESC""",
        account, settings.session_idle,
    )  # fmt: skip
    return [dict(row) for row in rows]


# -------------------------------------------------------------------------------------------------------------- ending


async def end(account: str, session: str, why: str) -> bool:
    """End one session of this account; whether there was one."""
    done = await pool().execute(
        """UPDATE trading_session SET ended_at = clock_timestamp(), ended = $3
           WHERE id = $1 AND account_id = $2 AND ended_at IS NULL""",
        session, account, why,
    )  # fmt: skip
    return done != "UPDATE 0"


async def end_all(account: str, why: str, but: str = "") -> int:
    """End all sessions of an account, but one; how many."""
    done = await pool().execute(
        """UPDATE trading_session SET ended_at = clock_timestamp(), ended = $3
           WHERE account_id = $1 AND id <> $2 AND ended_at IS NULL""",
        account, but, why,
    )  # fmt: skip
    return int(done.rpartition(" ")[2])


async def forget(settings: Settings) -> None:
    """What nobody asks for again: challenges and half signings-in whose time is over. For a timer."""
    await pool().execute("DELETE FROM trading_challenge WHERE ends_at < clock_timestamp()")
    await pool().execute(
        """UPDATE trading_session SET ended_at = clock_timestamp(), ended = 'expired' WHERE ended_at IS NULL
           AND (ends_at < clock_timestamp() OR seen_at < clock_timestamp() - make_interval(secs => $1))""",
        settings.session_idle,
    )
