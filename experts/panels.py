"""A panel as rows and records, up to the moment at which the dispatcher has its order: what is asked for, who commits and
reveals, who approves. Knows no projects and no names (draw.md §2).

Every act of a draw takes its row's lock first, so that the order of the log is the draw's. Times are read under it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from audit.act import Act, RecordRef
from audit.canon import b64, canon, parse, sha256_hex, stamp
from audit.refusal import Refused
from audit.signature import BadSignature, sig_hash
from audit.trust import Identities, Policy
from audit.wire import Malformed
from experts import records as _records
from experts.approvals import APPROVED, approved_by, check_parties, check_party
from experts.draw import Need, Said, draw_ctx, nonce_commit, read_said, told

assert _records.PANEL_REQUESTED.rules  # the types are declared before the first act

Sigs = Sequence[Mapping[str, Any]]
RUNNING = ("requested", "committed", "calling", "seated")
"""States of a panel that may still do something."""


def loaded(value: Any) -> Any:
    """A JSON column, whichever way the driver hands it over."""
    return json.loads(value) if isinstance(value, str | bytes) else value


@dataclass(frozen=True)
class Asked:
    """What a panel is asked for. `recuse`: credit codes of those who may employ nobody on it."""

    tender: str
    need: tuple[Need, ...]
    representatives: int
    meets: datetime
    parties: tuple[str, ...]
    reveal_within: timedelta
    wording: Mapping[str, str]
    recuse: Collection[str]
    after_opening: bool
    region: str = ""


async def request(act: Act, identities: Identities, asked: Asked) -> RecordRef:
    """Ask for a panel: one row, one `panel-requested`.

    Refused: E-DRAW-PARTIES, E-DRAW-SPECIALTY (no such specialty), E-DRAW-TWICE (the tender has a draw, and its pool was not
    exhausted).
    """
    check_parties(identities, asked.parties, act.now)
    names = [one.specialty for one in asked.need]
    known = {r["code"] for r in await act.query("SELECT code FROM experts_specialty WHERE code = ANY ($1)", names)}
    if unknown := [name for name in names if name not in known]:
        raise Refused("E-DRAW-SPECIALTY", specialty=unknown[0])
    draw = secrets.token_hex(16)
    before = await act.query(
        "SELECT draw FROM experts_panel WHERE tender = $1 AND state = 'exhausted' ORDER BY asked_at DESC LIMIT 1",
        asked.tender,
    )
    try:
        await act.query(
            """INSERT INTO experts_panel (draw, tender, replaces, need, representatives, region, meets, parties,
                   reveal_within, wording, recuse, after_opening, state, asked_at)
               VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7, $8::text::jsonb, $9, $10::text::jsonb, $11::text::jsonb,
                   $12, 'requested', $13)""",
            draw, asked.tender, before[0]["draw"] if before else None, json.dumps(told(asked.need)), asked.representatives,
            asked.region, asked.meets, json.dumps([{"i": i, "id": id} for i, id in enumerate(asked.parties, 1)]),
            asked.reveal_within // timedelta(microseconds=1), json.dumps(dict(asked.wording), ensure_ascii=False),
            json.dumps(sorted(asked.recuse)), asked.after_opening, act.now,
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise Refused("E-DRAW-TWICE", tender=asked.tender) from None
    return act.record(
        "panel-requested", subject=asked.tender, tender=asked.tender, draw=draw, need=told(asked.need),
        representatives=asked.representatives, meets=stamp(asked.meets),
    )  # fmt: skip


async def lock(act: Act, tender: str) -> Any:
    """Lock the row of a tender's last panel, then read the clock. Refused: E-DRAW-NONE."""
    rows = await act.query(
        """SELECT * FROM experts_panel WHERE draw = (
               SELECT draw FROM experts_panel WHERE tender = $1 ORDER BY asked_at DESC, draw LIMIT 1) FOR UPDATE""",
        tender,
    )
    if not rows:
        raise Refused("E-DRAW-NONE", tender=tender)
    await act.clock()
    return rows[0]


async def convened(query: Any, tender: str) -> bool:
    """Whether a panel was ever asked for: from then on score sheets come from its seats alone."""
    return bool(await query("SELECT 1 FROM experts_panel WHERE tender = $1 LIMIT 1", tender))


# --------------------------------------------------------------------------------------------------- commit and reveal


async def commit(act: Act, identities: Identities, policy: Policy, tender: str, data: bytes, sig: Sigs) -> RecordRef:
    """A party commits to its nonce.

    Refused: E-NONCE-FORM, -DRAW, -ATTEMPT, -VOID, -OVER, -RECORD, -PARTY, -SIG, -LATE, -TWICE; E-PENDING while no checkpoint
    with quorum holds the draw's own commitment: a nonce that was made before it could have been chosen by nobody else.
    """
    said, panel, attempt = await _said(act, identities, tender, data, sig, reveals=False)
    await _witnessed(act, policy, tender, bytes(attempt["record"]))
    made = await act.query(
        """INSERT INTO experts_nonce (panel_id, attempt, i, commit, commit_sig, committed_at)
           VALUES ($1, $2, $3, $4, $5::text::jsonb, $6) ON CONFLICT (panel_id, attempt, i) DO NOTHING RETURNING id""",
        panel["draw"], said.attempt, said.i, data, json.dumps(list(sig)), act.now,
    )  # fmt: skip
    if not made:
        raise Refused("E-NONCE-TWICE", i=said.i)
    return _nonce_record(act, "draw-nonce-committed", said, data, sig)


async def reveal(act: Act, identities: Identities, tender: str, data: bytes, sig: Sigs) -> RecordRef:
    """A party reveals what it committed to, once all have committed.

    Refused: as `commit`, and E-NONCE-EARLY (somebody has not committed yet), E-NONCE-UNMET (another nonce).
    """
    said, panel, _ = await _said(act, identities, tender, data, sig, reveals=True)
    rows = await act.query(
        "SELECT i, commit, reveal FROM experts_nonce WHERE panel_id = $1 AND attempt = $2", panel["draw"], said.attempt
    )
    kept = {row["i"]: row for row in rows}
    missing = [one["i"] for one in loaded(panel["parties"]) if one["i"] not in kept]
    if missing:
        raise Refused("E-NONCE-EARLY", missing=missing)
    if kept[said.i]["reveal"] is not None:
        raise Refused("E-NONCE-TWICE", i=said.i)
    committed = read_said(bytes(kept[said.i]["commit"]), reveals=False)
    if nonce_commit(draw_ctx(said.draw, said.tender), said.i, said.value) != committed.value:
        raise Refused("E-NONCE-UNMET", i=said.i)
    await act.query(
        """UPDATE experts_nonce SET reveal = $4, reveal_sig = $5::text::jsonb, revealed_at = $6
           WHERE panel_id = $1 AND attempt = $2 AND i = $3""",
        panel["draw"], said.attempt, said.i, data, json.dumps(list(sig)), act.now,
    )  # fmt: skip
    return _nonce_record(act, "draw-nonce-revealed", said, data, sig)


async def _said(
    act: Act, identities: Identities, tender: str, data: bytes, sig: Sigs, *, reveals: bool
) -> tuple[Said, Any, Any]:
    """The object read, its panel locked, its attempt; everything that is the same for a commitment and a reveal."""
    try:
        said = read_said(data, reveals=reveals)
    except Malformed as why:
        raise Refused("E-NONCE-FORM", why=str(why)) from None
    panel = await lock(act, tender)
    if (said.tender, said.draw) != (tender, panel["draw"]):
        raise Refused("E-NONCE-DRAW", draw=said.draw)
    rows = await act.query(
        """SELECT attempt, record, reveal_by, voided_at FROM experts_attempt
           WHERE panel_id = $1 AND attempt = $2 AND record IS NOT NULL""",
        panel["draw"], said.attempt,
    )  # fmt: skip
    if not rows:
        raise Refused("E-NONCE-ATTEMPT", attempt=said.attempt)
    (attempt,) = rows
    if attempt["voided_at"] is not None:
        raise Refused("E-NONCE-VOID", attempt=said.attempt)
    if panel["state"] != "committed" or said.attempt != panel["attempt"]:
        raise Refused("E-NONCE-OVER", attempt=said.attempt)
    if said.draw_record != sha256_hex(bytes(attempt["record"])):
        raise Refused("E-NONCE-RECORD")
    ids = {one["i"]: one["id"] for one in loaded(panel["parties"])}
    if said.i not in ids:
        raise Refused("E-NONCE-PARTY", i=said.i)
    try:
        check_party(identities, list(sig), said.signed, ids[said.i], act.now)
    except BadSignature as bad:
        raise Refused("E-NONCE-SIG", id=ids[said.i], why=bad.facts["why"]) from None
    if act.now > attempt["reveal_by"]:
        raise Refused("E-NONCE-LATE", latest=attempt["reveal_by"], now=act.now)
    return said, panel, attempt


def _nonce_record(act: Act, type: str, said: Said, data: bytes, sig: Sigs) -> RecordRef:
    return act.record(
        type, subject=said.tender, tender=said.tender, draw=said.draw, attempt=said.attempt, i=said.i, object=b64(data),
        sig_hash=sig_hash(list(sig)),
    )  # fmt: skip


async def _witnessed(act: Act, policy: Policy, tender: str, record: bytes) -> None:
    """The first checkpoint with quorum over this record is not of a later time than now. Refused: E-PENDING."""
    rows = await act.query(
        """SELECT l.index FROM log_record r JOIN log_leaf l ON l.record = r.id
           WHERE r.tender = $1 AND r.type = 'draw-committed' AND r.record = $2""",
        tender, record,
    )  # fmt: skip
    over = await act.query(_CHECKPOINTS, rows[0]["index"]) if rows else []
    for row in over:
        seen = zip(row["names"], row["times"], strict=True)
        stamps = {name: datetime.fromtimestamp(at, UTC) for name, at in seen if name in policy.witnesses}
        if policy.met(stamps):
            if policy.time(stamps) <= act.now:
                return
            break
    raise Refused("E-PENDING", record="draw-committed")


_CHECKPOINTS = """
SELECT c.size, array_agg(s.name::text) AS names, array_agg(s.timestamp) AS times
FROM log_checkpoint c JOIN log_cosignature s ON s.size = c.size
WHERE c.size > $1 AND s.timestamp IS NOT NULL GROUP BY c.size ORDER BY c.size LIMIT 64"""


# ----------------------------------------------------------------------------------------------------------- approvals


async def draft(query: Any, tender: str) -> tuple[int, bytes] | None:
    """The attempt that waits for an authority's approval, and the bytes to be approved; None: none does."""
    rows = await query(
        """SELECT a.attempt, a.draft FROM experts_attempt a JOIN experts_panel p ON p.draw = a.panel_id
           WHERE p.tender = $1 AND a.record IS NULL AND a.draft IS NOT NULL AND a.approved IS NULL
           ORDER BY p.asked_at DESC, a.attempt DESC LIMIT 1""",
        tender,
    )
    return (rows[0]["attempt"], bytes(rows[0]["draft"])) if rows else None


async def approve(query: Any, identities: Identities, tender: str, sig: Sigs, at: datetime) -> int:
    """Lay an authority's signature on the draft that waits; which attempt it is. It is a fact once the dispatcher has
    recorded the attempt with it, so this leaves none.

    Refused: E-DRAW-DRAFT (nothing waits), E-DRAW-APPROVAL (no authority's signature over this draft).
    """
    waiting = await draft(query, tender)
    if waiting is None:
        raise Refused("E-DRAW-DRAFT")
    attempt, data = waiting
    try:
        approved_by(identities.parties, parse(data), list(sig), at)
    except BadSignature as bad:
        raise Refused("E-DRAW-APPROVAL", why=bad.facts["why"]) from None
    done = await query(
        """UPDATE experts_attempt SET approved = $3::text::jsonb WHERE attempt = $1 AND draft = $2 AND record IS NULL
           AND approved IS NULL AND panel_id IN (SELECT draw FROM experts_panel WHERE tender = $4) RETURNING id""",
        attempt, data, json.dumps(list(sig)), tender,
    )  # fmt: skip
    if not done:
        raise Refused("E-DRAW-DRAFT")
    return attempt


def draft_of(record: Mapping[str, Any]) -> bytes:
    """The bytes of a record-to-be that an authority approves: without who, when, serial number and `approved`."""
    outside = {"actor", "time", "serial", "sserial", "sig", APPROVED}
    return canon({name: value for name, value in record.items() if name not in outside})


# --------------------------------------------------------------------------------------------------------------- views


async def shown(query: Any, tender: str) -> dict[str, Any]:
    """What the centre and the tenderee may know: counts. The keys are always these. Refused: E-DRAW-NONE."""
    rows = await query(_SHOWN, tender)
    if not rows:
        raise Refused("E-DRAW-NONE", tender=tender)
    row = dict(rows[0])
    row["need"], row["parties"] = loaded(row["need"]), [one["id"] for one in loaded(row["parties"])]
    row["needed"] = sum(one["count"] for one in row["need"])
    return row


_SHOWN = """
SELECT p.draw, p.replaces, p.state, p.attempt, p.need, p.representatives, p.region, p.meets, p.parties, p.after_opening,
    p.asked_at, p.seated_at, a.reveal_by,
    (SELECT count(*) FROM experts_nonce n WHERE n.panel_id = p.draw AND n.attempt = p.attempt) AS committed,
    (SELECT count(*) FROM experts_nonce n WHERE n.panel_id = p.draw AND n.attempt = p.attempt AND n.reveal IS NOT NULL)
        AS revealed,
    (SELECT count(*) FROM experts_summons s WHERE s.panel_id = p.draw AND s.state IN ('accepted', 'seated')) AS accepted,
    (SELECT count(*) FROM experts_seat s WHERE s.panel_id = p.draw AND s.ended_at IS NULL AND s.keyed_at IS NOT NULL)
        AS checked_in,
    EXISTS (SELECT 1 FROM experts_attempt w WHERE w.panel_id = p.draw AND w.record IS NULL AND w.draft IS NOT NULL
            AND w.approved IS NULL) AS approval_wanted
FROM experts_panel p LEFT JOIN experts_attempt a ON a.panel_id = p.draw AND a.attempt = p.attempt
WHERE p.tender = $1 ORDER BY p.asked_at DESC, p.draw LIMIT 1"""


async def waiting_for_parties(query: Any) -> list[dict[str, Any]]:
    """Attempts that wait for a party's nonce: what public records say, gathered for the parties' tools."""
    rows = await query(
        """SELECT p.tender, p.draw, a.attempt, a.reveal_by, p.parties FROM experts_panel p
           JOIN experts_attempt a ON a.panel_id = p.draw AND a.attempt = p.attempt
           WHERE p.state = 'committed' AND a.record IS NOT NULL AND a.voided_at IS NULL AND
               (SELECT count(*) FROM experts_nonce n WHERE n.panel_id = p.draw AND n.attempt = a.attempt
                AND n.reveal IS NOT NULL) < jsonb_array_length(p.parties)
           ORDER BY a.reveal_by, p.draw LIMIT 200"""
    )
    return [{**dict(r), "parties": [one["id"] for one in loaded(r["parties"])]} for r in rows]


EVALUATION = "hashtextextended('evaluation ' || $1, 0)"
"""The lock of a tender's evaluation. Whoever closes it has the tender's row already, whoever records a call the panel's: a
third lock, which neither waits for with the other's in hand, keeps them apart without a knot."""


async def hold(act: Act, tender: str) -> None:
    """For the act that closes a tender's evaluation: whoever records a call waits until it has ended, and sees it, so that
    nothing sealed stands above `evaluation-closed` (log.md V9)."""
    await act.query(f"SELECT pg_advisory_xact_lock({EVALUATION})", tender)


async def is_closed(act: Act, tender: str) -> bool:
    """Whether the evaluation is closed; if not, none closes it before this act has ended."""
    await act.query(f"SELECT pg_advisory_xact_lock_shared({EVALUATION})", tender)
    return bool(
        await act.query("SELECT 1 FROM log_record WHERE tender = $1 AND type = 'evaluation-closed' LIMIT 1", tender)
    )
