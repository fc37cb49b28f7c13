"""Where one law decides: a tender's life is read from the log, the law is asked, its row moves on; all in one act.

    expected = await expect(act, tender, "award", {"bid": …})     row lock → life → law → new stage, alerts, next due date
    …                                                             what the act itself writes and records

The life is folded from the tender's own public records, by (tender, type), so an act costs the same however long the
log grows, and nobody's deposit, payment or question is looked at. What the law lets pass late is recorded as
`alert-raised` in the very act (log.md §8, V15); what it does not let pass is refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from audit.act import Act, pool
from audit.alerts import Alert, raise_in
from audit.canon import parse, stamp
from audit.refusal import Refused
from trading.law import regimes, rulebook
from trading.law.agenda import Due, agenda
from trading.law.history import NOTHING, Facts, Happened, Life, live, read_facts
from trading.law.life import Granted, ask
from trading.law.rulebook import Rulebook
from trading.law.stages import ACTS
from trading.tenders import LOCKED, arm, locked

Query = Callable[..., Awaitable[list[Any]]]

FOLDED = (
    "keyset-made", "project-announced", "documents-issued", "documents-amended", "deadline-moved", "closed", "abandoned",
    "stage-settled", "bid-rejected", "price-corrected", "report-received", "candidates-published", "evaluation-closed",
    "awarded", "award-notified", "report-filed", "contract-signed", "contract-published", "contract-filed",
    "line-corrected", "remedy-filed", "remedy-accepted", "remedy-refused", "remedy-answered", "suspension-ordered",
    "suspension-lifted",
    "securities-settled", "idle-warned", "tender-failed", "tender-terminated", "archived",
)  # fmt: skip
"""What a life is made of. Deposits, payments, questions, releases and verdicts are not: the row says how far those are."""
RECORDS: Mapping[str, str] = {act: what for what, act in ACTS.items()}
"""Which record an act leaves: the reverse of `stages.ACTS`."""
STARTING = frozenset(
    {
        "receive-report", "publish-candidates", "award", "notify-award", "sign-contract", "file-remedy", "accept-remedy",
        "answer-remedy", "lift-suspension",
    }
)  # fmt: skip
"""Acts after which a longest period runs, or goes on: the timer `due` looks when it has ended."""
_BEFORE_OPENING = frozenset({"named", "keyed", "announced", "closed", "shut"})


@dataclass(frozen=True)
class Expected:
    """An act the law allows: the locked row as it was, where the act leads, what the law said, and the life before it."""

    row: Any
    state: str
    granted: Granted
    life: Life


def book_of(row: Any, now: datetime) -> Rulebook:
    """The rulebook pinned to a tender; before its announcement, the one it would be announced under today."""
    if row["rulebook"] is not None:
        return _read(bytes(row["rulebook"]))
    return rulebook.pin(regimes.regime(row["regime"]), now, row["region"])


@lru_cache(maxsize=256)
def _read(data: bytes) -> Rulebook:
    return rulebook.read(data)


async def load(query: Query, row: Any, now: datetime) -> Life:
    """The life of a tender, from its row (`tenders.LOCKED`) and its public records up to now."""
    records = await query(_HISTORY, row["id"], list(FOLDED), row["state"] not in _BEFORE_OPENING)
    history = [
        Happened.told(r["type"], r["made_at"], NOTHING if r["record"] is None else parse(r["record"])) for r in records
    ]
    # The row is what was locked: a tender counts as opened once the last envelope is, and not with the first.
    return replace(live(book_of(row, now), history), stage=row["state"])


_HISTORY = """
SELECT id, type, record, made_at FROM log_record WHERE tender = $1 AND type = ANY ($2) AND nonce IS NULL
UNION ALL (SELECT id, type, NULL, made_at FROM log_record WHERE $3 AND tender = $1 AND type = 'unsealed'
           ORDER BY id LIMIT 1)
ORDER BY id"""


async def read(tender: str) -> tuple[Any, Life, datetime]:
    """A tender's row, life and the log's time, outside any act. Refused: W-UNKNOWN."""
    row = await pool().fetchrow(LOCKED, tender)
    if row is None:
        raise Refused("W-UNKNOWN")
    now = await pool().fetchval("SELECT log_now()")
    return row, await load(pool().fetch, row, now), now


async def expect(
    act: Act, tender: str, what: str, facts: Facts = NOTHING, *, row: Any = None, move: bool = True, **more: Any
) -> Expected:
    """Ask the law for an act and take its step; `facts` are the fields of the record to come, `more` what only the asker
    knows (life.py). `row`: the tender's row if this act has locked it already; `move`: write the stage it leads to.

    Refused: W-UNKNOWN, and whatever the law refuses: E-STAGE, E-SUSPENDED, E-PERIOD … with article and derivation.
    """
    if row is None:
        row = await locked(act, tender)
    life = await load(act.query, row, act.now)
    known = read_facts(facts)
    granted = ask(life, what, act.now, {**known, **more})
    if granted.late:
        remedy = known.get("remedy")
        missed = [late(tender, what, due.rule.id, due.not_after, remedy) for due in granted.late]
        await raise_in(act, tender, missed)
    if move and granted.stage != row["state"]:
        await act.query(
            "UPDATE trading_tender SET state = $2, version = version + 1 WHERE id = $1", tender, granted.stage
        )
    if what in STARTING:
        after = replace(life.after(Happened(what, act.now, known)), stage=granted.stage)
        if (following := next_due(after, act.now)) is not None:
            await arm(act, "due", tender, following)
    return Expected(row, granted.stage, granted, life)


def owed(life: Life, now: datetime) -> list[tuple[Due, datetime]]:
    """What somebody must do by a day of the law, each with its last moment: the days in which it had to wait added."""
    if not life.history:
        return []
    found = [(due, due.not_after) for due in agenda(life, now) if due.owed and due.not_after and due.suspended is None]
    since = life.history[0].at
    return [(due, moment + life.waited(due.act, since, now)) for due, moment in found]


def next_due(life: Life, now: datetime) -> datetime | None:
    """When the next longest period ends, after now; None: none runs."""
    return min((moment for _, moment in owed(life, now) if moment > now), default=None)


async def overdue(tender: str) -> tuple[list[Alert], datetime | None]:
    """The alerts of what is overdue now, and when to look again. Refused: W-UNKNOWN."""
    row, life, now = await read(tender)
    if row["state"] == "archived":
        return [], None
    missed = [
        late(tender, due.act, due.rule, due.not_after, due.about or None)
        for due, moment in owed(life, now)
        if moment <= now and due.not_after is not None
    ]
    return missed, next_due(life, now)


async def shown(tender: str) -> dict[str, Any]:
    """What may come next in a tender's life, and what makes it wait: all from public records. Refused: W-UNKNOWN."""
    row, life, now = await read(tender)
    if row["announced_at"] is None or row["state"] == "archived":
        return {"tender": tender, "state": row["state"], "now": now, "suspension": None, "items": []}
    stopped = life.suspension(now)
    items = [
        {
            "act": due.act,
            "about": due.about or None,
            "not_before": due.not_before,
            "not_after": due.not_after,
            "rule": due.rule or None,
            "article": str(due.article) if due.article else None,
            "derivation": due.derivation,
            "owed": due.owed,
            "overdue": due.owed and due.suspended is None and due.not_after is not None and due.not_after <= now,
            "suspended": due.suspended is not None,
        }
        for due in agenda(life, now)
    ]
    suspension = None
    if stopped is not None:
        suspension = {name: getattr(stopped, name) for name in ("why", "id", "scope", "since", "until", "rule")} | {
            "article": str(stopped.article or "")
        }
    return {"tender": tender, "state": row["state"], "now": now, "suspension": suspension, "items": items}


def late(tender: str, act: str, rule: str, not_after: datetime, remedy: str | None) -> Alert:
    """The alert of a longest period that ran out. It is the same one, raised once, whether a timer saw that nobody acted
    or somebody acted late."""
    facts = {"act": "accept-remedy" if act == "refuse-remedy" else act, "due": stamp(not_after)}
    return Alert(rule, tender, facts | ({"remedy": remedy} if remedy else {}), tender)


async def told(act: Act, tender: str) -> None:
    """Something public of the tender has changed besides its stage: its ETag follows."""
    await act.query("UPDATE trading_tender SET version = version + 1 WHERE id = $1", tender)
