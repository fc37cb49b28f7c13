"""The procedures side by side: what is bought or sold under which rules. A new regime is one value here and one journey."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from audit.refusal import Refused
from trading.law.article import Op, Rule
from trading.law.rules import calendar as c
from trading.law.rules import gov as g
from trading.law.rules import platform as p
from trading.law.rules import sales as x
from trading.law.rules import unchecked as u
from trading.law.rules import works as w

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
    region: str = ""
    """The region laid over it (`trading/law/regions.py`); "": none."""

    def rule(self, id: str) -> Rule:
        """One of its rules. Raises KeyError: asking for a rule a regime does not have is our mistake."""
        return next(rule for rule in self.rules if rule.id == id)

    def has(self, id: str) -> bool:
        """Whether it has that rule."""
        return any(rule.id == id for rule in self.rules)

    def find(self, op: Op, since: str, until: str) -> tuple[Rule, ...]:
        """Its checked rules of one kind between two events, local ones too: ask so, and a tighter one is not missed."""
        return tuple(r for r in self.rules if r.op is op and (r.since, r.until) == (since, until) and r.checked)

    def _bound(self, op: Op, until: str) -> tuple[Rule, ...]:
        return tuple(r for r in self.rules if r.op is op and r.until == until and r.checked)

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
        """Its checked rules that bind on a day (of the legal zone)."""
        return tuple(rule for rule in self.rules if rule.checked and rule.binds(day))

    def unchecked(self, day: date) -> tuple[Rule, ...]:
        """What is said to bind on a day and nobody has read: shown at an announcement, never blocking."""
        return tuple(rule for rule in self.rules if not rule.checked and rule.binds(day))

    def name(self, lang: str) -> str:
        """Its name in a reader's language."""
        return self.zh if lang.startswith("zh") else self.en


_COUNTING = (c.CL_01, c.CL_02, c.CL_03, c.CL_04)
_PLATFORM = (
    p.OP_08, p.OP_09, p.OP_11, p.OP_12, p.OP_13, p.OP_14, p.OP_16, p.OP_17, p.OP_19, p.OP_21, p.OP_22, p.OP_24,
    p.OP_25, p.OP_28, p.PD_03, u.N_16, u.N_17,
)  # fmt: skip
_BIDDING = (w.WK_20, w.WK_21, w.WK_22, w.WK_23, w.WK_24, w.WK_25, w.WK_34A)
_PANEL = (("min", 5), ("odd", True))
ADMITTED_DAYS = 7
"""How many days an expert has been on the roster before a draw, where no rulebook says otherwise (`panel.admitted_days`):
nobody is admitted for a panel that is about to be drawn (draw.md §1)."""

WORKS = Regime(
    id="works",
    zh="依法必须招标的工程建设项目",
    en="Works that must by law be tendered",
    directions=(BUY,),
    methods=(LOWEST, EVALUATED, COMPREHENSIVE, BENCHMARK),
    rules=(
        w.WK_02, w.WK_03, w.WK_04, w.WK_05, w.WK_06, w.WK_07, w.WK_08, w.WK_09, w.WK_10, w.WK_11, w.WK_12, w.WK_13,
        w.WK_14, w.WK_15, w.WK_16, w.WK_17, w.WK_18, w.WK_19, *_BIDDING, w.WK_26, w.WK_27, w.WK_28, w.WK_29, w.WK_30,
        w.WK_31, w.WK_32, w.WK_33, w.WK_34, w.WK_35, w.WK_36, w.WK_37, w.WK_38, w.WK_39, w.WK_40, w.WK_41, w.WK_42, w.WK_43,
        w.WK_44, w.WK_45, w.WK_46, w.WK_47, w.WK_48, w.WK_49, w.WK_50, w.WK_51, w.WK_52, w.WK_53, w.SE_01, *_PLATFORM,
        *_COUNTING, u.WK_55, u.N_12, u.N_13,
    ),
    panel=_PANEL,
)  # fmt: skip
GOV = Regime(
    id="gov",
    zh="政府采购货物和服务",
    en="Government procurement of goods and services",
    directions=(BUY,),
    methods=(LOWEST, EVALUATED, COMPREHENSIVE),
    rules=(
        g.GP_01, g.GP_02, g.GP_03, g.GP_04, g.GP_05, g.GP_07, g.GP_08, g.GP_09, g.GP_10, g.GP_11, g.GP_12, g.GP_13,
        g.GP_14, g.GP_15, g.GP_16, g.GP_17, g.GP_18, g.GP_19, g.GP_20, g.GP_21, g.GP_22, g.GP_23, g.GP_24, g.GP_25, g.GP_26,
        g.GP_27, g.GP_28, g.GP_29, g.GP_30, g.GP_32, g.GP_33, g.GP_34, g.GP_35, g.GP_36, g.GP_37, g.GP_39, g.GP_40,
        g.GP_43, g.GP_45, g.GP_46, *_BIDDING, *_PLATFORM, *_COUNTING, c.CL_05, u.N_01, u.N_14, u.N_15,
    ),
    panel=_PANEL,
)  # fmt: skip
PROPERTY = Regime(
    id="property",
    zh="国有产权交易",
    en="State property rights",
    directions=(SELL,),
    methods=(HIGHEST,),
    rules=(x.PR_02, x.PR_03, *_PLATFORM, *_COUNTING, u.N_06, u.N_07, u.N_08, u.N_09, u.N_10),
)
"""One buyer is enough to open: 企业国有资产法 54 asks for competition where there are two or more, no more than that."""
LAND = Regime(
    id="land",
    zh="国有建设用地使用权出让（招标）",
    en="Land use rights, by tender",
    directions=(SELL,),
    methods=(HIGHEST, COMPREHENSIVE),
    rules=(x.LD_02, x.LD_03, *_BIDDING, w.WK_26, w.SE_01, *_PLATFORM, *_COUNTING, u.N_02, u.N_03, u.N_04, u.N_05),
)
MINERALS = Regime(
    id="minerals",
    zh="矿业权出让（招标）",
    en="Mineral rights, by tender",
    directions=(SELL,),
    methods=(HIGHEST, COMPREHENSIVE),
    rules=(x.MN_01, x.MN_03, x.MN_04, *_BIDDING, w.WK_26, w.SE_01, *_PLATFORM, *_COUNTING, u.N_11),
)
SOURCE_LAW = Regime(
    id="source-law",
    zh="按来源公布的程序",
    en="As the source's own law had it",
    directions=(BUY, SELL),
    methods=(LOWEST, HIGHEST, EVALUATED, COMPREHENSIVE),
    rules=(x.SL_01,),
)
"""Published trades of other places, run as they were run: one bid is enough, periods as the source published them."""

AUCTIONS: tuple[Rule, ...] = (x.AU_01, x.AU_02, x.AU_03, x.AU_04, x.AU_07)
"""What binds an auction house. No regime of ours pins them: open rounds (bidding_rounds.py) follow a sealed price, and keep
to 拍卖法 36 and 50 by themselves; AU-01 is asked for where a rulebook has it."""

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
