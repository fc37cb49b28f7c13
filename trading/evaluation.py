"""From the opened bids to the candidates: corrections, explanations, the ranking; and the end of the evaluation's secrecy.

Scores come from `score_sheets.py`, the committee's report from `reports.py`. All of it is shut to everybody, supervisors
too, until `close` discloses it in the act of the award or of the failure (log.md §1, V9).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.act import Act, acting, pool
from audit.canon import canon, sha256_hex, stamp
from audit.merkle import root
from audit.record import Rule, types
from audit.refusal import Refused
from bidding import releases
from experts import panels, seats
from trading import lives, logbook, reserves, score_sheets, tenders
from trading.accounts import Caller
from trading.installation import Installation
from trading.law import admission, corrections, methods, ranking, regimes, stages
from trading.law.history import Life
from trading.law.methods import Offer
from trading.law.methods.doubts import EXPLANATION
from trading.score_sheets import evaluating, may_win
from trading.tenders import loaded, locked

FORM = "form"


class Stale(Exception):
    """An envelope was opened after the bids were read, and before the tender was locked: read again."""


@dataclass(frozen=True)
class ReadOut:
    """The opened bids as they were read outside the act, which waits for no second connection; and how many verdicts."""

    tender: str
    bids: list[dict[str, Any]]
    verdicts: int

    async def still(self, act: Act) -> list[dict[str, Any]]:
        """The bids, if nothing was opened since. Raises Stale."""
        if (await act.query(_VERDICTS, self.tender))[0]["count"] != self.verdicts:
            raise Stale
        return self.bids


async def read_out(tender: str) -> ReadOut:
    """Read the opened bids. The verdicts are counted first: what comes between is seen by `still`."""
    count = await pool().fetchval(_VERDICTS, tender)
    return ReadOut(tender, await tenders.opened_bids(tender), count)


_VERDICTS = "SELECT count(*) FROM log_record WHERE tender = $1 AND type = 'unsealed'"


async def qualified(act: Act, row: Any, read: ReadOut) -> int:
    """How many bids may still win: by all their envelopes, or, while the second ones are shut, by those that are open."""
    opened = await read.still(act)
    try:
        await releases.check_opened(act.query, row["id"])
    except Refused:
        rows = await act.query("SELECT bid FROM trading_rejection WHERE tender_id = $1", row["id"])
        gone = {r["bid"] for r in rows}
        return sum(b["bid"] not in gone and may_win(b, list(b["verdicts"]), priced=False) for b in opened)
    return sum(offer.stands for offer in await offers(act.query, row, opened))


async def offers(query: seats.Query, row: Any, opened: Sequence[Mapping[str, Any]]) -> list[Offer]:
    """The offers a method is given: whole bids, at the price read out or as corrected; rejected ones do not stand.

    Rejections and corrections are read under the tender's lock: none comes in between.
    """
    tender, terms = row["id"], loaded(row["terms"])
    rejected = {r["bid"] for r in await query("SELECT bid FROM trading_rejection WHERE tender_id = $1", tender)}
    corrected = {
        r["bid"]: r["corrected"]
        for r in await query("SELECT bid, corrected FROM trading_correction WHERE tender_id = $1 ORDER BY id", tender)
    }
    stages_, parameters = list(loaded(row["keysets"])), terms.get("parameters") or {}
    cried = {
        r["bid"]: r["price"] for r in await query(_CRIED, tender)
    }  # in the rounds of an auction, where there was one
    return [
        Offer(
            bid["bid"],
            cried.get(bid["bid"], corrected.get(bid["bid"], bid["price"])),
            methods.is_small_firm(parameters, bid["opening"]),
            bid["bid"] not in rejected,
        )
        for bid in opened
        if may_win(bid, stages_)
    ]


_CRIED = """SELECT j.bid, max(b.price) AS price FROM trading_auction_joiner j
    JOIN trading_auction_bid b ON b.tender_id = j.tender_id AND b.number = j.number
    WHERE j.tender_id = $1 GROUP BY j.bid"""
_AUCTION = "SELECT coalesce(outcome, 'open') AS outcome FROM trading_auction WHERE tender_id = $1"


async def auctioned(query: seats.Query, tender: str) -> str | None:
    """How the auction of a tender stands: `open`, `sold`, `below_reserve`; None: it has none."""
    rows = await query(_AUCTION, tender)
    return rows[0]["outcome"] if rows else None


# --------------------------------------------------------------------------------------- corrections and explanations


async def correct(caller: Caller, tender: str, bid: str, corrected: int, rule: str, confirmed: bool) -> dict[str, Any]:
    """Correct a price that contradicts its own bid, by the rules of 财政部令87号 59 in their order, once the bidder has
    confirmed it. Refused: T-BID, E-CORRECTION, E-UNCONFIRMED, T-CORRECTION (it changes nothing), T-REPORTED, E-STAGE.
    """
    opened = {b["bid"]: b for b in await tenders.opened_bids(tender)}
    async with acting(caller.actor) as act:
        row = await evaluating(act, tender, "correct-price")
        if bid not in opened or not may_win(opened[bid], list(loaded(row["keysets"]))):
            raise Refused("T-BID", bid=bid)
        made = await act.query(
            "SELECT rule, corrected FROM trading_correction WHERE tender_id = $1 AND bid = $2 ORDER BY id", tender, bid
        )
        corrections.check_rule(rule, [r["rule"] for r in made])
        read = made[-1]["corrected"] if made else opened[bid]["price"]
        if corrected == read or corrected < 1:
            raise Refused("T-CORRECTION", price=read)
        step = corrections.Step(rule, read, corrected)
        corrections.confirmed(corrections.Corrected(read, corrected, (step,)), confirmed)
        facts: dict[str, Any] = {"bid": bid, "stage": FORM, "read": read, "corrected": corrected, "rule": rule}
        await lives.expect(act, tender, "correct-price", facts, row=row)
        await act.query(
            """INSERT INTO trading_correction (tender_id, bid, stage, read, corrected, rule, made_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            tender, bid, FORM, read, corrected, rule, act.now,
        )  # fmt: skip
        ref = act.record("price-corrected", subject=tender, tender=tender, **facts)
        await lives.told(act, tender)
    return logbook.shown(ref)


async def ask_explanation(caller: Caller, tender: str, bid: str, due: datetime) -> dict[str, str]:
    """Ask a bidder to explain a price that looks too low to be honest (财政部令87号 60).

    Refused: T-BID, T-ASKED (once is enough), E-PERIOD-ORDER (due already over), T-REPORTED, E-STAGE.
    """
    opened = {b["bid"] for b in await tenders.opened_bids(tender)}
    async with acting(caller.actor) as act:
        row = await evaluating(act, tender, "ask-explanation")
        if bid not in opened:
            raise Refused("T-BID", bid=bid)
        if due <= act.now:
            raise Refused("E-PERIOD-ORDER", EXPLANATION, start=act.now, end=due)
        facts: dict[str, Any] = {"bid": bid, "due": stamp(due)}
        await lives.expect(act, tender, "ask-explanation", facts, row=row)
        made = await act.query(
            """INSERT INTO trading_explanation (tender_id, bid, due_at, asked_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT DO NOTHING RETURNING id""",
            tender, bid, due, act.now,
        )  # fmt: skip
        if not made:
            raise Refused("T-ASKED", bid=bid)
        ref = act.record("explanation-asked", subject=tender, tender=tender, **facts)
    return logbook.shown(ref)


async def explain(platform: Installation, caller: Caller, tender: str, text: str) -> dict[str, Any]:
    """A bidder explains its price, in writing and once; its receipt.

    Refused: T-UNASKED (nothing was asked of it), E-EXPLANATION-LATE, T-REPORTED, E-STAGE.
    """
    bids = await logbook.bidders_after_closing(tender)
    mine = [bid for bid, bidder in bids.items() if bidder == caller.organisation]
    async with acting(caller.actor) as act:
        row = await evaluating(act, tender, "give-explanation")
        asked = await act.query(
            """SELECT bid, due_at FROM trading_explanation WHERE tender_id = $1 AND bid = ANY ($2) AND text IS NULL
               FOR UPDATE""",
            tender, mine,
        )  # fmt: skip
        if not asked:
            raise Refused("T-UNASKED")
        if act.now > asked[0]["due_at"]:
            raise Refused("E-EXPLANATION-LATE", EXPLANATION, latest=asked[0]["due_at"], now=act.now)
        facts: dict[str, Any] = {"bid": asked[0]["bid"], "text": sha256_hex(text.encode())}
        await lives.expect(act, tender, "give-explanation", facts, row=row)
        await act.query(
            "UPDATE trading_explanation SET text = $3, given_at = $4 WHERE tender_id = $1 AND bid = $2",
            tender, asked[0]["bid"], text, act.now,
        )  # fmt: skip
        ref = act.record("explanation-given", subject=tender, tender=tender, **facts)
    return {"receipt": platform.key.receipt(ref, None).plain()}


async def explanations(caller: Caller, tender: str, *, own: bool) -> list[dict[str, Any]]:
    """What was asked and explained: a bidder sees its own, the tenderee (`own`) and its agency all of them."""
    rows = await pool().fetch(
        "SELECT bid, due_at AS due, asked_at, text, given_at FROM trading_explanation WHERE tender_id = $1 ORDER BY id",
        tender,
    )
    if own and caller.role in ("tenderee", "agency"):
        return [dict(r) for r in rows]
    bids = await logbook.bidders_after_closing(tender)
    return [dict(r) for r in rows if bids.get(r["bid"]) == caller.organisation]


# ---------------------------------------------------------------------------------------------------------- candidates


async def publish_candidates(caller: Caller, tender: str) -> dict[str, Any]:
    """Rank by the announced method, from what was opened, corrected and scored, and publish.

    Refused: E-NO-CANDIDATE, E-TOO-FEW-QUALIFIED, E-NO-REPORT, E-SUSPENDED, E-STAGE; E-EXPLANATION (an abnormally low price
    was not explained: ask, or reject it); E-OVER-CEILING, E-UNDER-FLOOR (such a bid is rejected first); E-SHEETS; of two
    envelopes E-SETTLED, E-UNOPENED (the second is settled and read first).
    """
    while True:  # as often as an envelope is opened between the reading and the lock: a few times at most
        opened = await read_out(tender)
        try:
            return await _publish(caller, tender, opened)
        except Stale:
            continue


async def _publish(caller: Caller, tender: str, read: ReadOut) -> dict[str, Any]:
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        stages.step(row["state"], "publish-candidates")
        await releases.check_opened(act.query, tender)
        opened = await read.still(act)  # verdicts are final by now
        terms, regime = loaded(row["terms"]), regimes.regime(loaded(row["terms"])["regime"])
        parameters = terms.get("parameters") or {}
        given = await offers(act.query, row, opened)
        standing = [offer for offer in given if offer.stands]
        book = lives.book_of(row, act.now)
        if not standing:
            ranking.candidates((), book.max_candidates)
        ranking.enough_qualified(len(standing), regime)
        await _explained(act, tender, methods.abnormally_low(terms["method"], parameters, given))
        evaluation = methods.evaluate(
            terms["method"], parameters, given, await score_sheets.that_count(act.query, tender)
        )
        names = ranking.candidates(evaluation.ranked, book.max_candidates)
        # A first candidate who may never win would leave the tender without an end.
        floor = await reserves.read(act.query, row)
        admission.check_price(regime, terms["direction"], evaluation.ranked[0].price, terms["baseline"], reserve=floor)
        totals = canon(methods.totals(terms["method"], tender, evaluation))
        facts: dict[str, Any] = {"ranking": list(names), "totals": sha256_hex(totals)}
        rounds = await auctioned(act.query, tender)
        await lives.expect(act, tender, "publish-candidates", facts, row=row, qualified=len(standing), auction=rounds)
        await act.query(
            "UPDATE trading_tender SET totals = $2, ranking = $3::text::jsonb WHERE id = $1",
            tender, totals, json.dumps(list(names)),
        )  # fmt: skip
        act.record("candidates-published", subject=tender, tender=tender, **facts)
    return {"tender": tender, "decided_by": list(evaluation.decided_by), **facts}


async def _explained(act: Act, tender: str, doubts: Sequence[methods.Doubt]) -> None:
    if not doubts:
        return
    rows = await act.query("SELECT bid FROM trading_explanation WHERE tender_id = $1 AND text IS NOT NULL", tender)
    explained = {r["bid"] for r in rows}
    for doubt in doubts:
        if doubt.bid not in explained:
            raise Refused(
                "E-EXPLANATION", EXPLANATION, bid=doubt.bid, price=doubt.price, reasons=", ".join(doubt.reasons)
            )


# -------------------------------------------------------------------------------------------------- the end of secrecy


async def begun(act: Act, tender: str) -> bool:
    """Whether anything of this tender has been read out: from then on its evaluation must end in public."""
    return bool(await act.query("SELECT 1 FROM log_record WHERE tender = $1 AND type = 'unsealed' LIMIT 1", tender))


async def close(act: Act, tender: str, life: Life) -> None:
    """End the secrecy of the evaluation in the act that decides: enumerate every sealed record of it, and disclose them.

    Once per tender; what only a party may see is neither counted nor disclosed (log.md §1, V9).
    """
    if life.has("close-evaluation"):
        return
    await panels.hold(act, tender)
    sealed = [name for name, kind in types.items() if Rule.EVALUATION in kind.rules]
    rows = await act.query(
        "SELECT record FROM log_record WHERE tender = $1 AND type = ANY ($2) ORDER BY id", tender, sealed
    )
    hashes = sorted(bytes.fromhex(sha256_hex(bytes(r["record"]))) for r in rows)
    cause = act.record(
        "evaluation-closed", subject=tender, tender=tender, events=len(hashes), events_root=root(hashes).hex()
    )
    act.disclose(cause, tender=tender, rule=Rule.EVALUATION, public=True)
    await seats.sign_out(act, tender)
