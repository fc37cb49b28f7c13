"""Bid security 投标保证金 as a ledger in whole fen, sealed until the opening: whoever has paid is a bidder.

    receive (the payer, before the deadline) → opening → give_back or forfeit, each → settle

The payer brings the proof of what it paid or the guarantee it got, and holds a receipt; until the opening no other desk sees
a line, a sum or a number of them. What went back before the opening (a bid withdrawn in time) the payer confirms itself.
Sums reconcile by construction: the database lets no more go back than came in, and no settlement stand that says other than
the rows (migrations/0004).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg

from audit.act import Act, acting, pool
from audit.canon import stamp
from audit.receipt import Receipt
from audit.refusal import Refused
from trading import lives, logbook, papers, payers
from trading.accounts import Caller
from trading.installation import Installation
from trading.law import admission, rulebook, secrecy, security
from trading.tenders import expect, finish, loaded, locked

TAIL = 4
"""Characters of an account that a record keeps: enough to recognise it, too few to use it."""
PAYMENTS = 20
"""Payments of one bidder in one tender: with the largest amounts the API takes, no sum grows past what a record can hold,
else one bidder could keep a tender from ever being settled."""


async def receive(
    platform: Installation,
    caller: Caller,
    tender: str,
    *,
    amount: int,
    form: str,
    account: str,
    basic: bool,
    proof: str | None,
    received: datetime,
) -> dict[str, Any]:
    """Note what the caller paid; the answer is its receipt. Less than was asked for is a finding at the opening.

    Refused: T-NO-SECURITY (the notice asks for none), E-SECURITY-FORM, E-BASIC-ACCOUNT (招标投标法实施条例 26),
    T-SECURITY-TIME (lies in the future), E-OWN-TENDER, W-OFTEN (20 payments), T-SETTLED, T-PAPER, E-STAGE.
    """
    bidder = caller.organisation or ""
    with platform.pace.taking("securities", bidder):
        async with acting(caller.actor) as act:
            row, _ = await expect(act, tender, "receive-security")
            admission.not_the_tenderee(bidder, row["organisation_id"], row["agency_id"] or "")
            before = "SELECT count(*) AS n FROM trading_security WHERE tender_id = $1 AND bidder_id = $2"
            if (await act.query(before, tender, bidder))[0]["n"] >= PAYMENTS:
                raise Refused("W-OFTEN", most=PAYMENTS)
            asked = loaded(row["terms"]).get("security")
            if asked is None:
                raise Refused("T-NO-SECURITY")
            security.check_payment(rulebook.read(row["rulebook"]), form, asked["accounts"], basic)
            if received > act.now:
                raise Refused("T-SECURITY-TIME", received=received, now=act.now)
            if proof is not None:
                await papers.held(act, caller, proof)
            await act.query(
                """INSERT INTO trading_security (tender_id, bidder_id, amount, form, account, proof, received_at, noted_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
                tender, bidder, amount, form, account, proof, received, act.now,
            )  # fmt: skip
            ref = act.record(
                "security-received",
                subject=tender,
                tender=tender,
                bidder=bidder,
                amount=amount,
                form=form,
                account=account[-TAIL:],
                basic=basic,
                received=stamp(received),
                proof=proof,
            )
    return {**await own(platform, caller, tender), "receipt": platform.key.receipt(ref, None).plain()}


# ------------------------------------------------------------------------------------------------------------ reading


async def ledger(caller: Caller, tender: str) -> list[dict[str, Any]]:
    """The lines of all payers, for tenderee, agency, operator and supervisor, once the tender is opened.

    Refused: E-SEALED-YET, the same whether anybody has paid or nobody. Of a box that stays shut, or that was given up
    before it opened, only operator and supervisor see who is to be paid back.
    """
    row = await pool().fetchrow("SELECT state, opens, terms, deadline FROM trading_tender WHERE id = $1", tender)
    if row is None:
        raise Refused("W-UNKNOWN")
    opened = secrecy.may_see(None, secrecy.SECURITIES, caller.role, secrecy.reached(row["state"], row["opens"]))
    ended = row["state"] in ("shut", "terminated", "archived") and caller.role in ("operator", "supervisor")
    if not opened and not ended:
        raise Refused("E-SEALED-YET", state=row["state"])
    return await payers.lines(tender, (loaded(row["terms"]) or {}).get("security"), row["deadline"], None)


async def own(platform: Installation, caller: Caller, tender: str) -> dict[str, Any]:
    """The caller's own line, empty if it paid nothing, and the receipts of what went back to it. Refused: W-UNKNOWN."""
    row = await pool().fetchrow("SELECT terms, deadline FROM trading_tender WHERE id = $1", tender)
    if row is None:
        raise Refused("W-UNKNOWN")
    lines = await payers.lines(
        tender, (loaded(row["terms"]) or {}).get("security"), row["deadline"], caller.organisation
    )
    back = await logbook.concerning([tender], "security-returned", "bidder", caller.organisation or "")
    made = [Receipt(k.record, platform.key.promise(k.entry), None, k.nonce) for k in back]
    return {"items": lines, "receipts": [one.plain() for one in made]}


# ------------------------------------------------------------------------------------------------------------ returns


async def give_back(
    caller: Caller,
    tender: str,
    *,
    bidder: str,
    amount: int,
    reason: str,
    interest: int | None,
    rate: Decimal | None,
    revoked: datetime | None,
) -> dict[str, str]:
    """Note that security went back, or was forfeited. Interest in fen, or computed from the bank's yearly `rate`.

    Before the opening only the payer itself may note what came back to it. `revoked`: when the bid was revoked, for what is
    kept (招标投标法实施条例 35). Refused: E-SEALED-YET, T-SECURITY (no such payer), T-RETURN-OVER (more than is left),
    T-INTEREST (more interest than security), T-SETTLED, E-FORFEIT, E-SECURITY-REASON, E-STAGE.
    """
    if caller.role == "bidder" and bidder != caller.organisation:
        raise Refused("W-DENIED", operation="return_security", role=caller.role)
    if caller.role != "bidder":
        await ledger(caller, tender)  # whoever may not see a payer may not pay it back either
    elif reason == security.FORFEITED:
        raise Refused("E-SECURITY-REASON", reason=reason, known=security.WITHDRAWN)
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        since = await _withdrawn(act, tender, bidder, row) if reason == security.WITHDRAWN else None
        await lives.expect(act, tender, "return-security", {"reason": reason}, row=row, move=False, since=since)
        book = rulebook.read(row["rulebook"])
        if reason not in security.REASONS:
            raise Refused("E-SECURITY-REASON", reason=reason, known=security.REASONS)
        if reason == security.FORFEITED:
            security.may_keep(book, revoked or row["deadline"], row["deadline"])
        left, first = await _left(act, tender, bidder)
        if amount > left:
            raise Refused("T-RETURN-OVER", amount=amount, left=left)
        earned = 0 if reason == security.FORFEITED else interest
        if earned is None:
            earned = 0 if rate is None else security.interest_between(amount, rate, first, act.now)
        if earned > amount:
            raise Refused("T-INTEREST", interest=earned, amount=amount)
        try:
            await act.query(
                """INSERT INTO trading_security_return (tender_id, bidder_id, amount, interest, reason, returned_at)
                   VALUES ($1, $2, $3, $4, $5, $6)""",
                tender, bidder, amount, earned, reason, act.now,
            )  # fmt: skip
        except asyncpg.CheckViolationError:
            raise Refused("T-SETTLED") from None
        ref = act.record(
            "security-returned",
            subject=tender,
            tender=tender,
            bidder=bidder,
            amount=amount,
            interest=earned,
            reason=reason,
        )
    return logbook.shown(ref)


async def _withdrawn(act: Act, tender: str, bidder: str, row: Any) -> datetime | None:
    """When this bidder withdrew its bid. None before the opening: an alert that a refund is late would tell that somebody
    has withdrawn."""
    if not secrecy.is_open(row["state"], row["opens"]):
        return None
    rows = await act.query(
        """SELECT max(made_at) AS at FROM log_record
           WHERE tender = $1 AND type = 'withdrawn' AND actor_kind = 'bidder' AND actor = $2""",
        tender, bidder,
    )  # fmt: skip
    at: datetime | None = rows[0]["at"]
    return at


async def _left(act: Act, tender: str, bidder: str) -> tuple[int, datetime]:
    """What of a payer's money is still here, and when the first of it came. Under the tender's lock."""
    paid = await act.query(
        """SELECT sum(amount)::bigint AS amount, min(received_at) AS first FROM trading_security
           WHERE tender_id = $1 AND bidder_id = $2""",
        tender, bidder,
    )  # fmt: skip
    if paid[0]["amount"] is None:
        raise Refused("T-SECURITY", bidder=bidder)
    back = await act.query(
        """SELECT coalesce(sum(amount), 0)::bigint AS amount FROM trading_security_return
           WHERE tender_id = $1 AND bidder_id = $2""",
        tender, bidder,
    )  # fmt: skip
    return paid[0]["amount"] - back[0]["amount"], paid[0]["first"]


async def settle(caller: Caller, tender: str) -> dict[str, Any]:
    """Settle: every fen that came in went back or was forfeited. The public record says how many, how much, what interest.

    Refused: T-NO-SECURITY (none was asked for), T-UNSETTLED (a security is still here), T-SETTLED (it is done),
    E-SEALED-YET, E-STAGE.
    """
    await ledger(caller, tender)
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        if not loaded(row["terms"]).get("security"):
            raise Refused("T-NO-SECURITY")
        if await act.query("SELECT 1 FROM trading_settlement WHERE tender_id = $1", tender):
            raise Refused("T-SETTLED")
        sums = (await act.query(_SUMS, tender))[0]
        if sums["amount"] != sums["received"]:
            raise Refused("T-UNSETTLED", left=sums["received"] - sums["amount"])
        told = {key: sums[key] for key in ("count", "amount", "interest")}
        await lives.expect(act, tender, "settle-securities", told, row=row)
        await act.query(
            """INSERT INTO trading_settlement (tender_id, count, amount, interest, settled_at)
               VALUES ($1, $2, $3, $4, $5)""",
            tender, sums["count"], sums["amount"], sums["interest"], act.now,
        )  # fmt: skip
        ref = act.record("securities-settled", subject=tender, tender=tender, **told)
        await finish(act, tender)
    return {**told, **logbook.shown(ref)}


_SUMS = """SELECT
    (SELECT count(DISTINCT bidder_id)::int FROM trading_security WHERE tender_id = $1) AS count,
    (SELECT coalesce(sum(amount), 0)::bigint FROM trading_security WHERE tender_id = $1) AS received,
    (SELECT coalesce(sum(amount), 0)::bigint FROM trading_security_return WHERE tender_id = $1) AS amount,
    (SELECT coalesce(sum(interest), 0)::bigint FROM trading_security_return WHERE tender_id = $1) AS interest"""


async def settled(act: Act, tender: str) -> bool:
    """Whether nothing of this tender's securities is left to settle: settled, or nobody ever paid."""
    rows = await act.query(
        """SELECT EXISTS (SELECT 1 FROM trading_settlement WHERE tender_id = $1)
               OR NOT EXISTS (SELECT 1 FROM trading_security WHERE tender_id = $1) AS yes""",
        tender,
    )
    return bool(rows[0]["yes"])
