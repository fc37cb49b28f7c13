"""Verification of an archive, V15: every step in its order, every period kept, every moved deadline recomputed.

log.md §5 and §8. The tender's life is folded from its clear records through the very function that grants its acts
(``trading.law.life``), counted without a calendar of holidays. Outages are read here for V6 too, which asks what they
explain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from audit import wire
from audit.canon import canon, sha256_hex
from audit.refusal import Broken, Refused
from audit.report import Found
from audit.trust import BadSignature, record_sig_bytes
from audit.verify_times import Outage, Pace
from bidding.case import Case, Fact, Readers
from bidding.manifest import FORM
from bidding.verify_bids import Bids
from bidding.verify_openings import final, to_open
from trading.law.life import Happened, Life, judge
from trading.law.periods import OUTAGE_GRACE, after_outage
from trading.law.rulebook import Rulebook, read
from trading.law.stages import act_of
from trading.verify_auction import auctioned
from trading.verify_award import rejected
from trading.verify_owed import READERS as OWED_READERS
from trading.verify_owed import check_owed

RULEBOOK = "rulebook.json"


_FILES = wire.listed(wire.nested({"name": wire.text, "size": wire.integer(0), "sha256": wire.HASH}))
_REMEDY = wire.hexadecimal(16)
_SECURITY = wire.nested({"amount": wire.whole, "valid_days": wire.maybe(wire.integer(0)), "accounts": wire.text})
_FIELDS: Mapping[str, Mapping[str, wire.Reader]] = {
    "documents-issued": {"set": wire.HASH, "files": _FILES},
    "documents-amended": {"set": wire.HASH, "files": _FILES, "affects": wire.flag, "reason": wire.string},
    "question-answered": {},
    "report-received": {"report": wire.HASH},
    "award-notified": {"letter": wire.HASH},
    "report-filed": {"report": wire.HASH},
    "contract-signed": {
        "contract": wire.HASH,
        "amount": wire.whole,
        "performance": wire.maybe(wire.whole),
        "signed": wire.time,
    },
    "contract-published": {"contract": wire.HASH},
    "contract-filed": {"contract": wire.HASH},
    "securities-settled": {"count": wire.integer(0), "amount": wire.whole, "interest": wire.whole},
    "remedy-filed": {
        "remedy": _REMEDY,
        "kind": wire.text,
        "about": wire.text,
        "known": wire.maybe(wire.time),
        "follows": wire.maybe(_REMEDY),
    },
    "remedy-accepted": {"remedy": _REMEDY},
    "remedy-refused": {"remedy": _REMEDY},
    "remedy-answered": {"remedy": _REMEDY, "outcome": wire.text},
    "suspension-ordered": {
        "order": wire.text,
        "ground": wire.text,
        "remedy": wire.maybe(_REMEDY),
        "until": wire.maybe(wire.time),
        "article": wire.string,
    },
    "suspension-lifted": {"order": wire.text},
    "tender-failed": {"reason": wire.text, "article": wire.text},
    "tender-terminated": {"reason": wire.text, "article": wire.text, "warned": wire.maybe(wire.time)},
    "idle-warned": {"due": wire.time},
}
READERS: Readers = OWED_READERS | {what: (15, {"tender": wire.text, **fields}) for what, fields in _FIELDS.items()}
ANNOUNCED: Mapping[str, wire.Reader] = {
    "documents": wire.maybe(wire.HASH),
    "supply_until": wire.maybe(wire.time),
    "security": wire.maybe(_SECURITY),
    "bid_validity_days": wire.maybe(wire.integer(0)),
    "estimate": wire.maybe(wire.whole),
    "state_funded": wire.flag,
    "reserve": wire.maybe(wire.text),
    "reserve_of": wire.maybe(wire.text),
    "blind": wire.maybe(wire.flag),
    "pricing": wire.maybe(wire.text),
}
"""What an announcement may say besides (log.md §1); what it does not say is not asked for."""

STEPS = (
    "keyset-made", "project-announced", "documents-issued", "documents-amended", "question-answered", "deadline-moved",
    "closed", "abandoned", "released", "stored", "window-ended", "unsealed", "stage-settled", "bid-rejected",
    "price-corrected", "report-received", "auction-opened", "auction-resumed", "auction-closed", "candidates-published",
    "evaluation-closed", "awarded", "award-notified", "report-filed", "contract-signed", "contract-published",
    "contract-filed", "line-corrected", "securities-settled", "remedy-filed", "remedy-accepted", "remedy-refused",
    "remedy-answered", "suspension-ordered", "suspension-lifted", "idle-warned", "tender-failed", "tender-terminated",
    "archived",
)  # fmt: skip
"""What a life is folded from: clear records alone, so that both editions tell the same one."""
PERIODS = frozenset({"E-PERIOD", "E-REMEDY-LATE", "E-SUSPENSION-LONG"})
"""Refusals that are about a number of days. No alert excuses them: what is refused before it is saved was never lawful."""


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
    _check_documents(case, found)
    if rulebook is not None:
        _check_minimum(case, rulebook, found)
        check_life(rulebook, told(case, bids, pace), found, _alerted(case), public=case.public)
        check_owed(case, rulebook, found)


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
                late = over is not None and over > deadline + pace.beats
                if late and over is not None:  # unless the log was away, and says so
                    late = not any(gap.covers(fact.time, over, pace) for gap in outages(case))
                if fact.time > deadline or late:
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


def _check_documents(case: Case, found: Found) -> None:
    """A set is the hash of its list of files; what was announced is what was issued."""
    for fact in (*case.facts("documents-issued"), *case.facts("documents-amended")):
        files = sorted(fact["files"], key=lambda one: str(one["name"]))
        if sha256_hex(canon({"files": files})) != fact["set"]:
            found.fault(fact.at, "V-HASH", path="documents")
    if case.announcement is not None:
        announced = case.announcement.held.body.get("documents")
        issued = [fact["set"] for fact in case.facts("documents-issued")]
        if issued != ([] if announced is None else [announced]):
            found.fault(case.announcement.at, "V-HASH", path="documents")


def _check_minimum(case: Case, rulebook: Rulebook, found: Found) -> None:
    """The bidders it takes to open are at least as many as the rulebook says."""
    announcement = case.announcement
    if announcement is not None and rulebook.values and announcement["min_bids"] < rulebook.min_bids:
        found.fault(announcement.at, "V-MINIMUM", min_bids=announcement["min_bids"], least=rulebook.min_bids)


# ------------------------------------------------------------------------------------------------- the life


def told(case: Case, bids: Bids, pace: Pace) -> Iterator[tuple[str, Happened]]:
    """The acts of the tender in the order of the log, each with how a fault names it. Of the closings only the first:
    they are one act."""
    facts = sorted((fact for what in STEPS for fact in case.facts(what)), key=lambda fact: fact.index)
    closed = False
    for fact in facts:
        what = fact.held.name
        if what == "closed" and closed:
            continue
        closed = closed or what == "closed"
        said: dict[str, Any] = dict(fact.body)
        if what == "project-announced":
            said |= _announced(fact)
        if what in ("candidates-published", "tender-failed"):
            said["qualified"] = _qualified(case, bids, fact.index)
            said["auction"] = auctioned(case, fact.index)
        yield (
            fact.at,
            Happened(act_of(what, said), fact.time, said, _begun(case, fact, pace), _done(case, fact, pace)),
        )


def _announced(fact: Fact) -> dict[str, Any]:
    """What the announcement says besides the fields it must have. Raises Broken V-RECORD."""
    said: dict[str, Any] = {}
    for name, reader in ANNOUNCED.items():
        if name in fact.held.body:
            try:
                said[name] = reader(fact.held.body[name])
            except ValueError as why:
                raise Broken("V-RECORD", why=str(why)) from None
    return said


def _qualified(case: Case, bids: Bids, before: int) -> int:
    """How many bids may win: opened in every stage, counted, not rejected until then."""
    able: set[str] | None = None
    for stage in case.stages:
        verdicts = {bid: final(case, one) for bid, one in to_open(case, bids, stage).items()}
        fine = {bid for bid, said in verdicts.items() if said and said["verdict"] == "OK" and not said["unvouched"]}
        able = fine if able is None else able & fine
    return len((able or set()) - rejected(case, before))


def check_life(
    rulebook: Rulebook,
    acts: Iterable[tuple[str, Happened]],
    found: Found,
    alerted: frozenset[str] = frozenset(),
    *,
    public: bool = False,
) -> Life:
    """Fold a tender's acts, and name every one that was not lawful when it was done: V-STEP (out of turn, or against a
    condition), V-SUSPENDED, V-PERIOD (too early or too late to be done at all), V-OVERDUE (done too late).

    What came late is no fault where an alert carries the rule's id, and in the public edition, which cannot show one, only
    noted. What has a fault already is not named twice.
    """
    life = Life(rulebook)
    for at, act in acts:
        say = found.fault if at not in {fault.at for fault in found.faults} else _mute
        try:
            granted = judge(life, act, lenient=True)
        except Refused as no:
            if no.code == "E-SUSPENDED":
                say(at, "V-SUSPENDED", act=act.what, why=no.facts["why"], since=no.facts["since"])
            elif no.code in PERIODS:
                say(at, "V-PERIOD", rule=str(no.facts.get("rule", "WK-39")), days=no.facts.get("value", ""))
            else:
                why = f"stage {life.stage}" if no.code == "E-STAGE" else f"{no.code} {no.facts.get('why', '')}".strip()
                say(at, "V-STEP", act=act.what, stage=life.stage, why=why)
        else:
            for due in granted.late:
                tell = found.note if public or due.rule.id in alerted else say
                tell(at, "V-OVERDUE", rule=due.rule.id, days=due.rule.value)
        life = life.after(act)
    return life


def _mute(at: str, code: str, **facts: Any) -> None:
    """A fault at this record stands already."""


def _alerted(case: Case) -> frozenset[str]:
    """Every text that an alert of the tender carries: rules' ids among them."""
    alerts = (held.body.values() for held in case.mine if held.name == "alert-raised")
    return frozenset(value for values in alerts for value in values if isinstance(value, str))


def _begun(case: Case, fact: Fact, pace: Pace) -> datetime:
    """When a period begins: dated back, a notice would have hung longer than anybody could see it."""
    over = case.log.time_over(fact.index)
    return fact.time if over is None else max(fact.time, over - pace.span)


def _done(case: Case, fact: Fact, pace: Pace) -> datetime:
    """When a period was over for whoever acted: nobody acts after the first checkpoint over his act."""
    over = case.log.time_over(fact.index)
    return fact.time if over is None else min(fact.time, over + pace.span)
