"""The Merkle tree of RFC 6962 §2.1, compact ranges, and C2SP tlog-tiles: log.md §4.

Everything works on *leaf hashes* (``leaf_hash(entry)``, or whatever 32 bytes a text takes as its leaf hashes), so
the same functions serve the log, payload roots, lists and pools.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Final, Protocol

from audit.refusal import Broken

EMPTY: Final = hashlib.sha256(b"").digest()
TILE: Final = 256  # hashes in a full tile, entries in a full bundle
HEIGHT: Final = 8  # tree levels in one tile
LONGEST: Final = 63  # hashes in any proof of a tree that can be counted in 63 bits

_leaf = hashlib.sha256(b"\x00")
_node = hashlib.sha256(b"\x01")


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(00 || entry)."""
    state = _leaf.copy()
    state.update(entry)
    return state.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 || left || right)."""
    state = _node.copy()  # a copied state costs less than a new one, and a million nodes are hashed at a time
    state.update(left + right)
    return state.digest()


def _split(size: int) -> int:
    """The largest power of two below ``size`` (RFC 6962 §2.1: k < n <= 2k)."""
    return 1 << ((size - 1).bit_length() - 1)


def root(hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes; of none, SHA-256 of nothing."""
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.root()


class Frontier:
    """The roots of the complete subtrees of the first ``size`` leaves, widest first: all that appending needs.

    This is what ``frontier.json`` of an archive holds (log.md §7).
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Broken("M-FRONTIER") unless ``hashes`` are as many 32-byte values as ``size`` has subtrees."""
        if size < 0 or len(hashes) != size.bit_count() or any(len(value) != 32 for value in hashes):
            raise Broken("M-FRONTIER", size=size, hashes=len(hashes))
        self.size = size
        self._hashes = list(hashes)

    @property
    def hashes(self) -> list[bytes]:
        """Subtree roots, widest first."""
        return list(self._hashes)

    def copy(self) -> Frontier:
        """One that grows on its own."""
        return Frontier(self.size, self._hashes)

    def append(self, leaf: bytes) -> None:
        """One more leaf hash."""
        size, kept = self.size, self._hashes
        while size & 1:
            leaf = node_hash(kept.pop(), leaf)
            size >>= 1
        kept.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Many more leaf hashes, level by level: one hash for each pair and next to nothing besides."""
        row = list(leaves)
        if len(row) < 4:
            for leaf in row:
                self.append(leaf)
            return
        level, kept, grown = self.size, self._hashes, self.size + len(row)
        narrow: list[bytes] = []  # the new frontier, narrowest first
        state = _node.copy
        while row:
            if level & 1:
                row.insert(0, kept.pop())
            if len(row) & 1:
                narrow.append(row.pop())
            pairs = iter(row)
            above: list[bytes] = []
            put = above.append
            for left, right in zip(pairs, pairs, strict=True):
                node = state()
                node.update(left + right)
                put(node.digest())
            row = above
            level >>= 1
        self._hashes = kept + narrow[::-1]
        self.size = grown

    def root(self) -> bytes:
        """The root of the tree over all leaves so far."""
        if not self._hashes:
            return EMPTY
        *wider, value = self._hashes
        for subtree in reversed(wider):
            value = node_hash(subtree, value)
        return value


# ---------------------------------------------------------------------------------------------------------- proofs


class HashReader(Protocol):
    """Whatever can say the root of the complete subtree number ``index`` (from 0) of 2**``level`` leaves."""

    def node(self, level: int, index: int) -> bytes: ...


class Leaves:
    """A HashReader over a list of leaf hashes. Rows above are built once, when first asked for."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._rows: list[Sequence[bytes]] = [leaves]

    def node(self, level: int, index: int) -> bytes:
        while len(self._rows) <= level:
            below = iter(self._rows[-1])
            # zip drops an odd last hash: it has no complete subtree above it
            self._rows.append([node_hash(left, right) for left, right in zip(below, below, strict=False)])
        return self._rows[level][index]


class Tiles:
    """A HashReader over tiles of a tree of ``size`` leaves; ``fetch(level, number, width)`` gives a tile's bytes.

    A tile of the wrong length is Broken("M-TILE"); what ``fetch`` raises passes through. Fetched tiles are kept.
    """

    def __init__(self, size: int, fetch: Callable[[int, int, int], bytes]) -> None:
        self.size = size
        self._fetch = fetch
        self._kept: dict[tuple[int, int], Leaves] = {}

    def node(self, level: int, index: int) -> bytes:
        tall, within = divmod(level, HEIGHT)
        number, place = divmod(index << within, TILE)
        if (tall, number) not in self._kept:
            width = tile_width(self.size, tall, number)
            data = self._fetch(tall, number, width)
            if len(data) != 32 * width:
                raise Broken("M-TILE", level=tall, number=number)
            hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
            self._kept[tall, number] = Leaves(hashes)
        return self._kept[tall, number].node(within, place >> within)


def _reader(source: Sequence[bytes] | HashReader) -> HashReader:
    return Leaves(source) if isinstance(source, Sequence) else source


def _range(reader: HashReader, low: int, high: int) -> bytes:
    """The hash of leaves low..high-1 as RFC 6962 splits them; ``low`` is a multiple of the width's power of two."""
    size = high - low
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return reader.node(level, low >> level)
    k = _split(size)
    return node_hash(_range(reader, low, low + k), _range(reader, low + k, high))


def tree_root(source: Sequence[bytes] | HashReader, size: int) -> bytes:
    """The root of the first ``size`` leaves."""
    return _range(_reader(source), 0, size) if size else EMPTY


def inclusion_proof(source: Sequence[bytes] | HashReader, index: int, size: int | None = None) -> list[bytes]:
    """RFC 6962 §2.1.1, leaf's sibling first. ``source``: all leaf hashes, or a reader and the ``size``."""
    if size is None:
        size = len(source)  # type: ignore[arg-type]
    if not 0 <= index < size:
        raise IndexError(index)
    reader, low, high, path = _reader(source), 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range(reader, middle, high))
            high = middle
        else:
            path.append(_range(reader, low, middle))
            low = middle
    return path[::-1]


def consistency_proof(source: Sequence[bytes] | HashReader, old: int, size: int | None = None) -> list[bytes]:
    """RFC 6962 §2.1.2, from the tree of ``old`` leaves to that of ``size``; none is needed from 0 or to itself."""
    if size is None:
        size = len(source)  # type: ignore[arg-type]
    if not 0 <= old <= size:
        raise IndexError(old)
    if old in (0, size):
        return []
    reader, low, high, whole, path = _reader(source), 0, size, True, []
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range(reader, middle, high))
            high = middle
        else:
            path.append(_range(reader, low, middle))
            low, whole = middle, False
    if not whole:
        path.append(_range(reader, low, high))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> None:
    """RFC 9162 §2.1.3.2. Raises Broken("M-INCLUSION") unless ``leaf`` is number ``index`` under ``expected``."""
    if not 0 <= index < size:
        raise Broken("M-INCLUSION", index=index, size=size)
    place, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != 32:
            raise Broken("M-INCLUSION", index=index, size=size)
        if place & 1 or place == last:
            value = node_hash(sibling, value)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or value != expected:
        raise Broken("M-INCLUSION", index=index, size=size)


def verify_consistency(old: int, size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162 §2.1.4.2. Raises Broken("M-CONSISTENCY") unless the tree of ``old`` leaves begins that of ``size``."""
    wrong = Broken("M-CONSISTENCY", old=old, size=size)
    if not 0 <= old <= size or any(len(value) != 32 for value in proof):
        raise wrong
    if old == size or old == 0:
        # every tree begins with the empty one, whose root nobody may choose
        if proof or (old == size and old_root != new_root) or (old == 0 and old_root != EMPTY):
            raise wrong
        return
    path = iter(proof) if old & (old - 1) else chain([old_root], proof)
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = next(path, None)
    if first is None:
        raise wrong
    before = after = first
    for value in path:
        if last == 0:
            raise wrong
        if place & 1 or place == last:
            before, after = node_hash(value, before), node_hash(value, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, value)
        place, last = place >> 1, last >> 1
    if last != 0 or before != old_root or after != new_root:
        raise wrong


# ----------------------------------------------------------------------------------------------------------- tiles


def tile_path(level: int, number: int, width: int = TILE) -> str:
    """``tile/<L>/<N>[.p/<W>]`` without a leading slash; N in groups of three digits, all but the last with an x."""
    return f"tile/{level}/{_grouped(number, width)}"


def entries_path(number: int, width: int = TILE) -> str:
    """``tile/entries/<N>[.p/<W>]``, likewise."""
    return f"tile/entries/{_grouped(number, width)}"


def _grouped(number: int, width: int) -> str:
    if number < 0 or not 1 <= width <= TILE:
        raise ValueError("no such tile")
    path = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        path = f"x{number % 1000:03}/{path}"
    return path if width == TILE else f"{path}.p/{width}"


def tile_width(size: int, level: int, number: int) -> int:
    """How many hashes tile ``number`` of ``level`` holds in a tree of ``size`` leaves (0: there is no such tile)."""
    return max(0, min(TILE, (size >> (HEIGHT * level)) - number * TILE))


def bundles(first: int, size: int) -> list[tuple[int, int]]:
    """(number, width) of every bundle from number ``first`` on in a log of ``size`` entries."""
    return [(number, min(TILE, size - number * TILE)) for number in range(first, -(-size // TILE))]


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """A bundle: u16 length || entry, one after another."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(bundle: bytes) -> list[bytes]:
    """The entries of a bundle; Broken("M-BUNDLE") when it ends inside one."""
    entries: list[bytes] = []
    put, at, end = entries.append, 0, len(bundle)
    while at < end:
        start = at + 2
        # indexing is several times cheaper than slicing two bytes out, and a million entries are read at a time
        stop = start + (bundle[at] << 8 | bundle[at + 1]) if start <= end else end + 1
        if stop > end:
            raise Broken("M-BUNDLE", at=at)
        put(bundle[start:stop])
        at = stop
    return entries
