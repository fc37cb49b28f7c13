"""What an archive says of one tender, read and typed: the facts that V6–V16 judge (log.md §1's table).

A record whose fields are missing or of another type is no fact; it is kept apart under the number of the step that
reads it first, which names it. So every later rule may rely on the types it sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from audit import wire
from audit.refusal import Broken, Refused
from audit.report import Found
from audit.verify import Held, Log
from bidding.container import check_schema
from bidding.keys import Keyset

CLOSING = frozenset({"deposited", "withdrawn", "refused", "erased"})
"""Blinded records of a tender that its closing discloses; registrations of bidders' keys besides."""


def _keysets(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise ValueError("no stage")
    return {wire.name(stage): wire.HASH(keyset) for stage, keyset in value.items()}


def _schema(value: Any) -> dict[str, Any]:
    try:
        check_schema(value)
    except Refused as why:
        raise ValueError(why.facts["why"]) from why
    return dict(value)


def _outage(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    return wire.members(value, {"from": wire.time, "to": wire.time, "probes": wire.listed(wire.HASH)})


Readers = Mapping[str, tuple[int, Mapping[str, wire.Reader]]]
"""By type: the step that reads it first, and the fields that are read."""

READERS: Readers = {
    "trust-published": (7, {"policy": wire.HASH, "parties": wire.HASH}),
    "identity-vouched": (7, {"id": wire.text}),
    "custodian-key-registered": (7, {"statement": wire.HASH, "sig_hash": wire.HASH}),
    "rehearsed": (
        7,
        {
            "statement": wire.HASH,
            "challenge": wire.hexadecimal(32),
            "r": wire.hexadecimal(32),
            "proof": wire.hexadecimal(32),
            "sig": wire.listed(wire.anything),
        },
    ),
    "keyset-made": (7, {"tender": wire.text, "stage": wire.name, "keyset": wire.HASH}),
    "project-announced": (
        7,
        {
            "tender": wire.text,
            "regime": wire.text,
            "rulebook": wire.HASH,
            "keysets": _keysets,
            "deadline": wire.time,
            "min_bids": wire.integer(0),
            "direction": wire.one_of("buy", "sell"),
            "baseline": wire.maybe(wire.whole),
            "currency": wire.text,
            "method": wire.text,
            "opening_schema": _schema,
            "public_stages": wire.listed(wire.name),
            "unvouched": wire.listed(wire.text),
            "window": wire.integer(0),
        },
    ),
    "deadline-moved": (
        15,
        {"tender": wire.text, "deadline": wire.time, "reason": wire.string, "outage": _outage},
    ),
    "bidder-key-registered": (
        8,
        {"bidder": wire.text, "key": wire.base64(), "registration": wire.base64(), "sig_hash": wire.HASH},
    ),
    "deposited": (
        8,
        {
            "tender": wire.text,
            "stage": wire.name,
            "bid": wire.BID,
            "seq": wire.integer(1),
            "manifest": wire.HASH,
            "sig_hash": wire.HASH,
        },
    ),
    "withdrawn": (8, {"tender": wire.text, "bid": wire.BID, "withdrawal": wire.HASH, "sig_hash": wire.HASH}),
    "refused": (
        9,
        {"tender": wire.text, "stage": wire.text, "bidder": wire.text, "code": wire.text, "manifest": wire.HASH},
    ),
    "erased": (
        9,
        {"tender": wire.text, "bid": wire.BID, "stage": wire.name, "seq": wire.integer(1), "root": wire.HASH},
    ),
    "closed": (
        9,
        {
            "tender": wire.text,
            "stage": wire.name,
            "keyset": wire.HASH,
            "count": wire.integer(0),
            "list_root": wire.HASH,
            "events": wire.integer(0),
            "events_root": wire.HASH,
            "deadline": wire.time,
            "opens": wire.flag,
            "reason": wire.string,
        },
    ),
    "abandoned": (9, {"tender": wire.text, "reason": wire.text}),
    "evaluation-closed": (9, {"tender": wire.text, "events": wire.integer(0), "events_root": wire.HASH}),
    "archived": (9, {"tender": wire.text, "last_sserial": wire.integer(0)}),
    "stored": (15, {"tender": wire.text, "stage": wire.name}),
    "window-ended": (
        10,
        {"tender": wire.text, "stage": wire.name, "missing": wire.listed(wire.anything), "sig": wire.anything},
    ),
    "released": (
        10,
        {
            "tender": wire.text,
            "stage": wire.name,
            "i": wire.integer(1),
            "release": wire.HASH,
            "sig_hash": wire.HASH,
        },
    ),
    "stage-settled": (
        10,
        {"tender": wire.text, "stage": wire.name, "admitted": wire.listed(wire.BID), "sig": wire.anything},
    ),
    "unsealed": (
        12,
        {
            "tender": wire.text,
            "stage": wire.name,
            "bid": wire.BID,
            "seq": wire.integer(1),
            "verdict": wire.text,
            "at": wire.listed(wire.integer(1)),
            "opening": wire.anything,
            "findings": wire.listed(wire.integer(1)),
            "unvouched": wire.flag,
        },
    ),
}
"""Every type of log.md §1 that bidding owns, and what it needs of the log's and the announcement's."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = {"project-announced": {"unvouched": []}}
"""What archives older than the text leave out (log.md §8)."""


@dataclass(frozen=True)
class Fact:
    """A well-formed record: ``body`` holds the fields of its type, read."""

    held: Held
    body: Mapping[str, Any]
    since: datetime
    """When keys are looked up for it: its time, but not before a vouching that lies below it, nor long before the first
    checkpoint over it: dated back, it would make valid what has ended."""

    @property
    def index(self) -> int:
        return self.held.index

    @property
    def at(self) -> str:
        """How a fault names it."""
        return self.held.at

    @property
    def time(self) -> datetime:
        return self.held.time

    @property
    def hash(self) -> str:
        """SHA-256 of the record's bytes, hex."""
        return self.held.hash

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


class Case:
    """All facts of one tender, and those of no tender (identities, keys), by type and in the order of the log."""

    def __init__(self, log: Log, readers: Readers = READERS, span: timedelta | None = None) -> None:
        """`span`: by how much a record's time may lie before its checkpoint; None where nobody asks for keys."""
        self.log = log
        self.tender = log.about.tender
        self.public = log.about.public
        self._facts: dict[str, list[Fact]] = defaultdict(list)
        self._malformed: dict[int, list[tuple[str, str]]] = defaultdict(list)
        self.mine: list[Held] = []
        """Every record of the tender that the archive shows, of whatever type."""
        late: datetime | None = None
        for _, held in sorted(log.held.items()):
            if held.name == "identity-vouched":
                late = held.time if late is None else max(late, held.time)
            tender = held.body.get("tender")
            if tender == self.tender:
                self.mine.append(held)
            elif tender is not None:
                continue
            if held.name not in readers:
                continue
            step, fields = readers[held.name]
            if "tender" in fields and tender != self.tender:
                continue
            try:
                body = {**DEFAULTS.get(held.name, {}), **held.body}
                picked = {name: body[name] for name in fields if name in body}
                over = None if span is None else log.time_over(held.index)
                bounds = [late, None if over is None or span is None else over - span]
                since = max([held.time, *(bound for bound in bounds if bound is not None)])
                self._facts[held.name].append(Fact(held, wire.members(picked, fields), since))
            except ValueError as why:
                self._malformed[step].append((held.at, str(why)))

    def facts(self, name: str) -> list[Fact]:
        """The facts of one type."""
        return self._facts[name]

    def name_malformed(self, found: Found) -> None:
        """The records that this step reads first and cannot."""
        for at, why in self._malformed[found.number]:
            found.fault(at, "V-RECORD", why=why)

    # ---------------------------------------------------------------------------------- what everything refers to

    @cached_property
    def announcement(self) -> Fact | None:
        """The one announcement; of several the first, the others being V7's."""
        return next(iter(self.facts("project-announced")), None)

    @cached_property
    def stages(self) -> Mapping[str, str]:
        """Announced stages and their key sets; empty without an announcement."""
        return {} if self.announcement is None else self.announcement["keysets"]

    @cached_property
    def later(self) -> frozenset[str]:
        """Stages whose key set opens later than another's (envelope.md §1); what cannot be read is V7's."""
        opens_at: dict[str, datetime] = {}
        for stage, keyset in self.stages.items():
            with suppress(KeyError, Broken, Refused):
                opens_at[stage] = Keyset.parse(self.log.files.bytes(f"keysets/{keyset}.json")).opens_at
        return frozenset(stage for stage, at in opens_at.items() if at > min(opens_at.values()))

    def may_stay_shut(self, stage: str) -> bool:
        """Whether an envelope of this stage may end without a verdict: the tender was given up after its closing, or,
        where the stage is a later one, failed before it was opened."""
        names = {held.name for held in self.mine}
        return "tender-terminated" in names or (stage in self.later and "tender-failed" in names)

    @cached_property
    def closings(self) -> Mapping[str, Fact]:
        """The first closing of each stage."""
        found: dict[str, Fact] = {}
        for closing in self.facts("closed"):
            found.setdefault(closing["stage"], closing)
        return found

    @cached_property
    def opens(self) -> bool:
        """Whether the tender opened, as its closings say; V9 recomputes it."""
        return bool(self.closings) and all(closing["opens"] for closing in self.closings.values())

    @cached_property
    def shown(self) -> bool:
        """Whether this edition holds the sealed records: it is the supervision's, or the tender opened."""
        return self.opens or not self.public

    def opened(self, stage: str) -> bool:
        """Whether this edition holds payloads, content keys and releases of a stage."""
        if not self.opens or self.announcement is None:
            return False
        return not self.public or stage in self.announcement["public_stages"]

    def deadline(self, before: int | None = None) -> datetime | None:
        """The greatest deadline logged (below an index)."""
        moved = [self.announcement, *self.facts("deadline-moved")]
        logged = [fact["deadline"] for fact in moved if fact and (before is None or fact.index < before)]
        return max(logged, default=None)

    @cached_property
    def told(self) -> Mapping[tuple[str, str, int], list[Fact]]:
        """Every ``unsealed`` by (stage, bid, seq), in the order of the log."""
        found: dict[tuple[str, str, int], list[Fact]] = defaultdict(list)
        for fact in self.facts("unsealed"):
            found[fact["stage"], fact["bid"], fact["seq"]].append(fact)
        return found

    @cached_property
    def abandoned(self) -> bool:
        """Whether the tender was given up before its closing: then it never opens, whoever counts (envelope.md §6)."""
        first = self.first_closing
        return any(first is None or fact.index < first for fact in self.facts("abandoned"))

    @cached_property
    def first_closing(self) -> int | None:
        """The index of the earliest closing, readable or not."""
        return min((held.index for held in self.mine if held.name == "closed"), default=None)


def last(facts: Iterable[Fact]) -> Fact | None:
    """The latest in the log."""
    return max(facts, key=lambda fact: fact.index, default=None)
