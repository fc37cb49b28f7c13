"""The bytes of an envelope on their way through: files in, payload out, in steps of 1 MiB (envelope.md §3).

The content key is bound to the header and the header to the files' hashes, so the files are read twice. Within each
pass nothing waits that need not: hashes are computed in two threads (hashlib lets go of the interpreter) beside
reading, encrypting and writing.
"""

from __future__ import annotations

import errno
import io
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.refusal import Refused
from bidding.container import FileEntry
from bidding.hpke import expand
from bidding.manifest import HEAD
from bidding.payload import CHUNK, LABEL, SEGMENT, TAG, payload_root, segment_leaf

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all), from the thread that seals."""

_STEP = 1 << 20  # plaintext bytes at a time: a whole number of chunks
_OUT = HEAD + _STEP // CHUNK * (CHUNK + TAG) + CHUNK + TAG
_THREADS = 2
_RING = 6
_BEHIND = 2


@dataclass(frozen=True)
class Source:
    """One file to seal: where it lies, and the name and media type it is sealed under."""

    path: Path
    name: str
    media: str = "application/octet-stream"


class Encryptor(Protocol):
    """What `cryptography.cobblestone` offers."""

    def update_into(self, data: memoryview, buf: memoryview) -> int: ...

    def finalize(self) -> bytes: ...


class SaltedEncryptor:
    """The same encryption with a salt from outside, which the library does not take: for test vectors."""

    def __init__(self, ck: bytes, ctx: bytes, salt: bytes) -> None:
        keys = expand(ck, LABEL + b"\0" + salt + ctx, 76)
        self._aead, self._nonce = AESGCM(keys[:32]), int.from_bytes(keys[32:44], "big")
        self._waiting, self._count, self._begun = bytearray(salt + keys[44:]), 0, False
        self._plain = bytearray()

    def update_into(self, data: memoryview, buf: memoryview) -> int:
        """Whole chunks at once; what is left waits."""
        self._plain += data
        while len(self._plain) >= CHUNK:
            self._waiting += self._chunk(bytes(self._plain[:CHUNK]))
            del self._plain[:CHUNK]
        size = len(self._waiting)
        buf[:size] = self._waiting
        self._waiting.clear()
        return size

    def finalize(self) -> bytes:
        """The last chunk, shorter than the others and perhaps empty."""
        return bytes(self._waiting) + self._chunk(bytes(self._plain))

    def _chunk(self, plaintext: bytes) -> bytes:
        nonce = (self._nonce ^ self._count).to_bytes(12, "big")
        self._count += 1
        return self._aead.encrypt(nonce, plaintext, None)


class Plaintext:
    """The files of one envelope. They must be the same in both passes; `check_unchanged` says whether they were."""

    def __init__(self, files: Sequence[Source], progress: Progress | None = None) -> None:
        self.files = files
        try:
            self._states = [_state(source.path) for source in files]
        except OSError as why:
            raise Refused("E-FILES", name=os.path.basename(why.filename), why=why.strerror) from why
        self.size = sum(state[0] for state in self._states)
        self._progress, self._done, self._all = progress, 0, 2 * self.size

    def hashed(self) -> tuple[FileEntry, ...]:
        """The first pass. Several files are hashed side by side; a single one is read ahead of its hash."""
        digests = []
        with ThreadPoolExecutor(_THREADS) as pool:
            if len(self.files) == 1:
                digests.append(_hash_ahead(self.files[0].path, pool, self._tell))
            else:
                for size, digest in pool.map(lambda source: _hash(source.path), self.files):
                    digests.append(digest)
                    self._tell(size)
        entries = zip(self.files, self._states, digests, strict=True)
        return tuple(FileEntry(source.name, state[0], digest, source.media) for source, state, digest in entries)

    def steps(self, start: bytes, total: int) -> Iterator[memoryview]:
        """The second pass: `start`, the files, zeros up to `total`; 1 MiB at a time, always in the same buffer."""
        self._all = self.size + total
        buffer = memoryview(bytearray(_STEP))
        filled = given = 0
        for read in self._readers(start):
            while count := read(buffer[filled:]):
                filled += count
                if filled == _STEP:
                    yield buffer
                    self._tell(_STEP)
                    filled, given = 0, given + _STEP
        left = total - given - filled
        if left < 0:
            raise Refused("E-FILES", name="", why="changed while it was sealed")
        buffer[filled : filled + left] = bytes(left)
        if filled + left:
            yield buffer[: filled + left]
            self._tell(filled + left)

    def check_unchanged(self) -> None:
        """Else the header would not fit the files: X-CONTAINER, and the bidder's fault. `Refused("E-FILES")`."""
        for source, state in zip(self.files, self._states, strict=True):
            if _state(source.path) != state:
                raise Refused("E-FILES", name=source.name, why="changed while it was sealed")

    def _readers(self, start: bytes) -> Iterator[Callable[[memoryview], int]]:
        left = memoryview(start)

        def beginning(target: memoryview) -> int:
            nonlocal left
            size = min(len(left), len(target))
            target[:size] = left[:size]
            left = left[size:]
            return size

        yield beginning
        for source in self.files:
            with source.path.open("rb", buffering=0) as stream:
                yield stream.readinto

    def _tell(self, count: int) -> None:
        self._done += count
        if self._progress:
            self._progress(self._done, self._all)


def encrypt(encryptor: Encryptor, steps: Iterator[memoryview], out: BinaryIO) -> tuple[bytes, str]:
    """Encrypt all steps into `out`; (head, payload root).

    Ciphertext goes round a ring of buffers, so that one thread hashes segments while this one encrypts the next; when
    that one falls behind, this one hashes too. Two threads for two cores: a third would only take turns with them.
    """
    ring = [memoryview(bytearray(_OUT)) for _ in range(_RING)]
    using: list[list[Future[bytes]]] = [[] for _ in ring]
    leaves: list[bytes | Future[bytes]] = []
    segment: list[memoryview] = []
    behind: deque[Future[bytes]] = deque()
    room, turn, head = SEGMENT, 0, b""

    def close() -> None:
        nonlocal room
        while behind and behind[0].done():
            behind.popleft()
        if len(behind) < _BEHIND:
            future = hasher.submit(segment_leaf, *segment)
            leaves.append(future)
            behind.append(future)
            # a segment lies in this buffer and may have begun in the one before: both are in use until it is hashed
            using[turn].append(future)
            using[turn - 1].append(future)
        else:
            leaves.append(segment_leaf(*segment))
        segment.clear()
        room = SEGMENT

    def take(view: memoryview) -> None:
        nonlocal room
        while view:
            piece, view = view[:room], view[room:]
            segment.append(piece)
            room -= len(piece)
            if not room:
                close()

    with ThreadPoolExecutor(1) as hasher:
        for step in steps:
            for future in using[turn]:
                future.result()
            using[turn].clear()
            written = ring[turn][: encryptor.update_into(step, ring[turn])]
            head = head or bytes(written[:HEAD])
            out.write(written)
            take(written)
            turn = (turn + 1) % _RING
        last = memoryview(encryptor.finalize())
        head = head or bytes(last[:HEAD])
        out.write(last)
        take(last)
        if segment:
            close()
        return head, payload_root(leaf if isinstance(leaf, bytes) else leaf.result() for leaf in leaves)


def reserve(out: BinaryIO, size: int) -> None:
    """Take the room on the disk at once: a full disk is said before anything is written, and writing gets quicker.

    Raises `Refused("E-FULL")`. Does nothing for streams that are no file, and where the system cannot.
    """
    try:
        os.posix_fallocate(out.fileno(), 0, size)
    except (AttributeError, io.UnsupportedOperation):
        return
    except OSError as why:
        if why.errno == errno.ENOSPC:
            raise Refused("E-FULL", size=size) from why


def _state(path: Path) -> tuple[int, int, int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev


def _hash(path: Path) -> tuple[int, str]:
    digest, buffer = sha256(), memoryview(bytearray(_STEP))
    size = 0
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            digest.update(buffer[:count])
            size += count
    return size, digest.hexdigest()


def _hash_ahead(path: Path, pool: ThreadPoolExecutor, told: Callable[[int], None]) -> str:
    digest = sha256()
    buffers = [memoryview(bytearray(_STEP)), memoryview(bytearray(_STEP))]
    with path.open("rb", buffering=0) as stream:
        reading, turn = pool.submit(stream.readinto, buffers[0]), 0
        while count := reading.result():
            reading = pool.submit(stream.readinto, buffers[1 - turn])
            digest.update(buffers[turn][:count])
            told(count)
            turn = 1 - turn
    return digest.hexdigest()
