"""What a notice must say of its method, and what the law lets it say: read, checked and refused before announcing.

Every number of a formula is declared beforehand (招标投标法 19, 40; 财政部令87号 55): no seat, no weight, no rounding and no
tie-break is chosen once prices are known. Percentages, weights and points are decimals in text ("0.8"), money is fen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from audit.refusal import Refused
from trading.law.article import Article
from trading.law.methods.figures import HUNDRED, figure
from trading.law.regimes import BUY, SELL, Regime
from trading.law.rules.gov import GP_36, GP_37
from trading.law.rules.unchecked import N_14

LOWEST, HIGHEST = "lowest-price/v1", "highest-price/v1"
EVALUATED, COMPREHENSIVE, BENCHMARK = "evaluated-lowest/v1", "comprehensive/v1", "benchmark-mean/v1"
LOWEST_SCORE, HIGHEST_SCORE = "lowest-price-score/v1", "highest-price-score/v1"

METHODS: Mapping[str, tuple[str, ...]] = {
    LOWEST: (BUY,),
    HIGHEST: (SELL,),
    EVALUATED: (BUY,),
    COMPREHENSIVE: (BUY, SELL),
    BENCHMARK: (BUY,),
}
"""Every method and the directions it can go."""

PRICE_FORMULAS: Mapping[str, str] = {LOWEST_SCORE: BUY, HIGHEST_SCORE: SELL, BENCHMARK: BUY}
"""Formulas of the price part of `comprehensive/v1`."""

ONE_FORMULA = GP_37.article
SCORES: Mapping[str, str] = {"base/bid*100": LOWEST_SCORE}
"""The value of GP-37 as a formula of this house: the only price score that government procurement may name."""
LOWEST_IN_GOV = Article("财政部令87号", 54)
CRITERIA_IN_DOCUMENTS = Article("招标投标法", 19)

_ID = re.compile(r"[a-z][a-z0-9_]{0,31}")
PRICE = "price"


@dataclass(frozen=True)
class SmallFirm:
    """小微企业价格扣除: `rate` percent off the price, for scoring only, where `field` of the opening says 1."""

    rate: Decimal
    field: str


@dataclass(frozen=True)
class Abnormal:
    """From where a price is abnormally low: this many percent below the mean of the others, or below the next one."""

    below_mean: Decimal | None
    below_next: Decimal | None


@dataclass(frozen=True)
class Trim:
    """From so many prices on, drop so many of the highest and of the lowest."""

    start: int
    highest: int
    lowest: int


@dataclass(frozen=True)
class Benchmark:
    """基准价: the trimmed mean × (100 + float) %; `above` and `below`: points lost for each 1 % off; never below `floor`."""

    trim: tuple[Trim, ...]
    float: Decimal
    above: Decimal
    below: Decimal
    floor: Decimal
    base_of: str


@dataclass(frozen=True)
class Adjustment:
    """A declared adjustment: for each unit that the seats find (0 … max), so many fen or percent of the price."""

    id: str
    max: Decimal
    fen: int | None
    percent: Decimal | None


@dataclass(frozen=True)
class Terms:
    """The parameters of a method, read. What a method does not have is empty."""

    method: str
    criteria: tuple[tuple[str, Decimal], ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    formula: str = ""
    price_weight: Decimal = Decimal(0)
    benchmark: Benchmark | None = None
    seats: int = 0
    drop_from: int | None = None
    places: int = 0
    ties: tuple[str, ...] = ()
    small_firm: SmallFirm | None = None
    abnormal: Abnormal | None = None
    object: str | None = None

    @property
    def rated(self) -> tuple[str, ...]:
        """What the seats give points for, in the order of the notice."""
        return tuple(name for name, _ in self.criteria) + tuple(one.id for one in self.adjustments)

    def most(self, name: str) -> Decimal:
        """The most a seat may give there: 100 points, or the declared units."""
        return next((one.max for one in self.adjustments if one.id == name), HUNDRED)


_KEYS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    LOWEST: (frozenset(), frozenset({"abnormal"})),
    HIGHEST: (frozenset(), frozenset()),
    EVALUATED: (frozenset({"adjustments", "seats", "ties"}), frozenset({"drop_from", "small_firm", "abnormal"})),
    COMPREHENSIVE: (
        frozenset({"criteria", "price", "seats", "places", "ties"}),
        frozenset({"drop_from", "small_firm", "abnormal", "object"}),
    ),
    BENCHMARK: (frozenset({"benchmark", "places", "ties"}), frozenset({"abnormal"})),
}
"""The keys that each method must have, and those that it may have (null is as if it were left out)."""


def fits(method: str, direction: str) -> bool:
    """Whether a method is one of this house's and can go in that direction."""
    return direction in METHODS.get(method, ())


def read(method: str, parameters: Mapping[str, Any]) -> Terms:
    """The declared parameters of a method. Raises Refused E-METHOD, E-PARAMETERS (with the field and why)."""
    if method not in METHODS:
        raise Refused("E-METHOD", regime="", direction="", method=method)
    must, may = _KEYS[method]
    given = {name: value for name, value in parameters.items() if value is not None}
    for name in sorted(must - set(given)):
        raise _bad(name, why="it is missing")
    for name in sorted(set(given) - must - may):
        raise _bad(name, why="this method has no such parameter")
    adjustments, criteria = _adjustments(given.get("adjustments", [])), _criteria(given.get("criteria"))
    formula, weight, benchmark = _price(given["price"]) if "price" in given else ("", Decimal(0), None)
    if "benchmark" in given:
        formula, weight, benchmark = BENCHMARK, HUNDRED, _benchmark(given["benchmark"])
    if method == COMPREHENSIVE and (total := weight + sum(share for _, share in criteria)) != HUNDRED:
        raise _bad("criteria", why=f"the weights add up to {total}, not to 100")
    names = tuple(name for name, _ in criteria)
    terms = Terms(
        method,
        criteria,
        adjustments,
        formula,
        weight,
        benchmark,
        _whole("seats", given.get("seats", 0), 0, 99),
        None if "drop_from" not in given else _whole("drop_from", given["drop_from"], 3, 99),
        _whole("places", given.get("places", 0), 0, 4),
        _ties(given.get("ties", []), (PRICE, *names)),
        _small_firm(given["small_firm"]) if "small_firm" in given else None,
        _abnormal(given["abnormal"]) if "abnormal" in given else None,
        given.get("object"),
    )
    if terms.object not in (None, "goods", "services", "works"):
        raise _bad("object", why="it is goods, services or works")
    if bool(terms.rated) != bool(terms.seats):
        raise _bad("seats", why="there are seats exactly where something is rated")
    if terms.drop_from is not None and not terms.rated:
        raise _bad("drop_from", why="nothing is rated")
    return terms


def check_parameters(
    method: str,
    regime: Regime,
    direction: str,
    parameters: Mapping[str, Any],
    schema: Mapping[str, Any] | None = None,
) -> None:
    """Refuse a notice whose method or parameters the law does not let it have, or that leaves a choice open.

    `schema`: the opening schema, where it is known: it must carry the field of the small-firm deduction.
    Raises Refused E-METHOD, E-PARAMETERS, E-PRICE-FORMULA, E-PRICE-WEIGHT, E-NO-ADJUSTMENT, E-SEATS, E-DROPPED,
    E-DEDUCTION, E-TIES.
    """
    if method not in regime.methods or not fits(method, direction):
        raise Refused("E-METHOD", regime=regime.id, direction=direction, method=method)
    terms = read(method, parameters)
    if terms.formula and PRICE_FORMULAS[terms.formula] != direction:
        raise _bad("price", why="the price score does not go in this direction")
    if regime.id == "gov" and terms.formula and terms.formula != SCORES.get(str(GP_37.value)):
        raise Refused("E-PRICE-FORMULA", ONE_FORMULA, formula=terms.formula)
    if regime.id != "works" and terms.benchmark is not None:
        raise Refused("E-PRICE-FORMULA", formula=terms.formula)
    if regime.id != "works" and terms.drop_from is not None:
        raise Refused("E-DROPPED", ONE_FORMULA if regime.id == "gov" else None)
    if regime.id != "gov" and terms.small_firm is not None:
        raise Refused("E-DEDUCTION", regime=regime.id)
    if regime.id == "gov":
        _government(terms)
    panel = dict(regime.panel)
    if terms.rated and (terms.seats < panel.get("min", 1) or (panel.get("odd") and terms.seats % 2 == 0)):
        law = Article("财政部令87号", 47) if regime.id == "gov" else Article("招标投标法", 37)
        raise Refused("E-SEATS", law, seats=terms.seats, needed=int(panel.get("min", 1)))
    if schema is not None and terms.small_firm is not None:
        told = schema.get(terms.small_firm.field)
        if not isinstance(told, Mapping) or (told.get("kind"), told.get("min"), told.get("max")) != ("int", 0, 1):
            raise _bad("small_firm", why="the opening has no such field of kind int, 0 to 1")


def _government(terms: Terms) -> None:
    """What 财政部令87号 adds: 54 (no adjustment of a price), 55 (weight and formula of it), 57 (ties)."""
    if terms.adjustments:
        raise Refused("E-NO-ADJUSTMENT", LOWEST_IN_GOV)
    if terms.method == COMPREHENSIVE:
        if terms.object not in ("goods", "services"):
            raise _bad("object", why="government procurement says whether it buys goods or services")
        least = GP_36.number(terms.object)
        if terms.price_weight < least:
            raise Refused("E-PRICE-WEIGHT", ONE_FORMULA, weight=terms.price_weight, needed=least, object=terms.object)
        if terms.ties[:1] != (PRICE,):
            raise Refused("E-TIES", Article("财政部令87号", 57))


def remarks(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of unchecked rules that a notice does not keep: shown with it, and never in its way.

    N-14 (财库〔2022〕19号, seen in secondary pages only) bounds a small firm's deduction.
    """
    told = parameters.get("small_firm")
    rate = figure(told.get("rate")) if isinstance(told, Mapping) else None
    low, high = (Decimal(N_14.number(f"goods_services_{end}")) for end in ("from", "to"))
    return (N_14.id,) if rate is not None and not low <= rate <= high else ()


def is_small_firm(parameters: Mapping[str, Any], opening: Mapping[str, Any] | None) -> bool:
    """Whether an opened bid declared itself one (1 in the field that the notice names), where the notice deducts at all."""
    named = parameters.get("small_firm")
    if not isinstance(named, Mapping) or opening is None:
        return False
    told = opening.get(str(named.get("field")))
    return type(told) is int and told == 1


# ---- reading, field by field


def _bad(field: str, *, why: str) -> Refused:
    return Refused("E-PARAMETERS", CRITERIA_IN_DOCUMENTS, field=field, why=why)


def _exactly(field: str, value: Any, must: set[str], may: frozenset[str] = frozenset()) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not must <= set(value) <= must | may:
        raise _bad(field, why=f"it is an object with {', '.join(sorted(must))}")
    return value


def _whole(field: str, value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise _bad(field, why=f"it is a whole number from {least} to {most}")
    return value


def _decimal(field: str, value: Any, least: Decimal, most: Decimal) -> Decimal:
    read = figure(value, signed=True)
    if read is None or not least <= read <= most:
        raise _bad(field, why=f"it is a decimal in text from {least} to {most}")
    return read


def _percent(field: str, value: Any) -> Decimal:
    """More than 0 and less than 100."""
    read = _decimal(field, value, Decimal(0), HUNDRED)
    if read in (0, HUNDRED):
        raise _bad(field, why="it lies between 0 and 100")
    return read


def _id(field: str, value: Any, taken: set[str]) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value) or value in taken | {PRICE}:
        raise _bad(field, why="an id is a small letter, then small letters, digits or _, once each, and not price")
    return value


def _listed(field: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > 64:
        raise _bad(field, why="it is a list")
    return value


def _criteria(value: Any) -> tuple[tuple[str, Decimal], ...]:
    if value is None:
        return ()
    found: dict[str, Decimal] = {}
    for one in _listed("criteria", value):
        told = _exactly("criteria", one, {"id", "weight"}, frozenset({"name"}))
        found[_id("criteria", told["id"], set(found))] = _percent("criteria", told["weight"])
    if not found:
        raise _bad("criteria", why="it is a list")
    return tuple(found.items())


def _adjustments(value: Any) -> tuple[Adjustment, ...]:
    found: dict[str, Adjustment] = {}
    for one in _listed("adjustments", value):
        if not isinstance(one, Mapping) or ("fen" in one) == ("percent" in one):
            raise _bad("adjustments", why="each has either fen or percent for a unit")
        unit = "fen" if "fen" in one else "percent"
        told = _exactly("adjustments", one, {"id", "max", unit}, frozenset({"name"}))
        name = _id("adjustments", told["id"], set(found))
        found[name] = Adjustment(
            name,
            _decimal("adjustments", told["max"], Decimal(1), HUNDRED),
            _whole("adjustments", told["fen"], 1, 10**15) if unit == "fen" else None,
            _percent("adjustments", told["percent"]) if unit == "percent" else None,
        )
    return tuple(found.values())


def _price(value: Any) -> tuple[str, Decimal, Benchmark | None]:
    told = _exactly("price", value, {"formula", "weight"}, frozenset({"benchmark"}))
    formula = told["formula"]
    if not isinstance(formula, str) or formula not in PRICE_FORMULAS:
        raise _bad("price", why="no such formula of a price score")
    if (formula == BENCHMARK) != ("benchmark" in told):
        raise _bad("price", why="a benchmark is declared exactly where the formula has one")
    benchmark = _benchmark(told["benchmark"]) if formula == BENCHMARK else None
    return formula, _percent("price", told["weight"]), benchmark


def _benchmark(value: Any) -> Benchmark:
    told = _exactly("benchmark", value, {"trim", "float", "above", "below", "floor", "base_of"})
    trims: list[Trim] = []
    for one in _listed("trim", told["trim"]):
        row = _exactly("trim", one, {"from", "highest", "lowest"})
        start = _whole("trim", row["from"], 2, 999)
        trims.append(Trim(start, _whole("trim", row["highest"], 0, 99), _whole("trim", row["lowest"], 0, 99)))
        if trims[-1].highest + trims[-1].lowest >= start:
            raise _bad("trim", why="it would drop every price")
    if [one.start for one in trims] != sorted({one.start for one in trims}):
        raise _bad("trim", why="its rows rise")
    if told["base_of"] not in ("standing", "opened"):
        raise _bad("base_of", why="it is standing or opened")
    hundred = HUNDRED
    return Benchmark(
        tuple(trims),
        _decimal("float", told["float"], Decimal(-50), Decimal(50)),
        _decimal("above", told["above"], Decimal(0), hundred),
        _decimal("below", told["below"], Decimal(0), hundred),
        _decimal("floor", told["floor"], Decimal(0), hundred),
        told["base_of"],
    )


def _ties(value: Any, known: tuple[str, ...]) -> tuple[str, ...]:
    ties = _listed("ties", value)
    if any(one not in known for one in ties) or len(set(ties)) != len(ties):
        raise _bad("ties", why="it names price and criteria, each once")
    return tuple(ties)


def _small_firm(value: Any) -> SmallFirm:
    told = _exactly("small_firm", value, {"rate", "field"})
    if not isinstance(told["field"], str) or not _ID.fullmatch(told["field"]) or told["field"] == PRICE:
        raise _bad("small_firm", why="the opening has no such field of kind int, 0 to 1")
    return SmallFirm(_percent("small_firm", told["rate"]), told["field"])


def _abnormal(value: Any) -> Abnormal:
    told = _exactly("abnormal", value, set(), frozenset({"below_mean", "below_next"}))
    mean, following = told.get("below_mean"), told.get("below_next")
    if mean is None and following is None:
        raise _bad("abnormal", why="it has below_mean, below_next or both")
    return Abnormal(
        None if mean is None else _percent("abnormal", mean),
        None if following is None else _percent("abnormal", following),
    )
