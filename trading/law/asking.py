"""One question to the law: an act in a life, the book it is counted by, and what the answer gathers. `steps.py` and
`steps_remedies.py` answer it.

Shortest periods and last moments refuse; longest periods tell that they were missed, and the act goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

from audit.refusal import Refused
from trading.law.article import Article, Rule
from trading.law.bounds import Book, Due, asked, due, keep_from
from trading.law.calendar import LEGAL_ZONE
from trading.law.history import Happened, Life, Suspension
from trading.law.periods import Span
from trading.law.stages import TABLE


@dataclass
class Asking:
    """One question: the life so far, the act, the book as it is counted here; and what the answer gathers."""

    life: Life
    happened: Happened
    book: Book
    lenient: bool
    spans: list[Span] = field(default_factory=list)
    late: list[Due] = field(default_factory=list)
    extend: datetime | None = None

    @property
    def act(self) -> str:
        return self.happened.what

    @property
    def now(self) -> datetime:
        return self.happened.at

    def fact(self, name: str, default: Any = None) -> Any:
        """A fact of the act; the default where it was not given."""
        return self.happened.facts.get(name, default)

    def rule(self, *ids: str) -> Rule | None:
        """The first of these rules that is pinned."""
        return asked(self.book, *ids)

    def refuse(self, code: str, article: Article | None = None, **facts: Any) -> NoReturn:
        """Refuse the act."""
        raise Refused(code, article, act=self.act, **facts)

    def out_of_turn(self) -> NoReturn:
        """Refuse what the table allows in some regimes, in this one not yet."""
        allowed = ", ".join(sorted(act for stage, act in TABLE if stage == self.life.stage and act != self.act))
        self.refuse("E-STAGE", stage=self.life.stage, allowed=allowed)

    def once(self) -> None:
        """Refuse what has been done already (E-DONE)."""
        if self.life.has(self.act):
            self.refuse("E-DONE")

    def after(self, act: str, code: str, *ids: str) -> Happened | None:
        """What must lie before, where one of these rules is pinned; else what there is."""
        before, rule = self.life.last(act), self.rule(*ids)
        if before is None and rule is not None:
            self.refuse(code, rule.article, rule=rule.id)
        return before

    def at_least(self, since: datetime, until: datetime, *ids: str) -> None:
        """Refuse a period shorter than each of these rules asks for (E-PERIOD)."""
        for id in ids:
            kept = keep_from(self.book, since, until, id)
            if kept is not None:
                self.spans.append(kept.span)

    def at_most(self, since: datetime | None, *ids: str, end: datetime | None = None) -> None:
        """Tell a period longer than the first of these rules allows; the time in which the act had to wait not counted."""
        if since is None or self.rule(*ids) is None:
            return
        self.by(_due(self, since, *ids), since, end)

    def by(self, limit: Due | None, since: datetime, end: datetime | None = None) -> None:
        """The same for a limit that was counted elsewhere."""
        ended = end or self.happened.earliest
        if limit is not None and limit.missed(ended):
            waited = self.life.waited(self.act, since, ended, lenient=self.lenient)
            if limit.missed(ended - waited):
                self.late.append(limit)


def _due(asking: Asking, since: datetime, *ids: str) -> Due | None:
    return counted(asking.life, asking.book, lambda book: due(book, since, *ids))


def counted(life: Life, book: Book, count: Callable[[Book], Due | None]) -> Due | None:
    """A longest period; where the holidays of a year are not known it stops nobody: it is counted without them."""
    try:
        return count(book)
    except Refused as refused:
        if refused.code != "E-CALENDAR":
            raise
        return count(life.lenient_book)


def refuse_suspended(stopped: Suspension, act: str) -> NoReturn:
    """Raise Refused E-SUSPENDED: why, since when, under which article, and what ends it."""
    if stopped.until is None:
        why = f"{stopped.why} {stopped.id}"
    else:
        why = f"{stopped.why} {stopped.id} until {stopped.until.astimezone(LEGAL_ZONE):%Y-%m-%d %H:%M}"
    raise Refused(
        "E-SUSPENDED", stopped.article, act=act, why=why, since=stopped.since, until=stopped.until, id=stopped.id,
        rule=stopped.rule,
    )  # fmt: skip
