"""Signing in: a password and then a code or a certificate, or a passkey alone; proving again; lost ones are recovery's.

Whoever fails is told one sentence in one span of time, whichever part was wrong and whether there is such an account
(ASVS 6.3.8). What is counted and who waits: lockout.py. Every account has what signs it in before it has anything else:
there is no default password and nobody sets another's (invitations.py).
"""

from __future__ import annotations

import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from audit.act import pool
from audit.refusal import Refused
from trading import client_certificates, onetime, passkeys, sessions
from trading.accounts import derived, digest
from trading.lockout import Lockout
from trading.passwords import Lanes, outdated
from trading.sessions import Opened, Session
from trading.settings import Settings

PASSWORD, TOTP, PASSKEY, CERTIFICATE = "password", "totp", "passkey", "certificate"
KINDS = (PASSWORD, TOTP, PASSKEY, CERTIFICATE)


@dataclass
class Door:
    """What one process needs to let people in: its settings, who has guessed how often, whose turn it is to be hashed."""

    settings: Settings
    lockout: Lockout = field(default_factory=Lockout)
    lanes: Lanes = field(default_factory=Lanes)
    now: Callable[[], float] = time.time

    @property
    def site(self) -> passkeys.Site:
        """Where passkeys of this platform belong."""
        rp, base = self.settings.passkey_rp, self.settings.base_url
        if rp == "localhost":  # a browser speaks of the machine by name, or makes no passkey at all
            base = base.replace("127.0.0.1", "localhost").replace("[::1]", "localhost").replace("0.0.0.0", "localhost")
        return passkeys.Site(rp, self.settings.origin, base)


@dataclass(frozen=True)
class Visitor:
    """From where somebody tries: the network address, the secret of the browser's device cookie, what it calls itself."""

    address: str
    device: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Let:
    """Somebody who came in: the new session and whose it is. `device`: what the browser is now known by."""

    opened: Opened
    account: str
    device: str


def login_of(text: str) -> str:
    """A sign-in name as it is compared: NFKC, lower case, 3 to 64 characters without spaces. Refused: T-LOGIN."""
    name = unicodedata.normalize("NFKC", text).strip().lower()
    if not 3 <= len(name) <= 64 or any(c.isspace() or not c.isprintable() for c in name) or name != name.lower():
        raise Refused("T-LOGIN")
    return name


# --------------------------------------------------------------------------------------------------- password, and then


async def first(door: Door, login: str, password: str, visitor: Visitor) -> Opened:
    """The first factor: a session that waits for the second. Refused: T-SIGNIN (whatever was wrong), W-LOCKED, W-CROWD."""
    try:
        name = login_of(login)
    except Refused:
        name = ""
    row = await pool().fetchrow(
        """SELECT a.id, c.id AS credential, c.material,
                  EXISTS (SELECT FROM trading_device d WHERE d.account_id = a.id AND d.digest = $2) AS known
           FROM trading_account a
           LEFT JOIN trading_credential c ON c.account_id = a.id AND c.kind = 'password' AND c.ended_at IS NULL
           WHERE a.login = $1""",
        name, digest(visitor.device),
    )  # fmt: skip
    account, known = (row["id"], bool(row["known"] and visitor.device)) if row else ("", False)
    device = visitor.device if known else ""
    door.lockout.check(visitor.address, account, device)
    kept = bytes(row["material"]) if row and row["material"] is not None else None
    if not await door.lanes.verify(kept, password, known=known):
        door.lockout.wrong(visitor.address, account, device)
        raise Refused("T-SIGNIN")
    assert kept is not None
    if outdated(kept):
        await pool().execute(
            "UPDATE trading_credential SET material = $2 WHERE id = $1",
            row["credential"],
            await door.lanes.hash(password),
        )
    return await sessions.pend(account, PASSWORD, visitor.agent)


async def second(door: Door, half: Session, visitor: Visitor, code: str) -> Let:
    """The second factor: a code. Refused: T-SECOND (wrong, used before, or there is no generator), W-LOCKED."""
    device = await _known(half.account, visitor)
    door.lockout.check(visitor.address, half.account, device, second=True)
    if not await take_code(door, half.account, code):
        door.lockout.wrong(visitor.address, half.account, device, second=True)
        raise Refused("T-SECOND")
    return await _in(door, half, visitor, f"{PASSWORD}+{TOTP}")


async def second_by_certificate(door: Door, half: Session, visitor: Visitor, certificate: x509.Certificate) -> Let:
    """The second factor: the certificate of the connection. Refused: T-CLIENT-CERT, T-SECOND (not this account's)."""
    device = await _known(half.account, visitor)
    door.lockout.check(visitor.address, half.account, device, second=True)
    handle = checked(door, certificate)
    used = await pool().fetchval(
        """UPDATE trading_credential SET used_at = clock_timestamp() WHERE account_id = $1 AND kind = 'certificate'
           AND handle = $2 AND ended_at IS NULL RETURNING id""",
        half.account, handle,
    )  # fmt: skip
    if used is None:
        door.lockout.wrong(visitor.address, half.account, device, second=True)
        raise Refused("T-SECOND")
    return await _in(door, half, visitor, f"{PASSWORD}+{CERTIFICATE}")


def checked(door: Door, certificate: x509.Certificate) -> bytes:
    """The SHA-256 of a certificate one of our CAs stands behind. Refused: T-CLIENT-CERT, T-CLIENT-CA."""
    if door.settings.client_ca is None:
        raise Refused("T-CLIENT-CERT", why="issuer")
    cas = client_certificates.read_cas(door.settings.client_ca)
    return client_certificates.check(certificate, cas, datetime.fromtimestamp(door.now(), UTC))


async def take_code(door: Door, account: str, code: str) -> bool:
    """Whether this is a code of the account's generator that was not used yet; it is used now."""
    row = await pool().fetchrow(
        """SELECT id, material, counter FROM trading_credential
           WHERE account_id = $1 AND kind = 'totp' AND ended_at IS NULL""",
        account,
    )
    if row is None:
        return False
    secret = onetime.unseal(bytes(row["material"]), derived("totp"), account)
    step = onetime.step_of(secret, code, door.now(), row["counter"])
    if step is None:
        return False
    taken = await pool().fetchval(  # of two requests with one code, one comes first
        """UPDATE trading_credential SET counter = $2, used_at = clock_timestamp()
           WHERE id = $1 AND counter < $2 AND ended_at IS NULL RETURNING true""",
        row["id"], step,
    )  # fmt: skip
    return bool(taken)


# ------------------------------------------------------------------------------------------------------------- passkeys


async def ask_passkey(door: Door, holder: str, have: list[bytes] | None = None) -> dict[str, Any]:
    """What a browser is asked to sign. `holder`: to whom the challenge is given, who alone may answer it."""
    return passkeys.to_use(door.site, challenge=await challenge(holder), have=have or ())


async def challenge(holder: str) -> bytes:
    """A fresh challenge, kept until it is answered."""
    made = secrets.token_bytes(32)
    await pool().execute(
        """INSERT INTO trading_challenge (digest, holder, ends_at)
           VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))""",
        digest(made.hex()), digest(holder).hex(), passkeys.WITHIN,
    )  # fmt: skip
    return made


async def take_challenge(said: bytes, holder: str) -> None:
    """Use up a challenge that was given to this holder. Refused: T-PASSKEY."""
    taken = await pool().fetchval(
        "DELETE FROM trading_challenge WHERE digest = $1 AND holder = $2 AND ends_at > clock_timestamp() RETURNING true",
        digest(said.hex()), digest(holder).hex(),
    )  # fmt: skip
    if not taken:
        raise Refused("T-PASSKEY")


async def take_passkey(door: Door, answer: dict[str, Any], holder: str, account: str | None = None) -> str:
    """Whose passkey answered; only this account's, if one is named. Refused: T-PASSKEY."""
    handle, said = passkeys.read(answer)
    await take_challenge(said, holder)
    row = await pool().fetchrow(
        """SELECT id, account_id, material, counter FROM trading_credential
           WHERE handle = $1 AND kind = 'passkey' AND ended_at IS NULL""",
        handle,
    )
    if row is None or (account is not None and row["account_id"] != account):
        raise Refused("T-PASSKEY")
    count = passkeys.used(door.site, answer, said, bytes(row["material"]), row["counter"])
    await pool().execute(
        "UPDATE trading_credential SET counter = $2, used_at = clock_timestamp() WHERE id = $1", row["id"], count
    )
    return str(row["account_id"])


async def by_passkey(door: Door, answer: dict[str, Any], holder: str, visitor: Visitor) -> Let:
    """Sign in with a passkey alone. It cannot be guessed, so nobody is locked out of it. Refused: T-PASSKEY, T-NOBODY."""
    account = await take_passkey(door, answer, holder)
    return await let_in(door, account, visitor, PASSKEY)


# --------------------------------------------------------------------------------------------------------------- coming in


async def let_in(door: Door, account: str, visitor: Visitor, how: str) -> Let:
    """Open a session as whom the account acted last. Refused: T-NOBODY (it may act as nobody any more)."""
    post = await sessions.last_post(account)
    if post is None:
        raise Refused("T-NOBODY")
    opened = await sessions.open_(door.settings, post.person, post.role, how, agent=visitor.agent)
    device = visitor.device or secrets.token_urlsafe(32)
    await pool().execute(
        """INSERT INTO trading_device (account_id, digest, known_at) VALUES ($1, $2, clock_timestamp())
           ON CONFLICT (account_id, digest) DO UPDATE SET known_at = excluded.known_at""",
        account, digest(device),
    )  # fmt: skip
    door.lockout.right(visitor.address, account, device)
    return Let(opened, account, device)


async def _in(door: Door, half: Session, visitor: Visitor, how: str) -> Let:
    let = await let_in(door, half.account, visitor, how)
    await sessions.end(half.account, half.id, "signed-in")
    return let


async def again(door: Door, session: Session, visitor: Visitor, *, code: str = "", answer: Any = None) -> Opened:
    """Prove again who one is, by a code or a passkey: a new session in the place of this one. Refused: T-SECOND, T-PASSKEY,
    W-LOCKED."""
    if answer is not None:
        await take_passkey(door, answer, session.id, session.account)
    else:
        device = await _known(session.account, visitor)
        door.lockout.check(visitor.address, session.account, device, second=True)
        if not await take_code(door, session.account, code):
            door.lockout.wrong(visitor.address, session.account, device, second=True)
            raise Refused("T-SECOND")
    assert session.person and session.role
    return await sessions.follow(
        door.settings, session, person=session.person, role=session.role, fresh=True, cause="again", agent=visitor.agent
    )


async def again_by_certificate(
    door: Door, session: Session, visitor: Visitor, certificate: x509.Certificate, password: str
) -> Opened:
    """Likewise by the password, on a connection with the account's certificate: of that alone its owner need not know.

    Refused: T-CLIENT-CERT, T-SECOND, W-LOCKED.
    """
    device = await _known(session.account, visitor)
    door.lockout.check(visitor.address, session.account, device, second=True)
    handle = checked(door, certificate)
    held = await pool().fetch(
        """SELECT kind, material FROM trading_credential WHERE account_id = $1 AND ended_at IS NULL
           AND (kind = 'password' OR (kind = 'certificate' AND handle = $2))""",
        session.account, handle,
    )  # fmt: skip
    kept = {row["kind"]: bytes(row["material"]) for row in held}
    right = await door.lanes.verify(kept.get(PASSWORD), password, known=True)
    if not right or CERTIFICATE not in kept:
        door.lockout.wrong(visitor.address, session.account, device, second=True)
        raise Refused("T-SECOND")
    assert session.person and session.role
    return await sessions.follow(
        door.settings, session, person=session.person, role=session.role, fresh=True, cause="again", agent=visitor.agent
    )


async def _known(account: str, visitor: Visitor) -> str:
    """The device's secret, if this account has signed in from it before."""
    if not visitor.device:
        return ""
    known = await pool().fetchval(
        "SELECT true FROM trading_device WHERE account_id = $1 AND digest = $2", account, digest(visitor.device)
    )
    return visitor.device if known else ""
