"""Verification of an archive, V15: what nobody did, and should have; what came when all was decided (log.md §8).

A centre that takes no step out of its turn may still leave something out, or do a harmless thing too late: a rule of the
law missing in its rulebook, an evaluation that never ends, a security nobody gives back, a sheet that comes after the
report. Each is asked for here by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from audit import wire
from audit.canon import NotCanonical, parse
from audit.refusal import Refused
from audit.report import Found
from bidding.case import Case, Fact
from bidding.manifest import FORM
from trading.law.article import plain
from trading.law.bidding_rounds import BELOW
from trading.law.calendar import legal_day
from trading.law.ranking import falls_away
from trading.law.regimes import SOURCE_LAW
from trading.law.rulebook import Rulebook
from trading.verify_auction import auctioned
from trading.verify_award import price_of, rejected

READERS: dict[str, tuple[int, Mapping[str, wire.Reader]]] = {
    "security-received": (15, {"tender": wire.text, "bidder": wire.text, "amount": wire.whole}),
}
EVALUATING = ("scores-entered", "explanation-asked", "explanation-given", "price-corrected")

COUNTED: Mapping[str, tuple[str, ...]] = {
    "works": (
        "WK-03", "WK-06", "WK-07", "WK-09", "WK-11", "WK-12", "WK-13", "WK-15", "WK-26", "WK-35", "WK-37", "WK-38",
        "WK-39", "WK-40", "WK-41", "WK-42", "WK-43", "WK-44", "WK-45", "WK-46", "WK-47", "WK-48", "WK-49",
    ),
    "gov": (
        "GP-01", "GP-03", "GP-04", "GP-05", "GP-07", "GP-08", "GP-09", "GP-10", "GP-11", "GP-12", "GP-14", "GP-15",
        "GP-16", "GP-17", "GP-19", "GP-20", "GP-21", "GP-22", "GP-23", "GP-24", "GP-25", "GP-26", "GP-29", "GP-30",
    ),
    "land": ("WK-26",),
    "minerals": ("WK-26",),
}  # fmt: skip
"""The rules that V14 and V15 count by, of each regime: no rulebook lacks one, or has another value for it."""


def is_of_this_text(rulebook: bytes) -> bool:
    """Whether the rulebook has ``rules``. One written before log.md §8 stood has none: its archive owes no checkpoint of
    the tender's ``@<size>``."""
    with suppress(NotCanonical):
        value = parse(rulebook)
        return isinstance(value, dict) and "rules" in value
    return True


def check_owed(case: Case, rulebook: Rulebook, found: Found) -> None:
    """V15, the part that looks for what is not there."""
    _check_floor(case, rulebook, found)
    if not rulebook.values:
        return
    _check_ended(case, found)
    _check_securities(case, found)
    _check_notices(case, rulebook, found)
    _check_decided(case, found)
    _check_failed(case, found)
    if rulebook.regime != SOURCE_LAW.id:
        _check_fallen(case, found)


def _check_floor(case: Case, rulebook: Rulebook, found: Found) -> None:
    """The law's own numbers stand in the rulebook as they were in force on the day of the announcement (V-LOOSE)."""
    if case.announcement is None:
        return
    if not is_of_this_text(rulebook.data):
        found.note(case.announcement.at, "V-NO-RULES")  # nothing to hold it to
        return
    regime = rulebook.known_regime
    if regime is None:
        return
    for rule in regime.in_force(legal_day(case.announcement.time)):
        if rule.id in COUNTED.get(regime.id, ()):
            value, unit = rulebook.values.get(rule.id, ("", ""))
            if (plain(value), unit) != (plain(rule.value), rule.unit):
                found.fault(
                    "rulebook.json", "V-LOOSE", rule=rule.id, value=f"{plain(value)} {unit}",
                    expected=f"{plain(rule.value)} {rule.unit}",
                )  # fmt: skip


def _check_ended(case: Case, found: Found) -> None:
    """What was opened and awarded, failed or given up has ended its evaluation: else what was sealed in it stays sealed
    for ever."""
    unsealed = case.facts("unsealed")
    given_up = [fact for fact in case.facts("tender-terminated") if unsealed and fact.index > unsealed[0].index]
    for fact in given_up:
        found.note(fact.at, "V-GIVEN-UP", reason=fact["reason"])  # lawful, and worth a supervisor's look
    ended = [*case.facts("awarded"), *case.facts("tender-failed"), *given_up]
    if ended and not case.facts("evaluation-closed"):
        found.fault(ended[0].at, "V-ORDER", first="evaluation-closed", then="archived")


def _check_securities(case: Case, found: Found) -> None:
    """Securities were paid only where the notice asks for one, and every fen of them was settled."""
    received, announcement = case.facts("security-received"), case.announcement
    if announcement is not None and announcement.held.body.get("security") is None:
        for fact in received:
            found.fault(fact.at, "V-UNASKED")
    if not case.facts("evaluation-closed"):
        return  # who has paid stays sealed; only the sum is known
    for fact in case.facts("securities-settled"):
        payers, amount = {one["bidder"] for one in received}, sum(one["amount"] for one in received)
        if (fact["count"], fact["amount"]) != (len(payers), amount):
            found.fault(fact.at, "V-SECURITY", count=len(payers), amount=amount)


def _check_notices(case: Case, rulebook: Rulebook, found: Found) -> None:
    """One notice has the same text on every medium (WK-02)."""
    if case.announcement is None or not rulebook.has("WK-02"):
        return
    media = case.announcement.held.body.get("media")
    texts = {str(one.get("sha256")) for one in media if isinstance(one, dict)} if isinstance(media, list) else set()
    if len(texts) > 1:
        found.fault(case.announcement.at, "V-HASH", path="media")


def _check_decided(case: Case, found: Found) -> None:
    """Nothing is scored, corrected or explained when the report is there, nor scored when the prices may be read."""
    reported = _first(case, "report-received")
    settled = [fact for fact in case.facts("stage-settled") if fact["stage"] == FORM]
    for name in EVALUATING:
        for fact in case.facts(name):
            if reported is not None and fact.index > reported.index:
                found.fault(fact.at, "V-ORDER", first=name, then="report-received")
            elif name == "scores-entered" and settled and fact.index > settled[0].index:
                found.fault(fact.at, "V-ORDER", first=name, then="stage-settled")


def _check_failed(case: Case, found: Found) -> None:
    """That nobody met the reserve price is said only of a sale, once it was read out, and if it is true."""
    for fact in case.facts("tender-failed"):
        gone = rejected(case, fact.index)
        offers = [price for bid, price in _prices(case).items() if bid not in gone]
        if fact["reason"] != "no_candidate" or not offers or case.announcement is None:
            continue
        if auctioned(case, fact.index) == BELOW:
            continue  # V15 has heard that auction
        reserve = case.announcement.held.body.get("reserve")
        told = [
            held.body
            for held in case.log.held.values()
            if (held.name, held.body.get("tender"), held.nonce) == ("unsealed", reserve, None)
            and held.index < fact.index
        ]
        floor = _final_price(told[-1]) if told else None
        if case.announcement["direction"] != "sell" or floor is None or max(offers) >= floor:
            found.fault(fact.at, "V-RESERVE-MET", price=max(offers), reserve=floor)


def _prices(case: Case) -> dict[str, int]:
    """What was read out of each envelope of `form` that is OK."""
    final = {bid: _final_price(facts[-1].body) for (stage, bid, _), facts in case.told.items() if stage == FORM}
    return {bid: price for bid, price in final.items() if price is not None}


def _final_price(told: Mapping[str, Any]) -> int | None:
    return price_of(told.get("opening")) if told.get("verdict") == "OK" else None


def _check_fallen(case: Case, found: Found) -> None:
    """A published candidate falls away only for a reason of 条例 55."""
    published = _first(case, "candidates-published")
    for fact in case.facts("bid-rejected"):
        if published is not None and fact.index > published.index:
            try:
                falls_away(fact["reason"])
            except Refused:
                found.fault(fact.at, "V-FALLEN", reason=fact["reason"])


def _first(case: Case, what: str) -> Fact | None:
    facts = case.facts(what)
    return facts[0] if facts else None
