"""Machine time and log time: log.md §5.

A demonstration log runs on a clock of its own, log time = base + factor × (machine time − start), so that a month
of tendering fits into minutes. Record 0 of the log says so, and its origin begins with ``demo.``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from audit.canon import exact, instant, stamp
from audit.refusal import Broken

DEMO: Final = "demo."
FASTEST: Final = 1_000_000  # log seconds in one machine second; more would leave the calendar within an hour


class Clock(Protocol):
    """What tells the time in one log."""

    @property
    def factor(self) -> int:
        """Log seconds that pass in one machine second."""

    def now(self) -> datetime:
        """The log's time, aware, UTC."""


@dataclass(frozen=True)
class MachineClock:
    """The machine's own clock: every real log."""

    factor: int = 1

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class LogClock:
    """The clock of a ``demo.`` log. ``base`` and ``start`` are aware times, ``factor`` whole log seconds a second."""

    base: datetime
    factor: int
    start: datetime

    def now(self) -> datetime:
        return self.at(datetime.now(UTC))

    def at(self, machine: datetime) -> datetime:
        """Log time at a machine time."""
        return self.base + self.factor * (machine - self.start)

    def describe(self) -> dict[str, Any]:
        """The ``clock`` field of record 0."""
        return {"base": stamp(self.base), "factor": self.factor, "start": stamp(self.start)}


def clock_from(value: Any, origin: str | None = None) -> MachineClock | LogClock:
    """The clock that record 0 describes (null: the machine's).

    Raises NotCanonical for a description that is none, and Broken("C-CLOCK") for a clock of its own under an
    ``origin`` that is not a demonstration's.
    """
    if value is None:
        return MachineClock()
    exact(value, ("base", "factor", "start"))
    factor = value["factor"]
    if not isinstance(factor, int) or isinstance(factor, bool) or not 1 <= factor <= FASTEST:
        raise Broken("C-CLOCK", factor=factor)
    if origin is not None and not origin.startswith(DEMO):
        raise Broken("C-CLOCK", origin=origin)
    return LogClock(instant(value["base"]), factor, instant(value["start"]))


def span(clock: Clock, seconds: float) -> timedelta:
    """A span that the texts give in seconds or beats, in this log's time: beats are in machine time (log.md §5)."""
    return timedelta(seconds=seconds * clock.factor)
