"""One look at a log from outside: a checkpoint with quorum, not old, that continues the one kept; records proved in it.

What the platform says of a record is believed once the log's own tiles prove it under that checkpoint (log.md §4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.canon import NotCanonical, parse_object, unb64
from audit.checkpoint import verify_note
from audit.clock import clock_from, span
from audit.merkle import (
    Tiles,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tile_path,
    verify_consistency,
    verify_inclusion,
)
from audit.record import LOG_OPENED, check_record, entry_clear
from audit.refusal import Refused
from bidding.view import AHEAD, FRESH, born
from trading.client import Platform
from trading.tools.memory import Memory
from trading.tools.trust import Trust


@dataclass(frozen=True)
class Proved:
    """A public record and its place in the log."""

    index: int
    data: bytes
    record: dict[str, Any]


class Sight:
    """The log as it stands now. Keeps the checkpoint, so that no later look may show another history."""

    def __init__(self, trust: Trust, memory: Memory, platform: Platform, now: datetime | None = None) -> None:
        """`now`: in the log's time; by default the machine's clock tells it, through the clock of record 0.

        Raises Refused("P-LOG") for a checkpoint that is old, or goes back; Broken for one that does not hold.
        """
        self.trust, self.platform = trust, platform
        data = platform.fetch("/log/checkpoint")
        note = verify_note(data, trust.policy)
        self.checkpoint = note.checkpoint
        self._fetched: dict[tuple[int, int, int], bytes] = {}
        self._tiles = Tiles(self.checkpoint.size, self._tile)
        kept = memory.checkpoint(trust.policy)
        if kept is not None and kept.size:
            if kept.size > self.checkpoint.size:
                raise Refused("P-LOG", why=f"this tool has kept a later checkpoint, {kept.size}")
            proof = consistency_proof(self._tiles, kept.size, self.checkpoint.size)
            verify_consistency(kept.size, self.checkpoint.size, kept.root, self.checkpoint.root, proof)
        opened = platform.fetch("/log/genesis")
        self._prove(0, opened)
        first = parse_object(opened)
        if (first.get("type"), first.get("origin")) != (LOG_OPENED.type, trust.policy.origin):
            raise Refused("P-LOG", why="record 0 is of another log")
        clock = clock_from(first["clock"], trust.policy.origin)
        self.now: datetime = now or clock.now()
        if not self.now - span(clock, FRESH) <= note.time <= self.now + span(clock, AHEAD.total_seconds()):
            raise Refused("P-LOG", why=f"the checkpoint is of {note.time}, it is {self.now}")
        memory.keep_checkpoint(data, trust.policy)

    def records(self, tender: str) -> Iterator[Proved]:
        """The tender's public records that lie under the checkpoint, each proved; what waits for its beat is left out.

        Raises Refused("P-LOG") for an answer that is none, Broken for a record that is not in the log.
        """
        first = born(tender)
        for line in self.platform.get(f"/tenders/{tender}/timeline")["items"]:
            try:
                data, index = unb64(line["record"]), line["index"]
                record = check_record(data)
            except (KeyError, TypeError, NotCanonical) as error:
                raise Refused("P-LOG", why=f"timeline of {tender}: {error}") from error
            if type(index) is not int or not first <= index < self.checkpoint.size or record.get("tender") != tender:
                continue
            self._prove(index, data)
            yield Proved(index, data, record)

    def _prove(self, index: int, data: bytes) -> None:
        path = inclusion_proof(self._tiles, index, self.checkpoint.size)
        verify_inclusion(leaf_hash(entry_clear(data)), index, self.checkpoint.size, path, self.checkpoint.root)

    def _tile(self, level: int, number: int, width: int) -> bytes:
        key = (level, number, width)
        if key not in self._fetched:
            self._fetched[key] = self.platform.fetch("/log/" + tile_path(level, number, width).lstrip("/"))
        return self._fetched[key]
