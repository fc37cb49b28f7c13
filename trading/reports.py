"""The committee's report: written by the platform from what the panel did, answered by every seat, received by the tenderee.

    current     the bytes that follow from sheets, prices and rejections as they are now; the same facts, the same bytes
    answer      a seat signs it, or dissents and writes why
    receive     the tenderee has it: the evaluation is over

Who neither signs nor says why within the time counts as agreed (招标投标法实施条例 53): `receive` notes the silence. What
is rejected after a report was laid makes another one, and all answer anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.act import acting, pool
from audit.canon import b64, sha256_hex
from audit.clock import span
from audit.refusal import Refused
from bidding import releases
from experts import attendance, scoring, seats, sheets
from experts.seats import Panel, Query
from trading import evaluation, lives, logbook, papers, score_sheets
from trading.accounts import Caller
from trading.evaluation import ReadOut, Stale
from trading.installation import Installation
from trading.law import committee, methods, secrecy, stages
from trading.score_sheets import Sig, evaluating, held
from trading.tenders import LOCKED, loaded, locked

JSON = "application/json"


# -------------------------------------------------------------------------------------------------------- what it says


async def _write(query: Query, row: Any, panel: Panel, opened: Sequence[Mapping[str, Any]]) -> bytes:
    """The report as it follows from everything now. Refused: E-REPORT-EARLY (why), E-UNOPENED, E-SETTLED."""
    tender, terms = row["id"], loaded(row["terms"])
    sitting = await seats.held(query, panel.draw)
    if panel.state != seats.SEATED:
        raise Refused("E-REPORT-EARLY", why="seats")
    if any(one.declared_at is None for one in sitting):
        raise Refused("E-REPORT-EARLY", why="declarations")
    found = None
    if score_sheets.scales(terms):
        found = await score_sheets.revealed(query, panel, terms)
        if found is None:
            raise Refused("E-REPORT-EARLY", why="scores")
    await releases.check_opened(query, tender)
    given = await evaluation.offers(query, row, opened)
    totals = None
    if any(offer.stands for offer in given):
        counted = await score_sheets.that_count(query, tender)
        made = methods.evaluate(terms["method"], terms.get("parameters") or {}, given, counted)
        totals = methods.totals(terms["method"], tender, made)
    rejected = await query("SELECT bid, reason, article FROM trading_rejection WHERE tender_id = $1", tender)
    told = []
    for one in sitting:
        mine = found.sheets[one.seat] if found else None
        told.append(
            {
                "seat": one.seat,
                "side": attendance.TENDEREE if one.leaf is None else attendance.EXPERT,
                "sheet": mine.sheet if mine else None,
                "reasons": sha256_hex(mine.reasons) if mine and mine.reasons is not None else None,
            }
        )
    return scoring.report(
        tender, panel.draw, terms["method"],
        totals=totals, rejected=[dict(one) for one in rejected],
        found=found.statistics if found else scoring.Statistics(), seats=told,
    )  # fmt: skip


async def _written(tender: str) -> tuple[Any, Panel, bytes]:
    """A tender's row, its panel and the report as they are now: nothing is kept. Refused: W-UNKNOWN, and as `_write`."""
    row = await pool().fetchrow(LOCKED, tender)
    panel = await seats.panel_of(pool().fetch, tender)
    if row is None or panel is None:
        raise Refused("W-UNKNOWN")
    opened = (await evaluation.read_out(tender)).bids
    return row, panel, await _write(pool().fetch, row, panel, opened)


async def current(platform: Installation, tender: str) -> tuple[Panel, sheets.Laid]:
    """The report of a tender's panel as it stands now, laid before the seats and kept as the tenderee's paper.

    Refused: W-UNKNOWN (no panel), E-STAGE, and as `_write`.
    """
    row, panel, data = await _written(tender)
    if row["state"] == "opened":
        owners = {row["organisation_id"], row["agency_id"]} - {None}
        await papers.put(platform, sorted(owners), data, JSON)
        await sheets.lay(panel.draw, data, span(await platform.clock(), platform.settings.report_within))
    laid = await sheets.laid(pool().fetch, panel.draw, sha256_hex(data))
    if laid is None:
        raise Refused("E-STAGE", stage=row["state"], act="receive-report", allowed="opened")
    return panel, laid


async def for_seat(platform: Installation, caller: Caller) -> dict[str, Any]:
    """The report as the caller's seat is to answer it, and its own answer. Refused: E-UNDECLARED, and as `current`."""
    mine = held(caller)
    await _declared(mine.id)
    panel, laid = await current(platform, mine.tender)
    own = (await sheets.answers(pool().fetch, panel.draw, laid.sha256)).get(mine.seat)
    return {
        "report": laid.sha256, "data": b64(laid.data), "answer_by": laid.answer_by,
        "answer": own and own["answer"],
    }  # fmt: skip


async def _declared(seat: int) -> None:
    if not await pool().fetchval("SELECT declared_at IS NOT NULL FROM experts_seat WHERE id = $1", seat):
        raise Refused("E-UNDECLARED", seat=seat)


# --------------------------------------------------------------------------------------------------------- the answers


async def answer(
    platform: Installation, caller: Caller, report: str, word: str, reason: str | None, sig: Sig
) -> dict[str, str]:
    """A seat signs the report or dissents in writing.

    Refused: E-REPORT-CHANGED (it is another one now), E-DISSENT (a dissent says why, a signature does not), E-ANSWERED,
    T-REPORTED, E-STAGE, and as `current`. BadSignature.
    """
    mine = held(caller)
    if (word == committee.DISSENT) != (reason is not None):
        raise Refused("E-DISSENT", answer=word)
    await current(platform, mine.tender)
    while True:
        read = await evaluation.read_out(mine.tender)
        try:
            return await _answer(caller, read, report, word, reason, sig)
        except Stale:
            continue


async def _answer(
    caller: Caller, read: ReadOut, report: str, word: str, reason: str | None, sig: Sig
) -> dict[str, str]:
    mine = held(caller)
    async with acting(caller.actor) as act:
        row = await evaluating(act, mine.tender, "receive-report")
        panel = await seats.lock(act, mine.draw)
        now = sha256_hex(await _write(act.query, row, panel, await read.still(act)))
        if report != now:
            raise Refused("E-REPORT-CHANGED", report=now)
        await sheets.answer(act, mine, report, word, reason, sig)
    return logbook.shown(act.entries[-1])


async def _note_silence(platform: Installation, panel: Panel, laid: sheets.Laid) -> None:
    """When the time is over, note who neither signed nor said why."""
    if await pool().fetchval("SELECT log_now() < $1::timestamptz", laid.answer_by):
        return
    if len(await sheets.answers(pool().fetch, panel.draw, laid.sha256)) == panel.seats:
        return
    async with acting(platform.centre) as act:
        await evaluating(act, panel.tender, "receive-report")
        now = await seats.lock(act, panel.draw)
        given = await sheets.answers(act.query, panel.draw, laid.sha256)
        missing = [one for one in await seats.held(act.query, panel.draw) if one.seat not in given]
        if not missing:
            raise Refused("E-ANSWERED", seat=0)
        await sheets.be_silent(act, now, missing, laid.sha256)


# ------------------------------------------------------------------------------------------------------------- received


async def receive(platform: Installation, caller: Caller, tender: str, report: str) -> dict[str, str]:
    """The tenderee has the committee's report, a paper kept here: the evaluation is over. Where a panel was convened it is
    the panel's own, answered by every member.

    Refused: T-PAPER, E-SHEETS (a seat's sheet is missing), E-DONE, E-STAGE; of a panel E-REPORT-CHANGED (it is another
    one), E-REPORT-UNSIGNED (seats that may still answer), and as `current`.
    """
    panel = await seats.panel_of(pool().fetch, tender)
    if panel is not None and await pool().fetchval("SELECT state = 'opened' FROM trading_tender WHERE id = $1", tender):
        panel, laid = await current(platform, tender)
        if laid.sha256 != report:
            raise Refused("E-REPORT-CHANGED", report=laid.sha256)
        await _note_silence(platform, panel, laid)
    while True:
        read = await evaluation.read_out(tender)
        try:
            return await _receive(caller, tender, report, panel, read)
        except Stale:
            continue


async def _receive(caller: Caller, tender: str, report: str, panel: Panel | None, read: ReadOut) -> dict[str, str]:
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        stages.step(row["state"], "receive-report")
        if panel is not None:
            panel = await seats.lock(act, panel.draw)
        if panel is None:
            await papers.held(act, caller, report)
        else:
            now = sha256_hex(await _write(act.query, row, panel, await read.still(act)))
            if now != report:
                raise Refused("E-REPORT-CHANGED", report=now)
            answers = await sheets.answers(act.query, panel.draw, report)
            words = {seat: one["answer"] for seat, one in answers.items()}
            members = range(1, panel.seats + 1)
            committee.agreement(lives.book_of(row, act.now), members, words)
            if missing := sorted(set(members) - set(words)):
                raise Refused("E-REPORT-UNSIGNED", seats=missing)
        terms = loaded(row["terms"])
        needed = int((terms.get("parameters") or {}).get("seats") or 0)
        found = await act.query(
            "SELECT seat, max(entered_at) AS at FROM trading_sheet WHERE tender_id = $1 GROUP BY seat ORDER BY seat",
            tender,
        )
        if [r["seat"] for r in found] != list(range(1, needed + 1)):
            raise Refused("E-SHEETS", needed=needed, seats=[r["seat"] for r in found])
        more = {"evaluated": max(r["at"] for r in found)} if found else {}
        facts = {"report": report}
        await lives.expect(act, tender, "receive-report", facts, row=row, **more)
        ref = act.record("report-received", subject=tender, tender=tender, report=report)
        await lives.told(act, tender)
    return logbook.shown(ref)


async def after_evaluation(tender: str) -> None:
    """What is nobody's before the evaluation is closed. Refused: E-SECRET."""
    if not await pool().fetchval("SELECT 1 FROM log_record WHERE tender = $1 AND type = 'evaluation-closed'", tender):
        raise Refused("E-SECRET", what=secrecy.SCORES, until=secrecy.AWARD)


async def shown(caller: Caller, tender: str) -> dict[str, Any]:
    """The panel's report with its answers: to the tenderee when all have answered or their time is over, to supervisors when
    the evaluation is closed. To look changes nothing: no time begins, and nobody's silence is noted.

    Refused: W-UNKNOWN (no panel), E-REPORT-UNSIGNED (seats that may still answer), E-SECRET, and as `_write`.
    """
    received = await pool().fetchval(
        "SELECT record FROM log_record WHERE tender = $1 AND type = 'report-received'", tender
    )
    if caller.role not in ("tenderee", "agency"):
        await after_evaluation(tender)
    panel = await seats.panel_of(pool().fetch, tender)
    if panel is None:
        raise Refused("W-UNKNOWN")
    if received is None:
        _, panel, data = await _written(tender)
        laid = await sheets.laid(pool().fetch, panel.draw, sha256_hex(data))
    else:
        laid = await sheets.laid(pool().fetch, panel.draw, loaded(received)["report"])
        if laid is None:
            raise Refused("W-UNKNOWN")
        data = laid.data
    name = sha256_hex(data)
    answers = await sheets.answers(pool().fetch, panel.draw, name)
    missing = sorted(set(range(1, panel.seats + 1)) - set(answers))
    if missing and (laid is None or await pool().fetchval("SELECT log_now() < $1::timestamptz", laid.answer_by)):
        raise Refused("E-REPORT-UNSIGNED", seats=missing)
    answers |= {seat: {"answer": committee.SILENT, "reason": None} for seat in missing}  # `receive` records it
    told = [{"seat": seat, "answer": one["answer"], "reason": one["reason"]} for seat, one in sorted(answers.items())]
    return {"report": name, "data": b64(data), "answers": told}
