"""The summons as values: who is rung next, on which channel, when, and what has come of it. Pure: no clock, no line.

    opened(states, count)            how many more of a specialty's queue may be called now (draw.md §2.4)
    following(tries, …)              what is due for one who is called: Ring, Write, Wait, or the End of it
    shown_up_by(accepted, …)         when whoever has accepted and did not come is lost

One who is called is rung `Policy.voice_tries` times, then tried on a second channel, at least ten minutes apart from a
try before it, and only then `unreachable` (draw.md §2.5). Wrong keys and silence are no answer. All instants and spans
are log time; only `ring` is the machine's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from experts.draw import Need

CALLING, ACCEPTED, SEATED = "calling", "accepted", "seated"
LOST: Final = ("declined", "conflict", "unreachable", "no_show", "removed")
NO_ANSWER, UNREACHABLE, NO_SHOW, DECLINED = "no_answer", "unreachable", "no_show", "declined"
SAID: Final = ("accepted", "declined", "conflict")
"""What ends a summons when the person says it."""
WRITTEN: Final = ("-text", "-mail")
"""How a channel that writes is told from one that rings, whatever driver is behind it."""


@dataclass(frozen=True)
class Policy:
    """How patiently people are called. Log time, but for `ring`."""

    ring: float = 45.0
    """Machine seconds a telephone rings."""
    voice_tries: int = 3
    """Calls by the first voice channel."""
    late_tries: int = 1
    """The same once somebody who had accepted is lost: time is short."""
    gaps: tuple[timedelta, ...] = (timedelta(seconds=60), timedelta(seconds=120))
    """After the first call, after the second and every later one."""
    apart: timedelta = timedelta(minutes=10)
    """Between the two tries on two channels that prove somebody unreachable: draw.md §2.5; and how long a reply is
    awaited."""
    before: timedelta = timedelta(minutes=15)
    """So long before the panel meets whoever accepted must have checked in."""
    travel: timedelta = timedelta(hours=2)
    """What whoever accepts late has in any case to come and check in."""
    many: int = 12
    """Tries after which a person must look: no two channels have given their proof."""

    def gap(self, tries: int) -> timedelta:
        """How long to wait after so many calls."""
        return self.gaps[min(tries, len(self.gaps)) - 1] if self.gaps and tries else timedelta()


@dataclass(frozen=True)
class Tried:
    """One try as its row has it. `ended` and `outcome` None: nobody knows yet. `proof`: the provider's answer was hashed."""

    channel: str
    started: datetime
    ended: datetime | None = None
    outcome: str | None = None
    proof: bool = False

    @property
    def written(self) -> bool:
        """A message, not a call."""
        return is_written(self.channel)


@dataclass(frozen=True)
class Ring:
    """The next try is a call (or, on a channel that writes, a message), not before `at`."""

    number: int
    channel: str
    at: datetime


@dataclass(frozen=True)
class Wait:
    """A try is under way; a message is given up at `until` if no reply has come (None: the channel tells)."""

    number: int
    until: datetime | None


@dataclass(frozen=True)
class End:
    """Nothing more is tried. `outcome`: accepted, declined, conflict, or unreachable."""

    outcome: str


Step = Ring | Wait | End


def is_written(channel: str) -> bool:
    """Whether a channel writes instead of ringing."""
    return channel.endswith(WRITTEN)


def following(
    tries: Sequence[Tried], since: datetime, channels: Sequence[str], policy: Policy, *, late: bool = False
) -> Step:
    """What is due for one who is called since `since`; `channels` in order of preference, a voice first.

    `late`: somebody who had accepted was lost (notices: a shortened retry). Whatever came of the tries, the answer is one
    step, and `End("unreachable")` stands on two of them.
    """
    if not tries:
        return Ring(1, channels[0], since)
    last, number = tries[-1], len(tries)
    if last.ended is None or last.outcome is None:
        return Wait(number, last.started + policy.apart if last.written else None)
    if last.outcome in SAID:
        return End(last.outcome)
    if proved(tries, policy.apart):
        return End(UNREACHABLE)
    first = channels[0]
    calls = sum(one.channel == first for one in tries)
    if calls < (policy.late_tries if late else policy.voice_tries):
        return Ring(number + 1, first, last.ended + policy.gap(calls))
    if last.written and last.ended < last.started + policy.apart and not is_written(first):
        return Ring(number + 1, first, last.ended)  # a reply came that says: ring me now
    return _second(tries, channels, policy)


def _second(tries: Sequence[Tried], channels: Sequence[str], policy: Policy) -> Ring:
    """The try that makes the proof with the earliest one of another channel: the least tried channel, in order."""
    last = tries[-1]
    assert last.ended is not None
    soon = last.ended + policy.gap(len(tries))
    proofs = [one for one in tries if one.proof and one.ended is not None]
    base = proofs[0] if proofs else tries[0]
    assert base.ended is not None
    others = [name for name in channels if name != base.channel] or list(channels)
    used = [one.channel for one in tries]
    channel = min(others, key=lambda name: (used.count(name), others.index(name)))
    if is_written(channel):
        return Ring(len(tries) + 1, channel, soon)  # the wait for its reply keeps the two apart
    return Ring(len(tries) + 1, channel, max(soon, base.ended + policy.apart))


def proved(tries: Iterable[Tried], apart: timedelta) -> bool:
    """Two tries on two channels, so far apart, both with the provider's own answer (draw.md §2.5)."""
    seen = [one for one in tries if one.ended is not None and one.proof]
    return any(
        one.channel != other.channel and other.ended is not None and other.ended - one.ended >= apart
        for place, one in enumerate(seen)
        if one.ended is not None
        for other in seen[place + 1 :]
    )


def shown_up_by(accepted: datetime, meets: datetime, policy: Policy) -> datetime:
    """When whoever accepted at that time and has not checked in is a no-show."""
    return max(meets - policy.before, accepted + policy.travel)


# ------------------------------------------------------------------------------------------------------------- the queue


def opened(states: Sequence[str], count: int, queue: int) -> int:
    """How many more leaves of a specialty are to be called: as many as seats are free, while the queue has any.

    `states` of those called so far, by place; `queue`: how many leaves the specialty has.
    """
    free = count - sum(state not in LOST for state in states)
    return max(0, min(free, queue - len(states)))


def is_exhausted(states: Sequence[str], count: int, queue: int) -> bool:
    """Whether a seat is free and nobody is left to be called."""
    return sum(state not in LOST for state in states) < count and len(states) >= queue


def block_of(need: Iterable[Need], specialty: str) -> range:
    """The seats of a specialty: blocks in the order of `need`, from 1. KeyError for another specialty."""
    first = 1
    for one in need:
        if one.specialty == specialty:
            return range(first, first + one.count)
        first += one.count
    raise KeyError(specialty)


def free_seat(need: Iterable[Need], specialty: str, taken: Collection[int]) -> int:
    """The lowest free seat of a specialty. ValueError where none is: one was called too many."""
    return min(seat for seat in block_of(need, specialty) if seat not in taken)


def too_many_unreachable(states: Mapping[str, int]) -> bool:
    """More than 30 % of those called could not be reached (draw.md §2.5): {state: how many}."""
    return states.get(UNREACHABLE, 0) * 10 > sum(states.values()) * 3
