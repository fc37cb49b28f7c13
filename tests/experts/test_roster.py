"""The roster in rows: named by the centre, admitted by an authority, changed in records that say nothing of whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from audit.act import Actor, acting, pool
from audit.canon import parse, stamp
from audit.refusal import Broken, Refused
from audit.trust import Ed25519Signer
from experts import admissions, roster, rotation, specialties, standing
from experts.eligibility import eligibility
from experts.intake import Specialty
from experts.person import Person, Unfit
from experts.vault import Vault, new_key
from tests.experts.people import CENTRE, TREE, Office, firm, identity, new_expert, person, phone


@pytest.fixture
async def office(db: object) -> AsyncIterator[Office]:
    yield await Office().open()


async def now() -> datetime:
    found: datetime = await pool().fetchval("SELECT log_now()")
    return found


async def records(type: str) -> list[dict[str, Any]]:
    rows = await pool().fetch("SELECT record FROM log_record WHERE type = $1 ORDER BY id", type)
    return [parse(row["record"]) for row in rows]


async def refused(code: str, work: Any, **facts: Any) -> Refused:
    """The work inside an act is refused so, and nothing of it stays."""
    with pytest.raises(Refused) as no:
        async with acting(CENTRE) as act:
            await work(act)
    assert no.value.code == code, no.value
    assert facts.items() <= no.value.facts.items(), no.value
    return no.value


# --------------------------------------------------------------------------------------------------- naming and reading


async def test_named_people_lie_sealed_under_ids_drawn_by_chance(office: Office) -> None:
    wang, li = await office.name(new_expert(1), new_expert(2))
    assert wang != li and all(len(id) == 32 for id in (wang, li))
    (named,) = await records("experts-named")
    assert named["experts"] == sorted((wang, li)) and named["subject"] == "roster-desk" and named["sserial"] == 2
    row = await pool().fetchrow("SELECT * FROM experts_expert WHERE id = $1", wang)
    assert (row["state"], row["key"], row["admitted_at"]) == ("named", office.vault.fingerprint, None)
    assert Person.open(office.vault, wang, row["sealed"]).phone == phone(1)
    assert await roster.roster_at(pool().fetch, await now()) == []  # nobody admitted them


async def test_two_rows_swapped_behind_our_back_do_not_open(office: Office) -> None:
    wang, li = await office.name(new_expert(1), new_expert(2))
    await office.admit([wang, li])
    await pool().execute(
        """UPDATE experts_expert e SET sealed = o.sealed FROM experts_expert o
           WHERE e.id IN ($1, $2) AND o.id IN ($1, $2) AND o.id <> e.id""", wang, li,
    )  # fmt: skip
    for row in await roster.roster_at(pool().fetch, await now()):
        with pytest.raises(Broken, match="E-VAULT"):
            roster.person_of(office.vault, row)


async def test_nobody_is_on_the_roster_twice(office: Office) -> None:
    (wang,) = await office.name(new_expert(1))
    again = new_expert(1, phone=phone(9))
    await refused("E-EXPERT-KNOWN", lambda act: roster.add_people(act, office.vault, [new_expert(3), again]))
    await refused("E-EXPERT-KNOWN", lambda act: roster.add_people(act, office.vault, [new_expert(3), new_expert(3)]))
    await refused("E-SPECIALTY", lambda act: roster.add_person(act, office.vault, person(3), ["zz"]), specialty="zz")
    await refused("E-SPECIALTY", lambda act: roster.add_person(act, office.vault, person(3), []))
    with pytest.raises(Unfit):
        async with acting(CENTRE) as act:
            await roster.add_person(act, office.vault, person(3, phone="1"), ["a"])
    assert await pool().fetchval("SELECT count(*) FROM experts_expert") == 1
    people = [person(1, phone=phone(9)), person(9, phone=phone(1)), person(5)]
    assert await roster.on_roster(pool().fetch, office.vault, people) == ["identity", "phone", ""]
    async with acting(CENTRE) as act:
        await standing.remove(act, wang)
    assert await roster.on_roster(pool().fetch, office.vault, people) == ["removed", "", ""]


async def test_the_roster_at_a_time_is_whoever_was_admitted_until_then(office: Office) -> None:
    ids = sorted(await office.name(*(new_expert(n, "a0801", "b01") for n in range(5))))
    await office.admit(ids[:2])
    between = await now()
    await office.admit(ids[2:4])
    early, late = [await roster.roster_at(pool().fetch, at) for at in (between, await now())]
    assert [row.id for row in early] == ids[:2] and [row.id for row in late] == ids[:4]
    admitted = early[0].admitted_at
    assert [r.id for r in await roster.roster_at(pool().fetch, admitted)] == ids[:2]  # that instant included
    assert await roster.roster_at(pool().fetch, admitted - timedelta(microseconds=1)) == []
    assert late[0].specialties == {"a0801", "a08", "a", "b01", "b"} and late[0].regions == ("3302",)
    batches = [[row.id for row in rows] async for rows in roster.roster_batches(pool().fetch, await now(), batch=3)]
    assert batches == [ids[:3], ids[3:4]]
    some = await roster.rows_of(pool().fetch, [ids[0], ids[4], "nobody"])
    assert list(some) == [ids[0]] and some[ids[0]] == late[0]


async def test_two_imports_at_once_name_nobody_twice(office: Office) -> None:
    async def name(*numbers: int) -> list[str] | str:
        try:
            return await office.name(*(new_expert(number) for number in numbers))
        except Refused as no:
            return no.code

    done = await asyncio.gather(name(1, 2, 3), name(3, 4), name(4, 5))
    assert sum(isinstance(one, list) for one in done) in (1, 2) and "E-EXPERT-KNOWN" in done
    marks = [row["identity"] for row in await pool().fetch("SELECT identity FROM experts_expert")]
    assert len(marks) == len(set(marks)) == sum(len(one) for one in done if isinstance(one, list))


# ------------------------------------------------------------------------------------------------------------ admission


async def test_two_admissions_at_once_admit_once(office: Office) -> None:
    ids = sorted(await office.name(new_expert(1), new_expert(2)))

    async def admit(some: list[str]) -> str:
        try:
            await office.admit(some)
        except Refused as no:
            return no.code
        return ""

    assert sorted(await asyncio.gather(admit(ids), admit(ids[:1]), admit(ids))) == [
        "",
        "E-EXPERT-ADMITTED",
        "E-EXPERT-ADMITTED",
    ]
    admitted = [id for record in await records("expert-admitted") for id in record["experts"]]
    assert len(admitted) == len(set(admitted))


async def test_an_authority_admits_by_a_record_it_signed(office: Office) -> None:
    ids = sorted(await office.name(new_expert(1), new_expert(2)))
    assert await admissions.named(pool().fetch) == ids and await admissions.named(pool().fetch, 1) == ids[:1]
    await office.admit(ids)
    (record,) = await records("expert-admitted")
    assert (record["experts"], record["by"], record["actor"]["id"]) == (ids, "A-SUP", "A-SUP")
    rows = await pool().fetch("SELECT state, admitted_at FROM experts_expert")
    assert {(row["state"], stamp(row["admitted_at"])) for row in rows} == {("admitted", record["time"])}
    assert await admissions.named(pool().fetch) == []


async def test_admissions_that_do_not_hold(office: Office) -> None:
    one, two, three = sorted(await office.name(*(new_expert(n) for n in range(3))))

    async def no(code: str, ids: list[str], **more: Any) -> Refused:
        facts = {name: more.pop(name) for name in ("by", "sig") if name in more}
        return await refused(code, lambda act: office.admit_in(act, ids, **facts), **more)

    await no("E-ADMISSION", [], why="1 to 1000 experts")
    await no("E-ADMISSION", [f"{n:032x}" for n in range(1001)], why="1 to 1000 experts")
    await no("E-ADMISSION", [two, one], why="not ascending")
    await no("E-ADMISSION", [one, one], why="not ascending")
    await no("E-ADMISSION", ["", one], why="an id that is none")
    await no("E-EXPERT-UNKNOWN", ["0" * 32], expert="0" * 32)
    await no("E-SIG", [one], sig=office.signed([one, two]))  # over another list
    await no("E-SIG", [one], sig=office.signed([one], signer=office.stranger))
    await no("E-SIG", [one], sig=[])
    await no("E-IDENTITY", [one], by="A-NOBODY", sig=office.signed([one], by="A-NOBODY"))
    bent = office.signed([one])
    bent[0]["sig"] = ("B" if bent[0]["sig"][0] == "A" else "A") + bent[0]["sig"][1:]
    await no("E-SIG", [one], sig=bent)
    await office.admit([one])
    await no("E-EXPERT-ADMITTED", [one], expert=one)
    await no("E-EXPERT-ADMITTED", [one, two], expert=one)
    async with acting(CENTRE) as act:
        await standing.remove(act, three)
    await no("E-EXPERT-REMOVED", [two, three], expert=three)
    assert len(await records("expert-admitted")) == 1 and await admissions.named(pool().fetch) == [two]


async def test_a_line_that_ended_admits_nobody(office: Office) -> None:
    from audit.trust import Identities, Parties, Vkey

    gone = Ed25519Signer.generate()
    line = f"authority A-OLD {Vkey('A-OLD', 1, gone.key)} 2020-01-01T00:00:00.000000Z 2021-01-01T00:00:00.000000Z\n"
    (wang,) = await office.name(new_expert(1))
    known = Identities(Parties.parse(line.encode()))
    signed = office.signed([wang], "A-OLD", gone)
    await refused("E-IDENTITY", lambda act: office.admit_in(act, [wang], by="A-OLD", sig=signed, identities=known))


async def test_what_the_database_itself_refuses(office: Office) -> None:
    wang, li = await office.name(new_expert(1), new_expert(2))
    await office.admit([wang])
    async with acting(CENTRE) as act:
        await standing.remove(act, li)
    for sql in (
        "DELETE FROM experts_expert WHERE id = $1",
        "UPDATE experts_expert SET admitted_at = log_now() WHERE id = $1",
        "UPDATE experts_expert SET state = 'named', admitted_at = NULL WHERE id = $1",
        "UPDATE experts_expert SET added_at = log_now() WHERE id = $1",
    ):
        with pytest.raises(asyncpg.RaiseError):
            await pool().execute(sql, wang)
    with pytest.raises(asyncpg.RaiseError):
        await pool().execute("UPDATE experts_expert SET state = 'named', removed_at = NULL WHERE id = $1", li)
    for sql in (
        "UPDATE experts_expert SET identity = '13912345678' WHERE id = $1",  # a number in clear
        "UPDATE experts_expert SET key = 'x' WHERE id = $1",
        "UPDATE experts_expert SET specialties = '{}' WHERE id = $1",
        "UPDATE experts_expert SET credit = 101 WHERE id = $1",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await pool().execute(sql, wang)


# ------------------------------------------------------------------------------------------------------ what changes


async def test_leave_suspension_return_and_removal_count_for_who_may_sit(office: Office) -> None:
    (wang,) = await office.name(new_expert(1))
    await office.admit([wang])
    start = await now() + timedelta(hours=1)

    async def reason(at: datetime) -> str:
        (row,) = await roster.roster_at(pool().fetch, await now())
        return eligibility(row, lambda: roster.person_of(office.vault, row), ("a08",), "", at, {firm(1)}, years=3)[1]

    async with acting(CENTRE) as act:
        await standing.leave(act, wang, start, start + timedelta(hours=2))
        await standing.suspend(act, wang, start + timedelta(hours=1))
    assert [await reason(start + timedelta(hours=h)) for h in (-1, 0, 1, 5)] == ["", "leave", "suspended", "suspended"]
    async with acting(CENTRE) as act:
        await standing.return_(act, wang, "suspended")  # it had not begun
    assert [await reason(start + timedelta(hours=h)) for h in (0, 1, 2)] == ["leave", "leave", ""]
    async with acting(CENTRE) as act:
        await standing.suspend(act, wang, await now() - timedelta(hours=1))
    assert await reason(start) == "suspended"
    async with acting(CENTRE) as act:
        await standing.return_(act, wang, "suspended")
    assert await reason(start + timedelta(hours=2)) == ""
    await refused("E-ABSENCE-NONE", lambda act: standing.return_(act, wang, "suspended"))
    await refused("E-ABSENCE", lambda act: standing.leave(act, wang, start, start))
    async with acting(CENTRE) as act:
        await standing.remove(act, wang)
    assert await reason(start) == "removed"  # and still in the roster
    await refused("E-EXPERT-REMOVED", lambda act: standing.leave(act, wang, start))
    await refused("E-EXPERT-UNKNOWN", lambda act: standing.remove(act, "nobody"))
    told = [(record["expert"], record["what"]) for record in await records("expert-changed")]
    assert told == [(wang, what) for what in (
        "leave", "suspended", "suspended-ended", "suspended", "suspended-ended", "removed")]  # fmt: skip


async def test_assessment_credit_and_other_specialties(office: Office) -> None:
    (wang,) = await office.name(new_expert(1))
    async with acting(CENTRE) as act:
        await standing.assess(act, wang, 2026, 80)
        await standing.assess(act, wang, 2026, 90)
        await standing.set_credit(act, wang, 60)
        await standing.classify(act, wang, specialties=["b01"], title="junior")
    assert await pool().fetchval("SELECT array_agg(score) FROM experts_assessment") == [90]
    row = await pool().fetchrow("SELECT credit, specialties, regions, title FROM experts_expert")
    assert (row["credit"], json.loads(row["specialties"]), json.loads(row["regions"]), row["title"]) == (
        60, ["b01"], ["3302"], "junior")  # fmt: skip
    for score in (-1, 101):
        await refused("E-SCORE", lambda act, score=score: standing.assess(act, wang, 2026, score))
        await refused("E-SCORE", lambda act, score=score: standing.set_credit(act, wang, score))
    await refused("E-SPECIALTY", lambda act: standing.classify(act, wang, specialties=["zz"]))


async def test_a_corrected_number_is_found_and_the_old_one_is_not(office: Office) -> None:
    wang, _li = await office.name(new_expert(1), new_expert(2))
    async with acting(CENTRE) as act:
        await standing.correct(act, office.vault, wang, phone=phone(50), name="王改名")
    fetch, vault = pool().fetch, office.vault
    assert (
        await roster.find(fetch, vault, phone=phone(50))
        == [wang]
        == await roster.find(fetch, vault, identity=identity(1))
    )
    assert await roster.find(fetch, vault, phone=phone(1)) == []
    async with acting(CENTRE) as act:
        found = await roster.read_person(act, vault, wang)
    assert (found.name, found.phone, found.identity) == ("王改名", phone(50), identity(1))
    (read,) = await records("expert-read")
    assert read["expert"] == wang and read["actor"] == {"kind": "dispatcher", "id": "wang"}
    await refused("E-EXPERT-KNOWN", lambda act: standing.correct(act, vault, wang, phone=phone(2)))
    await refused("E-EXPERT-KNOWN", lambda act: standing.correct(act, vault, wang, identity=identity(2)))
    await refused("E-EXPERT-UNKNOWN", lambda act: roster.read_person(act, vault, "nobody"))
    with pytest.raises(ValueError, match="no field"):
        async with acting(CENTRE) as act:
            await standing.correct(act, vault, wang, colour="red")
    with pytest.raises(Unfit):
        async with acting(CENTRE) as act:
            await standing.correct(act, vault, wang, phone="1")


async def test_counts_are_counts(office: Office) -> None:
    ids = await office.name(
        new_expert(1, "a0801", "a0802"),
        new_expert(2, "a08", regions=["33", "44"]),
        new_expert(3, "b01"),
        new_expert(4, "b"),
    )
    await office.admit(ids[:3])
    async with acting(CENTRE) as act:
        await standing.leave(act, ids[0], act.now)
        await standing.suspend(act, ids[3], act.now)
    found = await roster.statistics(pool().fetch)
    assert {name: found[name] for name in ("named", "admitted", "removed", "on_leave", "suspended")} == {
        "named": 1, "admitted": 3, "removed": 0, "on_leave": 1, "suspended": 0}  # fmt: skip
    assert {one["code"]: one["experts"] for one in found["specialties"]} == {
        "a": 2, "a08": 2, "a0801": 1, "a0802": 1, "b": 1, "b01": 1}  # fmt: skip
    assert {one["region"]: one["experts"] for one in found["regions"]} == {"33": 1, "3302": 2, "44": 1}


# ---------------------------------------------------------------------------------------------------------- specialties


async def test_the_tree_grows_and_bites_no_tail(office: Office) -> None:
    async with acting(CENTRE) as act:
        (ref,) = await specialties.learn(act, [Specialty("c", "c0", "丙"), Specialty("c0", None, "丙类"), TREE[0]])
    assert (ref.body["added"], ref.body["changed"]) == (["c", "c0"], [])
    async with acting(CENTRE) as act:
        (ref,) = await specialties.learn(act, [Specialty("a08", "b", "机电设备")])
    assert (ref.body["added"], ref.body["changed"]) == ([], ["a08"])
    assert (await roster.tree(pool().fetch)).above(["a0801"]) == {"a0801", "a08", "b"}
    await refused("E-SPECIALTY-CIRCLE", lambda act: specialties.learn(act, [Specialty("b", "a0801", "货物")]))
    await refused("E-SPECIALTY-CIRCLE", lambda act: specialties.learn(act, [Specialty("d", "nothing", "丁")]))
    await refused("E-SPECIALTIES-SAME", lambda act: specialties.learn(act, [TREE[0]]))


# ------------------------------------------------------------------------------------------------------------- rotation


async def test_a_new_key_seals_every_row_and_makes_every_mark_anew(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "BATCH", 2)
    old_key, key = new_key(), new_key()
    old, both, new = Vault([old_key]), Vault([key, old_key]), Vault([key])
    office.vault = old
    ids = await office.name(*(new_expert(n) for n in range(5)))
    await office.admit(ids[:3])
    before = {row["id"]: dict(row) for row in await pool().fetch("SELECT * FROM experts_expert")}
    await refused("E-VAULT-OLD", lambda act: roster.add_people(act, both, [new_expert(9)]))
    done: list[int] = []
    async with acting(CENTRE) as act:
        await rotation.rotate(act, both, done.append)
    assert done == [2, 4, 5]
    (record,) = await records("vault-rotated")
    assert (record["key"], record["experts"]) == (new.fingerprint, 5)
    for row in await pool().fetch("SELECT * FROM experts_expert"):
        was = before[row["id"]]
        changed = {name for name in was if row[name] != was[name]}
        assert changed == {"key", "sealed", "identity", "phone"}
        assert Person.open(new, row["id"], row["sealed"]) == Person.open(old, row["id"], was["sealed"])
    assert await roster.find(pool().fetch, new, phone=phone(3)) == [ids[3]]
    assert await roster.find(pool().fetch, old, phone=phone(3)) == []
    assert await roster.on_roster(pool().fetch, both, [person(3)]) == ["identity"]
    await refused("E-ROTATED", lambda act: rotation.rotate(act, both))
    await refused("E-VAULT-OLD", lambda act: roster.add_people(act, old, [new_expert(9)]))
    await refused("E-VAULT-OLD", lambda act: standing.correct(act, old, ids[0], name="某"))
    assert await rotation.waiting(pool().fetch, both) == 0


async def test_a_rotation_without_the_old_key_changes_nothing(office: Office) -> None:
    await office.name(*(new_expert(n) for n in range(3)))
    before = await pool().fetch("SELECT * FROM experts_expert ORDER BY id")
    await refused("E-VAULT-KEY", lambda act: rotation.rotate(act, Vault([new_key()])), key=office.vault.fingerprint)
    await pool().execute("UPDATE experts_expert SET sealed = sealed || '\\x00'::bytea WHERE id = $1", before[2]["id"])
    with pytest.raises(Broken, match="E-VAULT"):
        async with acting(Actor("dispatcher", "wang")) as act:
            await rotation.rotate(act, Vault([new_key(), office.key]))
    after = await pool().fetch("SELECT * FROM experts_expert ORDER BY id")
    assert [dict(row) for row in after[:2]] == [dict(row) for row in before[:2]]
