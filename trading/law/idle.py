"""A project that does not trade: warned, then ended.

Ningbo counts three months and ten days, Puyang ninety days and seven: local rules, in force where the region is theirs.
"""

from __future__ import annotations

from datetime import datetime

from audit.refusal import Refused
from trading.law.article import Article, Rule
from trading.law.bounds import Book, Due, asked, shortest


def _rule(book: Book) -> Rule | None:
    return asked(book, "NB-09", "PY-05")


def idle_due(book: Book, registered: datetime) -> Due | None:
    """Until when a project may go without a trade after its registration was accepted; None: no such rule binds it."""
    rule = _rule(book)
    if rule is None:
        return None
    length, unit = (rule.number("months"), "月") if _has(rule, "months") else (rule.number("days"), "日")
    return Due(rule, shortest(book, registered, length, unit))


def warning_due(book: Book, warned: datetime) -> Due | None:
    """Until when a warned project may still trade; None: no such rule binds it."""
    rule = _rule(book)
    return Due(rule, shortest(book, warned, rule.number("warning"), "日")) if rule else None


def _has(rule: Rule, name: str) -> bool:
    return isinstance(rule.value, tuple) and name in dict(rule.value)


def check_warning(book: Book, registered: datetime, now: datetime, *, traded: bool) -> Due:
    """Whether a project may be warned: it has not traded, and its time is over. The time it is given.

    Raises Refused E-NOT-IDLE (it trades, its time is not over, or no rule of the book ends an idle project).
    """
    found = idle_due(book, registered)
    if found is None or traded or not found.missed(now):
        raise Refused(
            "E-NOT-IDLE", found.rule.article if found else None, now=now,
            earliest=found.not_after if found else None, derivation=str(found.span) if found else "",
        )  # fmt: skip
    given = warning_due(book, now)
    assert given is not None  # the same rule
    return given


def check_termination(
    book: Book, registered: datetime, warned: datetime | None, now: datetime, *, traded: bool, reason: bool = False
) -> Article:
    """Whether an idle project may be ended, and the article: warned, and the time it was given is over too.

    `reason`: it has shown a good reason for waiting. Raises Refused E-NOT-IDLE, E-NOT-WARNED, E-WARNING-RUNS.
    """
    found = idle_due(book, registered)
    if found is None or traded or reason or not found.missed(now):
        raise Refused(
            "E-NOT-IDLE", found.rule.article if found else None, now=now,
            earliest=found.not_after if found else None, derivation=str(found.span) if found else "",
        )  # fmt: skip
    if warned is None or not found.missed(warned):
        raise Refused("E-NOT-WARNED", found.rule.article)
    given = warning_due(book, warned)
    assert given is not None  # the same rule
    if not given.missed(now):
        raise Refused(
            "E-WARNING-RUNS", found.rule.article, now=now, earliest=given.not_after, derivation=str(given.span)
        )
    return found.rule.article
