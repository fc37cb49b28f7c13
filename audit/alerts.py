"""Alerts: rules folded over what the log shows, and what people answered (log.md §1: `supervisor` records).

The rules are handed down; this file knows none but the log's own. A rule is a fold: it is made fresh, is shown every
record in the order of the feed (public ones, and sealed ones when they are disclosed) and yields alerts. It never sees
what is still sealed, so no alert can betray a deposit before the deadline. An alert is raised once, whoever looks and
however often; it stays until a person answers it, and the answer is a record too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.act import Act, Actor, RecordRef, acting, pool
from audit.canon import canon, parse, sha256_hex
from audit.feed import START, Place, Shown, events
from audit.record import ALERT_ANSWERED, ALERT_RAISED, is_public
from audit.refusal import Refused
from audit.sequencer import SKEW, Status
from audit.tiles import Published

LOCK = 0x6C6F672D616C7274  # "log-alrt": one at a time may raise
PAGE = 500
PATIENCE = 4  # beats without a quorum: a longer gap is an outage (log.md §5)


@dataclass(frozen=True)
class Alert:
    """Something a supervisor should look at: which rule, about what, and the facts its sentence needs."""

    rule: str  # a code of the message catalogue
    subject: str
    facts: dict[str, Any] = field(default_factory=dict)
    tender: str | None = None  # every record of a tender carries it (log.md §1), or its supervisors' serial has a gap

    @property
    def id(self) -> str:
        """The same finding has the same id, so it is raised once (hex)."""
        return sha256_hex(canon({"rule": self.rule, "subject": self.subject, "facts": self.facts}))


@dataclass(frozen=True)
class Raised:
    """An alert as it stands in the log."""

    id: str
    rule: str
    subject: str
    facts: dict[str, Any]
    time: str
    answer: str | None


Fold = Callable[[dict[str, Any], Shown], Iterable[Alert]]
"""One rule at work: (record, how it was shown) → alerts. It may keep what it needs between records."""


def blinded_public() -> Fold:
    """A record of a public type is valid only in clear; under `01` it is void (log.md §2)."""

    def fold(record: dict[str, Any], shown: Shown) -> Iterable[Alert]:
        if shown.nonce is not None and is_public(record["type"]):
            facts = {"index": shown.index, "what": record["type"]}
            yield Alert("L-BLINDED", record["subject"], facts, record.get("tender"))

    return fold


def opened_twice() -> Fold:
    """There is one `log-opened`, at index 0."""

    def fold(record: dict[str, Any], shown: Shown) -> Iterable[Alert]:
        if (record["type"] == "trading.log-opened/v1") != (shown.index == 0):
            yield Alert("L-OPENED-TWICE", record["subject"], {"index": shown.index})

    return fold


def once(what: str, *fields: str) -> Callable[[], Fold]:
    """A rule maker: at most one record of type `what` for each value of these fields. A second one is proof of fraud,
    not a correction (log.md §2)."""

    def make() -> Fold:
        seen: dict[tuple[Any, ...], int] = {}

        def fold(record: dict[str, Any], shown: Shown) -> Iterable[Alert]:
            if record["type"] == f"trading.{what}/v1":
                first = seen.setdefault(tuple(record.get(name) for name in fields), shown.index)
                if first != shown.index:
                    facts = {"what": what, "first": first, "second": shown.index}
                    yield Alert("L-TWICE", record["subject"], facts, record.get("tender"))

        return fold

    return make


def conditions(status: Status, origin: str, now: datetime) -> list[Alert]:
    """What is no record and yet worth an alert, at most once an hour: clocks apart (log.md §5), checkpoints that wait
    for their quorum longer than four beats, witnesses that contradict us."""
    hour = now.strftime("%Y-%m-%dT%H")
    found = []
    if status.skew > SKEW.total_seconds():
        found.append(Alert("L-SKEW", origin, {"hour": hour, "seconds": round(status.skew)}))
    if status.pending > PATIENCE:
        found.append(Alert("L-NO-QUORUM", origin, {"hour": hour, "published": status.published}))
    for name, fault in sorted(status.faults.items()):
        if fault in ("L-STATE", "L-FORK"):
            found.append(Alert("L-CONTRADICTED", origin, {"hour": hour, "witness": name, "fault": fault}))
    return found


class Watch:
    """Keeps its place in the feed and raises what the rules find. `rules` are makers of folds, the log's own added."""

    def __init__(self, actor: Actor, published: Published, rules: Sequence[Callable[[], Fold]] = ()) -> None:
        self.actor, self.published = actor, published
        self._folds = [make() for make in (blinded_public, opened_twice, *rules)]
        self._place: Place = START

    async def look(self) -> list[RecordRef]:
        """Read on to the published checkpoint; the `alert-raised` records this made."""
        raised: list[RecordRef] = []
        size = self.published.size()
        while shown := await events(pool(), self._place, PAGE, size):
            found: list[Alert] = []
            for one in shown:
                record = parse(one.record)
                for fold in self._folds:
                    found += fold(record, one)
            raised += await raise_alerts(self.actor, found)
            self._place = shown[-1].place
        return raised


async def raise_alerts(actor: Actor, alerts: Iterable[Alert]) -> list[RecordRef]:
    """Record those that have not been raised before, in an act of its own; also for what is no record (a clock, a gap)."""
    wanted = {alert.id: alert for alert in alerts}
    new = [alert for id, alert in wanted.items() if id not in await _known(list(wanted))]
    if not new:
        return []
    try:
        async with acting(actor) as act:
            return await _raise(act, new)
    except _Nothing:
        return []


class _Nothing(Exception):
    """Another process was faster: an act without a record is rolled back."""


async def raise_in(act: Act, tender: str, alerts: Iterable[Alert]) -> list[RecordRef]:
    """Record alerts of a tender in the act that gives rise to them, under the tender's own lock; each once.

    Only this tender's records are looked at, by (tender, type): the same cost however long the log is.
    """
    wanted = {alert.id: alert for alert in alerts}
    if not wanted:
        return []
    rows = await act.query(f"{_KNOWN} AND tender = $3", ALERT_RAISED.name, list(wanted), tender)
    known = {row["id"] for row in rows}
    return [_state(act, alert) for alert in wanted.values() if alert.id not in known]


async def _raise(act: Act, alerts: list[Alert]) -> list[RecordRef]:
    await act.query("SELECT pg_advisory_xact_lock($1)", LOCK)
    rows = await act.query(_KNOWN, ALERT_RAISED.name, [alert.id for alert in alerts])
    known = {row["id"] for row in rows}
    refs = [_state(act, alert) for alert in alerts if alert.id not in known]
    if not refs:
        raise _Nothing
    return refs


def _state(act: Act, alert: Alert) -> RecordRef:
    body: dict[str, Any] = {"alert": alert.id, "rule": alert.rule, "facts": alert.facts}
    if alert.tender is not None:
        body["tender"] = alert.tender
    return act.record(ALERT_RAISED.name, subject=alert.subject, **body)


async def _known(ids: list[str]) -> set[str]:
    return {row["id"] for row in await pool().fetch(_KNOWN, ALERT_RAISED.name, ids)} if ids else set()


async def answer(actor: Actor, alert: str, words: str) -> RecordRef:
    """A person answers an alert. Refused("E-ALERT") when there is none of this id, or it has been answered."""
    async with acting(actor) as act:
        await act.query("SELECT pg_advisory_xact_lock($1)", LOCK)
        raised = await act.query(_KNOWN, ALERT_RAISED.name, [alert])
        if not raised or await act.query(_KNOWN, ALERT_ANSWERED.name, [alert]):
            raise Refused("E-ALERT", alert=alert)
        tender: dict[str, Any] = {} if raised[0]["tender"] is None else {"tender": raised[0]["tender"]}
        return act.record(ALERT_ANSWERED.name, subject=raised[0]["subject"], alert=alert, answer=words, **tender)


async def standing(subject: str | None = None, *, answered: bool = False) -> list[Raised]:
    """The alerts (of a subject) that wait for an answer, oldest first; with `answered` those that have one too."""
    rows = await pool().fetch(
        "SELECT type, record FROM log_record WHERE type IN ($1, $2) AND ($3::text IS NULL OR subject = $3) ORDER BY id",
        ALERT_RAISED.name,
        ALERT_ANSWERED.name,
        subject,
    )
    found: dict[str, Raised] = {}
    for row in rows:
        record = parse(row["record"])
        if row["type"] == ALERT_RAISED.name:
            found[record["alert"]] = Raised(
                record["alert"], record["rule"], record["subject"], record["facts"], record["time"], None
            )
        else:
            was = found[record["alert"]]
            found[record["alert"]] = Raised(was.id, was.rule, was.subject, was.facts, was.time, record["answer"])
    return [alert for alert in found.values() if answered or alert.answer is None]


_KNOWN = """
SELECT subject, tender, convert_from(record, 'UTF8')::jsonb ->> 'alert' AS id FROM log_record
WHERE type = $1 AND convert_from(record, 'UTF8')::jsonb ->> 'alert' = ANY ($2::text[])"""
