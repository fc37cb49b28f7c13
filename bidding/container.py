"""What lies inside an envelope: one header, the files, zero padding (envelope.md §3).

Writing and reading are one stream each. The reader is for *after* decryption and says only whether the container is
right: the verdict X-CONTAINER is the same for everybody who opens it, so every rule here stands in the text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from audit import wire
from audit.canon import canon, lp4
from audit.refusal import Refused
from bidding.manifest import FORM
from bidding.payload import BLOCK

HEADER_LIMIT = 1 << 20
"""Bytes of a header at most."""
NAME_LIMIT = 255
"""UTF-8 bytes of a file name at most."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_KINDS = frozenset({"fen", "int", "text", "date"})
_RULES = frozenset({"kind", "min", "max", "optional"})


class BadContainer(ValueError):
    """The decrypted bytes are no container; the message says in what."""


@dataclass(frozen=True)
class FileEntry:
    """One file of the header: `size` in bytes, `sha256` hex, `media` its media type."""

    name: str
    size: int
    sha256: str
    media: str


@dataclass(frozen=True)
class Header:
    """The header of a container."""

    ctx: str
    files: tuple[FileEntry, ...]
    opening: Mapping[str, Any]

    @property
    def data(self) -> bytes:
        """Its canonical bytes."""
        files = [{"name": f.name, "size": f.size, "sha256": f.sha256, "media": f.media} for f in self.files]
        return canon({"type": "trading.container/v1", "ctx": self.ctx, "files": files, "opening": dict(self.opening)})

    @staticmethod
    def parse(data: bytes) -> Header:
        """Read the bytes. Raises `BadContainer`."""
        try:
            found = wire.read(data, "trading.container/v1", _FIELDS)
        except wire.Malformed as why:
            raise BadContainer(str(why)) from why
        return Header(found["ctx"], tuple(FileEntry(**entry) for entry in found["files"]), found["opening"])


def _opening(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _media(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


_FIELDS: dict[str, wire.Reader] = {
    "ctx": wire.HASH,
    "files": wire.listed(
        wire.nested({"name": wire.text, "size": wire.integer(0), "sha256": wire.HASH, "media": _media})
    ),
    "opening": _opening,
}


def check_names(names: Sequence[str]) -> None:
    """Unique, 1 to 255 bytes, not `.` or `..`, without `/`, `\\` or NUL. Raises `BadContainer`."""
    for name in names:
        if not 0 < len(name.encode()) <= NAME_LIMIT or name in (".", "..") or set(name) & set("/\\\0"):
            raise BadContainer(f"file name {name!r}")
    if len(set(names)) != len(names):
        raise BadContainer("two files of one name")


def check_opening(opening: Mapping[str, Any], schema: Mapping[str, Mapping[str, Any]]) -> None:
    """Exactly the keys of the notice's `opening_schema`, each of its kind and within its bounds, inclusive.

    Kinds: `fen` and `int` are integers; `text` is counted in code points; `date` is a day that exists, as YYYY-MM-DD,
    whose bounds are dates. Raises `BadContainer` naming the key.
    """
    for key in opening.keys() - schema.keys():
        raise BadContainer(f"{key} is not asked for")
    for key, rule in schema.items():
        if key not in opening:
            if rule.get("optional") is True:
                continue
            raise BadContainer(f"{key} is missing")
        measured = _measure(key, opening[key], rule["kind"])
        if "min" in rule and measured < rule["min"]:
            raise BadContainer(f"{key} is below {rule['min']}")
        if "max" in rule and measured > rule["max"]:
            raise BadContainer(f"{key} is above {rule['max']}")


def check_schema(schema: Any) -> None:
    """A notice's `opening_schema` is one that can be obeyed: known kinds, bounds of the right type, min <= max.

    Raises `Refused("E-SCHEMA", why=…)`; checked when a tender is announced, so that no bid can stall on it.
    """
    if not isinstance(schema, dict):
        raise Refused("E-SCHEMA", why="not an object")
    for key, rule in schema.items():
        if not isinstance(rule, dict) or rule.get("kind") not in _KINDS or rule.keys() - _RULES:
            raise Refused("E-SCHEMA", why=f"{key}: kind")
        bounds = [rule[name] for name in ("min", "max") if name in rule]
        for bound in bounds:
            if rule["kind"] == "date":
                if not _is_day(bound):
                    raise Refused("E-SCHEMA", why=f"{key}: bound")
            elif not isinstance(bound, int) or isinstance(bound, bool):
                raise Refused("E-SCHEMA", why=f"{key}: bound")
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            raise Refused("E-SCHEMA", why=f"{key}: bounds")
        if "optional" in rule and rule["optional"] is not True:
            raise Refused("E-SCHEMA", why=f"{key}: optional")


def _is_day(value: Any) -> bool:
    if not isinstance(value, str) or not _DATE.match(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _measure(key: str, value: Any, kind: str) -> Any:
    """What the bounds of this kind are compared with."""
    if kind in ("fen", "int") and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind == "text" and isinstance(value, str):
        return len(value)
    if kind == "date" and _is_day(value):
        return value
    raise BadContainer(f"{key} is not of kind {kind}")


def check_header(header: Header, ctx: bytes, stage: str, schema: Mapping[str, Mapping[str, Any]]) -> None:
    """The header fits this envelope and this notice. Raises `BadContainer`."""
    if header.ctx != ctx.hex():
        raise BadContainer("ctx of another envelope")
    check_names([entry.name for entry in header.files])
    if stage != FORM:
        if header.opening:
            raise BadContainer("fields read out outside the stage form")
        return
    if header.files:
        raise BadContainer("files in the stage form")
    check_opening(header.opening, schema)


def padding(length: int) -> int:
    """Least number of zero bytes that makes `length` a positive multiple of the block."""
    return -length % BLOCK or (0 if length else BLOCK)


class Reading:
    """A container read as its plaintext arrives, in constant memory; `finish` says whether all of it was right.

    `sink` is handed (file index, bytes) as files pass by; it is for the second pass, when everything has been
    authenticated before.
    """

    def __init__(self, sink: Callable[[int, memoryview], None] | None = None) -> None:
        self._sink = sink
        self._start = bytearray()
        self._total = 0
        self._index = 0
        self._left = 0
        self._digest = hashlib.sha256()
        self._bad: str | None = None
        self.header: Header | None = None

    def update(self, plaintext: bytes | bytearray | memoryview) -> None:
        """Take the next bytes. Never raises: the whole payload is authenticated first, whatever it holds."""
        self._total += len(plaintext)
        if self._bad is None:
            try:
                self._take(memoryview(plaintext))
            except BadContainer as why:
                self._bad = str(why)

    def finish(self) -> Header:
        """The header, when files and padding are right. Raises `BadContainer`."""
        if self._bad is None and self.header is None:
            self._bad = "shorter than its header"
        if self._bad is None and self.header is not None:
            content = len(lp4(self.header.data)) + sum(entry.size for entry in self.header.files)
            if self._index < len(self.header.files):
                self._bad = "shorter than its files"
            elif self._total != content + padding(content):
                self._bad = "padding is not the least"
        if self._bad is not None or self.header is None:
            raise BadContainer(self._bad)
        return self.header

    def _take(self, view: memoryview) -> None:
        if self.header is None:
            view = self._take_header(view)
        if self.header is None:
            return
        while view and self._index < len(self.header.files):
            piece, view = view[: self._left], view[self._left :]
            self._digest.update(piece)
            if self._sink:
                self._sink(self._index, piece)
            self._left -= len(piece)
            if not self._left:
                self._end_file()
        if view.tobytes().count(0) != len(view):
            raise BadContainer("padding is not zero")

    def _take_header(self, view: memoryview) -> memoryview:
        """Collect the length and the header; what is left of the view after them."""
        need = 4 if len(self._start) < 4 else 4 + int.from_bytes(self._start[:4], "big")
        while view and len(self._start) < need:
            piece, view = view[: need - len(self._start)], view[need - len(self._start) :]
            self._start += piece
            if len(self._start) >= 4:
                need = 4 + int.from_bytes(self._start[:4], "big")
                if need - 4 > HEADER_LIMIT:
                    raise BadContainer("header above 1 MiB")
        if len(self._start) == need and need > 4:
            self.header = Header.parse(bytes(self._start[4:]))
            self._start.clear()
            self._begin_file()
        elif need == 4 and len(self._start) == 4:
            raise BadContainer("no header")
        return view

    def _begin_file(self) -> None:
        assert self.header is not None
        while self._index < len(self.header.files):
            self._left = self.header.files[self._index].size
            self._digest = hashlib.sha256()
            if self._left:
                return
            self._end_file(begin=False)

    def _end_file(self, *, begin: bool = True) -> None:
        assert self.header is not None
        if self._digest.hexdigest() != self.header.files[self._index].sha256:
            raise BadContainer(f"hash of {self.header.files[self._index].name}")
        self._index += 1
        if begin:
            self._begin_file()
