"""What the law makes of opened bids by itself: collusion that is deemed, and bids that count as revoked or withdrawn.

Findings, not verdicts: a rejection is an act of its own, and names its article. Read by those who evaluate and those who
supervise, from the opening on; before it nobody looks at anything here.
"""

from __future__ import annotations

from typing import Any

from audit.act import pool
from audit.refusal import Refused
from bidding import unsealing
from bidding.unseal import Verdict
from trading import lives, logbook
from trading.accounts import Caller
from trading.law import admission, collusion, secrecy
from trading.law.collusion import Traits
from trading.messages import EN, ZH, say
from trading.tenders import LOCKED, loaded

DEEMED = {admission.REVOKED: "K-REVOKED", admission.WITHDRAWN: "K-WITHDRAWN"}


async def found(caller: Caller, tender: str) -> list[dict[str, Any]]:
    """Every finding about the opened bids of a tender, by item. Refused: W-UNKNOWN, E-SECRET (not opened yet)."""
    row = await pool().fetchrow(LOCKED, tender)
    if row is None:
        raise Refused("W-UNKNOWN")
    book = lives.book_of(row, await pool().fetchval("SELECT log_now()"))
    secrecy.keep(book, secrecy.BIDS, caller.role, secrecy.reached(row["state"], row["opens"]))
    bidders = await logbook.bidders_after_closing(tender)
    traits: dict[str, Traits] = {bid: Traits(bid, bidder) for bid, bidder in bidders.items()}
    findings = []
    for one in await unsealing.unsealed(tender):
        told = traits.get(one.bid, Traits(one.bid))
        texts = told.texts | {str(file["sha256"]) for file in one.files}
        price = (one.opening or {}).get("price", told.price)
        traits[one.bid] = Traits(one.bid, told.bidder, price, texts=texts)
        verdict = Verdict(one.verdict)
        if verdict.final and verdict is not Verdict.OK:
            counts_as, article = admission.deemed(book, bidders_fault=verdict.bidders_fault)
            if article is not None:
                findings.append(_told(DEEMED[counts_as], [one.bid], str(article), stage=one.stage))
    accounts = await _accounts(tender)
    bids = [
        Traits(t.bid, t.bidder, t.price, texts=t.texts, account=accounts.get(t.bidder, "")) for t in traits.values()
    ]
    for met in collusion.findings(book, bids, await _common(tender)):
        findings.append(_told(met.what, met.bids, str(met.article), item=met.item, rule=met.rule))
    return findings


def _told(what: str, bids: Any, article: str, **more: Any) -> dict[str, Any]:
    return {"what": what, "zh": say(what, ZH), "en": say(what, EN), "bids": list(bids), "article": article, **more}


async def _accounts(tender: str) -> dict[str, str]:
    """From which account each bidder's security came, where it came from one."""
    rows = await pool().fetch(
        "SELECT bidder_id, min(account) AS account FROM trading_security WHERE tender_id = $1 AND form = 'transfer' "
        "GROUP BY bidder_id HAVING count(DISTINCT account) = 1",
        tender,
    )
    return {r["bidder_id"]: "".join(r["account"].split()) for r in rows}


async def _common(tender: str) -> set[str]:
    """Hashes of the files that were given to everybody: to find them in two bids proves nothing."""
    rows = await pool().fetch("SELECT files FROM trading_document_set WHERE tender_id = $1", tender)
    return {str(file["sha256"]) for r in rows for file in loaded(r["files"])}
