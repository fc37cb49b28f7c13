"""What a closing says, computed from the events alone: by the server that closes, by every custodian that releases.

envelope.md §6.1. Nothing here looks at who asks or what time it is: `list_root`, `events_root`, `count` and `opens` follow
from the records of the box and the signed objects they name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit import merkle
from audit.canon import parse, sha256, unb64
from audit.refusal import Refused
from bidding.manifest import Manifest
from bidding.records import BIDDER_KEY_REGISTERED, DEPOSITED, REFUSED, WITHDRAWN
from bidding.registrations import Keyring, Withdrawal

GIVEN_UP = "abandoned"
"""The `reason` of a closing that comes before its hour because the tender was given up (§6.1)."""
COUNTED = frozenset({DEPOSITED.type, WITHDRAWN.type, REFUSED.type, BIDDER_KEY_REGISTERED.type})
"""Types of records that can be events of a closing; `erased` is none."""


@dataclass(frozen=True)
class SignedAct:
    """A manifest or a withdrawal, and the key it names as signing; `valid` if that key really signed it.

    An invalid signature takes nothing off the list, but a bid that rests on one does not count (§5, §6.2).
    """

    made: Manifest | Withdrawal
    key: bytes
    valid: bool = True


@dataclass(frozen=True)
class Effective:
    """An envelope on the list: the last of its (bid, stage), not withdrawn."""

    manifest: Manifest
    key: bytes
    valid: bool = True


@dataclass(frozen=True)
class StageTally:
    """One stage's numbers, as `closed` holds them. `listed` ascends by bid; `chosen` are the records counted."""

    count: int
    list_root: str
    events: int
    events_root: str
    listed: tuple[Effective, ...]
    chosen: tuple[bytes, ...]

    def place(self, manifest: str) -> tuple[int, tuple[bytes, ...]]:
        """(index, path) of a manifest's hash in `list_root`: `listed` of a receipt (log.md §6). KeyError if unlisted."""
        hashes = sorted(sha256(one.manifest.data) for one in self.listed)
        try:
            index = hashes.index(bytes.fromhex(manifest))
        except ValueError:
            raise KeyError(manifest) from None
        return index, tuple(merkle.inclusion_proof(hashes, index))


@dataclass(frozen=True)
class Tally:
    """All stages of a box: what opens it, and which of its bids are not vouched."""

    stages: Mapping[str, StageTally]
    opens: bool
    counting: frozenset[str]
    """Bidders whose bid counts towards `min_bids`."""
    unvouched: Mapping[str, bool]
    """{bid: whether its verdicts say `unvouched`} for every effective bid."""
    superseded: frozenset[str]
    """Hashes of manifests that a later act ended which is truly signed, by a key that may: replaced or withdrawn."""


def tally(
    stages: Collection[str],
    events: Iterable[bytes],
    acts: Mapping[str, SignedAct],
    keyring: Keyring,
    *,
    tender: str,
    min_bids: int,
    unvouched: Collection[str] = (),
) -> Tally:
    """Count a box.

    `events`: the bytes of every `deposited`, `withdrawn` and `refused` record of the tender, and of
    `bidder-key-registered` records, in the order of the log; which of those are events of which stage is decided here,
    and of a bidder's registrations of one key only the first. `acts`: {hash: manifest
    or withdrawal that a record names, with its signing key}. `unvouched`: bidders the notice names.
    Raises `Refused("C-EVENTS", why=…)` for an event that names an unknown object or one it does not describe.
    """
    parsed = [(data, parse(data)) for data in events]
    box = _Box(stages)
    for data, record in parsed:
        if record["type"] == DEPOSITED.type:
            box.deposit(data, _deposited(record, acts))
        elif record["type"] == WITHDRAWN.type:
            box.withdraw(data, *_withdrawn(record, acts))
        elif record["type"] == REFUSED.type and record.get("tender") == tender and record.get("stage") in box.chosen:
            box.chosen[record["stage"]].append(data)
    registered: dict[tuple[str, bytes], bytes] = {}
    for data, record in parsed:
        if record["type"] == BIDDER_KEY_REGISTERED.type:
            registered.setdefault((record["bidder"], unb64(record["key"])), data)
    for stage, keys in box.keys.items():
        box.chosen[stage] += [data for owner, data in registered.items() if owner in keys]
    return _judge(box, keyring, min_bids, unvouched)


class _Box:
    def __init__(self, stages: Collection[str]) -> None:
        self.chains: dict[str, dict[str, dict[int, Effective]]] = {stage: {} for stage in stages}
        self.chosen: dict[str, list[bytes]] = {stage: [] for stage in stages}
        self.keys: dict[str, set[tuple[str, bytes]]] = {stage: set() for stage in stages}
        self.withdrawn: dict[str, SignedAct] = {}

    def deposit(self, data: bytes, one: Effective) -> None:
        manifest = one.manifest
        if manifest.stage not in self.chains:
            raise Refused("C-EVENTS", why=f"a deposit in the stage {manifest.stage}, which was not announced")
        chain = self.chains[manifest.stage].setdefault(manifest.bid, {})
        if manifest.seq in chain:
            raise Refused("C-EVENTS", why=f"two deposits of {manifest.bid}, {manifest.stage}, {manifest.seq}")
        chain[manifest.seq] = one
        self.chosen[manifest.stage].append(data)
        self.keys[manifest.stage].add((manifest.bidder, one.key))

    def withdraw(self, data: bytes, withdrawal: Withdrawal, act: SignedAct) -> None:
        self.withdrawn[withdrawal.bid] = act
        for stage in withdrawal.stages:
            if stage not in self.chosen:
                raise Refused("C-EVENTS", why=f"a withdrawal in the stage {stage}, which was not announced")
            self.chosen[stage].append(data)
            self.keys[stage].add((withdrawal.bidder, act.key))


def _judge(box: _Box, keyring: Keyring, min_bids: int, unvouched: Collection[str]) -> Tally:
    listed: dict[str, dict[str, Effective]] = {}
    superseded: set[str] = set()
    bids: dict[str, list[Effective]] = {}
    for stage, chains in box.chains.items():
        listed[stage] = {}
        for bid, chain in chains.items():
            ordered = [chain[seq] for seq in sorted(chain)]
            followers: list[Effective | SignedAct] = [*ordered[1:]]
            if bid in box.withdrawn:
                followers.append(box.withdrawn[bid])
            else:
                listed[stage][bid] = ordered[-1]
                bids.setdefault(bid, []).append(ordered[-1])
            for one, after in zip(ordered, followers, strict=False):
                if after.valid and keyring.may_follow(one.manifest.bidder, one.key, after.key):
                    superseded.add(one.manifest.hash)
    doubtful: dict[str, bool] = {}
    counting = set()
    for bid, envelopes in bids.items():
        bidder = envelopes[0].manifest.bidder
        named = bidder in unvouched
        doubtful[bid] = not all(one.valid and (named or keyring.vouched(bidder, one.key)) for one in envelopes)
        if not doubtful[bid] and len(envelopes) == len(listed):
            counting.add(bidder)
    stages = {}
    for stage, effective in listed.items():
        in_order = tuple(effective[bid] for bid in sorted(effective))
        events = tuple(sorted(box.chosen[stage], key=sha256))
        stages[stage] = StageTally(
            count=len(in_order),
            list_root=merkle.root(sorted(sha256(one.manifest.data) for one in in_order)).hex(),
            events=len(events),
            events_root=merkle.root([sha256(event) for event in events]).hex(),
            listed=in_order,
            chosen=events,
        )
    return Tally(stages, len(counting) >= min_bids, frozenset(counting), doubtful, frozenset(superseded))


def _deposited(record: Mapping[str, Any], acts: Mapping[str, SignedAct]) -> Effective:
    act = acts.get(record["manifest"])
    if act is None or not isinstance(act.made, Manifest):
        raise Refused("C-EVENTS", why=f"manifest {record['manifest']} is missing")
    made = act.made
    if (made.tender, made.stage, made.bid, made.seq) != tuple(record[f] for f in ("tender", "stage", "bid", "seq")):
        raise Refused("C-EVENTS", why=f"manifest {made.hash} is not what its record says")
    return Effective(made, act.key, act.valid)


def _withdrawn(record: Mapping[str, Any], acts: Mapping[str, SignedAct]) -> tuple[Withdrawal, SignedAct]:
    act = acts.get(record["withdrawal"])
    if act is None or not isinstance(act.made, Withdrawal):
        raise Refused("C-EVENTS", why=f"withdrawal {record['withdrawal']} is missing")
    made = act.made
    if (made.tender, made.bid) != (record["tender"], record["bid"]):
        raise Refused("C-EVENTS", why=f"withdrawal {made.hash} is not what its record says")
    return made, act
