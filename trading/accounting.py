"""Statements from the ledger: plain SQL over all of its lines, in one scan, and the totals beside the rows.

Before anything is told, the ledger is held against the log: every award stands in both with the same figures, or nothing
is published. A line that was corrected is not looked at; the one in its place is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from audit.act import pool
from audit.refusal import Refused
from trading import statement as s
from trading.accounts import decode_cursor, page
from trading.law.regimes import BUY, SELL
from trading.trade_file import Line

KEYS: Mapping[str, str] = {
    s.KIND: "l.kind", s.REGION: "l.region", s.ORGANISATION: "l.organisation", s.MONTH: "date_trunc('month', l.day)::date",
}  # fmt: skip
STANDING = "NOT EXISTS (SELECT 1 FROM trading_line c WHERE c.corrects = l.number)"
SUMS = """count(*) FILTER (WHERE part = 1 AND status NOT IN ('failed', 'annulled')) AS trades,
    coalesce(sum(price), 0)::bigint AS deal, coalesce(sum(baseline), 0)::bigint AS baseline,
    coalesce(sum(price) FILTER (WHERE status = 'concluded'), 0)::bigint AS measured,
    coalesce(sum(gain), 0)::bigint AS gain,
    count(*) FILTER (WHERE part = 1 AND status = 'no-baseline') AS unmeasured,
    count(*) FILTER (WHERE part = 1 AND status IN ('unit-price', 'rate')) AS unpriced,
    count(*) FILTER (WHERE part = 1 AND status IN ('failed', 'annulled')) AS failed"""
"""The fields of a `statement.Side`; what has no price or baseline has null there (a CHECK says so)."""

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
            sums = await connection.fetch(_sums(query), *_period(query))
            found = await connection.fetch(
                "SELECT code, name FROM trading_organisation WHERE code = ANY ($1)",
                list({str(one["key"]) for one in sums if one["key"] is not None}) if query.by == s.ORGANISATION else [],
            )
    return _told(query, sums, {one["code"]: one["name"] for one in found})


def _period(query: s.Query) -> tuple[date, date]:
    return query.start or date.min, query.end or date.max


def _sums(query: s.Query) -> str:
    """Finest groups and totals in one scan: a total is summed by itself, never from the rows it is held against."""
    key = KEYS[query.by]
    return f"""SELECT currency, direction, kind, {key} AS key, grouping(kind) AS total, {SUMS},
            count(*) FILTER (WHERE part = 1) AS read, count(corrects) AS corrections, min(day) AS first, max(day) AS last
        FROM trading_line l WHERE day BETWEEN $1 AND $2 AND {STANDING}
        GROUP BY GROUPING SETS ((currency, direction, kind, {key}), (currency, direction))"""


def _told(query: s.Query, sums: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> s.Statement:
    groups = [one for one in sums if one["total"] == 0 and one["currency"] == query.currency]
    totals = [one for one in sums if one["total"] == 1 and one["currency"] == query.currency]
    elsewhere = sum(one["trades"] for one in sums if one["total"] == 1 and one["currency"] != query.currency)
    return s.build(
        query,
        "ledger",
        _rows((_key(query, one["key"]), one) for one in groups),
        _rows((one["kind"], one) for one in groups),
        next(iter(_rows((s.ALL, one) for one in totals)), s.Row(s.ALL)),
        read=sum(one["read"] for one in totals),
        corrections=sum(one["corrections"] for one in totals),
        elsewhere=elsewhere,
        first=min((one["first"] for one in totals), default=None),
        last=max((one["last"] for one in totals), default=None),
        names=names,
    )


def _key(query: s.Query, key: Any) -> str:
    return f"{key:%Y-%m}" if query.by == s.MONTH else str(key)


def _rows(found: Iterable[tuple[str, Mapping[str, Any]]]) -> list[s.Row]:
    rows: dict[str, s.Row] = {}
    for key, one in found:
        side = s.Side(*(one[field.name] for field in fields(s.Side)))
        row = s.Row(key, **{one["direction"]: side})
        rows[key] = rows[key] + row if key in rows else row
    return list(rows.values())


assert {BUY, SELL} <= {field.name for field in fields(s.Row)}


# ------------------------------------------------------------------------------------------------- behind a figure


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
                AND ($5::text IS NULL OR ({KEYS[query.by]})::text = $5) ORDER BY l.number LIMIT $6""",
        *_period(query), query.currency, after, _text(query, key), None if limit is None else limit + 1,
    )  # fmt: skip
    rows = [dict(one) for one in found]
    following = None
    if limit is not None:
        rows, following = page(rows, limit, "number")
    return [_line(one) for one in rows], following


def _text(query: s.Query, key: str) -> str | None:
    if key == s.ALL:
        return None
    if query.by == s.MONTH:
        return f"{key}-01" if re.fullmatch(r"[0-9]{4}-[0-9]{2}", key) else ""
    return key


def _line(one: Mapping[str, Any]) -> Line:
    trade = one["trade"] if one["part"] == 1 else f"{one['trade']}#{one['part']}"
    return Line(
        trade, one["kind"], one["day"], one["region"], one["organisation"], one["status"], one["baseline"], one["price"],
        one["reason"],
    )  # fmt: skip
