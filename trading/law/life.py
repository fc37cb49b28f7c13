"""The life of a tender, asked before every act: may it be done now, under which article, and else from when on?

    life = live(rulebook, history)          # what has happened, in the order in which it happened
    granted = ask(life, "award", now, {"bid": "…"})
    life = life.after(Happened("award", now, {"bid": "…"}))

`ask` raises `Refused` with the article, the earliest (or latest) lawful time and its derivation; what a longest period
should have prevented goes on, and is told in `Granted.breaches`: whoever acts records an `alert-raised` with the rule's
id. The same function judges archives (log.md §8, V15), there with `lenient`: without a calendar of holidays.

Facts are the fields of the act's record (log.md §1) with times as `datetime`; besides them, where the asker knows them:

| act | further facts |
|---|---|
| announce | `predecessor_stage` |
| amend-documents | `moved`: the deadline set in the same act; `beats` |
| move-deadline | `beats`: four beats of the log, as a timedelta; `office`: whether office hours are kept |
| receive-report | `evaluated`: when the evaluation ended |
| publish-candidates, fail | `qualified`: how many bids may win; `auction`: `open`, `sold`, `below_reserve` |
| return-security | `since`: when the withdrawal came |
| warn-idle, terminate | `registered`: when the project's registration was accepted |

What is not given is not asked for. What has happened is a value (`history.py`); what each act asks stands in `steps.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trading.law.asking import Asking, refuse_suspended
from trading.law.bounds import Due
from trading.law.history import NOTHING, Facts, Happened, Life, Remedy, Suspension, live, read_facts
from trading.law.periods import Span
from trading.law.stages import step
from trading.law.steps import CHECKS

__all__ = [
    "Granted", "Happened", "Life", "Remedy", "Suspension", "ask", "judge", "live", "read_facts",
]  # fmt: skip


@dataclass(frozen=True)
class Granted:
    """An act that may be done. `breaches`: ids of the longest periods that it comes too late for, `late` how each was
    counted: it is done all the same, and an alert says so. `extend`: the earliest deadline to be set in the same act."""

    act: str
    stage: str
    """Where it leads."""
    spans: tuple[Span, ...] = ()
    """The shortest periods that were kept."""
    breaches: tuple[str, ...] = ()
    late: tuple[Due, ...] = ()
    extend: datetime | None = None


def ask(life: Life, act: str, now: datetime, facts: Facts = NOTHING, *, lenient: bool = False) -> Granted:
    """Whether an act may be done now. Raises Refused: E-STAGE (out of turn), E-SUSPENDED, E-PERIOD (too early: `earliest`),
    E-PERIOD-OVER, E-REMEDY-LATE (too late: `latest`), E-CALENDAR, and what single acts ask (`steps.py`)."""
    return judge(life, Happened(act, now, facts), lenient=lenient)


def judge(life: Life, happened: Happened, *, lenient: bool = False) -> Granted:
    """`ask` for an act with the times a verifier may rely on. `lenient`: no calendar of holidays, nothing sealed known."""
    act = happened.what
    stage = step(life.stage, act)
    stopped = life.suspension(happened.latest, act, lenient=lenient)
    if stopped is not None:
        refuse_suspended(stopped, act)
    asking = Asking(life, happened, life.lenient_book if lenient else life.book, lenient)
    check = CHECKS.get(act)
    if check is not None:
        check(asking)
    return Granted(
        act,
        stage,
        tuple(asking.spans),
        tuple(due.rule.id for due in asking.late),
        tuple(asking.late),
        asking.extend,
    )
