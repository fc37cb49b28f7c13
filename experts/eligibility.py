"""Who of the roster may sit on a panel: the reasons of draw.md §1, in its order. Pure.

    standing(row, need, region, at)      what a row says without being opened: specialties, or why not
    recused(person, at, …)               what only the sealed part can say
    eligibility(row, open, …)            both, opening no more than it must

Instants are log time; the law's days are counted in the zone of the law. How many years an employment counts afterwards is
the law's business and comes in as a number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from experts.person import Person

REMOVED, SUSPENDED, LEAVE, SPECIALTY, REGION = "removed", "suspended", "leave", "specialty", "region"
EMPLOYER, KIN, INTEREST, SUPERVISOR, DECLARED = "employer", "kin", "interest", "supervisor", "declared"
REASONS: Final = (
    REMOVED, SUSPENDED, LEAVE, SPECIALTY, REGION, EMPLOYER, KIN, INTEREST, SUPERVISOR, DECLARED,
)  # fmt: skip
ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Absence:
    """Leave (`leave`) or suspension (`suspended`): from `since` on, before `until` (None: until further notice)."""

    kind: str
    since: datetime
    until: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether it lasts at this instant."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class RosterRow:
    """An admitted expert, still sealed. `specialties`: their own and every one above these; `key`: of the vault."""

    id: str
    sealed: bytes
    key: str
    specialties: frozenset[str]
    regions: tuple[str, ...]
    title: str
    credit: int
    admitted_at: datetime
    removed_at: datetime | None = None
    absences: tuple[Absence, ...] = ()

    def __repr__(self) -> str:
        return f"<RosterRow {self.id}>"


class Tree:
    """The tree of specialties: code → the code above it (None: a root). ValueError for a circle, or a code that is none."""

    def __init__(self, parents: Mapping[str, str | None]) -> None:
        self.parents = dict(parents)
        self._above: dict[str, frozenset[str]] = {}
        for code in self.parents:
            self._climb(code)

    def __contains__(self, code: object) -> bool:
        return code in self.parents

    def _climb(self, code: str) -> None:
        way: list[str] = []
        at: str | None = code
        while at is not None:
            if at in way or at not in self.parents:
                raise ValueError(f"specialty {at}")
            way.append(at)
            at = self.parents[at]
        self._above[code] = frozenset(way)

    def above(self, codes: Iterable[str]) -> frozenset[str]:
        """These codes and all above them; a code that is not in the tree stands for itself."""
        return frozenset().union(*(self._above.get(code, frozenset((code,))) for code in codes))


def standing(row: RosterRow, need: Collection[str], region: str, at: datetime) -> tuple[tuple[str, ...], str]:
    """What the row itself says: (the needed specialties it serves, ascending, ""), or ((), the first reason why not).

    `need`: codes of specialties; `region`: GB/T 2260 or its beginning, "" any; `at`: when the panel meets.
    """
    if row.removed_at is not None:
        return (), REMOVED
    covering = {one.kind for one in row.absences if one.covers(at)}
    for kind in (SUSPENDED, LEAVE):
        if kind in covering:
            return (), kind
    served = tuple(sorted(row.specialties.intersection(need)))
    if not served:
        return (), SPECIALTY
    if region and not any(same_region(one, region) for one in row.regions):
        return (), REGION
    return served, ""


def recused(
    person: Person, at: datetime, recuse: Collection[str], *, years: int, supervisors: Collection[str] = ()
) -> str:
    """Why a person may not sit with these organisations (credit codes), or "".

    `employer`: works for one of `recuse`, or did within `years` years before the day of `at`, that day included; `kin`,
    `interest`: declared; `supervisor`: works for one of `supervisors` on that day.
    """
    day = at.astimezone(ZONE).date()
    first = years_before(day, years)
    for one in person.employers:
        if one.code in recuse and one.since <= day and (one.until is None or one.until >= first):
            return EMPLOYER
    if any(code in recuse for code in person.kin):
        return KIN
    if any(code in recuse for code in person.interests):
        return INTEREST
    for one in person.employers:
        if one.code in supervisors and one.since <= day and (one.until is None or one.until >= day):
            return SUPERVISOR
    return ""


def eligibility(
    row: RosterRow,
    person: Callable[[], Person],
    need: Collection[str],
    region: str,
    at: datetime,
    recuse: Collection[str],
    *,
    years: int,
    supervisors: Collection[str] = (),
) -> tuple[tuple[str, ...], str]:
    """The needed specialties somebody may be drawn for and "", or () and the first reason against it, in draw.md's order.

    `person` opens the row, and is asked only when the row itself says yes and there is somebody to be recused from.
    """
    served, reason = standing(row, need, region, at)
    if reason or not (recuse or supervisors):
        return served, reason
    reason = recused(person(), at, recuse, years=years, supervisors=supervisors)
    return ((), reason) if reason else (served, "")


def same_region(one: str, other: str) -> bool:
    """Whether one region lies in the other, whichever is the larger: 3302 and 330212, 33 and 330200."""
    one, other = region_code(one), region_code(other)
    return one.startswith(other) or other.startswith(one)


def region_code(code: str) -> str:
    """A code of GB/T 2260 without the pairs of noughts that say "all of it": 330200 is 3302."""
    while code.endswith("00") and len(code) > 2:
        code = code[:-2]
    return code


def years_before(day: date, years: int) -> date:
    """The day so many years before; where the month has no such day, its last one (民法典 202)."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)
