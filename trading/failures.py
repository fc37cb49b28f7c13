"""When nothing comes of a tender: nobody may win, or it is given up. Said with its article; the lot may be tendered again.

Too few bidders is the closing's own matter (`shut`). Given up before its deadline, the box closes at once and stays shut
for ever (bidding/closing.py); what was handed in is disclosed to supervisors alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit.act import Act, acting
from audit.alerts import Alert
from audit.canon import stamp
from audit.refusal import Refused
from bidding import closing
from trading import evaluation, ledger, lives, logbook, reserves, tenders
from trading.accounts import Caller
from trading.law import idle, stages
from trading.law.article import Article
from trading.law.bounds import Book, Due, Lenient
from trading.tenders import finish, locked

FAILING: Mapping[str, Article] = {
    "all_rejected": Article("招标投标法", 42),
    "too_few_qualified": Article("财政部令87号", 44),
    "no_candidate": Article("招标投标法", 42),
    "candidates_gone": Article("招标投标法实施条例", 55),
}
"""Why nobody wins, and where the law says what follows: the lot is tendered again."""
ENDING: Mapping[str, Article] = {
    "tenderee": Article("招标投标法实施条例", 31),
    "force_majeure": Article("招标投标法实施条例", 31),
}
IDLE = "idle"


async def fail(caller: Caller, tender: str, reason: str) -> dict[str, str]:
    """Declare that nobody wins, for a reason that is true: counted here, under the tender's lock.

    Refused: E-REASON, E-NOT-FAILED (enough still stand), E-SUSPENDED, E-STAGE.
    """
    while True:
        opened = await evaluation.read_out(tender)
        try:
            return await _fail(caller, tender, reason, opened)
        except evaluation.Stale:
            continue


async def _fail(caller: Caller, tender: str, reason: str, opened: evaluation.ReadOut) -> dict[str, str]:
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        stages.step(row["state"], "fail")
        standing = await evaluation.qualified(act, row, opened)
        facts = {"reason": reason, "article": str(FAILING.get(reason, ""))}
        auctioned = await evaluation.auctioned(act.query, tender)
        expected = await lives.expect(act, tender, "fail", facts, row=row, qualified=standing, auction=auctioned)
        await act.query("UPDATE trading_tender SET ended = $2 WHERE id = $1", tender, reason)
        ref = act.record("tender-failed", subject=tender, tender=tender, reason=reason, article=facts["article"])
        await ledger.book_failure(act, tender, reason)
        await evaluation.close(act, tender, expected.life)
        await finish(act, tender)
    return logbook.shown(ref)


async def terminate(caller: Caller, tender: str, reason: str) -> dict[str, str]:
    """Give a tender up: by its tenderee (条例 31) or by force majeure; by the operator alone when it stood idle and was
    warned in vain (NB-09, PY-05). An announced one closes its box in the same act.

    Refused: E-REASON, E-NOT-IDLE, E-NOT-WARNED, E-WARNING-RUNS with the earliest lawful day, W-DENIED, E-STAGE.
    """
    if (reason == IDLE) != (caller.role == "operator"):
        raise Refused("W-DENIED", operation="terminate_tender", role=caller.role)
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        warned = await act.query(
            "SELECT max(made_at) AS at FROM log_record WHERE tender = $1 AND type = 'idle-warned'", tender
        )
        facts: dict[str, Any] = {
            "reason": reason,
            "article": str(_article(row, reason, act.now)),
            "warned": stamp(warned[0]["at"]) if reason == IDLE and warned[0]["at"] else None,
        }
        expected = await lives.expect(act, tender, "terminate", facts, row=row, registered=row["registered_at"])
        ref = act.record("tender-terminated", subject=tender, tender=tender, **facts)
        ended = "UPDATE trading_tender SET ended = $2, version = version + 1"
        if row["state"] == "announced":
            await closing.abandon(act, tender=tender, reason=reason)
            await act.query(f"{ended}, opens = false, abandoned_at = $3 WHERE id = $1", tender, reason, act.now)
        elif row["state"] == "closed":  # what was not opened when the tender was given up stays shut, and names nobody
            await act.query(f"{ended}, opens = false WHERE id = $1", tender, reason)
        else:
            await act.query(f"{ended} WHERE id = $1", tender, reason)
        await ledger.book_failure(act, tender, reason)
        await reserves.give_up(act, row, **facts)
        if row["state"] in ("opened", "ranked") or await evaluation.begun(act, tender):
            await evaluation.close(act, tender, expected.life)
        if row["announced_at"] is not None:
            await finish(act, tender)
    return logbook.shown(ref)


def _article(row: Any, reason: str, now: datetime) -> Article | str:
    if reason != IDLE:
        return ENDING.get(reason, "")
    found = idle.warning_due(lives.book_of(row, now), now)
    return found.rule.article if found else ""


async def warn(caller: Caller, tender: str) -> dict[str, Any]:
    """Warn a tender that has stood idle too long since its project was registered; until when it may still go on.

    Refused: E-NOT-IDLE with the earliest lawful day (no such rule where it stands, it trades, or its time is not over).
    """
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        given = idle.warning_due(lives.book_of(row, act.now), act.now)
        facts: dict[str, Any] = {"due": stamp(given.not_after) if given else stamp(act.now)}
        await lives.expect(act, tender, "warn-idle", facts, row=row, registered=row["registered_at"])
        ref = act.record("idle-warned", subject=tender, tender=tender, due=facts["due"])
        if given is not None:
            await tenders.arm(act, "idle", tender, given.not_after)
        await lives.told(act, tender)
    return {**logbook.shown(ref), "due": given.not_after if given else act.now}


async def arm_idle(act: Act, tender: str, book: Book, registered: datetime) -> None:
    """Let a timer look when a tender has stood idle too long; nothing where no rule ends such projects."""
    due = idle_due(book, registered)
    if due is not None:
        await tenders.arm(act, "idle", tender, max(due.not_after, act.now))


def idle_due(book: Book, registered: datetime) -> Due | None:
    """How long a project may stand idle; where the holidays of a year are not announced yet, counted without them."""
    try:
        return idle.idle_due(book, registered)
    except Refused as no:
        if no.code != "E-CALENDAR":
            raise
        return idle.idle_due(Lenient(book.values), registered)


async def idle_alerts(tender: str) -> list[Alert]:
    """What a timer tells of a tender that does not trade: it may be warned, or, warned in vain, ended. Nothing else."""
    row, life, now = await lives.read(tender)
    book = lives.book_of(row, now)
    if row["state"] not in ("named", "keyed") or (due := idle_due(book, row["registered_at"])) is None:
        return []
    warned = life.last("warn-idle")
    if warned is not None and (given := idle.warning_due(book, warned.at)) is not None and given.missed(now):
        return [lives.late(tender, "terminate", given.rule.id, given.not_after, None)]
    if warned is None and due.missed(now):
        return [lives.late(tender, "warn-idle", due.rule.id, due.not_after, None)]
    return []
