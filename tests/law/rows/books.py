"""Books as they were announced, and what a refusal must cite: the tools of the 114 rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.refusal import Refused
from trading.law import regimes, rulebook
from trading.law.article import Article, Rule
from trading.law.bounds import Due
from trading.law.calendar import LEGAL_ZONE
from trading.law.history import Happened, Life
from trading.law.life import ask, live
from trading.law.rules import RULES

MOMENT = timedelta(microseconds=1)


def beijing(*when: int) -> datetime:
    return datetime(*when, tzinfo=LEGAL_ZONE)


ANNOUNCED = beijing(2026, 3, 2, 9, 30)  # a Monday
WORKS = rulebook.pin(regimes.WORKS, ANNOUNCED)
GOV = rulebook.pin(regimes.GOV, ANNOUNCED)
PROPERTY = rulebook.pin(regimes.PROPERTY, ANNOUNCED)
LAND = rulebook.pin(regimes.LAND, ANNOUNCED)
MINERALS = rulebook.pin(regimes.MINERALS, ANNOUNCED)
SOURCE = rulebook.pin(regimes.SOURCE_LAW, ANNOUNCED)
NINGBO = rulebook.pin(regimes.WORKS, ANNOUNCED, "ningbo")
PUYANG = rulebook.pin(regimes.GOV, ANNOUNCED, "puyang")
CHONGQING = rulebook.pin(regimes.WORKS, ANNOUNCED, "chongqing")


class Sheet:
    """A book of a few rules, for what no regime of ours has yet (auctions)."""

    def __init__(self, *rules: Rule) -> None:
        self.values = {rule.id: (rule.value, rule.unit) for rule in rules}


AUCTION = Sheet(*regimes.AUCTIONS)


def refused(id: str, code: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Refused:
    """The call is refused under this code, and it cites the article of this row."""
    with pytest.raises(Refused) as no:
        call(*arguments, **named)
    assert (no.value.code, str(no.value.article)) == (code, str(RULES[id].article)), str(no.value)
    return no.value


def runs_out(id: str, due: Due | None, last: datetime) -> None:
    """A period of this row: the last lawful instant, and the first unlawful one."""
    assert due is not None and due.rule.id == id and due.rule.article == RULES[id].article
    assert due.not_after == last
    assert not due.missed(last - MOMENT)
    assert due.missed(last)


def cites(id: str, article: Article | None) -> bool:
    """Whether this is the article of that row."""
    return article == RULES[id].article


# ------------------------------------------------------------------------------------------- lives, where a life decides

DEADLINE = beijing(2026, 3, 31, 10)  # a Tuesday
BID, OTHER = "a" * 32, "b" * 32


def keyed(book: rulebook.Rulebook) -> Life:
    """A tender with its boxes, about to be announced."""
    return live(book, [Happened("make-keyset", beijing(2026, 3, 1, 9))])


def lived(book: rulebook.Rulebook, *more: Happened, **announced: Any) -> Life:
    """A tender announced on 2 March, opened on the 31st, and whatever happened then."""
    facts = {"deadline": DEADLINE, "baseline": 100_000_000, "direction": "buy", **announced}
    return live(
        book,
        [
            Happened("make-keyset", beijing(2026, 3, 1, 9)),
            Happened("announce", ANNOUNCED, facts),
            *([Happened("close", DEADLINE), Happened("unseal", DEADLINE + MOMENT)] if more else []),
            *more,
        ],
    )


RANKED = (
    Happened("receive-report", beijing(2026, 4, 7, 9)),
    Happened("publish-candidates", beijing(2026, 4, 7, 15), {"ranking": (BID, OTHER)}),
)
AWARDED = (*RANKED, Happened("award", beijing(2026, 4, 14, 9), {"bid": BID, "price": 90_000_000}))
NOTIFIED = (*AWARDED, Happened("notify-award", beijing(2026, 4, 14, 10)))
SIGNED = (*NOTIFIED, Happened("sign-contract", beijing(2026, 4, 15, 9), {"amount": 90_000_000, "contract": "c" * 64}))


def told_late(id: str, life: Life, act: str, last: datetime, **facts: Any) -> None:
    """An act up to `last` breaks nothing; from there on it is done all the same, and an alert names this row."""
    assert id not in ask(life, act, last - MOMENT, facts).breaches
    granted = ask(life, act, last, facts)
    assert id in granted.breaches
    (due,) = [one for one in granted.late if one.rule.id == id]
    assert (due.not_after, due.rule.article) == (last, RULES[id].article)
