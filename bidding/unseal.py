"""Opening one envelope: the table of verdicts, in its order, the same for whoever turns up (envelope.md §7).

The content key comes from any k shares that meet the commitment; then every box is recomputed, the payload is
decrypted to its last byte, and the container checked. Only after all of that is anything written to disk or shown:
the library hands out chunks before it knows that the end is right.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from bidding import hpke, shares
from bidding.container import BadContainer, FileEntry, Header, Reading, check_header
from bidding.hpke import expand
from bidding.keys import Keyset
from bidding.manifest import HEAD, Manifest
from bidding.payload import SEGMENT, meets, payload_root, segment_leaf

Payload = Path | bytes | Callable[[], BinaryIO] | None
"""Stored bytes: a path, the bytes, a function that opens them from the start, or None where they are gone."""


class Verdict(StrEnum):
    """What became of an envelope; the rows of §7's table."""

    X_STORE = "X-STORE"
    X_PAYLOAD = "X-PAYLOAD"
    PENDING = "PENDING"
    X_QUORUM = "X-QUORUM"
    X_COMMIT = "X-COMMIT"
    X_BOX = "X-BOX"
    X_CONTAINER = "X-CONTAINER"
    OK = "OK"

    @property
    def final(self) -> bool:
        """Whether nothing that may still come can change it."""
        return self is not Verdict.PENDING

    @property
    def bidders_fault(self) -> bool:
        """视为撤销投标文件 (电子招标投标办法 31); any other failure is 视为撤回."""
        return self in (Verdict.X_PAYLOAD, Verdict.X_COMMIT, Verdict.X_BOX, Verdict.X_CONTAINER)


@dataclass(frozen=True)
class Opened:
    """What opening an envelope gave. `opening` is None and `files` empty unless the verdict is OK.

    `at`: box indexes for X-BOX, missing custodians' for X-QUORUM, else empty; ascending. `findings`: indexes of
    custodians whose released share is not what their own box held; ascending, and never a verdict. `why` is for the
    log and stands in no record.
    """

    verdict: Verdict
    at: tuple[int, ...] = ()
    ck: bytes | None = None
    opening: Mapping[str, Any] | None = None
    files: tuple[FileEntry, ...] = ()
    findings: tuple[int, ...] = ()
    why: str = ""

    def json(self, *, unvouched: bool) -> dict[str, Any]:
        """The value of `opened.json` in an archive (log.md §7); `ck` only where it was found."""
        value: dict[str, Any] = {
            "verdict": str(self.verdict),
            "at": list(self.at),
            "opening": None if self.opening is None else dict(self.opening),
            "files": [{"name": f.name, "size": f.size, "sha256": f.sha256, "media": f.media} for f in self.files],
            "findings": list(self.findings),
            "unvouched": unvouched,
        }
        if self.ck is not None:
            value["ck"] = self.ck.hex()
        return value


def box_info(ctx: bytes, i: int, head: bytes) -> bytes:
    """info_i of §4: one of the only two infos a custodian's private key is ever used for."""
    return b"trading/box/v1\0" + ctx + bytes([i]) + head


def make_box(ck: bytes, ctx: bytes, head: bytes, i: int, pub: bytes, share: bytes) -> bytes:
    """box_i (113 bytes), a function of what is sealed: everybody who has CK recomputes it (§4)."""
    ikm = expand(ck, b"trading/ephemeral/v1\0" + ctx + head + bytes([i]), 32)
    return hpke.seal(pub, ikm, box_info(ctx, i, head), share)


def make_boxes(ck: bytes, ctx: bytes, head: bytes, keyset: Keyset) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """(shares y_1 … y_n, boxes box_1 … box_n)."""
    parts = shares.split(ck, ctx, keyset.k, keyset.n)
    return parts, tuple(make_box(ck, ctx, head, i, keyset.pubs[i - 1], part) for i, part in enumerate(parts, 1))


def open_box(private: ec.EllipticCurvePrivateKey, manifest: Manifest, i: int) -> bytes | None:
    """A custodian's own share, or None: the box does not open, or does not hold 32 bytes."""
    if len(manifest.boxes) < i:
        return None
    try:
        share = hpke.open(private, box_info(manifest.context.ctx, i, manifest.head), manifest.boxes[i - 1])
    except hpke.Unopenable:
        return None
    return share if len(share) == shares.LENGTH else None


def recover(released: Mapping[int, bytes | None], k: int, head: bytes, ctx: bytes) -> bytes | None:
    """CK from the first k-subset of the released shares that meets the commitment; None if there is none (yet)."""
    given = {i: y for i, y in sorted(released.items()) if y is not None and len(y) == shares.LENGTH}
    for chosen in combinations(given, k):
        ck = shares.combine({i: given[i] for i in chosen})
        if meets(ck, head, ctx):
            return ck
    return None


def unseal(
    manifest: Manifest,
    payload: Payload,
    released: Mapping[int, bytes | None],
    keyset: Keyset,
    *,
    schema: Mapping[str, Mapping[str, Any]],
    window_ended: bool = False,
    extract: Path | None = None,
) -> Opened:
    """The verdict on one listed envelope: the first row of §7's table that holds.

    `released` has an entry for each custodian whose release is in: its share, or None where it said null.
    `window_ended`: a public `window-ended` record of two authorities is there. `extract`: a folder that takes the
    files of an envelope that is OK, each under its own name; it is made if need be. Memory is constant.
    """
    head, ctx = manifest.head, manifest.context.ctx
    ck = recover(released, keyset.k, head, ctx)
    at: tuple[int, ...] = ()
    findings: tuple[int, ...] = ()
    if ck is not None:
        parts, boxes = make_boxes(ck, ctx, head, keyset)
        right = {i for i in range(1, keyset.n + 1) if manifest.boxes[i - 1 : i] == (boxes[i - 1],)}
        at = tuple(i for i in range(1, keyset.n + 1) if i not in right)
        findings = tuple(sorted(i for i, y in released.items() if i in right and y != parts[i - 1]))
    known = Opened(Verdict.PENDING, ck=ck, findings=findings)

    root, stored, bad, header = _pass(payload, manifest.size, ck, ctx)
    if root != manifest.root:
        # before `window-ended` anybody may still bring matching bytes
        return replace(known, verdict=Verdict.X_STORE if window_ended else Verdict.PENDING, why="root")
    if stored != (head, manifest.size):
        return replace(known, verdict=Verdict.X_PAYLOAD, why="head or length")
    if ck is None:
        missing = tuple(i for i in range(1, keyset.n + 1) if i not in released)
        if missing and window_ended:
            return replace(known, verdict=Verdict.X_QUORUM, at=missing)
        return replace(known, verdict=Verdict.PENDING if missing else Verdict.X_COMMIT)
    if bad:
        return replace(known, verdict=Verdict.X_PAYLOAD, why="chunk")
    if at:
        return replace(known, verdict=Verdict.X_BOX, at=at)
    try:
        if isinstance(header, BadContainer) or header is None:
            raise header or BadContainer("nothing read")
        check_header(header, ctx, manifest.stage, schema)
    except BadContainer as why:
        return replace(known, verdict=Verdict.X_CONTAINER, why=str(why))
    if extract is not None:
        _extract(payload, manifest.size, ck, ctx, header, extract)
    return replace(known, verdict=Verdict.OK, opening=header.opening, files=header.files)


def _open(payload: Payload) -> BinaryIO:
    if isinstance(payload, Path):
        with suppress(OSError):
            return payload.open("rb")
    elif isinstance(payload, bytes):
        return io.BytesIO(payload)
    elif payload is not None:
        return payload()
    return io.BytesIO(b"")


def _pass(
    payload: Payload, expected: int, ck: bytes | None, ctx: bytes
) -> tuple[str, tuple[bytes, int], bool, Header | BadContainer | None]:
    """One pass over the stored bytes: root, (head, length), whether a chunk is wrong, what the container says."""
    leaves, head, size, bad = [], b"", 0, False
    decryptor = Cobblestone256Decryptor(ck, ctx) if ck is not None else None
    reading = Reading()
    with _open(payload) as stream:
        for segment in _segments(stream, expected):
            head = head or bytes(segment[:HEAD])
            size += len(segment)
            leaves.append(segment_leaf(segment))
            if decryptor is not None and not bad:
                try:
                    reading.update(decryptor.update(segment))
                except InvalidTag:
                    bad = True
    header: Header | BadContainer | None = None
    if decryptor is not None and not bad:
        try:
            reading.update(decryptor.finalize())
            header = reading.finish()
        except InvalidTag:
            bad = True
        except BadContainer as why:
            header = why
    return payload_root(leaves), (head, size), bad, header


def _segments(stream: BinaryIO, expected: int) -> Iterable[memoryview]:
    """Segments in one buffer that is used again: as large as the payload should be, larger only if it is longer."""
    buffer = memoryview(bytearray(min(SEGMENT, expected + 1)))
    while True:
        filled = 0
        while filled < SEGMENT and (count := stream.readinto(buffer[filled:])):  # type: ignore[attr-defined]
            filled += count
            if filled == len(buffer) < SEGMENT:
                buffer = memoryview(bytearray(buffer) + bytearray(SEGMENT - filled))
        if filled:
            yield buffer[:filled]
        if filled < SEGMENT:
            return


def _extract(payload: Payload, size: int, ck: bytes, ctx: bytes, header: Header, folder: Path) -> None:
    """The second pass: what the first authenticated is decrypted again, into files that appear when they are whole."""
    folder.mkdir(parents=True, exist_ok=True)
    # drafts lie where no name in the header can reach them
    with TemporaryDirectory(dir=folder, prefix=".opening-") as aside:
        drafts = [Path(aside) / str(number) for number in range(len(header.files))]
        with ExitStack() as files:
            outs = _Outs(drafts, files)
            decryptor, reading = Cobblestone256Decryptor(ck, ctx), Reading(outs.write)
            with _open(payload) as stream:
                for segment in _segments(stream, size):
                    reading.update(decryptor.update(segment))
            reading.update(decryptor.finalize())
        if reading.finish() != header:
            raise RuntimeError("the payload changed while it was being opened")
        for draft, entry in zip(drafts, header.files, strict=True):
            draft.touch()
            draft.replace(folder / entry.name)


class _Outs:
    """One file open at a time, in the order of the header."""

    def __init__(self, drafts: list[Path], files: ExitStack) -> None:
        self._drafts, self._files, self._index = drafts, files, -1
        self._out: BinaryIO = io.BytesIO()

    def write(self, index: int, piece: memoryview) -> None:
        """The next bytes of file `index`."""
        if index != self._index:
            self._out.close()
            self._out, self._index = self._files.enter_context(self._drafts[index].open("wb")), index
        self._out.write(piece)
