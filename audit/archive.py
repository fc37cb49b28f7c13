"""The archive's zip framing and MANIFEST: log.md §7.

One byte string for one set of files: the reader recomputes every header from the names, sizes and checksums it found
and compares, so nothing can hide between members, in extra fields or in the difference between two directories.
Whatever is wrong with a file, the reader raises Broken with a code that begins with ``A-``; which paths may stand in
an archive, and what they must say, is for ``verify``.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, cast

from audit.refusal import Broken

MANIFEST: Final = "MANIFEST"
CHUNK: Final = 1 << 20
READABLE: Final = 1 << 28  # bytes ``read`` puts into memory; payloads are streamed
_FULL: Final = 0xFFFFFFFF  # 4 GiB: what does not fit goes into zip64 fields
_MANY: Final = 0xFFFF
_DATE: Final = 0x21  # 1980-01-01; the time, 00:00, is 0
_MODE: Final = 0o644 << 16
_PART = re.compile(r"[!-.0-\[\]-~]+")  # printable ASCII but space, slash and backslash
_LINE = re.compile(r"([0-9a-f]{64}) (0|[1-9][0-9]{0,18}) ([!-~]+)")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_EOCD = struct.Struct("<4s4H2LH")
_EOCD64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")


@dataclass(frozen=True)
class Member:
    """One file of an archive. ``offset`` is where its local header begins."""

    name: str
    size: int
    crc: int
    offset: int

    def local(self) -> bytes:
        """The local file header."""
        big = self.size >= _FULL
        extra = struct.pack("<2H2Q", 1, 16, self.size, self.size) if big else b""
        size = _FULL if big else self.size
        name = self.name.encode("ascii")
        head = (b"PK\3\4", 45 if big else 20, 0, 0, 0, _DATE, self.crc, size, size, len(name), len(extra))
        return struct.pack("<4s5H3L2H", *head) + name + extra

    def central(self) -> bytes:
        """The entry in the central directory."""
        big, far = self.size >= _FULL, self.offset >= _FULL
        fields = [self.size, self.size] * big + [self.offset] * far
        extra = struct.pack(f"<2H{len(fields)}Q", 1, 8 * len(fields), *fields) if fields else b""
        size = _FULL if big else self.size
        name = self.name.encode("ascii")
        need = 45 if fields else 20
        head = (b"PK\1\2", 3 << 8 | need, need, 0, 0, 0, _DATE, self.crc, size, size, len(name), len(extra))
        return _CENTRAL.pack(*head, 0, 0, 0, _MODE, _FULL if far else self.offset) + name + extra

    @cached_property
    def start(self) -> int:
        """Where its bytes begin."""
        return self.offset + len(self.local())

    @cached_property
    def end(self) -> int:
        """Where the next member begins."""
        return self.start + self.size


def _ending(count: int, start: int, length: int) -> bytes:
    """What follows the central directory of ``length`` bytes at ``start``."""
    records = b""
    if count >= _MANY or start >= _FULL or length >= _FULL:
        records = _EOCD64.pack(b"PK\6\6", 44, 3 << 8 | 45, 45, 0, 0, count, count, length, start)
        records += _LOCATOR.pack(b"PK\6\7", 0, start + length, 1)
    count = min(count, _MANY)
    return records + _EOCD.pack(b"PK\5\6", 0, 0, count, count, min(length, _FULL), min(start, _FULL), 0)


def is_name(name: str) -> bool:
    """Whether a path may stand in an archive: relative, printable ASCII without spaces and backslashes, no dots."""
    return len(name) < 1 << 16 and all(_PART.fullmatch(part) and part not in (".", "..") for part in name.split("/"))


# --------------------------------------------------------------------------------------------------------- writing


def write_archive(target: Path | BinaryIO, files: Iterable[tuple[str, bytes | Path]]) -> None:
    """Write an archive of ``files`` (path in the archive, its bytes or where they lie), MANIFEST made here.

    Every byte is read and hashed once: the MANIFEST's own length follows from names and sizes, so its place is kept
    and filled in at the end. A ``Path`` target appears whole or not at all, and is durable when this returns; a file
    object must be empty and able to seek. ValueError for a name that is none or stands twice, and for a file that
    changed its size meanwhile.
    """
    if isinstance(target, Path):
        part = target.with_name(target.name + ".part")
        try:
            with part.open("w+b") as out:
                write_archive(out, files)
                out.flush()
                os.fsync(out.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return
    sources = dict[str, bytes | Path]()
    for name, source in files:
        if name in sources or name == MANIFEST or not is_name(name):
            raise ValueError(f"no name for a file: {name}")
        sources[name] = source
    names = sorted(sources)  # ASCII: the order of path bytes
    sizes = {name: _size(sources[name]) for name in names}
    length = sum(64 + 1 + len(str(sizes[name])) + 1 + len(name) + 1 for name in names)
    members = [Member(MANIFEST, length, 0, 0)]
    hashes = []
    target.seek(members[0].end)
    for name in names:
        unsealed = Member(name, sizes[name], 0, members[-1].end)
        target.seek(unsealed.start)
        digest, crc, copied = hashlib.sha256(), 0, 0
        for block in _blocks(sources[name]):
            digest.update(block)
            crc = zlib.crc32(block, crc)
            copied += target.write(block)
        if copied != sizes[name]:
            raise ValueError(f"changed its size: {name}")
        member = Member(name, sizes[name], crc, unsealed.offset)
        target.seek(member.offset)
        target.write(member.local())
        members.append(member)
        hashes.append(digest.hexdigest())
    manifest = "".join(f"{digest} {sizes[name]} {name}\n" for digest, name in zip(hashes, names, strict=True)).encode()
    members[0] = Member(MANIFEST, length, zlib.crc32(manifest), 0)
    target.seek(0)
    target.write(members[0].local() + manifest)
    start = target.seek(members[-1].end)
    directory = b"".join(member.central() for member in members)
    target.write(directory + _ending(len(members), start, len(directory)))


def _size(source: bytes | Path) -> int:
    return source.stat().st_size if isinstance(source, Path) else len(source)


def _blocks(source: bytes | Path) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while block := file.read(CHUNK):
            yield block


# --------------------------------------------------------------------------------------------------------- reading


class Archive:
    """An archive whose framing, checksums and MANIFEST hold. Closes its file at the end of a ``with``.

    ``names`` is in the order of the file, MANIFEST left out; ``hashes`` maps them to SHA-256 hex, ``sizes`` to bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read and check a seekable file from end to end; prefer :meth:`open`. Raises Broken."""
        self._file = file
        self._members = {member.name: member for member in _frame(file)}
        self.names: tuple[str, ...] = tuple(name for name in self._members if name != MANIFEST)
        self.sizes: dict[str, int] = {name: self._members[name].size for name in self.names}
        self.hashes: dict[str, str] = {}
        self._check()

    @classmethod
    def open(cls, path: str | Path) -> Archive:
        """Open and check: V1's first half. Raises Broken: A-READ, A-FRAME, A-NAME, A-ORDER, A-CRC, A-MANIFEST."""
        try:
            file = Path(path).open("rb")  # noqa: SIM115 - kept until close()
        except (OSError, ValueError) as error:
            raise Broken("A-READ", why=str(error)) from None
        try:
            return cls(file)
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Nothing can be read afterwards."""
        self._file.close()

    def __contains__(self, name: object) -> bool:
        return name in self.sizes

    def read(self, name: str) -> bytes:
        """A file's bytes. Broken("A-MISSING") if it is not there, Broken("A-LARGE") if it should be streamed."""
        if self._member(name).size > READABLE:
            raise Broken("A-LARGE", name=name)
        return b"".join(self.stream(name))

    def stream(self, name: str, chunk: int = CHUNK) -> Iterator[bytes]:
        """A file's bytes in pieces of ``chunk`` (the last one shorter). Broken("A-MISSING"), Broken("A-READ")."""
        member = self._member(name)
        return self._pieces(member, chunk)

    def opened(self, name: str) -> BinaryIO:
        """A file object of its own over one file: several threads may each read theirs. Broken("A-MISSING")."""
        member = self._member(name)
        if not self._has_descriptor():
            return io.BytesIO(b"".join(self._pieces(member, CHUNK)))
        return cast(BinaryIO, _Window(self._file.fileno(), member.start, member.size))

    def _has_descriptor(self) -> bool:
        try:
            self._file.fileno()
        except OSError:
            return False
        return True

    def _hashed(self, member: Member) -> tuple[str, int]:
        """SHA-256 (hex) and CRC-32 of a member's bytes."""
        digest, crc = hashlib.sha256(), 0
        with self.opened(member.name) as stream:
            while block := stream.read(CHUNK):
                digest.update(block)
                crc = zlib.crc32(block, crc)
        return digest.hexdigest(), crc

    def _member(self, name: str) -> Member:
        if name not in self._members:
            raise Broken("A-MISSING", name=name)
        return self._members[name]

    def _pieces(self, member: Member, chunk: int) -> Iterator[bytes]:
        at = member.start
        while at < member.end:
            block = _at(self._file, at, min(chunk, member.end - at))
            at += len(block)
            yield block

    def _check(self) -> None:
        """Checksums, and that MANIFEST says exactly what is there."""
        members = list(self._members.values())
        large = [member for member in members if member.size >= CHUNK]
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            # hashing is what a large archive costs here, and it lets go of the interpreter
            ahead = dict(zip(large, pool.map(self._hashed, large), strict=True)) if self._has_descriptor() else {}
            found = [ahead[member] if member in ahead else self._hashed(member) for member in members]
        claimed = []
        for member, (digest, crc) in zip(members, found, strict=True):
            if crc != member.crc:
                raise Broken("A-CRC", name=member.name)
            if member.name != MANIFEST:
                self.hashes[member.name] = digest
                claimed.append(f"{digest} {member.size} {member.name}\n")
        manifest = self.read(MANIFEST)
        if manifest != "".join(claimed).encode():
            raise Broken("A-MANIFEST", name=_first_difference(manifest, claimed))


class _Window(io.RawIOBase):
    """Part of a file, read at offsets of its own: the position of the descriptor is never moved."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor, self._at, self._end = descriptor, start, start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: self._end - self._at]
        try:
            count = os.preadv(self._descriptor, [view], self._at) if view else 0
        except OSError as error:
            raise Broken("A-READ", why=str(error)) from None
        self._at += count
        return count


def _first_difference(manifest: bytes, claimed: list[str]) -> str:
    """The path on the first line that is not as it should be, for the sentence about it."""
    lines = manifest.decode("ascii", "replace").splitlines(keepends=True)
    for place, line in enumerate(claimed):
        if place >= len(lines) or lines[place] != line:
            return line.rstrip("\n").split(" ", 2)[2]
    match = _LINE.match(lines[len(claimed)]) if len(lines) > len(claimed) else None
    return match.group(3) if match else MANIFEST


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    try:
        file.seek(offset)
        data = file.read(length)
    except OSError as error:
        raise Broken("A-READ", why=str(error)) from None
    if len(data) != length:
        raise Broken("A-READ", why="shorter than it was")
    return data


def _frame(file: BinaryIO) -> list[Member]:
    """The members of a zip whose every header is the one log.md §7 prescribes. Raises Broken."""
    length = file.seek(0, os.SEEK_END)
    count, start, size = _find_directory(file, length)
    ending = _ending(count, start, size)
    if start + size + len(ending) != length or _at(file, start + size, len(ending)) != ending:
        raise Broken("A-FRAME", what="end")
    directory = _at(file, start, size)
    members: list[Member] = []
    at = offset = 0
    for _ in range(count):
        if at + _CENTRAL.size > size:
            raise Broken("A-FRAME", what="directory")
        fields = _CENTRAL.unpack_from(directory, at)
        crc, plain, name_length, extra_length = fields[7], fields[9], fields[10], fields[11]
        tail = at + _CENTRAL.size + name_length
        if tail + extra_length > size:
            raise Broken("A-FRAME", what="directory")
        raw = directory[at + _CENTRAL.size : tail]
        name = raw.decode("latin-1")
        if not raw.isascii() or not is_name(name):
            raise Broken("A-NAME", name=name)
        if plain == _FULL and extra_length >= 12:
            (plain,) = struct.unpack_from("<Q", directory, tail + 4)
        member = Member(name, plain, crc, offset)
        # the header as it must be, against the header as it is: flags, versions, dates, extras, offsets, all of it
        if directory[at : tail + extra_length] != member.central():
            raise Broken("A-FRAME", what="directory", name=name)
        if member.end > start or _at(file, offset, member.start - offset) != member.local():
            raise Broken("A-FRAME", what="local", name=name)
        if (name == MANIFEST) != (not members) or (len(members) > 1 and members[-1].name >= name):
            raise Broken("A-ORDER", name=name)
        members.append(member)
        at, offset = tail + extra_length, member.end
    if at != size or offset != start or not members:
        raise Broken("A-FRAME", what="gap")
    return members


def _find_directory(file: BinaryIO, length: int) -> tuple[int, int, int]:
    """(number of members, start, size) of the central directory, as the end of the file claims."""
    if length < _EOCD.size:
        raise Broken("A-FRAME", what="short")
    mark, _, _, _, count, size, start, _ = _EOCD.unpack(_at(file, length - _EOCD.size, _EOCD.size))
    if mark != b"PK\5\6":
        raise Broken("A-FRAME", what="end")
    whole = _EOCD64.size + _LOCATOR.size + _EOCD.size
    if (count == _MANY or _FULL in (size, start)) and length >= whole:
        record = _EOCD64.unpack(_at(file, length - whole, _EOCD64.size))
        count, size, start = record[7], record[8], record[9]
    if start + size > length - _EOCD.size or not count * _CENTRAL.size <= size <= READABLE:
        raise Broken("A-FRAME", what="end")
    return count, start, size
