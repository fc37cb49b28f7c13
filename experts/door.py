"""The door of a panel: who reads its names and when, who takes a member away, what is published (draw.md §2.5, §3).

The record of a reading is made before anybody answers it; the list itself is sealed by the dispatcher to the reader's own
key. Nothing here can open it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from audit.act import Act, RecordRef
from audit.refusal import Refused
from audit.signature import BadSignature
from audit.trust import Identities, record_sig_bytes
from experts import records
from experts.approvals import DOOR, two_keys
from experts.panels import lock

Sigs = Sequence[Mapping[str, Any]]
SEATED, TWO_KEYS = "seated", "two_keys"
CONFLICT, REMOVED = "conflict", "removed"
INFO = b"trading/panel-read/v1\0"
PUBLIC = 65
"""Bytes of an uncompressed P-256 point."""


def info_of(draw: str, reading: str) -> bytes:
    """What a list of names is sealed under besides the reader's key: for this reading of this draw, and no other."""
    return INFO + draw.encode() + b"\0" + reading.encode()


def reading_of(tender: str, draw: str, attempt: int, reader: str, ground: str) -> dict[str, Any]:
    """The record of a reading, as far as two keys sign it."""
    return {
        "type": records.PANEL_READ.type, "subject": tender, "tender": tender, "draw": draw, "attempt": attempt,
        "reader": reader, "ground": ground,
    }  # fmt: skip


@dataclass(frozen=True)
class Asking:
    """Somebody asks for the names. `key`: P-256, uncompressed, made for this reading alone."""

    tender: str
    reader: str
    key: bytes
    approvals: Sigs = ()


async def read(act: Act, identities: Identities, asked: Asking) -> str:
    """Record a reading, then let the dispatcher answer it; its id.

    Refused: E-DRAW-NONE, E-READING-NOBODY (nobody is called yet, or all is over), E-READING-KEY (no point of P-256),
    E-READING-EARLY (not seated, and no two keys yet: `earliest`), E-READING-KEYS (two keys of different kinds are needed).
    """
    try:
        if len(asked.key) != PUBLIC:
            raise ValueError
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), asked.key)
    except ValueError:
        raise Refused("E-READING-KEY") from None
    panel = await lock(act, asked.tender)
    if panel["state"] not in ("calling", "seated"):
        raise Refused("E-READING-NOBODY")
    ground = SEATED if panel["seated_at"] is not None else TWO_KEYS
    record = reading_of(asked.tender, panel["draw"], panel["attempt"], asked.reader, ground)
    approved: list[Mapping[str, Any]] = []
    if ground == TWO_KEYS:
        earliest = panel["meets"] - DOOR
        if act.now < earliest or not asked.approvals:
            raise Refused("E-READING-EARLY", earliest=earliest, now=act.now)
        try:
            two_keys(identities, record, list(asked.approvals), act.now)
        except BadSignature as bad:
            raise Refused("E-READING-KEYS", why=bad.facts["why"]) from None
        approved = list(asked.approvals)
    fields = {name: value for name, value in record.items() if name not in ("type", "subject")}
    act.record("panel-read", subject=asked.tender, **fields, approved=approved)
    reading = secrets.token_hex(16)
    await act.query(
        """INSERT INTO experts_reading (id, panel_id, reader, ground, reader_key, asked_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        reading, panel["draw"], asked.reader, ground, asked.key, act.now,
    )  # fmt: skip
    return reading


async def answer(query: Any, tender: str, reading: str, reader: str) -> dict[str, Any]:
    """A reading as its own reader may see it; `sealed` null until the dispatcher has answered. Refused: E-READING."""
    rows = await query(
        """SELECT r.id, r.panel_id AS draw, r.ground, r.asked_at, r.answered_at, r.sealed FROM experts_reading r
           JOIN experts_panel p ON p.draw = r.panel_id WHERE r.id = $1 AND p.tender = $2 AND r.reader = $3""",
        reading, tender, reader,
    )  # fmt: skip
    if not rows:
        raise Refused("E-READING", reading=reading)
    return dict(rows[0])


# ------------------------------------------------------------------------------------------------------------ removals


def removal_of(
    tender: str, draw: str, attempt: int, leaf: str, specialty: str, outcome: str, by: str
) -> dict[str, Any]:
    """The record by which an authority takes a member away, as far as it is signed."""
    return {
        "type": records.DRAW_CALLED.type, "subject": tender, "tender": tender, "draw": draw, "attempt": attempt,
        "leaf": leaf, "specialty": specialty, "try": 0, "channel": "", "answer": None, "outcome": outcome, "by": by,
    }  # fmt: skip


async def sitting(query: Any, tender: str, seat: int) -> dict[str, Any]:
    """Under which leaf somebody has a seat: what an authority signs who takes them away. No name. Refused: E-DRAW-MEMBER."""
    rows = await query(
        """SELECT p.draw, s.attempt, s.seat, s.leaf, s.specialty FROM experts_summons s
           JOIN experts_panel p ON p.draw = s.panel_id WHERE p.tender = $1 AND s.seat = $2
           AND s.state IN ('accepted', 'seated') AND p.state IN ('calling', 'seated')""",
        tender, seat,
    )  # fmt: skip
    if not rows:
        raise Refused("E-DRAW-MEMBER", leaf=f"{seat}")
    return dict(rows[0])


async def remove(
    act: Act, identities: Identities, tender: str, leaf: str, outcome: str, by: str, sig: Sigs
) -> RecordRef:
    """An authority takes a member away: `removed`, or for a `conflict` that others found. Its work is void (WK-32), its seat
    free, and the dispatcher calls the next in order.

    Refused: E-DRAW-NONE, E-DRAW-MEMBER (nobody of this leaf is called or sits here), E-REMOVAL-SIG (not this
    authority's signature).
    """
    panel = await lock(act, tender)
    draw = panel["draw"]
    rows = await act.query(
        """SELECT id, attempt, specialty FROM experts_summons WHERE panel_id = $1 AND leaf = $2
           AND state IN ('calling', 'accepted', 'seated') FOR UPDATE""",
        draw, leaf,
    )  # fmt: skip
    if not rows or panel["state"] not in ("calling", "seated"):
        raise Refused("E-DRAW-MEMBER", leaf=leaf)
    (member,) = rows
    record = removal_of(tender, draw, member["attempt"], leaf, member["specialty"], outcome, by)
    try:
        if identities.parties.authorities_of(list(sig), record_sig_bytes(record), act.now) != {by}:
            raise BadSignature("authority")
    except BadSignature as bad:
        raise Refused("E-REMOVAL-SIG", by=by, why=bad.facts["why"]) from None
    await act.query(
        "UPDATE experts_summons SET state = $2, next_at = NULL, code = NULL, seat = NULL WHERE id = $1",
        member["id"], outcome,
    )  # fmt: skip
    await act.query(
        "UPDATE experts_seat SET ended_at = $3 WHERE panel_id = $1 AND leaf = $2 AND ended_at IS NULL",
        draw, leaf, act.now,
    )  # fmt: skip
    await act.query("UPDATE experts_panel SET state = 'calling' WHERE draw = $1", draw)
    fields = {name: value for name, value in record.items() if name not in ("type", "subject")}
    return act.record("draw-called", subject=tender, **fields, sig=list(sig))


# ---------------------------------------------------------------------------------------------------------- publication


async def named(query: Any, tender: str) -> list[dict[str, Any]]:
    """The members' names where the regime publishes them and `panel-named` says so; empty elsewhere."""
    rows = await query(
        """SELECT n.seat, n.name FROM experts_name n JOIN experts_panel p ON p.draw = n.panel_id WHERE p.tender = $1
           AND p.state <> 'exhausted' AND EXISTS (SELECT 1 FROM log_record WHERE tender = $1 AND type = 'panel-named')
           ORDER BY n.seat""",
        tender,
    )
    return [dict(row) for row in rows]
