"""Objection, inquiry, challenge, complaint: filed under seal, answered in public, each on its own clock.

Who objects is the bidder's own affair until the opening: the public record names no one and holds a salted commitment to
the grounds; the objector's record is sealed and his receipt proves it. Whether he may file, by when he is answered and
what waits meanwhile is the law's (law/remedies.py, asked through `lives.expect`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit.act import Act, acting, pool
from audit.canon import sha256_hex, stamp
from audit.refusal import Refused
from trading import auctions, lives, logbook
from trading.accounts import Caller
from trading.installation import Installation
from trading.law import admission, secrecy, stages
from trading.law import remedies as law
from trading.tenders import arm, finish, locked, rearm

ANSWERING: Mapping[str, str] = {
    law.OBJECTION: "tenderee", law.INQUIRY: "tenderee", law.CHALLENGE: "tenderee", law.COMPLAINT: "supervisor",
}  # fmt: skip
"""Who answers what: the tenderee (or the agency that acts for it), and, of complaints, the supervisor."""
GROUNDS = "trading/grounds/v1\n"
_REMEDY = """SELECT id, tender_id AS tender, kind, about, objector_id AS objector, text, known, follows, filed_at, state,
    decided_at, reason, answered_at, outcome, answer FROM trading_remedy"""


def commitment(salt: str, text: str) -> str:
    """What the public record says of the grounds: nobody can guess them from it, and the objector can show them."""
    return sha256_hex(GROUNDS.encode() + bytes.fromhex(salt) + text.encode())


async def file(
    platform: Installation,
    caller: Caller,
    tender: str,
    *,
    kind: str,
    about: str,
    text: str,
    known: datetime | None,
    follows: str | None,
) -> dict[str, Any]:
    """File a remedy; its id, and the receipt of the sealed record that says whose it is.

    Refused: E-REMEDY-KIND, -EARLY, -LATE, -KNOWN, -FIRST with their articles, E-OWN-TENDER, T-REMEDY (the one it follows
    is not the caller's), T-REMEDY-OPEN (he has such a one open), W-OFTEN, E-STAGE.
    """
    objector = caller.organisation or ""
    remedy, salt = secrets.token_hex(16), secrets.token_hex(32)
    with platform.pace.taking("remedies", objector):
        async with acting(platform.centre) as act:  # an actor of his own would name him in public
            row = await locked(act, tender)
            # else whoever tenders could stop his own award with an objection, and answer it when it suits him
            admission.not_the_tenderee(objector, row["organisation_id"], row["agency_id"] or "")
            earlier = await _followed(act, tender, objector, kind, about, follows)
            facts: dict[str, Any] = {
                "remedy": remedy, "kind": kind, "about": about, "known": stamp(known) if known else None,
                "follows": earlier, "grounds": commitment(salt, text),
            }  # fmt: skip
            await lives.expect(act, tender, "file-remedy", facts, row=row)
            await act.query(
                """INSERT INTO trading_remedy (id, tender_id, kind, about, objector_id, text, salt, grounds, known, follows,
                   filed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
                remedy, tender, kind, about, objector, text, salt, facts["grounds"], known, earlier, act.now,
            )  # fmt: skip
            act.record("remedy-filed", subject=tender, tender=tender, **facts)
            noted = act.record(
                "objector-noted", subject=tender, tender=tender, remedy=remedy, objector=objector, salt=salt,
                grounds=facts["grounds"],
            )  # fmt: skip
            await lives.told(act, tender)
    return {"remedy": remedy, "salt": salt, "receipt": platform.key.receipt(noted, None).plain()}


async def _followed(act: Act, tender: str, objector: str, kind: str, about: str, follows: str | None) -> str | None:
    """The objector's own remedy that this one follows: the one he names, else his last one about the same matter."""
    mine = await act.query(
        f"{_REMEDY} WHERE tender_id = $1 AND objector_id = $2 ORDER BY filed_at, id", tender, objector
    )
    if any((r["kind"], r["about"]) == (kind, about) and r["state"] in ("filed", "accepted") for r in mine):
        raise Refused("T-REMEDY-OPEN", kind=kind, about=about)
    if follows is not None:
        if follows not in {r["id"] for r in mine}:
            raise Refused("T-REMEDY", remedy=follows)
        return follows
    if kind != law.COMPLAINT:
        return None
    before = [r["id"] for r in mine if r["about"] == about and r["kind"] in (law.OBJECTION, law.CHALLENGE)]
    return before[-1] if before else None


async def accept(caller: Caller, tender: str, remedy: str, reason: str) -> dict[str, str]:
    """Accept a complaint for decision (受理). Refused: T-REMEDY, T-REMEDY-STATE, W-DENIED, E-STAGE."""
    return await _decide(caller, tender, remedy, "accept-remedy", "accepted", reason)


async def refuse(caller: Caller, tender: str, remedy: str, reason: str) -> dict[str, str]:
    """Refuse to hear a complaint, with the reason. Refused: T-REMEDY, T-REMEDY-STATE, W-DENIED, E-STAGE."""
    return await _decide(caller, tender, remedy, "refuse-remedy", "refused", reason)


async def _decide(caller: Caller, tender: str, remedy: str, what: str, state: str, reason: str) -> dict[str, str]:
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        found = await _open(act, tender, remedy)
        if found["kind"] != law.COMPLAINT:
            raise Refused("T-REMEDY-STATE", remedy=remedy, state=found["state"])
        _check_office(caller, found["kind"], what)
        if found["state"] != "filed":
            raise Refused("T-REMEDY-STATE", remedy=remedy, state=found["state"])
        facts: dict[str, Any] = {"remedy": remedy, "reason": reason}
        await lives.expect(act, tender, what, facts, row=row)
        await act.query(
            "UPDATE trading_remedy SET state = $2, decided_at = $3, reason = $4 WHERE id = $1",
            remedy, state, act.now, reason,
        )  # fmt: skip
        ref = act.record(lives.RECORDS[what], subject=tender, tender=tender, **facts)
        await lives.told(act, tender)
    return logbook.shown(ref)


async def answer(caller: Caller, tender: str, remedy: str, outcome: str, text: str) -> dict[str, str]:
    """Answer a remedy, to everybody; what waited for it goes on. A late answer is taken, and an alert says so.

    Refused: T-REMEDY, T-REMEDY-STATE (answered, or a complaint not accepted where it must be), W-DENIED, E-STAGE.
    """
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        found = await _open(act, tender, remedy)
        _check_office(caller, found["kind"], "answer-remedy")
        facts: dict[str, Any] = {
            "remedy": remedy,
            "outcome": outcome,
            "answer": sha256_hex(text.encode()),
            "text": text,
        }
        await lives.expect(act, tender, "answer-remedy", facts, row=row)
        await act.query(
            "UPDATE trading_remedy SET state = 'answered', answered_at = $2, outcome = $3, answer = $4 WHERE id = $1",
            remedy, act.now, outcome, text,
        )  # fmt: skip
        ref = act.record("remedy-answered", subject=tender, tender=tender, **facts)
        await resume(act, row)
        await lives.told(act, tender)
    return logbook.shown(ref)


async def _open(act: Act, tender: str, remedy: str) -> Any:
    rows = await act.query(f"{_REMEDY} WHERE id = $1 AND tender_id = $2 FOR UPDATE", remedy, tender)
    if not rows:
        raise Refused("T-REMEDY", remedy=remedy)
    if rows[0]["state"] in ("refused", "answered"):
        raise Refused("T-REMEDY-STATE", remedy=remedy, state=rows[0]["state"])
    return rows[0]


def _check_office(caller: Caller, kind: str, operation: str) -> None:
    office = "supervisor" if caller.role == "supervisor" else "tenderee"
    if ANSWERING[kind] != office:
        raise Refused("W-DENIED", operation=operation, role=caller.role)


# ----------------------------------------------------------------------------------------------------------- suspension


async def suspend(
    caller: Caller, tender: str, *, order: str, ground: str, remedy: str | None, until: datetime | None
) -> dict[str, Any]:
    """Order a suspension: the supervisor on a complaint (条例 62, 政府采购法 57) or of its own (条例 62), or, as the
    system has failed and nothing else helps, whoever runs it (NB-08). Its end, where the law sets one.

    Refused: E-SUSPENSION-BODY, E-SUSPENSION-LONG with the latest lawful end, T-ORDER (number used), T-REMEDY, E-STAGE.
    """
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        if await act.query("SELECT 1 FROM trading_order WHERE tender_id = $1 AND decision = $2", tender, order):
            raise Refused("T-ORDER", order=order)
        if remedy is not None and not await act.query(
            "SELECT 1 FROM trading_remedy WHERE id = $1 AND tender_id = $2 AND kind = 'complaint'", remedy, tender
        ):
            raise Refused("T-REMEDY", remedy=remedy)
        book = lives.book_of(row, act.now)
        ends, article = law.order(book, ground, caller.role, act.now, until)
        facts: dict[str, Any] = {
            "order": order, "ground": ground, "remedy": remedy, "until": stamp(ends) if ends else None,
            "article": str(article) if article else "",
        }  # fmt: skip
        await lives.expect(act, tender, "order-suspension", facts, row=row)
        await act.query(
            """INSERT INTO trading_order (tender_id, decision, ground, remedy, until_at, article, ordered_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            tender, order, ground, remedy, ends, facts["article"], act.now,
        )  # fmt: skip
        ref = act.record("suspension-ordered", subject=tender, tender=tender, **facts)
        await auctions.stop(act, tender)
        if ends is not None:
            await arm(act, "resume", tender, ends)
        await lives.told(act, tender)
    return {**logbook.shown(ref), "until": ends, "article": facts["article"]}


async def lift(caller: Caller, tender: str, order: str) -> dict[str, str]:
    """Lift a suspension that was ordered. Refused: T-ORDER (no such order, or lifted), W-DENIED, E-STAGE."""
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        rows = await act.query(
            "SELECT ground FROM trading_order WHERE tender_id = $1 AND decision = $2 AND lifted_at IS NULL FOR UPDATE",
            tender, order,
        )  # fmt: skip
        if not rows:
            raise Refused("T-ORDER", order=order)
        if rows[0]["ground"] != law.OUTAGE and caller.role != law.SUPERVISOR:
            raise Refused("W-DENIED", operation="lift_suspension", role=caller.role)
        facts: dict[str, Any] = {"order": order}
        await lives.expect(act, tender, "lift-suspension", facts, row=row)
        await act.query(
            "UPDATE trading_order SET lifted_at = $3 WHERE tender_id = $1 AND decision = $2", tender, order, act.now
        )
        ref = act.record("suspension-lifted", subject=tender, tender=tender, **facts)
        await resume(act, row)
        await lives.told(act, tender)
    return logbook.shown(ref)


async def resume(act: Act, row: Any) -> None:
    """What waited for the end of a suspension is looked at again: a deadline that has passed meanwhile closes at once."""
    if row["state"] == "announced":
        await arm(act, "close", row["id"], max(row["deadline"], act.now))
    elif row["state"] == "closed":
        await arm(act, "open", row["id"], max(row["hour"], act.now))
    elif row["state"] == "opened":
        await auctions.look_again(act, row["id"])
    elif row["state"] in stages.ENDED | {"awarded", "contracted"}:
        await finish(act, row["id"])  # an open remedy was all that the archive waited for


async def resume_now(tender: str) -> None:
    """The same for an order that has ended by itself: no act of anybody's, so no record; only timers look again."""
    await rearm("close", tender)
    await rearm("open", tender)
    await rearm(auctions.TIMER, tender)


# -------------------------------------------------------------------------------------------------------------- reading


async def listed(caller: Caller, tender: str, *, own: bool) -> list[dict[str, Any]]:
    """The remedies of a tender. The grounds are read by those who answer them and by whoever filed; who filed, by
    himself, and by the others once the bids are open. `own`: the tender is the caller's (its tenderee's, its agency's).
    """
    rows = await pool().fetch(
        f"""{_REMEDY} WHERE tender_id = $1 ORDER BY filed_at, id""",
        tender,
    )
    known = await pool().fetchrow("SELECT state, opens FROM trading_tender WHERE id = $1", tender)
    told = known is not None and secrecy.is_open(known["state"], known["opens"])
    office = caller.role == "supervisor" or (own and caller.role in ("tenderee", "agency"))
    items = []
    for row in rows:
        mine = caller.role == "bidder" and row["objector"] == caller.organisation
        item = dict(row)
        objector = item.pop("objector")
        item.pop("tender")
        item["text"] = row["text"] if mine or office else None
        item["mine"] = mine
        item["objector"] = objector if mine or (office and told) else None
        items.append(item)
    return items
