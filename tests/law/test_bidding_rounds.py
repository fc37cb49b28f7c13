"""网上竞价: the hammer, the increment, the extension and the reserve, by people with names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Refused
from trading.law.bidding_rounds import BELOW, SOLD, Bid, Reserve, State, Terms, check_terms, close, judge

pytestmark = pytest.mark.pure
NOON = datetime(2026, 5, 6, 4, 0, tzinfo=UTC)
LI, WANG = 1, 2
TERMS = Terms(2, 1_000_000, 50_000, NOON, NOON + timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=5))


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def refused(bid: Bid, state: State, now: datetime) -> str:
    with pytest.raises(Refused) as no:
        judge(bid, state, now)
    return no.value.code


def test_li_and_wang_outbid_each_other() -> None:
    state = judge(Bid(LI, 1_050_000), State.begin(TERMS), at(1)).state
    heard = judge(Bid(WANG, 1_100_000), state, at(2))
    assert (heard.state.standing, heard.state.number, heard.extended) == (1_100_000, WANG, None)
    assert dict(heard.state.best) == {LI: 1_050_000, WANG: 1_100_000}


def test_a_bid_is_the_standing_one_and_the_increment() -> None:
    state = State.begin(TERMS)
    assert refused(Bid(LI, 1_049_999), state, at(1)) == "E-AUCTION-LOW"
    state = judge(Bid(LI, 1_050_000), state, at(1)).state
    assert refused(Bid(LI, 1_050_000), state, at(1)) == "E-AUCTION-LOW"  # the same bid given again


def test_before_the_opening_and_after_the_hammer_nothing_is_taken() -> None:
    state = State.begin(TERMS)
    assert refused(Bid(LI, 2_000_000), state, at(-0.001)) == "E-AUCTION-WAITING"
    assert judge(Bid(LI, 2_000_000), state, at(60)).state.number == LI  # at the very instant
    assert refused(Bid(LI, 2_000_000), state, at(60) + timedelta(microseconds=1)) == "E-HAMMER"


def test_only_numbers_of_the_list_bid() -> None:
    for number in (0, -1, 3):
        assert refused(Bid(number, 2_000_000), State.begin(TERMS), at(1)) == "E-AUCTION-NUMBER"


def test_the_clock_never_runs_back() -> None:
    state = judge(Bid(LI, 1_050_000), State.begin(TERMS), at(3)).state
    assert refused(Bid(WANG, 1_100_000), state, at(2)) == "E-AUCTION-CLOCK"


def test_a_bid_within_the_window_makes_the_hammer_wait() -> None:
    state = State.begin(TERMS)
    assert judge(Bid(LI, 1_050_000), state, at(54.9)).extended is None
    heard = judge(Bid(LI, 1_050_000), state, at(58))
    assert heard.extended == heard.state.hammer == at(63)
    again = judge(Bid(WANG, 1_100_000), heard.state, at(62))
    assert again.state.hammer == at(67)


def test_the_reserve_is_told_after_the_hammer() -> None:
    reserve = Reserve(1_200_000, "ab" * 32)
    terms = Terms(
        2, 1_000_000, 50_000, NOON, at(60), timedelta(), timedelta(), reserve.commitment, timedelta(minutes=30)
    )
    low = judge(Bid(LI, 1_100_000), State.begin(terms), at(1)).state
    high = judge(Bid(LI, 1_200_000), State.begin(terms), at(1)).state
    assert close(low, at(61), reserve).outcome == BELOW
    assert close(high, at(61), reserve).outcome == SOLD
    for now, told, code in (
        (at(60), reserve, "E-AUCTION-OPEN"),
        (at(61), None, "E-AUCTION-REVEAL"),
        (at(61), Reserve(1, "ab" * 32), "E-AUCTION-RESERVE"),
    ):
        with pytest.raises(Refused) as no:
            close(low, now, told)
        assert no.value.code == code
    assert close(low, at(90.1)).outcome == SOLD  # who does not reveal has no reserve


def test_nobody_bids_and_the_sealed_prices_decide() -> None:
    assert close(State.begin(TERMS), at(61)).number is None


def test_terms_that_make_no_auction() -> None:
    check_terms(TERMS, at(-1))
    with pytest.raises(Refused):
        check_terms(TERMS, at(1))


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(900_000, 3_000_000), st.floats(0, 90)), max_size=40))
def test_whatever_is_said_prices_rise_and_the_last_bid_wins(said: list[tuple[int, int, float]]) -> None:
    state, taken = State.begin(TERMS), []
    for number, price, minute in sorted(said, key=lambda one: one[2]):
        try:
            state = judge(Bid(number, price), state, at(minute)).state
        except Refused:
            continue
        taken.append((number, price))
    assert all(later[1] - sooner[1] >= TERMS.increment for sooner, later in pairwise(taken))
    ending = close(state, state.hammer + timedelta(seconds=1))
    assert (ending.number, ending.price) == (taken[-1] if taken else (None, TERMS.start))
    assert state.hammer >= TERMS.hammer
