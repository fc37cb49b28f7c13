"""A seat's way into the evaluation: check-in, what it is about, the declaration, more time; and who attended how long.

Whoever brings the code is seated, under a key that only the member's own tool holds. Nothing here knows who that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from audit.act import Actor, acting, pool
from audit.clock import span
from audit.refusal import Refused
from audit.signature import check_key, verify_by
from experts import attendance, scoring, seats, sheets
from experts.seats import Panel
from trading import accounts, lives, logbook, reports, score_sheets, tenders
from trading.accounts import SEAT, Caller, digest, new_token
from trading.installation import Installation
from trading.law import committee, stages
from trading.score_sheets import Sig, held
from trading.tenders import LOCKED, loaded

HEAD = ("seat", "side", "checked_in", "ended", "replaced_for_conflict", "hours", "fee")
"""Columns of the attendance list; `fee` in fen."""


# ------------------------------------------------------------------------------------------------------------ check-in


async def check_in(
    platform: Installation, device: str, code: str, key: bytes, sig: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Seat whoever brings a check-in code; the answer holds the seat's token, and nobody is ever given it again.

    `sig`: by the new key over `check_in_bytes(code, key)`. Refused: E-CHECK-IN (used up, withdrawn, never given: one
    answer), E-SEAT-KEY, W-GUESSED (too many wrong ones from this device). BadSignature.
    """
    platform.guesses.check(device)
    check_key("EdDSA", key)
    verify_by([dict(one) for one in sig], scoring.check_in_bytes(code, key), key)
    kept = digest(scoring.read_code(code)).hex()
    place = await seats.place_of(kept)
    token = new_token(SEAT)
    try:
        if place is None:
            raise Refused("E-CHECK-IN")
        async with acting(Actor("expert", place.name)) as act:
            mine = await seats.check_in(act, place, kept, key, digest(token).hex())
    except Refused as no:
        if no.code == "E-CHECK-IN":
            platform.guesses.wrong(device)
        raise
    return {
        "tender": mine.tender, "draw": mine.draw, "attempt": mine.attempt, "seat": mine.seat, "leaf": mine.leaf,
        "token": token,
    }  # fmt: skip


async def invite(caller: Caller, tender: str, seat: int | None) -> dict[str, Any]:
    """A check-in code for a representative of the tenderee, told this once. `seat`: anew, for this seat.

    Refused: W-UNKNOWN (no panel), E-NO-SEAT, E-SEAT-ENDED.
    """
    panel = await seats.panel_of(pool().fetch, tender)
    if panel is None:
        raise Refused("W-UNKNOWN")
    code = accounts.new_code(scoring.ALPHABET, scoring.CODE)
    async with acting(caller.actor) as act:
        number = await seats.invite(act, panel.draw, digest(code).hex(), seat)
    return {"seat": number, "code": code}


# ------------------------------------------------------------------------------------------------------------- the desk


async def desk(platform: Installation, caller: Caller) -> dict[str, Any]:
    """What a seat is there for and how far the panel is: counts, never who, never what others gave."""
    mine = held(caller)
    panel = await seats.panel_of(pool().fetch, mine.tender)
    row = await pool().fetchrow(f"SELECT x.*, log_now() AS now FROM ({LOCKED}) AS x", mine.tender)
    if panel is None or row is None:
        raise Refused("W-UNKNOWN")
    own = next((one for one in await seats.held(pool().fetch, panel.draw) if one.id == mine.id), mine)
    found = await sheets.scored(pool().fetch, panel.draw)
    asking = await seats.asking(pool().fetch, panel)
    terms = loaded(row["terms"])
    scales = score_sheets.scales(terms)
    return {
        "tender": mine.tender, "draw": mine.draw, "attempt": mine.attempt, "seat": mine.seat, "leaf": mine.leaf,
        "state": row["state"], "blind": bool(terms.get("blind")), "method": terms["method"], "now": row["now"],
        "parties": await _parties(mine.tender, row),
        "rated": [{"id": name, "most": f"{one.most:f}", "found": one.found} for name, one in scales.items()],
        "meets": panel.meets, "due": await due(platform, panel), "seats": panel.seats,
        "present": len(await seats.held(pool().fetch, panel.draw)), "seated": panel.state == seats.SEATED,
        "declared": own.declared_at is not None,
        "committed": len(found), "revealed": sum(one.sheet is not None for one in found.values()),
        "commit": found[mine.seat].commit if mine.seat in found else None,
        "replaces": await score_sheets.replaced_by(mine), "round": panel.extended, "asking": len(asking),
    }  # fmt: skip


async def due(platform: Installation, panel: Panel) -> datetime | None:
    """Until when the panel is to have worked, in log time: a span from when all sat, and one for each extension."""
    if panel.seated_at is None:
        return None
    return panel.seated_at + span(await platform.clock(), platform.settings.panel_work * (1 + panel.extended))


async def _parties(tender: str, row: Any) -> dict[str, Any]:
    """With whom a member may have a conflict: whose tender it is and who bid, the bidders by name and by nothing else."""
    bidders = set((await logbook.bidders_after_closing(tender)).values()) if row["state"] == "opened" else set()
    wanted = {row["organisation_id"], row["agency_id"], *bidders} - {None}
    names = dict(await pool().fetch("SELECT code, name FROM trading_organisation WHERE code = ANY ($1)", list(wanted)))
    return {
        "tenderee": names.get(row["organisation_id"], ""),
        "agency": names.get(row["agency_id"]),
        "bidders": sorted(names.get(code, code) for code in bidders),
    }


async def declare(caller: Caller, conflict: bool, sig: Sig) -> dict[str, str]:
    """The declaration that comes before everything: none without the bidders' names, which the opening tells.

    Refused: E-DECLARE-EARLY (no conflict can be denied before the bids are opened), E-DECLARED, E-SEAT-ENDED, E-STAGE.
    BadSignature.
    """
    mine = held(caller)
    async with acting(caller.actor) as act:
        row = await tenders.locked(act, mine.tender)
        if not conflict and row["state"] in ("announced", "closed"):
            raise Refused("E-DECLARE-EARLY")
        if row["state"] != "opened" and not conflict:
            stages.step(row["state"], "enter-scores")
        await seats.declare(act, mine, conflict, sig)
    return logbook.shown(act.entries[0])


async def ask_time(caller: Caller, sig: Sig) -> dict[str, Any]:
    """Ask for more time; it is given when more than a third of the members ask (WK-33).

    Refused: E-ASKED-TIME, E-UNDECLARED, E-SEAT-ENDED, T-REPORTED, E-STAGE. BadSignature.
    """
    mine = held(caller)
    async with acting(caller.actor) as act:
        row = await score_sheets.evaluating(act, mine.tender, "enter-scores")
        book = lives.book_of(row, act.now)
        given = await seats.ask_time(
            act, mine, sig, lambda asking, members: committee.must_extend(book, asking, members)
        )
    return {**logbook.shown(act.entries[0]), "extended": given}


# ----------------------------------------------------------------------------------------------------------- attendance


async def attended(platform: Installation, tender: str) -> list[dict[str, Any]]:
    """Who sat at a tender's panels, under seat numbers, from when until when, and the fee by the declared rule.

    Refused: E-SECRET before the evaluation is closed.
    """
    await reports.after_evaluation(tender)
    fees = attendance.Fees(*platform.settings.expert_fees)
    lines = []
    for one in await seats.everybody(tender):
        end = one.ended_at or one.signed_out_at
        if one.keyed_at is not None and end is not None:
            side = attendance.TENDEREE if one.leaf is None else attendance.EXPERT
            lines.append(attendance.Attended(one.seat, side, one.keyed_at, end, one.conflict is True).line(fees))
    return sorted(lines, key=lambda line: (line["seat"], line["checked_in"]))


async def attended_csv(platform: Installation, tender: str) -> bytes:
    """The same as CSV, harmless to spreadsheets."""
    lines = await attended(platform, tender)
    return attendance.sheet(HEAD, [[line[name] for name in HEAD] for line in lines])
