"""Statements, and the trades behind every figure in them: everybody's to read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from starlette.responses import Response

from trading import accounting, statement_words
from trading.printing import edition
from trading.statement import Query, Statement, plain
from trading.web import models_statements as m
from trading.web.api import Answer, Call, operation
from trading.web.packed import matches


def query_of(asked: m.Period) -> Query:
    """What is asked for, as a value. Refused: E-STATEMENT-PERIOD."""
    return Query(asked.from_, asked.to, asked.by, asked.currency)


def told(made: Statement, lang: str) -> m.TradeStatement:
    """A statement as programs read it."""
    figures = [m.SaidFigure(text=text, figure=to) for text, to in statement_words.clauses(made, lang)]
    said, notes = statement_words.sentence(made, lang), list(statement_words.footnotes(made, lang))
    whole = {**plain(made), "sentence": said, "sentence_figures": figures, "notes": notes}
    return m.TradeStatement.model_validate(whole)


async def tag(query: Query, lang: str) -> str:
    """The entity tag of a statement, before it is made: it stays while no line is booked and nobody words it anew."""
    told = "\n".join((await accounting.version(), query.asked(), lang, edition()))
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:40]}"'


@operation("GET", "/statements", query=m.Period, answer=m.TradeStatement, etag=True)
async def get_trade_statement(call: Call) -> Answer:
    """What was traded, saved and added in a period, by kind, region, organisation or month."""
    assert isinstance(call.query, m.Period)
    query = query_of(call.query)
    headers: Mapping[str, str] = {
        "ETag": await tag(query, call.lang), "Cache-Control": "no-cache", "Vary": "Accept-Language",
    }  # fmt: skip
    if matches(call.request, headers["ETag"]):
        return Answer(response=Response(status_code=304, headers=dict(headers)))
    return Answer(told(await accounting.state(query), call.lang), headers=headers)


@operation("GET", "/trade-lines", query=m.Figure, answer=m.TradeLines)
async def list_trade_lines(call: Call) -> m.TradeLines:
    """The trades behind one figure of a statement, in the order they were booked."""
    assert isinstance(call.query, m.Figure)
    return await lines(call.query)


async def lines(asked: m.Figure) -> m.TradeLines:
    """A page of the trades behind a figure. Refused: W-CURSOR, E-STATEMENT-PERIOD."""
    found, following = await accounting.behind_page(query_of(asked), asked.key, asked.cursor, asked.limit, asked.of)
    items = [
        m.TradeLine(
            id=one.id, kind=one.kind, date=one.day, region=one.region, organisation=one.organisation,
            direction=one.direction, baseline=one.baseline, deal=one.deal, status=one.status, reason=one.reason,
            part=one.part,
        )
        for one in found
    ]  # fmt: skip
    return m.TradeLines(items=items, next=following)
