"""A hundred thousand draws are as even as chance, and a shuffle by modulo is not.

Every draw has its own secret and nonces. They come from a generator with a fixed seed, so the test says the same each time:
fresh ones fall outside [0.001, 0.999] once in five hundred runs, and then nobody would believe it. `CHANCE_SEED` in the
environment takes another seed; `fresh` takes new ones from the system.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from math import exp, lgamma, log

import pytest

from experts import draw

POOL, SEATS, DRAWS = 50, 5, 100_000
LOW, HIGH = 0.001, 0.999


def upper_gamma(a: float, x: float) -> float:
    """Q(a, x), the regularized upper incomplete gamma function: series below a + 1, continued fraction above (Lentz)."""
    if x <= 0:
        return 1.0
    front = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, 10_000):
            term *= x / (a + n)
            total += term
        return 1 - front * total
    b, c = x + 1 - a, 1e300
    d = h = 1 / b
    for n in range(1, 10_000):
        b += 2
        d, c = 1 / (n * (a - n) * d + b), b + n * (a - n) / c
        h *= d * c
    return front * h


def p_value(counts: list[int], draws: int, seats: int) -> float:
    """Of a chi-square over how often each was drawn. A draw takes `seats` distinct of the pool, so counts of one draw are
    not independent: their variance is smaller by (n − k)/(n − 1), which the statistic makes up for."""
    n = len(counts)
    expected = draws * seats / n
    statistic = sum((count - expected) ** 2 for count in counts) / expected * (n - 1) / (n - seats)
    return upper_gamma((n - 1) / 2, statistic / 2)


@pytest.mark.parametrize(
    ("freedom", "statistic", "p"),
    [(1, 3.841, 0.05), (5, 11.070, 0.05), (10, 23.209, 0.01), (30, 43.773, 0.05), (49, 66.339, 0.05), (49, 28.941, 0.99),
     (100, 149.449, 0.001)],
)  # fmt: skip
def test_the_p_value_is_that_of_the_tables(freedom: int, statistic: float, p: float) -> None:
    assert upper_gamma(freedom / 2, statistic / 2) == pytest.approx(p, rel=2e-3)


def chance() -> Callable[[], bytes]:
    """32 bytes, again and again."""
    given = os.environ.get("CHANCE_SEED", "2026")
    if given == "fresh":
        return lambda: secrets.token_bytes(32)
    state = [0]

    def next_one() -> bytes:
        state[0] += 1
        return hashlib.sha256(f"{given} {state[0]}".encode()).digest()

    return next_one


@pytest.mark.slow
def test_a_hundred_thousand_draws_are_even() -> None:
    fresh = chance()
    leaves = [draw.leaf_of(fresh()[:16], f"E{n:02}") for n in range(POOL)]
    root, place = draw.root_of(leaves), {leaf: n for n, leaf in enumerate(leaves)}
    counts, ctx = [0] * POOL, draw.draw_ctx("0" * 32, "T@8")
    for _ in range(DRAWS):
        seed = draw.seed_of(ctx, fresh(), [fresh(), fresh()], root)
        for leaf in draw.first(seed, leaves, SEATS):
            counts[place[leaf]] += 1
    assert sum(counts) == DRAWS * SEATS
    p = p_value(counts, DRAWS, SEATS)
    assert LOW <= p <= HIGH, p


@pytest.mark.slow
def test_a_shuffle_by_modulo_is_not() -> None:
    """The control: a byte modulo what is left, as it is often written. 256 is no multiple of 50: the first come a fifth more
    often."""
    fresh = chance()
    counts = [0] * POOL
    for _ in range(DRAWS):
        stream, left = hmac.digest(fresh(), b"shuffle", "sha256"), list(range(POOL))
        for byte in stream[:SEATS]:
            counts[left.pop(byte % len(left))] += 1
    assert p_value(counts, DRAWS, SEATS) < LOW


def test_the_p_value_of_even_counts_is_large_and_of_one_favourite_small() -> None:
    assert p_value([10_000] * POOL, DRAWS, SEATS) > HIGH, "too even is no chance either"
    assert p_value([11_000, *[9980] * 49], DRAWS, SEATS) < LOW
