"""Statements from the ledger: plain SQL over all of its lines, and the totals apart from the rows.

Before anything is told, the ledger is held against the log: every award stands in both with the same figures, or nothing
is published. A line that was corrected is not looked at; the one in its place is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
MEMORY = "64MB"
"""For the sums of one statement: a planner that expects too many groups would sort every line on the disk, which takes
three times as long as adding them up."""
_CORRECTIONS = f"""SELECT count(*)::int FROM trading_line l
    WHERE corrects IS NOT NULL AND day BETWEEN $1 AND $2 AND currency = $3 AND {STANDING}"""
_EDGE = f"""SELECT day FROM trading_line l WHERE day BETWEEN $1 AND $2 AND currency = $3 AND {STANDING} ORDER BY day"""

_AGREE = """WITH told AS (
    SELECT r.tender, convert_from(r.record, 'UTF8')::jsonb AS told FROM log_record r WHERE r.type = 'awarded'
), booked AS (
    SELECT tender_id, bid, price, baseline, gain FROM trading_line
    WHERE tender_id IS NOT NULL AND corrects IS NULL AND part = 1 AND status = 'concluded'
)
SELECT coalesce(tender, tender_id) AS tender FROM told FULL JOIN booked ON tender = tender_id AND bid = told ->> 'bid'
    AND price = (told ->> 'price')::bigint AND baseline = (told ->> 'baseline')::bigint
    AND gain = (told ->> 'gain')::bigint
WHERE tender IS NULL OR tender_id IS NULL ORDER BY 1"""


async def state(query: s.Query) -> s.Statement:
    """The statement of a period, from one snapshot of the ledger.

    Refused: E-LEDGER-LINES (an award of the log has no line, a line has no award, or they differ), E-STATEMENT-COUNTS,
    E-STATEMENT-SUMS, E-STATEMENT-GAIN.
    """
    async with (await pool()).acquire() as connection:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if wrong := await connection.fetch(_AGREE):
                raise Refused("E-LEDGER-LINES", tender=wrong[0]["tender"], count=len(wrong))
            await connection.execute(f"SET LOCAL work_mem = '{MEMORY}'")
            lines = await connection.fetch(_sums(f"kind, {KEYS[query.by]} AS key", 4), *_period(query))
            whole = await connection.fetch(_sums("direction", 3), *_period(query))
            asked = (*_period(query), query.currency)
            corrections = await connection.fetchval(_CORRECTIONS, *asked)
            first = await connection.fetchval(f"{_EDGE} LIMIT 1", *asked)
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
    )


def _period(query: s.Query) -> tuple[date, date]:
    return query.start or date.min, query.end or date.max


def _sums(groups: str, columns: int) -> str:
    """One scan that several workers share; a total is summed by itself, never from the rows it is held against. What
    follows from another column (the direction from the kind) is no group of its own: it would cost, and say nothing."""
    keys = ", ".join(str(n) for n in range(1, columns + 1))
    return f"""SELECT {groups}, currency, status, {SUMS}
        FROM trading_line l WHERE day BETWEEN $1 AND $2 AND {STANDING} GROUP BY {keys}"""


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


async def behind(query: s.Query, key: str) -> list[Line]:
    """Every trade behind the figures of a row; `all`: behind the total."""
    rows, _ = await _behind(query, key, 0, None)
    return rows


async def behind_page(query: s.Query, key: str, cursor: str | None, limit: int) -> tuple[list[Line], str | None]:
    """The same a page at a time. Refused: W-CURSOR."""
    return await _behind(query, key, decode_cursor(cursor, int) if cursor else 0, limit)


async def _behind(query: s.Query, key: str, after: int, limit: int | None) -> tuple[list[Line], str | None]:
    found = await pool().fetch(
        f"""SELECT l.number, l.trade, l.part, l.kind, l.day, l.region, l.organisation, l.status, l.baseline, l.price,
                l.reason
            FROM trading_line l WHERE l.day BETWEEN $1 AND $2 AND {STANDING} AND l.currency = $3 AND l.number > $4
                AND ($5::text IS NULL OR ({_TEXTS.get(query.by) or KEYS[query.by]}) = $5) ORDER BY l.number LIMIT $6""",
        *_period(query), query.currency, after, None if key == s.ALL else key, None if limit is None else limit + 1,
    )  # fmt: skip
    rows = [dict(one) for one in found]
    following = None
    if limit is not None:
        rows, following = page(rows, limit, "number")
    return [_line(one) for one in rows], following


def _line(one: Mapping[str, Any]) -> Line:
    trade = one["trade"] if one["part"] == 1 else f"{one['trade']}#{one['part']}"
    return Line(
        trade, one["kind"], one["day"], one["region"], one["organisation"], one["status"], one["baseline"], one["price"],
        one["reason"],
    )  # fmt: skip
