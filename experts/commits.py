"""A draw's beginning: the pool is fixed and committed to, the parties reveal, or the attempt is void and the next follows.

    requested -> committed -> calling          and back from committed to requested by a `draw-voided`

Every step looks, under the panel's lock, whether it is still to be done: a crash between two of them loses nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from audit.act import acting, pool
from audit.alerts import Alert, raise_in
from audit.canon import canon, parse, stamp
from audit.clock import span
from experts import draw as law
from experts.desk import Desk, Gone, Sealed, locked, rows_locked, secret_id
from experts.eligibility import RosterRow, eligibility
from experts.handed import PURPOSE, Asked, Terms, plain
from experts.records import DRAW_COMMITTED, DRAW_VOIDED
from experts.roster import person_of, roster_batches

SMALL: Final = 3
"""A pool below so many times the seats is too small to hide in: draw.md §1."""
FREE: Final = 2
"""Attempts that need no approval: draw.md §2.2."""
AT_ONCE: Final = 2_000
"""Rows whose people are opened in one thread's turn."""


async def commit(desk: Desk, asked: Asked) -> datetime | None:
    """Commit to the next attempt of a panel that is `requested`; the log time to come again if it is too early, else None.

    Raises Refused as `Market.terms`, and Gone where another step was faster.
    """
    now = await pool().fetchval("SELECT log_now()")
    terms = await desk.market.terms(asked, now)
    if terms is None or now < terms.earliest:
        return None if terms is None else terms.earliest
    attempt = asked.attempt + 1
    if attempt == 1:
        first = secret = await _gather(desk, asked, terms, now)
    else:
        first = await desk.first(asked.draw)
        secret = Sealed(secrets.token_bytes(law.SECRET))
    body = await asyncio.to_thread(_body, asked, attempt, first, secret.secret)
    if attempt <= FREE:
        await _record(desk, asked, body, secret, cutoff=(now, terms.admitted_days) if attempt == 1 else None)
    else:
        await _approved(desk, asked, attempt, body, secret)
    return None


# ---------------------------------------------------------------------------------------------------------------- the pool


async def _gather(desk: Desk, asked: Asked, terms: Terms, now: datetime) -> Sealed:
    """The roster at this moment, each with what they may be drawn for or why not; fresh salts and a fresh secret."""
    cutoff = now - timedelta(days=terms.admitted_days)
    need = [one.specialty for one in asked.need]
    recuse = asked.recuse | terms.bidders

    def judge(rows: list[RosterRow]) -> list[tuple[str, tuple[str, ...], str]]:
        return [(row.id, *_judged(desk, asked, terms, need, recuse, row)) for row in rows]

    people: list[tuple[str, tuple[str, ...], str]] = []
    async for rows in roster_batches(pool().fetch, cutoff):
        for start in range(0, len(rows), AT_ONCE):
            people += await asyncio.to_thread(judge, rows[start : start + AT_ONCE])
    return Sealed(secrets.token_bytes(law.SECRET), secrets.token_bytes(law.SECRET), tuple(people))


def _judged(
    desk: Desk, asked: Asked, terms: Terms, need: list[str], recuse: frozenset[str], row: RosterRow
) -> tuple[tuple[str, ...], str]:
    return eligibility(
        row, lambda: person_of(desk.vault, row), need, asked.region, asked.meets, recuse,
        years=terms.employer_years, supervisors=terms.supervisors,
    )  # fmt: skip


def _body(asked: Asked, attempt: int, first: Sealed, secret: bytes) -> dict[str, Any]:
    """The fields of `draw-committed` but for `reveal_by` and `approved` (draw.md §2.1)."""
    leaves = first.pool()
    roster = [first.leaf(id) for id, _, _ in first.people]
    ctx = law.draw_ctx(asked.draw, asked.tender)
    body: dict[str, Any] = {
        "tender": asked.tender,
        "draw": asked.draw,
        "attempt": attempt,
        "need": law.told(asked.need),
        "representatives": asked.representatives,
        "meets": stamp(asked.meets),
        "pool_root": law.root_of(leaves).hex(),
        "pool_size": len(leaves),
        "leaves": sha256(law.leaves_file(leaves)).hexdigest(),
        "roster_root": law.root_of(roster).hex(),
        "roster_size": len(roster),
        "excluded": dict(sorted(Counter(reason for _, _, reason in first.people if reason).items())),
        "secret_commit": law.secret_commit(ctx, secret).hex(),
        "parties": [dict(party) for party in asked.parties],
    }
    if attempt == 1 and asked.replaces:
        body["replaces"] = asked.replaces
    return body


# ------------------------------------------------------------------------------------------------------------- the record


async def _record(
    desk: Desk,
    asked: Asked,
    body: Mapping[str, Any],
    sealed: Sealed | None,
    *,
    cutoff: tuple[datetime, int] | None = None,
    reveal_by: datetime | None = None,
    approved: Any = (),
) -> None:
    """Record an attempt, in the act that keeps its secret. `sealed` None: its row is there, as an approved draft.

    `cutoff`: when the roster was read and how many days of admission it takes; whoever was let in between then and
    the record would be missing from the roster, so that it is read again.
    """
    attempt = body["attempt"]
    data = b"" if sealed is None else _seal(desk, asked.draw, attempt, sealed)
    async with acting(desk.actor, clock=False) as act:
        held = await locked(act, asked.draw, "requested")
        if held.attempt != attempt - 1:
            raise Gone("attempt")
        if cutoff is not None:
            since, days = (moment - timedelta(days=cutoff[1]) for moment in (cutoff[0], act.now)), cutoff[1]
            if await act.query(
                "SELECT 1 FROM experts_expert WHERE admitted_at > $1 AND admitted_at <= $2 LIMIT 1", *since
            ):
                raise Gone(f"roster of {days} days")
        by = reveal_by or act.now + asked.reveal_within
        if by <= act.now:
            raise Gone("reveal_by")
        ref = act.record(
            DRAW_COMMITTED.name, subject=asked.tender, **body, reveal_by=stamp(by), approved=list(approved)
        )
        record = await act.settle(ref)
        if sealed is None:
            await act.query(
                """UPDATE experts_attempt SET record = $3, reveal_by = $4, committed_at = $5
                   WHERE panel_id = $1 AND attempt = $2""",
                asked.draw, attempt, record, by, act.now,
            )  # fmt: skip
        else:
            await act.query(
                """INSERT INTO experts_attempt (panel_id, attempt, sealed, record, reveal_by, committed_at)
                   VALUES ($1, $2, $3, $4, $5, $6)""",
                asked.draw, attempt, data, record, by, act.now,
            )  # fmt: skip
        await act.query(
            "UPDATE experts_panel SET state = 'committed', attempt = $2 WHERE draw = $1", asked.draw, attempt
        )
        if attempt == 1 and body["pool_size"] < SMALL * asked.seats:
            facts = {"draw": asked.draw, "pool": body["pool_size"], "seats": asked.seats}
            await raise_in(act, asked.tender, [Alert("P-POOL-SMALL", asked.tender, facts, asked.tender)])


def _seal(desk: Desk, draw: str, attempt: int, sealed: Sealed) -> bytes:
    return desk.vault.seal(PURPOSE, secret_id(draw, attempt), sealed.packed())


async def _approved(desk: Desk, asked: Asked, attempt: int, body: Mapping[str, Any], sealed: Sealed) -> None:
    """From the third attempt on: a draft that an authority approves, then its record. Until then nothing happens."""
    row = await pool().fetchrow(
        "SELECT draft, approved FROM experts_attempt WHERE panel_id = $1 AND attempt = $2", asked.draw, attempt
    )
    now = await pool().fetchval("SELECT log_now()")
    if row is not None:
        draft = parse(bytes(row["draft"]))
        by = datetime.fromisoformat(draft["reveal_by"])
        if now + asked.reveal_within <= by:  # it may still be used: the parties have their whole time
            if row["approved"] is None:
                return
            fields = {name: value for name, value in draft.items() if name not in ("type", "subject", "reveal_by")}
            await _record(desk, asked, fields, None, reveal_by=by, approved=plain(row["approved"]))
            return
    by = now + asked.reveal_within + span(desk.clock, desk.delays.approval)
    value = {"type": DRAW_COMMITTED.type, "subject": asked.tender, **body, "reveal_by": stamp(by)}
    data = _seal(desk, asked.draw, attempt, sealed)
    async with rows_locked(asked.draw, "requested") as (rows, held, _):
        if held.attempt != attempt - 1:
            raise Gone("attempt")
        await rows.execute(
            """INSERT INTO experts_attempt (panel_id, attempt, sealed, draft) VALUES ($1, $2, $3, $4)
               ON CONFLICT (panel_id, attempt)
               DO UPDATE SET sealed = excluded.sealed, draft = excluded.draft, approved = NULL
               WHERE experts_attempt.record IS NULL""",
            asked.draw, attempt, data, canon(value),
        )  # fmt: skip


# --------------------------------------------------------------------------------------------------------- void or calling


async def reveal(desk: Desk, asked: Asked) -> datetime | None:
    """A panel that is `committed`: on to the calls when all have revealed, void when one has not; else until when."""
    row = await pool().fetchrow(
        """SELECT a.reveal_by, log_now() AS now, count(n.revealed_at) AS revealed FROM experts_attempt a
           LEFT JOIN experts_nonce n ON n.panel_id = a.panel_id AND n.attempt = a.attempt
           WHERE a.panel_id = $1 AND a.attempt = $2 GROUP BY a.id""",
        asked.draw, asked.attempt,
    )  # fmt: skip
    if row["revealed"] == len(asked.parties):
        async with rows_locked(asked.draw, "committed") as (rows, _, _):
            await rows.execute("UPDATE experts_panel SET state = 'calling' WHERE draw = $1", asked.draw)
        return None
    if row["now"] <= row["reveal_by"]:
        return row["reveal_by"]  # type: ignore[no-any-return]
    await void(desk, asked)
    return None


async def void(desk: Desk, asked: Asked) -> None:
    """Void an attempt whose time to reveal has passed: recorded with the culprit, red alert (draw.md §2.2).

    Raises Gone where all have revealed, or the time has not passed.
    """
    async with acting(desk.actor, clock=False) as act:
        held = await locked(act, asked.draw, "committed")
        nonces = await act.query(
            "SELECT i, revealed_at FROM experts_nonce WHERE panel_id = $1 AND attempt = $2", held.draw, held.attempt
        )
        by = (await act.query(
            "SELECT reveal_by FROM experts_attempt WHERE panel_id = $1 AND attempt = $2", held.draw, held.attempt
        ))[0]["reveal_by"]  # fmt: skip
        committed = {row["i"] for row in nonces}
        revealed = {row["i"] for row in nonces if row["revealed_at"] is not None and row["revealed_at"] <= by}
        ids = {party["i"]: party["id"] for party in held.parties}
        if act.now <= by or revealed >= set(ids):
            raise Gone("not void")
        # Whoever has not even committed keeps all others from revealing: that one is named before them.
        culprit = min(set(ids) - committed or set(ids) - revealed)
        act.record(
            DRAW_VOIDED.name,
            subject=held.tender,
            tender=held.tender,
            draw=held.draw,
            attempt=held.attempt,
            culprit=culprit,
        )
        await act.query(
            "UPDATE experts_attempt SET voided_at = $3, culprit = $4 WHERE panel_id = $1 AND attempt = $2",
            held.draw, held.attempt, act.now, culprit,
        )  # fmt: skip
        await act.query("UPDATE experts_panel SET state = 'requested' WHERE draw = $1", held.draw)
        facts = {"level": "red", "draw": held.draw, "attempt": held.attempt, "party": ids[culprit]}
        await raise_in(act, held.tender, [Alert("P-DRAW-VOID", held.tender, facts, held.tender)])
