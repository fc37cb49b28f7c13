"""Unsealing: from releases to verdicts (envelope.md §7). The rules are `bidding.envelope`'s; this moves rows and files.

    found = await unsealing.unseal(store, tender, stage)       # no act: reads, computes in threads
    async with acting(actor) as act:
        await unsealing.keep(act, found)                       # `unsealed` for each new verdict

It can be run again at any time: after another release, a window's end, or a payload that somebody brought.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.act import Act, RecordRef
from bidding.store import Store


@dataclass(frozen=True)
class Unsealed:
    """One envelope's verdict, as `unsealed` records it, and its content key once found."""

    tender: str
    stage: str
    bid: str
    seq: int
    verdict: str
    at: Sequence[int]
    opening: Mapping[str, Any] | None
    files: Sequence[Mapping[str, Any]]  # {"name", "size", "sha256", "media"}
    findings: Sequence[Mapping[str, Any]]
    unvouched: bool
    ck: str | None  # hex


async def unseal(store: Store, tender: str, stage: str) -> list[Unsealed]:
    """Compute the verdict of every listed envelope that has no final one yet. Refused: E-RELEASES (fewer than k)."""
    return []


async def keep(act: Act, found: Sequence[Unsealed]) -> list[RecordRef]:
    """Record the verdicts that are new (a repeated PENDING is not). An act needs at least one record."""
    return []


async def unsealed(tender: str, stage: str | None = None) -> list[Unsealed]:
    """The last verdict of each listed envelope, by bid."""
    return []


async def bring(store: Store, *, tender: str, stage: str, bid: str, payload: Path) -> bool:
    """Anyone brings a payload in X-STORE: taken if it matches the signed root (§7)."""
    return False


async def opened_file(tender: str, stage: str, bid: str, sha256: str) -> str:
    """The store name of an opened document, for the desks. Refused: E-FILE."""
    raise RuntimeError


async def archive_files(store: Store, tender: str, edition: str) -> list[tuple[str, bytes | Path]]:
    """The bidding part of an archive (log.md §7): keysets, statements, registrations, bids, releases; sorted by path."""
    return []
