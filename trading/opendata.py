"""Open data as anybody may fetch it: releases in the order of the log, records of a project, compiled processes.

Everything stops at the published checkpoint, so that whoever reads a release can prove its record; whether bids are shown
is asked of the same table as everywhere (law/secrecy.py). A stream holds one page at a time, however long the log is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from audit.act import pool
from audit.canon import parse, sha256_hex
from audit.refusal import Refused
from audit.tiles import Published
from trading import logbook, ocds
from trading.law import secrecy
from trading.law.gains import TOTAL
from trading.settings import Settings

PAGE = 200
"""Records in memory at a time."""

_FACTS = """SELECT r.type, l.index, r.record, r.tender FROM log_leaf l JOIN log_record r ON r.id = l.record
    JOIN trading_tender t ON t.id = r.tender AND t.kind = 'bids' AND t.announced_at IS NOT NULL
    WHERE r.nonce IS NULL AND r.type = ANY ($1) AND l.index > $2 AND l.index < $3 ORDER BY l.index LIMIT $4"""
_OF = """SELECT r.type, l.index, r.record, r.tender FROM log_record r JOIN log_leaf l ON l.record = r.id
    WHERE r.nonce IS NULL AND r.type = ANY ($1) AND r.tender = $2 AND l.index < $3 ORDER BY l.index"""
_CASES = """SELECT t.id AS tender, l.project_id AS project, p.title AS project_title, p.description, l.title, p.direction,
    p.currency, p.regime, p.region, p.organisation_id, o.name, p.agency_id, a.name AS agency_name, t.predecessor, t.state,
    t.opens, t.terms ->> 'pricing' AS pricing
    FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
    JOIN trading_organisation o ON o.code = p.organisation_id LEFT JOIN trading_organisation a ON a.code = p.agency_id
    WHERE t.id = ANY ($1) AND t.kind = 'bids' AND t.announced_at IS NOT NULL"""
_MARKS = """SELECT r.tender, r.type, l.index, r.record FROM log_record r LEFT JOIN log_leaf l ON l.record = r.id
    WHERE r.nonce IS NULL AND r.tender = ANY ($1) AND r.type IN ('closed', 'awarded')"""


_HELD = """SELECT min(l.index) FROM trading_tender t JOIN log_record r ON r.tender = t.id AND r.nonce IS NULL
    JOIN log_leaf l ON l.record = r.id
    WHERE t.kind = 'bids' AND t.state = 'closed' AND t.opens AND r.type = 'unsealed' AND l.index < $1"""
"""The first record whose release waits: some of a tender's bids are open already, and the opening is not over."""


class OpenData:
    """The open data of one installation."""

    def __init__(self, configured: Settings) -> None:
        self.prefix = configured.ocds_prefix
        self.url = configured.base_url
        self.publisher = configured.origin
        self.published = Published(configured.log_dir)

    def size(self) -> int:
        """Of the published checkpoint: releases of records from here on come later."""
        return self.published.size()

    async def upto(self, size: int) -> int:
        """The last index below `size` before which no release is still to come. A tender whose bids open one after the
        other shows them together; a reader who came by in between must come back for those."""
        held = await pool().fetchval(_HELD, size)
        return size - 1 if held is None else int(held) - 1

    async def releases(self, after: int, size: int) -> AsyncIterator[bytes]:
        """The releases of every record after an index of the log and below `size`, one a line, a page at a time."""
        while True:
            rows = await pool().fetch(_FACTS, list(ocds.STAGES), after, size, PAGE)
            cases = await self._cases(sorted({row["tender"] for row in rows}))
            page = b"".join(
                ocds.line(one) for row in rows for one in ocds.releases(cases[row["tender"]], _fact(row))
            )  # fmt: skip
            if page:
                yield page
            if len(rows) < PAGE:
                return
            after = rows[-1]["index"]

    async def compiled(self, size: int) -> AsyncIterator[bytes]:
        """The compiled release of every announced tender, one a line, by the order of their naming."""
        number = 0
        while True:
            rows = await pool().fetch(
                """SELECT id, number FROM trading_tender WHERE kind = 'bids' AND announced_at IS NOT NULL AND number > $1
                   ORDER BY number LIMIT $2""",
                number, PAGE,
            )  # fmt: skip
            if not rows:
                return
            for made in await self._made([row["id"] for row in rows], size):
                yield ocds.line(ocds.compiled(made))
            number = rows[-1]["number"]

    async def project(self, project: str) -> bytes:
        """The record package of a project: a record for each of its announced tenders. Refused: W-UNKNOWN."""
        rows = await pool().fetch(
            """SELECT t.id FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id
               WHERE l.project_id = $1 AND t.kind = 'bids' AND t.announced_at IS NOT NULL ORDER BY t.number""",
            project,
        )
        records = [ocds.record(made) for made in await self._made([row["id"] for row in rows], self.size())]
        if not records:
            raise Refused("W-UNKNOWN")
        uri = f"{self.url}/ocds/projects/{project}"
        return ocds.text(ocds.package(records, uri=uri, publisher=self.publisher)).encode()

    async def _made(self, tenders: Sequence[str], size: int) -> list[list[dict[str, Any]]]:
        cases = await self._cases(tenders)
        found = []
        for tender in tenders:
            rows = await pool().fetch(_OF, list(ocds.STAGES), tender, size)
            made = [one for row in rows for one in ocds.releases(cases[tender], _fact(row))]
            if made:
                found.append(made)
        return found

    async def _cases(self, tenders: Sequence[str]) -> dict[str, ocds.Case]:
        counts: dict[str, dict[str, int]] = {}
        awards: dict[str, int] = {}
        for mark in await pool().fetch(_MARKS, tenders):
            if mark["type"] == "awarded":
                awards[mark["tender"]] = -1 if mark["index"] is None else mark["index"]
            else:
                value = parse(mark["record"])
                counts.setdefault(mark["tender"], {})[value["stage"]] = value["count"]
        found = {}
        for row in await pool().fetch(_CASES, tenders):
            opened = secrecy.is_open(row["state"], row["opens"])
            found[row["tender"]] = ocds.Case(
                tender=row["tender"],
                project=row["project"],
                project_title=row["project_title"],
                description=row["description"],
                title=row["title"],
                direction=row["direction"],
                currency=row["currency"],
                regime=row["regime"],
                region=row["region"],
                owner=(row["organisation_id"], row["name"]),
                agency=(row["agency_id"], row["agency_name"]) if row["agency_id"] else None,
                predecessor=row["predecessor"],
                opened=opened,
                bidders=await _bidders(row["tender"]) if opened else {},
                counts=counts.get(row["tender"], {}) if opened else {},
                awarded_at=awards.get(row["tender"]),
                pricing=row["pricing"] or TOTAL,
                prefix=self.prefix,
                papers=f"{self.url}/api/v1/papers/",
            )
        return found


async def _bidders(tender: str) -> dict[str, tuple[str, str]]:
    codes = await logbook.bidders_after_closing(tender)
    names = dict(
        await pool().fetch("SELECT code, name FROM trading_organisation WHERE code = ANY ($1)", list(codes.values()))
    )
    return {bid: (code, names.get(code, code)) for bid, code in codes.items()}


def _fact(row: Any) -> ocds.Fact:
    return ocds.Fact(row["type"], row["index"], sha256_hex(row["record"]), parse(row["record"]))
