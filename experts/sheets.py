"""Scores: kept for the seat alone, committed to by everybody, and only then revealed (draw.md §2.6); the report's answers.

    keep_draft      the seat's own ciphertext, as often as it likes; no fact, no record
    commit          `scores-committed`
    open_scores     the sheet and nonce meet the commitment; `scores-entered` is the market's record, and its caller's
    answer          `report-answered`

What a member who was replaced had done counts no more (招标投标法实施条例 48): all of it hangs on the row of the seat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.act import Act, pool
from audit.canon import sha256_hex
from audit.refusal import Broken, Refused
from experts.draw import SECRET, draw_ctx, score_commit
from experts.seats import SEATED, Held, Panel, Query, Sig, at_work, check_signed

LARGEST_DRAFT = 256 * 1024
"""Bytes of an autosave."""


@dataclass(frozen=True)
class Scored:
    """How far a seat's scores are: its last commitment, and the sheet and reasons once revealed."""

    seat: int
    commit: str
    nonce: str | None
    sheet: str | None
    reasons: bytes | None


async def scored(query: Query, draw: str) -> dict[int, Scored]:
    """The last commitment of everybody who sits now, by seat."""
    rows = await query(
        """SELECT DISTINCT ON (s.seat) s.seat, c.commit, c.nonce, c.sheet, c.reasons FROM experts_scores c
           JOIN experts_seat s ON s.id = c.seat_id WHERE s.panel_id = $1 AND s.ended_at IS NULL
           ORDER BY s.seat, c.round DESC""",
        draw,
    )
    return {row["seat"]: Scored(**dict(row)) for row in rows}


def complete(panel: Panel, found: Mapping[int, Scored]) -> bool:
    """Whether every seat is taken and has revealed: from then on the seats may see each other's scores."""
    return panel.state == SEATED and len(found) == panel.seats and all(one.sheet is not None for one in found.values())


# -------------------------------------------------------------------------------------------------------------- drafts


async def keep_draft(mine: Held, data: bytes) -> None:
    """Keep the seat's last autosave; whatever it is, only its own tool can read it. Refused: E-DRAFT (too large)."""
    if len(data) > LARGEST_DRAFT:
        raise Refused("E-DRAFT", size=len(data), limit=LARGEST_DRAFT)
    await pool().execute(
        """INSERT INTO experts_draft (seat_id, data, saved_at) VALUES ($1, $2, log_now())
           ON CONFLICT (seat_id) DO UPDATE SET data = excluded.data, saved_at = excluded.saved_at""",
        mine.id, data,
    )  # fmt: skip


async def draft(mine: Held) -> tuple[bytes, datetime] | None:
    """The seat's last autosave."""
    row = await pool().fetchrow("SELECT data, saved_at FROM experts_draft WHERE seat_id = $1", mine.id)
    return None if row is None else (bytes(row["data"]), row["saved_at"])


# -------------------------------------------------------------------------------------------------- commit, then reveal


async def commit(act: Act, mine: Held, commitment: str, sig: Sig) -> None:
    """A seat fixes its scores without showing them; it may do so again until the first seat reveals.

    Refused: E-PANEL-WAITS (somebody is missing), E-SCORES-FIXED (a seat has revealed), E-UNDECLARED, E-SEAT-ENDED.
    BadSignature.
    """
    panel, now = await at_work(act, mine)
    if panel.state != SEATED:
        raise Refused("E-PANEL-WAITS", seats=panel.seats)
    found = await scored(act.query, panel.draw)
    if now.seat in found and any(one.sheet is not None for one in found.values()):
        raise Refused("E-SCORES-FIXED", seat=now.seat)
    await act.query(
        """INSERT INTO experts_scores (seat_id, round, commit, committed_at) VALUES ($1,
               (SELECT coalesce(max(round), 0) + 1 FROM experts_scores WHERE seat_id = $1), $2, $3)""",
        now.id, commitment, act.now,
    )  # fmt: skip
    whole: dict[str, Any] = {"subject": panel.tender, "tender": panel.tender, "draw": panel.draw}
    ref = act.record("scores-committed", **whole, seat=now.seat, commit=commitment, sig=[dict(one) for one in sig])
    check_signed(ref, now)


async def open_scores(act: Act, mine: Held, sheet: bytes, nonce: bytes, reasons: bytes) -> Held:
    """A seat opens its commitment, when all seats have made theirs. The caller records it (`scores-entered`).

    Refused: E-PANEL-WAITS, E-UNCOMMITTED (seats without a commitment), E-SCORES-FIXED (revealed already), E-UNDECLARED,
    E-SEAT-ENDED. Broken("D-SCORE-COMMIT"): another sheet than was committed to.
    """
    panel, now = await at_work(act, mine)
    if panel.state != SEATED:
        raise Refused("E-PANEL-WAITS", seats=panel.seats)
    found = await scored(act.query, panel.draw)
    if missing := [seat for seat in range(1, panel.seats + 1) if seat not in found]:
        raise Refused("E-UNCOMMITTED", seats=missing)
    if found[now.seat].sheet is not None:
        raise Refused("E-SCORES-FIXED", seat=now.seat)
    ctx = draw_ctx(panel.draw, panel.tender)
    if len(nonce) != SECRET or score_commit(ctx, now.seat, nonce, sheet).hex() != found[now.seat].commit:
        raise Broken("D-SCORE-COMMIT", seat=now.seat)
    await act.query(
        """UPDATE experts_scores SET nonce = $2, sheet = $3, reasons = $4, revealed_at = $5
           WHERE seat_id = $1 AND round = (SELECT max(round) FROM experts_scores WHERE seat_id = $1)""",
        now.id, nonce.hex(), sha256_hex(sheet), reasons, act.now,
    )  # fmt: skip
    return now


# ---------------------------------------------------------------------------------------------------------- the report


async def lay(draw: str, report: bytes, within: timedelta) -> None:
    """Lay a report before the seats; they have so long, in log time. Laying it again changes nothing."""
    await pool().execute(
        """INSERT INTO experts_report (panel_id, sha256, data, made_at, answer_by)
           SELECT $1, $2, $3, n, n + $4::interval FROM (SELECT log_now() AS n) AS clock
           ON CONFLICT (panel_id, sha256) DO NOTHING""",
        draw, sha256_hex(report), report, within,
    )  # fmt: skip


@dataclass(frozen=True)
class Laid:
    """A report that was laid before the seats, and until when they are to answer."""

    sha256: str
    data: bytes
    answer_by: datetime


async def laid(query: Query, draw: str, report: str) -> Laid | None:
    """The report of this hash; None: never laid before this panel."""
    rows = await query(
        "SELECT sha256, data, answer_by FROM experts_report WHERE panel_id = $1 AND sha256 = $2", draw, report
    )
    return Laid(rows[0]["sha256"], bytes(rows[0]["data"]), rows[0]["answer_by"]) if rows else None


async def answers(query: Query, draw: str, report: str) -> dict[int, dict[str, Any]]:
    """What those who sit now answered to a report: {seat: {"answer", "reason", "answered_at"}}."""
    rows = await query(
        """SELECT s.seat, a.answer, a.reason, a.answered_at FROM experts_report_answer a
           JOIN experts_seat s ON s.id = a.seat_id WHERE s.panel_id = $1 AND s.ended_at IS NULL AND a.report = $2
           ORDER BY s.seat""",
        draw, report,
    )  # fmt: skip
    return {row["seat"]: {name: row[name] for name in ("answer", "reason", "answered_at")} for row in rows}


async def answer(act: Act, mine: Held, report: str, word: str, reason: str | None, sig: Sig) -> None:
    """A member signs the report, or dissents and writes why.

    Refused: E-ANSWERED, E-UNDECLARED, E-SEAT-ENDED. BadSignature.
    """
    panel, now = await at_work(act, mine)
    await _answer(act, panel, now, report, word, reason, [dict(one) for one in sig])


async def be_silent(act: Act, panel: Panel, who: Sequence[Held], report: str) -> None:
    """Note of these that they neither sign nor say why."""
    for one in who:
        await _answer(act, panel, one, report, "silent", None, None)


async def _answer(
    act: Act, panel: Panel, who: Held, report: str, word: str, reason: str | None, sig: list[dict[str, Any]] | None
) -> None:
    made = await act.query(
        """INSERT INTO experts_report_answer (seat_id, report, answer, reason, answered_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT DO NOTHING RETURNING id""",
        who.id, report, word, reason, act.now,
    )  # fmt: skip
    if not made:
        raise Refused("E-ANSWERED", seat=who.seat)
    hashed = None if reason is None else sha256_hex(reason.encode())
    whole: dict[str, Any] = {"subject": panel.tender, "tender": panel.tender, "draw": panel.draw, "seat": who.seat}
    ref = act.record("report-answered", **whole, report=report, answer=word, reason=hashed, sig=sig)
    if sig is not None:
        check_signed(ref, who)
