"""What a tool has seen of the log, from a kit in the archive layout: nothing in it is believed before it is proved.

Both tools of this package work on it: the bidder's before sealing (envelope.md §2a) and the custodian's before a
release (§6.2). A kit holds a checkpoint, records with proofs that end in it, and, for custodians, every entry from the
tender's beginning on, so that a second announcement or closing cannot hide.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, BinaryIO, Protocol

from audit import merkle
from audit.canon import exact, instant, parse, parse_object, unb64, unhex
from audit.checkpoint import Checkpoint, TlogProof, VerifiedNote, verify_note
from audit.clock import Clock, clock_from, span
from audit.record import IDENTITY_VOUCHED, LOG_OPENED, check_record, entry_of, type_of
from audit.refusal import Broken
from audit.replay import replay
from audit.trust import Identities, Parties, Policy

FRESH = 600.0
"""Seconds a checkpoint may be old."""
AHEAD = timedelta(seconds=120)
"""How far witnesses' clocks may run before the tool's own."""


class Files(Protocol):
    """A kit: `audit.archive.Archive`, or `Folder` over a mapping."""

    @property
    def names(self) -> Any:
        """Paths in it."""

    def read(self, name: str) -> bytes:
        """The bytes of one."""

    def opened(self, name: str) -> BinaryIO:
        """The same as a seekable stream."""


class Unproven(ValueError):
    """The kit does not show what it should; the tool's own code (E-KEYSET, C-LOG) is put before this reason."""


@dataclass(frozen=True)
class Shown:
    """A record that is in the log: `clear` if it stands there for everybody to read."""

    index: int
    data: bytes
    clear: bool

    @cached_property
    def record(self) -> dict[str, Any]:
        """The record, parsed."""
        return check_record(self.data)

    @property
    def type(self) -> str:
        """`trading.<what>/v1`."""
        return str(self.record["type"])

    @property
    def time(self) -> datetime:
        """When it was made, by the database's clock."""
        return instant(self.record["time"])


@dataclass(frozen=True)
class View:
    """A log under one checkpoint with quorum. `first`: every entry from that index on was seen (`size`: none was)."""

    policy: Policy
    parties: Parties
    note: VerifiedNote
    first: int
    shown: tuple[Shown, ...]
    clock: Clock
    now: datetime

    @property
    def checkpoint(self) -> Checkpoint:
        """What the tool keeps, for the next time."""
        return self.note.checkpoint

    @cached_property
    def identities(self) -> Identities:
        """Identity keys by the trust files and the vouchings shown."""
        return Identities(self.parties, [one.record for one in self.of(IDENTITY_VOUCHED.type)])

    def of(self, type: str, **fields: Any) -> list[Shown]:
        """The records of a type whose fields have these values, in the order of the log.

        Of a `tender`, those from its `@<size>` on: below it they are void (envelope.md §1), and no custodian's kit
        reaches back to them. Raises `Unproven` for a tender without one.
        """
        first = born(fields["tender"]) if "tender" in fields else 0
        return [
            one
            for one in self.shown
            if one.type == type
            and one.index >= first
            and all(one.record.get(name) == value for name, value in fields.items())
        ]

    def only(self, type: str, **fields: Any) -> Shown:
        """The one record like this. Raises `Unproven` for none and for two."""
        found = self.of(type, **fields)
        if len(found) != 1:
            raise Unproven(f"{len(found)} records {type} {fields}")
        return found[0]

    def moment(self, one: Shown) -> datetime:
        """The time at which the keys of a record are looked up: not before a vouching that lies below it in the log.

        The platform writes `time`. Dated back, it would make a key that was replaced since sign once more.
        """
        return max(
            [one.time, *(vouched.time for vouched in self.of(IDENTITY_VOUCHED.type) if vouched.index < one.index)]
        )

    @property
    def beat(self) -> timedelta:
        """Between two beats, in the log's time."""
        return span(self.clock, float(self.only(LOG_OPENED.type).record["beat"]))

    def earliest_cosignature(self) -> datetime:
        """The smallest of the cosignature times that are counted."""
        return min(self.note.cosigned.values())


def look(
    files: Files,
    policy: Policy,
    parties: Parties,
    *,
    kept: Checkpoint | None = None,
    consistency: Sequence[bytes] | None = None,
    now: datetime | None = None,
) -> View:
    """Verify a kit under the tool's own trust files, at the tool's own time.

    `kept`: the last checkpoint this tool has kept of this log. If it is not inside the bundles, `consistency` is the
    proof from it (the tool computes it from tiles), or the kit has one in `consistency/<size>`, base64 hashes a line.
    `now`: in the log's time; by default the machine's clock tells it, under a `demo.` origin through the clock of
    record 0. Raises `Unproven`, and `Refused("E-QUORUM-NONE")`.
    """
    policy.demand_quorum()
    names = set(files.names)
    try:
        data = files.read("checkpoint")
        note = verify_note(data, policy)
        replayed = _replayed(files, names, note.checkpoint.size, kept)
        first = replayed.first if replayed else note.checkpoint.size
        clock = clock_from(parse_object(_record_0(files, replayed))["clock"], policy.origin)
        now = now or clock.now()
        if not now - span(clock, FRESH) <= note.time <= now + span(clock, AHEAD.total_seconds()):
            raise Unproven(f"the checkpoint is of {note.time}, it is {now}")
        if replayed and replayed.roots[note.checkpoint.size] != note.checkpoint.root:
            raise Unproven("the entries do not give the checkpoint's root")
        if kept is not None and kept.size:
            if consistency is None and f"consistency/{kept.size}" in names:
                lines = files.read(f"consistency/{kept.size}").decode("ascii").split()
                consistency = [unb64(line, 32) for line in lines]
            _check_kept(note.checkpoint, kept, replayed.roots if replayed else {}, consistency)
        shown = {}
        if replayed:
            shown = {index: Shown(index, record, True) for index, record in replayed.clear.items()}
        for name in sorted(names):
            if name.startswith("records/"):
                index, nonce, record = _disclosed(files.read(name), name)
                leaf = merkle.leaf_hash(entry_of(record, nonce))
                if replayed and index >= first:
                    if merkle.leaf_hash(replayed.entry(index)) != leaf:
                        raise Unproven(f"record {index} is not what the log holds")
                else:
                    proof = TlogProof.parse(files.read(f"proofs/{index}.tlog-proof"))
                    if proof.note != data or proof.index != index:
                        raise Unproven(f"the proof of record {index} ends in another checkpoint")
                    merkle.verify_inclusion(leaf, index, note.checkpoint.size, proof.hashes, note.checkpoint.root)
                shown[index] = Shown(index, record, nonce is None)
    except Unproven:
        raise
    except (Broken, ValueError, KeyError, IndexError, OSError) as why:
        raise Unproven(str(why)) from why
    view = View(policy, parties, note, first, tuple(shown[index] for index in sorted(shown)), clock, now)
    _check_records(view)
    return view


def _record_0(files: Files, replayed: Any) -> bytes:
    """Record 0: in the bundles of a young log, else a record of its own with its proof (checked like every other)."""
    if replayed and replayed.first == 0:
        opened: bytes = replayed.clear[0]
        return opened
    return _disclosed(files.read("records/0.json"), "records/0.json")[2]


def _check_records(view: View) -> None:
    for one in view.shown:
        try:
            kind = one.type
        except ValueError as why:
            raise Unproven(f"record {one.index}: {why}") from why
        # log.md §2: a record of a public type is valid only as an 02 entry. Types that are not declared here (the
        # announcement is the market's) are public for all we know: one could be shown to one bidder alone.
        if not one.clear and not _sealed(kind):
            raise Unproven(f"record {one.index}, {kind}, is blinded")
    opened = view.of(LOG_OPENED.type)
    if [one.index for one in opened] != [0] or opened[0].record.get("origin") != view.policy.origin:
        raise Unproven("record 0 is of another log")


def _sealed(kind: str) -> bool:
    try:
        return not type_of(kind).public
    except KeyError:
        return False


def born(tender: str) -> int:
    """The index below which records of a tender are void: the `<size>` its id ends in (envelope.md §1)."""
    size = tender.rpartition("@")[2] if "@" in tender else ""
    if not (size.isascii() and size.isdecimal() and size == str(int(size))):
        raise Unproven(f"{tender} does not say when it was made")
    return int(size)


def _replayed(files: Files, names: Iterable[str], size: int, kept: Checkpoint | None) -> Any:
    """The log replayed from the kit's first bundle; None if it has none."""
    if "frontier.json" not in names:
        return None
    start = exact(parse_object(files.read("frontier.json")), ("size", "hashes"))
    frontier = merkle.Frontier(start["size"], [unhex(value, 32) for value in start["hashes"]])
    wanted = [size] if kept is None else [size, kept.size]
    places = [
        (merkle.entries_path(number, width), width)
        for number, width in merkle.bundles(frontier.size // merkle.TILE, size)
    ]
    return replay(((path, width, files.read(path)) for path, width in places), frontier, size, wanted)


def _check_kept(
    now: Checkpoint, kept: Checkpoint, roots: Mapping[int, bytes], consistency: Sequence[bytes] | None
) -> None:
    """The new checkpoint continues the one that was kept: nobody is shown two histories."""
    if kept.origin != now.origin or kept.size > now.size:
        raise Unproven(f"the tool has kept a later checkpoint, {kept.size}, than {now.size}")
    if kept.size == now.size or kept.size in roots:
        if roots.get(kept.size, now.root) != kept.root:
            raise Unproven(f"the log is another than at {kept.size}")
    elif consistency is None:
        raise Unproven(f"no proof that the log continues the one kept at {kept.size}")
    else:
        merkle.verify_consistency(kept.size, now.size, kept.root, now.root, consistency)


def _disclosed(data: bytes, name: str) -> tuple[int, bytes | None, bytes]:
    value = exact(parse(data), ("index", "nonce", "record"))
    index = value["index"]
    if not isinstance(index, int) or name != f"records/{index}.json":
        raise Unproven(f"{name} holds another record")
    nonce = None if value["nonce"] is None else unb64(value["nonce"], 32)
    return index, nonce, unb64(value["record"])


def signed(files: Files, name: str, what: str) -> tuple[bytes, list[dict[str, Any]]]:
    """(object, signatures) of a file like `statements/<sha256>.json`. Raises `Unproven`."""
    try:
        value = exact(parse(files.read(name)), (what, "sig"))
        if not isinstance(value["sig"], list):
            raise Unproven(f"{name}: sig")
        return unb64(value[what]), value["sig"]
    except (ValueError, KeyError, OSError, Broken) as why:
        raise Unproven(f"{name}: {why}") from why


class Folder:
    """A kit in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)

    @property
    def names(self) -> list[str]:
        """Paths in it."""
        return list(self._files)

    def read(self, name: str) -> bytes:
        """KeyError if there is none."""
        return self._files[name]

    def opened(self, name: str) -> BinaryIO:
        """A stream over the bytes."""
        return io.BytesIO(self._files[name])
