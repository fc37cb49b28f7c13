"""What the law asks of each act of a tender, act by act, in the order of its life. `life.py` asks here.

Shortest periods and last moments refuse; longest periods tell that they were missed, and the act goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NoReturn

from audit.refusal import Refused
from trading.law import admission, committee, contracts, gains, idle, publication, security
from trading.law import steps_remedies as remedial
from trading.law.article import Article, Rule
from trading.law.asking import Asking, counted, refuse_suspended
from trading.law.bidding_rounds import BELOW, HIGHEST
from trading.law.bounds import Lenient
from trading.law.calendar import legal_day
from trading.law.periods import after_outage, after_outage_in_office_hours
from trading.law.regimes import BUY, SELL
from trading.law.stages import ENDED

REPORTED = ("WK-37", "GP-11")
"""Where one of these is pinned, candidates follow from a report that was received."""
FAILURES = ("all_rejected", "too_few_qualified", "no_candidate", "candidates_gone")
ENDINGS = ("idle", "tenderee", "force_majeure")


# ------------------------------------------------------------------------------------------------- before the deadline


def announce(asking: Asking) -> None:
    """The deadline leaves the bidders their days (WK-06, GP-01), the documents are to be had (WK-03, GP-03, GP-04)."""
    since, deadline, supplied = asking.happened.earliest, asking.fact("deadline"), asking.fact("supply_until")
    if deadline is not None:
        if deadline <= asking.now:
            raise Refused("E-PERIOD-ORDER", start=asking.now, end=deadline)
        asking.at_least(since, deadline, "WK-06", "GP-01")
    if supplied is not None:
        asking.at_least(since, supplied, "WK-03", "GP-03", "GP-04")
        if deadline is not None and supplied > deadline:
            raise Refused("E-PERIOD-ORDER", start=supplied, end=deadline)
    if gains.pricing(asking.happened.facts) != gains.TOTAL:  # what is no sum of money is bought, and measured by a sum
        if asking.fact("direction", BUY) != BUY:
            asking.refuse("E-PRICING", pricing=asking.fact("pricing"), known=gains.TOTAL)
        if asking.fact("estimate") is None:
            asking.refuse("E-PRICING-ESTIMATE", pricing=asking.fact("pricing"))
    secured = asking.fact("security")
    if secured:
        base = asking.fact("estimate")
        base = asking.fact("baseline") if base is None else base
        if base is not None and asking.fact("direction", BUY) == BUY:
            security.check_amount(asking.book, secured["amount"], base)
        if asking.fact("bid_validity_days") is not None and secured.get("valid_days") is not None:
            security.check_validity(asking.book, secured["valid_days"], asking.fact("bid_validity_days"))
        if secured.get("accounts") is not None:
            security.check_accounts(asking.book, secured["accounts"])
    before = asking.fact("predecessor_stage")
    if before is not None and before not in ENDED:
        asking.refuse("E-PREDECESSOR", stage=before)
    if not asking.lenient:
        _how_it_is_sold(asking)


def _how_it_is_sold(asking: Asking) -> None:
    """In competition (LD-02, MN-01, PR-02), on an appraisal (PR-03), to enough bidders (WK-26, GP-29), opened at the
    deadline itself (WK-24); mineral rights with documents that say everything beforehand (MN-03);
    rated by enough seats (WK-28, GP-33)."""
    procedure, needed, hour = asking.fact("procedure"), asking.fact("min_bids"), asking.fact("hour")
    if procedure is not None:
        admission.check_way(asking.book, admission.WAYS.get(procedure, procedure))
    if needed is not None:
        admission.enough_bidders(asking.book, needed)
    if hour is not None and asking.fact("deadline") is not None:
        admission.check_hour(asking.book, asking.fact("deadline"), hour)
    seats = (asking.fact("parameters") or {}).get("seats")
    if seats:
        budget = asking.fact("estimate")
        committee.check_seats(asking.book, seats, asking.fact("baseline") if budget is None else budget)
    if asking.fact("deadline") is not None and "documents" in asking.happened.facts:  # they say all that MN-03 asks for
        said = publication.ADVANCE if asking.fact("documents") else ()
        publication.check_advance_notice(asking.book, asking.now, asking.fact("deadline"), said)
    if asking.fact("direction") == SELL and "baseline" in asking.happened.facts:
        estimate, floor = asking.fact("estimate"), asking.fact("baseline")
        admission.check_appraisal(asking.book, floor, floor if estimate is None else estimate)


def amend_documents(asking: Asking) -> None:
    """What may affect bids is told fifteen days before the deadline; else the deadline moves in the same act."""
    deadline = asking.life.deadline
    if deadline is None or asking.lenient:  # a verifier asks at the closing
        return
    affects = asking.fact("affects", True)
    needed, rule = publication.deadline_after(asking.book, asking.now, deadline, affects=affects)
    if rule is None:
        return
    _in_time_to_move(asking, deadline, rule.article)
    moved = asking.fact("moved")
    if moved is not None and (legal_day(moved) < legal_day(needed) or moved <= deadline):
        _too_soon(rule, asking.now, moved, needed)
    asking.extend = needed


def _too_soon(rule: Rule, told: datetime, deadline: datetime, needed: datetime) -> NoReturn:
    raise Refused(
        "E-PERIOD", rule.article, rule=rule.id, value=rule.count, unit=rule.unit, start=told, end=deadline,
        earliest=needed, derivation=f"{legal_day(told)} +{rule.count}{rule.unit} = {legal_day(needed)}",
    )  # fmt: skip


def _in_time_to_move(asking: Asking, deadline: datetime, article: Article | None = None) -> None:
    """A deadline moves while its record can still be in the log before it has passed: four beats before (log.md §5)."""
    latest = deadline - asking.fact("beats", timedelta(0))
    if asking.now > latest:
        asking.refuse("E-DEADLINE-NEAR", article, deadline=deadline, latest=latest)


def move_deadline(asking: Asking) -> None:
    """Later only, and in time; an outage alone moves it afterwards, by its own rule (log.md §5)."""
    old, new, outage = asking.life.deadline, asking.fact("deadline"), asking.fact("outage")
    if old is None or new is None or asking.lenient:  # a verifier recomputes moves by the checkpoints: verify_steps.py
        return
    if new <= old:
        asking.refuse("E-DEADLINE-BACK", deadline=new, before=old)
    if outage is None:
        _in_time_to_move(asking, old)
        return
    moved_by = after_outage_in_office_hours if asking.fact("office", False) else after_outage
    lawful = moved_by(old, outage["from"], outage["to"])
    if lawful == old:
        asking.refuse("E-OUTAGE-ELSEWHERE", deadline=old)
    if new < lawful:
        asking.refuse("E-DEADLINE-SHORT", deadline=new, earliest=lawful)


def issue_documents(asking: Asking) -> None:
    """The first set is issued once; later ones amend it."""
    asking.once()


def return_security(asking: Asking) -> None:
    """By when it goes back depends on why (WK-15, WK-49, GP-08, GP-09)."""
    reason = asking.fact("reason", "")
    if reason not in security.REASONS:
        asking.refuse("E-SECURITY-REASON", reason=reason, known=security.REASONS)
    told = security.refund_since(asking.book, reason)
    notified = asking.life.last("notify-award")
    since = {
        "withdrawn": asking.fact("since"),
        "award-notified": notified.latest if notified else None,
        "contract-signed": asking.life.signed,
    }.get(told)
    if since is not None:
        limit = counted(asking.life, asking.book, lambda book: security.refund_due(book, reason, since))
        asking.by(limit, since)


def correct_line(asking: Asking) -> None:
    """Of an award that stands: what came to nothing has no figures to correct."""
    if not asking.life.has("award") or asking.life.has("fail") or asking.life.has("terminate"):
        asking.out_of_turn()


def settle_securities(asking: Asking) -> None:
    """All went back: five days after the contract (WK-49; GP-08: working days)."""
    asking.once()
    if asking.life.stage == "awarded" and asking.life.contract_follows:
        asking.out_of_turn()
    asking.at_most(asking.life.signed, "WK-49", "GP-08")


# ------------------------------------------------------------------------------------------------- closing


def close(asking: Asking) -> None:
    """Not before its hour, and not while an amendment that affects bids is younger than fifteen days (WK-07, GP-05)."""
    deadline = asking.life.deadline
    if deadline is None:
        return
    if asking.now < deadline and not asking.lenient:  # a verifier asks V6
        asking.refuse("E-EARLY", now=asking.now, hour=deadline)
    plain = Lenient(asking.book.values)  # whatever the holidays were: a box must be able to close
    for one in asking.life.all("amend-documents"):
        affects = one.facts.get("affects", True)
        needed, short = publication.deadline_after(plain, one.at, deadline, affects=affects)
        if short is not None:
            _too_soon(short, one.at, deadline, needed)


# ------------------------------------------------------------------------------------------------- evaluation and award


def enter_scores(asking: Asking) -> None:
    """Of two envelopes what is rated is rated before the prices may be opened: who is admitted follows from it."""
    if any(one.facts.get("stage") == "form" for one in asking.life.all("settle-stage")):
        asking.refuse("E-PRICED", Article("招标投标法", 40))


def receive_report(asking: Asking) -> None:
    """One report, two working days after the evaluation (GP-10)."""
    asking.once()
    evaluated = asking.fact("evaluated")
    if evaluated is None and not asking.lenient:
        scored = asking.life.last("enter-scores")
        evaluated = scored.at if scored else None
    asking.at_most(evaluated, "GP-10")


def publish_candidates(asking: Asking) -> None:
    """From a report, in time (WK-37), at most three (WK-35), and only if enough are qualified (GP-30)."""
    report = asking.after("receive-report", "E-NO-REPORT", *REPORTED)
    _enough(asking)
    auction = asking.fact("auction")
    if auction == "open":
        asking.refuse("E-AUCTION-RUNS")
    if auction == BELOW:
        asking.refuse("E-AUCTION-BELOW", HIGHEST)
    most, ranking = asking.rule("WK-35"), asking.fact("ranking", ())
    if most is not None and len(ranking) > most.count and not asking.lenient:  # a verifier asks V14
        asking.refuse("E-TOO-MANY", most.article, count=len(ranking), most=most.count)
    if report is not None:
        asking.at_most(report.latest, "WK-37")


def _enough(asking: Asking) -> None:
    least, qualified = asking.rule("GP-30"), asking.fact("qualified")
    if least is not None and qualified is not None and qualified < least.count:
        raise Refused("E-TOO-FEW-QUALIFIED", least.article, count=qualified, needed=least.count)


def award(asking: Asking) -> None:
    """After the publicity (WK-38), in time (GP-11), to the candidate whose turn it is (WK-40, GP-11)."""
    published, report = asking.life.last("publish-candidates"), asking.life.last("receive-report")
    if published is not None:
        asking.at_least(published.earliest, asking.happened.latest, "WK-38")
    bid, standing = asking.fact("bid"), asking.life.candidates
    if bid is not None:
        first = asking.rule("WK-40", "GP-11")
        free = asking.life.announcement.get("state_funded") is False and asking.rule("WK-40") is not None
        if bid not in standing or (bid != standing[0] and not free):
            asking.refuse("E-NOT-FIRST", first.article if first else None, bid=bid, first=next(iter(standing), ""))
    if report is not None:
        asking.at_most(report.latest, "GP-11")


def notify_award(asking: Asking) -> None:
    """One letter, in time (GP-12)."""
    asking.once()
    awarded = asking.life.last("award")
    asking.at_most(awarded.latest if awarded else None, "GP-12")


def file_report(asking: Asking) -> None:
    """The report on the tender to the supervisor (WK-47)."""
    asking.once()
    awarded = asking.life.last("award")
    asking.at_most(awarded.latest if awarded else None, "WK-47")


def sign_contract(asking: Asking) -> None:
    """After the letter and in time (WK-46, GP-15), at the price of the award, with no more security than lawful."""
    letter = asking.after("notify-award", "E-NO-LETTER", "WK-46", "GP-15")
    signed = asking.fact("signed") or asking.now
    begun = letter.at if letter else None
    if signed > asking.now or (begun is not None and signed < begun):
        asking.refuse("E-SIGNED", signed=signed, start=begun, now=asking.now)
    for one in asking.life.suspensions(lenient=asking.lenient):
        if one.blocks(asking.act) and one.since <= signed and (one.over is None or signed < one.over):
            refuse_suspended(one, asking.act)
    awarded, amount, performance = asking.life.last("award"), asking.fact("amount"), asking.fact("performance")
    if amount is not None:
        if awarded is not None and asking.life.contract_follows and "price" in awarded.facts:
            contracts.check_price(amount, awarded.facts["price"])
        if performance is not None:
            notice = asking.life.announcement
            whole = gains.pricing(notice) == gains.TOTAL  # else the price is none, and the estimate stands for the sum
            contracts.check_performance(asking.book, performance, amount if whole else notice.get("estimate", amount))
    asking.at_most(letter.latest if letter else None, "WK-46", "GP-15", end=signed)


def _of_the_contract(asking: Asking, *ids: str) -> None:
    asking.once()
    contract = asking.life.last("sign-contract")
    told, here = contract.facts.get("contract") if contract else None, asking.fact("contract")
    if told is not None and here is not None and told != here:
        asking.refuse("E-OTHER-CONTRACT", contract=here, signed=told)
    asking.at_most(asking.life.signed, *ids)


def publish_contract(asking: Asking) -> None:
    """The contract that was signed, in time (GP-17)."""
    _of_the_contract(asking, "GP-17")


def file_contract(asking: Asking) -> None:
    """Its copy to the authority, in time (GP-16)."""
    _of_the_contract(asking, "GP-16")


# ------------------------------------------------------------------------------------------------- ends


def _traded(asking: Asking) -> bool:
    """Whether the project is on its way: bids are in, or may be handed in."""
    life, deadline = asking.life, asking.life.deadline
    if life.stage not in ("named", "keyed", "announced"):
        return True
    return life.stage == "announced" and deadline is not None and asking.now <= deadline


def warn_idle(asking: Asking) -> None:
    """Three months idle (NB-09), ninety days (PY-05): a warning."""
    registered = asking.fact("registered")
    if registered is not None:
        idle.check_warning(asking.book, registered, asking.now, traded=_traded(asking))
    elif _traded(asking) or idle.warning_due(asking.book, asking.now) is None:
        asking.refuse("E-NOT-IDLE", now=asking.now, earliest=None, derivation="")


def terminate(asking: Asking) -> None:
    """Idle and warned in vain; or given up by the tenderee or by force majeure, before the award is told."""
    reason, registered = asking.fact("reason", ""), asking.fact("registered")
    shut = reason == "shut" and asking.life.announcement.get("reserve_of")  # a reserve box whose tender stays shut
    if reason not in ENDINGS and not shut:
        asking.refuse("E-REASON", reason=reason, known=ENDINGS)
    if reason == "tenderee" and asking.life.stage == "awarded":
        asking.out_of_turn()
    if reason != "idle":
        return
    warned = asking.life.last("warn-idle")
    if registered is not None:
        idle.check_termination(
            asking.book, registered, warned.at if warned else None, asking.now, traded=_traded(asking)
        )
        return
    if _traded(asking):  # who has bids in his box does not stand idle
        asking.refuse("E-NOT-IDLE", now=asking.now, earliest=None, derivation="")
    given = idle.warning_due(asking.book, warned.earliest) if warned else None
    if warned is None or given is None:
        asking.refuse("E-NOT-WARNED")
    if not given.missed(asking.happened.latest):
        asking.refuse("E-WARNING-RUNS", given.rule.article, now=asking.now, earliest=given.not_after, derivation="")


def fail(asking: Asking) -> None:
    """Nobody may win: everybody rejected, too few qualified (GP-30), nobody recommended (none met the reserve price, where
    there is one), every candidate gone."""
    reason, qualified, stage = asking.fact("reason", ""), asking.fact("qualified"), asking.life.stage
    if reason not in FAILURES:
        asking.refuse("E-REASON", reason=reason, known=FAILURES)
    if (reason == "candidates_gone") != (stage in ("ranked", "awarded")):
        asking.out_of_turn()
    if reason == "candidates_gone":
        if stage == "ranked" and asking.life.candidates:
            asking.refuse("E-NOT-FAILED", reason=reason, count=len(asking.life.candidates))
        return
    least = asking.rule("GP-30")
    few = least.count if reason == "too_few_qualified" and least is not None else 1
    hidden = reason == "no_candidate" and asking.life.announcement.get("reserve") is not None
    hidden = hidden or (reason == "no_candidate" and asking.fact("auction") == BELOW)
    if not hidden and qualified is not None and qualified >= few:
        asking.refuse("E-NOT-FAILED", reason=reason, count=qualified)


def archive(asking: Asking) -> None:
    """When all that the regime asks for is done."""
    life, stage = asking.life, asking.life.stage
    if stage in ("opened", "ranked", "awarded") and life.contract_follows:
        asking.out_of_turn()
    if stage == "opened" and not life.announcement.get("reserve_of") and life.rulebook.values:
        asking.out_of_turn()  # awarded, failed or given up: else its evaluation would stay sealed for ever
    if stage == "ranked" and life.candidates:
        asking.out_of_turn()
    if stage == "terminated" and not life.has("announce"):
        asking.out_of_turn()
    for one in life.remedies.values():
        if one.open:
            asking.refuse("E-UNFINISHED", why="answer-remedy")
    owed = {"settle-securities": life.secured and stage not in ("opened", "ranked")}
    if stage == "contracted":
        owed |= {
            "publish-contract": asking.rule("GP-17") is not None,
            "file-contract": asking.rule("GP-16") is not None,
            "file-report": asking.rule("WK-47") is not None,
        }
    for act, due_here in owed.items():
        if due_here and not life.has(act):
            asking.refuse("E-UNFINISHED", why=act)


CHECKS: Mapping[str, Callable[[Asking], None]] = {
    "announce": announce,
    "issue-documents": issue_documents,
    "amend-documents": amend_documents,
    "move-deadline": move_deadline,
    "return-security": return_security,
    "settle-securities": settle_securities,
    "close": close,
    "leave-shut": close,
    "enter-scores": enter_scores,
    "receive-report": receive_report,
    "publish-candidates": publish_candidates,
    "award": award,
    "notify-award": notify_award,
    "file-report": file_report,
    "sign-contract": sign_contract,
    "correct-line": correct_line,
    "publish-contract": publish_contract,
    "file-contract": file_contract,
    "file-remedy": remedial.file_remedy,
    "accept-remedy": remedial.receive_complaint,
    "refuse-remedy": remedial.receive_complaint,
    "answer-remedy": remedial.answer_remedy,
    "order-suspension": remedial.order_suspension,
    "lift-suspension": remedial.lift_suspension,
    "warn-idle": warn_idle,
    "terminate": terminate,
    "fail": fail,
    "archive": archive,
}
"""What is not here is asked nothing but whether it is its turn, and whether it must wait."""
