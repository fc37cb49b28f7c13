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
from trading.law.history import NOTHING, Facts, Happened, Life, live, read_facts
from trading.law.life import Granted, ask
from trading.law.rulebook import Rulebook
from trading.law.stages import ACTS
from trading.tenders import LOCKED, locked

Query = Callable[..., Awaitable[list[Any]]]

FOLDED = (
    "keyset-made", "project-announced", "documents-issued", "documents-amended", "deadline-moved", "closed", "abandoned",
    "stage-settled", "bid-rejected", "price-corrected", "report-received", "candidates-published", "evaluation-closed",
    "awarded", "award-notified", "report-filed", "contract-signed", "contract-published", "contract-filed", "remedy-filed",
    "remedy-accepted", "remedy-refused", "remedy-answered", "suspension-ordered", "suspension-lifted",
    "securities-settled", "idle-warned", "tender-failed", "tender-terminated", "archived",
)  # fmt: skip
"""What a life is made of. Deposits, payments, questions, releases and verdicts are not: the row says how far those are."""
RECORDS: Mapping[str, str] = {act: what for what, act in ACTS.items()}
"""Which record an act leaves: the reverse of `stages.ACTS`."""
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
        await raise_in(act, tender, [late(tender, what, known, due) for due in granted.late])
    if move and granted.stage != row["state"]:
        await act.query(
            "UPDATE trading_tender SET state = $2, version = version + 1 WHERE id = $1", tender, granted.stage
        )
    return Expected(row, granted.stage, granted, life)


def late(tender: str, what: str, facts: Facts, due: Any) -> Alert:
    """The alert of a longest period that ran out. It is the same one, raised once, whether a timer saw that nobody acted
    or somebody acted late."""
    about = {name: facts[name] for name in ("remedy",) if facts.get(name)}
    return Alert(due.rule.id, tender, {"act": what, "due": stamp(due.not_after), **about}, tender)


async def told(act: Act, tender: str) -> None:
    """Something public of the tender has changed besides its stage: its ETag follows."""
    await act.query("UPDATE trading_tender SET version = version + 1 WHERE id = $1", tender)
