"""What an account signs in with: adding, changing, ending. Each is a record; none is ever the last one to go.

The account must be able to come in with two factors at every moment: a passkey, or a password with a code generator or a
certificate.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from typing import Any

import asyncpg
from cryptography import x509

from audit.act import Act, Actor, acting, pool
from audit.refusal import Refused
from trading import client_certificates, onetime, passkeys, passwords, records, signin
from trading.accounts import derived, digest
from trading.signin import CERTIFICATE, PASSKEY, PASSWORD, TOTP, Door

assert records.CREDENTIAL_ADDED
MOST = 20
"""Passkeys and certificates of one account."""


async def of(account: str) -> list[dict[str, Any]]:
    """What an account has in force: kind, label, since when, last used. No secrets."""
    rows = await pool().fetch(
        """SELECT id, kind, label, made_at, used_at FROM trading_credential WHERE account_id = $1 AND ended_at IS NULL
           ORDER BY made_at, id""",
        account,
    )
    return [dict(row) for row in rows]


async def login(account: str) -> str:
    """The account's sign-in name; "" if it has none."""
    return str(await pool().fetchval("SELECT login FROM trading_account WHERE id = $1", account) or "")


def suggested(nonce: str, holder: str) -> str:
    """The secret of a code generator to be: the same for this form of this holder, and nobody else's."""
    return b32encode(digest(f"new-totp/{holder}/{nonce}")[:20]).decode()


async def add(act: Act, account: str, kind: str, material: bytes, *, handle: bytes | None = None, label: str = "",
              counter: int = 0) -> str:  # fmt: skip
    """Put one in force; an earlier password or generator ends. Refused: T-CREDENTIAL-TAKEN, T-CREDENTIAL-MANY."""
    if kind in (PASSWORD, TOTP):
        await _end(act, account, "AND kind = $2", kind, cause="replaced")
    elif (await act.query(_COUNT, account))[0]["count"] >= MOST:
        raise Refused("T-CREDENTIAL-MANY", most=MOST)
    name = secrets.token_hex(8)
    try:
        await act.query(
            """INSERT INTO trading_credential (id, account_id, kind, handle, material, counter, label, made_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())""",
            name, account, kind, handle, material, counter, label[:100],
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise Refused("T-CREDENTIAL-TAKEN") from None
    act.record("credential-added", subject=account, account=account, credential=name, kind=kind)
    return name


_COUNT = """SELECT count(*) FROM trading_credential WHERE account_id = $1 AND ended_at IS NULL
    AND kind IN ('passkey', 'certificate')"""


async def _end(act: Act, account: str, where: str, *arguments: Any, cause: str) -> int:
    rows = await act.query(
        f"""UPDATE trading_credential SET ended_at = clock_timestamp() WHERE account_id = $1 AND ended_at IS NULL {where}
            RETURNING id, kind""",
        account, *arguments,
    )  # fmt: skip
    for row in rows:
        act.record(
            "credential-ended", subject=account, account=account, credential=row["id"], kind=row["kind"], why=cause
        )
    return len(rows)


async def end_all(act: Act, account: str) -> None:
    """All of them: what a recovery begins with."""
    await _end(act, account, "", cause="recovered")


async def _two_factors(act: Act, account: str) -> None:
    """Refused: T-CREDENTIAL-LAST, unless the account can still come in with two factors."""
    held = {row["kind"] for row in await act.query(_HELD, account)}
    if PASSKEY not in held and not (PASSWORD in held and held & {TOTP, CERTIFICATE}):
        raise Refused("T-CREDENTIAL-LAST")


_HELD = "SELECT DISTINCT kind FROM trading_credential WHERE account_id = $1 AND ended_at IS NULL"


async def lock(act: Act, account: str) -> None:
    """One change of an account's credentials after the other."""
    await act.query("SELECT FROM trading_account WHERE id = $1 FOR UPDATE", account)


# ------------------------------------------------------------------------------------------------------- by the owner


async def end(actor: Actor, account: str, credential: str) -> None:
    """End one of one's own. Refused: W-UNKNOWN, T-CREDENTIAL-LAST."""
    async with acting(actor) as act:
        await lock(act, account)
        if not await _end(act, account, "AND id = $2", credential, cause="owner"):
            raise Refused("W-UNKNOWN")
        await _two_factors(act, account)


async def change_password(door: Door, actor: Actor, account: str, old: str, new: str, name: str = "") -> None:
    """A new password, by whoever knows the old one (ASVS 6.2.3); the first one comes with a name to sign in by.

    Refused: T-PASSWORD-OLD, T-PASSWORD, T-LOGIN, T-LOGIN-TAKEN.
    """
    known = await login(account)
    kept = await pool().fetchval(
        "SELECT material FROM trading_credential WHERE account_id = $1 AND kind = 'password' AND ended_at IS NULL",
        account,
    )
    if kept is not None and not await door.lanes.verify(bytes(kept), old, known=True):
        raise Refused("T-PASSWORD-OLD")
    made = await door.lanes.hash(passwords.check(new, known or name))
    async with acting(actor) as act:
        await lock(act, account)
        if not known:
            await take_login(act, account, name)
        await add(act, account, PASSWORD, made)


async def take_login(act: Act, account: str, text: str) -> str:
    """Set the name. Refused: T-LOGIN, T-LOGIN-TAKEN (told to nobody who has no invitation and no account)."""
    name = signin.login_of(text)
    try:
        await act.query("UPDATE trading_account SET login = $2 WHERE id = $1", account, name)
    except asyncpg.UniqueViolationError:
        raise Refused("T-LOGIN-TAKEN") from None
    return name


async def add_generator(door: Door, actor: Actor, account: str, secret: str, code: str) -> None:
    """A code generator, once it has shown that it counts. Refused: T-SECOND."""
    step = onetime.step_of(secret, code, door.now())
    if step is None:
        raise Refused("T-SECOND")
    async with acting(actor) as act:
        await lock(act, account)
        await add(act, account, TOTP, sealed(secret, account), counter=step)


def sealed(secret: str, account: str) -> bytes:
    """A generator's secret as it rests."""
    return onetime.seal(secret, derived("totp"), account)


async def ask_new_passkey(door: Door, account: str, login: str, holder: str) -> dict[str, Any]:
    """What a browser is given to make a passkey for this account."""
    rows = await pool().fetch(
        "SELECT handle FROM trading_credential WHERE account_id = $1 AND kind = 'passkey' AND ended_at IS NULL", account
    )
    have = [bytes(row["handle"]) for row in rows]
    challenge = await signin.challenge(holder)
    return passkeys.to_make(door.site, user=digest(f"user/{account}"), login=login, have=have, challenge=challenge)


async def brought(door: Door, answer: dict[str, Any], holder: str) -> passkeys.Made:
    """The passkey of an answer. Refused: T-PASSKEY."""
    _, said = passkeys.read(answer)
    await signin.take_challenge(said, holder)
    return passkeys.made(door.site, answer, said)


async def add_passkey(door: Door, actor: Actor, account: str, answer: dict[str, Any], holder: str, label: str) -> None:
    """Another passkey. Refused: T-PASSKEY, T-CREDENTIAL-TAKEN, T-CREDENTIAL-MANY."""
    made = await brought(door, answer, holder)
    async with acting(actor) as act:
        await lock(act, account)
        await add(act, account, PASSKEY, made.key, handle=made.id, counter=made.count, label=label)


async def add_certificate(door: Door, actor: Actor, account: str, certificate: x509.Certificate) -> None:
    """The certificate of this connection. Refused: T-CLIENT-CERT, T-CREDENTIAL-TAKEN, T-CREDENTIAL-MANY."""
    handle, label = signin.checked(door, certificate), client_certificates.told(certificate)
    async with acting(actor) as act:
        await lock(act, account)
        await add(act, account, CERTIFICATE, b"", handle=handle, label=label)
