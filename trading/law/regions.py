"""Regions: local rules laid over a regime. They may only tighten; a looser local row loses and is reported.

overlay(WORKS, "ningbo").rules    # the regime's own rules and those of Ningbo that stand
conflicts(WORKS, "ningbo")        # the rows of Ningbo that lost, each with the national rule it loses to
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from audit.refusal import Refused
from trading.law.article import Op, Rule
from trading.law.regimes import Regime
from trading.law.rules import local, unchecked


@dataclass(frozen=True)
class Region:
    """A place with rules of its own, and the regimes they speak of."""

    id: str
    zh: str
    en: str
    rules: tuple[tuple[Rule, tuple[str, ...]], ...]
    """Each rule with the ids of the regimes it binds in."""

    def name(self, lang: str) -> str:
        """Its name in a reader's language."""
        return self.zh if lang.startswith("zh") else self.en

    def of(self, regime: Regime) -> tuple[Rule, ...]:
        """Its rules for a regime, before anybody asked whether they stand."""
        return tuple(rule for rule, regimes in self.rules if regime.id in regimes)


@dataclass(frozen=True)
class Conflict:
    """A local row that lost, and the rule it loses to: a lower text may not loosen a higher one."""

    lost: Rule
    stands: Rule


TENDERS = ("works", "gov", "land", "minerals")
EVERY = (*TENDERS, "property")

NINGBO = Region("ningbo", "宁波市", "Ningbo", ((local.NB_08, EVERY), (local.NB_09, EVERY)))
PUYANG = Region(
    "puyang",
    "濮阳市",
    "Puyang",
    ((local.PY_03, TENDERS), (local.PY_04, EVERY), (local.PY_05, EVERY), (unchecked.HN_01, ("works",))),  # in Henan
)
CHONGQING = Region(
    "chongqing",
    "重庆市",
    "Chongqing",
    ((local.SE_04, ("works",)), (local.RT_01, ("works",)), (local.CQ_01, ("works",))),
)

REGIONS: Mapping[str, Region] = MappingProxyType({one.id: one for one in (NINGBO, PUYANG, CHONGQING)})


def region(id: str) -> Region:
    """The region of that name. Raises Refused E-REGION."""
    if id not in REGIONS:
        raise Refused("E-REGION", region=id, known=", ".join(REGIONS))
    return REGIONS[id]


def overlay(regime: Regime, place: str | Region) -> Regime:
    """The regime with what a region adds; "" is no region. A local row that would loosen is left out.

    Raises Refused E-REGION for a region we do not know.
    """
    if place == "":
        return regime
    there = region(place) if isinstance(place, str) else place
    lost = {one.lost.id for one in conflicts(regime, there)}
    added = tuple(rule for rule in there.of(regime) if rule.id not in lost and not regime.has(rule.id))
    return replace(regime, rules=(*regime.rules, *added), region=there.id)


def conflicts(regime: Regime, place: str | Region) -> tuple[Conflict, ...]:
    """The local rows that would loosen a rule of the regime, each with that rule. Raises Refused E-REGION."""
    if place == "":
        return ()
    there = region(place) if isinstance(place, str) else place
    return tuple(
        Conflict(ours, theirs)
        for ours in there.of(regime)
        for theirs in regime.rules
        if theirs.checked
        and theirs.level is not ours.level
        and speaks_of_the_same(ours, theirs)
        and loosens(ours, theirs)
    )


_OPPOSITE = {Op.MAY: Op.MUST_NOT, Op.MUST: Op.MUST_NOT, Op.MUST_NOT: Op.MUST}


def speaks_of_the_same(ours: Rule, theirs: Rule) -> bool:
    """Whether two rules bind the same thing between the same two moments."""
    if (ours.since, ours.until) != (theirs.since, theirs.until):
        return False
    if ours.op is theirs.op:
        return isinstance(ours.value, int) == isinstance(theirs.value, int)
    return _OPPOSITE.get(ours.op) is theirs.op and ours.value == theirs.value


def loosens(ours: Rule, theirs: Rule) -> bool:
    """Whether the lower rule asks for less than the higher one, or it cannot be shown that it does not.

    A time within which a person may act is that person's right: neither longer nor shorter (`latest`, `equal`).
    """
    if ours.op is not theirs.op:
        return True
    if not isinstance(ours.value, int) or not isinstance(theirs.value, int):
        return False
    if ours.op in (Op.MIN, Op.MIN_OR_EXTEND):
        return not _at_least(ours, theirs)
    if ours.op is Op.MAX:
        return not _at_least(theirs, ours)
    if ours.op in (Op.MIN_COUNT, Op.MIN_PCT):
        return ours.value < theirs.value
    if ours.op in (Op.MAX_COUNT, Op.MAX_PCT):
        return ours.value > theirs.value
    return (ours.value, ours.unit) != (theirs.value, theirs.unit)


_HOURS = {"小时": (1, 1), "日": (24, 24), "工作日": (24, None), "月": (28 * 24, 31 * 24), "年": (365 * 24, 366 * 24)}
"""How long one of each is: at least, and at most; a working day may be a fortnight away."""


def _at_least(longer: Rule, shorter: Rule) -> bool:
    """Whether one period is never shorter than the other, whatever the calendar."""
    if longer.unit == shorter.unit:
        return longer.count >= shorter.count
    least, most = _HOURS[longer.unit][0], _HOURS[shorter.unit][1]
    return least is not None and most is not None and longer.count * least >= shorter.count * most
