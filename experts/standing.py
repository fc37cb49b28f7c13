"""What changes in the life of an expert on the roster: leave, suspension, assessment, correction, removal.

Each is a record `expert-changed {expert, what}` that says which kind of change, never its content. A removal is for good:
whoever was removed stays in the roster as such, and in the counts of every draw (draw.md §1).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from audit.act import Act, RecordRef
from audit.refusal import Refused
from experts import roster
from experts.person import IDENTITY, PHONE, Person
from experts.records import EXPERT_CHANGED, ROSTER_DESK
from experts.vault import Vault

CORRECTED = frozenset(
    ("name", "phone", "second_phone", "email", "identity", "employers", "kin", "interests", "code", "salutation")
)
"""Fields of a Person that `correct` takes."""


async def leave(act: Act, expert: str, since: datetime, until: datetime | None = None) -> RecordRef:
    """Leave from `since` on, before `until`; without one until `return_`. Refused: E-EXPERT-…, E-ABSENCE (in no order)."""
    return await _away(act, expert, "leave", since, until)


async def suspend(act: Act, expert: str, since: datetime, until: datetime | None = None) -> RecordRef:
    """Suspend, likewise."""
    return await _away(act, expert, "suspended", since, until)


async def return_(act: Act, expert: str, kind: str) -> RecordRef:
    """End every absence of this kind (`leave`, `suspended`) now; one that has not begun is dropped.

    Refused: E-ABSENCE-NONE.
    """
    await _row(act, expert)
    ended = await act.query(
        "DELETE FROM experts_absence WHERE expert_id = $1 AND kind = $2 AND since >= $3 RETURNING id",
        expert, kind, act.now,
    )  # fmt: skip
    ended += await act.query(
        """UPDATE experts_absence SET until = $3 WHERE expert_id = $1 AND kind = $2 AND since < $3
           AND (until IS NULL OR until > $3) RETURNING id""",
        expert, kind, act.now,
    )  # fmt: skip
    if not ended:
        raise Refused("E-ABSENCE-NONE", expert=expert)
    return _changed(act, expert, f"{kind}-ended")


async def remove(act: Act, expert: str) -> RecordRef:
    """Take somebody off the roster, for good."""
    await _row(act, expert)
    await act.query("UPDATE experts_expert SET state = 'removed', removed_at = $2 WHERE id = $1", expert, act.now)
    return _changed(act, expert, "removed")


async def assess(act: Act, expert: str, year: int, score: int) -> RecordRef:
    """The assessment of a year, 0 to 100; a second one replaces it. Refused: E-SCORE."""
    if not 0 <= score <= 100 or not 1949 < year < 2200:
        raise Refused("E-SCORE", year=year, score=score)
    await _row(act, expert)
    await act.query(
        """INSERT INTO experts_assessment (expert_id, year, score, made_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (expert_id, year) DO UPDATE SET score = excluded.score, made_at = excluded.made_at""",
        expert, year, score, act.now,
    )  # fmt: skip
    return _changed(act, expert, "assessed")


async def set_credit(act: Act, expert: str, credit: int) -> RecordRef:
    """The credit of an expert, 0 to 100. Refused: E-SCORE."""
    if not 0 <= credit <= 100:
        raise Refused("E-SCORE", year="", score=credit)
    await _row(act, expert)
    await act.query("UPDATE experts_expert SET credit = $2 WHERE id = $1", expert, credit)
    return _changed(act, expert, "credit")


async def classify(
    act: Act,
    expert: str,
    *,
    specialties: Iterable[str] | None = None,
    regions: Iterable[str] | None = None,
    title: str | None = None,
) -> RecordRef:
    """Other specialties, regions or another title; None: as before. Refused: E-SPECIALTY."""
    row = await _row(act, expert)
    codes = json.loads(row["specialties"]) if specialties is None else sorted(set(specialties))
    if specialties is not None:
        roster.check_specialties(await roster.tree(act.query), codes)
    places = json.loads(row["regions"]) if regions is None else sorted(set(regions))
    await act.query(
        "UPDATE experts_expert SET specialties = $2::text::jsonb, regions = $3::text::jsonb, title = $4 WHERE id = $1",
        expert, json.dumps(codes), json.dumps(places), row["title"] if title is None else title,
    )  # fmt: skip
    return _changed(act, expert, "classified")


async def correct(act: Act, vault: Vault, expert: str, **changes: Any) -> RecordRef:
    """Correct what is sealed: fields of Person, each checked. ValueError for another name, person.Unfit for a bad value.

    Refused: E-EXPERT-KNOWN (somebody else has that identity number, or that telephone), E-VAULT-OLD, E-VAULT-KEY.
    """
    if not changes or not changes.keys() <= CORRECTED:
        raise ValueError(f"no field of a person: {sorted(changes.keys() - CORRECTED)}")
    await roster.lock(act)
    await roster.check_key(act, vault)
    row = await _row(act, expert)
    person = replace(Person.open(vault, expert, row["sealed"]), **changes).checked()
    identity, phone = vault.mark(IDENTITY, person.identity), vault.mark(PHONE, person.phone)
    others = await act.query(
        """SELECT 1 FROM experts_expert WHERE id <> $1
           AND (identity = $2 OR (phone = $3 AND $3 <> $4 AND state <> 'removed'))""",
        expert, identity, phone, row["phone"],
    )  # fmt: skip
    if others:
        raise Refused("E-EXPERT-KNOWN")
    await act.query(
        "UPDATE experts_expert SET key = $2, sealed = $3, identity = $4, phone = $5 WHERE id = $1",
        expert, vault.fingerprint, person.seal(vault, expert), identity, phone,
    )  # fmt: skip
    return _changed(act, expert, "corrected")


async def _away(act: Act, expert: str, kind: str, since: datetime, until: datetime | None) -> RecordRef:
    if until is not None and until <= since:
        raise Refused("E-ABSENCE", since=since, until=until)
    await _row(act, expert)
    await act.query(
        "INSERT INTO experts_absence (expert_id, kind, since, until, made_at) VALUES ($1, $2, $3, $4, $5)",
        expert, kind, since, until, act.now,
    )  # fmt: skip
    return _changed(act, expert, kind)


async def _row(act: Act, expert: str) -> Any:
    """The row, locked. Refused: E-EXPERT-UNKNOWN, E-EXPERT-REMOVED."""
    rows = await act.query(
        "SELECT state, sealed, phone, specialties, regions, title FROM experts_expert WHERE id = $1 FOR UPDATE", expert
    )
    if not rows:
        raise Refused("E-EXPERT-UNKNOWN", expert=expert)
    if rows[0]["state"] == "removed":
        raise Refused("E-EXPERT-REMOVED", expert=expert)
    return rows[0]


def _changed(act: Act, expert: str, what: str) -> RecordRef:
    return act.record(EXPERT_CHANGED.name, subject=ROSTER_DESK, expert=expert, what=what)
