"""After the closing: releases, and the three public words that go with them (envelope.md §6.2–§6.3).

A release is checked by the function of `custody.py` that custodians' tools and verifiers use. It locks its stage, and so
does the recording of verdicts: what `unsealed` says is computed from the releases that stand before it in the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.act import Act, RecordRef, pool
from audit.canon import canon, sha256_hex
from audit.refusal import Refused
from audit.trust import BadSignature, Identities, record_sig_bytes, sig_hash
from bidding.custody import Release, check_release, check_settled
from bidding.keys import Keyset
from bidding.manifest import FORM
from bidding.records import RELEASED, STAGE_SETTLED, STORED, WINDOW_ENDED

Sigs = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ClosedStage:
    """A closed stage as those who open it need it."""

    tender: str
    stage: str
    keyset: Keyset
    closed: str  # SHA-256 (hex) of the closing record
    opens: bool
    hour: datetime
    before: list[str]  # the stages that are no later ones
    later: bool  # its key set opens later than another's
    opening_schema: dict[str, Any]
    public_stages: list[str]
    listed: dict[str, int]  # {bid: seq} of the effective envelopes
    admitted: list[str] | None  # of a later stage that is settled

    def to_release(self) -> dict[str, int]:
        """{bid: seq} that a release must name: the list, in a later stage the admitted ones of it. Refused: E-SETTLED."""
        if not self.later:
            return self.listed
        if self.admitted is None:
            raise Refused("E-SETTLED", stage=self.stage)
        return {bid: seq for bid, seq in self.listed.items() if bid in self.admitted}


async def closed_stage(query: Any, tender: str, stage: str) -> ClosedStage:
    """Read one, with an act's or the pool's query. Refused: E-TENDER, E-OPEN (not closed yet)."""
    rows = await query(
        "SELECT s.stage, k.keyset, k.opens_at, b.deadline, b.closed_at, b.opens, b.opening_schema, b.public_stages "
        "FROM bidding_box b JOIN bidding_stage s ON s.box_id = b.tender JOIN bidding_keyset k ON k.id = s.keyset_id "
        "WHERE b.tender = $1",
        tender,
    )
    by_stage = {row["stage"]: row for row in rows}
    if stage not in by_stage:
        raise Refused("E-TENDER", tender=tender)
    row = by_stage[stage]
    if row["closed_at"] is None:
        raise Refused("E-OPEN", tender=tender)
    first = min(one["opens_at"] for one in rows)
    closings = await query("SELECT record FROM log_record WHERE tender = $1 AND type = 'closed'", tender)
    [closed] = [one["record"] for one in closings if json.loads(one["record"])["stage"] == stage]
    listed = await query(
        "SELECT bid, seq FROM bidding_deposit WHERE tender = $1 AND stage = $2 AND ended_at IS NULL ORDER BY bid",
        tender,
        stage,
    )
    settled = await query("SELECT admitted FROM bidding_settlement WHERE tender = $1 AND stage = $2", tender, stage)
    return ClosedStage(
        tender=tender,
        stage=stage,
        keyset=Keyset.parse(row["keyset"]),
        closed=sha256_hex(closed),
        opens=row["opens"],
        hour=max(row["opens_at"], row["deadline"]),
        before=sorted(one["stage"] for one in rows if one["opens_at"] == first),
        later=row["opens_at"] > first,
        opening_schema=json.loads(row["opening_schema"]),
        public_stages=json.loads(row["public_stages"]),
        listed={one["bid"]: one["seq"] for one in listed},
        admitted=json.loads(settled[0]["admitted"]) if settled else None,
    )


async def keyset(tender: str, stage: str) -> Keyset:
    """The key set of a stage. Refused: E-KEYSET."""
    rows = await pool().fetch("SELECT keyset FROM bidding_keyset WHERE tender = $1 AND stage = $2", tender, stage)
    if not rows:
        raise Refused("E-KEYSET", why=f"none was made for stage {stage}")
    return Keyset.parse(rows[0]["keyset"])


async def due(custodian: str) -> list[tuple[str, str]]:
    """(tender, stage) of closed boxes that open and that this custodian has not released yet, oldest first."""
    rows = await pool().fetch(
        """SELECT b.tender, s.stage, k.custodians FROM bidding_box b JOIN bidding_stage s ON s.box_id = b.tender
        JOIN bidding_keyset k ON k.id = s.keyset_id
        WHERE b.opens AND k.custodians @> $2::jsonb AND NOT EXISTS (SELECT FROM bidding_release r
            WHERE r.tender = b.tender AND r.stage = s.stage AND r.custodian = $1)
        AND NOT EXISTS (SELECT FROM bidding_window w WHERE w.tender = b.tender AND w.stage = s.stage)
        ORDER BY b.closed_at, b.tender, s.stage""",
        custodian,
        json.dumps([{"custodian": custodian}]),
    )
    return [(row["tender"], row["stage"]) for row in rows]


async def unsettled() -> list[tuple[str, str]]:
    """(tender, stage) of later stages of opening boxes that nobody has settled yet: no release is due there."""
    rows = await pool().fetch(
        """SELECT b.tender, s.stage FROM bidding_box b JOIN bidding_stage s ON s.box_id = b.tender
        JOIN bidding_keyset k ON k.id = s.keyset_id
        WHERE b.opens AND k.opens_at > (SELECT min(f.opens_at) FROM bidding_keyset f WHERE f.tender = b.tender)
        AND NOT EXISTS (SELECT FROM bidding_settlement t WHERE t.tender = b.tender AND t.stage = s.stage)"""
    )
    return [(row["tender"], row["stage"]) for row in rows]


async def lock_stage(act: Act, tender: str, stage: str) -> None:
    """Releases, verdicts and the end of the window of one stage come one after another."""
    await act.query("SELECT FROM bidding_stage WHERE box_id = $1 AND stage = $2 FOR UPDATE", tender, stage)
    await act.clock()


async def take_release(
    act: Act, *, tender: str, stage: str, release: bytes, sig: Sigs, identities: Identities
) -> RecordRef:
    """Take a custodian's release, whoever brings it. Records `released`.

    Refused: E-TENDER, E-OPEN, E-SHUT (the box stays shut), E-HOUR, E-STORED, E-SETTLED, E-RELEASE (of another closing, or
    not exactly the list), E-IDENTITY, E-SIG, E-REPEATED (the same bytes again; `record` is the hash of the record they
    made), E-RELEASED (another release of this custodian is there), E-WINDOW (ended).
    """
    await lock_stage(act, tender, stage)
    box = await closed_stage(act.query, tender, stage)
    if not box.opens:
        raise Refused("E-SHUT", tender=tender)
    if act.now < box.hour:
        raise Refused("E-HOUR", hour=box.hour, now=act.now)
    if stage != FORM and not await act.query(
        "SELECT FROM bidding_stored WHERE tender = $1 AND stage = $2", tender, stage
    ):
        raise Refused("E-STORED", stage=stage)
    found = check_release(
        release,
        sig,
        keyset=box.keyset,
        closed=box.closed,
        listed=box.to_release(),
        identities=identities,
        at=act.now,
    )
    before = await act.query(
        "SELECT release, sig_hash FROM bidding_release WHERE tender = $1 AND stage = $2 AND i = $3",
        tender,
        stage,
        found.i,
    )
    if before and before[0]["release"] == release:
        raise Refused("E-REPEATED", record=await _record_of(act, tender, stage, found.i))
    if before:
        raise Refused("E-RELEASED", stage=stage, i=found.i)
    if await act.query("SELECT FROM bidding_window WHERE tender = $1 AND stage = $2", tender, stage):
        raise Refused("E-WINDOW", stage=stage)
    await act.query(
        "INSERT INTO bidding_release (tender, stage, i, custodian, release, sig, sig_hash, released_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tender,
        stage,
        found.i,
        box.keyset.seat(found.i).custodian,
        release,
        canon(list(sig)),
        sig_hash(list(sig)),
        act.now,
    )
    return act.record(
        RELEASED.name,
        subject=tender,
        tender=tender,
        stage=stage,
        i=found.i,
        release=found.hash,
        sig_hash=sig_hash(list(sig)),
    )


async def _record_of(act: Act, tender: str, stage: str, i: int) -> str:
    rows = await act.query("SELECT record FROM log_record WHERE tender = $1 AND type = 'released'", tender)
    records = [(sha256_hex(row["record"]), json.loads(row["record"])) for row in rows]
    return next(hash for hash, value in records if (value["stage"], value["i"]) == (stage, i))


async def stored(act: Act, *, tender: str, stage: str, missing: Sequence[str]) -> RecordRef:
    """The supervisor's store holds this stage's payloads but for `missing` (bids). Records `stored`.

    Refused: E-TENDER, E-OPEN, E-LIST (a bid that is not listed).
    """
    box = await closed_stage(act.query, tender, stage)
    if not set(missing) <= box.listed.keys():
        raise Refused("E-LIST", stage=stage)
    await act.query(
        "INSERT INTO bidding_stored (tender, stage, missing, stored_at) VALUES ($1, $2, $3, $4)",
        tender,
        stage,
        json.dumps(sorted(missing)),
        act.now,
    )
    return act.record(STORED.name, subject=tender, tender=tender, stage=stage, missing=sorted(missing))


async def end_window(
    act: Act, *, tender: str, stage: str, missing: Sequence[int], sig: Sigs, identities: Identities
) -> RecordRef:
    """Two authorities say that these custodians (indexes) can release no more. Records `window-ended`.

    `sig` is over `record_sig_bytes` of the record: {type, subject, tender, stage, missing}. Refused: E-TENDER, E-OPEN,
    E-SHUT, E-LIST (`missing` are not exactly those without a release), E-SIG, E-IDENTITY, E-WINDOW (ended before).
    """
    await lock_stage(act, tender, stage)
    box = await closed_stage(act.query, tender, stage)
    if not box.opens:
        raise Refused("E-SHUT", tender=tender)
    if await act.query("SELECT FROM bidding_window WHERE tender = $1 AND stage = $2", tender, stage):
        raise Refused("E-WINDOW", stage=stage)
    rows = await act.query("SELECT i FROM bidding_release WHERE tender = $1 AND stage = $2", tender, stage)
    without = sorted({seat.i for seat in box.keyset.custodians} - {row["i"] for row in rows})
    if sorted(missing) != without:
        raise Refused("E-LIST", stage=stage)
    await act.query(
        "INSERT INTO bidding_window (tender, stage, missing, ended_at) VALUES ($1, $2, $3, $4)",
        tender,
        stage,
        json.dumps(without),
        act.now,
    )
    ref = act.record(WINDOW_ENDED.name, subject=tender, tender=tender, stage=stage, missing=without, sig=list(sig))
    try:
        identities.parties.two_authorities(list(sig), record_sig_bytes(ref.body), act.now)
    except BadSignature as why:
        raise Refused("E-SIG", who="authorities", why="two_authorities") from why
    return ref


async def settle(
    act: Act,
    *,
    tender: str,
    stage: str,
    admitted: Sequence[str],
    sheets: Sequence[str],
    sig: Sigs,
    identities: Identities,
) -> RecordRef:
    """A later stage may be released for the `admitted` bids. Records `stage-settled`.

    `sig` is the tenderee's and one authority's over `record_sig_bytes` of {type, subject, tender, stage, admitted,
    sheets}. Refused: E-TENDER, E-OPEN, E-LIST (a bid that is not listed, or not OK in the stages before), E-SETTLED (not a
    later stage, or settled before), E-UNOPENED (a stage before has no verdict on everybody yet), E-SIG, E-IDENTITY.
    """
    await lock_stage(act, tender, stage)
    box = await closed_stage(act.query, tender, stage)
    if not box.later or box.admitted is not None:
        raise Refused("E-SETTLED", stage=stage)
    passed = await _passed(act.query, tender, box.before)
    if not set(admitted) <= (box.listed.keys() & passed):
        raise Refused("E-LIST", stage=stage)
    await act.query(
        "INSERT INTO bidding_settlement (tender, stage, admitted, settled_at) VALUES ($1, $2, $3, $4)",
        tender,
        stage,
        json.dumps(list(admitted)),
        act.now,
    )
    [notice] = await act.query("SELECT actor FROM log_record WHERE tender = $1 AND type = 'project-announced'", tender)
    ref = act.record(
        STAGE_SETTLED.name,
        subject=tender,
        tender=tender,
        stage=stage,
        admitted=list(admitted),
        sheets=list(sheets),
        sig=list(sig),
    )
    check_settled(ref.body, identities, tenderee=notice["actor"])
    return ref


async def _passed(query: Any, tender: str, stages: Sequence[str]) -> set[str]:
    """The bids whose envelopes are OK in all these stages. Refused: E-UNOPENED while one of them waits for its verdict."""
    rows = await query(_VERDICTS, tender, list(stages))
    if any(row["verdict"] is None for row in rows):
        raise Refused("E-UNOPENED", stage=next(row["stage"] for row in rows if row["verdict"] is None))
    failed = {row["bid"] for row in rows if row["verdict"] != "OK"}
    return {row["bid"] for row in rows} - failed


_VERDICTS = """
SELECT d.stage, d.bid, u.verdict FROM bidding_deposit d LEFT JOIN bidding_unsealed u
    ON (u.tender, u.stage, u.bid) = (d.tender, d.stage, d.bid) AND u.verdict <> 'PENDING'
WHERE d.tender = $1 AND d.stage = ANY ($2::text[]) AND d.ended_at IS NULL ORDER BY d.stage, d.bid"""


async def check_opened(query: Any, tender: str, *, first: bool = False) -> None:
    """That every envelope which is to be opened has its final verdict; `first`: only in the stages that are no later ones.

    Refused: E-UNOPENED (a stage still waits), E-SETTLED (nobody has settled yet whom a later stage admits).
    """
    rows = await query("SELECT stage FROM bidding_stage WHERE box_id = $1 ORDER BY stage", tender)
    for stage in [await closed_stage(query, tender, row["stage"]) for row in rows]:
        if stage.later and first:
            continue
        wanted = stage.to_release()
        told = await query(_VERDICTS, tender, [stage.stage])
        if any(row["verdict"] is None for row in told if row["bid"] in wanted):
            raise Refused("E-UNOPENED", stage=stage.stage)


async def taken(query: Any, tender: str, stage: str) -> list[Release]:
    """The releases of a stage, by custodian."""
    rows = await query("SELECT release FROM bidding_release WHERE tender = $1 AND stage = $2 ORDER BY i", tender, stage)
    return [Release.parse(row["release"]) for row in rows]
