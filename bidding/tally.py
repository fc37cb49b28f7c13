"""What a closing says, computed from the events alone: by the server, by every custodian, by every verifier.

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

COUNTED = frozenset({DEPOSITED.type, WITHDRAWN.type, REFUSED.type, BIDDER_KEY_REGISTERED.type})
"""Types of records that can be events of a closing; `erased` is none."""


@dataclass(frozen=True)
class SignedAct:
    """A manifest or a withdrawal, and the key that signed it."""

    made: Manifest | Withdrawal
    key: bytes


@dataclass(frozen=True)
class Effective:
    """An envelope on the list: the last of its (bid, stage), not withdrawn."""

    manifest: Manifest
    key: bytes


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
    """Hashes of manifests that a later signed act ended: replaced or withdrawn."""


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
    `bidder-key-registered` records; which of those are events of which stage is decided here. `acts`: {hash: manifest
    or withdrawal that a record names, with its signing key}. `unvouched`: bidders the notice names.
    Raises `Refused("C-EVENTS", why=…)` for an event that names an unknown object or one it does not describe.
    """
    parsed = [(data, parse(data)) for data in events]
    box = _Box(stages)
    for data, record in parsed:
        if record["type"] == DEPOSITED.type:
            box.deposit(data, *_manifest(record, acts))
        elif record["type"] == WITHDRAWN.type:
            box.withdraw(data, *_withdrawal(record, acts))
        elif record["type"] == REFUSED.type and record.get("tender") == tender and record.get("stage") in box.chosen:
            box.chosen[record["stage"]].append(data)
    for data, record in parsed:
        if record["type"] == BIDDER_KEY_REGISTERED.type:
            for stage, keys in box.keys.items():
                if (record["bidder"], unb64(record["key"])) in keys:
                    box.chosen[stage].append(data)
    return _judge(box, keyring, min_bids, unvouched)


class _Box:
    def __init__(self, stages: Collection[str]) -> None:
        self.chains: dict[str, dict[str, dict[int, Effective]]] = {stage: {} for stage in stages}
        self.chosen: dict[str, list[bytes]] = {stage: [] for stage in stages}
        self.keys: dict[str, set[tuple[str, bytes]]] = {stage: set() for stage in stages}
        self.withdrawn: set[str] = set()

    def deposit(self, data: bytes, manifest: Manifest, key: bytes) -> None:
        if manifest.stage not in self.chains:
            raise Refused("C-EVENTS", why=f"a deposit in the stage {manifest.stage}, which was not announced")
        chain = self.chains[manifest.stage].setdefault(manifest.bid, {})
        if manifest.seq in chain:
            raise Refused("C-EVENTS", why=f"two deposits of {manifest.bid}, {manifest.stage}, {manifest.seq}")
        chain[manifest.seq] = Effective(manifest, key)
        self.chosen[manifest.stage].append(data)
        self.keys[manifest.stage].add((manifest.bidder, key))

    def withdraw(self, data: bytes, withdrawal: Withdrawal, key: bytes) -> None:
        self.withdrawn.add(withdrawal.bid)
        for stage in withdrawal.stages:
            if stage not in self.chosen:
                raise Refused("C-EVENTS", why=f"a withdrawal in the stage {stage}, which was not announced")
            self.chosen[stage].append(data)
            self.keys[stage].add((withdrawal.bidder, key))


def _judge(box: _Box, keyring: Keyring, min_bids: int, unvouched: Collection[str]) -> Tally:
    listed: dict[str, dict[str, Effective]] = {}
    superseded: set[str] = set()
    bids: dict[str, list[Effective]] = {}
    for stage, chains in box.chains.items():
        listed[stage] = {}
        for bid, chain in chains.items():
            last = max(chain)
            superseded |= {one.manifest.hash for seq, one in chain.items() if seq != last or bid in box.withdrawn}
            if bid not in box.withdrawn:
                listed[stage][bid] = chain[last]
                bids.setdefault(bid, []).append(chain[last])
    doubtful: dict[str, bool] = {}
    counting = set()
    for bid, envelopes in bids.items():
        bidder = envelopes[0].manifest.bidder
        doubtful[bid] = bidder not in unvouched and not all(keyring.vouched(bidder, one.key) for one in envelopes)
        if not doubtful[bid] and len(envelopes) == len(listed):
            counting.add(bidder)
    stages = {}
    for stage, effective in listed.items():
        ordered = tuple(effective[bid] for bid in sorted(effective))
        events = tuple(sorted(box.chosen[stage], key=sha256))
        stages[stage] = StageTally(
            count=len(ordered),
            list_root=merkle.root(sorted(sha256(one.manifest.data) for one in ordered)).hex(),
            events=len(events),
            events_root=merkle.root([sha256(event) for event in events]).hex(),
            listed=ordered,
            chosen=events,
        )
    return Tally(stages, len(counting) >= min_bids, frozenset(counting), doubtful, frozenset(superseded))


def _manifest(record: Mapping[str, Any], acts: Mapping[str, SignedAct]) -> tuple[Manifest, bytes]:
    act = acts.get(record["manifest"])
    if act is None or not isinstance(act.made, Manifest):
        raise Refused("C-EVENTS", why=f"manifest {record['manifest']} is missing")
    made = act.made
    if (made.tender, made.stage, made.bid, made.seq) != tuple(record[f] for f in ("tender", "stage", "bid", "seq")):
        raise Refused("C-EVENTS", why=f"manifest {made.hash} is not what its record says")
    return made, act.key


def _withdrawal(record: Mapping[str, Any], acts: Mapping[str, SignedAct]) -> tuple[Withdrawal, bytes]:
    act = acts.get(record["withdrawal"])
    if act is None or not isinstance(act.made, Withdrawal):
        raise Refused("C-EVENTS", why=f"withdrawal {record['withdrawal']} is missing")
    made = act.made
    if (made.tender, made.bid) != (record["tender"], record["bid"]):
        raise Refused("C-EVENTS", why=f"withdrawal {made.hash} is not what its record says")
    return made, act.key
