"""The roster: who may be drawn, named by the centre and admitted by an authority. Rows and how they are read.

    named --(expert-admitted)--> admitted --> removed; leave and suspension beside it (standing.py)

A row holds the person sealed (person.py, vault.py), two marks to be found by, and in clear only what says nothing of who it
is: specialties, regions, title, credit. Whatever opens a row takes the vault, which lives with the dispatcher and in the
commands of its operator; counting and admitting need none.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from audit.act import Act
from audit.refusal import Refused
from experts.eligibility import Absence, RosterRow, Tree
from experts.person import IDENTITY, PHONE, NewExpert, Person
from experts.records import EXPERT_READ, EXPERTS_NAMED, ROSTER_DESK
from experts.vault import Vault

Fetch = Callable[..., Awaitable[list[Any]]]
"""`act.query` inside an act, `pool().fetch` outside."""
MOST: Final = 1000
"""Ids in one record (draw.md §1)."""
BATCH: Final = 10_000
"""Rows read at a time: some megabytes."""


async def lock(act: Act) -> None:
    """One change of marks and ids after the other, until the act ends; the roster is no place of haste."""
    await act.query("SELECT pg_advisory_xact_lock(hashtext('experts-roster'))")


async def check_key(act: Act, vault: Vault) -> None:
    """Refused("E-VAULT-OLD", key=): the roster lies under another key than this vault's current one (rotation.py)."""
    row = (await act.query("SELECT min(key) AS low, max(key) AS high FROM experts_expert"))[0]
    for key in (row["low"], row["high"]):
        if key is not None and key != vault.fingerprint:
            raise Refused("E-VAULT-OLD", key=key, here=vault.fingerprint)


# ------------------------------------------------------------------------------------------------------------- specialties


async def tree(fetch: Fetch) -> Tree:
    """The tree of specialties."""
    return Tree({row["code"]: row["parent"] for row in await fetch("SELECT code, parent FROM experts_specialty")})


# ----------------------------------------------------------------------------------------------------------------- naming


async def add_person(
    act: Act, vault: Vault, person: Person, specialties: Iterable[str], regions: Iterable[str] = (), title: str = ""
) -> str:
    """Name one expert on the roster; their id. As `add_people`."""
    return (await add_people(act, vault, [NewExpert(person, tuple(specialties), tuple(regions), title)]))[0]


async def add_people(act: Act, vault: Vault, people: Sequence[NewExpert]) -> list[str]:
    """Name experts on the roster; their ids, in the same order, drawn by chance. They wait for an authority to admit them.

    Refused: E-SPECIALTY (specialty), E-EXPERT-KNOWN (an identity number that is on the roster already, or twice here),
    E-VAULT-OLD. Raises person.Unfit for a value that is none.
    """
    await lock(act)
    await check_key(act, vault)
    known = await tree(act.query)
    ids = [secrets.token_hex(16) for _ in people]
    for first in range(0, len(people), MOST):
        part, named = people[first : first + MOST], ids[first : first + MOST]
        rows = [_row(vault, known, id, one) for id, one in zip(named, part, strict=True)]
        try:
            await act.query(_INSERT, vault.fingerprint, act.now, *(list(column) for column in zip(*rows, strict=True)))
        except asyncpg.UniqueViolationError:
            raise Refused("E-EXPERT-KNOWN") from None
        act.record(EXPERTS_NAMED.name, subject=ROSTER_DESK, experts=sorted(named))
    return ids


_INSERT = """INSERT INTO experts_expert
    (id, key, sealed, identity, phone, specialties, regions, title, credit, state, added_at)
    SELECT u.id, $1, u.sealed, u.identity, u.phone, u.specialties::jsonb, u.regions::jsonb, u.title, 100, 'named', $2
    FROM unnest($3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
        AS u(id, sealed, identity, phone, specialties, regions, title)"""


def _row(vault: Vault, known: Tree, id: str, one: NewExpert) -> tuple[Any, ...]:
    person = one.person.checked()
    check_specialties(known, one.specialties)
    return (
        id, person.seal(vault, id), vault.mark(IDENTITY, person.identity), vault.mark(PHONE, person.phone),
        json.dumps(sorted(set(one.specialties))), json.dumps(sorted(set(one.regions))), one.title,
    )  # fmt: skip


def check_specialties(known: Tree, codes: Sequence[str]) -> None:
    """Refused("E-SPECIALTY", specialty=) for none at all (""), or one that is not in the tree."""
    if not codes:
        raise Refused("E-SPECIALTY", specialty="")
    for code in codes:
        if code not in known:
            raise Refused("E-SPECIALTY", specialty=code)


# ---------------------------------------------------------------------------------------------------------------- reading


async def roster_batches(fetch: Fetch, cutoff: datetime, *, batch: int = BATCH) -> AsyncIterator[list[RosterRow]]:
    """Everybody admitted at or before `cutoff`, by id, removed ones too, so many at a time: a million never lie in memory.

    Who is in it stays so while this is read; absences and removals are those of the moment each batch is read.
    """
    known = await tree(fetch)
    widened: dict[str, frozenset[str]] = {}
    places: dict[str, tuple[str, ...]] = {}
    after = ""
    while True:
        rows = await fetch(f"{_ROWS} WHERE admitted_at <= $1 AND id > $2 ORDER BY id LIMIT $3", cutoff, after, batch)
        if not rows:
            return
        after = rows[-1]["id"]
        absences = await _absences(fetch, "expert_id BETWEEN $1 AND $2", rows[0]["id"], after)
        yield [_read(row, known, widened, places, absences) for row in rows]


async def roster_at(fetch: Fetch, cutoff: datetime) -> list[RosterRow]:
    """Everybody admitted at or before `cutoff`, by id, removed ones too (draw.md §1: nobody is left out of the roster)."""
    return [row async for rows in roster_batches(fetch, cutoff) for row in rows]


async def rows_of(fetch: Fetch, ids: Sequence[str]) -> dict[str, RosterRow]:
    """Admitted experts by id; who is not there, or only named, is left out."""
    known = await tree(fetch)
    rows = await fetch(f"{_ROWS} WHERE id = ANY ($1) AND admitted_at IS NOT NULL", list(ids))
    absences = await _absences(fetch, "expert_id = ANY ($1)", list(ids))
    return {row["id"]: _read(row, known, {}, {}, absences) for row in rows}


def person_of(vault: Vault, row: RosterRow) -> Person:
    """Whoever is in a row. Raises as Vault.open."""
    return Person.open(vault, row.id, row.sealed)


_ROWS = """SELECT id, key, sealed, specialties, regions, title, credit, admitted_at, removed_at FROM experts_expert"""


async def _absences(fetch: Fetch, where: str, *args: Any) -> Mapping[str, tuple[Absence, ...]]:
    found: dict[str, tuple[Absence, ...]] = {}
    for row in await fetch(
        f"SELECT expert_id, kind, since, until FROM experts_absence WHERE {where} ORDER BY id", *args
    ):
        one = Absence(row["kind"], row["since"], row["until"])
        found[row["expert_id"]] = (*found.get(row["expert_id"], ()), one)
    return found


def _read(
    row: Any,
    known: Tree,
    widened: dict[str, frozenset[str]],
    places: dict[str, tuple[str, ...]],
    absences: Mapping[str, tuple[Absence, ...]],
) -> RosterRow:
    codes, regions = row["specialties"], row["regions"]  # text: equal lists are read once and shared
    if codes not in widened:
        widened[codes] = known.above(json.loads(codes))
    if regions not in places:
        places[regions] = tuple(json.loads(regions))
    return RosterRow(
        row["id"], row["sealed"], row["key"], widened[codes], places[regions], row["title"], row["credit"],
        row["admitted_at"], row["removed_at"], absences.get(row["id"], ()),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------- finding


async def find(fetch: Fetch, vault: Vault, *, identity: str = "", phone: str = "") -> list[str]:
    """Ids of those with this identity number, or this telephone number: by keyed hash, nothing is opened.

    Values in their one form (person.identity_number, person.telephone).
    """
    kind, value = (IDENTITY, identity) if identity else (PHONE, phone)
    rows = await fetch(f"SELECT id FROM experts_expert WHERE {kind} = ANY ($1) ORDER BY id", vault.marks(kind, value))
    return [row["id"] for row in rows]


async def on_roster(fetch: Fetch, vault: Vault, people: Sequence[Person]) -> list[str]:
    """Of each: `identity` (that number is on the roster), `removed` (it was, once), `phone` (somebody else has that
    telephone), or "". Values in their one form."""
    found: list[str] = []
    for first in range(0, len(people), MOST):
        part = people[first : first + MOST]
        identities = [vault.mark(IDENTITY, one.identity) for one in part]
        phones = [vault.mark(PHONE, one.phone) for one in part]
        rows = await fetch("SELECT identity, state FROM experts_expert WHERE identity = ANY ($1)", identities)
        states = {row["identity"]: row["state"] for row in rows}
        rows = await fetch("SELECT phone FROM experts_expert WHERE phone = ANY ($1) AND state <> 'removed'", phones)
        taken = {row["phone"] for row in rows}
        for identity, phone in zip(identities, phones, strict=True):
            if state := states.get(identity):
                found.append("removed" if state == "removed" else "identity")
            else:
                found.append("phone" if phone in taken else "")
    return found


async def read_person(act: Act, vault: Vault, id: str) -> Person:
    """Open one row for somebody to look at, which is a record. Refused: E-EXPERT-UNKNOWN, E-VAULT-KEY."""
    rows = await act.query("SELECT sealed FROM experts_expert WHERE id = $1", id)
    if not rows:
        raise Refused("E-EXPERT-UNKNOWN", expert=id)
    act.record(EXPERT_READ.name, subject=ROSTER_DESK, expert=id)
    return Person.open(vault, id, rows[0]["sealed"])


# --------------------------------------------------------------------------------------------------------------- counting


async def statistics(fetch: Fetch) -> dict[str, Any]:
    """Counts, and nothing else: by state, by specialty (those below it in it) and by region, of whoever may be drawn."""
    states = {row["state"]: row["n"] for row in await fetch(_STATES)}
    away = {row["kind"]: row["n"] for row in await fetch(_AWAY)}
    specialties = [dict(row) for row in await fetch(_SPECIALTIES)]
    regions = [dict(row) for row in await fetch(_REGIONS)]
    return {
        "named": states.get("named", 0),
        "admitted": states.get("admitted", 0),
        "removed": states.get("removed", 0),
        "on_leave": away.get("leave", 0),
        "suspended": away.get("suspended", 0),
        "specialties": specialties,
        "regions": regions,
    }


_STATES = "SELECT state, count(*) AS n FROM experts_expert GROUP BY state"
_AWAY = """SELECT a.kind, count(DISTINCT a.expert_id) AS n FROM experts_absence a JOIN experts_expert e ON e.id = a.expert_id
    WHERE e.state = 'admitted' AND a.since <= log_now() AND (a.until IS NULL OR a.until > log_now()) GROUP BY a.kind"""
_SPECIALTIES = """WITH RECURSIVE up (code, above) AS (
        SELECT code, code FROM experts_specialty
        UNION SELECT up.code, s.parent FROM up JOIN experts_specialty s ON s.code = up.above WHERE s.parent IS NOT NULL),
    held (id, above) AS (
        SELECT DISTINCT e.id, up.above FROM experts_expert e
        CROSS JOIN LATERAL jsonb_array_elements_text(e.specialties) AS c(code) JOIN up ON up.code = c.code
        WHERE e.state = 'admitted')
    SELECT s.code, s.parent, s.zh, s.en, count(held.id) AS experts FROM experts_specialty s
    LEFT JOIN held ON held.above = s.code GROUP BY s.code, s.parent, s.zh, s.en ORDER BY s.code"""
_REGIONS = """SELECT r.region, count(*) AS experts FROM experts_expert e
    CROSS JOIN LATERAL jsonb_array_elements_text(e.regions) AS r(region)
    WHERE e.state = 'admitted' GROUP BY r.region ORDER BY r.region"""
