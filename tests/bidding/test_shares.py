"""Shares: every k of n give the key back, fewer say nothing."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from bidding import shares

CK = bytes(range(32))
CTX = bytes(32)
key = st.binary(min_size=32, max_size=32)


def test_the_field_is_the_one_of_aes() -> None:
    assert shares.multiply(0x57, 0x83) == 0xC1  # FIPS 197 §4.2
    assert all(shares.multiply(a, shares.divide(1, a)) == 1 for a in range(1, 256))
    assert shares.multiply(0, 7) == shares.divide(0, 7) == 0


@given(key, key, st.data())
def test_any_k_of_n_open_and_any_fewer_do_not(ck: bytes, ctx: bytes, data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 9))
    k = data.draw(st.integers(2, n))
    parts = shares.split(ck, ctx, k, n)
    everybody = list(range(1, n + 1))
    chosen = data.draw(st.lists(st.sampled_from(everybody), unique=True, min_size=k, max_size=n))
    assert shares.combine({i: parts[i - 1] for i in chosen}) == ck
    fewer = data.draw(st.lists(st.sampled_from(everybody), unique=True, min_size=k - 1, max_size=k - 1))
    assert shares.combine({i: parts[i - 1] for i in fewer}) != ck


def test_every_subset_of_every_size() -> None:
    for n in range(2, 10):
        for k in range(2, n + 1):
            parts = shares.split(CK, CTX, k, n)
            for chosen in combinations(range(1, n + 1), k):
                assert shares.combine({i: parts[i - 1] for i in chosen}) == CK
            for chosen in combinations(range(1, n + 1), k - 1):
                assert shares.combine({i: parts[i - 1] for i in chosen}) != CK


def test_a_share_alone_says_nothing_about_the_key() -> None:
    """For k = 2 and one share, every key is possible: the other coefficient is derived, so count over a small field."""
    parts = shares.split(CK, CTX, 2, 3)
    possible = {shares.combine({1: parts[0], 2: bytes([b]) * 32})[0] for b in range(256)}
    assert len(possible) == 256


def test_shares_depend_on_the_context() -> None:
    assert shares.split(CK, CTX, 2, 3) != shares.split(CK, b"\1" * 32, 2, 3)
