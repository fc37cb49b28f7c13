"""Verification of an archive, V16: what the award gained, how its line was corrected, what was published (log.md §8).

V16             the award's baseline, formula and gain; each `line-corrected`, signed by tenderee and authority
with --ledger   published lines of the ledger, held against the lines that follow from the archive
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from audit import wire
from audit.refusal import Broken, Refused
from audit.report import Found
from audit.trust import Identities
from bidding.case import Case, Fact, Readers
from bidding.verify_custody import check_both
from trading import booked, trade_file
from trading import statement as s
from trading.booked import Booked
from trading.law.calendar import legal_day
from trading.law.gains import TOTAL, pricing

READERS: Readers = {
    "line-corrected": (
        16,
        {
            "tender": wire.text,
            "correction": wire.integer(1),
            "status": wire.text,
            "reason": wire.text,
            "words": wire.text,
            "price": wire.maybe(wire.integer(0)),
            "baseline": wire.maybe(wire.integer(0)),
            "gain": wire.maybe(wire.whole),
            "formula": wire.maybe(wire.text),
            "sig": wire.listed(wire.anything),
        },
    ),
}
ENDS = ("tender-failed", "tender-terminated")


def check_gain(case: Case, identities: Identities, found: Found) -> None:
    """V16 over the records of the tender."""
    announcement = case.announcement
    for award in case.facts("awarded"):
        with found.at(award.at):
            if announcement is None:
                raise Broken("V-UNANNOUNCED")
            _check_award(announcement, award, found)
    _check_corrections(case, identities, found)


def _check_award(announcement: Fact, award: Fact, found: Found) -> None:
    """Baseline as announced, the formula of the direction and what it gives; of a unit price or a rate there is no gain."""
    told, baseline = award.held.body, announcement["baseline"]
    if not {"baseline", "gain", "formula"} <= told.keys():
        raise Broken("V-RECORD", why="baseline, gain or formula")
    if told["baseline"] != baseline or isinstance(told["baseline"], bool):
        raise Broken("V-GAIN", field="baseline", expected=baseline)
    expected = booked.awarded(announcement.held.body, award["price"])
    if told["formula"] != expected.formula:
        raise Broken("V-GAIN", field="formula", expected=expected.formula)
    if told["gain"] != expected.gain or isinstance(told["gain"], bool):
        raise Broken("V-GAIN", field="gain", expected=expected.gain)
    if (told_as := pricing(announcement.held.body)) != TOTAL:
        found.note(award.at, "V-NO-SUM", pricing=told_as, price=award["price"])


def _check_corrections(case: Case, identities: Identities, found: Found) -> None:
    """Numbered, of an award that stands, by two signatures; the gain computed anew from other figures than before."""
    awards, announcement = case.facts("awarded"), case.announcement
    standing: Booked | None = None
    for number, fact in enumerate(case.facts("line-corrected"), 1):
        with found.at(fact.at):
            ended = any(end.index < fact.index for what in ENDS for end in case.facts(what))
            if announcement is None or ended or not awards or awards[0].index > fact.index:
                raise Broken("V-ORDER", first="awarded", then="line-corrected")
            if standing is None:
                standing = booked.awarded(announcement.held.body, awards[0]["price"])
            if fact["correction"] != number:
                raise Broken("V-RESTATED", field="correction", expected=number)
            check_both(case, identities, fact)
            try:
                standing = booked.restated(announcement["direction"], standing, fact.body)
            except Refused as why:
                raise Broken("V-RESTATED", field=why.code, expected="") from why
            for name, expected in standing.told.items():
                if fact[name] != expected:
                    raise Broken("V-RESTATED", field=name, expected=expected)
            found.note(fact.at, "V-RESTATED-NOTE", status=fact["status"], reason=fact["reason"], words=fact["words"])


# ------------------------------------------------------------------------------------------------ published lines


@dataclass(frozen=True)
class Published:
    """Lines of a ledger as somebody published them, by trade; where they come from."""

    source: str
    lines: Mapping[str, Sequence[trade_file.Line]]


def published(name: str, whole: bytes) -> Published:
    """Lines from the JSON of `GET /trade-lines`, a page or a list of pages, or from a file of trades (CSV).

    Refused: E-TRADES-FILE; of a broken file nothing is looked at.
    """
    lines: dict[str, list[trade_file.Line]] = {}
    for one in _pages(name, whole) if whole.lstrip()[:1] in (b"{", b"[") else trade_file.lines(whole, name):
        lines.setdefault(one.id, []).append(one)
    return Published(name, lines)


def _pages(name: str, whole: bytes) -> list[trade_file.Line]:
    try:
        told = json.loads(whole)
        items = [one for page in (told if isinstance(told, list) else [told]) for one in page["items"]]
        return [
            trade_file.Line(
                str(one["id"]), str(one["kind"]), date.fromisoformat(one["date"]), str(one["region"]),
                str(one["organisation"]), str(one["status"]), one["baseline"], one["deal"], str(one["reason"]),
                int(one.get("part", 1)),
            )
            for one in items
        ]  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused("E-TRADES-FILE", file=name, line=1, why="not JSON of trade lines") from None


def check_published(case: Case, given: Published, found: Found) -> None:
    """That what was published of this tender is what follows from its archive: no line added, missing or different.

    Whose trade it was (`organisation`) no archive says. A line that was corrected counts as the one in its place.
    """
    lines = list(given.lines.get(case.tender, ()))
    expected = _follows(case)
    place = f"{given.source}: {case.tender}"
    if expected is None:
        if lines:
            found.fault(place, "V-LINE-ADDED", count=len(lines))
        return
    if not lines:
        found.fault(place, "V-LINE-MISSING")
        return
    if len(lines) > 1:
        found.fault(place, "V-LINE-ADDED", count=len(lines) - 1)
    for name, want in expected.items():
        got = getattr(lines[0], name)
        if got != want or isinstance(got, bool):
            found.fault(place, "V-LINE-DIFFERS", field=name, published=got, expected=want)


def _follows(case: Case) -> dict[str, Any] | None:
    """The line that stands, as the records give it; None: neither awarded nor failed, or a box of no trade."""
    announcement, awards = case.announcement, case.facts("awarded")
    if announcement is None or announcement.held.body.get("reserve_of") is not None:
        return None
    ends = [end for what in ENDS for end in case.facts(what)]
    shut = [] if case.opens or ends else list(case.closings.values())[:1]
    begun = awards or ends or shut
    if not begun:
        return None
    line = Booked(s.FAILED)
    if awards:
        line = booked.awarded(announcement.held.body, awards[0]["price"])
        for fact in case.facts("line-corrected"):
            line = Booked(*(fact[name] for name in ("status", "price", "baseline", "gain", "formula")))
        if ends:
            line = Booked(s.ANNULLED)
    return {
        "kind": s.kind_of(announcement["regime"], announcement["direction"]),
        "day": legal_day(begun[0].time),
        "region": announcement.held.body.get("region") or "",
        "status": line.status,
        "baseline": line.baseline,
        "deal": line.price,
        "part": 1,
    }
