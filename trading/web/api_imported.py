"""Trades of elsewhere, for machines: marked as imported, apart from the ledger."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer

from trading import imports
from trading.web.api import Call, operation
from trading.web.models import Model, Page

Amount = Annotated[Decimal, PlainSerializer(lambda value: format(value, "f"), return_type=str)]
"""A decimal as text, in whole units of its currency: others' currencies have other parts than fen."""


class ImportedTrade(Model):
    """A trade that somebody else published; nothing here proves it."""

    imported: Literal[True] = True
    ocid: str
    award: str
    publisher: str
    title: str
    buyer: str
    supplier: str
    kind: str
    direction: str
    currency: str
    baseline: Amount | None
    price: Amount | None
    gain: Amount | None
    status: str
    traded_at: datetime | None
    imported_at: datetime


class ImportedSum(Model):
    """`compared`: deals with a baseline; `baseline` and `gain` are theirs, `price` is that of all `trades`."""

    publisher: str
    currency: str
    direction: str
    trades: int
    failed: int
    compared: int
    price: Amount
    baseline: Amount
    gain: Amount


class ImportedTrades(Model):
    """A page of lines, and sums over all of them."""

    items: list[ImportedTrade]
    next: str | None
    sums: list[ImportedSum]


@operation("GET", "/imported", query=Page, answer=ImportedTrades)
async def list_imported(call: Call) -> ImportedTrades:
    """List trades of elsewhere, which were imported from OCDS files and are no part of this log."""
    items, following = await imports.listed(call.page.cursor, call.page.limit)
    total: list[dict[str, Any]] = await imports.sums()
    return ImportedTrades(
        items=[ImportedTrade(**one) for one in items], next=following, sums=[ImportedSum(**one) for one in total]
    )
