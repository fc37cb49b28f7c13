"""Real tenders as input: what a publisher said, read carefully, with a note for everything left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from audit.refusal import Refused

LARGEST = 2**53 - 1


@dataclass(frozen=True)
class SourceBid:
    """One published bid: who, for how many fen (the smallest unit of the currency), and whether it was rejected."""

    tenderer: str
    price: int
    rejected: bool


@dataclass(frozen=True)
class Note:
    """Something odd in the source: a code of the message catalogue, and who or what it is about."""

    code: str
    who: str = ""


@dataclass(frozen=True)
class SourceTender:
    """One published tender; `winner` is the tenderer of the active award, "" where there was none."""

    ocid: str
    title: str
    description: str
    buyer: str
    currency: str
    baseline: int
    period: timedelta
    bids: tuple[SourceBid, ...]
    winner: str
    notes: tuple[Note, ...] = field(default=())
    publisher: str = "ProZorro"


def read_tenders(path: Path) -> list[SourceTender]:
    """Read an input file. Raises Refused("D-INPUT") when it is no such list; oddities of one tender become its notes.

    A tender without a usable value, period or id cannot be run at all and is refused by name, rather than dropped.
    """
    try:
        listed = json.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise Refused("D-INPUT", path=str(path), why=str(error)) from None
    if not isinstance(listed, list) or not listed:
        raise Refused("D-INPUT", path=str(path), why="not a list of tenders")
    try:
        tenders = [_tender(item) for item in listed]
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise Refused("D-INPUT", path=str(path), why=f"{type(error).__name__}: {error}") from None
    if len({tender.ocid for tender in tenders}) != len(tenders):
        raise Refused("D-INPUT", path=str(path), why="an ocid stands twice")
    return tenders


def fen(amount: Any) -> int:
    """An amount in the currency's unit as whole hundredths. Raises ValueError for what is no exact amount of them."""
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        raise ValueError(f"no amount: {amount!r}")
    value = Decimal(amount)
    if not value.is_finite() or value < 0 or value * 100 != int(value * 100) or value * 100 > LARGEST:
        raise ValueError(f"no amount in whole hundredths: {amount}")
    return int(value * 100)


def _tender(item: Mapping[str, Any]) -> SourceTender:
    notes: list[Note] = []
    value, period = item["value"], item["tenderPeriod"]
    length = datetime.fromisoformat(period["endDate"]) - datetime.fromisoformat(period["startDate"])
    if length <= timedelta(0):
        raise ValueError(f"{item['ocid']}: the period ends before it starts")
    prices: dict[str, int] = {}
    for bid in item.get("bids") or []:
        try:
            tenderer, price = str(bid["tenderer"]), fen(bid["amount"])
            if not price:
                raise ValueError("nothing is offered")
        except (KeyError, ValueError, InvalidOperation):
            notes.append(Note("demo.note.amount", str(bid.get("id", "?"))))
            continue
        if tenderer in prices:
            notes.append(Note("demo.note.twice", tenderer))
            continue
        prices[tenderer] = price
    rejected: set[str] = set()
    winner = ""
    for award in item.get("awards") or []:
        supplier, status = str(award.get("supplier", "")), award.get("status")
        if supplier not in prices:
            notes.append(Note("demo.note.unmatched", supplier or "?"))
        elif status == "unsuccessful":
            rejected.add(supplier)
        elif status == "active" and not winner:
            winner = supplier
        else:
            notes.append(Note("demo.note.status", supplier))
    if winner in rejected:
        notes.append(Note("demo.note.later", winner))
        rejected.discard(winner)
    if winner:
        cheaper = {name for name, price in prices.items() if price < prices[winner]} - rejected
        for name in sorted(cheaper):
            notes.append(Note("demo.note.cheaper", name))
        rejected |= cheaper
    else:
        notes.append(Note("demo.note.unawarded"))
        rejected = set(prices)
    bids = tuple(SourceBid(name, price, name in rejected) for name, price in prices.items())
    return SourceTender(
        ocid=str(item["ocid"]),
        title=str(item["title"])[:500],
        description=str(item.get("description") or "")[:4000],
        buyer=str(item.get("buyer") or "?")[:200],
        currency=str(value["currency"]),
        baseline=fen(value["amount"]),
        period=length,
        bids=bids,
        winner=winner,
        notes=tuple(notes),
    )
