"""How often one party may add to the log, and how often somebody may guess a code.

The log is everybody's: what one floods it with, all others wait behind. A beat takes so many records and no more (log.md
§3), and a promise is broken after four beats, so whoever could write without limit could make the operator break its word
to others. Refusals have their own limit (bidding/refusals.py).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from audit.refusal import Refused

HOUR = 3600.0
MOST = {
    "bids": 120, "keys": 20, "readings": 60, "questions": 30, "papers": 600, "securities": 60, "remedies": 20,
    "addresses": 20,
    "invitations": 20,
}  # fmt: skip
"""Acts of one party that left a record or made a letter, in an hour of the machine's clock and per process."""
REMEMBERED = 100_000


class Pace:
    """Counts in memory: a restart forgets, which harms nobody."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._acts: dict[tuple[str, str], deque[float]] = {}

    @contextmanager
    def taking(self, what: str, party: str) -> Iterator[None]:
        """Around an act that records: it counts unless it raises. Refused: W-OFTEN."""
        most, now = MOST[what], self._clock()
        if len(self._acts) > REMEMBERED:
            self._acts = {key: acts for key, acts in self._acts.items() if acts and acts[-1] > now - HOUR}
        acts = self._acts.setdefault((what, party), deque())
        while acts and acts[0] <= now - HOUR:
            acts.popleft()
        if len(acts) >= most:
            raise Refused("W-OFTEN", most=most)
        acts.append(now)  # before the act: requests at the same time count too
        try:
            yield
        except BaseException:
            acts.remove(now)
            raise


MINUTE = 60.0
GUESSES, ALL_GUESSES = 5, 200
"""Wrong check-in codes in a minute of the machine's clock, of one device and of all, per process. There are 2^40 codes."""


class Guesses:
    """Counts what was wrong, in memory. Whoever has guessed too often waits, were the next guess right or wrong."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}

    def check(self, device: str) -> None:
        """Refused: W-GUESSED."""
        for who, most in ((device, GUESSES), ("", ALL_GUESSES)):
            if len(self._recent(who)) >= most:
                raise Refused("W-GUESSED", most=GUESSES)

    def wrong(self, device: str) -> None:
        """That was one."""
        if len(self._wrong) > REMEMBERED:
            self._wrong = {
                who: times for who, times in self._wrong.items() if times and times[-1] > self._clock() - MINUTE
            }
        for who in (device, ""):
            self._wrong.setdefault(who, deque()).append(self._clock())

    def _recent(self, who: str) -> deque[float]:
        times = self._wrong.get(who, deque())
        while times and times[0] <= self._clock() - MINUTE:
            times.popleft()
        return times
