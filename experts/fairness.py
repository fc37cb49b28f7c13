"""Whether draws fell as chance would have it: what is expected, what was observed, and what stands out. Pure.

    rows = expected_draws(draws)          # per expert: expected, observed, the 95 % band
    often = drawn_often(draws)            # those whom chance would not favour so, however many were looked at
    pairs = met_often(panels, bidders)    # expert and bidder together beyond chance

A draw calls `called` of a specialty's pool, each with the same chance; its probabilities differ from draw to draw, so the
number of times an expert is called is a sum of independent trials of unequal chance (Poisson's binomial). Its distribution
is computed exactly, by convolution; nothing here is approximated. Nobody is accused by a number: it says where to look.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Final, TypeVar

T = TypeVar("T")

BAND: Final = 0.95
FALSE: Final = 0.05
"""How often a whole table names somebody though all was chance."""


@dataclass(frozen=True)
class Drawn:
    """One draw in one specialty: who could be called, and who was. Ids, or leaves.

    How many are called depends a little on how those who were called answered. Whoever wants it exact takes as `called` the
    first places of the order, as many as there were seats: they hang on nobody's answer.
    """

    pool: frozenset[str]
    called: frozenset[str]

    def __post_init__(self) -> None:
        """ValueError for somebody called who was not in the pool."""
        if not self.called <= self.pool:
            raise ValueError("called and not in the pool")

    @property
    def chance(self) -> float:
        """Of each member of the pool to be called."""
        return len(self.called) / len(self.pool) if self.pool else 0.0


@dataclass(frozen=True)
class Share:
    """An expert beside expectation. `low` … `high`: the narrowest central band that holds at least 95 %."""

    expert: str
    pools: int
    expected: float
    observed: int
    low: int
    high: int
    p: float
    """The chance to be called at least as often."""

    @property
    def inside(self) -> bool:
        """Whether the observed lies in the band."""
        return self.low <= self.observed <= self.high


@dataclass(frozen=True)
class Pair:
    """An expert and a bidder who met in `together` of the tenders; `p`: the chance of so many or more."""

    expert: str
    bidder: str
    together: int
    expected: float
    p: float


def poisson_binomial(chances: Iterable[float]) -> list[float]:
    """The distribution of how many of independent trials succeed: [P(0), P(1), …]. Exact, in n² steps."""
    told = [1.0]
    for chance in chances:
        told = [
            (told[k] if k < len(told) else 0.0) * (1 - chance) + (told[k - 1] * chance if k else 0.0)
            for k in range(len(told) + 1)
        ]
    return told


def band(told: Sequence[float], share: float = BAND) -> tuple[int, int]:
    """The central band: below it and above it lies at most half of the rest, each."""
    tail, below, low = (1 - share) / 2, 0.0, 0
    while low < len(told) - 1 and below + told[low] <= tail:
        below += told[low]
        low += 1
    above, high = 0.0, len(told) - 1
    while high > low and above + told[high] <= tail:
        above += told[high]
        high -= 1
    return low, high


def expected_draws(draws: Iterable[Drawn]) -> list[Share]:
    """Every expert who was in a pool, by id: how often it was called and how often it might have been."""
    chances: dict[str, list[float]] = defaultdict(list)
    observed: Counter[str] = Counter()
    for one in draws:
        for expert in one.pool:
            chances[expert].append(one.chance)
        observed.update(one.called)
    shares = []
    known: dict[tuple[float, ...], tuple[list[float], tuple[int, int]]] = {}
    for expert, given in sorted(chances.items()):
        key = tuple(sorted(given))
        if key not in known:  # most of a roster stands in the same pools
            told = poisson_binomial(key)
            known[key] = told, band(told)
        told, (low, high) = known[key]
        p = min(1.0, sum(told[observed[expert] :]))
        shares.append(Share(expert, len(given), sum(given), observed[expert], low, high, p))
    return shares


def drawn_often(draws: Iterable[Drawn], false: float = FALSE) -> list[Share]:
    """Those called more often than chance explains, the most unlikely first.

    Holm's correction: among all that are looked at somebody is named wrongly with a chance of at most `false`.
    """
    shares = expected_draws(draws)
    return [share for share, _ in holm([(share, share.p) for share in shares], false)]


def met_often(
    panels: Mapping[str, frozenset[str]], bidders: Mapping[str, frozenset[str]], false: float = FALSE
) -> list[Pair]:
    """Pairs of expert and bidder that met in more tenders than chance explains, the most unlikely first.

    Of `n` tenders an expert sat in `a` and a bidder bid in `b`; that they met in so many or more is hypergeometric: the `a`
    tenders are any of the `n`. Keys are tenders; a tender that only one of the two mappings has is left out.
    """
    tenders = sorted(panels.keys() & bidders.keys())
    sat: Counter[str] = Counter(expert for tender in tenders for expert in panels[tender])
    bid: Counter[str] = Counter(bidder for tender in tenders for bidder in bidders[tender])
    met: Counter[tuple[str, str]] = Counter(
        (expert, bidder) for tender in tenders for expert in panels[tender] for bidder in bidders[tender]
    )
    pairs = [
        Pair(
            expert,
            bidder,
            together,
            sat[expert] * bid[bidder] / len(tenders),
            hypergeometric(len(tenders), sat[expert], bid[bidder], together),
        )
        for (expert, bidder), together in sorted(met.items())
    ]
    # pairs that never met were looked at too
    return [pair for pair, _ in holm([(pair, pair.p) for pair in pairs], false, len(sat) * len(bid))]


def hypergeometric(n: int, a: int, b: int, least: int) -> float:
    """The chance that `a` and `b` of `n` have at least `least` in common."""
    whole = comb(n, a)
    return sum(comb(b, k) * comb(n - b, a - k) for k in range(least, min(a, b) + 1)) / whole


def holm(found: Sequence[tuple[T, float]], false: float = FALSE, looked: int = 0) -> list[tuple[T, float]]:
    """Of (what, p) those that stand out of `looked` comparisons (at least as many as are given), the smallest p first."""
    count, told = max(looked, len(found)), []
    for place, one in enumerate(sorted(found, key=lambda pair: pair[1])):
        if one[1] > false / (count - place):
            break
        told.append(one)
    return told
