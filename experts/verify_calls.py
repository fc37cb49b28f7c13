"""Verification of an archive, V13: who was called, in which order, what became of each, who was seated (draw.md §2.4–6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations, pairwise
from typing import Any, Final

from audit.refusal import Broken
from audit.report import Found
from experts.told import ACCEPTED, CALLS_FILE, LOST, NO_ANSWER, SEATED, Draw, Fact, Told
from experts.verify_draw import Pool

APART: Final = timedelta(minutes=10)  # draw.md §2.5
UNCALLED: Final = frozenset({"declined", "conflict", "no_show", "removed"})
"""What may follow without a call; the last two never come of one."""
MANY: Final = 30
"""Per cent unreachable from which on there is an alert (draw.md §2.5)."""
HIDDEN: Final = 3
"""A pool below so many times the seats is too small to hide in (draw.md §1)."""


@dataclass
class Course:
    """What became of every leaf that was called. Leaves as the hex they are in records."""

    records: dict[str, list[Fact]] = field(default_factory=lambda: defaultdict(list))
    accepted: dict[str, int] = field(default_factory=dict)
    """The index at which each accepted first."""
    lost: dict[str, Fact] = field(default_factory=dict)

    def is_lost(self, leaf: str, before: int) -> bool:
        """Whether a record below an index says that the leaf is lost."""
        return leaf in self.lost and self.lost[leaf].index < before

    def sits(self, leaf: str, at: int) -> bool:
        """Whether it has accepted below an index and was not lost there."""
        return self.accepted.get(leaf, at) < at and not self.is_lost(leaf, at)


def check_tries(told: Told, draw: Draw, found: Found) -> Course:
    """Every record of a call by itself and against those of the same leaf before it."""
    course = Course()
    for fact in draw.last.of("draw-called"):
        leaf, outcome = fact["leaf"], fact["outcome"]
        with found.at(fact.at):
            _check_try(told, draw, course, fact)
        course.records[leaf].append(fact)
        if outcome == ACCEPTED:
            course.accepted.setdefault(leaf, fact.index)
        if outcome in LOST:
            course.lost.setdefault(leaf, fact)
    return course


def _check_try(told: Told, draw: Draw, course: Course, fact: Fact) -> None:
    leaf, outcome, before = fact["leaf"], fact["outcome"], course.records[fact["leaf"]]
    if leaf in course.lost:
        raise Broken("D-LOST", leaf=leaf, outcome=course.lost[leaf]["outcome"])
    if fact["try"] == 0:
        follows = outcome in ("conflict", "removed") or leaf in course.accepted
        if outcome not in UNCALLED or fact["channel"] or fact["answer"] is not None or not follows:
            raise Broken("D-TRY", number=0, outcome=outcome)
        if outcome == "removed" or (outcome == "conflict" and not _declared(draw, leaf, fact.index)):
            told.check_authority(fact)
        return
    if fact["try"] != 1 + sum(one["try"] > 0 for one in before):
        raise Broken("D-TRY", number=fact["try"], outcome=outcome)
    if not fact["channel"] or outcome in ("no_show", "removed"):
        raise Broken("D-TRY", number=fact["try"], outcome=outcome)
    if outcome == "unreachable":
        silent = [
            one for one in (*before, fact) if one["outcome"] in (NO_ANSWER, outcome) and one["answer"] is not None
        ]
        apart = (
            one["channel"] != other["channel"] and other.time - one.time >= APART
            for one, other in combinations(silent, 2)
        )
        if not any(apart):
            raise Broken("D-UNREACHABLE", tries=len(silent))


def _declared(draw: Draw, leaf: str, before: int) -> bool:
    """Whether the member declared a conflict; that it signed is asked of the declaration."""
    return any(
        fact["conflict"] and fact["leaf"] == leaf and fact.index < before for fact in draw.last.of("conflict-declared")
    )


def check_order(draw: Draw, course: Course, pool: Pool, found: Found) -> None:
    """Nobody is called who is not in the pool, before somebody who stands before him, or for a seat that is taken."""
    needed = {one.specialty: one.count for one in draw.need}
    places = {leaf.hex(): j for queue in pool.queues.values() for j, leaf in enumerate(queue)}
    for leaf, facts in course.records.items():
        part = pool.parts.get(bytes.fromhex(leaf))
        if part is None:
            found.fault(facts[0].at, "D-PHANTOM", leaf=leaf)
            continue
        for fact in facts:
            if fact["specialty"] != part:
                found.fault(fact.at, "D-SPECIALTY", leaf=leaf, specialty=part)
        ahead = [other.hex() for other in pool.queues[part][: places[leaf]]]
        gone = sum(course.is_lost(other, facts[0].index) for other in ahead)
        if gone < places[leaf] - needed[part] + 1:
            skipped = [other for other in ahead if other not in course.records]
            found.fault(facts[0].at, "D-SKIPPED" if skipped else "D-OPEN", leaf=leaf, ahead=(skipped or ahead)[0])
    for fact in draw.last.of("panel-exhausted"):
        queue = [leaf.hex() for leaf in pool.queues.get(fact["specialty"], [])]
        called = all(leaf in course.records and course.records[leaf][0].index < fact.index for leaf in queue)
        left = sum(not course.is_lost(leaf, fact.index) for leaf in queue)
        if fact["specialty"] not in needed or not called or left >= needed[fact["specialty"]]:
            found.fault(fact.at, "D-EXHAUSTED", specialty=fact["specialty"], left=left)


def check_seated(draw: Draw, course: Course, found: Found) -> None:
    """As many leaves as are needed, in the order of the needs, each accepted and none lost; who stays keeps the seat."""
    seatings, blocks = draw.last.of("panel-seated"), draw.blocks
    for before, fact in pairwise([None, *seatings]):
        assert fact is not None
        leaves = fact["leaves"]
        with found.at(fact.at):
            if len(leaves) != len(blocks) or len(set(leaves)) != len(leaves):
                raise Broken("D-SEATED", leaves=len(leaves), needed=len(blocks))
            for leaf, specialty in zip(leaves, blocks, strict=True):
                records = course.records.get(leaf)
                if not records or records[0]["specialty"] != specialty or not course.sits(leaf, fact.index):
                    raise Broken("D-UNSEATED", leaf=leaf)
            for old, new in zip(() if before is None else before["leaves"], leaves, strict=False):
                if old != new and not course.is_lost(old, fact.index):
                    raise Broken("D-UNSEATED", leaf=old)


def check_panel(told: Told, draw: Draw, found: Found) -> None:
    """Where candidates were published, a panel sat below them, and nobody was called when the last one was seated."""
    seatings, published = draw.last.of("panel-seated"), told.facts("candidates-published")
    if published:
        with found.at(published[0].at):
            if not seatings or seatings[0].index > published[0].index:
                raise Broken("D-NO-PANEL")
            for fact in draw.last.of("draw-called"):
                if fact.index > seatings[-1].index:
                    raise Broken("D-UNSEATED", leaf=fact["leaf"])


def check_calls_file(told: Told, draw: Draw, course: Course, found: Found) -> None:
    """`calls.json` says what the records say."""
    path = f"{draw.last.folder}calls.json"
    with found.at(path):
        if told.file(path, CALLS_FILE)["calls"] != tuple(calls_of(course.records, draw.last.of("panel-seated"))):
            raise Broken("D-CALLS")


def calls_of(records: dict[str, list[Fact]], seatings: Sequence[Fact]) -> list[dict[str, Any]]:
    """The rows of `calls.json`, in the order of the first record of each leaf."""
    seated = set(seatings[-1]["leaves"]) if seatings else set()
    rows = []
    for leaf, facts in sorted(records.items(), key=lambda one: one[1][0].index):
        last = facts[-1]["outcome"]
        rows.append(
            {
                "leaf": leaf,
                "specialty": facts[0]["specialty"],
                "outcome": SEATED if leaf in seated and last not in LOST else last,
                "records": tuple(fact.index for fact in facts),
            }
        )
    return rows


def note_calls(draw: Draw, course: Course, found: Found) -> None:
    """What a supervisor wants to see at a glance; nothing of it fails."""
    record, called = draw.first, len(course.records)
    accepted, seats = len(course.accepted), len(draw.blocks)
    unreachable = sum(fact["outcome"] == "unreachable" for fact in course.lost.values())
    share = 100 * unreachable // called if called else 0
    found.note(
        record.at, "D-CALLED", called=called, accepted=accepted, unreachable=share, pool=record["pool_size"], seats=seats
    )  # fmt: skip
    if 100 * unreachable > MANY * called:
        found.note(record.at, "D-MANY-UNREACHABLE", unreachable=unreachable, called=called)
