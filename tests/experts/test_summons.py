"""The summons as a table and as a walk: every seat ends, in order, and nobody is called unreachable too soon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experts import summons as plan
from experts.draw import Need
from experts.summons import CALLING, LOST, End, Policy, Ring, Tried, Wait

T0 = datetime(2026, 11, 30, 1, tzinfo=UTC)
POLICY = Policy()
TWO, TEXT = ("sip", "aliyun_voice"), ("sip", "sms-text")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def tried(
    channel: str, start: float, end: float | None, outcome: str | None = "no_answer", proof: bool = True
) -> Tried:
    return Tried(channel, at(start), None if end is None else at(end), outcome, proof)


S1, S2, S3 = tried("sip", 0, 45), tried("sip", 105, 150), tried("sip", 270, 315)
A4 = tried("aliyun_voice", 645, 690)

TABLE: Sequence[tuple[str, Sequence[Tried], Sequence[str], bool, plan.Step]] = [
    ("first", [], TWO, False, Ring(1, "sip", T0)),
    ("it rings", [tried("sip", 0, None, None, False)], TWO, False, Wait(1, None)),
    ("second after a minute", [S1], TWO, False, Ring(2, "sip", at(105))),
    ("third after two", [S1, S2], TWO, False, Ring(3, "sip", at(270))),
    ("then another voice, ten minutes after the first", [S1, S2, S3], TWO, False, Ring(4, "aliyun_voice", at(645))),
    ("or a message at once", [S1, S2, S3], TEXT, False, Ring(4, "sms-text", at(435))),
    ("a message waits for its reply", [S1, S2, S3, tried("sms-text", 435, None, None)], TEXT, False, Wait(4, at(1035))),
    ("two channels, ten minutes", [S1, S2, S3, A4], TWO, False, End("unreachable")),
    (
        "no proof, no end",
        [S1, S2, S3, tried("aliyun_voice", 645, 690, proof=False)], TWO, False, Ring(5, "aliyun_voice", at(810)),
    ),
    (
        "nobody ever gave proof: on with whoever was asked least",
        [tried("sip", 0, 45, proof=False)] * 3 + [tried("aliyun_voice", 645, 690, proof=False)], TWO, False,
        Ring(5, "aliyun_voice", at(810)),
    ),
    (
        "a reply that says ring me",
        [S1, S2, S3, tried("sms-text", 435, 500)], TEXT, False, Ring(5, "sip", at(500)),
    ),
    ("one call once time is short", [S1], TWO, True, Ring(2, "aliyun_voice", at(645))),
    ("one call and a message", [S1], TEXT, True, Ring(2, "sms-text", at(105))),
    ("yes", [S1, tried("sip", 105, 150, "accepted")], TWO, False, End("accepted")),
    ("no", [tried("sip", 0, 20, "declined")], TWO, False, End("declined")),
    ("recused", [tried("sip", 0, 20, "conflict")], TWO, False, End("conflict")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tries", "channels", "late", "step"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_what_follows(tries: Sequence[Tried], channels: Sequence[str], late: bool, step: plan.Step) -> None:
    assert plan.following(tries, T0, channels, POLICY, late=late) == step


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [
        (S1, tried("aliyun_voice", 645, 645), True),
        (S1, tried("aliyun_voice", 600, 644.999999), False),  # a moment less than ten minutes
        (S1, tried("sip", 900, 945), False),  # one channel
        (tried("sip", 0, 45, proof=False), A4, False),  # no answer of the provider
        (S1, tried("aliyun_voice", 645, None, None), False),  # not over
    ],
)
def test_unreachable_needs_two_channels_ten_minutes_and_both_answers(first: Tried, second: Tried, holds: bool) -> None:
    assert plan.proved([first, second], POLICY.apart) is holds


@pytest.mark.parametrize(
    ("states", "count", "queue", "more", "exhausted"),
    [
        ([], 5, 40, 5, False),
        ([], 5, 3, 3, False),
        ([CALLING] * 3, 5, 3, 0, True),
        (["accepted"] * 5, 5, 40, 0, False),
        (["accepted"] * 4 + ["declined"], 5, 40, 1, False),
        (["accepted"] * 4 + ["declined"], 5, 5, 0, True),
        (["seated"] * 4 + ["removed", "no_show"], 5, 40, 1, False),
        (list(LOST), 5, 40, 5, False),
        ([], 1, 0, 0, True),
    ],
)
def test_no_more_calls_than_free_seats(
    states: Sequence[str], count: int, queue: int, more: int, exhausted: bool
) -> None:
    assert (plan.opened(states, count, queue), plan.is_exhausted(states, count, queue)) == (more, exhausted)


def test_seats_stand_in_blocks_and_the_lowest_free_one_is_taken() -> None:
    need = [Need("a08", 3), Need("b01", 2)]
    assert [list(plan.block_of(need, one.specialty)) for one in need] == [[1, 2, 3], [4, 5]]
    assert plan.free_seat(need, "a08", {1, 3, 4}) == 2
    assert plan.free_seat(need, "b01", {1, 2, 3}) == 4
    with pytest.raises(ValueError):
        plan.free_seat(need, "b01", {4, 5})
    with pytest.raises(KeyError):
        plan.block_of(need, "c02")


def test_whoever_accepts_late_has_time_to_come() -> None:
    meets = at(24 * 3600)
    assert plan.shown_up_by(T0, meets, POLICY) == meets - timedelta(minutes=15)
    assert plan.shown_up_by(meets - timedelta(hours=1), meets, POLICY) == meets + timedelta(hours=1)


@pytest.mark.parametrize(("unreachable", "all_", "told"), [(3, 10, False), (4, 10, True), (0, 0, False), (1, 3, True)])
def test_three_in_ten_are_not_more_than_thirty_percent(unreachable: int, all_: int, told: bool) -> None:
    assert plan.too_many_unreachable({"unreachable": unreachable, "accepted": all_ - unreachable}) is told


# ------------------------------------------------------------------------------------------------------------------ walks

ANSWERS = st.sampled_from(["accepted", "declined", "conflict", "no_answer", "no_answer", "no_answer", "unproved"])


class Walk:
    """A specialty whose people answer as hypothesis wishes; the dispatcher's loop without rows, lines or time of its own."""

    def __init__(self, data: st.DataObject, channels: Sequence[str], count: int, queue: int, policy: Policy) -> None:
        self.data, self.channels, self.count, self.queue, self.policy = data, channels, count, queue, policy
        self.now = T0
        self.states: list[str] = []
        self.tries: list[list[Tried]] = []
        self.since: list[datetime] = []
        self.records: list[tuple[int, str]] = []  # (place, outcome), in the order of the log
        self.late = False

    def look(self) -> None:
        for _ in range(plan.opened(self.states, self.count, self.queue)):
            self.states.append(CALLING)
            self.tries.append([])
            self.since.append(self.now)
        assert sum(state not in LOST for state in self.states) <= self.count
        for place, state in enumerate(self.states):
            if state == CALLING:
                self._try(place)
            elif state == "accepted" and self.data.draw(st.integers(0, 9)) == 0:
                self._end(place, "no_show")
                self.late = True
        self.now += timedelta(seconds=self.data.draw(st.sampled_from([1, 30, 61, 121, 601])))

    def _try(self, place: int) -> None:
        step = plan.following(self.tries[place], self.since[place], self.channels, self.policy, late=self.late)
        assert isinstance(step, Ring), step  # nothing is under way, nobody has ended
        assert step.number == len(self.tries[place]) + 1 and step.channel in self.channels
        if step.at > self.now:
            return
        said = self.data.draw(ANSWERS) if len(self.tries[place]) < 40 else "no_answer"
        outcome, proof = ("no_answer", False) if said == "unproved" else (said, True)
        took = self.policy.apart if plan.is_written(step.channel) and outcome == "no_answer" else timedelta(seconds=45)
        one = Tried(step.channel, self.now, self.now + took, outcome, proof)
        self.now = self.now + took
        if outcome == "no_answer" and plan.proved([*self.tries[place], one], self.policy.apart):
            outcome = "unreachable"
        self.tries[place].append(Tried(one.channel, one.started, one.ended, outcome, proof))
        self.records.append((place, outcome))
        if outcome != "no_answer":
            self._end(place, outcome, recorded=True)

    def _end(self, place: int, outcome: str, *, recorded: bool = False) -> None:
        self.states[place] = outcome
        if not recorded:
            self.records.append((place, outcome))


@settings(max_examples=150)
@given(
    st.data(), st.sampled_from([TWO, TEXT, ("sip", "aliyun_voice", "sms-text")]), st.integers(1, 5), st.integers(0, 12)
)
def test_every_walk_ends_in_order_and_by_its_proofs(
    data: st.DataObject, channels: Sequence[str], count: int, queue: int
) -> None:
    walk = Walk(data, channels, count, queue, POLICY)
    for _ in range(5000):
        if CALLING not in walk.states and not plan.opened(walk.states, count, queue):
            break
        walk.look()
    else:
        raise AssertionError("somebody is called for ever")
    full = sum(state not in LOST for state in walk.states) == count
    assert full or plan.is_exhausted(walk.states, count, queue)
    lost: set[int] = set()
    seen: set[int] = set()
    for place, outcome in walk.records:
        assert place not in lost, "nothing follows a loss"
        if place not in seen:
            assert len([one for one in lost if one < place]) >= place - count + 1, "draw.md §2.4"
        seen.add(place)
        if outcome in LOST:
            lost.add(place)
    assert seen == set(range(len(walk.states))), "a prefix"
    for tries in walk.tries:
        if tries and tries[-1].outcome == "unreachable":
            assert len({one.channel for one in tries if one.proof}) > 1
            assert tries[-1].ended is not None and tries[0].ended is not None
            assert tries[-1].ended - tries[0].ended >= timedelta(minutes=10)


def test_a_walk_that_calls_too_many_would_be_seen() -> None:
    """The control: one call more than seats are free breaks the order's rule."""
    states = ["accepted"] * 5
    assert plan.opened(states, 5, 9) == 0
    with pytest.raises(ValueError):
        plan.free_seat([Need("a08", 5)], "a08", {1, 2, 3, 4, 5})
