"""What the dispatcher gives out: names to a reader's own key, the files of a draw when its evaluation is over, names to all.

Before a reading is answered its record stands in the log (panels.py); before the files are written every record that they
name has its place there. Each is done once, whenever it is looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from audit.act import acting, pool
from audit.canon import canon, sha256_hex
from experts import draw as law
from experts.desk import Desk, Gone, Sealed, records_of
from experts.disclosure import COMMIT, NONCES, nonces_file
from experts.handed import CLOSED, Asked
from experts.records import DRAW_CALLED, PANEL_NAMED, PANEL_SEATED

READ: Final = b"trading/panel-read/v1\0"
SUITE: Final = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
BLOCK: Final = 4096
"""Bytes that a door list is filled up to with blanks: its length tells nothing of who is on it, or how many."""


def reading_info(draw: str, reading: str) -> bytes:
    """What a door list is bound to: "trading/panel-read/v1\\0" || draw || "\\0" || id of the reading."""
    return READ + draw.encode() + b"\0" + reading.encode()


def door_list(names: Mapping[int, str]) -> bytes:
    """{seat: name} as it is sealed to a reader: JSON, blanks after it."""
    data = _names(names)
    return data + b" " * (-len(data) % BLOCK)


def _names(names: Mapping[int, str]) -> bytes:
    return canon({"names": [{"seat": seat, "name": names[seat]} for seat in sorted(names)]}, nfc=True)


async def readings(desk: Desk, asked: Asked) -> int:
    """Answer every reading that waits: the names of those who have accepted or sit, sealed to its reader's key."""
    waiting = await pool().fetch(
        "SELECT id, reader_key FROM experts_reading WHERE panel_id = $1 AND sealed IS NULL", asked.draw
    )
    if not waiting:
        return 0
    data = door_list(await _who_sits(desk, asked))
    for row in waiting:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(row["reader_key"]))
        sealed = SUITE.encrypt(data, key, reading_info(asked.draw, row["id"]))
        await pool().execute(
            "UPDATE experts_reading SET sealed = $2, answered_at = log_now() WHERE id = $1 AND sealed IS NULL",
            row["id"], sealed,
        )  # fmt: skip
    return len(waiting)


async def _who_sits(desk: Desk, asked: Asked) -> dict[int, str]:
    rows = await pool().fetch(
        "SELECT seat, leaf FROM experts_summons WHERE panel_id = $1 AND seat IS NOT NULL ORDER BY seat", asked.draw
    )
    return {row["seat"]: (await desk.person(asked, row["leaf"])).name for row in rows}


async def publish_names(desk: Desk, asked: Asked) -> None:
    """The members' names for everybody, with their hash in the log (draw.md §3). Gone where it was done."""
    names = await _who_sits(desk, asked)
    if not names:
        raise Gone("nobody sat")
    async with acting(desk.actor) as act:
        await act.query("SELECT 1 FROM experts_panel WHERE draw = $1 FOR UPDATE", asked.draw)
        if await act.query("SELECT 1 FROM experts_name WHERE panel_id = $1 LIMIT 1", asked.draw):
            raise Gone("named")
        await act.query(
            "INSERT INTO experts_name (panel_id, seat, name) SELECT $1, * FROM unnest($2::int[], $3::text[])",
            asked.draw, list(names), list(names.values()),
        )  # fmt: skip
        digest = sha256_hex(_names(names))
        act.record(PANEL_NAMED.name, subject=asked.tender, tender=asked.tender, draw=asked.draw, names=digest)


# ------------------------------------------------------------------------------------------------------------- the archive


async def disclose(desk: Desk, asked: Asked, stage: str) -> bool:
    """Write the files of a draw whose tender is `closed` or `given_up`; False while a record waits for its leaf.

    draw.md §4: without an `evaluation-closed` nothing sealed is shown, so `commit.json` and `nonces.json` alone.
    """
    attempts = await pool().fetch("SELECT * FROM experts_attempt WHERE panel_id = $1 ORDER BY attempt", asked.draw)
    nonces = await pool().fetch("SELECT * FROM experts_nonce WHERE panel_id = $1 ORDER BY attempt, i", asked.draw)
    files: list[tuple[int, str, bytes]] = []
    for row in attempts:
        if row["record"] is None:
            continue  # a draft nobody approved
        mine = [one for one in nonces if one["attempt"] == row["attempt"]]
        files += [(row["attempt"], COMMIT, bytes(row["record"])), (row["attempt"], NONCES, nonces_file(mine))]
        revealed = sum(one["reveal"] is not None for one in mine) == len(asked.parties)
        if stage == CLOSED and row["voided_at"] is None and revealed:
            records = await records_of(asked.draw, asked.tender, DRAW_CALLED.name, PANEL_SEATED.name)
            if any(index is None for index, _ in records):
                return False
            first, own = await desk.first(asked.draw), await desk.sealed(asked.draw, row["attempt"])
            more = await asyncio.to_thread(_shown, first, own.secret, records)
            files += [(row["attempt"], name, data) for name, data in more.items()]
    async with (await pool()).acquire() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM experts_panel WHERE draw = $1 FOR UPDATE", asked.draw)
        await connection.executemany(
            """INSERT INTO experts_file (panel_id, attempt, name, data) VALUES ($1, $2, $3, $4)
               ON CONFLICT (panel_id, attempt, name) DO NOTHING""",
            [(asked.draw, *file) for file in files],
        )
        await connection.execute(
            """UPDATE experts_panel SET disclosed_at = log_now(),
                      state = CASE state WHEN 'exhausted' THEN state ELSE 'over' END
               WHERE draw = $1 AND disclosed_at IS NULL""",
            asked.draw,
        )
    return True


def _shown(first: Sealed, secret: bytes, records: Sequence[tuple[int | None, dict[str, Any]]]) -> dict[str, bytes]:
    return {
        "secret.json": canon({"secret": secret.hex()}),
        "leaves.json": law.leaves_file(first.pool()),
        "calls.json": calls_file(records),
        "names.json": names_file(first),
    }


def calls_file(records: Sequence[tuple[int | None, dict[str, Any]]]) -> bytes:
    """`calls.json`: every leaf that was called, in order of its first record, with what became of it."""
    sits: set[str] = set()
    calls: dict[str, dict[str, Any]] = {}
    for index, record in records:
        if record["type"] == PANEL_SEATED.type:
            sits = set(record["leaves"])
            continue
        one = calls.setdefault(
            record["leaf"], {"leaf": record["leaf"], "specialty": record["specialty"], "outcome": "", "records": []}
        )
        one["outcome"] = record["outcome"]
        one["records"].append(index)
    for leaf, one in calls.items():
        if one["outcome"] == "accepted" and leaf in sits:
            one["outcome"] = "seated"
    return canon({"calls": list(calls.values())})


def names_file(first: Sealed) -> bytes:
    """`names.json`, for the supervision edition: whose leaf each is, and why whoever was left out was."""
    rows = [
        (first.leaf(id).hex(), id, law.salt_of(first.salts, id).hex(), reason or None) for id, _, reason in first.people
    ]
    names = ("leaf", "expert", "salt", "excluded")
    return canon({"roster": [dict(zip(names, row, strict=True)) for row in sorted(rows)]}, nfc=True)
