"""Verification of an archive, V11 and V12: every opened envelope recomputed, and what the log says of it.

log.md §8, envelope.md §7. The work is done in threads: deriving boxes and decrypting are what verification costs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

from audit.refusal import Broken
from audit.report import Found
from bidding.case import Case, Fact, last
from bidding.keys import Keyset
from bidding.manifest import FORM
from bidding.shares import split
from bidding.unseal import Opened, Verdict, unseal
from bidding.verify_bids import Bids, Envelope
from bidding.verify_custody import Shares, kth_release, released_by
from bidding.verify_lists import Counted

BYTES = {"opened.json", "payload"}
WITHOUT_KEY = {Verdict.PENDING, Verdict.X_STORE}
VERDICTS = {str(verdict) for verdict in Verdict}


def listed_envelopes(case: Case, bids: Bids) -> list[Envelope]:
    """The listed envelopes of the stages whose content keys this edition holds."""
    return [
        envelope
        for stage in sorted(case.stages)
        if case.opened(stage)
        for envelope in to_open(case, bids, stage).values()
    ]


def to_open(case: Case, bids: Bids, stage: str) -> dict[str, Envelope]:
    """The effective bids of a stage; of a later stage those that ``stage-settled`` admits (envelope.md §6), nobody
    before it. Of a tender that ended before they were opened, those that were."""
    listed = bids.effective(stage)
    if stage in case.later:
        settled = next((fact["admitted"] for fact in case.facts("stage-settled") if fact["stage"] == stage), ())
        listed = {bid: one for bid, one in listed.items() if bid in settled}
    if case.may_stay_shut(stage):
        listed = {bid: one for bid, one in listed.items() if (stage, bid, one.manifest.seq) in case.told}
    return listed


def final(case: Case, envelope: Envelope) -> Fact | None:
    """The last ``unsealed`` of an envelope: the one that counts."""
    manifest = envelope.manifest
    return last(case.told.get((manifest.stage, manifest.bid, manifest.seq), ()))


def owed_opened_files(case: Case, bids: Bids) -> set[str]:
    """``opened.json`` of each listed envelope, and its payload unless the centre lost it."""
    owed: set[str] = set()
    for envelope in listed_envelopes(case, bids):
        owed.add(f"{envelope.path}/opened.json")
        told = final(case, envelope)
        if told is None or told["verdict"] != Verdict.X_STORE:
            owed.add(f"{envelope.path}/payload")
    return owed


@dataclass(frozen=True)
class _Work:
    envelope: Envelope
    opened: Opened | None
    found: Found


def check_openings(
    case: Case, bids: Bids, keysets: Mapping[str, Keyset], shares: Shares, counted: Counted, found: Found
) -> dict[tuple[str, str], Opened]:
    """V11: ``opened.json`` is, as a whole, what releases and payload give. The verdicts recomputed, by (stage, bid)."""
    files = case.log.files
    owed = owed_opened_files(case, bids)
    present = {path for path in files.under("bids/") if path.rpartition("/")[2] in BYTES}
    for path in sorted(owed ^ present):
        found.fault(path, "V-MISSING" if path in owed else "V-STRAY")

    def work(envelope: Envelope) -> _Work:
        inner = Found(found.number)
        opened: Opened | None = None
        manifest = envelope.manifest
        with inner.at(f"{envelope.path}/opened.json"):
            keyset = keysets[manifest.context.keyset]
            told = final(case, envelope)
            until = None if told is None else told.index
            path = f"{envelope.path}/payload"

            def stream() -> BinaryIO:
                return files.opened(path)

            assert case.announcement is not None
            opened = unseal(
                manifest,
                stream if path in files else None,
                released_by(case, shares, manifest.stage, manifest.bid, until),
                keyset,
                schema=case.announcement["opening_schema"],
                window_ended=_window_ended(case, manifest.stage, until),
            )
            if path in files and opened.verdict in WITHOUT_KEY and opened.why == "root":
                # without a key nothing else would tell these bytes from those that were sealed
                raise Broken("V-PAYLOAD")
            _name_late_liars(case, shares, envelope, opened, keyset, inner)
            expected = opened.json(unvouched=manifest.bid in counted.unvouched)
            if files.value(f"{envelope.path}/opened.json") != expected:
                raise Broken("V-OPENED-FILE", verdict=str(opened.verdict), why=opened.why)
        return _Work(envelope, opened, inner)

    listed = [
        one
        for one in listed_envelopes(case, bids)
        if f"{one.path}/opened.json" in files and one.manifest.context.keyset in keysets
    ]
    recomputed: dict[tuple[str, str], Opened] = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for done in pool.map(work, listed):
            found.faults += done.found.faults
            found.notes += done.found.notes
            if done.opened is not None:
                recomputed[done.envelope.manifest.stage, done.envelope.manifest.bid] = done.opened
                for i in done.opened.findings:
                    found.note(done.envelope.path, "V-FINDING", custodian=i)
    return recomputed


def _name_late_liars(
    case: Case, shares: Shares, envelope: Envelope, opened: Opened, keyset: Keyset, found: Found
) -> None:
    """A false share that came after the verdict is no finding in it, and is printed all the same."""
    if opened.ck is None:
        return
    manifest = envelope.manifest
    told = final(case, envelope)
    early = released_by(case, shares, manifest.stage, manifest.bid, None if told is None else told.index)
    parts = split(opened.ck, manifest.context.ctx, keyset.k, keyset.n)
    for i, share in released_by(case, shares, manifest.stage, manifest.bid).items():
        if i not in early and i not in opened.at and share != parts[i - 1]:
            found.note(envelope.path, "V-FINDING", custodian=i)


def _window_ended(case: Case, stage: str, until: int | None) -> bool:
    """Whether two authorities had ended the window when the verdict was written."""
    ended = [fact.index for fact in case.facts("window-ended") if fact["stage"] == stage]
    return bool(ended) and (until is None or min(ended) < until)


def check_verdicts(
    case: Case,
    bids: Bids,
    keysets: Mapping[str, Keyset],
    recomputed: Mapping[tuple[str, str], Opened],
    counted: Counted,
    found: Found,
) -> None:
    """V12: the log holds one final verdict for each listed envelope of a tender that opens, and it is the right one."""
    if not case.opens:
        for fact in case.facts("unsealed"):
            found.fault(fact.at, "V-UNLISTED")
        return
    ranked = bool(case.facts("candidates-published"))
    known: dict[tuple[str, str, int], Envelope] = {}
    for stage in case.stages:
        for bid, envelope in to_open(case, bids, stage).items():
            known[stage, bid, envelope.manifest.seq] = envelope
    told: dict[tuple[str, str, int], list[Fact]] = {key: [] for key in known}
    for fact in case.facts("unsealed"):
        key = (fact["stage"], fact["bid"], fact["seq"])
        if key in told:
            told[key].append(fact)
        else:
            found.fault(fact.at, "V-UNLISTED")
    for key, envelope in sorted(known.items()):
        stage, bid, _ = key
        if not told[key]:
            found.fault(envelope.path, "V-UNTOLD", stage=stage, bid=bid)
            continue
        *earlier, fact = told[key]
        for before in earlier:
            if before["verdict"] != Verdict.PENDING:
                found.fault(before.at, "V-SECOND", what="unsealed", stage=stage)
        if fact["verdict"] == Verdict.PENDING and ranked:
            found.fault(fact.at, "V-PENDING")
        _check_fact(case, keysets, fact, counted, found)
        opened = recomputed.get((stage, bid))
        if opened is not None:
            _compare(fact, opened.json(unvouched=bid in counted.unvouched), found)


def _check_fact(case: Case, keysets: Mapping[str, Keyset], fact: Fact, counted: Counted, found: Found) -> None:
    """What needs no content key."""
    stage, verdict = fact["stage"], fact["verdict"]
    keyset = keysets.get(case.stages[stage])
    if verdict not in VERDICTS:
        found.fault(fact.at, "V-VERDICT", verdict=verdict)
    ended = [one.index for one in case.facts("window-ended") if one["stage"] == stage]
    if keyset is not None:
        # opening begins with the k-th release; where that never comes, with the end of the window (X-QUORUM)
        enough = kth_release(case, stage, keyset.k)
        begun = [*ended, *([] if enough is None else [enough])]
        if not begun or fact.index < min(begun):
            found.fault(fact.at, "V-ORDER", first="released", then="unsealed")
    if verdict in (Verdict.X_STORE, Verdict.X_QUORUM) and (not ended or min(ended) > fact.index):
        found.fault(fact.at, "V-ORDER", first="window-ended", then=verdict)
    if (fact["opening"] is not None) != (verdict == Verdict.OK) or (
        stage != FORM and fact["opening"] not in (None, {})
    ):
        found.fault(fact.at, "V-VERDICT", verdict=verdict, field="opening")
    if fact["unvouched"] != (fact["bid"] in counted.unvouched):
        found.fault(fact.at, "V-VERDICT", verdict=verdict, field="unvouched")


def _compare(fact: Fact, expected: Mapping[str, Any], found: Found) -> None:
    """Verdict, boxes at fault, fields read out and findings, as recomputed."""
    for field in ("verdict", "at", "opening", "findings"):
        told = list(fact[field]) if isinstance(fact[field], tuple) else fact[field]
        if told != expected[field]:
            found.fault(fact.at, "V-VERDICT", verdict=expected["verdict"], field=field)
