"""Rejections, award, notice: the law says whose turn it is, the ledger books, the record tells.

What may win: verdict OK in every stage, not rejected, counted (its key is vouched or the notice names its bidder). The
ranking is `evaluation.py`'s; here the first of it that still stands is awarded, at the price that was ranked.
"""

from __future__ import annotations

import json
from typing import Any

from audit.act import acting
from audit.refusal import Refused
from trading import booked, evaluation, ledger, lives, logbook, papers, reserves, tenders
from trading.accounts import Caller
from trading.law import admission, ranking, regimes, stages
from trading.tenders import finish, loaded, locked


async def reject(caller: Caller, tender: str, bid: str, reason: str, article: str) -> dict[str, str]:
    """Reject a bid with its reason and article; after the candidates are published, only for the reasons of 条例 55.

    Refused: T-BID (not on the list), T-REJECTED (already), E-FALLS-AWAY (no such reason), E-STAGE.
    """
    listed = {b["bid"] for b in await tenders.opened_bids(tender)}
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        facts: dict[str, Any] = {"bid": bid, "reason": reason, "article": article}
        stages.step(row["state"], "reject")
        if bid not in listed:
            raise Refused("T-BID", bid=bid)
        if row["state"] == "ranked":
            ranking.falls_away(reason)
        await lives.expect(act, tender, "reject", facts, row=row)
        made = await act.query(
            """INSERT INTO trading_rejection (tender_id, bid, reason, article) VALUES ($1, $2, $3, $4)
               ON CONFLICT DO NOTHING RETURNING id""",
            tender, bid, reason, article,
        )  # fmt: skip
        if not made:
            raise Refused("T-REJECTED", bid=bid)
        ref = act.record("bid-rejected", subject=tender, tender=tender, **facts)
        await lives.told(act, tender)
    return logbook.shown(ref)


async def award(caller: Caller, tender: str, bid: str | None) -> dict[str, Any]:
    """Award to the first candidate that still stands, after the publicity the law asks for; book the gain, and end the
    secrecy of the evaluation. Without state money works may go to another candidate (招标投标法 40).

    Refused: E-PERIOD (招标投标法实施条例 54), E-NOT-FIRST, E-NO-CANDIDATE, E-OVER-CEILING, E-UNDER-FLOOR, E-SUSPENDED,
    E-STAGE.
    """
    bids = {b["bid"]: b for b in await tenders.opened_bids(tender)}
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        stages.step(row["state"], "award")
        terms = loaded(row["terms"])
        gone = {r["bid"] for r in await act.query("SELECT bid FROM trading_rejection WHERE tender_id = $1", tender)}
        standing = [one for one in loaded(row["ranking"]) or [] if one not in gone]
        chosen = bid or (standing[0] if standing else "")
        if (
            chosen not in standing
            or terms.get("state_funded") is not False
            or not lives.book_of(row, act.now).has("WK-40")
        ):
            ranking.winner(standing, chosen)
        price = next(r["price"] for r in json.loads(bytes(row["totals"]))["rows"] if r["bid"] == chosen)
        baseline, direction = terms["baseline"], terms["direction"]
        floor = await reserves.read(act.query, row)
        admission.check_price(regimes.regime(terms["regime"]), direction, price, baseline, reserve=floor)
        made = booked.awarded(terms, price)
        line = {"bid": chosen, "price": price, "baseline": baseline, "gain": made.gain, "formula": made.formula}
        expected = await lives.expect(act, tender, "award", line, row=row)
        await ledger.book(
            act,
            tender=tender,
            bid=chosen,
            bidder=bids[chosen]["bidder"],
            offered=price,
            line=made,
            currency=terms["currency"],
            direction=direction,
            regime=terms["regime"],
        )
        act.record("awarded", subject=tender, tender=tender, **line)
        await evaluation.close(act, tender, expected.life)
        await finish(act, tender)
    winner = bids[chosen]
    told = {"bidder": winner["bidder"], "bidder_name": winner["bidder_name"], "currency": terms["currency"]}
    return {**line, **told, "status": made.status}


async def notify(caller: Caller, tender: str, letter: str) -> dict[str, str]:
    """Send the award letter and publish it: a paper the caller keeps here, from now on everybody's to read.

    Late, it is sent all the same, and an alert says so (GP-12). Refused: T-PAPER, E-DONE, E-STAGE.
    """
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        await lives.expect(act, tender, "notify-award", {"letter": letter}, row=row)
        await papers.name(act, caller, tender, {"中标通知书": letter})
        ref = act.record("award-notified", subject=tender, tender=tender, letter=letter)
        await lives.told(act, tender)
    return logbook.shown(ref)


async def file_report(caller: Caller, tender: str, report: str) -> dict[str, str]:
    """File the written report on the tender with the supervisor (招标投标法 47). Refused: T-PAPER, E-DONE, E-STAGE."""
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        await papers.held(act, caller, report)
        await lives.expect(act, tender, "file-report", {"report": report}, row=row)
        ref = act.record("report-filed", subject=tender, tender=tender, report=report)
        await finish(act, tender)
        await lives.told(act, tender)
    return logbook.shown(ref)
