"""Verification of an archive, V14 (scores → ranking → award) and V16 (the gain): log.md §8.

The methods and formulas are those the platform computes with (``trading.law``), asked again over what was opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.canon import sha256_hex
from audit.refusal import Broken
from audit.report import Found
from bidding import wire
from bidding.case import Case, Fact, Readers
from bidding.verify_bids import Bids
from bidding.verify_lists import Counted
from bidding.verify_openings import final
from trading.law.gains import formula, gain
from trading.law.methods import HIGHEST, LOWEST, Offer, Ranked, rank, totals
from trading.law.rulebook import Rulebook

TOTALS = "evaluation/totals.json"
FORM = "form"


READERS: Readers = {
    "candidates-published": (14, {"tender": wire.text, "ranking": wire.listed(wire.BID), "totals": wire.HASH}),
    "awarded": (
        14,
        {
            "tender": wire.text,
            "bid": wire.BID,
            "price": wire.whole,
            "baseline": wire.anything,
            "gain": wire.anything,
            "formula": wire.anything,
        },
    ),
    "bid-rejected": (15, {"tender": wire.text, "bid": wire.BID, "reason": wire.string, "article": wire.string}),
}


def owed_totals(case: Case) -> bool:
    """Whether the archive holds what the ranking follows from."""
    return bool(case.facts("candidates-published"))


def offers(case: Case, bids: Bids, counted: Counted, before: int) -> list[Offer]:
    """The bids that may win: OK in every stage, counted, not rejected before an index, with a price read out."""
    rejected = {fact["bid"] for fact in case.facts("bid-rejected") if fact.index < before}
    found = []
    for bid in sorted(counted.bids - rejected):
        told = [final(case, envelope) for stage in case.stages if (envelope := bids.effective(stage).get(bid))]
        forms = [fact for fact in told if fact is not None and fact["stage"] == FORM]
        if len(told) != len(case.stages) or any(fact is None or fact["verdict"] != "OK" for fact in told) or not forms:
            continue
        opening = forms[0]["opening"]
        price = opening.get("price") if isinstance(opening, dict) else None
        if isinstance(price, int) and not isinstance(price, bool):
            found.append(Offer(bid, price))
    return found


def check_award(case: Case, bids: Bids, counted: Counted, rulebook: Rulebook | None, found: Found) -> None:
    """V14."""
    files, published = case.log.files, case.facts("candidates-published")
    if (TOTALS in files) != owed_totals(case):
        found.fault(TOTALS, "V-MISSING" if published else "V-STRAY")
    _check_sheets(case, found)
    for second in published[1:]:
        found.fault(second.at, "V-SECOND", what="candidates-published", stage="")
    ranked: tuple[Ranked, ...] = ()
    if published:
        ranked = _check_ranking(case, bids, counted, rulebook, published[0], found)
    for number, award in enumerate(case.facts("awarded")):
        with found.at(award.at):
            if number:
                raise Broken("V-SECOND", what="awarded", stage="")
            if not published or published[0].index > award.index:
                raise Broken("V-ORDER", first="candidates-published", then="awarded")
            _check_winner(case, published[0], ranked, award)


def _check_ranking(
    case: Case, bids: Bids, counted: Counted, rulebook: Rulebook | None, published: Fact, found: Found
) -> tuple[Ranked, ...]:
    """The rows of the totals and the order of candidates, recomputed."""
    ranked: tuple[Ranked, ...] = ()
    if not case.opens:
        found.fault(published.at, "V-SHUT", what="candidates-published")
        return ranked
    announcement = case.announcement
    if announcement is None:
        return ranked
    if announcement["method"] != {"buy": LOWEST, "sell": HIGHEST}[announcement["direction"]]:
        # who could name a method that nobody can compute could award to whom he likes, at any price
        found.fault(announcement.at, "V-METHOD", method=announcement["method"])
        return ranked
    with found.at(published.at):
        ranked = rank(announcement["method"], offers(case, bids, counted, published.index))
        most = 0 if rulebook is None else rulebook.max_candidates
        expected = tuple(one.bid for one in (ranked[:most] if most else ranked))
        if published["ranking"] != expected:
            raise Broken("V-RANKING", expected=expected)
    if TOTALS in case.log.files:
        with found.at(TOTALS):
            if sha256_hex(case.log.files.bytes(TOTALS)) != published["totals"]:
                raise Broken("V-HASH", path=TOTALS)
            if case.log.files.value(TOTALS) != totals(announcement["method"], case.tender, ranked):
                raise Broken("V-TOTALS")
    return ranked


def _check_winner(case: Case, published: Fact, ranked: tuple[Ranked, ...], award: Fact) -> None:
    """The first candidate that was not rejected before the award, at the price it offered."""
    rejected = {fact["bid"] for fact in case.facts("bid-rejected") if fact.index < award.index}
    standing = [bid for bid in published["ranking"] if bid not in rejected]
    if not standing or standing[0] != award["bid"]:
        raise Broken("V-WINNER", bid=award["bid"], expected=standing[:1])
    prices = {one.bid: one.price for one in ranked}
    if prices and prices.get(award["bid"]) != award["price"]:
        raise Broken("V-PRICE", price=award["price"], expected=prices.get(award["bid"]))


def _check_sheets(case: Case, found: Found) -> None:
    """A score sheet is bound by a record that names its hash."""
    sheets = case.log.files.under("evaluation/sheets/")
    named = {value for held in case.mine for value in _texts(held.body)} if sheets else set()
    for path in sheets:
        name = path[len("evaluation/sheets/") : -len(".json")]
        if sha256_hex(case.log.files.bytes(path)) != name or name not in named:
            found.fault(path, "V-UNBOUND")


def _texts(value: Any) -> list[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]


def check_gain(case: Case, found: Found) -> None:
    """V16: baseline as announced, the formula of the direction, and what it gives."""
    awards, announcement = case.facts("awarded"), case.announcement
    for award in awards:
        with found.at(award.at):
            if announcement is None:
                raise Broken("V-UNANNOUNCED")
            baseline = announcement["baseline"]
            if award["baseline"] != baseline or isinstance(award["baseline"], bool):
                raise Broken("V-GAIN", field="baseline", expected=baseline)
            if baseline is None:
                expected: tuple[str | None, int | None] = (None, None)
            else:
                named = formula(announcement["direction"])
                expected = (named, gain(named, price=award["price"], baseline=baseline))
            if award["formula"] != expected[0]:
                raise Broken("V-GAIN", field="formula", expected=expected[0])
            if award["gain"] != expected[1] or isinstance(award["gain"], bool):
                raise Broken("V-GAIN", field="gain", expected=expected[1])
