"""What the papers of a tender say, read from its archive: the records and files that `trading verify` checked before.

Names are those of the log: where an organisation was registered before the archive's first entry its code stands instead,
and a title the archive does not hold is given by whoever makes the paper.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from audit.archive import Archive
from audit.canon import instant, parse, sha256_hex, unb64
from audit.merkle import unpack_entries
from audit.record import Kind, check_record, parse_entry
from audit.refusal import Refused
from bidding.manifest import FORM
from trading.law import rulebook
from trading.law.bounds import asked, longest
from trading.law.gains import pricing
from trading.paper.awards import Award, Candidates, Contract
from trading.paper.openings import OpeningRecord
from trading.paper.press import Mark
from trading.paper.tenders import Bidder, Opened, Ranked, Rejected, Tender

Record = Mapping[str, Any]
PUBLICITY = "WK-38"
"""How long candidates are shown before the award (招标投标法实施条例 54)."""


class Story:
    """A tender as its archive tells it. Verify the archive first: nothing is proved here. Broken: as `Archive.open`."""

    def __init__(self, path: Path, title: str = "", url: str = "", *, checked: str = "") -> None:
        self._given, self._url, self._checked = title, url.rstrip("/"), checked
        with path.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with Archive.open(path) as archive:
            self.about = parse(archive.read("archive.json"))
            self._records = [check_record(data) for data in _clear(archive)]
            self._bidders = {
                parts[1]: str(parse(archive.read(name))["bidder"])
                for name in archive.names
                if (parts := name.split("/"))[0] == "bids" and parts[-1] == "manifest.json"
            }
            self._totals = archive.read("evaluation/totals.json") if "evaluation/totals.json" in archive else None
            self._rulebook = archive.read("rulebook.json")

    @property
    def id(self) -> str:
        """The tender's id."""
        return str(self.about["tender"])

    def mark(self) -> Mark:
        """The hash of the archive, and the tender's page where the platform's address is known."""
        link = f"{self._url}/t/{self.id.rpartition('@')[0] or self.id}" if self._url else ""
        return Mark(self.sha256, "archive", link, self._checked)

    def _of(self, what: str) -> list[Record]:
        return [one for one in self._records if one["type"] == f"trading.{what}/v1" and one.get("tender") == self.id]

    def _one(self, what: str) -> Record:
        """The last record of a type. Refused PAPER-NOT-YET: this tender never came so far."""
        found = self._of(what)
        if not found:
            raise Refused("PAPER-NOT-YET", tender=self.id)
        return found[-1]

    @cached_property
    def _names(self) -> dict[str, str]:
        return {
            str(one["organisation"]): str(one["name"])
            for one in self._records
            if one["type"] == "trading.organisation-registered/v1"
        }

    @cached_property
    def tender(self) -> Tender:
        """Refused: PAPER-NOT-YET (it was never announced), PAPER-TITLE (the archive has none, and none was given)."""
        terms = self._one("project-announced")
        lot = self.id.rpartition("@")[0]
        registered = {
            str(one.get("lot") or one["project"]): one
            for one in self._records
            if one["type"] in ("trading.lot-added/v1", "trading.project-registered/v1")
        }
        own = registered.get(lot)
        project = registered.get(str(own["project"]) if own else lot.rpartition("-")[0])
        title = str(own["title"]) if own else self._given
        if not title:
            raise Refused("PAPER-TITLE", tender=self.id)
        tenderee = str(project["organisation"]) if project else str(terms["actor"]["id"])
        agency = str(project["agency"] or "") if project else ""
        return Tender(
            self.id, title, self._names.get(tenderee, tenderee), self._names.get(agency, agency), terms["direction"],
            terms["method"], terms["currency"], terms["baseline"], str(self.about["origin"]),
            pricing(terms),
        )  # fmt: skip

    def bidder(self, bid: str) -> Bidder:
        """Whose bid it is."""
        code = self._bidders.get(bid, bid)
        return Bidder(self._names.get(code, code), code, bid)

    @property
    def bidders(self) -> dict[str, Bidder]:
        """All of them, by bid."""
        return {bid: self.bidder(bid) for bid in self._bidders}

    def answers(self, report: bytes) -> dict[int, str]:
        """How each seat answered this report."""
        mine = [one for one in self._of("report-answered") if one["report"] == sha256_hex(report)]
        return {int(one["seat"]): str(one["answer"]) for one in mine}

    def received(self, report: bytes) -> datetime:
        """When the tenderee had this report. Refused: PAPER-NOT-YET (it has another one, or none)."""
        mine = [one for one in self._of("report-received") if one["report"] == sha256_hex(report)]
        if not mine:
            raise Refused("PAPER-NOT-YET", tender=self.id)
        return instant(mine[-1]["time"])

    def opening(self) -> OpeningRecord:
        """Refused: PAPER-NOT-YET (its bids were never opened)."""
        closed = self._one("closed")
        told: dict[str, Record] = {}
        verdicts: dict[str, list[str]] = {}
        self._one("unsealed")
        for one in self._of("unsealed"):
            verdicts.setdefault(one["bid"], []).append(one["verdict"])
            if one["stage"] == FORM or one["bid"] not in told:
                told[one["bid"]] = one
        rows = [
            Opened(
                self.bidder(bid),
                next((word for word in reversed(verdicts[bid]) if word != "OK"), "OK"),
                one["opening"] or {},
                bool(one["unvouched"]),
                instant(one["time"]),
            )
            for bid, one in sorted(told.items())
        ]
        return OpeningRecord(
            self.tender, instant(closed["deadline"]), instant(closed["time"]), max(one.at for one in rows),
            max(int(one["count"]) for one in self._of("closed")), rows,
        )  # fmt: skip

    def rejected(self) -> list[Rejected]:
        """The bids that were rejected, with their reasons."""
        return [Rejected(self.bidder(o["bid"]), o["reason"], o["article"]) for o in self._of("bid-rejected")]

    def candidates(self) -> Candidates:
        """Refused: PAPER-NOT-YET (no candidates were published)."""
        published = self._one("candidates-published")
        at = instant(published["time"])
        rows = {str(row["bid"]): row for row in parse(self._totals or b"{}").get("rows", [])}
        gone = {one["bid"] for one in self._of("bid-rejected") if instant(one["time"]) <= at}
        ranked = [
            Ranked(place, self.bidder(bid), int(rows[bid]["price"]), str(rows[bid].get("total", "")))
            for place, bid in enumerate(published["ranking"], 1)
        ]
        rejected = [one for one in self.rejected() if one.bidder.bid in gone]
        return Candidates(self.tender, at, self._until(at), ranked, rejected)

    def _until(self, at: datetime) -> datetime | None:
        book = rulebook.read(self._rulebook)
        rule = asked(book, PUBLICITY)
        return None if rule is None else longest(book, at, rule.count, rule.unit).over

    def award(self) -> Award:
        """Refused: PAPER-NOT-YET (nobody was awarded)."""
        awarded = self._one("awarded")
        return Award(self.tender, instant(awarded["time"]), self.bidder(awarded["bid"]), int(awarded["price"]))

    def contract(self) -> Contract:
        """Refused: PAPER-NOT-YET (no contract was signed)."""
        signed = self._one("contract-signed")
        return Contract(
            self.award(), instant(signed["signed"]), int(signed["amount"]), signed["performance"], signed["contract"]
        )


def _clear(archive: Archive) -> Iterator[bytes]:
    """Every record the archive shows: those in clear, and those it discloses."""
    for name in archive.names:
        if name.startswith("tile/entries/"):
            for entry in map(parse_entry, unpack_entries(archive.read(name))):
                if entry.kind is Kind.CLEAR:
                    yield entry.record
    for name in archive.names:
        if name.startswith("records/"):
            yield unb64(parse(archive.read(name))["record"])
