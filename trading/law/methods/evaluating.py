"""The formulas, in the order of log.md §8: means of the seats, prices for scoring, price parts, sums, order, `without`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

from audit.refusal import Refused
from trading.law.methods.figures import EXACT, HUNDRED, MEAN_PLACES, divided, fen, figure, written
from trading.law.methods.offers import Evaluation, Offer, Ranked, Sheet
from trading.law.methods.parameters import (
    COMPREHENSIVE,
    EVALUATED,
    HIGHEST,
    HIGHEST_SCORE,
    LOWEST,
    PRICE,
    Benchmark,
    Terms,
    read,
)

Means = Mapping[str, Mapping[str, Decimal]]
"""{bid: {criterion or adjustment: mean of the seats}}, each with four decimals."""


def rank(method: str, offers: Iterable[Offer]) -> tuple[Ranked, ...]:
    """All standing offers in order, by price alone. Raises Refused E-METHOD for a method that takes more than prices."""
    standing = _distinct(offers)
    if method == LOWEST:
        ordered = sorted(standing, key=lambda offer: (offer.price, offer.bid))
    elif method == HIGHEST:
        ordered = sorted(standing, key=lambda offer: (-offer.price, offer.bid))
    else:
        raise Refused("E-METHOD", regime="", direction="", method=method)
    return tuple(Ranked(offer.bid, offer.price, place) for place, offer in enumerate(ordered, 1))


def evaluate(
    method: str, parameters: Mapping[str, Any], offers: Iterable[Offer], sheets: Sequence[Sheet] = ()
) -> Evaluation:
    """The evaluation by the method and parameters of the notice, from the offers and the seats' sheets (all of them).

    Raises Refused E-METHOD, E-PARAMETERS, E-SHEETS, E-SHEET-GAP, E-SHEET-POINTS.
    """
    offers = list(offers)
    standing = [offer.bid for offer in offers if offer.stands]
    return evaluate_means(method, parameters, offers, means(method, parameters, standing, sheets))


def evaluate_means(method: str, parameters: Mapping[str, Any], offers: Iterable[Offer], given: Means) -> Evaluation:
    """The same where the means are known already: the public edition of an archive has them in its totals."""
    terms = read(method, parameters)
    offers = _all_distinct(offers)
    with localcontext(EXACT):
        evaluation = _evaluated(terms, offers, given)
        if terms.formula:
            for gone in sorted(offer.bid for offer in _counting(terms, offers)):
                evaluation.without[gone] = _first_without(terms, offers, given, evaluation, gone)
    return evaluation


def means(
    method: str, parameters: Mapping[str, Any], bids: Iterable[str], sheets: Sequence[Sheet]
) -> dict[str, dict[str, Decimal]]:
    """The mean of the seats for each of these bids and each thing rated, four decimals, half up.

    Every declared seat counts, once. Where the notice drops (works only), one highest and one lowest of each bid and
    criterion fall away from `drop_from` seats on.
    """
    terms = read(method, parameters)
    if sorted(sheet.seat for sheet in sheets) != list(range(1, terms.seats + 1)):
        raise Refused("E-SHEETS", needed=terms.seats, seats=sorted(sheet.seat for sheet in sheets))
    found: dict[str, dict[str, Decimal]] = {}
    for bid in sorted(bids):
        found[bid] = {}
        for name in terms.rated:
            given = sorted(_given(sheet, bid, name, terms) for sheet in sheets)
            if terms.drop_from is not None and len(given) >= terms.drop_from:
                given = given[1:-1]
            found[bid][name] = divided(sum(given, Decimal(0)), Decimal(len(given)), MEAN_PLACES)
    return found


def check_sheet(method: str, parameters: Mapping[str, Any], sheet: Sheet, bids: Iterable[str]) -> None:
    """Whether a sheet rates every one of these bids in everything the notice rates, and nothing beside it.

    Raises Refused E-SHEET (why), E-SHEET-GAP, E-SHEET-POINTS, E-SHEETS (a seat the notice does not have).
    """
    terms = read(method, parameters)
    if not 1 <= sheet.seat <= terms.seats:
        raise Refused("E-SHEETS", needed=terms.seats, seats=[sheet.seat])
    for bid in sorted(bids):
        for name in terms.rated:
            _given(sheet, bid, name, terms)
    for bid in set(sheet.points):
        if set(sheet.points[bid]) != set(terms.rated):
            raise Refused("E-SHEET", why="it rates what the notice does not name")


def totals(method: str, tender: str, evaluation: Evaluation | Iterable[Ranked]) -> dict[str, Any]:
    """The content of `evaluation/totals.json` (log.md §8), to be hashed in its canonical form."""
    if not isinstance(evaluation, Evaluation):
        ordered = sorted(evaluation, key=lambda one: one.rank)
        evaluation = Evaluation(tuple(ordered), tuple(_price_row(one) for one in ordered))
    told: dict[str, Any] = {"method": method, "rows": list(evaluation.rows), "tender": tender}
    if evaluation.base is not None:
        told |= {"base": evaluation.base, "without": evaluation.without}
    return told


def told_means(terms: Terms, table: Any) -> dict[str, dict[str, Decimal]]:
    """The means that a totals.json tells, in the very form in which it must; other rows are left out."""
    found: dict[str, dict[str, Decimal]] = {}
    rows = table.get("rows") if isinstance(table, Mapping) else None
    for row in rows if isinstance(rows, list) else []:
        given = row.get("means") if isinstance(row, Mapping) else None
        if not isinstance(given, Mapping) or set(given) != set(terms.rated) or not isinstance(row.get("bid"), str):
            continue
        read = {name: figure(text) for name, text in given.items()}
        means = {
            name: value
            for name, value in read.items()
            if value is not None and value <= terms.most(name) and value.as_tuple().exponent == -MEAN_PLACES
        }
        if len(means) == len(read):
            found[row["bid"]] = means
    return found


# ---- one evaluation


def _evaluated(terms: Terms, offers: Sequence[Offer], given: Means) -> Evaluation:
    standing = [offer for offer in offers if offer.stands]
    if terms.method in (LOWEST, HIGHEST):
        ranked = rank(terms.method, standing)
        return Evaluation(ranked, tuple(_price_row(one) for one in ranked))
    rows = {offer.bid: _row(terms, offer, given) for offer in standing}
    if terms.method == EVALUATED:
        return _ordered(rows, {bid: (row["evaluated"],) for bid, row in rows.items()}, terms, given, None)
    if not standing:
        return Evaluation((), ())
    base = _base(terms, _counting(terms, offers))
    sums: dict[str, tuple[Any, ...]] = {}
    for bid, row in rows.items():
        price = _price_part(terms, row["evaluated"], base)
        if terms.method == COMPREHENSIVE:
            parts = {name: divided(given[bid][name] * weight, HUNDRED, terms.places) for name, weight in terms.criteria}
            total = sum(parts.values(), price)
            row["parts"] = {name: written(part) for name, part in {**parts, PRICE: price}.items()}
        else:
            total = price
            del row["evaluated"]  # nothing is deducted in works: it is the price
        row["total"] = written(total)
        sums[bid] = (-total,)
    return _ordered(rows, sums, terms, given, base)


def _row(terms: Terms, offer: Offer, given: Means) -> dict[str, Any]:
    """A bid's row as far as it does not depend on the others."""
    row: dict[str, Any] = {"bid": offer.bid, "price": offer.price, "evaluated": _scoring_price(terms, offer)}
    if terms.rated:
        row["means"] = {name: written(given[offer.bid][name]) for name in terms.rated}
    for one in terms.adjustments:
        mean = given[offer.bid][one.id]
        row["evaluated"] += (
            fen(mean * one.fen, Decimal(1))
            if one.fen is not None
            else fen(mean * (one.percent or 0) * offer.price, HUNDRED)
        )
    return row


def _scoring_price(terms: Terms, offer: Offer) -> int:
    """The price that is scored: less the deduction of a small firm, whole fen, at least 1; never the price of the award."""
    price = offer.price
    if terms.small_firm is not None and offer.small_firm:
        price = fen(price * (HUNDRED - terms.small_firm.rate), HUNDRED)
    return max(1, price)


def _first_without(
    terms: Terms, offers: Sequence[Offer], given: Means, evaluation: Evaluation, gone: str
) -> str | None:
    """Who would be first had a bid not been there. Where the base stays, every score stays, and so does the order."""
    left = [offer for offer in offers if offer.bid != gone]
    if not any(offer.stands for offer in left):
        return None
    if _base(terms, _counting(terms, left)) == evaluation.base:
        return next(one.bid for one in evaluation.ranked if one.bid != gone)
    return _evaluated(terms, left, given).ranked[0].bid


def _counting(terms: Terms, offers: Sequence[Offer]) -> list[Offer]:
    """The offers whose prices count in the base."""
    takes_all = terms.benchmark is not None and terms.benchmark.base_of == "opened"
    return [offer for offer in offers if offer.stands or takes_all]


def _base(terms: Terms, counting: Sequence[Offer]) -> int:
    """What the prices are measured by: the lowest, the highest, or the trimmed mean × (100 + float) %, in whole fen."""
    ordered = sorted(_scoring_price(terms, offer) for offer in counting)
    if terms.benchmark is None:
        return ordered[-1] if terms.formula == HIGHEST_SCORE else ordered[0]
    lowest, highest = _trimmed(terms.benchmark, len(ordered))
    kept = ordered[lowest : len(ordered) - highest]
    return fen(sum(kept) * (HUNDRED + terms.benchmark.float), HUNDRED * len(kept))


def _trimmed(benchmark: Benchmark, count: int) -> tuple[int, int]:
    """How many of so many prices are dropped: (lowest, highest); the last row that applies."""
    row = next((one for one in reversed(benchmark.trim) if one.start <= count), None)
    return (0, 0) if row is None else (row.lowest, row.highest)


def _price_part(terms: Terms, price: int, base: int) -> Decimal:
    """The points of a price, weight included, rounded once. Both are at least 1 fen.

    `lowest-price-score/v1` base ÷ price × weight; `highest-price-score/v1` price ÷ base × weight; `benchmark-mean/v1`
    (100 − points × |price − base| ÷ base × 100) × weight ÷ 100, where the bracket is not below `floor`.
    """
    weight, rule = terms.price_weight, terms.benchmark
    if rule is None:
        over, under = (price, base) if terms.formula == HIGHEST_SCORE else (base, price)
        return divided(over * weight, Decimal(under), terms.places)
    lost = (rule.above if price > base else rule.below) * HUNDRED * abs(price - base)
    return divided(max(HUNDRED * base - lost, rule.floor * base) * weight, HUNDRED * base, terms.places)


def _ordered(
    rows: dict[str, dict[str, Any]],
    firsts: Mapping[str, tuple[Any, ...]],
    terms: Terms,
    given: Means,
    base: int | None,
) -> Evaluation:
    """By the result, then by the tie-breaks of the notice, then by bid id."""
    better = -1 if terms.formula == HIGHEST_SCORE else 1

    def key(bid: str) -> tuple[Any, ...]:
        ties = [rows[bid]["price"] * better if one == PRICE else -given[bid][one] for one in terms.ties]
        return (*firsts[bid], *ties, bid)

    ordered = sorted(rows, key=key)
    for place, bid in enumerate(ordered, 1):
        rows[bid]["rank"] = place
    ranked = tuple(Ranked(bid, rows[bid]["price"], place) for place, bid in enumerate(ordered, 1))
    return Evaluation(ranked, tuple(rows[bid] for bid in ordered), base=base)


# ---- small things


def _price_row(one: Ranked) -> dict[str, Any]:
    return {"bid": one.bid, "price": one.price, "rank": one.rank}


def _all_distinct(offers: Iterable[Offer]) -> list[Offer]:
    offers = list(offers)
    if len({offer.bid for offer in offers}) != len(offers):
        raise ValueError("a bid stands in a ranking once")
    return offers


def _distinct(offers: Iterable[Offer]) -> list[Offer]:
    return [offer for offer in _all_distinct(offers) if offer.stands]


def _given(sheet: Sheet, bid: str, name: str, terms: Terms) -> Decimal:
    points = sheet.points.get(bid, {}).get(name)
    if points is None:
        raise Refused("E-SHEET-GAP", seat=sheet.seat, bid=bid, criterion=name)
    if points > terms.most(name):
        raise Refused("E-SHEET-POINTS", bid=bid, criterion=name, points=str(points))
    return points
