"""Around every driver: a provider that fails is left alone for longer and longer, and one try finds out if it is back.

After the n-th failure in a row the line rests 5 s · 2^(n-1), give or take 20 %, ten minutes at most (machine time): while
it rests, `call` and `write` raise ChannelDown at once with `retry_after`, so that the dispatcher takes the next channel or
waits. From the third failure on the circuit is open: when the rest is over one try alone goes through, the others wait for
what comes of it. Failures of tries that were under way together count once. `health` is a value for the metrics: no number,
no name, no key.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from experts.conversation import Answer, Script
from trading.channels import ChannelDown, ChannelError, ChannelLater, ChannelUnfit, Text, Voice

FIRST_REST: Final = 5.0
LONGEST_REST: Final = 600.0
JITTER: Final = 0.2
OPEN_AFTER: Final = 3


@dataclass(frozen=True)
class Health:
    """How a channel does: `state` is "up", "resting" or "open"; `rest` machine seconds until the next try."""

    channel: str
    state: str
    failures: int
    rest: float
    tries: int
    done: int


def rest_after(failures: int, chance: float) -> float:
    """Machine seconds to wait after so many failures in a row (at least one); `chance`, in [0, 1), is the give or take."""
    return min(LONGEST_REST, FIRST_REST * 2.0 ** min(failures - 1, 16)) * (1 + JITTER * (2 * chance - 1))


class Circuit:
    """When a line may be tried. `clock` tells machine seconds, `chance` a number in [0, 1)."""

    def __init__(
        self,
        channel: str,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.SystemRandom().random,
    ) -> None:
        self.channel = channel
        self._clock, self._chance = clock, chance
        self._failures = self._tries = self._done = 0
        self._until = 0.0
        self._probing = False

    def health(self) -> Health:
        """The line's state now."""
        state = "up" if not self._failures else "resting" if self._failures < OPEN_AFTER else "open"
        rest = max(0.0, self._until - self._clock()) if self._failures else 0.0
        return Health(self.channel, state, self._failures, rest, self._tries, self._done)

    async def through(self, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """One try, or ChannelDown while the line rests."""
        rest = self._until - self._clock() if self._failures else 0.0
        if rest > 0 or self._probing:
            raise ChannelDown(self.channel, "resting", max(rest, FIRST_REST if self._probing else 0.0))
        probe = self._failures >= OPEN_AFTER
        self._probing = probe
        self._tries += 1
        seen = self._failures
        try:
            answer = await act()
        except (ChannelUnfit, ChannelLater):
            raise  # says nothing about the line
        except ChannelError as error:
            if seen == self._failures:
                self._fail(error.retry_after)
            error.retry_after = max(error.retry_after, self._until - self._clock())
            raise
        finally:
            if probe:
                self._probing = False
        self._failures = 0
        self._done += 1
        return answer

    def _fail(self, asked: float) -> None:
        self._failures += 1
        rest = rest_after(self._failures, self._chance())
        self._until = self._clock() + min(max(rest, asked), LONGEST_REST)


class SteadyVoice:
    """A voice behind a circuit."""

    def __init__(self, driver: Voice, circuit: Circuit | None = None) -> None:
        self.name = driver.name
        self.driver = driver
        self.circuit = circuit or Circuit(driver.name)

    async def call(
        self, *, key: str, number: str, script: Script, check: Callable[[str], bool] | None, ring: float
    ) -> Answer:
        """As `Voice.call`; ChannelDown at once while the line rests."""
        return await self.circuit.through(
            lambda: self.driver.call(key=key, number=number, script=script, check=check, ring=ring)
        )

    def health(self) -> Health:
        """The line's state now."""
        return self.circuit.health()


class SteadyText:
    """A text behind a circuit; asking for answers is not held back, but its failures are told as no answers."""

    def __init__(self, driver: Text, circuit: Circuit | None = None) -> None:
        self.name = driver.name
        self.driver = driver
        self.circuit = circuit or Circuit(driver.name)

    async def write(self, *, key: str, number: str, template: str, fields: Mapping[str, str]) -> Answer:
        """As `Text.write`; ChannelDown at once while the line rests."""
        return await self.circuit.through(
            lambda: self.driver.write(key=key, number=number, template=template, fields=fields)
        )

    async def answers(self) -> Sequence[tuple[str, Answer]]:
        """As `Text.answers`; none while the provider cannot be asked."""
        try:
            return await self.driver.answers()
        except ChannelError:
            return ()

    def health(self) -> Health:
        """The line's state now."""
        return self.circuit.health()
