"""What must be made public, with what in it, and what an amendment does to a deadline.

How long a notice, a supply of documents and the candidates' publicity last is asked with their acts, in `steps.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from audit.refusal import Refused
from trading.law.article import Rule
from trading.law.bounds import Book, Due, asked, keep_from, latest_before, shortest
from trading.law.calendar import LEGAL_ZONE

# ------------------------------------------------------------------------------------------------- the notice


def check_media(book: Book, texts: Iterable[str]) -> Rule | None:
    """The same notice in every medium, by the hash of its text (WK-02). Raises Refused E-MEDIA-DIFFER."""
    rule = asked(book, "WK-02")
    different = sorted(set(texts))
    if rule and len(different) > 1:
        raise Refused("E-MEDIA-DIFFER", rule.article, texts=different)
    return rule


def check_price_limits(
    book: Book, *, limited: bool, ceiling: int | None, formula: str = "", floor: int | None = None
) -> None:
    """Where prices are limited, the maximum, or how it is computed, stands in the documents; there is no minimum (WK-18).

    `floor`: the lowest price that a bid may name, fen; one fen is no floor. Raises Refused E-CEILING-UNSAID,
    E-MINIMUM-PRICE.
    """
    rule = asked(book, "WK-18")
    if rule is None:
        return
    if floor is not None and floor > 1:
        raise Refused("E-MINIMUM-PRICE", rule.article, floor=floor)
    if limited and ceiling is None and not formula:
        raise Refused("E-CEILING-UNSAID", rule.article)


ADVANCE = ("facts", "rules", "conditions", "rights")
"""What a notice of mineral rights says beforehand: 基本情况、竞争规则、受让人的技术能力等条件、权利义务."""


def check_advance_notice(book: Book, announced: datetime, sale: datetime, said: Collection[str]) -> None:
    """Mineral rights are announced before they are granted, with facts, rules, conditions and duties (MN-03).

    Raises Refused E-NOTICE-LACKS (missing), E-PERIOD-ORDER (not in advance).
    """
    rule = asked(book, "MN-03")
    if rule is None:
        return
    missing = [part for part in ADVANCE if part not in said]
    if missing:
        raise Refused("E-NOTICE-LACKS", rule.article, missing=missing)
    if sale <= announced:
        raise Refused("E-PERIOD-ORDER", rule.article, start=announced, end=sale)


def keep_prequalification(book: Book, since: datetime, deadline: datetime) -> Due | None:
    """How long applications stay open: 5 days after the sale ended (WK-04), 5 working days after the notice (GP-02).

    `since`: the end of the sale in works, the notice in gov. Raises Refused E-PERIOD.
    """
    return keep_from(book, since, deadline, "WK-04", "GP-02")


# ------------------------------------------------------------------------------------------------- amendments


def deadline_after(book: Book, told: datetime, deadline: datetime, *, affects: bool) -> tuple[datetime, Rule | None]:
    """The deadline after an amendment told to all at `told`, and the rule that moves it (None: it stays).

    An amendment that may affect bids comes at least 15 days before the deadline, else the deadline moves to the first
    day that is 15 days on, at its hour (WK-07, GP-05).
    """
    return _moved(book, told, deadline, affects, "WK-07", "GP-05")


def prequalification_after(
    book: Book, told: datetime, deadline: datetime, *, affects: bool
) -> tuple[datetime, Rule | None]:
    """The same for the deadline of applications: 3 days (WK-08)."""
    return _moved(book, told, deadline, affects, "WK-08")


def _moved(book: Book, told: datetime, deadline: datetime, affects: bool, *ids: str) -> tuple[datetime, Rule | None]:
    rule = asked(book, *ids)
    if rule is None or not affects or told <= latest_before(book, deadline, rule.count, rule.unit):
        return deadline, None
    span = shortest(book, told, rule.count, rule.unit)
    hour = deadline.astimezone(LEGAL_ZONE).timetz()
    moved = datetime.combine(span.last_day, hour).astimezone(deadline.tzinfo)
    return max(moved, deadline), rule


# ------------------------------------------------------------------------------------------------- candidates and result


def keep_single_source(book: Book, published: datetime, bought: datetime) -> Due | None:
    """A purchase from one source is published 5 working days before it goes on (GP-18). Raises Refused E-PERIOD."""
    return keep_from(book, published, bought, "GP-18")


EXPERTS, SCORES, REJECTIONS, REMEDIES = "experts", "scores", "rejections", "remedies"


def wanted(book: Book) -> Mapping[str, Rule]:
    """The parts a result notice must have, each with its rule: experts' names (GP-13), scores, reasons, channels (PY-03)."""
    parts: dict[str, Rule] = {}
    names, scores = asked(book, "GP-13"), asked(book, "PY-03")
    if names:
        parts[EXPERTS] = names
    if scores:
        parts |= dict.fromkeys((SCORES, REJECTIONS, REMEDIES), scores)
    return parts


def check_result_notice(book: Book, said: Collection[str]) -> None:
    """Refuse a result notice that leaves out what it must say. Raises Refused E-NOTICE-LACKS (missing)."""
    parts = wanted(book)
    missing = [part for part in parts if part not in said]
    if missing:
        raise Refused("E-NOTICE-LACKS", parts[missing[0]].article, missing=missing)
