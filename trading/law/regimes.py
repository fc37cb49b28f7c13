"""The procedures side by side: what is bought or sold under which rules. A new regime is one value here and one journey."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from audit.refusal import Refused
from trading.law import statutes as s
from trading.law.article import Op, Rule, Status

BUY, SELL = "buy", "sell"
LOWEST, HIGHEST = "lowest-price/v1", "highest-price/v1"
EVALUATED, COMPREHENSIVE, BENCHMARK = "evaluated-lowest/v1", "comprehensive/v1", "benchmark-mean/v1"
"""Methods of award (trading/law/methods). Benchmarks are for works alone: 财政部令87号 55 scores by the lowest price only;
land and mineral rights by tender may rate (招标投标法 41), state property goes to the price."""


@dataclass(frozen=True)
class Regime:
    """One procedure. `directions` says whether it buys (lower is better) or sells; `methods` how it may award."""

    id: str
    zh: str
    en: str
    directions: tuple[str, ...]
    methods: tuple[str, ...]
    rules: tuple[Rule, ...]
    panel: tuple[tuple[str, int | bool], ...] = ()

    def rule(self, id: str) -> Rule:
        """One of its rules. Raises KeyError: asking for a rule a regime does not have is our mistake."""
        return next(rule for rule in self.rules if rule.id == id)

    def has(self, id: str) -> bool:
        """Whether it has that rule."""
        return any(rule.id == id for rule in self.rules)

    def periods(self, since: str, until: str) -> tuple[Rule, ...]:
        """Its checked shortest periods between two events; an unchecked rule never blocks."""
        return tuple(
            r
            for r in self.rules
            if r.op is Op.MIN and (r.since, r.until) == (since, until) and r.status is Status.CHECKED
        )

    def _bound(self, op: Op, until: str) -> tuple[Rule, ...]:
        return tuple(r for r in self.rules if r.op is op and r.until == until and r.status is Status.CHECKED)

    @property
    def min_bids(self) -> int:
        """How many distinct bidders it takes to open: the box of fewer stays shut."""
        return max((r.count for r in self._bound(Op.MIN_COUNT, "opening")), default=1)

    @property
    def min_qualified(self) -> int:
        """How many bids must stand after rejections for there to be a ranking."""
        return max((r.count for r in self._bound(Op.MIN_COUNT, "evaluation")), default=1)

    @property
    def max_candidates(self) -> int:
        """How many candidates may be published; 0: all of them."""
        return min((r.count for r in self._bound(Op.MAX_COUNT, "candidates")), default=0)

    def in_force(self, day: date) -> tuple[Rule, ...]:
        """Its rules that bind on a day (of the legal zone)."""
        return tuple(rule for rule in self.rules if rule.binds(day))

    def name(self, lang: str) -> str:
        """Its name in a reader's language."""
        return self.zh if lang.startswith("zh") else self.en


_COUNTING = (s.CL_01, s.CL_02, s.CL_04)
_PLATFORM = (s.OP_09, s.OP_11, s.OP_12, s.OP_13, s.OP_14, s.OP_16, s.OP_17, s.OP_19, s.OP_28)
_BIDDING = (s.WK_20, s.WK_21, s.WK_22, s.WK_24, s.WK_25, s.WK_34A)
_PANEL = (("min", 5), ("odd", True))

WORKS = Regime(
    id="works",
    zh="依法必须招标的工程建设项目",
    en="Works that must by law be tendered",
    directions=(BUY,),
    methods=(LOWEST, EVALUATED, COMPREHENSIVE, BENCHMARK),
    rules=(s.WK_06, s.WK_18, *_BIDDING, s.WK_26, s.WK_35, s.WK_38, s.WK_40, s.WK_52, s.WK_28, *_PLATFORM, *_COUNTING),
    panel=_PANEL,
)
GOV = Regime(
    id="gov",
    zh="政府采购货物和服务",
    en="Government procurement of goods and services",
    directions=(BUY,),
    methods=(LOWEST, EVALUATED, COMPREHENSIVE),
    rules=(s.GP_01, *_BIDDING, s.GP_29, s.GP_30, s.GP_33, *_PLATFORM, *_COUNTING),
    panel=_PANEL,
)
PROPERTY = Regime(
    id="property",
    zh="国有产权交易",
    en="State property rights",
    directions=(SELL,),
    methods=(HIGHEST,),
    rules=(s.PR_02, s.PR_03, *_PLATFORM, *_COUNTING),
)
"""One buyer is enough to open: 企业国有资产法 54 asks for competition where there are two or more, no more than that."""
LAND = Regime(
    id="land",
    zh="国有建设用地使用权出让（招标）",
    en="Land use rights, by tender",
    directions=(SELL,),
    methods=(HIGHEST, COMPREHENSIVE),
    rules=(s.LD_02, *_BIDDING, s.WK_26, *_PLATFORM, *_COUNTING),
)
MINERALS = Regime(
    id="minerals",
    zh="矿业权出让（招标）",
    en="Mineral rights, by tender",
    directions=(SELL,),
    methods=(HIGHEST, COMPREHENSIVE),
    rules=(s.MN_01, s.MN_03, *_BIDDING, s.WK_26, *_PLATFORM, *_COUNTING),
)
SOURCE_LAW = Regime(
    id="source-law",
    zh="按来源公布的程序",
    en="As the source's own law had it",
    directions=(BUY, SELL),
    methods=(LOWEST, HIGHEST, EVALUATED, COMPREHENSIVE),
    rules=(s.SL_01,),
)
"""Published trades of other places, run as they were run: one bid is enough, periods as the source published them."""

REGIMES: dict[str, Regime] = {r.id: r for r in (WORKS, GOV, PROPERTY, LAND, MINERALS, SOURCE_LAW)}


def regime(id: str) -> Regime:
    """The regime of that name. Raises Refused E-REGIME."""
    if id not in REGIMES:
        raise Refused("E-REGIME", regime=id, known=", ".join(REGIMES))
    return REGIMES[id]


def check_terms(regime: Regime, direction: str, method: str) -> None:
    """Refuse a notice whose direction or method the regime does not have (E-DIRECTION, E-METHOD)."""
    if direction not in regime.directions:
        raise Refused("E-DIRECTION", regime=regime.id, direction=direction)
    if method not in regime.methods or (method != COMPREHENSIVE and (direction == SELL) != (method == HIGHEST)):
        raise Refused("E-METHOD", regime=regime.id, direction=direction, method=method)
