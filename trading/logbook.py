"""What the market reads back from the log: vouchings, a tender's public records, a party's own records.

Reading only, and only what its caller may see; writing is `acting()`'s. Sealed records are looked up by the party they
belong to or by ids that a disclosure names, never by tender alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit.act import pool
from audit.canon import b64, parse, sha256_hex
from audit.refusal import Refused
from bidding import releases


@dataclass(frozen=True)
class Kept:
    """A committed record: its row, bytes, nonce (None: clear), entry, and its leaf once a beat has taken it."""

    id: int
    type: str
    record: bytes
    nonce: bytes | None
    entry: bytes
    index: int | None

    @property
    def value(self) -> dict[str, Any]:
        """The record, read."""
        value: dict[str, Any] = parse(self.record)
        return value

    def line(self) -> dict[str, Any]:
        """As a timeline shows it."""
        value = self.value
        return {"index": self.index, "type": value["type"], "time": value["time"], "record": b64(self.record)}

    def made(self) -> dict[str, str]:
        """As the answer to an act shows it."""
        return {"record": sha256_hex(self.record), "type": self.value["type"]}


_SELECT = """SELECT r.id, r.type, r.record, r.nonce, r.entry, l.index FROM log_record r
    LEFT JOIN log_leaf l ON l.record = r.id"""


async def _kept(where: str, *args: Any) -> list[Kept]:
    return [Kept(**dict(row)) for row in await pool().fetch(f"{_SELECT} WHERE {where}", *args)]


async def vouchings() -> list[dict[str, Any]]:
    """Every `identity-vouched` record, in order."""
    return [k.value for k in await _kept("r.type = 'identity-vouched' ORDER BY r.id")]


async def public_of(tender: str) -> list[Kept]:
    """Every public record of a tender, in order of the log, those still waiting for their beat at the end."""
    return await _kept("r.tender = $1 AND r.nonce IS NULL ORDER BY l.index NULLS LAST, r.id", tender)


async def of_type(type: str) -> list[Kept]:
    """Every public record of a type, in order."""
    return await _kept("r.type = $1 AND r.nonce IS NULL ORDER BY r.id", type)


async def own(actor: str, types: Sequence[str]) -> list[Kept]:
    """A party's own records of these types, oldest first."""
    return await _kept("r.actor_kind = 'bidder' AND r.actor = $1 AND r.type = ANY ($2) ORDER BY r.id", actor, types)


async def concerning(tenders: Sequence[str], type: str, field: str, party: str) -> list[Kept]:
    """Records of these tenders, whoever made them, in which `field` names this party: for that party alone, oldest first."""
    found = await _kept("r.tender = ANY ($1) AND r.type = $2 ORDER BY r.id", tenders, type)
    return [k for k in found if k.value.get(field) == party]


def shown(ref: Any) -> dict[str, str]:
    """A `RecordRef` after its act, as the answer shows it."""
    return {"record": sha256_hex(ref.record), "type": ref.body["type"]}


async def bidders_after_closing(tender: str) -> dict[str, str]:
    """Whose bid is whose, for a closed tender that opens: bid → bidder. Nothing before the closing opened it."""
    return {v["bid"]: v["actor"]["id"] for v in await _deposited(tender)}


async def listed_after_closing(tender: str) -> dict[str, dict[str, Any]]:
    """Every deposit of a closed tender that opens: manifest hash → its record."""
    return {v["manifest"]: v for v in await _deposited(tender)}


async def _deposited(tender: str) -> list[dict[str, Any]]:
    """The records of what was handed in, once the tender is closed and opens; none before."""
    rows = await pool().fetch(
        """SELECT r.record FROM log_record r WHERE r.tender = $1 AND r.type = 'deposited'
           AND EXISTS (SELECT 1 FROM trading_tender t WHERE t.id = $1 AND t.opens)""",
        tender,
    )
    return [parse(r["record"]) for r in rows]


async def listed(tender: str, stage: str) -> list[str]:
    """The manifest hashes a closing lists, ascending; empty before the closing."""
    try:
        box = await releases.closed_stage(pool().fetch, tender, stage)
    except Refused:
        return []
    rows = await pool().fetch("SELECT record FROM log_record WHERE tender = $1 AND type = 'deposited'", tender)
    values = [parse(r["record"]) for r in rows]
    return sorted(v["manifest"] for v in values if v["stage"] == stage and box.listed.get(v["bid"]) == v["seq"])
