"""The bidder's acts: registering a key, uploading, handing in, withdrawing, and the receipts that prove each.

A refusal that passed E-SIG is recorded and promised in the same request; whoever was wronged holds the receipt.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit import tiles
from audit.act import Actor, RecordRef, acting, pool
from audit.canon import b64, instant, sha256_hex
from audit.merkle import inclusion_proof
from audit.receipt import Receipt
from audit.refusal import Refused
from bidding import boxes, refusals, signers, unsealing
from bidding.boxes import Submission
from bidding.slips import SLIP, write_slip
from trading import bans, documents, logbook, reserves, tenders
from trading.accounts import Caller
from trading.installation import Installation
from trading.law import admission, secrecy

Sig = Sequence[Mapping[str, Any]]
RECEIPTED = (
    "deposited", "refused", "bidder-key-registered", "withdrawn", "question-asked", "objector-noted", "security-received",
    "explanation-given",
)  # fmt: skip
"""What a bidder holds receipts of."""


# ---------------------------------------------------------------------------------------------------------------- keys


async def register_key(platform: Installation, caller: Caller, registration: bytes, sig: Sig) -> dict[str, Any]:
    """Register a signing key of the caller (envelope.md §5). Refused: what `signers.register` refuses."""
    with platform.pace.taking("keys", _bidder(caller)):
        async with acting(caller.actor) as act:
            ref = await signers.register(
                act,
                bidder=_bidder(caller),
                registration=registration,
                sig=sig,
                parties=platform.parties,
                origin=platform.origin,
            )
    return _receipt(platform, ref, None)


async def registrations_of(caller: Caller) -> list[dict[str, Any]]:
    """All registrations under the caller's name."""
    return [k.line() for k in await logbook.own(_bidder(caller), ("bidder-key-registered",))]


# ------------------------------------------------------------------------------------------------------------- uploads


async def open_upload(platform: Installation, caller: Caller, tender: str, size: int) -> dict[str, Any]:
    """Begin an upload. Refused: E-TENDER, E-LATE, E-SIZE, E-QUOTA, E-FULL."""
    return _held(await platform.uploads.create(tender, _bidder(caller), size))


async def upload_state(platform: Installation, caller: Caller, upload: str) -> dict[str, Any]:
    """What has arrived. Refused: E-UPLOAD (not the caller's, or none)."""
    return _held(await platform.uploads.status(upload, _bidder(caller)))


async def put_segment(
    platform: Installation, caller: Caller, upload: str, n: int, digest: str, body: AsyncIterator[bytes]
) -> None:
    """Take one segment; durable on return. Refused: E-UPLOAD, E-SEGMENT, E-DIGEST."""
    await platform.uploads.put(upload, _bidder(caller), n, body, digest)


def _held(upload: Any) -> dict[str, Any]:
    state: dict[str, Any] = upload.plain()
    return {**state, "held": state["segments"] - len(state["missing"])}


# ---------------------------------------------------------------------------------------------------------------- bids


async def hand_in(
    platform: Installation, caller: Caller, tender: str, bid: str, stages: Mapping[str, tuple[bytes, Sig, str]]
) -> dict[str, Receipt]:
    """Hand in a bid or replace one; a receipt for each stage.

    Refused with a signed refusal: E-LATE and the others of envelope.md §5; without one, and so without a record that a
    closing would show: E-OWN-TENDER, E-BANNED, E-RESERVE. Asking again for what was already taken gives the receipts again.
    """
    bidder = _bidder(caller)
    submissions = {stage: Submission(manifest, sig, upload) for stage, (manifest, sig, upload) in stages.items()}
    try:
        await _admit(bidder, tender)
        with platform.pace.taking("bids", bidder):
            async with acting(caller.actor, clock=False) as act:
                deposits = await boxes.deposit(act, tender=tender, bidder=bidder, bid=bid, stages=submissions)
    except Refused as no:
        if again := await _handed_in_before(platform, no, bidder, submissions):
            return again
        raise await _proven(platform, caller.actor, no) from None
    if any(d.seq > 1 for d in deposits):
        await boxes.erase_due(platform.store, tender)
    return {d.stage: platform.key.receipt(d.record, d.manifest) for d in deposits}


async def withdraw(
    platform: Installation, caller: Caller, tender: str, bid: str, withdrawal: bytes, sig: Sig
) -> dict[str, Any]:
    """Withdraw a bid before the deadline; its payloads are erased. Refused with a signed refusal, as `hand_in`."""
    try:
        with platform.pace.taking("bids", _bidder(caller)):
            async with acting(caller.actor, clock=False) as act:
                ref = await boxes.withdraw(
                    act, tender=tender, bidder=_bidder(caller), bid=bid, withdrawal=withdrawal, sig=sig
                )
    except Refused as no:
        raise await _proven(platform, caller.actor, no) from None
    await boxes.erase_due(platform.store, tender)
    return _receipt(platform, ref, None)


_owners: dict[str, tuple[str, str, str]] = {}  # tenderee, agency, kind of tenders: they never change


async def _admit(bidder: str, tender: str) -> None:
    if tender not in _owners:
        row = await pool().fetchrow(_OWNERS, tender)
        if row is None:
            return
        if len(_owners) > 10_000:
            _owners.clear()
        _owners[tender] = (row["organisation_id"], row["agency_id"] or "", row["kind"])
    tenderee, agency, kind = _owners[tender]
    if kind == reserves.KIND:  # the reserve price is the tenderee's, and nobody else's
        if bidder != tenderee:
            raise Refused("E-RESERVE", reserves.SECRET, tender=tender)
        return
    admission.not_the_tenderee(bidder, tenderee, agency)
    await bans.admit(bidder)


_OWNERS = """SELECT p.organisation_id, p.agency_id, t.kind FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id
    JOIN trading_project p ON p.id = l.project_id WHERE t.id = $1"""


async def _handed_in_before(
    platform: Installation, no: Refused, bidder: str, submissions: Mapping[str, Submission]
) -> dict[str, Receipt] | None:
    """The receipts of a request that was taken and whose answer was lost on the way."""
    if no.code not in ("E-SEQ", "E-TWICE", "E-DUPHEAD", "E-PAYLOAD", "E-UPLOAD", "E-LATE", "W-OFTEN"):
        return None
    taken = {k.value["manifest"]: k for k in await logbook.own(bidder, ("deposited",))}
    wanted = {stage: sha256_hex(s.manifest) for stage, s in submissions.items()}
    if not all(manifest in taken for manifest in wanted.values()):
        return None
    return {stage: _of(platform, taken[manifest]) for stage, manifest in wanted.items()}


async def _proven(platform: Installation, actor: Actor, no: Refused) -> Refused:
    """The refusal, signed: with its receipt if it is recorded (envelope.md §5: after E-SIG, at most 20 an hour), else
    with a slip."""
    if await refusals.to_be_recorded(no):
        async with acting(actor) as act:
            ref = await refusals.refuse(act, no)
        no.receipt = _receipt(platform, ref, ref.body["manifest"])  # type: ignore[attr-defined]
    elif isinstance(no, refusals.Declined):
        what = no.attempt
        slip = write_slip(
            origin=platform.origin,
            tender=what.tender,
            stage=what.stage,
            bidder=what.bidder,
            code=no.code,
            manifest=what.manifest,
            time=await pool().fetchval("SELECT log_now()"),
        )
        no.slip = {"refusal": b64(slip), "sig": platform.key.attest(SLIP, slip)}  # type: ignore[attr-defined]
    return no


# ------------------------------------------------------------------------------------------------------------ receipts


async def receipt(platform: Installation, caller: Caller, manifest: str) -> dict[str, Any]:
    """The caller's receipt of a manifest (or of a registration, by its hash; of any record, by the record's hash), with
    all there is of it by now.

    Refused: W-UNKNOWN, also when the manifest is another bidder's.
    """
    for kept in await logbook.own(_bidder(caller), RECEIPTED):
        value = kept.value
        if manifest in (
            value.get("manifest"),
            value.get("registration"),
            value.get("withdrawal"),
            sha256_hex(kept.record),
        ):
            return await grown(platform, kept)
    raise Refused("W-UNKNOWN")


async def own_deposits(caller: Caller, tender: str) -> list[dict[str, Any]]:
    """The caller's own deposits in a tender, and whether they answer the newest documents.

    Read, as on the pages of its desk (own_bids.py), from the bidder's own records and from no deposit of anybody: so it is
    no reading that log.md §1 makes a record. That record catches who looks at others' bids; of one's own it would put
    bidder and tender side by side where supervisors read, and tell before the hour who bids.
    """
    bidder = _bidder(caller)
    lines = [k.value for k in await logbook.own(bidder, ("deposited", "withdrawn"))]
    gone = {v["bid"] for v in lines if v["type"].startswith("trading.withdrawn") and v["tender"] == tender}
    mine = [v for v in lines if v["type"].startswith("trading.deposited") and v["tender"] == tender]
    last = {(v["bid"], v["stage"]): v["seq"] for v in mine}
    stale = await documents.stale(tender, [instant(v["time"]) for v in mine], await _own_openings(tender, mine))
    return [
        {
            "tender": tender, "bid": v["bid"], "stage": v["stage"], "seq": v["seq"], "manifest": v["manifest"],
            "received_at": v["time"],
            "state": "withdrawn" if v["bid"] in gone
            else "effective" if last[v["bid"], v["stage"]] == v["seq"] else "superseded",
            "stale": old,
        }
        for v, old in zip(mine, stale, strict=True)
    ]  # fmt: skip


async def _own_openings(tender: str, mine: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
    """What was read out of the bid that each of these deposits belongs to, once it is opened; None before, and of replaced
    ones, which nobody opens."""
    row = await pool().fetchrow("SELECT state, opens FROM trading_tender WHERE id = $1", tender)
    if row is None or not secrecy.is_open(row["state"], row["opens"]):
        return [None] * len(mine)
    unsealed = await unsealing.unsealed(tender)
    effective = {(u.bid, u.stage, u.seq) for u in unsealed}
    read = {u.bid: u.opening for u in unsealed if u.opening}
    return [read.get(v["bid"]) if (v["bid"], v["stage"], v["seq"]) in effective else None for v in mine]


async def bring_payload(
    platform: Installation, caller: Caller, tender: str, manifest: str, body: AsyncIterator[bytes]
) -> dict[str, Any]:
    """Take matching bytes for a payload the store lost (X-STORE, envelope.md §7). Refused: W-UNKNOWN, E-PAYLOAD."""
    listed = await logbook.listed_after_closing(tender)
    if manifest not in listed:
        raise Refused("W-UNKNOWN")
    deposit = listed[manifest]
    size = await pool().fetchval("SELECT size FROM bidding_deposit WHERE hash = $1", manifest)
    with platform.store.draft() as draft:
        await _write(draft, body, size)
        taken = await unsealing.bring(
            platform.store, tender=tender, stage=deposit["stage"], bid=deposit["bid"], payload=draft
        )
    if not taken:
        raise Refused("E-PAYLOAD", what="root")
    await tenders.rearm("open", tender)  # what was missing is there: look again
    return {"record": manifest, "type": "payload"}


async def _write(path: Path, body: AsyncIterator[bytes], most: int) -> None:
    """What is longer than the payload that was lost is not it: nobody fills the disk with it."""
    with await asyncio.to_thread(open, path, "xb") as file:
        size = 0
        async for piece in body:
            size += len(piece)
            if size > most:
                raise Refused("W-SIZE", limit=most)
            try:
                await asyncio.to_thread(file.write, piece)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise Refused("E-FULL", size=size) from None
                raise


def _receipt(platform: Installation, ref: RecordRef, manifest: str | None) -> dict[str, Any]:
    """The receipt in the request that earns it (log.md §6): record and promise."""
    return platform.key.receipt(ref, manifest).plain()


def _of(platform: Installation, kept: logbook.Kept) -> Receipt:
    return Receipt(kept.record, platform.key.promise(kept.entry), kept.value.get("manifest"), kept.nonce)


async def grown(platform: Installation, kept: logbook.Kept) -> dict[str, Any]:
    """The receipt of a record with all there is of it by now."""
    made = _of(platform, kept)
    if kept.index is not None:
        try:
            made = made.with_proof(await tiles.proof(pool(), platform.policy, kept.id))
        except Refused as pending:
            if pending.code != "E-PENDING":
                raise
    value = kept.value
    if value["type"].startswith("trading.deposited"):
        listed = await logbook.listed(value["tender"], value["stage"])
        if value["manifest"] in listed:
            place = listed.index(value["manifest"])
            leaves = [bytes.fromhex(one) for one in listed]  # the hashes are the leaf hashes (envelope.md §6)
            made = made.with_listed(place, tuple(inclusion_proof(leaves, place, len(leaves))))
    return made.plain()


def _bidder(caller: Caller) -> str:
    assert caller.organisation is not None  # a token always has one
    return caller.organisation
