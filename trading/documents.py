"""Tender documents: issued with the announcement, amended before the deadline, answered by bids.

    issue (in the announce act) → amend (and, where the law asks for it, the deadline moves in the same act)

A bid that was sealed before an amendment stays valid (envelope.md §2). Its bidder is told so when it looks at its own
deposits; nobody else learns that there is a bid, let alone a stale one: nothing here reads a deposit but under the name of
whoever asks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from audit.act import Act, acting, pool
from audit.refusal import Refused
from bidding import boxes
from trading import lives, logbook, papers, reserves
from trading.accounts import Caller
from trading.document_sets import set_hash
from trading.installation import Installation
from trading.law import periods
from trading.law.bounds import asked
from trading.outages import beats
from trading.tenders import arm, loaded, locked

AMENDMENT = "amendment"
"""The reason of a `deadline-moved` that an amendment asked for."""


async def issue(act: Act, tender: str, documents: str, files: Sequence[Mapping[str, Any]]) -> None:
    """Issue the first set, in the act of the announcement (招标投标法 24: the days run from here)."""
    await _keep(act, tender, documents, files, affects=True, reason="")
    act.record("documents-issued", subject=tender, tender=tender, set=documents, files=[dict(f) for f in files])


async def amend(
    platform: Installation, caller: Caller, tender: str, *, files: Mapping[str, str], affects: bool, reason: str
) -> dict[str, Any]:
    """Put a new set in the place of the last. {file name: sha256}, the whole of it: what is left out is gone.

    If it may affect bids and comes too late before the deadline, the deadline moves in the same act to the earliest that
    the law allows (招标投标法实施条例 21, 政府采购法实施条例 31). Refused: T-NO-DOCUMENTS (none were issued), T-SAME-SET,
    T-PAPER, T-DOCUMENTS, E-LATE (the deadline has passed), E-DEADLINE-NEAR (too late to move it), E-STAGE, E-CALENDAR.
    """
    pace = await beats(platform)
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        if row["documents"] is None:
            raise Refused("T-NO-DOCUMENTS")
        if act.now > row["deadline"]:
            raise Refused("E-LATE", now=act.now, deadline=row["deadline"])
        named = await papers.name(act, caller, tender, files)
        documents = set_hash(named)
        if await act.query(
            "SELECT 1 FROM trading_document_set WHERE tender_id = $1 AND sha256 = $2", tender, documents
        ):
            raise Refused("T-SAME-SET", set=documents)
        facts: dict[str, Any] = {"set": documents, "files": named, "affects": affects, "reason": reason}
        expected = await lives.expect(act, tender, "amend-documents", facts, row=row, move=False, beats=pace)
        deadline = expected.granted.extend or row["deadline"]
        await _keep(act, tender, documents, named, affects=affects, reason=reason)
        ref = act.record("documents-amended", subject=tender, tender=tender, **facts)
        moved = deadline > row["deadline"]
        if moved:
            await boxes.move_deadline(act, tender=tender, deadline=deadline, reason=AMENDMENT)
            await reserves.move(act, row, deadline, AMENDMENT)
            await arm(act, "close", tender, deadline)
        await act.query(
            """UPDATE trading_tender SET documents = $2, deadline = $3, hour = greatest(hour, $3), version = version + 1
               WHERE id = $1""",
            tender, documents, deadline,
        )  # fmt: skip
        rule = asked(lives.book_of(row, act.now), "WK-07", "GP-05") if moved else None
        derivation = str(periods.count(act.now, rule.count, rule.unit)) if rule else ""
    return {
        "set": documents, "files": named, "affects": affects, "reason": reason, "deadline": deadline, "moved": moved,
        "rule": rule.id if rule else None, "article": rule.article if rule else None, "derivation": derivation,
        **logbook.shown(ref),
    }  # fmt: skip


async def _keep(
    act: Act, tender: str, documents: str, files: Sequence[Mapping[str, Any]], *, affects: bool, reason: str
) -> None:
    await act.query(
        """INSERT INTO trading_document_set (tender_id, number, sha256, files, affects, reason, issued_at)
           VALUES ($1::text, 1 + (SELECT count(*) FROM trading_document_set WHERE tender_id = $1::text), $2,
                   $3::text::jsonb, $4, $5, $6)""",
        tender, documents, json.dumps([dict(f) for f in files], ensure_ascii=False), affects, reason, act.now,
    )  # fmt: skip


async def sets(tender: str) -> list[dict[str, Any]]:
    """Every set of a tender, the newest first."""
    rows = await pool().fetch(
        """SELECT number, sha256 AS set, files, affects, reason, issued_at FROM trading_document_set
           WHERE tender_id = $1 ORDER BY number DESC""",
        tender,
    )
    return [{**dict(r), "files": loaded(r["files"])} for r in rows]


async def newest(tender: str) -> tuple[str, datetime] | None:
    """The set a bid should answer, and when it was issued; None: there are no documents."""
    row = await pool().fetchrow(
        "SELECT sha256, issued_at FROM trading_document_set WHERE tender_id = $1 ORDER BY number DESC LIMIT 1", tender
    )
    return None if row is None else (row["sha256"], row["issued_at"])


async def stale(tender: str, received: Sequence[datetime], openings: Sequence[Mapping[str, Any] | None]) -> list[bool]:
    """For each of one bidder's own deposits: whether it answers an older set than the newest.

    Before the opening by its time, since nobody can look inside; an opened one says itself which set it answers.
    Only for an answer to that bidder.
    """
    last = await newest(tender)
    if last is None:
        return [False] * len(received)
    return [
        opening["documents"] != last[0] if opening and "documents" in opening else at < last[1]
        for at, opening in zip(received, openings, strict=True)
    ]
