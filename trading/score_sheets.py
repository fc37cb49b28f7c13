"""Score sheets: handed in by the tenderee where no panel was convened, else committed to and revealed by each seat itself.

Both ways meet in `take`: bounds, gaps and what is rated are checked once, and the ranking reads what it kept. A sheet is
bound by its hash and may be replaced until the report is there; nobody sees one before the evaluation is closed, but that
the seats of a panel see each other's when all have revealed (draw.md §2.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from audit.act import Act, RecordRef, acting, pool
from audit.canon import b64, sha256_hex
from audit.refusal import Refused
from experts import scoring, seats, sheets
from experts.panels import convened
from experts.scoring import Scale
from experts.seats import Held
from trading import lives, logbook, tenders
from trading.accounts import Caller
from trading.law import methods, stages
from trading.law.methods import Sheet, parameters
from trading.tenders import LOCKED, loaded, locked

Sig = Sequence[Mapping[str, Any]]


def may_win(bid: Mapping[str, Any], stages: Sequence[str], *, priced: bool = True) -> bool:
    """Whether an opened bid counts and is whole: OK in every stage, its key vouched or named, a price read out (V14).

    `priced` false: while the prices of a two-envelope tender are still shut.
    """
    return (
        set(bid["verdicts"]) == set(stages)
        and set(bid["verdicts"].values()) == {"OK"}
        and not bid["unvouched"]
        and (bid["price"] is not None or not priced)
    )


async def evaluating(act: Act, tender: str, what: str) -> Any:
    """Lock a tender that is being evaluated. Refused: E-STAGE, T-REPORTED (the committee has reported)."""
    row = await locked(act, tender)
    stages.step(row["state"], what)
    reported = await act.query(
        "SELECT 1 FROM log_record WHERE tender = $1 AND type = 'report-received' LIMIT 1", tender
    )
    if reported:
        raise Refused("T-REPORTED")
    return row


_SETTLED = "SELECT 1 FROM log_record WHERE tender = $1 AND type = 'stage-settled' LIMIT 1"


async def take(
    act: Act, row: Any, sheet: Sheet, opened: Sequence[Mapping[str, Any]], **proof: Any
) -> tuple[RecordRef, str | None]:
    """Take a sheet for the ranking, tender locked: (`scores-entered`, hash of the sheet it replaces). `proof`: what else
    the record says, where a seat signed it.

    Refused: E-SHEET, E-SHEET-GAP, E-SHEET-POINTS, E-SHEETS (no such seat, or the method rates nothing), T-SHEET (the same
    sheet again), T-SETTLED-STAGE (prices may be read: too late to rate).
    """
    tender, terms = row["id"], loaded(row["terms"])
    if await act.query(_SETTLED, tender):
        raise Refused("T-SETTLED-STAGE")
    gone = {r["bid"] for r in await act.query("SELECT bid FROM trading_rejection WHERE tender_id = $1", tender)}
    standing = [b["bid"] for b in opened if b["bid"] not in gone and may_win(b, list(b["verdicts"]), priced=False)]
    methods.check_sheet(terms["method"], terms.get("parameters") or {}, sheet, standing)
    data = sheet.encoded()
    digest, replaces = sha256_hex(data), await _last(act.query, tender, sheet.seat)
    facts: dict[str, Any] = {"seat": sheet.seat, "sheet": digest, "replaces": replaces}
    await lives.expect(act, tender, "enter-scores", facts, row=row)
    try:
        await act.query(
            """INSERT INTO trading_sheet (tender_id, seat, sha256, data, replaces, entered_at)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            tender, sheet.seat, digest, data, replaces, act.now,
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise Refused("T-SHEET", sheet=digest) from None
    return act.record("scores-entered", subject=tender, tender=tender, **facts, **proof), replaces


async def _last(query: seats.Query, tender: str, seat: int) -> str | None:
    """The hash of the last sheet of a seat, whoever sat there: what a new one replaces."""
    rows = await query(
        "SELECT sha256 FROM trading_sheet WHERE tender_id = $1 AND seat = $2 ORDER BY id DESC LIMIT 1", tender, seat
    )
    return rows[0]["sha256"] if rows else None


async def enter(caller: Caller, tender: str, seat: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The tenderee enters a seat's score sheet, or replaces it, where no panel was convened. The sheet's hash, and that of
    the one it replaces.

    Refused: as `take`; T-PANEL-SHEETS (a panel was convened: its seats rate), T-REPORTED, E-STAGE.
    """
    sheet = Sheet.of({"type": "trading.sheet/v1", "tender": tender, "seat": seat, "rows": list(rows)})
    opened = await tenders.opened_bids(tender)
    async with acting(caller.actor) as act:
        row = await evaluating(act, tender, "enter-scores")
        if await convened(act.query, tender):
            raise Refused("T-PANEL-SHEETS")
        ref, replaces = await take(act, row, sheet, opened)
    return {**logbook.shown(ref), "sheet": ref.body["sheet"], "replaces": replaces}


async def that_count(query: seats.Query, tender: str) -> list[Sheet]:
    """The sheet of each seat that counts: its last; of a panel the last of whoever sits there now (WK-32)."""
    rows = await query(
        "SELECT DISTINCT ON (seat) seat, sha256, data FROM trading_sheet WHERE tender_id = $1 ORDER BY seat, id DESC",
        tender,
    )
    panel = await seats.panel_of(query, tender)
    if panel is not None:
        found = await sheets.scored(query, panel.draw)
        rows = [r for r in rows if r["seat"] in found and found[r["seat"]].sheet == r["sha256"]]
    return [Sheet.read(bytes(r["data"])) for r in rows]


async def sheet_files(tender: str) -> dict[str, bytes]:
    """Every score sheet of a tender under its name in the archive (log.md §7), once the evaluation was closed."""
    rows = await pool().fetch(
        """SELECT sha256, data FROM trading_sheet WHERE tender_id = $1 AND EXISTS (
               SELECT 1 FROM log_record WHERE tender = $1 AND type = 'evaluation-closed')""",
        tender,
    )
    return {f"evaluation/sheets/{r['sha256']}.json": bytes(r["data"]) for r in rows}


# ---------------------------------------------------------------------------------------------------- a seat's own scores


def scales(terms: Mapping[str, Any]) -> dict[str, Scale]:
    """What the notice has rated, with the most that may be given; empty where the method rates nothing."""
    read = parameters.read(terms["method"], terms.get("parameters") or {})
    found = {one.id for one in read.adjustments}
    return {name: Scale(read.most(name), name in found) for name in read.rated}


async def keep_draft(caller: Caller, data: bytes) -> None:
    """Keep the autosave of the caller's seat. Refused: E-DRAFT."""
    await sheets.keep_draft(held(caller), data)


async def draft(caller: Caller) -> dict[str, Any]:
    """The autosave of the caller's seat; null before the first."""
    found = await sheets.draft(held(caller))
    return {"data": None if found is None else b64(found[0]), "saved_at": None if found is None else found[1]}


def held(caller: Caller) -> Held:
    """The seat a caller speaks for. Refused: W-DENIED (nobody's)."""
    if caller.seat is None:
        raise Refused("W-DENIED", operation="panel", role=caller.role)
    return caller.seat


async def commit(caller: Caller, commitment: str, sig: Sig) -> dict[str, str]:
    """A seat commits to its scores.

    Refused: as `experts.sheets.commit`; E-SHEETS (nothing is rated), T-SETTLED-STAGE, T-REPORTED, E-STAGE.
    """
    mine = held(caller)
    async with acting(caller.actor) as act:
        row = await evaluating(act, mine.tender, "enter-scores")
        if not scales(loaded(row["terms"])):
            raise Refused("E-SHEETS", needed=0, seats=[mine.seat])
        if await act.query(_SETTLED, mine.tender):
            raise Refused("T-SETTLED-STAGE")
        await sheets.commit(act, mine, commitment, sig)
    return logbook.shown(act.entries[-1])


async def reveal(caller: Caller, sheet: bytes, nonce: bytes, reasons: bytes, sig: Sig) -> dict[str, Any]:
    """A seat reveals its scores, when all seats have committed; the sheet counts from now on.

    Refused: as `take` and `experts.sheets.open_scores`; E-REASONS, E-SCORE-REASON (an extreme mark says why), T-REPORTED,
    E-STAGE. Broken("D-SCORE-COMMIT"), BadSignature.
    """
    mine = held(caller)
    read = Sheet.read(sheet)
    if read.encoded() != sheet or (read.tender, read.seat) != (mine.tender, mine.seat):
        raise Refused("E-SHEET", why="it is not this seat's sheet, digit by digit")
    texts = scoring.read_reasons(reasons, mine.tender, mine.seat)
    opened = await tenders.opened_bids(mine.tender)
    async with acting(caller.actor) as act:
        row = await evaluating(act, mine.tender, "enter-scores")
        now = await sheets.open_scores(act, mine, sheet, nonce, reasons)
        proof = {"reasons": sha256_hex(reasons), "nonce": nonce.hex(), "sig": [dict(one) for one in sig]}
        ref, replaces = await take(act, row, read, opened, **proof)
        seats.check_signed(ref, now)
        scoring.check_reasons(read.points, scales(loaded(row["terms"])), texts.keys())
    return {**logbook.shown(ref), "sheet": ref.body["sheet"], "replaces": replaces}


async def replaced_by(mine: Held) -> str | None:
    """The hash that the next sheet of this seat names as the one it replaces."""
    return await _last(pool().fetch, mine.tender, mine.seat)


@dataclass(frozen=True)
class Revealed:
    """All seats' scores, when all have revealed them."""

    points: dict[int, scoring.Points]
    sheets: dict[int, sheets.Scored]
    statistics: scoring.Statistics


async def revealed(query: seats.Query, panel: seats.Panel, terms: Mapping[str, Any]) -> Revealed | None:
    """The scores of a panel, or None while one seat has not revealed: then nobody sees any."""
    found = await sheets.scored(query, panel.draw)
    if not sheets.complete(panel, found):
        return None
    names = [one.sheet for one in found.values()]
    rows = await query(
        "SELECT seat, data FROM trading_sheet WHERE tender_id = $1 AND sha256 = ANY ($2)", panel.tender, names
    )
    points = {r["seat"]: Sheet.read(bytes(r["data"])).points for r in rows}
    return Revealed(points, found, scoring.statistics(points, scales(terms)))


async def shown(caller: Caller) -> dict[str, Any]:
    """All seats' scores with deviations and outliers, once all have revealed; before that the same empty answer to all."""
    mine = held(caller)
    row = await pool().fetchrow(LOCKED, mine.tender)
    panel = await seats.panel_of(pool().fetch, mine.tender)
    found = None if row is None or panel is None else await revealed(pool().fetch, panel, loaded(row["terms"]))
    if found is None:
        return {"open": False, "seats": [], "deviations": [], "outliers": []}
    told = [
        {
            "seat": seat,
            "sheet": found.sheets[seat].sheet,
            "rows": [
                {"bid": bid, "points": {name: f"{mark:f}" for name, mark in given.items()}}
                for bid, given in sorted(points.items())
            ],
            "reasons": [
                {"bid": bid, "criterion": name, "text": text}
                for (bid, name), text in scoring.read_reasons(
                    found.sheets[seat].reasons or b"", mine.tender, seat
                ).items()
            ],
        }
        for seat, points in sorted(found.points.items())
    ]
    return {"open": True, "seats": told, **found.statistics.plain()}
