"""The files an archive edition owes, computed from what the centre holds (log.md §7).

The builder asks the very rules that ``verify`` asks (``owed`` of its steps), so an archive cannot lack a file that
verification wants or carry one that it cannot bind. Pure: bytes, paths and values in, (path, content) out, for
``audit.archive.write_archive``.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

from audit.canon import NotCanonical, b64, canon
from audit.checkpoint import TlogProof, verify_note
from audit.merkle import TILE, Frontier, bundles, entries_path, inclusion_proof, pack_entries
from audit.record import Rule, check_record, types
from audit.refusal import Broken
from audit.replay import Replay, replay
from audit.report import Found
from audit.trust import Parties, Policy
from audit.verify import About, Files, Held, Log, Trust, created_at
from audit.verify_times import owed_checkpoints
from bidding.case import Case
from bidding.keys import Keyset
from bidding.registrations import Registration
from bidding.verify import SEALED, has_opened, shown_indexes
from bidding.verify_bids import acting_registrations, owed_bid_files, read_bids
from bidding.verify_custody import owed_releases, owed_statements, read_keysets
from bidding.verify_openings import owed_opened_files
from experts.verify import last_admission, owed_files, read_draws
from trading.verify import ALL_READERS, OLDER, RULES
from trading.verify_award import SHEETS, TOTALS, owed_totals
from trading.verify_owed import is_of_this_text
from trading.verify_steps import RULEBOOK, outages

Content = bytes | Path
"""A file's bytes, or where they lie (payloads: never read into memory here)."""
Edition = Literal["public", "supervision"]


@dataclass(frozen=True)
class Disclosed:
    """A record the centre may show: its place in the log, the nonce of its entry (None: clear), its bytes."""

    index: int
    nonce: bytes | None
    record: bytes


class Tree(Protocol):
    """The log as stored, up to the checkpoint the archive ends in."""

    def entries(self, start: int, stop: int) -> Sequence[bytes]:
        """Leaves ``start`` … ``stop - 1``."""

    def node(self, level: int, index: int) -> bytes:
        """The root of the complete subtree number ``index`` of 2**``level`` leaves (``audit.merkle.HashReader``)."""


@dataclass(frozen=True)
class Material:
    """All that an edition may be made from. More than it owes is welcome: the builder chooses."""

    tender: str
    origin: str
    size: int
    """Leaves of the checkpoint the archive ends in; it must come after the tender's ``archived`` record."""
    policy: bytes
    parties: bytes
    rulebook: bytes
    notes: Mapping[int, bytes]
    """Cosigned checkpoints by size: at least every beat's since the first bundle, ``@<size>`` and ``size``."""
    tree: Tree
    disclosed: Sequence[Disclosed]
    """Every blinded record of the tender (whatever its rule), every registration of a bidder's key, and, below the
    first bundle, the clear records that may be needed: record 0, trust files, vouchings, statements' registrations
    and rehearsals, the roster."""
    files: Mapping[str, Content] = field(default_factory=dict)
    """Further files under the path they take in the archive: ``keysets/``, ``statements/``, ``registrations/``,
    ``probes/``, ``bids/``, ``releases/``, ``draw/``, ``evaluation/``. Superfluous ones are left out."""

    @property
    def names(self) -> Collection[str]:
        """As ``audit.verify.Source``."""
        return self.files.keys()

    def read(self, name: str) -> bytes:
        """A file's bytes; Broken("A-OWED") if there is none."""
        content = self.content(name)
        return content.read_bytes() if isinstance(content, Path) else content

    def opened(self, name: str) -> BinaryIO:
        """A file, opened."""
        content = self.content(name)
        return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)

    def content(self, name: str) -> Content:
        """As it was handed in. Broken("A-OWED", path=…)."""
        if name not in self.files:
            raise Broken("A-OWED", path=name)
        return self.files[name]


def edition_files(material: Material, edition: Edition) -> Iterator[tuple[str, Content]]:
    """Every file of this edition but MANIFEST, in no particular order.

    Raises Broken("A-OWED", path=…) when the material lacks one that is owed, and what an unreadable one raises.
    """
    made = _Making(material, edition)
    yield from made.frame()
    yield from made.records()
    for path in sorted(made.owed()):
        yield path, material.content(path)


class _Making:
    """One edition, as far as its parts are asked for."""

    def __init__(self, material: Material, edition: Edition) -> None:
        created = created_at(material.tender)
        self.material = material
        self.about = About(edition, material.tender, material.origin, material.size, created // TILE * TILE)
        self.files = Files(material)
        self.trust = Trust(Policy.parse(material.policy), Parties.parse(material.parties), outside=False)

    @cached_property
    def bundles(self) -> dict[str, tuple[int, bytes]]:
        """Every bundle from the one that holds ``@<size>``: path to (entries, bytes)."""
        found = {}
        for number, width in bundles(self.about.first // TILE, self.about.size):
            entries = self.material.tree.entries(number * TILE, number * TILE + width)
            found[entries_path(number, width)] = (width, pack_entries(entries))
        return found

    @cached_property
    def frontier(self) -> Frontier:
        """The complete subtrees of the leaves before the first bundle, widest first."""
        hashes, at = [], 0
        for level in reversed(range(self.about.first.bit_length())):
            if self.about.first >> level & 1:
                hashes.append(self.material.tree.node(level, at >> level))
                at += 1 << level
        return Frontier(self.about.first, hashes)

    @cached_property
    def replay(self) -> Replay:
        """The markers, and what stands in clear."""
        stream = ((path, width, data) for path, (width, data) in self.bundles.items())
        return replay(stream, self.frontier, self.about.size, ())

    @cached_property
    def held(self) -> dict[int, Held]:
        """Every record this edition may show, registrations of bidders' keys and statements not yet chosen."""
        held = {index: Held(index, data, _read(data), None, file=False) for index, data in self.replay.clear.items()}
        shut = self.about.public and not has_opened(self.about.tender, [record.body for record in held.values()])
        mine = [record for _, record in sorted(held.items()) if record.body.get("tender") == self.about.tender]
        ended = [record.index for record in mine if record.name == "evaluation-closed"]
        counted = [record.body.get("last_sserial") for record in mine if record.name == "archived"]
        bounds = (min(ended, default=0), counted[-1] if counted else 0)
        for one in self.material.disclosed:
            record = Held(one.index, one.record, _read(one.record), one.nonce, file=True)
            if one.index < self.about.size and self._may_show(record, shut, *bounds):
                held[one.index] = record
        return held

    def _may_show(self, record: Held, shut: bool, evaluated: int, last_sserial: Any) -> bool:
        """By its rule and place; ``evaluated``: the index at which the evaluation was closed, or 0."""
        name = record.name
        if self.about.public and (name in RULES.supervision or "sserial" in record.body or (shut and name in SEALED)):
            return False
        if record.index < self.about.first:
            return name in OLDER or name in RULES.supervision
        if record.nonce is None:
            return False
        if name in RULES.anywhere:
            return True
        if record.body.get("tender") != self.about.tender:
            return False
        if "sserial" in record.body:
            # what a supervisor reads after the archiving counts on, but no archive can know of it
            return record.body["subject"] == self.about.tender and bool(record.body["sserial"] <= last_sserial)
        return name in SEALED or (record.index < evaluated and _of_evaluation(name))

    @cached_property
    def chosen(self) -> dict[int, Held]:
        """``held`` without what nothing here needs: registrations of keys that did not act, other statements."""
        case = self._case(self.held)
        registrations = self._registrations(case)
        statements = owed_statements(case, self.keysets)
        seen: set[tuple[str, str]] = set()
        chosen: dict[int, Held] = {}
        admitted = last_admission(case.facts)
        for index, record in sorted(self.held.items()):
            if record.file and record.name == "bidder-key-registered" and index not in registrations.values():
                continue
            if record.file and record.name in ("custodian-key-registered", "rehearsed"):
                key = (record.name, str(record.body.get("statement")))
                if key[1] not in statements or key in seen:
                    continue
                seen.add(key)
            if record.file and record.name == "expert-admitted" and index > admitted:
                continue
            chosen[index] = record
        return chosen

    def _registrations(self, case: Case) -> dict[str, int]:
        """The registrations owed: their hashes, and the index of the record of each."""
        made: dict[str, Registration] = {}
        index: dict[str, int] = {}
        for fact in case.facts("bidder-key-registered"):
            registration = Registration.parse(fact["registration"])
            made.setdefault(registration.hash, registration)
            index.setdefault(registration.hash, fact.index)
        owed = acting_registrations(list(read_bids(case).acted), made)
        return {name: index[name] for name in owed}

    def _case(self, held: Mapping[int, Held]) -> Case:
        return Case(Log(self.files, self.about, self.trust, {}, self.replay, held), ALL_READERS)

    @cached_property
    def case(self) -> Case:
        """The tender as this edition will show it."""
        return self._case(self.chosen)

    @cached_property
    def keysets(self) -> dict[str, Keyset]:
        """The key sets of the tender, by id. Broken("A-OWED") for one the material lacks."""
        found = Found(7)
        keysets = read_keysets(self._case(self.held), found)
        missing = [fault.at for fault in found.faults if fault.code == "V-MISSING"]
        if missing:
            raise Broken("A-OWED", path=missing[0])
        return keysets

    def owed(self) -> set[str]:
        """The paths of all further files."""
        case = self.case
        bids = read_bids(case)
        owed = {f"keysets/{fact['keyset']}.json" for fact in case.facts("keyset-made")}
        owed |= {f"statements/{name}.json" for name in owed_statements(case, self.keysets)}
        owed |= {f"registrations/{name}.json" for name in self._registrations(case)}
        owed |= {f"probes/{name}.json" for outage in outages(case) for name in outage.probes}
        owed |= owed_bid_files(case).keys() | owed_releases(case).keys() | owed_opened_files(case, bids)
        owed |= {TOTALS} if owed_totals(case) else set()
        if is_of_this_text(self.material.rulebook):
            draws, _ = read_draws(case.facts)
            shown = bool(case.facts("evaluation-closed"))
            owed |= set(owed_files(draws, shown=shown, public=self.about.public))
        for path in self.files.names:
            if path.startswith(SHEETS) and not self.about.public:
                owed.add(path)
        return owed

    def frame(self) -> Iterator[tuple[str, Content]]:
        """What every archive has: who it is, the trust files, the checkpoints, the entries."""
        material, about = self.material, self.about
        yield (
            "archive.json",
            canon(
                {
                    "type": "trading.archive/v1",
                    "edition": about.edition,
                    "tender": about.tender,
                    "origin": about.origin,
                    "size": about.size,
                    "first": about.first,
                }
            ),
        )
        yield "policy.txt", material.policy
        yield "parties.txt", material.parties
        yield RULEBOOK, material.rulebook
        yield "checkpoint", self._note(about.size)
        frontier = self.frontier
        yield "frontier.json", canon({"size": frontier.size, "hashes": [value.hex() for value in frontier.hashes]})
        for path, (_, data) in self.bundles.items():
            yield path, data
        gaps = outages(self.case)
        owed = owed_checkpoints(
            self.replay,
            self._times() if gaps else {},
            shown_indexes(self.case, self.keysets),
            about.created if is_of_this_text(material.rulebook) else None,
            self.case.first_closing,
            gaps,
        )
        for size in sorted(owed):
            yield f"checkpoints/{size}", self._note(size)

    def _note(self, size: int) -> bytes:
        if size not in self.material.notes:
            raise Broken("A-OWED", path=f"checkpoints/{size}")
        return self.material.notes[size]

    def _times(self) -> dict[int, datetime]:
        """The time of every checkpoint at hand: only an outage asks for it."""
        notes = self.material.notes.items()
        return {size: verify_note(note, self.trust.policy).time for size, note in notes}

    def records(self) -> Iterator[tuple[str, Content]]:
        """``records/`` and, below the bundles, ``proofs/`` that end in the very checkpoint of this archive."""
        note = self._note(self.about.size)
        for index, record in self.chosen.items():
            if not record.file:
                continue
            nonce = None if record.nonce is None else b64(record.nonce)
            yield f"records/{index}.json", canon({"index": index, "nonce": nonce, "record": b64(record.data)})
            if index < self.about.first:
                path = inclusion_proof(self.material.tree, index, self.about.size)
                yield f"proofs/{index}.tlog-proof", TlogProof(index, tuple(path), note).format()


def _of_evaluation(name: str) -> bool:
    """What the end of the evaluation discloses; what only the person concerned may see is in no archive (log.md §1)."""
    return name in RULES.blinded or (name in types and Rule.EVALUATION in types[name].rules)


def _read(data: bytes) -> dict[str, object]:
    try:
        return check_record(data)
    except NotCanonical as error:
        raise Broken("A-RECORD", why=error.facts["why"]) from None
