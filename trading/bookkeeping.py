"""Corrections of the ledger by hand: on the word of the tenderee and of an authority, in public, as a further line.

Whoever keeps the books corrects nothing alone: the paper that both sign is the very record (log.md §1, `line-corrected`),
with its number, so that it is said once. The line it corrects stays, and the database takes no line without the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.act import acting
from audit.refusal import Refused
from bidding.custody import check_settled
from trading import booked, ledger, lives, logbook
from trading.accounts import Caller
from trading.installation import Installation
from trading.records import LINE_CORRECTED
from trading.tenders import locked


async def correct(
    platform: Installation,
    caller: Caller,
    tender: str,
    told: Mapping[str, Any],
    sig: Sequence[Mapping[str, Any]],
) -> dict[str, str]:
    """Book and record a correction: `told` is {correction, status, reason, words, price, baseline}.

    Refused: E-SIG, E-IDENTITY (not the tenderee's and exactly one authority's), E-LEDGER-NUMBER (not the next one),
    E-LEDGER-REASON, E-LEDGER-STATUS, E-LEDGER-SAME, E-LEDGER-NONE (there is no award), E-STAGE.
    """
    identities = await platform.identities()
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        await lives.expect(act, tender, "correct-line", {"correction": told["correction"]}, row=row)
        awarded = await act.query(
            """SELECT (SELECT actor FROM log_record WHERE tender = $1 AND type = 'project-announced') AS tenderee
               WHERE EXISTS (SELECT 1 FROM log_record WHERE tender = $1 AND type = 'awarded')
                 AND NOT EXISTS (SELECT 1 FROM log_record
                                 WHERE tender = $1 AND type IN ('tender-failed', 'tender-terminated'))""",
            tender,
        )
        if not awarded:
            raise Refused("E-LEDGER-NONE", tender=tender)
        stands = await ledger.standing(act, tender)
        if told["correction"] != stands["corrections"] + 1:
            raise Refused("E-LEDGER-NUMBER", correction=told["correction"], next=stands["corrections"] + 1)
        before = booked.Booked(*(stands[name] for name in ("status", "price", "baseline", "gain", "formula")))
        made = booked.restated(stands["direction"], before, told)
        await ledger.correct(
            act,
            stands["number"],
            status=made.status,
            reason=told["reason"],
            price=made.price,
            baseline=made.baseline,
            correction=told["correction"],
            words=told["words"],
        )
        ref = act.record(
            LINE_CORRECTED.name,
            subject=tender,
            tender=tender,
            correction=told["correction"],
            reason=told["reason"],
            words=told["words"],
            **made.told,
            sig=list(sig),
        )
        check_settled(ref.body, identities, tenderee=awarded[0]["tenderee"])
        await lives.told(act, tender)
    return logbook.shown(ref)
