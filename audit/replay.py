"""The log replayed from the bundles of an archive: roots, beats and what stands where (log.md §2, §4, §7).

A replay needs nothing but the complete subtrees before the first bundle and the entries from there on. It says the
root of every size it is asked for, every checkpoint size there was (the markers), and gives every entry again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from audit.merkle import TILE, Frontier, unpack_entries
from audit.record import Kind, parse_entry
from audit.refusal import Broken

_BATCH: Final = 16 * TILE  # leaves hashed before the tree takes them: small enough for the cache, large enough to pay


@dataclass(frozen=True)
class Replay:
    """Leaves ``first`` … ``size - 1`` of a log, and the roots that follow from them."""

    first: int
    size: int
    roots: Mapping[int, bytes]
    """The root of each size that was asked for."""
    beats: tuple[int, ...]
    """Indexes of markers, ascending: each is the size of the checkpoint before that beat."""
    clear: Mapping[int, bytes]
    """The record bytes of every clear entry."""
    bundles: tuple[bytes, ...]

    def entry(self, index: int) -> bytes:
        """The leaf with this index. IndexError outside the bundles."""
        if not self.first <= index < self.size:
            raise IndexError(index)
        number, place = divmod(index - self.first, TILE)
        return _unpacked(self.bundles[number])[place]

    def over(self, index: int) -> int:
        """The size of the first checkpoint over a leaf, by the markers."""
        place = bisect_right(self.beats, index)
        return self.beats[place] if place < len(self.beats) else self.size

    def last_before(self, index: int) -> int | None:
        """The largest checkpoint size that does not cover this leaf, if a marker in the bundles says one."""
        place = bisect_right(self.beats, index)
        return self.beats[place - 1] if place else None

    def next_beat(self, size: int) -> int | None:
        """The checkpoint size after ``size``; None at the end."""
        place = bisect_right(self.beats, size)
        if place < len(self.beats):
            return self.beats[place]
        return self.size if size < self.size else None


@lru_cache(maxsize=64)
def _unpacked(bundle: bytes) -> list[bytes]:
    return unpack_entries(bundle)


def replay(bundles: Iterable[tuple[str, int, bytes]], frontier: Frontier, size: int, wanted: Collection[int]) -> Replay:
    """Replay ``(path, width, bytes)`` of consecutive bundles over ``frontier``, up to ``size`` leaves.

    Raises Broken: ``M-BUNDLE`` (cut inside an entry, or not ``width`` of them), ``L-ENTRY`` (of no kind), ``L-MARKER``
    (markers do not count up by one), each with the path or index at fault.
    """
    first = frontier.size
    tree = frontier.copy()
    roots: dict[int, bytes] = {}
    cuts = sorted({cut for cut in wanted if first <= cut <= size}, reverse=True)
    waiting: list[bytes] = []
    beats: list[int] = []
    clear: dict[int, bytes] = {}
    kept: list[bytes] = []
    beat: int | None = 0 if first == 0 else None  # leaf 0, log-opened, stands for the marker of beat 0
    index, blinded = first, int(Kind.BLINDED)

    def settle(until: int) -> None:
        """Take the waiting hashes, stopping at each size whose root is wanted."""
        nonlocal waiting
        while cuts and cuts[-1] <= until:
            cut = cuts.pop()
            take = cut - tree.size
            tree.extend(waiting[:take])
            waiting = waiting[take:]
            roots[cut] = tree.root()

    settle(first)
    for path, width, bundle in bundles:
        try:
            entries = unpack_entries(bundle)
        except Broken as why:
            raise Broken("M-BUNDLE", path=path) from why
        if len(entries) != width:
            raise Broken("M-BUNDLE", path=path)
        kept.append(bundle)
        waiting += [sha256(b"\0" + entry).digest() for entry in entries]
        for place, entry in enumerate(entries, index):
            # nearly all leaves are covers or blinded records: one comparison each
            if len(entry) == 33 and entry[0] == blinded:
                continue
            try:
                found = parse_entry(entry)
            except Broken as why:
                raise Broken("L-ENTRY", index=place, path=path) from why
            if found.kind is Kind.CLEAR:
                clear[place] = found.record
            elif found.kind is Kind.MARKER:
                if beat is not None and found.beat != beat + 1:
                    raise Broken("L-MARKER", index=place, path=path)
                beat = found.beat
                beats.append(place)
        index += width
        settle(index)
        if len(waiting) >= _BATCH:
            tree.extend(waiting)
            waiting = []
    if index != size:
        raise Broken("M-BUNDLE", path="")
    return Replay(first, size, roots, tuple(beats), clear, tuple(kept))
