"""Verification of an archive, V14 (scores → ranking → award): log.md §8. V16 is in ``trading.verify_ledger``.

The methods and formulas are those the platform computes with (``trading.law``), asked again over what was opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit import wire
from audit.canon import sha256_hex
from audit.refusal import Broken, Refused
from audit.report import Found
from bidding.case import Case, Fact, Readers
from bidding.manifest import FORM
from bidding.verify_bids import Bids
from bidding.verify_lists import Counted
from bidding.verify_openings import final
from trading.law.corrections import RULES as CORRECTIONS
from trading.law.methods import (
    Evaluation,
    Offer,
    Sheet,
    abnormally_low,
    check_parameters,
    evaluate,
    evaluate_means,
    fits,
    is_small_firm,
    told_means,
    totals,
)
from trading.law.methods.parameters import Terms, read
from trading.law.regimes import REGIMES, SOURCE_LAW
from trading.law.rulebook import Rulebook
from trading.verify_auction import cried
from trading.verify_panel import check_signed

TOTALS = "evaluation/totals.json"
SHEETS = "evaluation/sheets/"


READERS: Readers = {
    "candidates-published": (14, {"tender": wire.text, "ranking": wire.listed(wire.BID), "totals": wire.HASH}),
    "awarded": (
        14,
        {
            "tender": wire.text,
            "bid": wire.BID,
            "price": wire.whole,
        },
    ),
    "scores-entered": (
        14,
        {"tender": wire.text, "seat": wire.integer(1), "sheet": wire.HASH, "replaces": wire.maybe(wire.HASH)},
    ),
    "explanation-asked": (14, {"tender": wire.text, "bid": wire.BID}),
    "explanation-given": (14, {"tender": wire.text, "bid": wire.BID}),
    "price-corrected": (
        14,
        {
            "tender": wire.text,
            "bid": wire.BID,
            "stage": wire.name,
            "read": wire.whole,
            "corrected": wire.whole,
            "rule": wire.text,
        },
    ),
    "bid-rejected": (15, {"tender": wire.text, "bid": wire.BID, "reason": wire.string, "article": wire.string}),
}


def owed_totals(case: Case) -> bool:
    """Whether the archive holds what the ranking follows from."""
    return bool(case.facts("candidates-published"))


def offers(case: Case, bids: Bids, counted: Counted, before: int, parameters: Mapping[str, Any]) -> list[Offer]:
    """The bids that were opened and count, at their price as read out, corrected or cried in an auction; rejected ones
    do not stand."""
    gone = rejected(case, before)
    corrected = {fact["bid"]: fact["corrected"] for fact in case.facts("price-corrected") if fact.index < before}
    corrected |= cried(case, before)
    return [
        Offer(bid, corrected.get(bid, opening["price"]), is_small_firm(parameters, opening), bid not in gone)
        for bid, opening in _openings(case, bids, counted).items()
    ]


def rejected(case: Case, before: int) -> set[str]:
    """The bids that were rejected below an index."""
    return {fact["bid"] for fact in case.facts("bid-rejected") if fact.index < before}


def price_of(opening: Any) -> int | None:
    """The price that was read out, in fen; None where an opening has none."""
    price = opening.get("price") if isinstance(opening, dict) else None
    return price if isinstance(price, int) and not isinstance(price, bool) else None


def _openings(case: Case, bids: Bids, counted: Counted) -> dict[str, Mapping[str, Any]]:
    """What was read out of the bids that are OK in every stage and counted, where it has a price."""
    found: dict[str, Mapping[str, Any]] = {}
    listed = [bids.effective(stage) for stage in case.stages]
    for bid in sorted(counted.bids):
        told = [final(case, envelopes[bid]) for envelopes in listed if bid in envelopes]
        forms = [fact for fact in told if fact is not None and fact["stage"] == FORM]
        if len(told) != len(case.stages) or any(fact is None or fact["verdict"] != "OK" for fact in told) or not forms:
            continue
        opening = forms[0]["opening"]
        if price_of(opening) is not None:
            found[bid] = opening
    return found


def check_award(case: Case, bids: Bids, counted: Counted, rulebook: Rulebook | None, found: Found) -> None:
    """V14."""
    files, published = case.log.files, case.facts("candidates-published")
    if (TOTALS in files) != owed_totals(case):
        found.fault(TOTALS, "V-MISSING" if published else "V-STRAY")
    _check_sheets(case, found)
    ended = published[0].index if published else case.log.about.size
    check_signed(case, set(_effective(case, ended).values()), found)
    _check_corrections(case, bids, counted, found)
    for second in published[1:]:
        found.fault(second.at, "V-SECOND", what="candidates-published", stage="")
    ranking: Evaluation | None = None
    if published:
        for name in ("scores-entered", "price-corrected"):
            for late in case.facts(name):
                if late.index > published[0].index:
                    found.fault(late.at, "V-ORDER", first=name, then="candidates-published")
        ranking = _check_ranking(case, bids, counted, rulebook, published[0], found)
    for number, award in enumerate(case.facts("awarded")):
        with found.at(award.at):
            if number:
                raise Broken("V-SECOND", what="awarded", stage="")
            if not published or published[0].index > award.index:
                raise Broken("V-ORDER", first="candidates-published", then="awarded")
            _check_winner(case, published[0], ranking, award, free=_may_choose(case, rulebook))


def _check_ranking(
    case: Case, bids: Bids, counted: Counted, rulebook: Rulebook | None, published: Fact, found: Found
) -> Evaluation | None:
    """The rows of the totals and the order of candidates, recomputed by what the notice declared."""
    announcement = case.announcement
    if not case.opens:
        found.fault(published.at, "V-SHUT", what="candidates-published")
        return None
    if announcement is None:
        return None
    method = announcement["method"]
    with found.at(announcement.at):
        # who could name a method that nobody can compute could award to whom he likes, at any price
        terms = _announced(announcement)
        parameters = _parameters(announcement)
        standing = offers(case, bids, counted, published.index, parameters)
        with found.at(published.at):
            _check_doubts(case, method, parameters, standing, published)
            evaluation = _evaluation(case, terms, parameters, standing, published)
            most = 0 if rulebook is None else rulebook.max_candidates
            ranked = evaluation.ranked
            expected = tuple(one.bid for one in (ranked[:most] if most else ranked))
            if published["ranking"] != expected:
                raise Broken("V-RANKING", expected=expected)
            if TOTALS in case.log.files:
                with found.at(TOTALS):
                    if sha256_hex(case.log.files.bytes(TOTALS)) != published["totals"]:
                        raise Broken("V-HASH", path=TOTALS)
                    if case.log.files.value(TOTALS) != totals(method, case.tender, evaluation):
                        raise Broken("V-TOTALS")
            if evaluation.decided_by:
                found.note(published.at, "V-DECIDED", bids=evaluation.decided_by)
            return evaluation
    return None


def _parameters(announcement: Fact) -> Mapping[str, Any]:
    told = announcement.held.body.get("parameters", {})
    if not isinstance(told, dict):
        raise Broken("V-PARAMETERS", refused="E-PARAMETERS")
    return told


def _announced(announcement: Fact) -> Terms:
    """The method and parameters of the notice, read, if a notice may have them (log.md §8)."""
    method, direction = announcement["method"], announcement["direction"]
    regime = REGIMES.get(announcement["regime"], SOURCE_LAW)
    if not fits(method, direction) or method not in regime.methods:
        raise Broken("V-METHOD", method=method)
    parameters = _parameters(announcement)
    try:
        check_parameters(method, regime, direction, parameters, announcement["opening_schema"])
    except Refused as why:
        raise Broken("V-PARAMETERS", refused=why.code) from why
    return read(method, parameters)


def _evaluation(
    case: Case, terms: Terms, parameters: Mapping[str, Any], standing: list[Offer], published: Fact
) -> Evaluation:
    """Recomputed from the seats' sheets; where the edition lacks them, from the means that the totals tell."""
    if not terms.rated:
        return evaluate(terms.method, parameters, standing)
    hashes = _effective(case, published.index)
    if sorted(hashes) != list(range(1, terms.seats + 1)):
        raise Broken("V-SEATS", seats=sorted(hashes), needed=terms.seats)
    try:
        if case.public:
            return evaluate_means(terms.method, parameters, standing, _told(case, terms, standing))
        return evaluate(terms.method, parameters, standing, [_sheet(case, *one) for one in sorted(hashes.items())])
    except Refused as why:
        raise Broken("V-SHEET", refused=why.code) from why


def _effective(case: Case, before: int) -> dict[int, str]:
    """The sheet of each seat that counts: the last one, which names the one before it."""
    last: dict[int, str] = {}
    for fact in case.facts("scores-entered"):
        if fact.index < before:
            last[fact["seat"]] = fact["sheet"]
    return last


def _sheet(case: Case, seat: int, name: str) -> Sheet:
    path = f"{SHEETS}{name}.json"
    if path not in case.log.files:
        raise Broken("V-MISSING", path=path)
    sheet = Sheet.read(case.log.files.bytes(path))
    if (sheet.tender, sheet.seat) != (case.tender, seat):
        raise Broken("V-SHEET", refused="E-SHEET")
    return sheet


def _told(case: Case, terms: Terms, standing: list[Offer]) -> dict[str, dict[str, Any]]:
    """The means that the public edition is told."""
    table = case.log.files.value(TOTALS) if TOTALS in case.log.files else None
    means = told_means(terms, table)
    if not {offer.bid for offer in standing if offer.stands} <= means.keys():
        raise Broken("V-TOTALS")
    return means


def _check_doubts(
    case: Case, method: str, parameters: Mapping[str, Any], standing: list[Offer], published: Fact
) -> None:
    """Whoever's price is abnormally low, by the thresholds of the notice, was asked and has explained (GP-46)."""
    for doubt in abnormally_low(method, parameters, standing):
        asked = [fact.index for fact in case.facts("explanation-asked") if fact["bid"] == doubt.bid]
        given = [fact.index for fact in case.facts("explanation-given") if fact["bid"] == doubt.bid]
        if not asked or not any(min(asked) < index < published.index for index in given):
            raise Broken("V-EXPLANATION", bid=doubt.bid, price=doubt.price)


def _may_choose(case: Case, rulebook: Rulebook | None) -> bool:
    """Works without state money: the tenderee chooses among the candidates (招标投标法 40; WK-40 binds the others)."""
    told = case.announcement is not None and case.announcement.held.body.get("state_funded") is False
    return told and rulebook is not None and rulebook.has("WK-40")


def _check_winner(case: Case, published: Fact, ranking: Evaluation | None, award: Fact, *, free: bool) -> None:
    """The first candidate that was not rejected before the award (`free`: any of them), at the price it offered."""
    gone = rejected(case, award.index)
    standing = [bid for bid in published["ranking"] if bid not in gone]
    if award["bid"] not in (standing if free else standing[:1]):
        raise Broken("V-WINNER", bid=award["bid"], expected=standing[:1])
    prices = {} if ranking is None else {one.bid: one.price for one in ranking.ranked}
    if prices and prices.get(award["bid"]) != award["price"]:
        raise Broken("V-PRICE", price=award["price"], expected=prices.get(award["bid"]))


def _check_corrections(case: Case, bids: Bids, counted: Counted, found: Found) -> None:
    """Each correction starts from the price as it stood, by the rules of 财政部令87号 59 in their order, each once."""
    facts = case.facts("price-corrected")
    openings = _openings(case, bids, counted) if facts and case.opens else {}
    prices = {bid: opening["price"] for bid, opening in openings.items()}
    steps = dict.fromkeys(prices, -1)
    for fact in facts:
        with found.at(fact.at):
            bid, step = fact["bid"], CORRECTIONS.index(fact["rule"]) if fact["rule"] in CORRECTIONS else -1
            from_read = bid in prices and prices[bid] == fact["read"] != fact["corrected"] >= 1
            if fact["stage"] != FORM or not from_read or step <= steps[bid]:
                raise Broken("V-CORRECTION", bid=bid, rule=fact["rule"])
            prices[bid], steps[bid] = fact["corrected"], step
            # nobody can recompute what is wrong inside a bid: whoever reads the archive is told
            found.note(fact.at, "V-CORRECTED", bid=bid, rule=fact["rule"], price=fact["read"], after=fact["corrected"])


def _check_sheets(case: Case, found: Found) -> None:
    """A score sheet is bound by a record that names its hash; a seat's new sheet names the one it replaces."""
    sheets = case.log.files.under(SHEETS)
    named = {value for held in case.mine for value in _texts(held.body)} if sheets else set()
    for path in sheets:
        name = path[len(SHEETS) : -len(".json")]
        if sha256_hex(case.log.files.bytes(path)) != name or name not in named:
            found.fault(path, "V-UNBOUND")
    last: dict[int, str] = {}
    seen: set[str] = set()
    for fact in case.facts("scores-entered"):
        if fact["replaces"] != last.get(fact["seat"]) or fact["sheet"] in seen:
            found.fault(fact.at, "V-REPLACED", seat=fact["seat"])
        elif fact["replaces"] is not None:
            found.note(fact.at, "V-RESCORED", seat=fact["seat"])
        last[fact["seat"]] = fact["sheet"]
        seen.add(fact["sheet"])


def _texts(value: Any) -> list[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]
