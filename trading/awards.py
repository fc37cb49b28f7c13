"""Rejections, candidates, award: the law ranks, the ledger books, the record tells.

What may win: verdict OK in every stage, not rejected, counted (its key is vouched or the notice names its bidder).
"""

from __future__ import annotations

import json
from typing import Any

from audit.act import acting
from audit.canon import canon, sha256_hex
from audit.merkle import EMPTY
from audit.refusal import Refused
from trading import ledger, logbook, tenders
from trading.accounts import Caller
from trading.law import admission, gains, methods, periods, ranking, regimes, rulebook
from trading.tenders import arm, expect, loaded


async def reject(caller: Caller, tender: str, bid: str, reason: str, article: str) -> dict[str, str]:
    """Reject a bid with its reason and article. Refused: T-BID (not on the list), T-REJECTED (already), E-STAGE."""
    listed = {b["bid"] for b in await tenders.opened_bids(tender)}
    async with acting(caller.actor) as act:
        await expect(act, tender, "reject")
        if bid not in listed:
            raise Refused("T-BID", bid=bid)
        made = await act.query(
            """INSERT INTO trading_rejection (tender_id, bid, reason, article) VALUES ($1, $2, $3, $4)
               ON CONFLICT DO NOTHING RETURNING id""",
            tender, bid, reason, article,
        )  # fmt: skip
        if not made:
            raise Refused("T-REJECTED", bid=bid)
        ref = act.record("bid-rejected", subject=tender, tender=tender, bid=bid, reason=reason, article=article)
        await act.query("UPDATE trading_tender SET version = version + 1 WHERE id = $1", tender)
    return logbook.shown(ref)


async def publish_candidates(caller: Caller, tender: str) -> dict[str, Any]:
    """Rank by the announced method and publish.

    Refused: E-NO-CANDIDATE, E-TOO-FEW-QUALIFIED, E-STAGE; E-OVER-CEILING, E-UNDER-FLOOR (such a bid is rejected first).

    `evaluation-closed` follows in the same act: by price alone there is no sealed record of an evaluation to enumerate.
    """
    opened = await tenders.opened_bids(tender)  # verdicts are final once a tender is opened
    async with acting(caller.actor) as act:
        row, state = await expect(act, tender, "publish-candidates")
        terms = loaded(row["terms"])
        regime = regimes.regime(terms["regime"])
        # Rejections are read under the tender's lock: none comes in between.
        rejected = {r["bid"] for r in await act.query("SELECT bid FROM trading_rejection WHERE tender_id = $1", tender)}
        offers = [o for o in opened if may_win({**o, "rejected": o["bid"] if o["bid"] in rejected else None})]
        ranked = methods.rank(terms["method"], [methods.Offer(o["bid"], o["price"]) for o in offers])
        names = ranking.candidates(ranked, rulebook.read(row["rulebook"]).max_candidates)
        ranking.enough_qualified(len(offers), regime)
        # A first candidate who may never win would leave the tender without an end.
        admission.check_price(regime, terms["direction"], ranked[0].price, terms["baseline"])
        totals = canon(methods.totals(terms["method"], tender, ranked))
        await act.query(
            """UPDATE trading_tender SET state = $2, totals = $3, ranking = $4::text::jsonb, version = version + 1
               WHERE id = $1""",
            tender, state, totals, json.dumps(list(names)),
        )  # fmt: skip
        digest = sha256_hex(totals)
        act.record("candidates-published", subject=tender, tender=tender, ranking=list(names), totals=digest)
        act.record("evaluation-closed", subject=tender, tender=tender, events=0, events_root=EMPTY.hex())
    return {"tender": tender, "ranking": list(names), "totals": digest}


def may_win(bid: dict[str, Any]) -> bool:
    """Whether an opened bid may win (log.md §8)."""
    return (
        bool(bid["verdicts"])
        and set(bid["verdicts"].values()) == {"OK"}
        and bid["rejected"] is None
        and not bid["unvouched"]
        and bid["price"] is not None
    )


async def award(caller: Caller, tender: str, bid: str | None) -> dict[str, Any]:
    """Award to the first candidate after the publicity the law asks for, book the gain.

    Refused: E-PERIOD (招标投标法实施条例 54), E-NOT-FIRST, E-OVER-CEILING, E-UNDER-FLOOR, E-STAGE.
    """
    bids = {b["bid"]: b for b in await tenders.opened_bids(tender)}
    async with acting(caller.actor) as act:
        row, state = await expect(act, tender, "award")
        terms, candidates = loaded(row["terms"]), loaded(row["ranking"])
        chosen = bid or (candidates[0] if candidates else "")
        ranking.winner(candidates, chosen)
        published = await act.query(
            "SELECT max(made_at) AS at FROM log_record WHERE tender = $1 AND type = 'candidates-published'", tender
        )
        periods.keep(regimes.regime(terms["regime"]), "candidates", "award", published[0]["at"], await act.clock())
        opened = bids[chosen]
        price, baseline, direction = opened["price"], terms["baseline"], terms["direction"]
        admission.check_price(regimes.regime(terms["regime"]), direction, price, baseline)
        formula = gains.formula(direction)
        gain = gains.gain(formula, price=price, baseline=baseline)
        line = {"bid": chosen, "price": price, "baseline": baseline, "gain": gain, "formula": formula}
        await act.query("UPDATE trading_tender SET state = $2, version = version + 1 WHERE id = $1", tender, state)
        await ledger.book(
            act,
            tender=tender,
            bidder=opened["bidder"],
            currency=terms["currency"],
            direction=direction,
            regime=terms["regime"],
            **line,
        )
        # Custodians have until the window's end to release; archiving waits for the last of them.
        window = await act.query("SELECT due_at FROM trading_timer WHERE tender_id = $1 AND kind = 'window'", tender)
        await arm(act, "archive", tender, max(act.now, *(w["due_at"] for w in window)))
        act.record("awarded", subject=tender, tender=tender, **line)
    return {**line, "bidder": opened["bidder"], "bidder_name": opened["bidder_name"], "currency": terms["currency"]}
