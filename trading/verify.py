"""``trading verify``: every step of log.md §8 over one archive or several. Offline; the server calls the same function.

    found = verify(paths, policy=Path("policy.txt"), parties=Path("parties.txt"))
    found.exit          # 0 or 3
    found.reports[0].failed    # the first step that failed, with its faults

| step | asks | where |
|---|---|---|
| V1–V5 | framing, notes, tree, records, an older checkpoint | ``audit.verify`` |
| V6 | time | ``audit.verify_times`` |
| V7, V10 | identities, key sets, releases | ``bidding.verify_custody`` |
| V8, V9 | manifests, lists | ``bidding.verify_bids``, ``bidding.verify_lists`` |
| V11, V12 | openings, verdicts | ``bidding.verify_openings`` |
| V13 | the draw of the panel | ``experts.verify``, ``trading.verify_panel`` |
| V14 | ranking, award | ``trading.verify_award`` |
| V15 | order, periods, deadlines; auctions | ``trading.verify_steps``, ``trading.verify_auction`` |
| V16 | gain, corrections, published lines | ``trading.verify_ledger`` |
| V17 | receipts | ``bidding.verify_receipts`` |
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from audit.archive import Archive
from audit.canon import NotCanonical, parse_object
from audit.checkpoint import checkpoint_of
from audit.receipt import Receipt
from audit.refusal import Broken
from audit.report import Found, Report, Status, Step, Verification
from audit.verify import (
    ROWS,
    About,
    Disclosure,
    Files,
    Log,
    Row,
    Trust,
    check_files,
    check_notes,
    check_records,
    check_since,
    check_tree,
    read_trust,
    row,
)
from audit.verify_times import check_times, owed_checkpoints, read_pace
from bidding import verify as bids_part
from bidding.case import READERS, Case
from bidding.verify_bids import Bids, check_bids
from bidding.verify_custody import (
    check_announcement,
    check_identities,
    check_keysets,
    check_releases,
    read_keysets,
)
from bidding.verify_lists import Counted, check_counts, count
from bidding.verify_openings import check_openings, check_verdicts
from bidding.verify_receipts import about as about_tender
from bidding.verify_receipts import check_receipts
from experts.verify import DRAWS, DRAWS_SEALED, SUPERVISION, is_timed
from experts.verify import READERS as DRAW_READERS
from trading import records as records  # declares the types that V4 knows to be sealed or public
from trading import verify_award
from trading.verify_auction import NEAR as AUCTION_NEAR
from trading.verify_auction import READERS as AUCTION_READERS
from trading.verify_auction import check_auction
from trading.verify_ledger import READERS as LEDGER_READERS
from trading.verify_ledger import Published, check_gain, check_published
from trading.verify_owed import is_of_this_text
from trading.verify_panel import DRAW, check_panel
from trading.verify_reserve import check_reserve
from trading.verify_steps import READERS as STEP_READERS
from trading.verify_steps import RULEBOOK, check_steps, outages, read_rulebook

T = TypeVar("T")

ALL_ROWS: tuple[Row, ...] = (
    *ROWS,
    *bids_part.ROWS,
    row("rulebook.json"),
    row("evaluation/totals.json"),
    row("evaluation/sheets/<hash>.json", editions=("supervision",)),
    row("draw/<id>/<n>/names.json", editions=("supervision",)),
    row("draw/<id>/<n>/(commit|nonces|secret|leaves|calls).json"),
)
OLDER = frozenset(
    {
        "log-opened",
        "trust-published",
        "identity-vouched",
        "custodian-key-registered",
        "rehearsed",
        "bidder-key-registered",
    }
)
RULES = Disclosure(
    older=OLDER | {"expert-admitted"},
    anywhere=frozenset({"bidder-key-registered", "expert-admitted"}),
    supervision=SUPERVISION,
    closing=bids_part.SEALED,
    blinded=DRAWS_SEALED | SUPERVISION,
    public=DRAWS,
)
ALL_READERS = {**READERS, **DRAW_READERS, **verify_award.READERS, **STEP_READERS, **AUCTION_READERS, **LEDGER_READERS}


def verify(
    paths: Sequence[Path],
    policy: Path | None = None,
    parties: Path | None = None,
    since: Path | None = None,
    receipts: Sequence[Path] = (),
    ledger: Published | None = None,
) -> Verification:
    """Verify archives against trust files from outside; without them each archive's own are used, and said so.

    ``since`` is an older checkpoint (signed note) of the same log, ``receipts`` are receipt files (JSON),
    ``ledger`` published lines that V16 holds against each archive. Never raises
    at the content of a file: a broken archive fails V1. Raises OSError when a file of the call cannot be read.
    """
    outside = _Outside(*(None if path is None else path.read_bytes() for path in (policy, parties, since)))
    held: list[tuple[str, Receipt | NotCanonical]] = []
    for path in receipts:
        try:
            held.append((path.name, Receipt.parse(path.read_bytes())))
        except NotCanonical as error:
            held.append((path.name, error))
    tenders = {_tender_of(path) for path in paths}
    return Verification(tuple(_Verifier(path, outside, held, tenders, ledger).run() for path in paths))


def _tender_of(path: Path) -> str:
    """Which tender an archive says it is of, unverified: to tell whose receipts are whose."""
    with suppress(Exception), zipfile.ZipFile(path) as archive:  # whatever it is, V1 says so
        told = archive.getinfo("archive.json")
        if told.compress_type == zipfile.ZIP_STORED and told.file_size < 1 << 16:
            return str(parse_object(archive.read(told))["tender"])
    return ""


@dataclass(frozen=True)
class _Outside:
    """What the caller brings besides archives, as bytes."""

    policy: bytes | None
    parties: bytes | None
    since: bytes | None


@dataclass
class _Verifier:
    """The steps over one archive, in their order."""

    path: Path
    outside: _Outside
    receipts: Sequence[tuple[str, Receipt | NotCanonical]]
    tenders: set[str]
    ledger: Published | None = None

    def run(self) -> Report:
        """Every step that can be reached."""
        self.steps: dict[int, Found] = {number: Found(number) for number in range(1, 18)}
        self.reached = 0
        self.about: About | None = None
        self.trust: Trust | None = None
        try:
            with Archive.open(self.path) as archive:
                files = Files(archive)
                log = self._log(files)
                if log is not None:
                    self._rest(log)
        except Broken as error:
            self.reached = 1
            self.steps[1].fault(str(error.facts.get("name", "")), error.code, **error.facts)
        except Exception as error:
            self.reached = max(self.reached, 1)
            self.steps[self.reached].fault("", "V-INTERNAL", error=repr(error))
        about, trust = self.about, self.trust
        return Report(
            path=self.path,
            tender=about.tender if about else "",
            edition=about.edition if about else "",
            origin=about.origin if about else "",
            size=about.size if about else 0,
            trusted=trust is not None and trust.outside,
            keys=trust.keys if trust else (),
            steps=tuple(self._step(found) for found in self.steps.values()),
        )

    def _step(self, found: Found) -> Step:
        return found.step() if found.number <= self.reached else Step(found.number, Status.UNREACHED)

    def _do(self, number: int, step: Callable[[Found], T]) -> T | None:
        """Run one step; what it raises is a fault of it. None then, and for steps that return none."""
        self.reached = max(self.reached, number)
        found = self.steps[number]
        with found.at(""):
            return step(found)
        return None

    def _log(self, files: Files) -> Log | None:
        """V1–V4: as soon as one fails the later ones are not reached."""
        self.about = about = self._do(1, lambda found: check_files(files, ALL_ROWS, (RULEBOOK,), found))
        if about is None or self.steps[1].faults:
            return None
        self.trust = trust = self._do(
            2, lambda found: read_trust(files, self.outside.policy, self.outside.parties, found)
        )
        if trust is None:
            return None
        notes = self._do(2, lambda found: check_notes(files, about, trust, found))
        if notes is None or self.steps[2].faults:
            return None
        tree = self._do(3, lambda found: check_tree(files, about, notes, self._asked(), found))
        if tree is None or self.steps[3].faults:
            return None
        shut = RULES.closing if about.public and bids_part.is_shut(about.tender, _parsed(tree.clear)) else frozenset()
        held = self._do(4, lambda found: check_records(files, about, tree, RULES, shut, found))
        if held is None or self.steps[4].faults:
            return None
        times = {size: note.time for size, note in notes.items()}
        return Log(files, about, trust, notes, tree, held, times)

    def _asked(self) -> set[int]:
        """Sizes whose roots V5 and V17 will compare."""
        notes = [] if self.outside.since is None else [self.outside.since]
        for _, receipt in self.receipts:
            if isinstance(receipt, Receipt) and receipt.proof is not None:
                notes.append(receipt.proof.partition("\n\n")[2].encode("utf-8", "replace"))
        sizes: set[int] = set()
        for note in notes:
            with suppress(Broken):
                sizes.add(checkpoint_of(note).size)
        return sizes

    def _rest(self, log: Log) -> None:
        """V5–V17: every one is evaluated."""
        since, steps = self.outside.since, self.steps
        if since is None:
            steps[5].status = Status.ABSENT
        else:
            self._do(5, lambda found: check_since(log, since, found))
        pace = read_pace(log, steps[6])
        case = Case(log, ALL_READERS, pace.span)
        current = is_of_this_text(log.files.bytes(RULEBOOK))
        for found in steps.values():
            if current or found.number != DRAW:  # draws of another text are not read
                case.name_malformed(found)
        keysets = self._do(7, lambda found: read_keysets(case, found)) or {}
        gaps = outages(case)
        self._do(
            6,
            lambda found: check_times(
                log,
                pace,
                owed_checkpoints(
                    log.tree,
                    log.times,
                    bids_part.shown_indexes(case, keysets),
                    log.about.created if current else None,
                    case.first_closing,
                    gaps,
                ),
                bids_part.bounds(case, keysets, pace),
                {held.index for held in case.mine if held.name in bids_part.NEAR | AUCTION_NEAR or is_timed(held.name)},
                [held for held in log.held.values() if held.file or held.body.get("tender") == case.tender],
                gaps,
                found,
            ),
        )
        identities = self._do(7, lambda found: check_identities(log, found))
        if identities is None:
            return
        self._do(7, lambda found: check_keysets(case, identities, keysets, found))
        self._do(7, lambda found: check_announcement(case, keysets, found))
        bids = self._do(8, lambda found: check_bids(case, keysets, found))
        if bids is None:
            return
        self._do(9, lambda found: check_counts(case, bids, found))
        counted = count(case, bids)
        lists = {stage: {bid: one.manifest.seq for bid, one in bids.effective(stage).items()} for stage in case.stages}
        shares = self._do(10, lambda found: check_releases(case, identities, keysets, lists, found)) or {}
        opened = self._do(11, lambda found: check_openings(case, bids, keysets, shares, counted, found)) or {}
        self._do(12, lambda found: check_verdicts(case, bids, keysets, opened, counted, found))
        rulebook = self._do(15, lambda found: read_rulebook(case, found))
        self._do(DRAW, lambda found: check_panel(case, identities, rulebook, found, current=current))
        self._do(14, lambda found: check_reserve(case, bids, found))
        self._do(14, lambda found: verify_award.check_award(case, bids, counted, rulebook, found))
        self._do(15, lambda found: check_steps(case, bids, rulebook, pace, found))
        self._do(
            15, lambda found: check_auction(case, bids, rulebook, self._able(case, bids, counted), pace.span, found)
        )
        self._do(16, lambda found: check_gain(case, identities, found))
        if (ledger := self.ledger) is not None:
            self._do(16, lambda found: check_published(case, ledger, found))
        if self.receipts:
            self._do(17, lambda found: self._check_receipts(case, bids, found))
        else:
            steps[17].status = Status.ABSENT
        self.reached = 17

    @staticmethod
    def _able(case: Case, bids: Bids, counted: Counted) -> Callable[[int], Mapping[str, int]]:
        """The bids that may win below an index, with their prices."""

        def able(before: int) -> Mapping[str, int]:
            return {one.bid: one.price for one in verify_award.offers(case, bids, counted, before, {}) if one.stands}

        return able

    def _check_receipts(self, case: Case, bids: Bids, found: Found) -> None:
        """Those about this tender or none; one about a tender of none of the archives is at fault everywhere."""
        mine: list[tuple[str, Receipt]] = []
        for name, receipt in self.receipts:
            if isinstance(receipt, NotCanonical):
                found.fault(name, receipt.code, **receipt.facts)
                continue
            tender = about_tender(receipt)
            if tender is None or tender == case.tender:
                mine.append((name, receipt))
            elif tender not in self.tenders:
                found.fault(name, "V-ELSEWHERE", tender=tender)
        check_receipts(case, bids, mine, found)


def _parsed(clear: Mapping[int, bytes]) -> list[dict[str, object]]:
    """Clear entries that are objects; the others are V4's."""
    records = []
    for data in clear.values():
        if b"trading.closed/v1" in data:
            with suppress(NotCanonical):
                records.append(parse_object(data))
    return records
