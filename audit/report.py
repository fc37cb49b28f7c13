"""What verification says: steps, their faults, a report for each archive (log.md §8).

A fault is a value: it names the record or file at fault and a code of the message catalogue. Nothing here makes
sentences; the edge does, in the language of whoever reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from audit.canon import stamp
from audit.refusal import Broken, Refused


class Status(StrEnum):
    """What became of a step."""

    PASS = "pass"
    FAIL = "fail"
    ABSENT = "not in this edition"
    UNREACHED = "not reached"
    UNCHECKED = "not checked by this version"


@dataclass(frozen=True)
class Fault:
    """One thing that does not hold: ``at`` is a path of the archive or ``record <index>``.

    ``code`` names the sentence and ``facts``, plain values, fill it.
    """

    at: str
    code: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One of V1–V17. ``notes`` are printed and fail nothing (excess of time, findings against custodians)."""

    number: int
    status: Status
    faults: tuple[Fault, ...] = ()
    notes: tuple[Fault, ...] = ()

    @property
    def code(self) -> str:
        """Its name, and the key of its title in the catalogue: ``V1`` … ``V17``."""
        return f"V{self.number}"


@dataclass(frozen=True)
class Report:
    """What verification of one archive found. ``tender``, ``edition`` and ``origin`` are "" when V1 cannot say them.

    ``trusted`` says whether policy and parties came from outside; otherwise the archive brought its own, and all it
    shows is that it agrees with itself ("self-consistent, trust not established").
    """

    path: Path
    tender: str
    edition: str
    origin: str
    size: int
    trusted: bool
    keys: tuple[str, ...]
    """Whose keys were trusted, one line each, as in the trust files; printed first."""
    steps: tuple[Step, ...]

    @property
    def failed(self) -> Step | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.status is Status.FAIL), None)

    @property
    def exit(self) -> int:
        """0 when all hold, 3 when not."""
        return 0 if self.failed is None else 3


@dataclass(frozen=True)
class Verification:
    """The reports of all archives given, in their order."""

    reports: tuple[Report, ...]

    @property
    def exit(self) -> int:
        """0 when every archive holds, 3 when one does not."""
        return max((report.exit for report in self.reports), default=0)


class Found:
    """What one step has found so far. Errors that a proof raises inside :meth:`at` become faults there."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.faults: list[Fault] = []
        self.notes: list[Fault] = []
        self.status = Status.PASS

    def fault(self, at: str, code: str, /, **facts: Any) -> None:
        """Something does not hold."""
        self.faults.append(Fault(at, code, _plain(facts)))

    def note(self, at: str, code: str, /, **facts: Any) -> None:
        """Something to print that fails nothing."""
        self.notes.append(Fault(at, code, _plain(facts)))

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """``Broken`` and ``Refused`` raised inside are faults at this place; anything else is our bug, and a fault."""
        try:
            yield
        except (Broken, Refused) as error:
            self.fault(place, error.code, **error.facts)
        except Exception as error:
            self.fault(place, "V-INTERNAL", error=repr(error))

    def step(self) -> Step:
        """The finished step."""
        status = Status.FAIL if self.faults else self.status
        return Step(self.number, status, tuple(self.faults), tuple(self.notes))


def _plain(value: Any) -> Any:
    """Facts as JSON can carry them."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
