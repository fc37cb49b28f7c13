"""Rotation: every row of the roster is sealed under a new key and found by new marks, in one act.

The vault holds both keys: `Vault([new, old])`. Whoever reads meanwhile sees all rows under the old key, afterwards all under
the new one; a process that has both (settings: `vault_old_key`) notices nothing. What a draw sealed stays under the old key,
which is therefore kept until no panel is open that was sealed under it (`waiting`).
"""

from __future__ import annotations

from collections.abc import Callable

from audit.act import Act, RecordRef
from audit.refusal import Refused
from experts import roster
from experts.person import IDENTITY, PHONE, Person
from experts.records import ROSTER_DESK, VAULT_ROTATED
from experts.vault import Vault, key_of


async def rotate(act: Act, vault: Vault, progress: Callable[[int], None] = lambda done: None) -> RecordRef:
    """Seal every row under the vault's current key. `progress` gets the number of rows done.

    Refused: E-ROTATED (nothing lies under another key), E-VAULT-KEY (a row's key is not in the vault). Broken: E-VAULT.
    """
    await roster.lock(act)
    after, done = "", 0
    while True:
        rows = await act.query(
            "SELECT id, sealed FROM experts_expert WHERE key <> $1 AND id > $2 ORDER BY id LIMIT $3 FOR UPDATE",
            vault.fingerprint, after, roster.BATCH,
        )  # fmt: skip
        if not rows:
            break
        after = rows[-1]["id"]
        made = []
        for row in rows:
            person = Person.open(vault, row["id"], row["sealed"])
            marks = vault.mark(IDENTITY, person.identity), vault.mark(PHONE, person.phone)
            made.append((row["id"], person.seal(vault, row["id"]), *marks))
        await act.query(_UPDATE, vault.fingerprint, *(list(column) for column in zip(*made, strict=True)))
        done += len(made)
        progress(done)
    if not done:
        raise Refused("E-ROTATED", key=vault.fingerprint)
    return act.record(
        VAULT_ROTATED.name, subject=ROSTER_DESK, time=await act.clock(), key=vault.fingerprint, experts=done
    )


async def waiting(fetch: roster.Fetch, vault: Vault) -> int:
    """How many attempts of panels that are still open were sealed under another key than the current one."""
    rows = await fetch(
        "SELECT a.sealed FROM experts_attempt a JOIN experts_panel p ON p.draw = a.panel_id WHERE p.disclosed_at IS NULL"
    )
    return sum(key_of(row["sealed"]) != vault.fingerprint for row in rows)


_UPDATE = """UPDATE experts_expert e SET key = $1, sealed = u.sealed, identity = u.identity, phone = u.phone
    FROM unnest($2::text[], $3::bytea[], $4::text[], $5::text[]) AS u(id, sealed, identity, phone) WHERE e.id = u.id"""
