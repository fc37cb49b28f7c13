"""The closing of a tender's boxes: the list, once and for ever, before any share exists (envelope.md §6.1).

The box row is taken FOR UPDATE, so every deposit either committed before (and is on the list) or waits, finds the
box closed and is late. What the closing says is computed from the log's own records of the box, as custodians and
verifiers compute it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from audit.act import Act, RecordRef
from audit.canon import parse, sha256_hex, stamp
from audit.merkle import root
from audit.refusal import Refused
from bidding.records import CLOSED
from bidding.registrations import Keyring, Registration

TOO_FEW = "too_few_bids"
"""The `reason` of a closing that leaves the envelopes shut for ever."""


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


def root_of(hashes: Iterable[str]) -> str:
    """RFC 6962 root (hex) over hashes (hex) taken as leaf hashes, sorted ascending."""
    return root(sorted(bytes.fromhex(one) for one in hashes)).hex()


@dataclass
class _Box:
    """Everything of a tender that its closing counts."""

    tender: str
    deposits: list[dict[str, str | bool]]  # bid, bidder, stage, hash, signer, ended
    withdrawn: dict[str, str]  # bid → the registration hash of the key that signed
    registrations: dict[str, Registration]  # by hash, in the order of their records
    registered: dict[str, str]  # registration hash → hash of its record
    records: list[tuple[str, dict[str, str]]]  # hash, object

    def stages_of(self, bid: str) -> set[str]:
        return {str(d["stage"]) for d in self.deposits if d["bid"] == bid}

    def listed(self, stage: str) -> dict[str, str]:
        """{bid: manifest hash} of the effective envelopes."""
        return {str(d["bid"]): str(d["hash"]) for d in self.deposits if d["stage"] == stage and not d["ended"]}

    def acted(self, stage: str) -> set[str]:
        """Registrations (hashes) of keys that signed a deposit or a withdrawal in the box of this stage."""
        signed = {str(d["signer"]) for d in self.deposits if d["stage"] == stage}
        return signed | {signer for bid, signer in self.withdrawn.items() if stage in self.stages_of(bid)}

    def events(self, stage: str) -> list[str]:
        """SHA-256(record) of every deposit, withdrawal and refusal of the box, and of the registrations that acted."""
        found = [self.registered[one] for one in self.acted(stage)]
        for hash, record in self.records:
            name = record["type"]
            if name == "trading.withdrawn/v1":
                if stage in self.stages_of(record["bid"]):
                    found.append(hash)
            elif record["stage"] == stage:
                found.append(hash)
        return found

    def counting(self, unvouched: Iterable[str]) -> set[str]:
        """Bidders that count for `opens` (§5): each effective manifest under a vouched key, or named in the notice."""
        keyring = Keyring(self.registrations.values())
        named = set(unvouched)
        bidders = {str(d["bidder"]) for d in self.deposits if not d["ended"]}
        return {
            bidder
            for bidder in bidders
            if bidder in named
            or all(
                keyring.vouched(bidder, self.registrations[str(d["signer"])].key)
                for d in self.deposits
                if d["bidder"] == bidder and not d["ended"]
            )
        }

    def owed_registrations(self) -> set[str]:
        """Record hashes of the registrations that acted and of those they rest on: all that the closing discloses."""
        keyring = Keyring(self.registrations.values())
        acted = {str(d["signer"]) for d in self.deposits} | set(self.withdrawn.values())
        return {
            self.registered[link.hash]
            for one in acted
            for link in keyring.chain(self.registrations[one].bidder, self.registrations[one].key)
        }


async def close(act: Act, *, tender: str) -> list[Closing]:
    """Close every stage of the tender, and disclose what that ends the secrecy of. Records `closed` per stage.

    Refused: E-TENDER, E-CLOSED, E-EARLY (the deadline has not passed).
    """
    rows = await act.query("SELECT * FROM bidding_box WHERE tender = $1 FOR UPDATE", tender)
    if not rows:
        raise Refused("E-TENDER", tender=tender)
    box, now = rows[0], await act.clock()
    if box["closed_at"] is not None:
        raise Refused("E-CLOSED", tender=tender)
    if now <= box["deadline"]:  # a bid at the very deadline is in time
        raise Refused("E-EARLY", now=now, hour=box["deadline"])
    found = await _read(act, tender)
    opens = len(found.counting(json.loads(box["unvouched"]))) >= box["min_bids"]
    reason = "" if opens else TOO_FEW
    stages = await act.query("SELECT id, stage, keyset_id FROM bidding_stage WHERE box_id = $1 ORDER BY stage", tender)
    closings = []
    for stage in stages:
        name, listed, events = stage["stage"], found.listed(stage["stage"]), found.events(stage["stage"])
        body = {
            "keyset": stage["keyset_id"],
            "count": len(listed),
            "list_root": root_of(listed.values()),
            "events": len(events),
            "events_root": root_of(events),
            "opens": opens,
            "reason": reason,
        }
        ref = act.record(
            CLOSED.name, subject=tender, tender=tender, stage=name, deadline=stamp(box["deadline"]), **body
        )
        await act.query(
            "UPDATE bidding_stage SET count = $2, list_root = $3, events = $4, events_root = $5 WHERE id = $1",
            stage["id"],
            body["count"],
            body["list_root"],
            body["events"],
            body["events_root"],
        )
        closings.append(Closing(stage=name, record=ref, **body))
    await act.query("UPDATE bidding_box SET closed_at = $2, opens = $3 WHERE tender = $1", tender, now, opens)
    owed = found.owed_registrations()
    bidders = sorted({made.bidder for made in found.registrations.values()})
    registered = await act.query(
        "SELECT id, encode(sha256(record), 'hex') AS hash FROM log_record "
        "WHERE type = 'bidder-key-registered' AND subject = ANY ($1::text[])",
        bidders,
    )
    act.disclose(
        closings[0].record,
        tender=tender,
        records=[row["id"] for row in registered if row["hash"] in owed],
        public=opens,
    )
    return closings


async def _read(act: Act, tender: str) -> _Box:
    deposits = await act.query(
        "SELECT bid, bidder, stage, hash, signer_id AS signer, ended_at IS NOT NULL AS ended "
        "FROM bidding_deposit WHERE tender = $1 ORDER BY stage, bid, seq",
        tender,
    )
    withdrawn = await act.query("SELECT bid, signer_id FROM bidding_withdrawal WHERE tender = $1", tender)
    bidders = sorted({row["bidder"] for row in deposits})
    registrations = await act.query(
        "SELECT sha, registration, record FROM bidding_registration WHERE bidder = ANY ($1::text[]) "
        "ORDER BY registered_at, sha",
        bidders,
    )
    records = await act.query(
        "SELECT record FROM log_record WHERE tender = $1 AND type IN ('deposited', 'withdrawn', 'refused') ORDER BY id",
        tender,
    )
    return _Box(
        tender=tender,
        deposits=[dict(row) for row in deposits],
        withdrawn={row["bid"]: row["signer_id"] for row in withdrawn},
        registrations={row["sha"]: Registration.parse(row["registration"]) for row in registrations},
        registered={row["sha"]: row["record"] for row in registrations},
        records=[(sha256_hex(row["record"]), parse(row["record"])) for row in records],
    )
