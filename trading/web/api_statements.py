"""Statements, and the trades behind every figure in them: everybody's to read."""

from __future__ import annotations

from trading import accounting, statement_words
from trading.statement import Query, plain
from trading.web import models_statements as m
from trading.web.api import Call, operation


def _query(asked: m.Period) -> Query:
    return Query(asked.from_, asked.to, asked.by, asked.currency)


@operation("GET", "/statements", query=m.Period, answer=m.TradeStatement)
async def get_trade_statement(call: Call) -> m.TradeStatement:
    """What was traded, saved and added in a period, by kind, region, organisation or month."""
    assert isinstance(call.query, m.Period)
    made = await accounting.state(_query(call.query))
    said = statement_words.sentence(made, call.lang)
    notes = list(statement_words.footnotes(made, call.lang))
    return m.TradeStatement.model_validate({**plain(made), "sentence": said, "notes": notes})


@operation("GET", "/trade-lines", query=m.Figure, answer=m.TradeLines)
async def list_trade_lines(call: Call) -> m.TradeLines:
    """The trades behind one figure of a statement, in the order they were booked."""
    asked = call.query
    assert isinstance(asked, m.Figure)
    found, following = await accounting.behind_page(_query(asked), asked.key, asked.cursor, asked.limit)
    items = [
        m.TradeLine(
            id=one.id, kind=one.kind, date=one.day, region=one.region, organisation=one.organisation,
            direction=one.direction, baseline=one.baseline, deal=one.deal, status=one.status, reason=one.reason,
            part=one.part,
        )
        for one in found
    ]  # fmt: skip
    return m.TradeLines(items=items, next=following)
