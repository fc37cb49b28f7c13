"""Questions about the documents: sealed asker, answer to all (招标投标法 23: 澄清 goes to every recipient).

    ask (receipt to the asker) → pending (the tenderee reads text and day, nothing else) → answer (public)

Who asks is a potential bidder, so it is a record that only the asker ever sees; the tenderee gets the text under a random
number, in no order that tells of time, and the legal day instead of the hour. Operators and supervisors see no question
before its answer, and so no number of them either.
"""

from __future__ import annotations

import secrets
from typing import Any

from audit.act import acting, pool
from audit.canon import sha256_hex
from audit.refusal import Refused
from trading import logbook
from trading.accounts import Caller
from trading.installation import Installation
from trading.law.calendar import legal_day
from trading.tenders import expect

OPEN_AT_ONCE = 20
"""Unanswered questions of one asker in one tender."""


async def ask(platform: Installation, caller: Caller, tender: str, text: str) -> dict[str, Any]:
    """Ask; the answer is the asker's receipt.

    Refused: T-QUESTION-LATE (the deadline has passed), T-QUESTIONS (too many unanswered), W-OFTEN, E-STAGE.
    """
    question, asker = secrets.token_hex(16), caller.organisation or ""
    with platform.pace.taking("questions", asker):
        async with acting(caller.actor) as act:
            row, _ = await expect(act, tender, "ask-question")
            if await act.clock() > row["deadline"]:
                raise Refused("T-QUESTION-LATE", deadline=row["deadline"])
            waiting = await act.query(
                "SELECT count(*) AS n FROM trading_question WHERE tender_id = $1 AND asker_id = $2 AND answer IS NULL",
                tender, asker,
            )  # fmt: skip
            if waiting[0]["n"] >= OPEN_AT_ONCE:
                raise Refused("T-QUESTIONS", most=OPEN_AT_ONCE)
            await act.query(
                "INSERT INTO trading_question (id, tender_id, asker_id, text, asked_at) VALUES ($1, $2, $3, $4, $5)",
                question, tender, asker, text, act.now,
            )  # fmt: skip
            ref = act.record(
                "question-asked",
                subject=tender,
                tender=tender,
                question=question,
                asker=asker,
                text=sha256_hex(text.encode()),
            )
    return {"question": question, "receipt": platform.key.receipt(ref, None).plain()}


async def pending(tender: str) -> list[dict[str, Any]]:
    """What the tenderee sees of questions nobody has answered: by their random numbers, with the legal day."""
    rows = await pool().fetch(
        "SELECT id, text, asked_at FROM trading_question WHERE tender_id = $1 AND answer IS NULL ORDER BY id", tender
    )
    return [{"question": r["id"], "text": r["text"], "asked_on": legal_day(r["asked_at"])} for r in rows]


async def own(caller: Caller, tender: str) -> list[dict[str, Any]]:
    """The caller's own questions, with their answers."""
    rows = await pool().fetch(
        """SELECT id AS question, text, asked_at, answer, answered_at FROM trading_question
           WHERE tender_id = $1 AND asker_id = $2 ORDER BY asked_at""",
        tender, caller.organisation,
    )  # fmt: skip
    return [dict(r) for r in rows]


async def answered(tender: str) -> list[dict[str, Any]]:
    """Questions and answers as published, in the order of the answers."""
    shown = [k.value for k in await logbook.public_of(tender) if k.type == "question-answered"]
    keys = ("question", "text", "answer", "set")
    return [{**{key: v[key] for key in keys}, "answered_at": v["time"]} for v in shown]


async def answer(
    caller: Caller, tender: str, question: str, *, answer: str, text: str | None, documents: str | None
) -> dict[str, str]:
    """Answer a question, to all. `text`: the question as it is to be published, where its own words would tell who asks.

    `documents`: the set that the answer refers to, one of this tender's.
    Refused: W-UNKNOWN, T-ANSWERED (it is), T-SET (no such set), E-STAGE.
    """
    async with acting(caller.actor) as act:
        await expect(act, tender, "answer-question")
        rows = await act.query(
            "SELECT text, answer FROM trading_question WHERE id = $1 AND tender_id = $2 FOR UPDATE", question, tender
        )
        if not rows:
            raise Refused("W-UNKNOWN")
        if rows[0]["answer"] is not None:
            raise Refused("T-ANSWERED", question=question)
        known = "SELECT 1 FROM trading_document_set WHERE tender_id = $1 AND sha256 = $2"
        if documents is not None and not await act.query(known, tender, documents):
            raise Refused("T-SET", set=documents)
        await act.query(
            "UPDATE trading_question SET answer = $2, answered_at = $3, documents = $4 WHERE id = $1",
            question, answer, act.now, documents,
        )  # fmt: skip
        ref = act.record(
            "question-answered",
            subject=tender,
            tender=tender,
            question=question,
            text=text or rows[0]["text"],
            answer=answer,
            set=documents,
        )
    return logbook.shown(ref)
