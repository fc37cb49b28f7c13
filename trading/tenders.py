"""What may be read of projects and tenders: one place, so that nothing before its hour can slip out of another.

Before the list is fixed nothing here looks at a deposit; after it, only if the box opens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from audit.act import Act, pool
from audit.canon import sha256_hex
from audit.refusal import Refused
from bidding import unsealing
from trading import logbook, payers
from trading.accounts import Caller, decode_cursor, page
from trading.law import secrecy, stages
from trading.ledger import AWARD, NEWEST


def loaded(value: Any) -> Any:
    """A JSON column, whichever way the driver hands it over."""
    return json.loads(value) if isinstance(value, str | bytes) else value


LOCKED = """SELECT t.*, p.regime, p.direction, p.currency, p.region, p.organisation_id, p.agency_id, l.baseline,
    l.project_id, p.estimate, p.state_funded, p.created_at AS registered_at
    FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
    WHERE t.id = $1"""
"""A tender's row with what an act asks of its lot and project."""


async def locked(act: Act, tender: str) -> Any:
    """Lock a tender's row for an act, then read the clock. Refused: W-UNKNOWN."""
    rows = await act.query(f"{LOCKED} FOR UPDATE OF t", tender)
    if not rows:
        raise Refused("W-UNKNOWN")
    await act.clock()
    return rows[0]


async def expect(act: Act, tender: str, what: str) -> tuple[Any, str]:
    """Lock a tender's row for an act that is only a matter of its turn, and give it with the stage that it leads to.

    Where the law speaks of hours, conditions or suspension, `lives.expect`. Refused: W-UNKNOWN, E-STAGE.
    """
    row = await locked(act, tender)
    return row, stages.step(row["state"], what)


async def arm(act: Act, kind: str, tender: str, due: datetime) -> None:
    """Arm a timer (jobs.py): close, open, window or archive of a tender, at a time of the log's clock; again if it ran."""
    await act.query(
        """INSERT INTO trading_timer (kind, tender_id, due_at) VALUES ($1, $2, $3)
           ON CONFLICT (kind, tender_id) DO UPDATE SET due_at = excluded.due_at, done_at = NULL, attempts = 0,
               leased_until = NULL, generation = trading_timer.generation + 1""",
        kind, tender, due,
    )  # fmt: skip


async def finish(act: Act, tender: str) -> None:
    """Let the archive timer look whether all is done, not before the custodians' window has ended (jobs.py)."""
    window = await act.query("SELECT due_at FROM trading_timer WHERE tender_id = $1 AND kind = 'window'", tender)
    await arm(act, "archive", tender, max(act.now, *(w["due_at"] for w in window)) if window else act.now)


async def later(kind: str, tender: str, due: datetime) -> None:
    """Let a timer run at a later time, outside any act: while it runs, and not if somebody has armed it meanwhile."""
    await pool().execute(
        """UPDATE trading_timer SET due_at = $3, attempts = 0, leased_until = NULL, generation = generation + 1
           WHERE kind = $1 AND tender_id = $2 AND done_at IS NULL AND due_at < $3""",
        kind, tender, due,
    )  # fmt: skip


async def rearm(kind: str, tender: str) -> None:
    """Let a timer that has run run again, now; outside any act, for what is no fact."""
    await pool().execute(
        """UPDATE trading_timer SET done_at = NULL, attempts = 0, leased_until = NULL, generation = generation + 1
           WHERE kind = $1 AND tender_id = $2 AND due_at <= log_now()""",
        kind, tender,
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- projects

_PROJECT = """SELECT p.id, p.number, p.title, p.regime, p.direction, p.currency, p.description, p.source,
    p.organisation_id AS organisation, o.name AS organisation_name, p.agency_id AS agency, p.region, p.estimate,
    p.state_funded, p.version, p.created_at
    FROM trading_project p JOIN trading_organisation o ON o.code = p.organisation_id"""
_ANNOUNCED = """(SELECT true FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id
    WHERE l.project_id = p.id AND t.announced_at IS NOT NULL LIMIT 1)"""
"""Asked of one project after the other: as an EXISTS beside an OR the database would first collect all that were ever
announced."""
_SHOWN = f"""SELECT p.number, p.id AS project, p.regime, p.currency, o.name AS organisation_name, l.title, t.id AS tender,
    t.state, t.deadline, t.opens, t.announced_at, l.baseline, coalesce(d.price, d.offered) AS price,
    t.terms ->> 'pricing' AS pricing
    FROM {{}} p JOIN trading_organisation o ON o.code = p.organisation_id JOIN trading_lot l ON l.project_id = p.id
    LEFT JOIN LATERAL (SELECT * FROM trading_tender WHERE lot_id = l.id AND kind = 'bids' ORDER BY number DESC LIMIT 1) t
    ON true LEFT JOIN trading_line d ON {AWARD} ORDER BY p.number DESC, l.id"""


@lru_cache
def _listed(limit: int) -> str:
    """The list's page in one round trip: the clock, which lines the ledger has, and the rows.

    The limit is written out: were it a parameter, the database would guess it, find no plan good for every guess, and plan
    anew for every reader, which takes longer than answering.
    """
    chosen = (
        f"(SELECT * FROM trading_project p WHERE p.number < $1 AND {_ANNOUNCED} ORDER BY p.number DESC LIMIT {limit})"
    )
    return f"""SELECT n.now, n.last, n.recent, r.* FROM (SELECT log_now() AS now, {NEWEST}) n
        LEFT JOIN LATERAL ({_SHOWN.format(chosen)}) r ON true"""


_ONE = f"""SELECT log_now() AS now, p.*, o.name AS organisation_name, l.title AS lot_title, l.baseline, t.id AS tender,
    t.state, t.deadline, t.opens, t.announced_at, coalesce(d.price, d.offered) AS price, t.terms ->> 'pricing' AS pricing
    FROM trading_project p JOIN trading_organisation o ON o.code = p.organisation_id
    JOIN trading_lot l ON l.project_id = p.id
    LEFT JOIN LATERAL (SELECT * FROM trading_tender WHERE lot_id = l.id AND kind = 'bids' ORDER BY number DESC LIMIT 1) t
    ON true LEFT JOIN trading_line d ON {AWARD} WHERE p.id = $1 ORDER BY l.id"""


async def list_projects(caller: Caller, cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Projects, newest first: announced ones, and the caller's own."""
    before = decode_cursor(cursor, int) if cursor else 2**62
    own = caller.organisation if caller.role in ("tenderee", "agency") else None
    rows = await pool().fetch(
        f"""{_PROJECT} WHERE p.number < $1 AND ($2 OR p.organisation_id = $3 OR p.agency_id = $3 OR {_ANNOUNCED})
            ORDER BY p.number DESC LIMIT $4""",
        before, caller.role in ("operator", "supervisor"), own, limit + 1,
    )  # fmt: skip
    items, following = page([dict(r) for r in rows], limit, "number")
    return await _with_lots(items), following


@dataclass(frozen=True)
class Listed:
    """A page of the list: the log's time, which lines the ledger has (`ledger.Sums`), rows, and the next page's cursor."""

    now: datetime
    newest: tuple[int | None, int]
    rows: list[Any]
    following: str | None


async def list_lots(cursor: str | None, limit: int) -> Listed:
    """The announced lots of so many projects, newest first, as everybody sees them. Refused: W-CURSOR."""
    before = decode_cursor(cursor, int) if cursor else 2**62
    found = await pool().fetch(_listed(limit + 1), before)
    numbers = [{"number": n} for n in dict.fromkeys(r["number"] for r in found) if n is not None]
    projects, following = page(numbers, limit, "number")
    least = projects[-1]["number"] if projects else 0
    rows = [r for r in found if r["announced_at"] is not None and r["number"] >= least]
    return Listed(found[0]["now"], (found[0]["last"], found[0]["recent"]), rows, following)


async def shown_project(project: str) -> list[Any]:
    """A project with its announced lots, a row for each, in one query. Refused: W-UNKNOWN, where none is announced."""
    rows = [r for r in await pool().fetch(_ONE, project) if r["announced_at"] is not None]
    if not rows:
        raise Refused("W-UNKNOWN")
    return rows


async def read_project(project: str) -> dict[str, Any]:
    """One project. Refused: W-UNKNOWN."""
    row = await pool().fetchrow(f"{_PROJECT} WHERE p.id = $1", project)
    if row is None:
        raise Refused("W-UNKNOWN")
    return (await _with_lots([dict(row)]))[0]


async def _with_lots(projects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = await pool().fetch(
        """SELECT l.project_id, l.id, l.title, l.baseline, t.id AS tender, t.state FROM trading_lot l
           LEFT JOIN LATERAL (SELECT id, state FROM trading_tender WHERE lot_id = l.id AND kind = 'bids'
                              ORDER BY number DESC LIMIT 1) t
           ON true WHERE l.project_id = ANY ($1) ORDER BY l.id""",
        [p["id"] for p in projects],
    )
    lots: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        lot = dict(row)
        lots.setdefault(lot.pop("project_id"), []).append(lot)
    for p in projects:
        p.pop("number")
        p["lots"] = lots.get(p["id"], [])
    return projects


# ------------------------------------------------------------------------------------------------------------ tenders

_TENDER = """SELECT t.id, t.number, t.lot_id AS lot, l.project_id AS project, l.title, t.state, p.regime, p.direction,
    l.baseline, p.currency, t.keysets, t.announced_at, t.deadline, t.hour, t.terms, t.rulebook, t.opens, t.ranking,
    p.region, p.state_funded, t.documents, t.predecessor, t.reserve, t.version, log_now() AS now
    FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id"""


async def list_tenders(cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Announced tenders, newest first, without their bids."""
    before = decode_cursor(cursor, int) if cursor else 2**62
    rows = await pool().fetch(
        f"{_TENDER} WHERE t.number < $1 AND t.announced_at IS NOT NULL AND t.kind = 'bids' ORDER BY t.number DESC LIMIT $2",
        before, limit + 1,
    )  # fmt: skip
    shown, following = page([dict(r) for r in rows], limit, "number")
    return [await _tender(r, bids=False) for r in shown], following


async def summaries(tenders: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What a list shows of announced tenders, in one query: terms, state, and the price of an award."""
    rows = await pool().fetch(
        f"""SELECT t.id, t.state, t.deadline, t.opens, p.currency, l.baseline, coalesce(d.price, d.offered) AS price,
           t.terms ->> 'pricing' AS pricing FROM trading_tender t
           JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
           LEFT JOIN trading_line d ON {AWARD} WHERE t.id = ANY ($1) AND t.announced_at IS NOT NULL""",
        list(tenders),
    )
    return {r["id"]: dict(r) for r in rows}


async def read_tender(tender: str) -> dict[str, Any]:
    """One tender with all that is public of it now. Refused: W-UNKNOWN."""
    row = await pool().fetchrow(f"{_TENDER} WHERE t.id = $1", tender)
    if row is None:
        raise Refused("W-UNKNOWN")
    return await _tender(dict(row), bids=True)


async def _tender(row: dict[str, Any], *, bids: bool) -> dict[str, Any]:
    row.pop("number")
    terms = loaded(row.pop("terms")) or {}
    keysets = loaded(row["keysets"]) or {}
    rulebook = row.pop("rulebook")
    opened = secrecy.is_open(row["state"], row["opens"])
    archives = {r["edition"]: r["sha256"] for r in await pool().fetch(_ARCHIVES, row["id"])}
    shown = await opened_bids(row["id"]) if bids and opened else None
    if shown and terms.get("security"):
        paid = await payers.lines(row["id"], terms["security"], row["deadline"], None)
        found = {line["bidder"]: line["finding"] for line in paid}
        shown = [{**bid, "security": found.get(bid["bidder"], payers.NONE)} for bid in shown]
    return {
        **row,
        **{key: terms.get(key) for key in NOTICE},
        "baseline": terms.get("baseline", row["baseline"]),
        "keysets": keysets,
        "stages": list(keysets),
        "min_bids": terms.get("min_bids"),
        "method": terms.get("method"),
        "opening_schema": terms.get("opening_schema"),
        "public_stages": terms.get("public_stages"),
        "unvouched": terms.get("unvouched"),
        "window": terms.get("window"),
        "rulebook": sha256_hex(rulebook) if rulebook is not None else None,
        "ranking": loaded(row["ranking"]),
        "bids": shown,
        "award": await award_of(row["id"]) if bids else None,
        "archives": archives,
    }


NOTICE = (
    "supply_until", "parameters", "security", "bid_validity_days", "estimate", "media", "unchecked", "procedure", "blind",
    "pricing",
)  # fmt: skip
"""What else a notice says."""
_ARCHIVES = "SELECT edition, sha256 FROM trading_archived WHERE tender_id = $1 ORDER BY edition"


async def opened_bids(tender: str) -> list[dict[str, Any]]:
    """The opening record: every listed bid with its verdicts and what was read out, by bid id. Opened tenders only."""
    bidders = await logbook.bidders_after_closing(tender)
    rows = await pool().fetch("SELECT bid, reason, article FROM trading_rejection WHERE tender_id = $1", tender)
    rejected = {r["bid"]: r for r in rows}
    names = dict(
        await pool().fetch("SELECT code, name FROM trading_organisation WHERE code = ANY ($1)", list(bidders.values()))
    )
    bids: dict[str, dict[str, Any]] = {}
    for u in await unsealing.unsealed(tender):
        no = rejected.get(u.bid)
        bid = bids.setdefault(
            u.bid,
            {
                "bid": u.bid, "bidder": bidders[u.bid], "bidder_name": names.get(bidders[u.bid], bidders[u.bid]),
                "seq": {}, "verdicts": {}, "opening": None, "price": None, "unvouched": False, "findings": {},
                "rejected": no["reason"] if no else None, "article": no["article"] if no else None,
            },
        )  # fmt: skip
        bid["seq"][u.stage] = u.seq
        bid["verdicts"][u.stage] = u.verdict
        bid["findings"][u.stage] = list(u.findings)
        bid["unvouched"] = bid["unvouched"] or u.unvouched
        if u.opening:
            bid["opening"] = dict(u.opening)
            bid["price"] = u.opening.get("price")
    return [bids[b] for b in sorted(bids)]


async def award_of(tender: str) -> dict[str, Any] | None:
    """The award as the ledger has it; None while there is none."""
    row = await pool().fetchrow(
        f"""SELECT d.bid, d.bidder_id AS bidder, o.name AS bidder_name, coalesce(d.price, d.offered) AS price,
               d.baseline, d.gain, d.formula, d.currency, d.status
           FROM trading_tender t JOIN trading_line d ON {AWARD} JOIN trading_organisation o ON o.code = d.bidder_id
           WHERE t.id = $1""",
        tender,
    )
    return dict(row) if row else None


async def timeline(tender: str) -> list[dict[str, Any]]:
    """Every public record of the tender."""
    return [k.line() for k in await logbook.public_of(tender)]


async def log_time() -> datetime:
    """The log's time now."""
    now: datetime = await pool().fetchval("SELECT log_now()")
    return now
