"""A bidder's own bids, for the bidder's own pages: where each stands, and what may still be handed in.

Everything here is read under the name of whoever asks, from its own records; nothing is written, over the API neither
(tendering.own_deposits says why): looking at one's own bid is no act, and a record of it would tell who bids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from audit.act import pool
from audit.canon import b64, instant, sha256_hex
from audit.refusal import Refused
from bidding import signers
from bidding.registrations import Keyring
from trading import documents, logbook
from trading.accounts import Caller

EFFECTIVE, SUPERSEDED, WITHDRAWN = "effective", "superseded", "withdrawn"
OPEN_SHOWN = 50
"""Tenders that take bids, shown beside one's own: those that close first."""


@dataclass
class Deposit:
    """One envelope that was handed in: its manifest's hash, its receipt's time, its place in the log once it has one."""

    stage: str
    seq: int
    manifest: str
    at: datetime
    index: int | None
    state: str = EFFECTIVE
    stale: bool = False


@dataclass
class Bid:
    """One bid: every envelope of it, the last one of each stage first."""

    tender: str
    bid: str
    deposits: list[Deposit] = field(default_factory=list)
    withdrawn_at: datetime | None = None

    @property
    def last(self) -> dict[str, Deposit]:
        """The last envelope of each stage."""
        found: dict[str, Deposit] = {}
        for one in sorted(self.deposits, key=lambda one: one.seq):
            found[one.stage] = one
        return found

    @property
    def at(self) -> datetime:
        """When it was last handed in."""
        return max(one.at for one in self.deposits)

    @property
    def stale(self) -> bool:
        """What counts of it was handed in before the documents were last amended."""
        return self.withdrawn_at is None and any(one.stale for one in self.last.values())


async def of(caller: Caller) -> list[Bid]:
    """The caller's own bids, those withdrawn too, in the order in which they were first handed in."""
    found: dict[tuple[str, str], Bid] = {}
    for kept in await logbook.own(caller.organisation or "", ("deposited", "withdrawn")):
        value = kept.value
        one = found.setdefault((value["tender"], value["bid"]), Bid(value["tender"], value["bid"]))
        if value["type"].startswith("trading.withdrawn"):
            one.withdrawn_at = instant(value["time"])
        else:
            at = instant(value["time"])
            one.deposits.append(Deposit(value["stage"], value["seq"], value["manifest"], at, kept.index))
    for one in found.values():
        for each in one.deposits:
            last = one.last[each.stage] is each
            each.state = WITHDRAWN if one.withdrawn_at else EFFECTIVE if last else SUPERSEDED
        old = await documents.stale(one.tender, [each.at for each in one.deposits], [None] * len(one.deposits))
        for each, stale in zip(one.deposits, old, strict=True):
            each.stale = stale
    return [one for one in found.values() if one.deposits]


async def one(caller: Caller, bid: str) -> Bid:
    """One of the caller's own. Refused: W-UNKNOWN, also where it is another's."""
    for found in await of(caller):
        if found.bid == bid:
            return found
    raise Refused("W-UNKNOWN")


async def counting(caller: Caller, tender: str) -> Bid | None:
    """The caller's bid of a tender that was not withdrawn; None: there is none. There is never more than one (E-TWICE)."""
    return next((b for b in await of(caller) if b.tender == tender and b.withdrawn_at is None), None)


async def tenders(named: list[str]) -> dict[str, Any]:
    """What a line of the list says of these tenders, by id; with it those that take bids, the first to close first."""
    rows = await pool().fetch(
        """(SELECT t.id, l.title, p.title AS project, t.state, t.deadline, t.hour, t.opens, false AS listed
            FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
            WHERE t.id = ANY ($1))
           UNION ALL
           (SELECT t.id, l.title, p.title, t.state, t.deadline, t.hour, t.opens, true
            FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
            WHERE t.state = 'announced' AND t.kind = 'bids' AND t.deadline > log_now() AND NOT t.id = ANY ($1)
            ORDER BY t.deadline LIMIT $2)""",
        named, OPEN_SHOWN,
    )  # fmt: skip
    return {row["id"]: dict(row) for row in rows}


def certificate(der: bytes) -> dict[str, Any]:
    """What its owner recognises a certificate by, and its dates. It was read before, when it vouched (audit/trust.py)."""
    read = x509.load_der_x509_certificate(der)
    return {
        "subject": _called(read.subject), "issuer": _called(read.issuer), "serial": f"{read.serial_number:X}",
        "from": read.not_valid_before_utc, "until": read.not_valid_after_utc,
    }  # fmt: skip


def _called(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


async def keys(caller: Caller) -> list[dict[str, Any]]:
    """Every registration under the caller's name, the newest first: key, time, its record's hash and place, and whether a
    certificate authority or an authority stands behind it (envelope.md §2a: shown whenever the bidder signs in)."""
    code = caller.organisation or ""
    known = await signers.registered(code)
    ring = Keyring(one.registration for one in known)
    places = {sha256_hex(k.record): k.index for k in await logbook.own(code, ("bidder-key-registered",))}
    found = []
    for each in reversed(known):
        made = each.registration
        by = "certificate" if made.by_x5c else "authority" if made.by_authority else "key" if made.by_key else "nobody"
        found.append(
            {
                "key": b64(made.key), "hex": made.key.hex(), "alg": made.alg, "at": each.at, "record": each.record,
                "index": places.get(each.record), "by": by, "vouched": ring.vouched(code, made.key),
                "certificate": certificate(made.by_x5c[0]) if made.by_x5c else None,
            }
        )  # fmt: skip
    return found
