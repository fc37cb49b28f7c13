"""Bidding's part of kits and archives, as files in the archive layout (log.md §7): what rows and store hold.

More than an edition owes is welcome to its builder, who chooses. What may not be shown is not here in the first place:
nothing of a box that is open, of a public edition nothing of a box that stays shut or of a stage that is not public.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from audit.act import pool
from audit.canon import b64, canon, parse
from audit.refusal import Refused
from bidding.closing import acting_keys
from bidding.manifest import FORM
from bidding.releases import ClosedStage, closed_stage
from bidding.store import Store

File = tuple[str, bytes | Path]


async def kit(store: Store, tender: str, stage: str) -> list[File]:
    """Bidding's part of a custodian's kit for one stage (§6.2), sorted by path.

    Key sets and statements, every manifest of the tender with its signature, withdrawals, registrations, and in stage
    `form` every listed payload that is there. The log's part (bundles, records, proofs, checkpoint) is not ours.
    Refused: E-TENDER, E-OPEN.
    """
    await closed_stage(pool().fetch, tender, stage)
    files = [*await _keysets(tender), *await _acts(tender)]
    if stage == FORM:
        files += await _payloads(store, tender, [FORM])
    return sorted(files)


async def archive_files(store: Store, tender: str, edition: str) -> list[File]:
    """Bidding's part of an archive, `edition` "public" or "supervision", sorted by path. Refused: E-TENDER, E-OPEN."""
    names = await _stages(tender)
    stages = [await closed_stage(pool().fetch, tender, name) for name in names]
    files = await _keysets(tender)
    opens = all(stage.opens for stage in stages)
    if opens or edition != "public":
        files += await _acts(tender)
    shown = [stage.stage for stage in stages if edition != "public" or (opens and stage.stage in stage.public_stages)]
    if opens:
        files += [
            *await _payloads(store, tender, shown),
            *await _releases(tender, shown),
            *await _opened(tender, shown),
        ]
    return sorted(files)


async def _stages(tender: str) -> list[str]:
    rows = await pool().fetch("SELECT stage FROM bidding_stage WHERE box_id = $1 ORDER BY stage", tender)
    if not rows:
        raise Refused("E-TENDER", tender=tender)
    return [row["stage"] for row in rows]


async def _keysets(tender: str) -> list[File]:
    files: list[File] = []
    rows = await pool().fetch("SELECT id, keyset FROM bidding_keyset WHERE tender = $1", tender)
    seats: set[str] = set()
    for row in rows:
        files.append((f"keysets/{row['id']}.json", row["keyset"]))
        seats |= {seat["statement"] for seat in parse(row["keyset"])["custodians"]}
    statements = await pool().fetch(
        "SELECT sha, statement, sig FROM bidding_statement WHERE sha = ANY ($1::text[])", sorted(seats)
    )
    return files + [
        (f"statements/{row['sha']}.json", _signed("statement", row["statement"], row["sig"])) for row in statements
    ]


async def _acts(tender: str) -> list[File]:
    files: list[File] = []
    deposits = await pool().fetch(
        "SELECT bid, stage, seq, manifest, sig FROM bidding_deposit WHERE tender = $1", tender
    )
    for row in deposits:
        place = f"bids/{row['bid']}/{row['stage']}/{row['seq']}"
        files += [(f"{place}/manifest.json", row["manifest"]), (f"{place}/sig.json", row["sig"])]
    withdrawals = await pool().fetch("SELECT bid, withdrawal, sig FROM bidding_withdrawal WHERE tender = $1", tender)
    files += [
        (f"bids/{row['bid']}/withdrawal.json", _signed("withdrawal", row["withdrawal"], row["sig"]))
        for row in withdrawals
    ]
    return files + [
        (
            f"registrations/{one.registration.hash}.json",
            canon({"registration": b64(one.registration.data), "sig": one.sig}),
        )
        for one in await acting_keys(tender)
    ]


async def _payloads(store: Store, tender: str, stages: Iterable[str]) -> list[File]:
    rows = await pool().fetch(
        "SELECT bid, stage, seq, upload_id FROM bidding_deposit "
        "WHERE tender = $1 AND stage = ANY ($2::text[]) AND ended_at IS NULL",
        tender,
        list(stages),
    )
    return [
        (f"bids/{row['bid']}/{row['stage']}/{row['seq']}/payload", store.path(row["upload_id"]))
        for row in rows
        if store.holds(row["upload_id"])
    ]


async def _releases(tender: str, stages: Iterable[str]) -> list[File]:
    rows = await pool().fetch(
        "SELECT stage, i, release, sig FROM bidding_release WHERE tender = $1 AND stage = ANY ($2::text[])",
        tender,
        list(stages),
    )
    return [
        (f"releases/{row['stage']}/{row['i']}.json", _signed("release", row["release"], row["sig"])) for row in rows
    ]


async def _opened(tender: str, stages: Iterable[str]) -> list[File]:
    from bidding.unsealing import unsealed

    wanted = set(stages)
    return [
        (f"bids/{one.bid}/{one.stage}/{one.seq}/opened.json", canon(one.opened()))
        for one in await unsealed(tender)
        if one.stage in wanted
    ]


def _signed(name: str, data: bytes, sig: bytes) -> bytes:
    value: dict[str, Any] = {name: b64(data), "sig": parse(sig)}
    return canon(value)


__all__ = ["ClosedStage", "archive_files", "kit"]
