"""Expected against observed draws: worked by hand, and on draws that were steered."""

from __future__ import annotations

import random
from itertools import product
from math import isclose, prod

import pytest

from experts.fairness import (
    Drawn,
    band,
    drawn_often,
    expected_draws,
    holm,
    hypergeometric,
    met_often,
    poisson_binomial,
)


def test_the_sum_of_unequal_chances_is_exact() -> None:
    chances = [0.1, 0.5, 0.25]
    by_hand = [0.0] * 4
    for way in product([0, 1], repeat=3):
        by_hand[sum(way)] += prod(c if hit else 1 - c for c, hit in zip(chances, way, strict=True))
    assert all(isclose(one, other) for one, other in zip(poisson_binomial(chances), by_hand, strict=True))
    assert poisson_binomial([]) == [1.0]


def test_equal_chances_are_binomial() -> None:
    """Ten draws of five of fifty: 0.9^10 = 34.87 % are never called."""
    told = poisson_binomial([0.1] * 10)
    assert isclose(told[0], 0.9**10) and isclose(sum(told), 1)
    assert band(told) == (0, 3), "P(X > 3) is 1.28 %, P(X > 2) is 7.02 %"


def test_an_expert_beside_expectation() -> None:
    everybody = frozenset(f"E{n}" for n in range(10))
    draws = [Drawn(everybody, frozenset({"E1", "E2"}))] * 3 + [Drawn(frozenset({"E1", "E3"}), frozenset({"E1"}))]
    told = {share.expert: share for share in expected_draws(draws)}
    assert (told["E1"].pools, told["E1"].observed) == (4, 4)
    assert isclose(told["E1"].expected, 3 * 0.2 + 0.5)
    assert isclose(told["E1"].p, 0.2**3 * 0.5)
    assert (told["E4"].pools, told["E4"].observed, told["E4"].low, told["E4"].high) == (3, 0, 0, 2)
    assert told["E4"].inside and not told["E1"].inside


def test_called_without_being_in_the_pool_is_no_draw() -> None:
    with pytest.raises(ValueError, match="pool"):
        Drawn(frozenset({"a"}), frozenset({"b"}))


def fair(dice: random.Random, times: int, favourite: str = "") -> list[Drawn]:
    """Five of sixty; the favourite, if there is one, comes every second time whatever the lot says."""
    experts = [f"E{n:02}" for n in range(60)]
    draws = []
    for turn in range(times):
        called = dice.sample(experts, 5)
        if favourite and turn % 2 and favourite not in called:
            called[0] = favourite
        draws.append(Drawn(frozenset(experts), frozenset(called)))
    return draws


def test_of_honest_draws_nobody_stands_out() -> None:
    """Of a hundred worlds without a cheat at most about five name somebody; the seeds are fixed, so this never flickers."""
    named = sum(bool(drawn_often(fair(random.Random(seed), 60))) for seed in range(100))
    assert named <= 5


def test_a_favourite_stands_out_alone() -> None:
    told = drawn_often(fair(random.Random(7), 60, favourite="E33"))
    assert [share.expert for share in told] == ["E33"]
    assert told[0].observed > told[0].high and told[0].p < 1e-9


def test_the_band_holds_what_it_says() -> None:
    shares = [share for seed in range(20) for share in expected_draws(fair(random.Random(seed), 60))]
    assert sum(share.inside for share in shares) / len(shares) >= 0.95


def test_meeting_by_chance_is_hypergeometric() -> None:
    """Of ten tenders an expert sat in four, a firm bid in three: that they met in all three is 4·3·2 / (10·9·8) = 1/30."""
    assert isclose(hypergeometric(10, 4, 3, 3), 1 / 30)
    assert isclose(hypergeometric(10, 4, 3, 0), 1)


def test_a_pair_beyond_chance() -> None:
    dice = random.Random(3)
    firms, experts = [f"F{n}" for n in range(8)], [f"E{n:02}" for n in range(30)]
    bidders = {f"T{n}": frozenset(dice.sample(firms, 3)) for n in range(80)}
    panels = {tender: frozenset(dice.sample(experts, 5)) for tender in bidders}
    assert met_often(panels, bidders) == []
    friends = {t: frozenset([*sorted(p)[1:], "E00"]) if "F1" in bidders[t] else p - {"E00"} for t, p in panels.items()}
    (pair,) = [one for one in met_often(friends, bidders) if one.p < 1e-6]
    assert (pair.expert, pair.bidder) == ("E00", "F1") and pair.together > 2 * pair.expected


def test_many_comparisons_are_corrected() -> None:
    found = [("a", 0.001), ("b", 0.02), ("c", 0.04), ("d", 0.5)]
    assert [what for what, _ in holm(found)] == ["a"], "0.02 > 0.05 / 3"
    assert holm(found, looked=100) == [], "of a hundred one in a thousand is nothing"
    assert [what for what, _ in holm(found[:1])] == ["a"]
