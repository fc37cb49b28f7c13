"""Papers: the bytes that records name by hash. Documents, letters, contracts, proofs of payment.

    arriving/draft-…   written as it comes in, hashed once
    fsync, rename      kept/<sh>/<sha256>, both directories synced
    then, and only then, the row, and the answer

A crash before the rename leaves a draft nobody knows; after it, a file without a row, which the same upload finds again.
A paper is its keeper's alone until a public record names it; whether another keeper has the same bytes shows nowhere.
Keeping is not an act: what matters is the record that names the paper, and who reads one is written down nowhere
(电子招标投标办法 20, 21: no gate before the documents, no list of who took them).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import hashlib
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from audit.act import Act, pool
from audit.refusal import Refused
from bidding.store import Store
from trading.accounts import Caller
from trading.document_sets import check_names
from trading.installation import Installation

LARGEST = 200 * 1024 * 1024
"""Bytes of one paper."""
FORGOTTEN = 100_000
"""Machine seconds without a byte, after which a draft is nobody's."""
PLAIN = "application/octet-stream"
_MEDIA = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")


@lru_cache(maxsize=4)
def _store(root: Path) -> Store:
    """The store; drafts that a crash left behind long ago go when a process first looks."""
    made = Store(root)
    for draft in (root / "arriving").glob("draft-*"):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if time.time() - draft.stat().st_mtime > FORGOTTEN:
                draft.unlink()
    return made


def store(platform: Installation) -> Store:
    """Where papers lie."""
    return _store(platform.settings.papers_dir)


async def keep(
    platform: Installation, caller: Caller, body: AsyncIterator[bytes], *, media: str, length: int, digest: str
) -> dict[str, Any]:
    """Take a paper; durable on return. `length`: as declared, 0 if not; `digest`: a Content-Digest field, or "".

    Refused: T-PAPER-SIZE (empty, or above 200 MiB), T-PAPER-QUOTA (of the organisation), E-FULL, T-PAPER-DIGEST (other
    bytes came than were announced), T-PAPER-FIELD (a Content-Digest nobody can read).
    """
    owner, wanted = caller.organisation or "", _digest(digest)
    if length > LARGEST:
        raise Refused("T-PAPER-SIZE", size=length, limit=LARGEST)
    await _within(platform, owner, length)
    kept = store(platform)
    with kept.draft() as draft:
        size, hashed = await _write(draft, body)
        if size == 0:
            raise Refused("T-PAPER-SIZE", size=0, limit=LARGEST)
        if wanted and hashed.digest() != wanted:
            raise Refused("T-PAPER-DIGEST", sha256=hashed.hexdigest())
        sha = hashed.hexdigest()
        await asyncio.to_thread(kept.keep_file, draft, sha)
    await _within(platform, owner, size)
    await pool().execute(
        """INSERT INTO trading_paper (sha256, organisation_id, size, media, kept_at)
           VALUES ($1, $2, $3, $4, clock_timestamp()) ON CONFLICT DO NOTHING""",
        sha, owner, size, _media(media),
    )  # fmt: skip
    return {"sha256": sha, "size": size}


async def put(platform: Installation, owners: Iterable[str], data: bytes, media: str) -> str:
    """Keep a paper that the platform itself wrote, for these organisations; its hash. Doing it twice does no harm."""
    sha = await store(platform).keep(data)
    for owner in owners:
        await pool().execute(
            """INSERT INTO trading_paper (sha256, organisation_id, size, media, kept_at)
               VALUES ($1, $2, $3, $4, clock_timestamp()) ON CONFLICT DO NOTHING""",
            sha, owner, len(data), media,
        )  # fmt: skip
    return sha


async def _within(platform: Installation, owner: str, size: int) -> None:
    """Two uploads at once may go over by one paper; nothing depends on the last byte of a quota."""
    used = await pool().fetchval(
        "SELECT coalesce(sum(size), 0)::bigint FROM trading_paper WHERE organisation_id = $1", owner
    )
    if used + size > platform.settings.paper_quota:
        raise Refused("T-PAPER-QUOTA", size=size, left=platform.settings.paper_quota - used)


async def _write(path: Path, body: AsyncIterator[bytes]) -> tuple[int, Any]:
    hashed, size = hashlib.sha256(), 0
    file = await asyncio.to_thread(open, path, "xb")
    try:
        async for piece in body:
            size += len(piece)
            if size > LARGEST:
                raise Refused("T-PAPER-SIZE", size=size, limit=LARGEST)
            await asyncio.to_thread(_take, file, hashed, piece)
        await asyncio.to_thread(file.flush)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refused("E-FULL", size=size) from None
        raise
    finally:
        await asyncio.to_thread(file.close)
    return size, hashed


def _take(file: BinaryIO, hashed: Any, piece: bytes) -> None:
    file.write(piece)
    hashed.update(piece)


def _digest(field: str) -> bytes:
    """The SHA-256 of a Content-Digest field (RFC 9530); b"" where none was sent."""
    for member in field.split(","):
        key, _, value = member.strip().partition("=")
        if key == "sha-256" and len(value) == 46 and value[0] == value[-1] == ":":
            try:
                return base64.b64decode(value[1:-1], validate=True)
            except ValueError:
                break
    if field:
        raise Refused("T-PAPER-FIELD", field=field[:100])
    return b""


def _media(text: str) -> str:
    given = text.partition(";")[0].strip().lower()
    return given if _MEDIA.fullmatch(given) else PLAIN


# ---------------------------------------------------------------------------------------------------------- naming


async def held(act: Act, caller: Caller, sha256: str) -> int:
    """The size of a paper that the caller's organisation keeps here. Refused: T-PAPER."""
    rows = await act.query(
        "SELECT size FROM trading_paper WHERE sha256 = $1 AND organisation_id = $2", sha256, caller.organisation
    )
    if not rows:
        raise Refused("T-PAPER", sha256=sha256)
    return int(rows[0]["size"])


async def name(act: Act, caller: Caller, tender: str, files: Mapping[str, str]) -> list[dict[str, Any]]:
    """Name papers in a public record of this act: {file name: sha256} → [{name, size, sha256}] by name.

    From the commit on everybody may read them. They are the caller's own, or named in this tender before.
    Refused: T-PAPER (not kept here), T-DOCUMENTS (no name, one twice).
    """
    check_names(list(files))
    found = []
    for called, sha256 in sorted(files.items()):
        rows = await act.query(
            """SELECT size, media FROM trading_paper WHERE sha256 = $1 AND organisation_id = $2
               UNION ALL SELECT size, media FROM trading_named_paper WHERE sha256 = $1 AND tender_id = $3 LIMIT 1""",
            sha256, caller.organisation, tender,
        )  # fmt: skip
        if not rows:
            raise Refused("T-PAPER", sha256=sha256)
        await act.query(
            """INSERT INTO trading_named_paper (sha256, tender_id, name, media, size, named_at)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING""",
            sha256, tender, called, rows[0]["media"], rows[0]["size"], act.now,
        )  # fmt: skip
        found.append({"name": called, "size": rows[0]["size"], "sha256": sha256})
    return found


# --------------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class Found:
    """A paper to be handed out."""

    path: Path
    media: str
    name: str


async def read(platform: Installation, caller: Caller, sha256: str) -> Found:
    """A paper: public once a public record names it, before that its keepers' alone. Refused: W-UNKNOWN."""
    row = await pool().fetchrow(
        "SELECT media, name FROM trading_named_paper WHERE sha256 = $1 ORDER BY id LIMIT 1", sha256
    )
    if row is None and caller.organisation is not None:
        row = await pool().fetchrow(
            "SELECT media, sha256 AS name FROM trading_paper WHERE sha256 = $1 AND organisation_id = $2",
            sha256, caller.organisation,
        )  # fmt: skip
    path = store(platform).path(sha256)
    if row is None or not path.exists():
        raise Refused("W-UNKNOWN")
    return Found(path, row["media"], row["name"])
