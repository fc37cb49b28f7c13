"""Named experts become admitted: by a record an authority signed, of at most a thousand ids (draw.md §1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from audit.act import Act, RecordRef
from audit.refusal import Refused
from audit.trust import BadSignature, Identities, record_sig_bytes
from experts.draw import is_expert_id
from experts.records import EXPERT_ADMITTED, ROSTER
from experts.roster import MOST, Fetch

AUTHORITY = "authority"


async def named(fetch: Fetch, limit: int | None = None) -> list[str]:
    """Ids of those who wait for an admission, ascending by their bytes."""
    rows = await fetch("SELECT id FROM experts_expert WHERE state = 'named' ORDER BY id COLLATE \"C\" LIMIT $1", limit)
    return [row["id"] for row in rows]


async def admit(
    act: Act, *, experts: Sequence[str], by: str, sig: Sequence[Mapping[str, Any]], identities: Identities
) -> RecordRef:
    """Record an admission and make its rows admitted.

    Refused: E-ADMISSION (why: how many, no id, not ascending), E-IDENTITY (no authority in force), E-SIG,
    E-EXPERT-UNKNOWN, E-EXPERT-ADMITTED, E-EXPERT-REMOVED (expert: the first one of them).
    """
    check_ids(experts)
    value = admission(experts, by)
    try:
        identities.check(list(sig), record_sig_bytes(value), by, AUTHORITY, act.now)
    except BadSignature as bad:
        raise Refused("E-SIG", who=by, why=str(bad.facts.get("why", "signature"))) from bad
    rows = await act.query(
        "SELECT id, state, admitted_at FROM experts_expert WHERE id = ANY ($1) ORDER BY id FOR UPDATE", list(experts)
    )
    found = {row["id"]: row for row in rows}
    for id in experts:
        if id not in found:
            raise Refused("E-EXPERT-UNKNOWN", expert=id)
        if found[id]["state"] == "removed":
            raise Refused("E-EXPERT-REMOVED", expert=id)
        if found[id]["admitted_at"] is not None:
            raise Refused("E-EXPERT-ADMITTED", expert=id, since=found[id]["admitted_at"])
    await act.clock()  # after the lock: no admission is older than its record
    await act.query(
        "UPDATE experts_expert SET state = 'admitted', admitted_at = $2 WHERE id = ANY ($1)", list(experts), act.now
    )
    return act.record(EXPERT_ADMITTED.name, subject=ROSTER, experts=list(experts), by=by, sig=list(sig))


def admission(experts: Sequence[str], by: str) -> dict[str, Any]:
    """The record without who, when, serial number and signature: what an authority signs."""
    return {"type": EXPERT_ADMITTED.type, "subject": ROSTER, "experts": list(experts), "by": by}


def check_ids(experts: Sequence[str]) -> None:
    """1 to 1,000 ids, strictly ascending by their bytes. Refused: E-ADMISSION."""
    if not 1 <= len(experts) <= MOST:
        raise Refused("E-ADMISSION", why="1 to 1000 experts")
    if not all(is_expert_id(one) for one in experts):
        raise Refused("E-ADMISSION", why="an id that is none")
    keys = [one.encode() for one in experts]
    if any(one >= other for one, other in pairwise(keys)):
        raise Refused("E-ADMISSION", why="not ascending")
