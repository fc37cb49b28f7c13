"""Organisations, people, roles and tokens. Nobody may do everything: there is no super-user role to give.

A token is `trd_` and 32 random bytes; the platform keeps HMAC-SHA256(pepper, token), so a stolen database opens no door.
A seat's token (`trs_`, from the check-in) speaks for a seat of one panel, role `expert`: of nobody by name.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import math
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import asyncpg
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from audit.act import Act, Actor, acting, pool
from audit.canon import stamp
from audit.refusal import Refused
from experts import seats
from experts.seats import Held
from trading import records as _records
from trading.law import admission, retention
from trading.settings import TOKEN_LIFE, TOKEN_LIFE_MOST, Settings

logger = logging.getLogger("trading.accounts")

ROLES = (
    "bidder", "tenderee", "agency", "operator", "custodian", "supervisor",
    "system_admin", "security_admin", "audit_admin",
)  # fmt: skip
ADMINS = frozenset({"system_admin", "security_admin", "audit_admin"})
PERSONAL, SEAT = "trd_", "trs_"
"""How tokens begin: a person's, a seat's."""
REMEMBERED = 2.0
"""Machine seconds a worker trusts its memory of a token after it last knew of every revocation: the longest a revoked
one lives. While `watch_revocations` runs that is renewed, so that a closing hour does not ask for each token again."""
LOOK = 0.5
"""Machine seconds between two looks at the revocations."""

assert _records.TOKEN_ISSUED.rules  # the types are declared before the first act


@dataclass(frozen=True)
class Caller:
    """Who asks. `party` is the id under which the log knows it: identity key id, else credit code."""

    role: str
    token: str | None = None
    person: str | None = None
    organisation: str | None = None
    identity: str | None = None
    seat: Held | None = None
    """Of the role `expert`: which seat of which panel."""
    session: str | None = None
    """Of who signed in: which session; None: a token's, or the public."""
    account: str | None = None
    fresh: bool = True
    """Whether it has just proved again who it is (roles.toml, `fresh`). A machine's token cannot be asked: it counts as
    such, lives for its term alone and is revoked within seconds."""

    @property
    def party(self) -> str:
        """The id that stands in records: a bidder's credit code; for others the identity id, if there is one."""
        if self.role == "bidder":
            return self.organisation or ""
        if self.seat is not None:
            return self.seat.name
        return self.identity or self.organisation or ""

    @property
    def actor(self) -> Actor:
        """This caller as the actor of an act."""
        return Actor(self.role, self.party)


PUBLIC = Caller("public")


# ------------------------------------------------------------------------------------------------------ organisations


def check_code(code: str) -> str:
    """The code, if its check character holds (GB 32100-2015). Refused: T-CODE."""
    try:
        return str(uscc.validate(code))
    except ValidationError:
        raise Refused("T-CODE", "GB 32100-2015", code_given=code) from None


def demo_code(number: int) -> str:
    """A valid code for a made-up organisation: registration area 000000 exists nowhere."""
    body = f"91000000{'MA'}{number:07d}"
    return body + uscc.calc_check_digit(body)


async def add_organisation(actor: Actor, code: str, name: str, identity: str | None) -> dict[str, Any]:
    """Register an organisation. Refused: T-CODE, T-TAKEN."""
    check_code(code)
    async with acting(actor) as act:
        try:
            await act.query(
                "INSERT INTO trading_organisation (code, name, identity, added_at) VALUES ($1, $2, $3, $4)",
                code, name, identity, act.now,
            )  # fmt: skip
        except asyncpg.UniqueViolationError:
            raise Refused("T-TAKEN", what=identity if identity and not await _known(code) else code) from None
        act.record("organisation-registered", subject=code, organisation=code, name=name, identity=identity)
    return {"code": code, "name": name, "identity": identity, "added_at": act.now}


async def _known(code: str) -> bool:
    return bool(await pool().fetchval("SELECT true FROM trading_organisation WHERE code = $1", code))


async def organisations(cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Organisations by code, after the cursor."""
    rows = await pool().fetch(
        "SELECT code, name, identity, added_at FROM trading_organisation WHERE code > $1 ORDER BY code LIMIT $2",
        _text(cursor), limit + 1,
    )  # fmt: skip
    return page([dict(r) for r in rows], limit, "code")


# ------------------------------------------------------------------------------------------------------------- people


async def enrol(actor: Actor, name: str, organisation: str, roles: Sequence[str]) -> dict[str, Any]:
    """Enrol a person with roles.

    Refused: T-ORGANISATION (unknown), T-ROLE (no such role), T-ADMINS (two in one person), E-OPERATOR-BIDS (operator and
    bidder in one organisation).
    """
    wanted = _roles(roles)
    person = secrets.token_hex(8)
    async with acting(actor) as act:
        try:
            await act.query(
                "INSERT INTO trading_person (id, organisation_id, name, enrolled_at) VALUES ($1, $2, $3, $4)",
                person, organisation, name, act.now,
            )  # fmt: skip
        except asyncpg.ForeignKeyViolationError:
            raise Refused("T-ORGANISATION", organisation=organisation) from None
        await act.query(
            "INSERT INTO trading_membership (person_id, role) SELECT $1, unnest($2::text[])", person, wanted
        )
        if {"operator", "bidder"} & set(wanted):
            await _keep_apart(act, organisation)
        act.record("person-enrolled", subject=person, person=person, organisation=organisation, roles=wanted)
    return {"id": person, "name": name, "organisation": organisation, "roles": wanted, "enrolled_at": act.now}


def _roles(roles: Sequence[str]) -> list[str]:
    wanted = sorted(set(roles))
    if bad := [r for r in wanted if r not in ROLES]:
        raise Refused("T-ROLE", role=bad[0])
    if len(ADMINS & set(wanted)) > 1:
        raise Refused("T-ADMINS", "GB/T 22239-2019")
    return wanted


async def _keep_apart(act: Act, organisation: str) -> None:
    """The operator does not bid: an organisation is one or the other, whoever is enrolled first."""
    await act.query("SELECT FROM trading_organisation WHERE code = $1 FOR UPDATE", organisation)  # one after the other
    rows = await act.query(
        "SELECT DISTINCT m.role FROM trading_membership m JOIN trading_person p ON p.id = m.person_id"
        " WHERE p.organisation_id = $1 AND m.role IN ('operator', 'bidder')",
        organisation,
    )
    if len(rows) > 1:
        admission.not_the_operator(organisation, (organisation,))


async def change_roles(actor: Actor, person: str, roles: Sequence[str]) -> dict[str, Any]:
    """Give a person these roles and no others; what it held under a role that is taken ends: its tokens here, its sessions
    by themselves (sessions.py asks for the role each time).

    Refused: T-PERSON, T-ROLE, T-ADMINS, E-OPERATOR-BIDS.
    """
    wanted = _roles(roles)
    async with acting(actor) as act:
        row = await act.query(
            """SELECT p.id, p.name, p.organisation_id, p.enrolled_at,
                      array(SELECT role FROM trading_membership m WHERE m.person_id = p.id) AS roles
               FROM trading_person p WHERE p.id = $1 FOR UPDATE""",
            person,
        )
        if not row:
            raise Refused("T-PERSON", person=person)
        taken = sorted(set(row[0]["roles"]) - set(wanted))
        await act.query("DELETE FROM trading_membership WHERE person_id = $1 AND role = ANY ($2)", person, taken)
        try:
            await act.query(
                """INSERT INTO trading_membership (person_id, role) SELECT $1, unnest($2::text[])
                   ON CONFLICT (person_id, role) DO NOTHING""",
                person, wanted,
            )  # fmt: skip
        except asyncpg.CheckViolationError as no:
            raise one_human(no, row[0]["organisation_id"]) from None
        if {"operator", "bidder"} & set(wanted):
            await _keep_apart(act, row[0]["organisation_id"])
        await act.query(
            """UPDATE trading_token SET revoked_at = clock_timestamp()
               WHERE person_id = $1 AND role = ANY ($2) AND revoked_at IS NULL""",
            person, taken,
        )  # fmt: skip
        act.record("roles-changed", subject=person, person=person, roles=wanted, taken=taken)
    _remembered.clear()  # here at once, in other processes within seconds
    found = dict(row[0])
    return {
        "id": person, "name": found["name"], "organisation": found["organisation_id"], "roles": wanted,
        "enrolled_at": found["enrolled_at"],
    }  # fmt: skip


def one_human(no: asyncpg.CheckViolationError, organisation: str) -> Refused:
    """What the database said of a human being in several organisations (0013_signin.py), as the refusal it is."""
    if no.constraint_name == "trading_human_operator":
        try:
            admission.not_the_operator(organisation, (organisation,))
        except Refused as refused:
            return refused
    return Refused("T-ADMINS", "GB/T 22239-2019")


async def people(cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """People with their roles, by id; without the name of whoever's data are only stored (retention.py)."""
    rows = await pool().fetch(
        """SELECT p.id, CASE WHEN r.person_id IS NULL THEN p.name ELSE '' END AS name,
                  p.organisation_id AS organisation, p.enrolled_at,
                  array(SELECT role FROM trading_membership m WHERE m.person_id = p.id ORDER BY role) AS roles
           FROM trading_person p LEFT JOIN trading_restriction r ON r.person_id = p.id
           WHERE p.id > $1 ORDER BY p.id LIMIT $2""",
        _text(cursor), limit + 1,
    )  # fmt: skip
    return page([dict(r) for r in rows], limit, "id")


async def check_use(query: Callable[..., Awaitable[Any]], person: str, use: str) -> None:
    """Refuse a use of the data of a person, or of an expert by id, who asked for deletion (`trading retention restrict`):
    law.STORE and law.PROTECT alone are allowed. Refused: E-STORAGE-ONLY."""
    if use not in retention.STORAGE_ONLY and await query(
        "SELECT 1 FROM log_record WHERE type = 'processing-restricted' AND subject = $1 LIMIT 1", person
    ):
        allowed = sorted(retention.STORAGE_ONLY)
        raise Refused("E-STORAGE-ONLY", retention.STORAGE_ONLY_RULE.article, use=use, allowed=allowed)


# ------------------------------------------------------------------------------------------------------------- tokens


def new_token(prefix: str) -> str:
    """A token nobody can guess."""
    return prefix + base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


def new_code(alphabet: str, length: int) -> str:
    """A short code that a person types, of letters of this alphabet."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


async def issue_token(actor: Actor, person: str, role: str, expires: datetime | None = None) -> dict[str, Any]:
    """Issue a token for one role a person has. Refused: T-PERSON, T-ROLE, T-EXPIRES (past, or beyond a year),
    E-STORAGE-ONLY."""
    token = new_token(PERSONAL)
    name = secrets.token_hex(8)
    async with acting(actor) as act:
        # Tokens live by the machine's clock: a demonstration's days pass in minutes, its tokens must not.
        issued = (await act.query("SELECT clock_timestamp() AS now"))[0]["now"]
        until = expires or issued + TOKEN_LIFE
        if not issued < until <= issued + TOKEN_LIFE_MOST:
            raise Refused("T-EXPIRES", days=TOKEN_LIFE_MOST.days)
        rows = await act.query(
            "SELECT p.organisation_id, m.role FROM trading_person p"
            " LEFT JOIN trading_membership m ON m.person_id = p.id AND m.role = $2 WHERE p.id = $1 FOR SHARE OF p",
            person, role,
        )  # fmt: skip
        if not rows:
            raise Refused("T-PERSON", person=person)
        if rows[0]["role"] is None:
            raise Refused("T-ROLE", role=role)
        await check_use(act.query, person, retention.ANALYSE)
        await act.query(
            "INSERT INTO trading_token (id, person_id, role, digest, issued_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            name, person, role, digest(token), issued, until,
        )  # fmt: skip
        act.record("token-issued", subject=person, token=name, person=person, role=role, expires=stamp(until))
    return {
        "id": name, "person": person, "role": role, "organisation": rows[0]["organisation_id"],
        "issued_at": issued, "expires": until, "token": token,
    }  # fmt: skip


async def tokens(cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Tokens without their secrets, by id."""
    rows = await pool().fetch(_TOKENS + " WHERE t.id > $1 ORDER BY t.id LIMIT $2", _text(cursor), limit + 1)
    return page([dict(r) for r in rows], limit, "id")


async def revoke_token(actor: Actor, token: str) -> dict[str, Any]:
    """Revoke a token by its id. Refused: W-UNKNOWN."""
    async with acting(actor) as act:
        rows = await act.query(
            "UPDATE trading_token SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = $1"
            " RETURNING person_id, role", token,
        )  # fmt: skip
        if not rows:
            raise Refused("W-UNKNOWN")
        person, role = rows[0]["person_id"], rows[0]["role"]
        act.record("token-revoked", subject=person, token=token, person=person, role=role)
    return dict(await pool().fetchrow(_TOKENS + " WHERE t.id = $1", token))


_TOKENS = """SELECT t.id, t.person_id AS person, t.role, p.organisation_id AS organisation,
    t.issued_at, t.expires_at AS expires, t.revoked_at
    FROM trading_token t JOIN trading_person p ON p.id = t.person_id"""

_pepper = b""
_remembered: dict[bytes, tuple[float, float, Caller]] = {}  # hash → (read, expires: monotonic seconds; for whom)
_known_until = 0.0  # monotonic: until then no revocation has escaped us
_revocations = 0  # how often the memory was wiped: what was read before a wipe is not kept after it


def use_pepper(pepper: bytes) -> None:
    """Set this process's pepper; `pepper_of` finds it in the settings."""
    global _pepper
    _pepper = pepper
    _remembered.clear()


@lru_cache(maxsize=8)
def pepper_of(settings: Settings) -> bytes:
    """The pepper: the setting, or 32 random bytes kept under `data/keys/pepper` (0600), made on first use."""
    if settings.token_pepper:
        return settings.token_pepper.encode()
    path = settings.data / "keys" / "pepper"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"pepper.{secrets.token_hex(8)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # two first starts at once: one wins, both read the same
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_bytes()


def digest(token: str) -> bytes:
    """What is kept of a token."""
    if not _pepper:
        raise RuntimeError("accounts.use_pepper has not been called")
    return hmac.digest(_pepper, token.encode(), hashlib.sha256)


def derived(purpose: str) -> bytes:
    """32 bytes of this installation's for one purpose, from the pepper."""
    return digest(f"trading/{purpose}")


async def authenticate(token: str) -> Caller:
    """Whom a token speaks for. Refused: W-TOKEN (unknown, expired, revoked: not told apart)."""
    key = digest(token)
    now, wiped = time.monotonic(), _revocations
    found = _remembered.get(key)
    if found is not None and now < found[1] and now < max(found[0] + REMEMBERED, _known_until):
        return found[2]
    caller, left = await (_seat(key) if token.startswith(SEAT) else _person(key))
    if caller is None:
        _remembered.pop(key, None)
        raise Refused("W-TOKEN")
    if len(_remembered) > 100_000:
        _remembered.clear()
    if wiped == _revocations:
        _remembered[key] = (now, now + left, caller)
    return caller


async def _person(key: bytes) -> tuple[Caller | None, float]:
    """Whom a person's token speaks for, and how many machine seconds longer."""
    row = await pool().fetchrow(
        """SELECT t.id, t.role, t.person_id, p.organisation_id, o.identity,
                  extract(epoch FROM t.expires_at - clock_timestamp())::float8 AS left FROM trading_token t
           JOIN trading_person p ON p.id = t.person_id JOIN trading_organisation o ON o.code = p.organisation_id
           JOIN trading_membership m ON m.person_id = p.id AND m.role = t.role
           WHERE t.digest = $1 AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()""",
        key,
    )
    if row is None:
        return None, 0.0
    return Caller(row["role"], row["id"], row["person_id"], row["organisation_id"], row["identity"]), row["left"]


async def _seat(key: bytes) -> tuple[Caller | None, float]:
    """Which seat a token speaks for: as long as its member sits there and the evaluation goes on."""
    mine = await seats.whose(key.hex())
    return (None if mine is None else Caller("expert", f"seat-{mine.id}", seat=mine)), math.inf


async def watch_revocations() -> None:
    """Renew the memory of tokens until cancelled, wiping it when one was revoked; without the database it fades."""
    global _known_until, _revocations
    last = None
    while True:
        begun = time.monotonic()
        try:
            row = await pool().fetchrow(
                f"SELECT count(*), max(revoked_at), {seats.ENDINGS} FROM trading_token WHERE revoked_at IS NOT NULL"
            )
        except Exception as gone:  # whatever it is: not to know is not to trust
            logger.warning("revocations unknown: %s", gone)
        else:
            if last is not None and tuple(row) != last:
                _remembered.clear()
                _revocations += 1
            last = tuple(row)
            _known_until = begun + REMEMBERED
        await asyncio.sleep(LOOK)


async def found(name: str, code: str, organisation: str) -> dict[str, Any]:
    """The first token of an installation: a security administrator's. Refused: T-FOUNDED once there is a person.

    Called by whoever installs the platform, at the machine; everything else goes through that administrator.
    """
    if await pool().fetchval("SELECT true FROM trading_person LIMIT 1"):
        raise Refused("T-FOUNDED")
    actor = Actor("system", "centre")
    if not await _known(code):
        await add_organisation(actor, code, organisation, None)
    person = await enrol(actor, name, code, ["security_admin"])
    return await issue_token(actor, person["id"], "security_admin")


# ------------------------------------------------------------------------------------------------------------ cursors


def page(rows: list[dict[str, Any]], limit: int, key: str) -> tuple[list[dict[str, Any]], str | None]:
    """One page of `limit` from `limit + 1` rows, and the cursor of the next; the column `key` orders them."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(rows[limit - 1][key])


def encode_cursor(value: Any) -> str:
    """An opaque cursor after this value."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, kind: type) -> Any:
    """The value a cursor stands after. Refused: W-CURSOR."""
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise Refused("W-CURSOR") from None
    if type(value) is not kind or (isinstance(value, int) and not -(2**62) < value < 2**62):
        raise Refused("W-CURSOR")
    return value


def _text(cursor: str | None) -> str:
    text = str(decode_cursor(cursor, str)) if cursor else ""
    if "\x00" in text:
        raise Refused("W-CURSOR")
    return text
