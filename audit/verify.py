"""Verification of an archive, the log's part: log.md §8, V1–V6.

What a step finds is a value: a :class:`Fault` names the record or file at fault and a code of the message catalogue;
nothing here makes sentences and nothing here raises at an archive, however hostile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Status(StrEnum):
    """What became of a step."""

    PASS = "pass"
    FAIL = "fail"
    ABSENT = "not in this edition"
    UNREACHED = "not reached"
    UNCHECKED = "not checked by this version"


@dataclass(frozen=True)
class Fault:
    """One thing that does not hold: ``at`` is a path of the archive or ``record <index>``, ``facts`` fill the sentence."""

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
    """What verification of one archive found. ``tender``, ``edition`` and ``origin`` are "" when V1 could not read them.

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
