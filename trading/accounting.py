"""Statements from the ledger: plain SQL over all of its lines, and the totals apart from the rows.

Before anything is told, the ledger is held against the log: every award, correction and failure stands in both with the same
figures, or nothing is published. A line that was corrected is not summed; the one in its place is, and both are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from audit.act import pool
from audit.refusal import Refused
from trading import statement as s
from trading.accounts import decode_cursor, page
from trading.law.regimes import BUY, SELL
from trading.trade_file import Line

KEYS: Mapping[str, str] = {s.KIND: "kind", s.REGION: "region", s.ORGANISATION: "organisation", s.MONTH: "day"}
"""What lines are grouped by; days become months here, for a database takes longer over it than over the sums."""
STANDING = "l.number NOT IN (SELECT corrects FROM trading_line WHERE corrects IS NOT NULL)"
SUMS = """count(*) FILTER (WHERE part = 1)::int AS count, coalesce(sum(price), 0)::bigint AS deal,
    coalesce(sum(baseline), 0)::bigint AS baseline, coalesce(sum(gain), 0)::bigint AS gain"""
"""Of lines of one status: what has no price or baseline has null there (a CHECK says so), and adds nothing. Of several
winners the first counts, and all are summed."""
UNLOGGED = ", count(*) FILTER (WHERE tender_id IS NULL AND part = 1)::int AS unlogged"
"""How many of them the log knows nothing of."""
MEMORY = "64MB"
"""For the sums of one statement: a planner that expects too many groups would sort every line on the disk, which takes
three times as long as adding them up."""
_CORRECTIONS = f"""SELECT count(*)::int FROM trading_line l
    WHERE corrects IS NOT NULL AND day BETWEEN $1 AND $2 AND currency = $3 AND {STANDING}"""
_EDGE = f"""SELECT day FROM trading_line l WHERE day BETWEEN $1 AND $2 AND currency = $3 AND {STANDING} ORDER BY day"""

_AGREE = """WITH records AS (
    SELECT tender, type, convert_from(record, 'UTF8')::jsonb AS told FROM log_record
    WHERE type IN ('awarded', 'line-corrected', 'tender-failed', 'tender-terminated', 'closed') AND nonce IS NULL
), told AS (
    SELECT r.tender, 0 AS correction, r.told ->> 'bid' AS bid,
        CASE n.pricing WHEN 'unit' THEN 'unit-price' WHEN 'rate' THEN 'rate' ELSE 'concluded' END AS status,
        CASE WHEN n.pricing IS NULL THEN (r.told ->> 'price')::bigint END AS price,
        CASE WHEN n.pricing IS NULL THEN (r.told ->> 'baseline')::bigint END AS baseline,
        (r.told ->> 'gain')::bigint AS gain, (r.told ->> 'price')::bigint AS offered
    FROM records r LEFT JOIN LATERAL (
        SELECT convert_from(p.record, 'UTF8')::jsonb ->> 'pricing' AS pricing FROM log_record p
        WHERE p.tender = r.tender AND p.type = 'project-announced' ORDER BY p.id LIMIT 1
    ) n ON r.told ->> 'gain' IS NULL WHERE r.type = 'awarded'
    UNION ALL
    SELECT tender, (told ->> 'correction')::int, NULL, told ->> 'status', (told ->> 'price')::bigint,
        (told ->> 'baseline')::bigint, (told ->> 'gain')::bigint, NULL
    FROM records WHERE type = 'line-corrected'
), booked AS (
    SELECT tender_id, coalesce(correction, 0) AS correction, CASE WHEN correction IS NULL THEN bid END AS bid, status, price,
        baseline, gain, CASE WHEN correction IS NULL THEN coalesce(price, offered) END AS offered
    FROM trading_line
    WHERE tender_id IS NOT NULL AND part = 1 AND (correction IS NOT NULL OR (corrects IS NULL AND status <> 'failed'))
), failing AS (
    SELECT DISTINCT r.tender FROM records r JOIN trading_tender t ON t.id = r.tender
    WHERE t.kind = 'bids' AND t.announced_at IS NOT NULL AND (r.type IN ('tender-failed', 'tender-terminated')
        OR (r.type = 'closed' AND NOT (r.told ->> 'opens')::bool))
), failed AS (
    SELECT DISTINCT tender_id FROM trading_line WHERE tender_id IS NOT NULL
        AND (status = 'failed' OR (status = 'annulled' AND corrects IS NOT NULL AND correction IS NULL))
)
SELECT coalesce(t.tender, b.tender_id) AS tender FROM told t
    FULL JOIN booked b ON t.tender = b.tender_id AND t.correction = b.correction
WHERE (t.bid, t.status, t.price, t.baseline, t.gain, t.offered, t.tender)
    IS DISTINCT FROM (b.bid, b.status, b.price, b.baseline, b.gain, b.offered, b.tender_id)
UNION SELECT coalesce(tender, tender_id) FROM failing FULL JOIN failed ON tender = tender_id
WHERE tender IS NULL OR tender_id IS NULL ORDER BY 1"""
"""Tenders of which log and ledger tell differently: an award or a correction without its line or with another one, a line
without its record, a failure that is not counted, or one that never was."""

_RESTATED = f"""SELECT l.trade, l.reason, l.words, l.status, l.price, l.baseline, l.gain, o.status AS was,
        o.price AS old_price, o.baseline AS old_baseline, o.gain AS old_gain
    FROM trading_line l JOIN trading_line o ON o.number = l.corrects
    WHERE l.day BETWEEN $1 AND $2 AND l.currency = $3 AND {STANDING} ORDER BY l.number LIMIT $4"""


async def state(query: s.Query) -> s.Statement:
    """The statement of a period, from one snapshot of the ledger.

    Refused: E-LEDGER-LINES (log and ledger differ about an award, a correction or a failure), E-STATEMENT-COUNTS,
    E-STATEMENT-SUMS, E-STATEMENT-GAIN.
    """
    async with (await pool()).acquire() as connection:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if wrong := await connection.fetch(_AGREE):
                raise Refused("E-LEDGER-LINES", tender=wrong[0]["tender"], count=len(wrong))
            await connection.execute(f"SET LOCAL work_mem = '{MEMORY}'")
            lines = await connection.fetch(_sums(f"kind, {KEYS[query.by]} AS key", 4), *_period(query))
            whole = await connection.fetch(_sums("direction", 3, UNLOGGED), *_period(query))
            asked = (*_period(query), query.currency)
            corrections = await connection.fetchval(_CORRECTIONS, *asked)
            first = await connection.fetchval(f"{_EDGE} LIMIT 1", *asked)
            restated = await connection.fetch(_RESTATED, *asked, s.RESTATED)
            last = await connection.fetchval(f"{_EDGE} DESC LIMIT 1", *asked)
            found = await connection.fetch(
                "SELECT code, name FROM trading_organisation WHERE code = ANY ($1)",
                list({str(one["key"]) for one in lines}) if query.by == s.ORGANISATION else [],
            )
    ours = [one for one in lines if one["currency"] == query.currency]
    totals = [one for one in whole if one["currency"] == query.currency]
    return s.build(
        query,
        "ledger",
        _rows((_key(query, one["key"]), s.KINDS[one["kind"]], one) for one in ours),
        _rows((one["kind"], s.KINDS[one["kind"]], one) for one in ours),
        next(iter(_rows((s.ALL, one["direction"], one) for one in totals)), s.Row(s.ALL)),
        read=sum(one["count"] for one in totals),
        corrections=corrections,
        elsewhere=sum(_side(one).trades for one in whole if one["currency"] != query.currency),
        first=first,
        last=last,
        names={one["code"]: one["name"] for one in found},
        restated=[_restated(one) for one in restated],
        unlogged=sum(one["unlogged"] for one in totals),
    )


def _period(query: s.Query) -> tuple[date, date]:
    return query.start or date.min, query.end or date.max


def _sums(groups: str, columns: int, more: str = "") -> str:
    """One scan that several workers share; a total is summed by itself, never from the rows it is held against. What
    follows from another column (the direction from the kind) is no group of its own: it would cost, and say nothing."""
    keys = ", ".join(str(n) for n in range(1, columns + 1))
    return f"""SELECT {groups}, currency, status, {SUMS}{more}
        FROM trading_line l WHERE day BETWEEN $1 AND $2 AND {STANDING} GROUP BY {keys}"""


def _restated(one: Mapping[str, Any]) -> s.Restated:
    return s.Restated(
        one["trade"], one["reason"], one["words"], one["was"], one["status"],
        {"deal": (one["old_price"], one["price"]), "baseline": (one["old_baseline"], one["baseline"]),
         "gain": (one["old_gain"], one["gain"])},
    )  # fmt: skip


def _key(query: s.Query, key: Any) -> str:
    return f"{key:%Y-%m}" if query.by == s.MONTH else str(key)


def _side(one: Mapping[str, Any]) -> s.Side:
    """The lines of one status."""
    status, count = one["status"], one["count"]
    if status in (s.FAILED, s.ANNULLED):
        return s.Side(failed=count)
    return s.Side(
        trades=count,
        deal=one["deal"],
        baseline=one["baseline"],
        measured=one["deal"] if status == s.CONCLUDED else 0,
        gain=one["gain"],
        unmeasured=count if status == s.NO_BASELINE else 0,
        unpriced=count if status in (s.UNIT_PRICE, s.RATE) else 0,
    )


def _rows(found: Iterable[tuple[str, str, Mapping[str, Any]]]) -> list[s.Row]:
    rows: dict[tuple[str, str], s.Side] = {}
    for key, direction, one in found:
        at = (key, direction)
        rows[at] = rows[at] + _side(one) if at in rows else _side(one)
    none = s.Side()
    return [s.Row(key, rows.get((key, BUY), none), rows.get((key, SELL), none)) for key in {key for key, _ in rows}]


# ------------------------------------------------------------------------------------------------- behind a figure

_TEXTS = {s.MONTH: "to_char(l.day, 'YYYY-MM')"}


OF: Mapping[str, str] = {
    "all": "true",
    "trades": "l.status NOT IN ('failed', 'annulled') AND l.part = 1",
    "failed": "l.status IN ('failed', 'annulled') AND l.part = 1",
    "deal": "l.price IS NOT NULL",
    "saved": "l.status = 'concluded' AND l.direction = 'buy'",
    "added": "l.status = 'concluded' AND l.direction = 'sell'",
}
"""Which lines of a row a figure of it counts or sums; `all`: every one of them."""


@dataclass(frozen=True)
class Sums:
    """What lines come to: how many they are, and fen."""

    lines: int
    price: int
    baseline: int
    gain: int


async def behind(query: s.Query, key: str, of: str = "all") -> list[Line]:
    """Every trade behind the figures of a row; key `all`: behind the total; `of`: behind one of them (`OF`)."""
    rows, _ = await _behind(query, key, of, 0, None)
    return rows


async def behind_page(
    query: s.Query, key: str, cursor: str | None, limit: int, of: str = "all"
) -> tuple[list[Line], str | None]:
    """The same a page at a time. Refused: W-CURSOR."""
    return await _behind(query, key, of, decode_cursor(cursor, int) if cursor else 0, limit)


async def behind_sums(query: s.Query, key: str, of: str = "all") -> Sums:
    """What the lines behind a figure sum to: the figure, seen from the other side."""
    row = await pool().fetchrow(
        f"""SELECT count(*) AS lines, coalesce(sum(l.price), 0)::bigint AS price,
                coalesce(sum(l.baseline), 0)::bigint AS baseline, coalesce(sum(l.gain), 0)::bigint AS gain
            FROM trading_line l WHERE {_where(query, of)}""",
        *_asked(query, key),
    )
    return Sums(**dict(row))


def _where(query: s.Query, of: str) -> str:
    return f"""l.day BETWEEN $1 AND $2 AND {STANDING} AND l.currency = $3
        AND ($4::text IS NULL OR ({_TEXTS.get(query.by) or KEYS[query.by]}) = $4) AND {OF[of]}"""


def _asked(query: s.Query, key: str) -> tuple[Any, ...]:
    return *_period(query), query.currency, None if key == s.ALL else key


async def _behind(query: s.Query, key: str, of: str, after: int, limit: int | None) -> tuple[list[Line], str | None]:
    found = await pool().fetch(
        f"""SELECT l.number, l.trade, l.part, l.kind, l.day, l.region, l.organisation, l.status, l.baseline, l.price,
                l.reason
            FROM trading_line l WHERE {_where(query, of)} AND l.number > $5 ORDER BY l.number LIMIT $6""",
        *_asked(query, key), after, None if limit is None else limit + 1,
    )  # fmt: skip
    rows = [dict(one) for one in found]
    following = None
    if limit is not None:
        rows, following = page(rows, limit, "number")
    return [_line(one) for one in rows], following


async def version() -> str:
    """What changes whenever the ledger does: its last line, and how many of the newest numbers are taken.

    An act that began earlier may book a lower number later; so far back as acts overlap, it is counted.
    """
    row = await pool().fetchrow(
        """WITH newest AS (SELECT coalesce(max(number), 0) AS number FROM trading_line)
           SELECT newest.number, (SELECT count(*) FROM trading_line l WHERE l.number > newest.number - 1000) AS taken
           FROM newest"""
    )
    return f"{row['number']}.{row['taken']}"


def _line(one: Mapping[str, Any]) -> Line:
    return Line(
        one["trade"], one["kind"], one["day"], one["region"], one["organisation"], one["status"], one["baseline"],
        one["price"], one["reason"], one["part"],
    )  # fmt: skip
