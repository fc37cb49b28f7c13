"""What the papers of a tender say: from its archive, whose records and files `trading verify` checked before, or from the
platform that wrote them (trading/publishing.py).

A paper names the hash of the record it is made of, which is the same while the tender goes on and in its archive. Names in
an archive are those of its log: where an organisation was registered before its first entry the code stands instead, and a
title the archive does not hold is given by whoever makes the paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from audit.archive import Archive
from audit.canon import instant, parse, sha256_hex, unb64
from audit.merkle import TILE, bundles, entries_path, unpack_entries
from audit.record import Kind, check_record, parse_entry
from audit.refusal import Refused
from bidding.manifest import FORM
from trading.law import rulebook
from trading.law.bounds import asked, longest
from trading.law.gains import pricing
from trading.paper import awards, openings
from trading.paper.awards import Award, Candidates, Contract
from trading.paper.confirmations import Confirmation, confirmation
from trading.paper.openings import OpeningRecord
from trading.paper.press import Mark
from trading.paper.tenders import Bidder, Opened, Ranked, Rejected, Tender, bare

Record = Mapping[str, Any]
PUBLICITY = "WK-38"
"""How long candidates are shown before the award (招标投标法实施条例 54)."""


KINDS: Mapping[str, str] = {
    "opening": "unsealed", "candidates": "candidates-published", "award": "awarded", "confirmation": "awarded",
    "contract": "contract-signed",
}  # fmt: skip
"""The papers of a tender that everybody may have, each with the type of the record it is made of, the last one there is."""
SALE = "auction-closed"
"""The record without which nothing was sold at an auction, and there is no confirmation."""


@dataclass(frozen=True)
class Told:
    """What the papers of a tender are made of, wherever it comes from: its records, and what the papers call people.

    `records`: the tender's own, each with the SHA-256 of its bytes; `places`: index in the log by that hash;
    `bidders`: organisations by bid;
    `names` of organisations by code; `checked`: what a paper says of its source (`Mark.checked`).
    """

    id: str
    origin: str
    records: Sequence[tuple[str, Record]]
    places: Mapping[str, int]
    bidders: Mapping[str, str]
    totals: bytes | None
    rulebook: bytes
    title: str
    tenderee: str
    agency: str
    names: Mapping[str, str]
    url: str = ""
    checked: str = ""


class Account:
    """The papers of a tender, as values. The same facts, whether an archive tells them or the platform: the same bytes."""

    def __init__(self, told: Told) -> None:
        # not by their places: a beat shuffles what waits for it
        ordered = sorted(told.records, key=lambda one: (instant(one[1]["time"]), one[0]))
        self.told = replace(told, records=ordered)

    @property
    def id(self) -> str:
        """The tender's id."""
        return self.told.id

    def mark(self, kind: str) -> Mark:
        """The hash of the record that a paper is made of, and the tender's page where the platform's address is known.

        Refused: PAPER-NOT-YET.
        """
        what = KINDS[kind]
        found = [digest for digest, one in self.told.records if one["type"] == f"trading.{what}/v1"]
        if not found:
            raise Refused("PAPER-NOT-YET", tender=self.id)
        return Mark(found[-1], what, self._link(), self.told.checked)

    def report_mark(self, report: bytes) -> Mark:
        """The hash of the committee's report."""
        return Mark(sha256_hex(report), "report", self._link(), self.told.checked)

    def _link(self) -> str:
        return f"{self.told.url.rstrip('/')}/t/{self.id}" if self.told.url else ""

    def _of(self, what: str) -> list[Record]:
        return [one for _, one in self.told.records if one["type"] == f"trading.{what}/v1"]

    def _one(self, what: str) -> Record:
        """The last record of a type. Refused PAPER-NOT-YET: this tender never came so far."""
        found = self._of(what)
        if not found:
            raise Refused("PAPER-NOT-YET", tender=self.id)
        return found[-1]

    @cached_property
    def tender(self) -> Tender:
        """Refused: PAPER-NOT-YET (it was never announced), PAPER-TITLE (nobody says what it is called)."""
        terms, told = self._one("project-announced"), self.told
        if not told.title:
            raise Refused("PAPER-TITLE", tender=self.id)
        tenderee = told.tenderee or str(terms["actor"]["id"])
        return Tender(
            self.id, told.title, told.names.get(tenderee, tenderee), told.names.get(told.agency, told.agency),
            terms["direction"], terms["method"], terms["currency"], terms["baseline"], told.origin, pricing(terms),
        )  # fmt: skip

    def bidder(self, bid: str) -> Bidder:
        """Whose bid it is."""
        code = self.told.bidders.get(bid, bid)
        return Bidder(self.told.names.get(code, code), code, bid)

    @property
    def bidders(self) -> dict[str, Bidder]:
        """All of them, by bid."""
        return {bid: self.bidder(bid) for bid in self.told.bidders}

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
        rows = {str(row["bid"]): row for row in parse(self.told.totals or b"{}").get("rows", [])}
        gone = {one["bid"] for one in self._of("bid-rejected") if instant(one["time"]) <= at}
        ranked = [
            Ranked(place, self.bidder(bid), int(rows[bid]["price"]), str(rows[bid].get("total", "")))
            for place, bid in enumerate(published["ranking"], 1)
        ]
        rejected = [one for one in self.rejected() if one.bidder.bid in gone]
        return Candidates(self.tender, at, self._until(at), ranked, rejected)

    def _until(self, at: datetime) -> datetime | None:
        book = rulebook.read(self.told.rulebook)
        rule = asked(book, PUBLICITY)
        return None if rule is None else longest(book, at, rule.count, rule.unit).over

    def award(self) -> Award:
        """Refused: PAPER-NOT-YET (nobody was awarded)."""
        awarded = self._one("awarded")
        return Award(self.tender, instant(awarded["time"]), self.bidder(awarded["bid"]), int(awarded["price"]))

    def confirmation(self) -> Confirmation:
        """Refused: PAPER-NOT-YET (there was no auction, or nobody was awarded)."""
        opened, ended, awarded = self._one("auction-opened"), self._one("auction-closed"), self._one("awarded")
        bids, extensions = self._of("auction-bid"), self._of("auction-extended")
        names = list(ended["bids"])
        number = names.index(awarded["bid"]) + 1 if awarded["bid"] in names else None
        cried = [one for one in bids if one["number"] == number]
        told = [opened, *cried[-1:], ended, awarded]
        return Confirmation(
            self.tender, instant(awarded["time"]), self.bidder(awarded["bid"]), number, awarded["price"],
            awarded["baseline"], awarded["gain"], opened["start"], opened["increment"], len(opened["bidders"]), len(bids),
            len(extensions), instant(ended["hammer"]), opened["reserve"] is not None,
            None if ended["reserve"] is None else ended["reserve"]["price"],
            [self._placed(one) for one in told],
        )  # fmt: skip

    def _placed(self, record: Record) -> tuple[str, int]:
        """A record's name and its place in the log. Refused PAPER-NOT-YET: it has none before the next beat."""
        index = next((self.told.places.get(digest) for digest, one in self.told.records if one is record), None)
        if index is None:
            raise Refused("PAPER-NOT-YET", tender=self.id)
        return str(record["type"]).removeprefix("trading.").removesuffix("/v1"), index

    def contract(self) -> Contract:
        """Refused: PAPER-NOT-YET (no contract was signed)."""
        signed = self._one("contract-signed")
        return Contract(
            self.award(), instant(signed["signed"]), int(signed["amount"]), signed["performance"], signed["contract"]
        )


class Story(Account):
    """A tender as its archive tells it. Verify the archive first: nothing is proved here. Broken: as `Archive.open`."""

    def __init__(self, path: Path, title: str = "", url: str = "", *, checked: str = "") -> None:
        with Archive.open(path) as archive:
            about = parse(archive.read("archive.json"))
            tender = str(about["tender"])
            placed = [(index, sha256_hex(data), check_record(data)) for index, data in _disclosed(archive, about)]
            records = [(digest, one) for _, digest, one in placed]
            registered = {
                str(one.get("lot") or one["project"]): one
                for _, one in records
                if one["type"] in ("trading.lot-added/v1", "trading.project-registered/v1")
            }
            own = registered.get(bare(tender))
            project = registered.get(str(own["project"]) if own else bare(tender).rpartition("-")[0])
            told = Told(
                tender,
                str(about["origin"]),
                [(digest, one) for digest, one in records if one.get("tender") == tender],
                {digest: index for index, digest, _ in placed},
                {
                    parts[1]: str(parse(archive.read(name))["bidder"])
                    for name in archive.names
                    if (parts := name.split("/"))[0] == "bids" and parts[-1] == "manifest.json"
                },
                archive.read("evaluation/totals.json") if "evaluation/totals.json" in archive else None,
                archive.read("rulebook.json"),
                str(own["title"]) if own else title,
                str(project["organisation"]) if project else "",
                str(project["agency"] or "") if project else "",
                {
                    str(one["organisation"]): str(one["name"])
                    for _, one in records
                    if one["type"] == "trading.organisation-registered/v1"
                },
                url,
                checked,
            )
        super().__init__(told)


def _disclosed(archive: Archive, about: Mapping[str, Any]) -> Iterator[tuple[int, bytes]]:
    """Every record the archive shows, with its index in the log: those in clear, and those it discloses."""
    for number, width in bundles(about["first"] // TILE, about["size"]):
        entries = unpack_entries(archive.read(entries_path(number, width)))
        for index, entry in enumerate(map(parse_entry, entries), number * TILE):
            if entry.kind is Kind.CLEAR:
                yield index, entry.record
    for name in archive.names:
        if name.startswith("records/"):
            told = parse(archive.read(name))
            yield told["index"], unb64(told["record"])


def make(account: Account, kind: str) -> bytes:
    """One of `KINDS`. Refused: PAPER-NOT-YET, PAPER-TITLE, PAPER-GLYPH."""
    mark = account.mark(kind)
    if kind == "opening":
        return openings.opening_record(account.opening(), mark)
    if kind == "candidates":
        return awards.candidates(account.candidates(), mark)
    if kind == "award":
        return awards.award_notice(account.award(), mark)
    if kind == "confirmation":
        return confirmation(account.confirmation(), mark)
    return awards.contract_cover(account.contract(), mark)
