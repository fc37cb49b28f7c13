"""Every attack here is a whole forgery: what an operator with the database and the log key could publish, re-signed and
self-consistent. ``caught`` writes its archives and demands that ``verify`` and the independent reader name one step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from audit.archive import Archive, write_archive
from audit.receipt import Receipt
from audit.report import Report
from tests import reader
from tests.browser.judge import verify
from tests.world import Bidder, World
from tests.world_tender import Tender
from trading.verify_ledger import published

EDITIONS = ("public", "supervision")
Change = Callable[[dict[str, bytes]], Mapping[str, bytes]]


class Stage:
    """A world to cheat in, and the judges."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(folder / "world")
        self.fir, self.oak, self.ash = (self.world.bidder(name) for name in ("fir", "oak", "ash"))
        self.policy, self.parties = self.world.trust(folder / "trust")
        self.written = 0

    @property
    def firms(self) -> tuple[Bidder, Bidder, Bidder]:
        return self.fir, self.oak, self.ash

    def tender(self, **terms: Any) -> Tender:
        """A tender, announced."""
        made: Tender = self.world.tender("T1", **terms)
        return made

    def bids(self, **terms: Any) -> Tender:
        """A tender in which three firms have handed in a bid each: Oak's is the lowest."""
        tender = self.tender(**terms)
        for firm, price in zip(self.firms, (92_000_000, 88_000_000, 95_000_000), strict=True):
            tender.deposit(firm, price)
        return tender

    def judge(
        self,
        tender: Tender,
        edition: str,
        *,
        since: bytes | None = None,
        receipts: Sequence[Receipt] = (),
        change: Change | None = None,
        ledger: bytes | None = None,
    ) -> tuple[Report, tuple[int, str | None, str]]:
        """What both verifiers say of an archive of this tender; ``change`` edits its files first; ``ledger``: lines that
        were published."""
        self.written += 1
        folder = self.folder / f"judged{self.written}"
        folder.mkdir()
        path = tender.write(edition, folder / f"{tender.id}.{edition}.zip")
        if change is not None:
            with Archive.open(path) as archive:
                files = {name: archive.read(name) for name in archive.names}
            write_archive(path, change(files).items())
        older = folder / "since"
        if since is not None:
            older.write_bytes(since)
        held = []
        for number, receipt in enumerate(receipts):
            held.append(folder / f"{number}.receipt.json")
            held[-1].write_bytes(receipt.format())
        asked = older if since is not None else None
        told, lines = None, folder / "lines"
        if ledger is not None:
            lines.write_bytes(ledger)
            told = published(lines.name, ledger)
        report = verify([path], self.policy, self.parties, asked, held, told).reports[0]
        return report, reader.read([path], self.policy, self.parties, asked, held, lines if told else None)

    def caught(self, tender: Tender, step: str, code: str, *, editions: Sequence[str] = EDITIONS, **how: Any) -> None:
        """Both verifiers exit 3 and name ``step`` first; ours says ``code`` there."""
        for edition in editions:
            report, other = self.judge(tender, edition, **how)
            failed = report.failed
            assert report.exit == 3 and failed is not None, edition
            assert failed.code == step, (edition, failed.code, failed.faults)
            assert code in {fault.code for fault in failed.faults}, (edition, failed.faults)
            assert other[:2] == (3, step), (edition, other)

    def honest(self, tender: Tender, *, editions: Sequence[str] = EDITIONS, **how: Any) -> None:
        """The control: without the cheat both accept."""
        for edition in editions:
            report, other = self.judge(tender, edition, **how)
            assert report.exit == 0, (edition, report.failed)
            assert other[:2] == (0, None), (edition, other)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A world with three firms that authorities vouch for."""
    return Stage(tmp_path)
