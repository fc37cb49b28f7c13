"""The tree of specialties grows by what is imported; a code never goes, because experts and needs name it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from audit.act import Act, RecordRef
from audit.refusal import Refused
from experts.eligibility import Tree
from experts.intake import Specialty
from experts.records import ROSTER_DESK, SPECIALTIES_CHANGED

TOLD = 1000
"""Codes that one record lists."""


async def learn(act: Act, nodes: Sequence[Specialty]) -> list[RecordRef]:
    """Add new codes, and give known ones the names and the place the file has for them.

    Refused: E-SPECIALTIES-SAME (nothing is new), E-SPECIALTY-CIRCLE (specialty) for a tree that bites its tail.
    """
    await act.query("SELECT pg_advisory_xact_lock(hashtext('experts-specialty'))")
    rows = await act.query("SELECT code, parent, zh, en FROM experts_specialty")
    before = {row["code"]: Specialty(row["code"], row["parent"], row["zh"], row["en"]) for row in rows}
    after = before | {one.code: one for one in nodes}
    try:
        Tree({one.code: one.parent for one in after.values()})
    except ValueError as error:
        raise Refused("E-SPECIALTY-CIRCLE", specialty=str(error).removeprefix("specialty ")) from None
    added = [one for one in nodes if one.code not in before]
    changed = [one for one in nodes if one.code in before and one != before[one.code]]
    if not added and not changed:
        raise Refused("E-SPECIALTIES-SAME")
    told = [one for one in added if one.parent is None or one.parent in before]
    while told:  # those above first: a code's parent is a foreign key
        await act.query(_INSERT, *([getattr(one, name) for one in told] for name in ("code", "parent", "zh", "en")))
        level = {one.code for one in told}
        told = [one for one in added if one.parent in level]
    if changed:
        await act.query(_UPDATE, *([getattr(one, name) for one in changed] for name in ("code", "parent", "zh", "en")))
    new, other = sorted(one.code for one in added), sorted(one.code for one in changed)
    return [
        act.record(
            SPECIALTIES_CHANGED.name, subject=ROSTER_DESK, added=new[at : at + TOLD], changed=other[at : at + TOLD],
            tree=_hash(after.values()),
        )
        for at in range(0, max(len(new), len(other)), TOLD)
    ]  # fmt: skip


def _hash(nodes: Iterable[Specialty]) -> str:
    """SHA-256 over the tree, lines sorted by code: two platforms can tell whether they mean the same."""
    lines = sorted(f"{one.code}\t{one.parent or ''}\t{one.zh}\t{one.en}\n" for one in nodes)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


_INSERT = """INSERT INTO experts_specialty (code, parent, zh, en)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"""
_UPDATE = """UPDATE experts_specialty s SET parent = u.parent, zh = u.zh, en = u.en
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS u(code, parent, zh, en) WHERE s.code = u.code"""
