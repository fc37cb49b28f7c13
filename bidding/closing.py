"""The closing of a tender's boxes: the list, once and for ever, before any share exists (envelope.md §6.1).

The box row is taken FOR UPDATE, so every deposit either committed before (and is on the list) or waits, finds the
box closed and is late. What the closing says is `tally`'s answer to the log's own records of the box. Every custodian's
tool calls the same function before it releases anything; `verify_lists.py` counts again, from an archive alone.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.act import Act, RecordRef, pool
from audit.canon import sha256_hex, stamp
from audit.refusal import Refused
from bidding.manifest import Manifest
from bidding.records import ABANDONED, CLOSED
from bidding.registrations import Keyring, Registration, Withdrawal
from bidding.signers import Registered, chains, registered
from bidding.tally import GIVEN_UP, SignedAct, Tally, tally

TOO_FEW = "too_few_bids"
"""The `reason` of a closing that leaves the envelopes shut for ever."""

Query = Callable[..., Awaitable[list[Any]]]


@dataclass(frozen=True)
class Closing:
    """One stage's closing, as `closed` states it."""

    stage: str
    keyset: str
    count: int
    list_root: str
    events: int
    events_root: str
    opens: bool
    reason: str
    record: RecordRef


async def close(act: Act, *, tender: str) -> list[Closing]:
    """Close every stage of the tender, and disclose what that ends the secrecy of. Records `closed` per stage.

    Refused: E-TENDER, E-CLOSED, E-EARLY (the deadline has not passed).
    """
    deadline, now = await _still_open(act, tender)
    if now <= deadline:  # a bid at the very deadline is in time
        raise Refused("E-EARLY", now=now, hour=deadline)
    return await _close(act, tender, deadline)


async def abandon(act: Act, *, tender: str, reason: str) -> list[Closing]:
    """Give up a tender whose box is not closed yet (its project is terminated): the box takes nothing any more, and
    closes at once, whatever the hour and whatever the count; nobody's bid is ever opened (envelope.md §6.1).

    Records `abandoned`, then `closed` per stage with `opens` false. `reason`: the code of the `tender-terminated` of
    the same act. Whose bids were in is disclosed to supervisors alone. Refused: E-TENDER, E-CLOSED.
    """
    deadline, _ = await _still_open(act, tender)
    await act.query("UPDATE bidding_box SET abandoned = true WHERE tender = $1", tender)
    act.record(ABANDONED.name, subject=tender, tender=tender, reason=reason)
    return await _close(act, tender, deadline, abandoned=True)


async def _still_open(act: Act, tender: str) -> tuple[datetime, datetime]:
    """Lock a box that is not closed; its deadline, and the clock under the lock. Refused: E-TENDER, E-CLOSED."""
    rows = await act.query("SELECT deadline, closed_at FROM bidding_box WHERE tender = $1 FOR UPDATE", tender)
    if not rows:
        raise Refused("E-TENDER", tender=tender)
    now = await act.clock()
    if rows[0]["closed_at"] is not None:
        raise Refused("E-CLOSED", tender=tender)
    return rows[0]["deadline"], now


async def _close(act: Act, tender: str, deadline: datetime, *, abandoned: bool = False) -> list[Closing]:
    box = await _Box.read(act.query, tender)
    found = box.tally()
    opens = found.opens and not abandoned
    reason = "" if opens else GIVEN_UP if abandoned else TOO_FEW
    closings = []
    for stage, keyset in sorted(box.keysets.items()):
        said = found.stages[stage]
        body: dict[str, Any] = {
            "stage": stage,
            "keyset": keyset,
            "count": said.count,
            "list_root": said.list_root,
            "events": said.events,
            "events_root": said.events_root,
            "opens": opens,
            "reason": reason,
        }
        ref = act.record(CLOSED.name, subject=tender, tender=tender, deadline=stamp(deadline), **body)
        closings.append(Closing(record=ref, **body))
        await act.query(
            "UPDATE bidding_stage SET count = $3, list_root = $4, events = $5, events_root = $6 "
            "WHERE box_id = $1 AND stage = $2",
            tender,
            stage,
            said.count,
            said.list_root,
            said.events,
            said.events_root,
        )
    await act.query("UPDATE bidding_box SET closed_at = $2, opens = $3 WHERE tender = $1", tender, act.now, opens)
    act.disclose(closings[0].record, tender=tender, records=box.owed_registrations(), public=opens)
    return closings


async def counted(tender: str) -> Tally:
    """The tally of a closed box: its list, who counts, where a manifest stands on it. Refused: E-TENDER, E-OPEN."""
    rows = await pool().fetch(
        "SELECT b.closed_at, s.list_root, s.events_root FROM bidding_box b JOIN bidding_stage s ON s.box_id = b.tender "
        "WHERE b.tender = $1 ORDER BY s.stage",
        tender,
    )
    if not rows:
        raise Refused("E-TENDER", tender=tender)
    if rows[0]["closed_at"] is None:
        raise Refused("E-OPEN", tender=tender)  # nobody counts a box that is still open
    key = (tender, *(value for row in rows for value in row.values()))
    if key not in _counted:  # a closed box never changes: what was counted once stays
        if len(_counted) >= REMEMBERED:
            _counted.pop(next(iter(_counted)))
        _counted[key] = (await _Box.read(pool().fetch, tender)).tally()
    return _counted[key]


_counted: dict[tuple[Any, ...], Tally] = {}
REMEMBERED = 32
"""Closed boxes whose tally a process keeps in mind, for the receipts everybody fetches after a closing."""


async def place(tender: str, stage: str, manifest: str) -> tuple[int, tuple[bytes, ...]] | None:
    """(index, path) of a manifest (hash, hex) in `list_root`: `listed` of a receipt. None before the closing, and for
    an envelope that was replaced or withdrawn: the later act's receipt counts then (log.md §6)."""
    try:
        return (await counted(tender)).stages[stage].place(manifest)
    except (KeyError, Refused):
        return None


async def acting_keys(tender: str) -> list[Registered]:
    """The registrations of keys that signed a deposit or withdrawal of the tender, and those they rest on."""
    rows = await pool().fetch(
        "SELECT DISTINCT bidder, signer_id FROM ("
        "SELECT bidder, signer_id FROM bidding_deposit WHERE tender = $1 UNION ALL "
        "SELECT bidder, signer_id FROM bidding_withdrawal WHERE tender = $1) AS acted",
        tender,
    )
    known = await registered(*sorted({row["bidder"] for row in rows}))
    return chains(known, [row["signer_id"] for row in rows])


@dataclass(frozen=True)
class _Box:
    """Everything of a tender that its closing counts, as rows hold it."""

    tender: str
    min_bids: int
    unvouched: list[str]
    keysets: dict[str, str]  # stage → key set id
    records: list[bytes]  # deposits, withdrawals, refusals of the tender; in the order of the log
    registered: list[tuple[int, bytes]]  # (row id, record) of the key registrations of everybody who deposited
    registrations: dict[str, Registration]  # by the hash of their record, in the order of the log
    acts: dict[str, SignedAct]

    @staticmethod
    async def read(query: Query, tender: str) -> _Box:
        [box] = await query("SELECT min_bids, unvouched FROM bidding_box WHERE tender = $1", tender)
        stages = await query("SELECT stage, keyset_id FROM bidding_stage WHERE box_id = $1", tender)
        deposits = await query(
            "SELECT d.bidder, d.manifest, r.key FROM bidding_deposit d "
            "JOIN bidding_registration r ON r.sha = d.signer_id WHERE d.tender = $1",
            tender,
        )
        withdrawals = await query(
            "SELECT w.withdrawal, r.key FROM bidding_withdrawal w "
            "JOIN bidding_registration r ON r.sha = w.signer_id WHERE w.tender = $1",
            tender,
        )
        # What came after the closing (a late request's refusal) is no event of it.
        records = await query(
            "SELECT record FROM log_record WHERE tender = $1 AND type IN ('deposited', 'withdrawn', 'refused') "
            "AND id < coalesce((SELECT min(id) FROM log_record WHERE tender = $1 AND type = 'closed'), "
            "9223372036854775807) ORDER BY id",
            tender,
        )
        bidders = sorted({row["bidder"] for row in deposits})
        registered = await query(
            "SELECT id, record FROM log_record WHERE type = 'bidder-key-registered' AND subject = ANY ($1::text[]) "
            "ORDER BY id",
            bidders,
        )
        registrations = {
            row["record"]: row["registration"]
            for row in await query(
                "SELECT record, registration FROM bidding_registration WHERE bidder = ANY ($1::text[])", bidders
            )
        }
        acts: dict[str, SignedAct] = {}
        for row in deposits:
            manifest = Manifest.parse(row["manifest"])
            acts[manifest.hash] = SignedAct(manifest, bytes.fromhex(row["key"]))
        for row in withdrawals:
            withdrawal = Withdrawal.parse(row["withdrawal"])
            acts[withdrawal.hash] = SignedAct(withdrawal, bytes.fromhex(row["key"]))
        return _Box(
            tender=tender,
            min_bids=box["min_bids"],
            unvouched=json.loads(box["unvouched"]),
            keysets={row["stage"]: row["keyset_id"] for row in stages},
            records=[row["record"] for row in records],
            registered=[(row["id"], row["record"]) for row in registered],
            registrations={
                sha256_hex(row["record"]): Registration.parse(registrations[sha256_hex(row["record"])])
                for row in registered
                if sha256_hex(row["record"]) in registrations
            },
            acts=acts,
        )

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.registrations.values())

    def tally(self) -> Tally:
        return tally(
            self.keysets,
            [*self.records, *(record for _, record in self.registered)],
            self.acts,
            self.keyring,
            tender=self.tender,
            min_bids=self.min_bids,
            unvouched=self.unvouched,
        )

    def owed_registrations(self) -> list[int]:
        """Rows of the registrations whose keys acted and of those they rest on: what the closing discloses."""
        keyring = self.keyring
        acted = {(act.made.bidder, act.key) for act in self.acts.values()}
        owed = {link.hash for bidder, key in acted for link in keyring.chain(bidder, key)}
        rows = {sha256_hex(record): id for id, record in self.registered}
        return [rows[record] for record, made in self.registrations.items() if made.hash in owed]
