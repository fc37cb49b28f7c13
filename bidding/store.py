"""Payloads and opened documents on the local disk: durable, and named by us alone.

The store is not trusted: what it gives back is checked against hashes that bidders signed
(envelope.md §5, `root`). It is trusted to keep what it has acknowledged, and the order of its writes is
how it keeps it:

    arriving/<name>   written in pieces; each piece is on the disk before anybody hears of it
    fsync             all pieces
    rename            to kept/<na>/<name>
    fsync             both directories
    then, and only then, the caller's row, record and receipt

A crash before the rename leaves a file in `arriving`, which the bidder's tool carries on with or which
expires; after it, a kept file that its row still calls unfinished, until the next look at it. Nothing
half-written is ever under `kept`.

An error of fsync ends the process: the kernel may already have dropped the pages, and a second fsync
would report success for what is lost. A full disk is different: it is said before anything is written,
because the space is reserved when an upload begins.

Two bidders may hand in the same bytes (a copied envelope), and erasing one must not erase the other: so
names are not the hash of the whole content but the upload's own, and what is addressed by content is
each segment within it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from audit.refusal import Refused

#: Payloads are cut, uploaded, hashed and resumed in segments of 1 MiB (envelope.md §3).
SEGMENT = 1 << 20

IOV = 1024
"""Pieces the kernel takes in one write (IOV_MAX)."""

_NAME = re.compile(r"[0-9a-f]{32,64}")


def end(why: str) -> NoReturn:
    """Say why on stderr and end the process at once: no handler, no reply, no receipt."""
    sys.stderr.write(f"STORE FAILED, process ends: {why}\n")
    sys.stderr.flush()
    os._exit(70)


class Store:
    """A folder of kept files. Every method may be called from several processes at once.

    Blocking work runs in threads. Errors: `Refused("E-FULL")` when the disk has no room; any error of
    fsync, or of a write into reserved space, ends the process through `end`.
    """

    def __init__(self, root: Path, *, reserve: int = 64 << 20, end: Callable[[str], NoReturn] = end) -> None:
        """Open the store under `root`; `reserve` bytes of the disk always stay free for the database."""
        self.root = root
        self.reserve = reserve
        self.end = end
        self._arriving = root / "arriving"
        self._kept = root / "kept"
        for folder in (root, self._arriving, self._kept):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fsync_folder(folder.parent)

    # Payloads, which come in segments

    async def begin(self, name: str, size: int) -> None:
        """Reserve `size` bytes for `name`."""
        await asyncio.to_thread(self._begin, _checked(name), size)

    async def write(self, name: str, offset: int, data: bytes) -> None:
        """Write one segment of an arriving file; on return it is on the disk."""
        await asyncio.to_thread(self.write_now, name, offset, [data])

    def write_now(self, name: str, offset: int, pieces: Sequence[bytes]) -> None:
        """`write`, for callers that are in a thread already and have the segment in pieces."""
        path = self._arriving / _checked(name)
        try:
            fd = os.open(path, os.O_WRONLY)
        except FileNotFoundError:
            # Finished, but the database died before it knew: the segment it forgot comes again, the same.
            path = self.path(name)
            try:
                fd = os.open(path, os.O_WRONLY)
            except FileNotFoundError:
                raise Refused("E-UPLOAD", upload=name) from None
        try:
            _write_all(fd, pieces, offset)
            os.fdatasync(fd)
        except OSError as error:
            self.end(f"{path.name}: {error}")
        finally:
            os.close(fd)

    async def finish(self, name: str) -> Path:
        """All segments are in: make the file a kept one. Doing it twice does no harm."""
        return await asyncio.to_thread(self._finish, _checked(name))

    async def discard(self, name: str) -> None:
        """Forget an arriving file."""
        await asyncio.to_thread(self._unlink, self._arriving / _checked(name))

    # Whole documents

    async def keep(self, data: bytes) -> str:
        """Keep one document; its name is its SHA-256. Keeping it twice does no harm."""
        return await asyncio.to_thread(self._keep, data)

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """A path to write a document to, gone at the end unless it was moved with `keep_file`."""
        path = self._arriving / f"draft-{secrets.token_hex(16)}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def keep_file(self, path: Path, name: str) -> Path:
        """Move a finished draft to its name (blocking: call it in a thread)."""
        return self._rename(path, _checked(name))

    # Reading and erasing

    def uploads(self) -> set[str]:
        """Names of all payloads here, arriving and kept (blocking). Documents have longer names."""
        names = {path.name for path in self._arriving.iterdir()} | {path.name for path in self._kept.glob("??/*")}
        return {name for name in names if len(name) == 32}

    def path(self, name: str) -> Path:
        """Where the kept file `name` lies, whether it exists or not."""
        return self._kept / _checked(name)[:2] / name

    def holds(self, name: str) -> bool:
        """Whether `name` is kept."""
        return self.path(name).exists()

    async def read(self, name: str) -> bytes:
        """The whole kept file. Raises FileNotFoundError."""
        return await asyncio.to_thread(self.path(name).read_bytes)

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        """The kept file in segments of 1 MiB. Raises FileNotFoundError."""
        with await asyncio.to_thread(open, self.path(name), "rb") as file:
            while piece := await asyncio.to_thread(file.read, SEGMENT):
                yield piece

    async def erase(self, name: str) -> None:
        """Remove a kept file for good; durable on return. Erasing it twice does no harm.

        The name goes; that the blocks of a disk hold nothing any more is for the disk's own encryption
        to promise. What was there is ciphertext whose shares no custodian releases (envelope.md §5).
        """
        await asyncio.to_thread(self._unlink, self.path(name))

    # Blocking halves, called in threads

    def _begin(self, name: str, size: int) -> None:
        path = self._arriving / name
        free = os.statvfs(self._arriving)
        if free.f_bavail * free.f_frsize < size + self.reserve:
            raise Refused("E-FULL", size=size)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if size:
                os.posix_fallocate(fd, 0, size)
        except OSError as error:
            path.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise Refused("E-FULL", size=size) from None
            raise
        finally:
            os.close(fd)
        self._fsync_folder(self._arriving)

    def _finish(self, name: str) -> Path:
        arriving, kept = self._arriving / name, self.path(name)
        if not arriving.exists() and kept.exists():
            return kept
        return self._rename(arriving, name)

    def _keep(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        if self.path(name).exists():
            return name
        with self.draft() as path:
            try:
                with open(path, "xb") as file:
                    file.write(data)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise Refused("E-FULL", size=len(data)) from None
                raise
            self._rename(path, name)
        return name

    def _rename(self, source: Path, name: str) -> Path:
        kept = self.path(name)
        if not kept.parent.exists():
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            self._fsync_folder(self._kept)
        try:
            fd = os.open(source, os.O_RDONLY)
        except FileNotFoundError:
            # Another worker finished the same file between our look and now.
            if kept.exists():
                return kept
            raise
        try:
            os.fsync(fd)
        except OSError as error:
            self.end(f"{source.name}: {error}")
        finally:
            os.close(fd)
        with contextlib.suppress(FileNotFoundError):
            os.rename(source, kept)
        self._fsync_folder(kept.parent)
        self._fsync_folder(source.parent)
        return kept

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink()
        except FileNotFoundError:
            return
        self._fsync_folder(path.parent)

    def _fsync_folder(self, folder: Path) -> None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        except OSError as error:
            self.end(f"{folder.name}/: {error}")
        finally:
            os.close(fd)


def _checked(name: str) -> str:
    # Names are made here or are hashes; anything else is a path that somebody sent us.
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a store name: {name!r}")
    return name


def _write_all(fd: int, pieces: Sequence[bytes], offset: int) -> None:
    left = [memoryview(piece) for piece in pieces if piece]
    while left:
        written = os.pwritev(fd, left[:IOV], offset)
        offset += written
        while written:
            if written < len(left[0]):
                left[0] = left[0][written:]
                break
            written -= len(left.pop(0))
