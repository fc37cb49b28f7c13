"""What an archive says of the draws of one tender, typed: the facts that V13 judges (draw.md §4).

Experts do not know bidding, which reads the records of an archive, nor the law: both are handed down, facts as
`bidding.case` makes them and the law as `PanelLaw`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Protocol, TypeVar

from audit import wire
from audit.refusal import Broken, Refused
from audit.signature import BadSignature, verify_signatures
from audit.trust import Identities, record_sig_bytes
from audit.verify import Held, Log
from experts.draw import SECRET, Need, is_expert_id, read_need

T = TypeVar("T")

REASONS: Final = (
    "removed", "suspended", "leave", "specialty", "region", "employer", "kin", "interest", "supervisor", "declared",
)  # fmt: skip
"""Why somebody of the roster is not in the pool."""
NO_ANSWER, ACCEPTED, SEATED = "no_answer", "accepted", "seated"
LOST: Final = frozenset({"declined", "conflict", "unreachable", "no_show", "removed"})
"""Outcomes by which a leaf is lost."""
ROLES: Final = ("authority", "custodian", "party", "tenderee")


def _excluded(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or not value.keys() <= set(REASONS):
        raise ValueError("reasons")
    return {reason: wire.integer(1)(count) for reason, count in value.items()}


def expert_id(value: Any) -> str:
    """1 to 64 bytes of UTF-8."""
    if not is_expert_id(value):
        raise ValueError("no id of an expert")
    return str(value)


def experts(value: Any) -> tuple[str, ...]:
    """1 to 1,000 ids, ascending by their bytes."""
    found: tuple[str, ...] = wire.listed(expert_id)(value)
    if not 1 <= len(found) <= 1000 or list(found) != sorted(set(found), key=str.encode):
        raise ValueError("1 to 1000 ids, ascending")
    return found


DRAW_ID: Final = wire.hexadecimal(16)
_OF_TENDER: Mapping[str, wire.Reader] = {"tender": wire.text, "draw": DRAW_ID}
_OF_ATTEMPT: Mapping[str, wire.Reader] = {**_OF_TENDER, "attempt": wire.integer(1)}
_NONCE: Mapping[str, wire.Reader] = {
    **_OF_ATTEMPT,
    "i": wire.integer(1),
    "object": wire.base64(),
    "sig_hash": wire.HASH,
}

READERS: Mapping[str, tuple[int, Mapping[str, wire.Reader]]] = {
    "panel-requested": (
        13,
        {**_OF_TENDER, "need": read_need, "representatives": wire.integer(0), "meets": wire.time},
    ),
    "draw-committed": (
        13,
        {
            **_OF_ATTEMPT,
            "need": read_need,
            "representatives": wire.integer(0),
            "meets": wire.time,
            "pool_root": wire.HASH,
            "pool_size": wire.integer(0),
            "leaves": wire.HASH,
            "roster_root": wire.HASH,
            "roster_size": wire.integer(0),
            "excluded": _excluded,
            "secret_commit": wire.HASH,
            "parties": wire.listed(wire.nested({"i": wire.integer(1), "id": wire.text})),
            "reveal_by": wire.time,
            "approved": wire.listed(wire.anything),
        },
    ),
    "draw-nonce-committed": (13, _NONCE),
    "draw-nonce-revealed": (13, _NONCE),
    "draw-voided": (13, {**_OF_ATTEMPT, "culprit": wire.integer(1)}),
    "draw-called": (
        13,
        {
            **_OF_ATTEMPT,
            "leaf": wire.HASH,
            "specialty": wire.name,
            "try": wire.integer(0),
            "channel": wire.string,
            "answer": wire.maybe(wire.HASH),
            "outcome": wire.one_of(NO_ANSWER, ACCEPTED, *sorted(LOST)),
        },
    ),
    "panel-exhausted": (13, {**_OF_ATTEMPT, "specialty": wire.name}),
    "panel-seated": (13, {**_OF_ATTEMPT, "leaves": wire.listed(wire.HASH)}),
    "panel-named": (13, {**_OF_TENDER, "names": wire.HASH}),
    "panel-read": (
        13,
        {**_OF_ATTEMPT, "reader": wire.text, "ground": wire.one_of("seated", "two_keys"), "approved": wire.anything},
    ),
    "seat-keyed": (
        13,
        {**_OF_ATTEMPT, "seat": wire.integer(1), "leaf": wire.maybe(wire.HASH), "key": wire.base64(32)},
    ),
    "conflict-declared": (
        13,
        {
            **_OF_ATTEMPT,
            "seat": wire.integer(1),
            "leaf": wire.maybe(wire.HASH),
            "conflict": wire.flag,
            "sig": wire.anything,
        },
    ),
    "scores-committed": (13, {**_OF_TENDER, "seat": wire.integer(1), "commit": wire.HASH, "sig": wire.anything}),
    "report-answered": (
        13,
        {
            **_OF_TENDER,
            "seat": wire.integer(1),
            "report": wire.HASH,
            "answer": wire.one_of("signed", "dissent", "silent"),
            "reason": wire.maybe(wire.HASH),
            "sig": wire.anything,
        },
    ),
    "expert-admitted": (13, {"experts": experts, "by": wire.text, "sig": wire.anything}),
}
"""Every type of draw.md §4, each first read by V13."""
OF_ATTEMPT = tuple(name for name, (_, fields) in READERS.items() if "attempt" in fields and name != "draw-committed")
OF_DRAW = tuple(name for name, (_, fields) in READERS.items() if "draw" in fields and "attempt" not in fields)


class Fact(Protocol):
    """A well-formed record, as `bidding.case.Fact`."""

    @property
    def held(self) -> Held: ...

    @property
    def index(self) -> int: ...

    @property
    def at(self) -> str: ...

    @property
    def time(self) -> datetime: ...

    @property
    def since(self) -> datetime: ...

    @property
    def hash(self) -> str: ...

    def __getitem__(self, name: str) -> Any: ...


@dataclass(frozen=True)
class PanelLaw:
    """What the law and the notice ask of a panel, as values and as questions that raise Refused."""

    check_members: Callable[[int, int], None] = lambda experts, representatives: None
    """(experts, representatives): enough, an odd number, two thirds experts."""
    check_time: Callable[[datetime, datetime], None] = lambda drawn, meets: None
    """Whether it may be drawn then, to meet then."""
    seats: int = 0
    """The seats of the notice; 0: it says none."""
    admitted_days: int = 0
    """How many days an admission to the roster is older than a draw."""
    random: str = ""
    """The rule that asks for a draw; "": none does."""


class Attempt:
    """One attempt of a draw: its record, and the records that bear its number, by type and in the order of the log."""

    def __init__(self, record: Fact) -> None:
        self.record = record
        self.records: dict[str, list[Fact]] = {name: [] for name in OF_ATTEMPT}

    @property
    def folder(self) -> str:
        """Where its files lie."""
        return f"draw/{self.record['draw']}/{self.record['attempt']}/"

    def of(self, name: str) -> list[Fact]:
        """Its records of one type."""
        return self.records[name]

    @cached_property
    def parties(self) -> dict[int, str]:
        """Ids by number."""
        return {party["i"]: party["id"] for party in self.record["parties"]}

    @cached_property
    def reveals(self) -> dict[int, Fact]:
        """The first reveal of each party, if it was in time."""
        found: dict[int, Fact] = {}
        for fact in self.of("draw-nonce-revealed"):
            if fact["i"] in self.parties and fact.time <= self.record["reveal_by"]:
                found.setdefault(fact["i"], fact)
        return found

    @property
    def is_complete(self) -> bool:
        """Whether everybody revealed in time: then there is an order."""
        return bool(self.parties) and self.reveals.keys() == self.parties.keys()

    @property
    def ordered_at(self) -> int:
        """The index of the last reveal: below it nobody can know the order."""
        return max(fact.index for fact in self.reveals.values())


@dataclass
class Draw:
    """A draw: its attempts, the last of which is the one that calls."""

    id: str
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def first(self) -> Fact:
        """The record that settles need, pool and roster."""
        return self.attempts[0].record

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]

    @property
    def need(self) -> tuple[Need, ...]:
        return tuple(self.first["need"])

    @property
    def blocks(self) -> list[str]:
        """The specialty of each drawn seat: seat n has the n-th."""
        return [one.specialty for one in self.need for _ in range(one.count)]

    @property
    def members(self) -> int:
        """All seats: the drawn, then the representatives'."""
        return len(self.blocks) + int(self.first["representatives"])

    def of(self, name: str) -> list[Fact]:
        """The records of one type of all attempts."""
        return [fact for attempt in self.attempts for fact in attempt.of(name)]


@dataclass(frozen=True)
class Told:
    """All that V13 is handed."""

    facts: Callable[[str], Sequence[Fact]]
    log: Log
    tender: str
    identities: Identities
    law: PanelLaw

    @property
    def shown(self) -> bool:
        """Whether what was sealed in the evaluation may be in the archive."""
        return bool(self.facts("evaluation-closed"))

    def file(self, path: str, reader: Callable[[Any], T]) -> T:
        """A file, read. Broken V-MISSING, D-FILE."""
        if path not in self.log.files:
            raise Broken("V-MISSING", path=path)
        try:
            return reader(self.log.files.value(path))
        except ValueError as why:
            raise Broken("D-FILE", path=path, problem=str(why)) from why

    def keys(self, id: str, at: datetime, roles: Collection[str] = ROLES) -> set[bytes]:
        """The identity keys of somebody that are in force."""
        found = set()
        for role in roles:
            try:
                found.add(self.identities.key(id, role, at))
            except Refused:
                continue
        return found

    def check_authority(self, fact: Fact) -> None:
        """That the record's `sig` is its `by`'s, an authority in force. Broken D-AUTHORITY, BadSignature."""
        body = fact.held.body
        by = self.log.trust.parties.authorities_of(body.get("sig"), record_sig_bytes(body), fact.since)
        if by != {body.get("by")}:
            raise Broken("D-AUTHORITY", by=str(body.get("by")))


def check_one(sig: Any, message: bytes, keys: Collection[bytes]) -> None:
    """That this is one signature, under one of these keys. Raises BadSignature."""
    signers = verify_signatures(sig, message)
    if len(signers) != 1 or signers[0].alg != "EdDSA" or signers[0].x5c or signers[0].key not in keys:
        raise BadSignature("signer")


def own_bytes(fact: Fact, without: str) -> bytes:
    """The record-sig bytes of a record without one more field, which holds the signatures."""
    return record_sig_bytes({name: value for name, value in fact.held.body.items() if name != without})


def owed_files(draws: Sequence[Draw], *, shown: bool, public: bool) -> Iterator[str]:
    """The files of `draw/` that an archive owes (draw.md §4)."""
    for draw in draws:
        for attempt in draw.attempts:
            names = ["commit", "nonces"]
            if shown and attempt.is_complete:
                names += ["secret", "leaves", "calls"] if public else ["secret", "leaves", "calls", "names"]
            yield from (f"{attempt.folder}{name}.json" for name in names)


def read_draws(facts: Callable[[str], Sequence[Fact]]) -> tuple[list[Draw], list[Fact]]:
    """The draws in the order of the log, and the records that belong to none of them."""
    draws: dict[str, Draw] = {}
    attempts: dict[tuple[str, int], Attempt] = {}
    for record in facts("draw-committed"):
        attempt = Attempt(record)
        draws.setdefault(record["draw"], Draw(record["draw"])).attempts.append(attempt)
        attempts.setdefault((record["draw"], record["attempt"]), attempt)
    lost = []
    for name in OF_ATTEMPT:
        for fact in facts(name):
            found = attempts.get((fact["draw"], fact["attempt"]))
            if found is None or fact.index < found.record.index:
                lost.append(fact)
            else:
                found.of(name).append(fact)
    for name in OF_DRAW:
        if name != "panel-requested":
            lost += [
                fact
                for fact in facts(name)
                if fact["draw"] not in draws or fact.index < draws[fact["draw"]].first.index
            ]
    return list(draws.values()), lost


SECRET_FILE = wire.nested({"secret": wire.hexadecimal(SECRET)})
LEAVES_FILE = wire.nested(
    {"leaves": wire.listed(wire.nested({"leaf": wire.HASH, "specialties": wire.listed(wire.name)}))}
)
CALLS_FILE = wire.nested(
    {
        "calls": wire.listed(
            wire.nested(
                {
                    "leaf": wire.HASH,
                    "specialty": wire.name,
                    "outcome": wire.name,
                    "records": wire.listed(wire.integer(0)),
                }
            )
        )
    }
)
NAMES_FILE = wire.nested(
    {
        "roster": wire.listed(
            wire.nested(
                {
                    "leaf": wire.HASH,
                    "expert": expert_id,
                    "salt": wire.hexadecimal(16),
                    "excluded": wire.maybe(wire.one_of(*REASONS)),
                }
            )
        )
    }
)


def nonces_file(value: Any) -> dict[int, Mapping[str, Any]]:
    """`nonces.json`: by party, ascending; without `reveal` and `sig` where nothing was revealed."""
    found: dict[int, Mapping[str, Any]] = {}
    committed: dict[str, wire.Reader] = {
        "i": wire.integer(1),
        "commit": wire.base64(),
        "commit_sig": wire.listed(wire.anything),
    }
    revealed = {**committed, "reveal": wire.base64(), "sig": wire.listed(wire.anything)}
    entries = wire.members(value, {"nonces": wire.listed(wire.anything)})["nonces"]
    for entry in entries:
        whole = isinstance(entry, dict) and "reveal" in entry
        read = wire.members(entry, revealed if whole else committed)
        if found and read["i"] <= max(found):
            raise ValueError("not ascending")
        found[read["i"]] = read
    return found
