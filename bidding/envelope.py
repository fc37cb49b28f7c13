"""Sealing: a folder and a form become envelopes that nobody opens before the hour (envelope.md §3–§5).

One envelope is sealed file to file in one pass over the plaintext, after one pass that hashes the files for the
header: the content key is bound to that header, so the two cannot be one. Hashing runs in threads beside encryption;
memory is a few buffers of 1 MiB.

    sealed = seal_envelope(context, keyset, out, files=…, created=now)
    sig = sign_manifest(sealed.manifest, signer)

`seal_bid` does it for every stage of a bid into one `.sealed` file, `SealedFile` reads that back for `submit`.
"""

from __future__ import annotations

import hmac
import mimetypes
import os
import secrets
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.cobblestone import Cobblestone256Encryptor

from audit.canon import canon, lp4, parse, sha256, sha256_hex
from audit.refusal import Refused
from audit.trust import Signer
from bidding.container import HEADER_LIMIT, BadContainer, FileEntry, Header, check_header, check_names, padding
from bidding.keys import Keyset
from bidding.manifest import FORM, Context, Manifest, sign_manifest, write_manifest
from bidding.payload import BLOCK, SALT, payload_size
from bidding.stream import Encryptor, Plaintext, Progress, SaltedEncryptor, Source, encrypt, reserve
from bidding.unseal import Opened, Payload, Verdict, make_boxes, open_box, unseal

__all__ = [
    "Context",
    "Manifest",
    "Opened",
    "Payload",
    "Previous",
    "Sealed",
    "SealedFile",
    "SealedStage",
    "Source",
    "Verdict",
    "new_bid",
    "open_box",
    "seal_bid",
    "seal_envelope",
    "sign_manifest",
    "sources",
    "unseal",
]

CLIENT = ("trading", "1")


@dataclass(frozen=True)
class Sealed:
    """One sealed envelope: the manifest to sign, and what the bidder is shown. Nothing secret is in it."""

    manifest: bytes
    root: str
    size: int
    head: bytes
    files: tuple[FileEntry, ...]

    @property
    def hash(self) -> str:
        """SHA-256 of the manifest, hex: what the confirmation shows and the receipt names."""
        return sha256_hex(self.manifest)


def sources(folder: Path) -> list[Source]:
    """The files of a folder, by name, hidden ones left out. Raises `Refused("E-FILES")` for a folder within it."""
    found = []
    for path in sorted(folder.iterdir(), key=lambda path: path.name.encode()):
        if path.name.startswith("."):
            continue
        if not path.is_file():
            raise Refused("E-FILES", name=path.name, why="not a plain file")
        # some file systems give names back decomposed; what is sealed is in NFC (§1)
        name = unicodedata.normalize("NFC", path.name)
        found.append(Source(path, name, mimetypes.guess_type(name)[0] or "application/octet-stream"))
    return found


def seal_envelope(
    context: Context,
    keyset: Keyset,
    out: Path | BinaryIO,
    *,
    files: Sequence[Source] = (),
    opening: Mapping[str, Any] | None = None,
    schema: Mapping[str, Mapping[str, Any]] | None = None,
    prev: str | None = None,
    created: datetime,
    client: tuple[str, str] = CLIENT,
    progress: Progress | None = None,
    entropy: Callable[[int], bytes] | None = None,
) -> Sealed:
    """Seal one stage: write the payload to `out` and return the manifest.

    Stage `form` takes `opening` and the notice's `schema`, every other stage `files`. `prev` is the hash of the
    manifest it replaces. `entropy` is for test vectors only: a repeated output repeats an envelope.
    Raises `Refused`: `E-CONTEXT` (key set of another stage), `E-OPENING`, `E-FILES` (names; a file that changed while
    it was sealed), `E-FULL` (no room for it); a path `out` is removed again then.
    """
    if (keyset.id, keyset.tender, keyset.stage) != (context.keyset, context.tender, context.stage):
        raise Refused("E-CONTEXT", field="keyset", found=context.keyset, wanted=keyset.id)
    if isinstance(out, Path):
        try:
            with out.open("xb") as stream:
                return seal_envelope(
                    context,
                    keyset,
                    stream,
                    files=files,
                    opening=opening,
                    schema=schema,
                    prev=prev,
                    created=created,
                    client=client,
                    progress=progress,
                    entropy=entropy,
                )
        except FileExistsError:
            raise Refused("E-FILES", name=out.name, why="exists") from None
        except BaseException:
            out.unlink(missing_ok=True)
            raise
    plain = Plaintext(files, progress)
    header = Header(context.ctx.hex(), plain.hashed(), dict(opening or {}))
    _check(header, context, schema or {})
    draw = entropy or os.urandom
    bound = b"trading/ck/v1\0" + context.ctx + sha256(header.data)
    ck = hmac.digest(draw(32), bound, "sha256")
    encryptor: Encryptor = Cobblestone256Encryptor(ck, context.ctx)
    if entropy is not None:
        encryptor = SaltedEncryptor(ck, context.ctx, draw(SALT))
    start = lp4(header.data)
    content = len(start) + plain.size
    total = content + padding(content)
    reserve(out, payload_size(total))
    head, root = encrypt(encryptor, plain.steps(start, total), out)
    plain.check_unchanged()
    _, boxes = make_boxes(ck, context.ctx, head, keyset)
    size = payload_size(total)
    manifest = write_manifest(
        context, head=head, boxes=boxes, root=root, size=size, prev=prev, created=created, client=client
    )
    return Sealed(manifest, root, size, head, header.files)


def _check(header: Header, context: Context, schema: Mapping[str, Mapping[str, Any]]) -> None:
    """What would be X-CONTAINER after the opening is a refusal now, while it can be mended."""
    try:
        check_names([entry.name for entry in header.files])
        canon([entry.name for entry in header.files], nfc=True)
    except (BadContainer, ValueError) as why:
        raise Refused("E-FILES", name="", why=str(why)) from why
    if len(header.data) > HEADER_LIMIT:
        raise Refused("E-FILES", name="", why="header above 1 MiB")
    try:
        check_header(header, context.ctx, context.stage, schema)
        canon(dict(header.opening), nfc=True)
    except (BadContainer, ValueError) as why:
        raise Refused("E-OPENING", why=str(why)) from why


@dataclass(frozen=True)
class Previous:
    """What a replacement follows: the seq and manifest hash of the last envelope of the bid in each stage."""

    seq: int
    hash: str


def new_bid() -> str:
    """A bid's id, 32 hex characters at random."""
    return secrets.token_hex(16)


def seal_bid(
    keysets: Mapping[str, Keyset],
    out: Path,
    *,
    bidder: str,
    signer: Signer,
    folders: Mapping[str, Sequence[Source]],
    opening: Mapping[str, Any] | None = None,
    schema: Mapping[str, Mapping[str, Any]] | None = None,
    created: datetime,
    bid: str | None = None,
    previous: Mapping[str, Previous] | None = None,
    client: tuple[str, str] = CLIENT,
    progress: Progress | None = None,
) -> SealedFile:
    """Seal and sign a whole bid: one envelope for each stage in `keysets`, into one `.sealed` file.

    `folders` has the files of every stage but `form`; `opening` and the notice's `schema` are for `form`. A first bid
    takes every stage (`E-STAGES` checks that on arrival) and draws its id; a replacement names `bid` and, for each
    stage that it replaces, what it follows. Raises as `seal_envelope`, and `Refused("E-FILES")` if `out` is there.
    """
    bid = bid or new_bid()
    weight = {stage: sum(source.path.stat().st_size for source in folders.get(stage, ())) + BLOCK for stage in keysets}
    done = 0
    try:
        with zipfile.ZipFile(out, "x", zipfile.ZIP_STORED) as archive:
            for stage, keyset in keysets.items():
                follows = (previous or {}).get(stage)
                seq, prev = (follows.seq + 1, follows.hash) if follows else (1, None)
                context = Context(keyset.tender, stage, keyset.id, bidder, bid, seq)

                def told(part: int, whole: int, before: int = done, of: int = weight[stage]) -> None:
                    if progress:
                        progress(before + of * part // (whole or 1), sum(weight.values()))

                place = f"stages/{stage}/"
                member = zipfile.ZipInfo(place + "payload")
                with archive.open(member, "w", force_zip64=True) as stream:
                    sealed = seal_envelope(
                        context,
                        keyset,
                        stream,  # type: ignore[arg-type]
                        files=folders.get(stage, ()) if stage != FORM else (),
                        opening=opening if stage == FORM else None,
                        schema=schema,
                        prev=prev,
                        created=created,
                        client=client,
                        progress=told,
                    )
                archive.writestr(zipfile.ZipInfo(place + "manifest.json"), sealed.manifest)
                archive.writestr(zipfile.ZipInfo(place + "sig.json"), canon(sign_manifest(sealed.manifest, signer)))
                archive.writestr(zipfile.ZipInfo(f"keysets/{keyset.id}.json"), keyset.data)
                done += weight[stage]
    except FileExistsError:
        raise Refused("E-FILES", name=out.name, why="exists") from None
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    return SealedFile(out)


class SealedFile:
    """A `.sealed` file: what `submit` sends, and what the bidder keeps for the case of X-STORE (§7).

    Per stage `stages/<stage>/{manifest.json,sig.json,payload}`, beside them `keysets/<keyset_id>.json`. It is not
    trusted: manifests are read as if they came from anybody. Raises `Refused("E-SEALED-FILE")`.
    """

    def __init__(self, path: Path) -> None:
        """Read the manifests and signatures; payloads stay on the disk."""
        self.path = path
        self.stages: dict[str, SealedStage] = {}
        try:
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    parts = name.split("/")
                    if len(parts) == 3 and parts[0] == "stages" and parts[2] == "manifest.json":
                        sig = parse(archive.read(f"stages/{parts[1]}/sig.json"))
                        payload = archive.getinfo(f"stages/{parts[1]}/payload")
                        manifest = Manifest.parse(archive.read(name))
                        if payload.compress_type != zipfile.ZIP_STORED or payload.file_size != manifest.size:
                            raise Refused("E-SEALED-FILE", name=path.name, why="payload")
                        self.stages[parts[1]] = SealedStage(manifest, sig, payload.file_size)
                self.keysets = {
                    name[8:-5]: archive.read(name) for name in archive.namelist() if name.startswith("keysets/")
                }
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError) as why:
            raise Refused("E-SEALED-FILE", name=path.name, why=str(why)) from why
        first = {(s.manifest.tender, s.manifest.bidder, s.manifest.bid) for s in self.stages.values()}
        if len(first) != 1 or any(stage != s.manifest.stage for stage, s in self.stages.items()):
            raise Refused("E-SEALED-FILE", name=path.name, why="stages of different bids")
        self.tender, self.bidder, self.bid = first.pop()

    @contextmanager
    def payload(self, stage: str) -> Iterator[BinaryIO]:
        """The payload of a stage as a seekable stream."""
        with zipfile.ZipFile(self.path) as archive, archive.open(f"stages/{stage}/payload") as stream:
            yield stream  # type: ignore[misc]


@dataclass(frozen=True)
class SealedStage:
    """One stage of a `.sealed` file; `size` is the payload's, in bytes."""

    manifest: Manifest
    sig: list[dict[str, Any]]
    size: int
