"""Sealed boxes: made, filled, emptied by their bidders, closed for ever (envelope.md §5–§6).

One box family per tender: one row, one deadline, and a key set per stage. A late bid cannot exist,
whoever writes: the deposit row carries the box's deadline by a foreign key and is checked against it.

    make      at the announcement
    deposit   one request of one bid: a manifest for each stage (later: any subset)
    withdraw  the whole bid
    close     at the hour: the list, for ever
    abandon   before it, with the whole project: a list that nobody ever opens

What a refused request leaves behind is in refusals.py, what a replaced or withdrawn envelope leaves on the
disk in `erase_due`. A use case hands in a bid like this, and answers with a receipt or a signed refusal in the
same request:

    try:
        async with acting(actor, clock=False) as act:
            deposits = await boxes.deposit(act, tender=…, bidder=…, bid=…, stages=…)
    except Refused as no:
        if await refusals.to_be_recorded(no):       # counts it; True: after E-SIG, at most 20 an hour
            async with acting(actor) as act:
                ref = await refusals.refuse(act, no)
        …
    await boxes.erase_due(store)                    # replaced payloads, at once after the commit
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from audit.act import Act, RecordRef, pool
from audit.canon import canon, sha256, sha256_hex, stamp
from audit.refusal import Refused
from audit.trust import sig_hash
from bidding import arrival
from bidding.arrival import Last
from bidding.closing import abandon, close, place
from bidding.manifest import Manifest
from bidding.records import DEADLINE_MOVED, DEPOSITED, ERASED, WITHDRAWN
from bidding.refusals import Attempt, Declined
from bidding.registrations import WITHDRAWAL, Keyring, Registration, Withdrawal, acting_key
from bidding.store import Store

__all__ = [
    "Deposit",
    "Submission",
    "abandon",
    "close",
    "deposit",
    "erase_due",
    "make",
    "move_deadline",
    "place",
    "withdraw",
]

Sigs = Sequence[Mapping[str, Any]]

#: Which refusal a constraint stands for, should two requests race past the checks before it.
CONSTRAINTS = {
    "bidding_deposit_in_time": "E-LATE",
    "bidding_withdrawal_in_time": "E-LATE",
    "bidding_deposit_box": "E-LATE",
    "bidding_seen_once": "E-DUPHEAD",
}


@dataclass(frozen=True)
class Submission:
    """What a bidder hands in for one stage: manifest bytes, its `sig.json` array, and the upload of its payload."""

    manifest: bytes
    sig: Sigs
    upload: str


@dataclass(frozen=True)
class Deposit:
    """A deposited envelope. `record` has its row id when the act has committed."""

    stage: str
    seq: int
    manifest: str  # SHA-256 hex
    received_at: datetime
    record: RecordRef


async def make(
    act: Act,
    *,
    tender: str,
    keysets: Mapping[str, str],
    deadline: datetime,
    min_bids: int,
    unvouched: Sequence[str] = (),
    opening_schema: Mapping[str, Any],
    public_stages: Sequence[str] = ("form",),
) -> None:
    """Make the boxes of `tender`, with the key set (id, hex) made for each stage.

    Records nothing: the announcement that names the key sets is the record. Refused: E-KEYSET (not made for this
    tender and stage, or opens before the deadline), E-MADE (there is one already).
    """
    made = {
        row["stage"]: row
        for row in await act.query("SELECT id, stage, opens_at FROM bidding_keyset WHERE tender = $1", tender)
    }
    for stage, keyset in keysets.items():
        if stage not in made or made[stage]["id"] != keyset:
            raise Refused("E-KEYSET", why=f"none was made for stage {stage}")
        if made[stage]["opens_at"] < deadline:
            raise Refused("E-KEYSET", why=f"stage {stage} would open before the deadline")
    if not keysets:
        raise Refused("E-KEYSET", why="no stage")
    try:
        await act.query(
            "INSERT INTO bidding_box (tender, deadline, min_bids, unvouched, opening_schema, public_stages, made_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            tender,
            deadline,
            min_bids,
            json.dumps(list(unvouched)),
            json.dumps(dict(opening_schema)),
            json.dumps(list(public_stages)),
            act.now,
        )
    except asyncpg.UniqueViolationError:
        raise Refused("E-MADE", tender=tender) from None
    await act.query(
        "INSERT INTO bidding_stage (box_id, stage, keyset_id) "
        "SELECT $1, u.stage, u.keyset FROM unnest($2::text[], $3::text[]) AS u(stage, keyset)",
        tender,
        list(keysets),
        list(keysets.values()),
    )


# ------------------------------------------------------------------------------------------------------- handing in


@dataclass
class _Entered:
    """A request under its locks: what `bidding_enter` read after they were granted."""

    now: datetime
    deadline: datetime
    closed: bool
    abandoned: bool
    keysets: dict[str, dict[str, Any]]  # stage → {"id", "n"}
    owner: str | None  # whose bid this id is; none when the bidder has another effective one
    withdrawn: bool
    effective: str | None
    last: dict[str, Last]
    keyring: Keyring
    signers: dict[bytes, str]  # key → registration hash
    uploads: dict[str, dict[str, Any]]
    seen: bool

    @property
    def late(self) -> bool:
        return self.closed or self.now > self.deadline

    @property
    def lateness(self) -> Refused:
        """Decided before anything else: the box was given up, or the clock is past the deadline."""
        if self.abandoned:
            return Refused("E-ABANDONED")
        return Refused("E-LATE", now=self.now, deadline=self.deadline)


async def _enter(
    act: Act, tender: str, bid: str, bidder: str, uploads: Iterable[str] = (), seen: Iterable[bytes] = ()
) -> _Entered:
    """Lock the box FOR SHARE and the bid FOR UPDATE, read the clock under them and all that the checks need."""
    [row] = await act.query(
        "SELECT * FROM bidding_enter($1, $2, $3, $4, $5)", tender, bid, bidder, list(uploads), list(seen)
    )
    if row["now"] is None:
        raise Refused("E-TENDER", tender=tender)
    act.at(row["now"])
    registrations = [Registration.parse(bytes.fromhex(data)) for data in json.loads(row["keys"] or "[]")]
    withdrawn = bool(row["withdrawn"])
    return _Entered(
        now=row["now"],
        deadline=row["deadline"],
        closed=row["closed"],
        abandoned=row["abandoned"],
        keysets=json.loads(row["keysets"]),
        owner=row["owner"],
        withdrawn=withdrawn,
        effective=row["effective"],
        last={
            stage: Last(last["seq"], last["hash"], bytes.fromhex(last["key"]), last["bidder"], withdrawn)
            for stage, last in json.loads(row["last"] or "{}").items()
        },
        keyring=Keyring(registrations),
        signers={made.key: made.hash for made in reversed(registrations)},
        uploads=json.loads(row["uploads"] or "{}"),
        seen=row["seen"],
    )


async def deposit(act: Act, *, tender: str, bidder: str, bid: str, stages: Mapping[str, Submission]) -> list[Deposit]:
    """Take one request of a bid, all its stages or none, in stage order.

    Records `deposited` for each, and `erased` for each envelope it replaces. Refused, in this order: E-TENDER,
    E-ABANDONED, E-LATE, E-STAGES, E-CANON, E-CONTEXT, E-BOXES, E-SIGNER, E-SIG, E-SEQ, E-TWICE, E-DUPHEAD, E-PAYLOAD.
    """
    request = _Request(tender, bidder, bid, dict(sorted(stages.items())))
    row = await request.finalise(act) if request.holds() else None
    if row is None:
        entered = await _enter(act, tender, bid, bidder, request.uploads, request.fingerprints())
        request.check(entered)
        row = await request.finalise(act, checked=True)  # a key that follows the one before, but is not the same
        if row is None:
            raise RuntimeError(f"a request that no check refuses and no row takes: {bid}")
    received = row["received_at"]
    act.at(received)
    deposits = [
        Deposit(
            stage,
            manifest.seq,
            manifest.hash,
            received,
            act.record(
                DEPOSITED.name,
                subject=tender,
                tender=tender,
                stage=stage,
                bid=bid,
                seq=manifest.seq,
                manifest=manifest.hash,
                sig_hash=sha256_hex(request.sigs[stage]),
            ),
        )
        for stage, manifest in request.manifests.items()
    ]
    _record_erasures(act, tender, bid, row["replaced"])
    return deposits


class _Request:
    """One request of a bid while it is checked."""

    def __init__(self, tender: str, bidder: str, bid: str, stages: Mapping[str, Submission]) -> None:
        self.tender = tender
        self.bidder = bidder
        self.bid = bid
        self.stages = stages
        self.manifests: dict[str, Manifest] = {}
        self.keys: dict[str, bytes] = {}
        self.sigs: dict[str, bytes] = {}  # canonical
        self._unreadable: dict[str, Refused] = {}
        self._at: str = next(iter(stages), "")  # the stage a refusal is about
        for stage, part in stages.items():
            try:
                self.manifests[stage] = arrival.check_canon(part.manifest)
            except Refused as no:
                self._unreadable[stage] = no

    @property
    def uploads(self) -> list[str]:
        return [part.upload for part in self.stages.values()]

    def fingerprints(self) -> list[bytes]:
        """SHA-256 of each head and box, for E-DUPHEAD."""
        return [sha256(item) for m in self.manifests.values() for item in (m.head, *m.boxes)]

    def holds(self) -> bool:
        """Whether bytes and signatures hold by themselves. What rows must say is asked by the statement that finalises;
        a request that does not hold is checked again in the order of the text, to be refused by the right name."""
        if self._unreadable or not self.manifests or len(set(self.uploads)) < len(self.uploads):
            return False
        try:
            for stage, manifest in self._each():
                self._check_own(stage, manifest, {stage: manifest.context.keyset})
                arrival.check_boxes(manifest, len(manifest.boxes))
                if not arrival.is_possible_size(manifest):
                    return False
                self.keys[stage] = acting_key(self.stages[stage].sig)
                arrival.check_signature(manifest, self.stages[stage].sig)
                self.sigs[stage] = canon(list(self.stages[stage].sig))
        except Refused:
            return False
        return True

    async def finalise(self, act: Act, *, checked: bool = False) -> Any | None:
        """The statement that finalises (migrations/0002_rules.py): its row, or None where it takes nothing.

        Raises `Declined` for what its constraints refuse.
        """
        manifests = list(self.manifests.values())
        sigs = list(self.sigs.values())
        try:
            [row] = await act.query(
                "SELECT * FROM bidding_deposit_all"
                "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
                self.tender,
                self.bid,
                self.bidder,
                checked,
                self.fingerprints(),
                list(self.manifests),
                [manifest.context.keyset for manifest in manifests],
                [len(manifest.boxes) for manifest in manifests],
                [manifest.seq for manifest in manifests],
                [manifest.prev for manifest in manifests],
                [manifest.hash for manifest in manifests],
                [manifest.data for manifest in manifests],
                sigs,
                [sha256_hex(sig) for sig in sigs],
                [self.keys[stage].hex() for stage in self.manifests],
                [manifest.head for manifest in manifests],
                [manifest.root for manifest in manifests],
                [manifest.size for manifest in manifests],
                self.uploads,
            )
        except asyncpg.IntegrityConstraintViolationError as error:
            raise self.declined(_meaning(error), signed=True) from None
        return row if row["received_at"] is not None else None

    def check(self, entered: _Entered) -> None:
        """All checks in the order of envelope.md §5, each over all stages before the next. Raises `Declined`."""
        signed = False
        try:
            if entered.late:
                signed = self._would_be_signed(entered)
                self._at = next(iter(self.stages), "")
                raise entered.lateness
            arrival.check_stages(self.stages.keys(), entered.keysets.keys(), first=not entered.last)
            self._check_signed(entered)
            signed = True
            self._check_rows(entered)
        except Refused as no:
            raise self.declined(no, signed=signed) from None

    def _each(self) -> Iterator[tuple[str, Manifest]]:
        """Each manifest in stage order; a refusal meanwhile is about that stage."""
        for stage, manifest in self.manifests.items():
            self._at = stage
            yield stage, manifest

    def _check_own(self, stage: str, manifest: Manifest, keysets: Mapping[str, str]) -> None:
        """E-CONTEXT, as far as the request itself says."""
        arrival.check_context(manifest, tender=self.tender, bid=self.bid, keysets=keysets)
        if manifest.stage != stage:
            raise Refused("E-CONTEXT", field="stage", found=manifest.stage, wanted=stage)
        if manifest.bidder != self.bidder:
            raise Refused("E-CONTEXT", field="bidder", found=manifest.bidder, wanted=self.bidder)

    def _check_signed(self, entered: _Entered) -> None:
        """What can be said of the bytes alone, up to E-SIG."""
        if self._unreadable:
            self._at = next(iter(self._unreadable))
            raise self._unreadable[self._at]
        keysets = {stage: keyset["id"] for stage, keyset in entered.keysets.items()}
        for stage, manifest in self._each():
            self._check_own(stage, manifest, keysets)
            if entered.owner not in (None, self.bidder):  # an id drawn at random: nobody else's by accident
                raise Refused("E-CONTEXT", field="bid", found=self.bid, wanted="")
        for stage, manifest in self._each():
            arrival.check_boxes(manifest, entered.keysets[stage]["n"])
        for stage, _ in self._each():
            last = entered.last.get(stage)
            self.keys[stage] = arrival.check_signer(
                self.bidder, self.stages[stage].sig, entered.keyring, [last] if last else []
            )
        for stage, manifest in self._each():
            arrival.check_signature(manifest, self.stages[stage].sig)
            self.sigs[stage] = canon(list(self.stages[stage].sig))

    def _check_rows(self, entered: _Entered) -> None:
        """What the rows say, after E-SIG."""
        for stage, manifest in self._each():
            arrival.check_sequence(manifest.seq, manifest.prev, entered.last.get(stage))
        for _, manifest in self._each():
            arrival.check_once(manifest, entered.effective)
        here: list[bytes] = []
        for _, manifest in self._each():
            arrival.check_unseen(manifest, here)
            here += [manifest.head, *manifest.boxes]
        if entered.seen:
            raise Refused("E-DUPHEAD", bidder=self.bidder)
        taken: set[str] = set()
        for stage, manifest in self._each():
            name = self.stages[stage].upload
            upload = entered.uploads.get(name)
            mine = upload is not None and (upload["tender"], upload["bidder"]) == (self.tender, self.bidder)
            if upload is None or not mine or upload["deposited"] or upload["root"] is None or name in taken:
                raise Refused("E-PAYLOAD", field="upload", found=name, wanted="complete")
            taken.add(name)
            arrival.check_payload(
                manifest, head=bytes.fromhex(upload["head"]), size=upload["size"], root=upload["root"]
            )

    def _would_be_signed(self, entered: _Entered) -> bool:
        """Whether a late request would pass E-SIG: then its refusal is recorded, and a receipt proves the hour."""
        try:
            arrival.check_stages(self.stages.keys(), entered.keysets.keys(), first=not entered.last)
            self._check_signed(entered)
        except Refused:
            return False
        return True

    def declined(self, no: Refused, *, signed: bool) -> Declined:
        part = self.stages.get(self._at)
        manifest = sha256_hex(part.manifest) if part else ""
        return Declined(no, Attempt(self.tender, self._at, self.bidder, manifest, signed))


def _meaning(error: asyncpg.IntegrityConstraintViolationError) -> Refused:
    """The refusal that a constraint stands for; a constraint that stands for none is our bug. Constraints only speak
    when two requests meet between check and row, so the facts are fewer."""
    code = CONSTRAINTS.get(error.constraint_name or "")
    if code is None:
        raise error
    return Refused(code)


def _record_erasures(act: Act, tender: str, bid: str, ended: str | None) -> None:
    """`erased`, once for each envelope that this act ended.

    The payload itself goes right after the commit, by the erasure row of the same transaction: the record stands
    for a decision that nothing can take back. In an act of its own it could come after the closing.
    """
    for gone in json.loads(ended or "[]"):
        act.record(
            ERASED.name,
            subject=tender,
            tender=tender,
            bid=bid,
            stage=gone["stage"],
            seq=gone["seq"],
            root=gone["root"],
        )


async def withdraw(act: Act, *, tender: str, bidder: str, bid: str, withdrawal: bytes, sig: Sigs) -> RecordRef:
    """Withdraw a whole bid before the deadline; it ends the chain. Records `withdrawn`, and `erased` per stage.

    Refused, in this order: E-TENDER, E-ABANDONED, E-LATE, E-CANON, E-CONTEXT, E-SIGNER, E-SIG, E-SEQ.
    """
    entered = await _enter(act, tender, bid, bidder)
    stage, signed = min(entered.last, default=min(entered.keysets)), False
    try:
        if entered.late:
            try:
                _check_withdrawal(entered, tender, bidder, bid, withdrawal, sig)
                signed = True
            except Refused:
                pass
            raise entered.lateness
        key, found = _check_withdrawal(entered, tender, bidder, bid, withdrawal, sig)
        signed = True
        expected = {name: (last.seq + 1, last.hash) for name, last in entered.last.items()}
        if entered.withdrawn or dict(found.stages) != expected:
            first = min(expected, default="")
            raise Refused(
                "E-SEQ",
                why="withdrawn" if entered.withdrawn else "chain",
                seq=found.stages.get(first, (0, ""))[0],
                expected=expected.get(first, (0, ""))[0],
            )
        try:
            [row] = await act.query(
                "SELECT * FROM bidding_withdraw($1, $2, $3, $4, $5, $6, $7, $8)",
                tender,
                entered.deadline,
                bid,
                bidder,
                withdrawal,
                canon(list(sig)),
                sig_hash(list(sig)),
                entered.signers[key],
            )
        except asyncpg.IntegrityConstraintViolationError as error:
            raise _meaning(error) from None
    except Refused as no:
        raise Declined(no, Attempt(tender, stage, bidder, sha256_hex(withdrawal), signed)) from None
    act.at(row["received_at"])
    record = act.record(
        WITHDRAWN.name,
        subject=tender,
        tender=tender,
        bid=bid,
        withdrawal=found.hash,
        sig_hash=sig_hash(list(sig)),
    )
    _record_erasures(act, tender, bid, row["ended"])
    return record


def _check_withdrawal(
    entered: _Entered, tender: str, bidder: str, bid: str, withdrawal: bytes, sig: Sigs
) -> tuple[bytes, Withdrawal]:
    found = Withdrawal.parse(withdrawal, nfc=True)
    for field, said, wanted in (
        ("tender", found.tender, tender),
        ("bidder", found.bidder, bidder),
        ("bid", found.bid, bid),
    ):
        if said != wanted:
            raise Refused("E-CONTEXT", field=field, found=said, wanted=wanted)
    if not entered.last or entered.owner != bidder:
        raise Refused("E-CONTEXT", field="bid", found=bid, wanted="")
    key = arrival.check_signer(bidder, sig, entered.keyring, list(entered.last.values()))
    arrival.verify(sig, WITHDRAWAL + withdrawal, bidder)
    return key, found


# ------------------------------------------------------------------------------------------------ deadline, erasing


async def move_deadline(
    act: Act,
    *,
    tender: str,
    deadline: datetime,
    reason: str,
    outage: Mapping[str, Any] | None = None,
    sig: Sigs | None = None,
) -> RecordRef:
    """Move the deadline later (log.md §5). Records `deadline-moved`.

    Whether an outage is one, and how far it moves the deadline, is the caller's business (trading/law); with one,
    and only then, the deadline may have passed. Refused: E-TENDER, E-CLOSED, E-EARLIER, E-LATE.
    """
    rows = await act.query("SELECT deadline, closed_at FROM bidding_box WHERE tender = $1 FOR UPDATE", tender)
    if not rows:
        raise Refused("E-TENDER", tender=tender)
    box, now = rows[0], await act.clock()
    if box["closed_at"] is not None:
        raise Refused("E-CLOSED", tender=tender)
    if deadline <= box["deadline"]:
        raise Refused("E-EARLIER", deadline=box["deadline"], asked=deadline)
    if now > box["deadline"] and outage is None:
        raise Refused("E-LATE", now=now, deadline=box["deadline"])
    await act.query("UPDATE bidding_box SET deadline = $2 WHERE tender = $1", tender, deadline)
    more: dict[str, Any] = {} if sig is None else {"sig": list(sig)}
    return act.record(
        DEADLINE_MOVED.name,
        subject=tender,
        tender=tender,
        deadline=stamp(deadline),
        reason=reason,
        outage=None if outage is None else dict(outage),
        **more,
    )


async def erase_due(store: Store, tender: str | None = None) -> int:
    """Erase replaced and withdrawn payloads that are still on the disk (of one tender); their number.

    Called right after the act that ended them, and by a timer: after a crash in between, the rows are still there.
    """
    rows = await pool()
    due = await rows.fetch(
        "SELECT upload FROM bidding_erasure WHERE erased_at IS NULL AND ($1::text IS NULL OR tender = $1)", tender
    )
    for row in due:
        await store.erase(row["upload"])  # before the row: a crash here erases once more, which does no harm
        await rows.execute("UPDATE bidding_erasure SET erased_at = log_now() WHERE upload = $1", row["upload"])
    return len(due)
