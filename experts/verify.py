"""Verification of an archive, V13: the draw of the panel (draw.md §4). Offline; the server runs the same function.

    check_draws(Told(case.facts, log, tender, identities, law), found)

| asks | where |
|---|---|
| draws and attempts, nonces, pool, roster | `verify_draw` |
| calls, outcomes, who is seated | `verify_calls` |
| seats, declarations, scores, readings, the law | `verify_panel` |
"""

from __future__ import annotations

from audit.report import Found, Status
from experts import records as records  # declares the types that V4 knows to be sealed or public
from experts.told import READERS, PanelLaw, Told, owed_files, read_draws
from experts.verify_calls import (
    Course,
    check_calls_file,
    check_order,
    check_panel,
    check_seated,
    check_tries,
    note_calls,
)
from experts.verify_draw import (
    check_admissions,
    check_attempts_of,
    check_names,
    check_nonces,
    check_pool,
    last_admission,
)
from experts.verify_panel import check_keyed, check_law, check_named, check_readings, check_seats

__all__ = [
    "DRAWS",
    "DRAWS_SEALED",
    "READERS",
    "SUPERVISION",
    "PanelLaw",
    "Told",
    "check_draws",
    "is_timed",
    "last_admission",
    "owed_files",
    "read_draws",
]

DRAWS = frozenset(
    {
        "panel-requested",
        "draw-committed",
        "draw-nonce-committed",
        "draw-nonce-revealed",
        "draw-voided",
        "panel-named",
    }
)
"""Types in clear."""
DRAWS_SEALED = frozenset(
    {
        "draw-called",
        "panel-exhausted",
        "panel-seated",
        "seat-keyed",
        "conflict-declared",
        "scores-committed",
        "report-answered",
    }
)
"""Types that the end of the evaluation discloses."""
SUPERVISION = frozenset({"expert-admitted", "panel-read"})
"""Types for the supervision edition alone."""


def is_timed(name: str) -> bool:
    """Whether V6 asks that the record lies where its time says."""
    return name.startswith("draw-") or name == "panel-seated"


def check_draws(told: Told, found: Found) -> None:
    """V13."""
    draws, unknown = read_draws(told.facts)
    public = told.log.about.public
    for fact in unknown:
        found.fault(fact.at, "D-UNKNOWN", what=fact.held.name)
    owed = set(owed_files(draws, shown=told.shown, public=public))
    for path in sorted(owed ^ set(told.log.files.under("draw/"))):
        found.fault(path, "V-MISSING" if path in owed else "V-STRAY")
    check_admissions(told, found)
    if not draws:
        if told.law.random and (published := told.facts("candidates-published")):
            found.note(published[0].at, "D-NO-DRAW", rule=told.law.random)
        found.status = Status.ABSENT
        return
    check_attempts_of(told, draws, found)
    courses: dict[str, Course] = {}
    for draw in draws:
        check_law(told, draw, found)
        nonces: dict[int, bytes] = {}
        for attempt in draw.attempts:
            nonces = check_nonces(told, attempt, found)
        courses[draw.id] = check_tries(told, draw, found)
        if not told.shown:
            continue
        if draw.last.is_complete:
            pool = check_pool(told, draw.last, nonces, found)
            if pool is not None:
                check_order(draw, courses[draw.id], pool, found)
            check_calls_file(told, draw, courses[draw.id], found)
            if not public:
                check_names(told, draw, draw.last, found)
            note_calls(draw, courses[draw.id], found)
        check_seated(draw, courses[draw.id], found)
    if told.shown:
        check_panel(told, draws[-1], found)
        check_keyed(told, draws[-1], found)
    check_seats(told, draws, courses, found)
    check_readings(told, draws, found)
    check_named(told, found)
