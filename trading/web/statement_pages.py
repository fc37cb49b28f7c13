"""The statement as a page, its files, and the trades behind each of its figures.

Whatever number stands on the page is a link to the trades it counts or sums; a program that asks for JSON at the same
address gets what the API gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from audit.act import pool
from audit.refusal import Refused
from trading import accounting, publishing, statement_chart, statement_words
from trading import statement as s
from trading.law.regimes import BUY, SELL
from trading.printing import Printed
from trading.trade_file import Line
from trading.web import api_statements, csp
from trading.web import models_statements as m
from trading.web.packed import matches
from trading.web.paper_pages import handed

if TYPE_CHECKING:
    from trading.web.screen import Screen

M = TypeVar("M", bound=BaseModel)
SHOWN = 50
"""Trades on a page."""
JSON = "application/json"
CSP = csp.policy({"script": csp.SELF, **csp.PLAIN, "connect": csp.NONE}, trusted="default")
"""The chart that can be asked is drawn by a script of ours with a library of others; both come from here alone."""
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:\s?(?:%|项|亿元|万元|元|million yuan|yuan))?")
PLAIN = re.compile(r"\d{4,}(?:\.\d+)?")
COLUMNS = ("trades", "failed", "deal", "saved", "saved", "added", "added")
"""Of each head of the table after the first: which trades are behind its numbers (`accounting.OF`)."""
OURS = re.compile(r"\d{4}-\d{6}-\d{2}@\d{1,15}")
"""A trade that is a tender of this platform."""


async def statement(request: Request, screen: Screen) -> Response:
    """`/statements?from=…&to=…&by=…&currency=…`."""
    asked = _asked(m.Period, request)
    query = api_statements.query_of(asked)
    if _wants_json(request):
        tag = await api_statements.tag(query, screen.lang)
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept, Accept-Language"}
        if matches(request, tag):
            return Response(status_code=304, headers=headers)
        told = api_statements.told(await accounting.state(query), screen.lang)
        return Response(told.model_dump_json(by_alias=True), 200, headers, JSON)
    made = await accounting.state(query)
    shown = statement_words.table(made, screen.lang)
    rows = [
        {
            "name": cells[0],
            "key": row.key,
            "cells": [
                {
                    "text": _grouped(text), "head": head,
                    "to": "" if text in ("—", "0") else f"/trade-lines?{figure}&{urlencode({'of': of})}",
                }
                for text, head, of in zip(cells[1:], shown.heads[1:], COLUMNS, strict=True)
            ],
            "total": row.key == s.ALL,
        }
        for row, cells, figure in zip((*made.rows, made.total), shown.rows, shown.figures, strict=True)
    ]  # fmt: skip
    state = request.app.state
    page = screen.show(
        "statement.html",
        made=made,
        query=query,
        asked=query.asked(),
        table=shown,
        rows=rows,
        said=_linked(statement_words.clauses(made, screen.lang)),
        notes=list(dict.fromkeys((*statement_words.footnotes(made, screen.lang), *shown.notes))),
        choices=s.BY,
        currencies=await _currencies(query.currency),
        pdf=await publishing.statement_hash(state.platform, state.printer, made),
        forms=publishing.FORMS,
        words=screen.phrase,
        given=_given(made, screen) if made.start else None,
    )
    page.headers["Vary"] = "Accept, Accept-Language"
    page.headers["Content-Security-Policy"] = CSP
    return page


def _grouped(text: str) -> str:
    """A number as people read it, in groups of three: 80000.00 → 80,000.00."""
    return f"{Decimal(text):,}" if PLAIN.fullmatch(text) else text


def _given(made: s.Statement, screen: Screen) -> dict[str, Any]:
    """What the script of the page draws: the chart that is printed, each group with the address of its trades."""
    drawn = statement_chart.chart(made, screen.lang)
    keys = statement_chart.keys(made)
    unit, word = s.unit_for(made.total.deal, screen.lang)
    return {
        "line": drawn.over_time,
        "unit": word,
        "rows": [
            {"name": name, "to": screen.link(f"/trade-lines?{made.query.asked()}&{urlencode({'key': key})}") if key else ""}
            for name, key in zip(drawn.rows, keys, strict=True)
        ],
        "measures": [
            {
                "head": one.head["zh"], "tone": one.tone, "texts": list(one.texts),
                "amounts": [None if amount is None else amount / unit for amount in one.amounts],
            }
            for one in drawn.measures
        ],
        "words": {word: screen.text(f"statements.chart.{word}") for word in ("loading", "failed", "use")},
    }  # fmt: skip


async def file(request: Request, screen: Screen) -> Response:
    """`/statements.{form}?…`: the same statement as a file of one of `publishing.FORMS`."""
    form = request.path_params["form"]
    if form not in publishing.FORMS:
        raise Refused("W-UNKNOWN")
    made = await accounting.state(api_statements.query_of(_asked(m.Period, request)))
    state = request.app.state
    printed: Printed = await publishing.statement(state.platform, state.printer, made, form, screen.lang)
    name = f"statement.{made.query.by}.{made.start or 'all'}.{made.end or 'all'}.{form}"
    called = f"{screen.phrase('statement.paper')} {made.start or ''} {made.end or ''}".strip() + f".{form}"
    return handed(request, printed, name, called, publishing.FORMS[form])


async def trades(request: Request, screen: Screen) -> Response:
    """`/trade-lines?…&key=…&of=…`: the trades behind a figure, and what they sum to."""
    asked = _asked(m.Figure, request)
    if _wants_json(request):
        found = await api_statements.lines(asked)
        return Response(
            found.model_dump_json(by_alias=True), 200, {"Cache-Control": "no-store", "Vary": "Accept"}, JSON
        )
    query = api_statements.query_of(asked)
    lines, following = await accounting.behind_page(query, asked.key, asked.cursor, SHOWN, asked.of)
    names = dict(
        await pool().fetch(
            "SELECT code, name FROM trading_organisation WHERE code = ANY ($1)", [one.organisation for one in lines]
        )
    )
    row = s.Row(asked.key)
    named = names.get(asked.key, "") if query.by == s.ORGANISATION else ""
    further = {"key": asked.key, "of": asked.of, "cursor": following}
    page = screen.show(
        "trade_lines.html",
        lines=[_shown(one, names) for one in lines],
        sums=await accounting.behind_sums(query, asked.key, asked.of),
        query=query,
        row=named or (asked.key if query.by == s.KIND and asked.key not in s.KINDS and asked.key != s.ALL
                      else statement_words.name(s.Statement(query, "", (), (), row), row, screen.lang)),
        of=asked.of,
        key=asked.key,
        back=f"/statements?{query.asked()}",
        following=f"/trade-lines?{query.asked()}&{urlencode(further)}" if following else None,
        words=screen.phrase,
    )  # fmt: skip
    page.headers["Vary"] = "Accept, Accept-Language"
    return page


def _shown(one: Line, names: Mapping[str, str]) -> dict[str, Any]:
    tender = one.id.partition("#")[0]
    gain = None
    if one.baseline is not None and one.deal is not None:
        gain = {BUY: one.baseline - one.deal, SELL: one.deal - one.baseline}[one.direction]
    return {
        "line": one,
        "page": f"/t/{tender}" if OURS.fullmatch(tender) else "",
        "organisation": names.get(one.organisation, one.organisation),
        "gain": gain,
    }


def _linked(clauses: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """The sentence as pieces of text, each number with the address of its trades."""
    pieces: list[tuple[str, str]] = []
    for text, figure in clauses:
        at = 0
        for found in NUMBER.finditer(text) if figure else ():
            pieces += [(text[at : found.start()], ""), (found[0], f"/trade-lines?{figure}")]
            at = found.end()
        pieces.append((text[at:], ""))
    return [piece for piece in pieces if piece[0]]


async def _currencies(asked: str) -> list[str]:
    rows = await pool().fetch("SELECT DISTINCT currency FROM trading_line ORDER BY 1")
    return sorted({asked, "CNY", *(row["currency"] for row in rows)})


def _asked(model: type[M], request: Request) -> M:
    """What the address asks for; an empty field of a form is one nobody filled in. Refused: W-BODY."""
    given = {name: value for name, value in request.query_params.items() if value and name != "lang"}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        at = ".".join(str(one) for one in first["loc"])[:100]
        raise Refused("W-BODY", at=at, why=first["type"]) from None


def _wants_json(request: Request) -> bool:
    """Whether a program asks: it names JSON and no HTML."""
    accept = request.headers.get("accept", "")
    return "json" in accept and "html" not in accept
