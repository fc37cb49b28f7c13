"""Verification of an archive, the log's part: log.md §8, V1–V5. Time (V6) is ``audit.verify_times``.

Nothing here raises at an archive, however hostile: what a step finds goes into its ``Found``. What an archive may
hold beyond the log's own files, and which records are blinded, is handed in by the floors above.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, BinaryIO, Final, Protocol

from audit.canon import NotCanonical, exact, instant, parse, sha256_hex, unb64, unhex
from audit.checkpoint import TlogProof, VerifiedNote, verify_note
from audit.merkle import TILE, Frontier, bundles, entries_path, leaf_hash, verify_inclusion
from audit.record import Kind, check_record, entry_of, parse_entry, types
from audit.refusal import Broken
from audit.replay import Replay, replay
from audit.report import Found, Status
from audit.trust import Parties, Policy

EDITIONS: Final = ("public", "supervision")


# --------------------------------------------------------------------------------------------------- V1: files


@dataclass(frozen=True)
class Row:
    """A row of log.md §7: which paths, in which editions; for JSON files the exact ``keys`` (None: asked elsewhere)."""

    pattern: re.Pattern[str]
    keys: frozenset[str] | None = None
    optional: frozenset[str] = frozenset()
    editions: tuple[str, ...] = EDITIONS


def row(pattern: str, *keys: str, optional: Iterable[str] = (), editions: tuple[str, ...] = EDITIONS) -> Row:
    """``pattern`` with ``<n>`` for a number, ``<hash>``, ``<name>`` (a code) and ``<id>`` (one part of a path)."""
    for short, long in _SHORT.items():
        pattern = pattern.replace(short, long)
    return Row(re.compile(pattern), frozenset(keys) or None, frozenset(optional), editions)


_SHORT: Final = {
    ".": r"\.",
    "<n>": "(0|[1-9][0-9]{0,17})",
    "<hash>": "([0-9a-f]{64})",
    "<bid>": "([0-9a-f]{32})",
    "<name>": "([a-z0-9_]+)",
    "<id>": "([^/]+)",
}

ROWS: Final = (
    row("archive.json", "type", "edition", "tender", "origin", "size", "first"),
    row("policy.txt"),
    row("parties.txt"),
    row("checkpoint"),
    row("checkpoints/<n>"),
    Row(re.compile(r"tile/entries/(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?")),
    row("frontier.json", "size", "hashes"),
    row("proofs/<n>.tlog-proof"),
    row("records/<n>.json", "index", "nonce", "record"),
    row("probes/<hash>.json", "probe", "sig"),
    row("tsa/<n>.tsr"),
)
_DEMANDED: Final = ("archive.json", "policy.txt", "parties.txt", "checkpoint", "frontier.json")


class Source(Protocol):
    """Where files lie: an ``Archive`` that passed its framing, or what one is to be made from."""

    @property
    def names(self) -> Collection[str]: ...

    def read(self, name: str) -> bytes: ...

    def opened(self, name: str) -> BinaryIO: ...


class Files:
    """The files of an archive: bytes of the small ones kept, JSON parsed once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names: tuple[str, ...] = tuple(sorted(source.names))
        self._set = frozenset(self.names)
        self._bytes: dict[str, bytes] = {}
        self._values: dict[str, Any] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._set

    def under(self, folder: str) -> list[str]:
        """Paths that begin with ``folder``, sorted."""
        return [name for name in self.names if name.startswith(folder)]

    def bytes(self, path: str) -> bytes:
        """The content of a small file. KeyError if there is none."""
        if path not in self._set:
            raise KeyError(path)
        if path not in self._bytes:
            self._bytes[path] = self.source.read(path)
        return self._bytes[path]

    def value(self, path: str) -> Any:
        """The parsed content of a JSON file. NotCanonical."""
        if path not in self._values:
            self._values[path] = parse(self.bytes(path))
        return self._values[path]

    def opened(self, path: str) -> BinaryIO:
        """A large file, as a file object of its own: threads may read several at once."""
        return self.source.opened(path)


@dataclass(frozen=True)
class About:
    """``archive.json``, read: the archive's word about itself, which every later step measures."""

    edition: str
    tender: str
    origin: str
    size: int
    first: int

    @property
    def created(self) -> int:
        """The ``@<size>`` of the tender's id: records of the tender below it are void."""
        return created_at(self.tender)

    @property
    def public(self) -> bool:
        return self.edition == "public"


_TENDER: Final = re.compile(r".+@(0|[1-9][0-9]{0,17})", re.DOTALL)


def created_at(tender: str) -> int:
    """The size at the end of a tender's id. Broken("V-TENDER") for an id without one."""
    match = _TENDER.fullmatch(tender)
    if match is None:
        raise Broken("V-TENDER", tender=tender)
    return int(match.group(1))


def check_files(files: Files, rows: Sequence[Row], demanded: Collection[str], found: Found) -> About | None:
    """V1 behind the framing: every path is a row of §7 of this edition, every JSON file canonical and of exact keys."""
    about = None
    if "archive.json" in files:
        with found.at("archive.json"):
            about = _about(files)
    for path in files.names:
        match = next((one for one in rows if one.pattern.fullmatch(path)), None)
        if match is None or (about is not None and about.edition not in match.editions):
            found.fault(path, "V-STRAY")
            continue
        if path.endswith(".json"):
            with found.at(path):
                _check_json(files.value(path), path, match)
    for path in (*_DEMANDED, *demanded):
        if path not in files:
            found.fault(path, "V-MISSING")
    if about is not None and "frontier.json" in files:
        with found.at("frontier.json"):
            if exact(files.value("frontier.json"), ("size", "hashes"))["size"] != about.first:
                raise Broken("V-ARCHIVE", field="first")
    return about


def _check_json(value: Any, path: str, match: Row) -> None:
    if isinstance(value, list) != path.endswith("/sig.json"):
        raise NotCanonical("object")
    if match.keys is not None:
        exact(value, match.keys | (match.optional & value.keys()))


def _about(files: Files) -> About:
    value = exact(files.value("archive.json"), ("type", "edition", "tender", "origin", "size", "first"))
    texts = [value[name] for name in ("edition", "tender", "origin")]
    numbers = [value[name] for name in ("size", "first")]
    if value["type"] != "trading.archive/v1" or not all(isinstance(text, str) for text in texts):
        raise Broken("V-ARCHIVE", field="type")
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        raise Broken("V-ARCHIVE", field="size")
    about = About(value["edition"], value["tender"], value["origin"], value["size"], value["first"])
    if about.edition not in EDITIONS:
        raise Broken("V-ARCHIVE", field="edition")
    if about.first != about.created // TILE * TILE:
        raise Broken("V-ARCHIVE", field="first")
    if not about.created < about.size:
        raise Broken("V-ARCHIVE", field="size")
    return about


# --------------------------------------------------------------------------------------------------- V2: notes


@dataclass(frozen=True)
class Trust:
    """The keys that are believed: those handed in, else the archive's own."""

    policy: Policy
    parties: Parties
    outside: bool

    @property
    def keys(self) -> tuple[str, ...]:
        """One line a key, as the trust files write them."""
        logs = [f"log {vkey}" for vkey in self.policy.logs]
        witnesses = [f"witness {name} {vkey}" for name, vkey in self.policy.witnesses.items()]
        parties = [f"{line.kind} {line.id} {line.public.hex()}" for line in self.parties.lines]
        return (*logs, *witnesses, f"quorum {self.policy.quorum}", *parties)


def read_trust(files: Files, policy: bytes | None, parties: bytes | None, found: Found) -> Trust | None:
    """The trust files in force. A fault when one, the archive's own included, cannot be read."""
    trusted_policy: Policy | None = None
    trusted_parties: Parties | None = None
    with found.at("policy.txt"):
        own = Policy.parse(files.bytes("policy.txt"))
        trusted_policy = own if policy is None else Policy.parse(policy)
    with found.at("parties.txt"):
        known = Parties.parse(files.bytes("parties.txt"))
        trusted_parties = known if parties is None else Parties.parse(parties)
    if trusted_policy is None or trusted_parties is None:
        return None
    return Trust(trusted_policy, trusted_parties, policy is not None and parties is not None)


def check_notes(files: Files, about: About, trust: Trust, found: Found) -> dict[int, VerifiedNote]:
    """V2: every note of the archive, by its size: origin, every line, the quorum of the policy that is believed."""
    own = Policy.parse(files.bytes("policy.txt"))
    if own.origin != about.origin or trust.policy.origin != about.origin:
        found.fault("policy.txt", "V-ORIGIN", origin=own.origin, expected=about.origin)
    notes: dict[int, VerifiedNote] = {}
    named = [("checkpoint", about.size)]
    named += [(path, int(path.rpartition("/")[2])) for path in files.under("checkpoints/")]
    for path, size in named:
        with found.at(path):
            data = files.bytes(path)
            note = verify_note(data, own, strict=True, quorum=False)
            if own.data != trust.policy.data:
                note = verify_note(data, trust.policy, quorum=False)
            if not trust.policy.met(note.cosigned):
                raise Broken("N-QUORUM", size=note.checkpoint.size, have=sorted(note.cosigned))
            if not note.cosigned or trust.policy.quorum == "none":
                raise Broken("N-QUORUM", size=note.checkpoint.size, have=[])
            if note.checkpoint.origin != about.origin:
                raise Broken("V-ORIGIN", origin=note.checkpoint.origin, expected=about.origin)
            if note.checkpoint.size != size:
                raise Broken("V-SIZE", size=note.checkpoint.size, expected=size)
            if size in notes and note.checkpoint != notes[size].checkpoint:
                raise Broken("V-ROOT", size=size)
            notes.setdefault(size, note)
    for path in files.under("tsa/"):
        found.fault(path, "V-UNBOUND")
    return notes


# --------------------------------------------------------------------------------------------------- V3: tree


def check_tree(
    files: Files, about: About, notes: Mapping[int, VerifiedNote], also: Collection[int], found: Found
) -> Replay | None:
    """V3: the bundles are all there, framed, count their beats, and give every checkpoint its root.

    ``also``: sizes whose roots V5 will ask for.
    """
    frontier = None
    with found.at("frontier.json"):
        hashes = files.value("frontier.json")["hashes"]
        if not isinstance(hashes, list):
            raise NotCanonical("array")
        frontier = Frontier(about.first, [unhex(item) for item in hashes])
    expected = {entries_path(number, width): width for number, width in bundles(about.first // TILE, about.size)}
    present = files.under("tile/")
    for path in expected.keys() ^ set(present):
        found.fault(path, "V-MISSING" if path in expected else "V-STRAY")
    if frontier is None or found.faults:
        return None
    stream = ((path, width, files.source.read(path)) for path, width in expected.items())
    try:
        tree = replay(stream, frontier, about.size, {*notes, *also})
    except Broken as why:
        found.fault(why.facts.get("path", ""), why.code, **why.facts)
        return None
    for size, note in sorted(notes.items()):
        place = "checkpoint" if size == about.size else f"checkpoints/{size}"
        if tree.roots.get(size) != note.checkpoint.root:
            found.fault(place, "V-ROOT", size=size)
    if about.created and about.created not in tree.beats:
        found.fault("archive.json", "V-CREATED", size=about.created)
    return tree


# --------------------------------------------------------------------------------------------------- V4: records


@dataclass(frozen=True)
class Held:
    """A record the archive shows: of the bundles in clear, or of ``records/``."""

    index: int
    data: bytes
    body: Mapping[str, Any]
    nonce: bytes | None
    file: bool
    """Whether it stands in ``records/``."""

    @cached_property
    def hash(self) -> str:
        """SHA-256 of its bytes, hex."""
        return sha256_hex(self.data)

    @cached_property
    def name(self) -> str:
        """``deposited`` of ``trading.deposited/v1``."""
        return str(self.body["type"])[len("trading.") : -len("/v1")]

    @cached_property
    def time(self) -> datetime:
        """When the database says it happened."""
        return instant(self.body["time"])

    @property
    def at(self) -> str:
        """How a fault names it."""
        return f"record {self.index}"


@dataclass(frozen=True)
class Disclosure:
    """Which records an archive may show; the names are those of the floors above (log.md §1, draw.md §4)."""

    older: frozenset[str]
    """Types that may stand below the first bundle."""
    anywhere: frozenset[str]
    """Types that carry no tender and may stand inside the bundles too."""
    supervision: frozenset[str]
    """Types for the supervision edition alone."""
    closing: frozenset[str]
    """Types that the public edition of a tender that stays shut does not hold."""
    blinded: frozenset[str]
    """Further types that never stand in clear, besides the registry's."""
    public: frozenset[str]
    """Further types that always stand in clear."""

    def is_public(self, name: str) -> bool:
        return name in self.public or (name in types and types[name].public)

    def is_blinded(self, name: str) -> bool:
        return name in self.blinded or (name in types and not types[name].public)


@dataclass(frozen=True)
class Log:
    """What V1–V4 have established: everything later rests on it."""

    files: Files
    about: About
    trust: Trust
    notes: Mapping[int, VerifiedNote]
    tree: Replay
    held: Mapping[int, Held]
    """Every record the archive shows, by index."""
    times: Mapping[int, datetime] = field(default_factory=dict)
    """The time of each checkpoint in the archive, by size."""

    def time_over(self, index: int) -> datetime | None:
        """The time of the first checkpoint over a leaf; None below the bundles or when it is not in the archive."""
        return self.times.get(self.tree.over(index)) if index >= self.about.first else None

    def of(self, name: str) -> list[Held]:
        """Records of one type, in the order of the log."""
        return [record for _, record in sorted(self.held.items()) if record.name == name]


def check_records(
    files: Files, about: About, tree: Replay, rules: Disclosure, shut: Collection[str], found: Found
) -> dict[int, Held]:
    """V4: every clear entry of the bundles and every file of ``records/`` is a record, and stands where it says.

    ``shut``: in the public edition of a tender that stays shut, the types that it may not hold; else empty.
    """
    held: dict[int, Held] = {}
    for index, data in tree.clear.items():
        with found.at(f"record {index}"):
            record = Held(index, data, check_record(data), None, file=False)
            if rules.is_blinded(record.name):
                raise Broken("V-CLEAR", type=record.name)
            held[index] = record
    if about.first == 0 and held.get(0) is not None and held[0].name != "log-opened":
        found.fault("record 0", "V-OPENED")
    note = files.bytes("checkpoint")
    shown: set[int] = set()
    for path in files.under("records/"):
        index = int(path[len("records/") : -len(".json")])
        shown.add(index)
        with found.at(path):
            record = _read_record(files, path, index)
            _check_allowed(record, about, rules, shut)
            entry = entry_of(record.data, record.nonce)
            if index < about.first:
                _check_proof(files, index, entry, note, tree)
            elif index >= about.size or parse_entry(tree.entry(index)).kind is not Kind.BLINDED:
                raise Broken("V-STRAY")
            elif tree.entry(index) != entry:
                raise Broken("V-LEAF", index=index)
            held[index] = record
    if about.first and 0 not in shown:
        found.fault("records/0.json", "V-MISSING")
    for path in files.under("proofs/"):
        index = int(path[len("proofs/") : -len(".tlog-proof")])
        if index not in shown or index >= about.first:
            found.fault(path, "V-STRAY")
    return held


def _read_record(files: Files, path: str, index: int) -> Held:
    value = files.value(path)
    if value["index"] != index or isinstance(value["index"], bool):
        raise Broken("V-LEAF", index=index)
    nonce = None if value["nonce"] is None else unb64(value["nonce"], 32)
    data = unb64(value["record"])
    return Held(index, data, check_record(data), nonce, file=True)


def _check_allowed(record: Held, about: About, rules: Disclosure, shut: Collection[str]) -> None:
    """Nothing stands in ``records/`` that this edition has no use for."""
    name, older = record.name, record.index < about.first
    if rules.is_public(name) and record.nonce is not None:
        raise Broken("V-BLINDED", type=name)
    if rules.is_blinded(name) and record.nonce is None:
        raise Broken("V-CLEAR", type=name)
    if older:
        allowed = name in rules.older
    else:
        allowed = name in rules.anywhere or record.body.get("tender") == about.tender
    if about.public and (name in rules.supervision or name in shut or "sserial" in record.body):
        allowed = False
    if older and record.index == 0 and name != "log-opened":
        allowed = False
    if not allowed:
        raise Broken("V-STRAY", type=name)


def _check_proof(files: Files, index: int, entry: bytes, note: bytes, tree: Replay) -> None:
    """A record below the bundles: its inclusion, in the very checkpoint the archive ends in."""
    path = f"proofs/{index}.tlog-proof"
    if path not in files:
        raise Broken("V-MISSING", path=path)
    data = files.bytes(path)
    proof = TlogProof.parse(data)
    if proof.index != index or proof.extra is not None or proof.note != note or proof.format() != data:
        raise Broken("V-PROOF", path=path)
    verify_inclusion(leaf_hash(entry), index, tree.size, proof.hashes, tree.roots[tree.size])


# --------------------------------------------------------------------------------------------------- V5: older


def check_since(log: Log, since: bytes, found: Found) -> None:
    """V5: this history begins with the one that somebody has seen before."""
    with found.at("--since"):
        old = verify_note(since, log.trust.policy).checkpoint
        if old.origin != log.about.origin:
            raise Broken("V-ORIGIN", origin=old.origin, expected=log.about.origin)
        if old.size > log.about.size:
            raise Broken("V-ROLLED-BACK", size=old.size, now=log.about.size)
        if old.size < log.about.first:
            # the frontier holds the roots of wide subtrees only: the old root does not follow from them
            found.status = Status.ABSENT
            return
        if log.tree.roots[old.size] != old.root:
            raise Broken("V-FORKED", size=old.size)
