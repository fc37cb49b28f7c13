"""Verification of an archive, V15: every step in its order, every period kept, every moved deadline recomputed.

log.md §5 and §8. Outages are read here for V6 too, which asks what they explain.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone

from audit.canon import sha256_hex
from audit.refusal import Broken
from audit.report import Found
from audit.trust import BadSignature, record_sig_bytes
from audit.verify_times import Outage, Pace
from bidding.case import Case, Fact
from bidding.verify_bids import Bids
from bidding.verify_openings import final, to_open
from trading.law.periods import OUTAGE_GRACE, after_outage
from trading.law.rulebook import Rulebook, read

RULEBOOK = "rulebook.json"
FORM = "form"
_LEGAL = timezone(timedelta(hours=8))
PERIODS = (
    ("WK-06", "project-announced", "deadline"),
    ("GP-01", "project-announced", "deadline"),
    ("WK-38", "candidates-published", "awarded"),
)


def read_rulebook(case: Case, found: Found) -> Rulebook | None:
    """V15, first part: the pinned rules, bound by the announcement."""
    with found.at(RULEBOOK):
        data = case.log.files.bytes(RULEBOOK)
        if case.announcement is not None and sha256_hex(data) != case.announcement["rulebook"]:
            raise Broken("V-HASH", path=RULEBOOK)
        rulebook = read(data)
        if case.announcement is not None and rulebook.regime != case.announcement["regime"]:
            raise Broken("V-RULEBOOK", regime=rulebook.regime, expected=case.announcement["regime"])
        return rulebook
    return None


def outages(case: Case) -> list[Outage]:
    """The outages that moved a deadline of this tender."""
    found = []
    for fact in case.facts("deadline-moved"):
        outage = fact["outage"]
        if outage is not None:
            declared = _declared(case, fact)
            found.append(Outage(fact.at, outage["from"], outage["to"], outage["probes"], declared))
    return found


def _declared(case: Case, fact: Fact) -> bool:
    """Whether two authorities signed the record."""
    try:
        case.log.trust.parties.two_authorities(fact.held.body.get("sig"), record_sig_bytes(fact.held.body), fact.since)
    except BadSignature:
        return False
    return True


def check_steps(case: Case, bids: Bids, rulebook: Rulebook | None, pace: Pace, found: Found) -> None:
    """V15, the rest."""
    _check_moves(case, pace, found)
    _check_rejections(case, bids, found)
    _check_order(case, bids, found)
    if rulebook is not None:
        _check_periods(case, rulebook, pace, found)


def _check_moves(case: Case, pace: Pace, found: Found) -> None:
    """A deadline moves only later, before it has passed; an outage alone may act after it, by its own rule."""
    announcement = case.announcement
    if announcement is None:
        return
    deadline: datetime = announcement["deadline"]
    for fact in case.facts("deadline-moved"):
        moved: datetime = fact["deadline"]
        with found.at(fact.at):
            if fact.index < announcement.index:
                raise Broken("V-ORDER", first="project-announced", then="deadline-moved")
            if case.first_closing is not None and fact.index > case.first_closing:
                raise Broken("V-AFTER-CLOSING")
            if moved <= deadline:
                raise Broken("V-PULLED-BACK", deadline=moved, before=deadline)
            if fact["outage"] is None:
                over = case.log.time_over(fact.index)
                if fact.time > deadline or (over is not None and over > deadline + pace.beats):
                    raise Broken("V-MOVED-LATE", deadline=deadline)
            else:
                start, end = fact["outage"]["from"], fact["outage"]["to"]
                if not start <= deadline <= end + OUTAGE_GRACE:
                    raise Broken("V-OUTAGE", why="elsewhere")
                if moved < after_outage(deadline, start, end):
                    raise Broken("V-MOVED-SHORT", deadline=moved, expected=after_outage(deadline, start, end))
        deadline = max(deadline, moved)


def _check_rejections(case: Case, bids: Bids, found: Found) -> None:
    listed = {bid for stage in case.stages for bid in bids.effective(stage)}
    for fact in case.facts("bid-rejected"):
        if not case.opens or (case.shown and fact["bid"] not in listed):
            found.fault(fact.at, "V-UNLISTED")
        elif case.first_closing is None or fact.index < case.first_closing:
            found.fault(fact.at, "V-ORDER", first="closed", then="bid-rejected")
        elif not fact["reason"] or not fact["article"]:
            found.fault(fact.at, "V-RECORD", why="reason or article")


def _check_order(case: Case, bids: Bids, found: Found) -> None:
    """What must lie before what, in the log."""
    announcement = case.announcement
    published, awarded = case.facts("candidates-published"), case.facts("awarded")
    for closing in case.closings.values():
        if announcement is not None and closing.index < announcement.index:
            found.fault(closing.at, "V-ORDER", first="project-announced", then="closed")
    for fact in [*published, *awarded]:
        if not case.opens:
            found.fault(fact.at, "V-SHUT", what=fact.held.name)
    for stage in case.stages:
        released = min((fact.index for fact in case.facts("released") if fact["stage"] == stage), default=None)
        stored = min((fact.index for fact in case.facts("stored") if fact["stage"] == stage), default=None)
        if stage != FORM and released is not None and (stored is None or stored > released):
            found.fault(f"record {released}", "V-ORDER", first="stored", then="released")
    if published:
        told = [final(case, one) for stage in case.stages for one in to_open(case, bids, stage).values()]
        for verdict in told:
            if verdict is not None and verdict.index > published[0].index:
                found.fault(verdict.at, "V-ORDER", first="unsealed", then="candidates-published")
    archived = case.facts("archived")
    if archived:
        ends: Iterable[Fact] = [*case.closings.values(), *published, *awarded]
        for fact in ends:
            if fact.index > archived[-1].index:
                found.fault(fact.at, "V-ORDER", first=fact.held.name, then="archived")


def _check_periods(case: Case, rulebook: Rulebook, pace: Pace, found: Found) -> None:
    """The periods and the minimum that the rulebook pins; one kept short must stand in an alert."""
    announcement = case.announcement
    if announcement is None:
        return
    if rulebook.values and announcement["min_bids"] < rulebook.min_bids:
        found.fault(announcement.at, "V-MINIMUM", min_bids=announcement["min_bids"], least=rulebook.min_bids)
    for rule, since, until in PERIODS:
        least = rulebook.value(rule)
        begun = case.facts(since)
        if least is None or not begun:
            continue
        last = _day(_begun(case, begun[0], pace)) + timedelta(days=least)
        if until == "deadline":
            kept = _day(announcement["deadline"]) >= last
        else:
            kept = all(_day(_done(case, fact, pace)) > last for fact in case.facts(until))
        if kept:
            continue
        alerted = any(held.name == "alert-raised" and rule in held.body.values() for held in case.mine)
        (found.note if case.public or alerted else found.fault)(begun[0].at, "V-PERIOD", rule=rule, days=least)


def _begun(case: Case, fact: Fact, pace: Pace) -> datetime:
    """When a period begins: dated back, a notice would have hung longer than anybody could see it."""
    over = case.log.time_over(fact.index)
    return fact.time if over is None else max(fact.time, over - pace.span)


def _done(case: Case, fact: Fact, pace: Pace) -> datetime:
    """When a period was over for whoever acted: nobody acts after the first checkpoint over his act."""
    over = case.log.time_over(fact.index)
    return fact.time if over is None else min(fact.time, over + pace.span)


def _day(moment: datetime) -> date:
    """The day in the legal zone (UTC+8, no summer time)."""
    return moment.astimezone(UTC).astimezone(_LEGAL).date()
