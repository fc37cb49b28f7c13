"""What a notice may say: every term asked of the law, under the rulebook it pins, before anything is saved. Pure.

A rule nobody has checked is shown in the announcement and never blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.refusal import Refused
from trading.document_sets import ANSWER, FIELD
from trading.law import methods, publication, regimes, rulebook
from trading.law.regimes import Regime
from trading.law.regions import overlay
from trading.law.rulebook import Rulebook

OPEN, TWO = "open", "two-envelope"
TECHNICAL = "technical"
"""The stage that opens first where there are two envelopes."""


@dataclass(frozen=True)
class Notice:
    """The terms that the law has something to say about. Fen throughout."""

    regime: Regime
    region: str
    direction: str
    baseline: int
    method: str
    parameters: dict[str, Any]
    security: dict[str, Any] | None  # {"amount", "valid_days", "accounts"}
    bid_validity_days: int | None
    supply_until: datetime | None
    media: tuple[Mapping[str, str], ...]  # {"name", "sha256"} of the text each one shows
    schema: Mapping[str, Any]


def keep(notice: Notice, now: datetime) -> Rulebook:
    """Ask the law about what a notice says; the rulebook it pins. Its periods and its security are asked with the life of
    the tender (`law.steps.announce`).

    Raises Refused E-PERIOD-ORDER, E-DIRECTION, E-METHOD and what `methods.check_parameters` refuses, E-MEDIA-DIFFER,
    E-MINIMUM-PRICE, T-VALIDITY; with the article.
    """
    whole = overlay(notice.regime, notice.region)
    regimes.check_terms(whole, notice.direction, notice.method)
    methods.check_parameters(notice.method, whole, notice.direction, notice.parameters, notice.schema)
    if notice.supply_until is not None and notice.supply_until <= now:
        raise Refused("E-PERIOD-ORDER", start=now, end=notice.supply_until)
    book = rulebook.pin(notice.regime, now, notice.region)
    publication.check_media(book, [one["sha256"] for one in notice.media])
    if notice.direction == regimes.BUY:
        floor = notice.schema.get("price", {}).get("min")
        publication.check_price_limits(book, limited=True, ceiling=notice.baseline, floor=floor)
    if notice.security is not None and notice.bid_validity_days is None:
        raise Refused("T-VALIDITY")
    return book


def unchecked(notice: Notice, now: datetime) -> list[str]:
    """Ids of the rules of this regime and region that nobody has checked, and of those the parameters do not keep."""
    rules = {rule.id for rule in rulebook.unchecked(notice.regime, now, notice.region)}
    return sorted(rules | set(methods.remarks(notice.parameters)))


def check_winners(winners: int) -> None:
    """One tender is won by one here: framework agreements 框架协议 and shortlists 入围 with several winners each are refused
    plainly (E-WINNERS), before anybody has sealed a bid for what would then not be awarded."""
    if winners != 1:
        raise Refused("E-WINNERS", winners=winners)


def with_documents(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The opening schema with the field in which a bid names the document set it answers. Refused: T-SCHEMA."""
    if FIELD in schema and dict(schema[FIELD]) != dict(ANSWER):
        raise Refused("T-SCHEMA", key=FIELD)
    return {**schema, FIELD: dict(ANSWER)}
