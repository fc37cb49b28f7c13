"""Files are kept while their term runs, names are only stored once somebody asks, and the archive office gets it all."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from audit.act import Actor, pool
from audit.refusal import Broken, Refused
from experts import standing
from tests.experts.people import CENTRE, Office, identity, new_expert, phone
from tests.trading.town import Town
from trading import accounts, retention, roster
from trading.law import retention as law
from trading.law.regimes import GOV
from trading.law.rulebook import pin

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TENDER = "2026-000001-01@16"


async def _tender(dsn: str, archived: datetime | None) -> None:
    """A purchase of the government's; `archived`: when its record says it was, if it was."""
    connection = await asyncpg.connect(dsn)
    code = accounts.demo_code(7)
    await accounts.add_organisation(Actor("system", "centre"), code, "甲采购人", None)
    await connection.execute(
        """INSERT INTO trading_project (id, number, organisation_id, title, description, source, regime, direction,
           currency, created_at) VALUES ('2026-000001', 1, $1, '校园网设备', '', '', 'gov', 'buy', 'CNY', now())""",
        code,
    )
    await connection.execute(
        "INSERT INTO trading_lot (id, project_id, title, baseline) VALUES ('2026-000001-01', '2026-000001', 't', 1)"
    )
    await connection.execute(
        """INSERT INTO trading_tender (id, number, lot_id, state, named_at, rulebook, terms)
           VALUES ($1, 1, '2026-000001-01', 'archived', $2, $3, '{}')""",
        TENDER, NOW, pin(GOV, NOW).data,
    )  # fmt: skip
    if archived is not None:
        await connection.execute(
            """INSERT INTO log_record (id, type, rules, subject, tender, actor_kind, actor, serial, record, nonce, entry,
                   made_at)
               VALUES (900000, 'archived', 'public', $1, $1, 'system', 'centre', 1, '\\x00', NULL, '\\x0200', $2)""",
            TENDER, archived,
        )  # fmt: skip
    await connection.close()


def _editions(folder: Path) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    made = {edition: f"the {edition} edition".encode() for edition in ("public", "supervision")}
    for edition, whole in made.items():
        (folder / f"{TENDER}.{edition}.zip").write_bytes(whole)
    return made


async def _written(made: dict[str, bytes]) -> None:
    for edition, whole in made.items():
        await pool().execute(
            """INSERT INTO trading_archived (tender_id, edition, sha256, size, checkpoint, made_at)
               VALUES ($1, $2, $3, $4, 64, $5)""",
            TENDER, edition, hashlib.sha256(whole).hexdigest(), len(whole), NOW,
        )  # fmt: skip


async def test_asvs_14_2_7_nothing_is_destroyed_while_fifteen_years_run(db: object, owner_dsn: str) -> None:
    await _tender(owner_dsn, archived=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(Refused, match="E-RETENTION") as refused:
        await retention.check(TENDER, "甬档〔2026〕1号")
    until = refused.value.facts["until"]
    assert until.year - datetime.now(UTC).year == 15 and "政府采购法" in str(refused.value.article)
    with pytest.raises(Refused, match="W-UNKNOWN"):
        await retention.check("none", "x")


async def test_nor_before_it_is_archived_at_all(db: object, owner_dsn: str) -> None:
    await _tender(owner_dsn, archived=None)
    with pytest.raises(Refused, match="E-RETENTION"):
        await retention.check(TENDER, "甬档〔2026〕1号")


async def test_when_the_term_is_over_it_takes_an_approval(db: object, owner_dsn: str) -> None:
    """The control: after fifteen years and one more the guard lets go, for whoever names an approval."""
    await _tender(owner_dsn, archived=datetime.now(UTC) - timedelta(days=16 * 366))
    with pytest.raises(Refused, match="E-NOT-APPROVED"):
        await retention.check(TENDER, " ")
    assert (await retention.check(TENDER, "甬档〔2042〕7号")).kept is not None


async def test_whoever_asks_for_deletion_is_stored_and_shown_to_nobody(place: Town) -> None:
    await place.enrol("tenderee", "tenderee")
    people = (await place.call("sa", "GET", "/people", 200))["items"]
    ada = next(one for one in people if "tenderee" in one["roles"])
    await retention.check_use(ada["id"], law.READ)
    await retention.restrict(ada["id"])
    shown = {one["id"]: one["name"] for one in (await place.call("sa", "GET", "/people", 200))["items"]}
    assert shown[ada["id"]] == "" and [name for id, name in shown.items() if id != ada["id"]].count("") == 0
    for use in (law.READ, law.ANALYSE, law.SHARE, law.PUBLISH, law.DELETE):
        with pytest.raises(Refused, match="E-STORAGE-ONLY"):
            await retention.check_use(ada["id"], use)
    await retention.check_use(ada["id"], law.STORE)
    assert await pool().fetchval("SELECT name FROM trading_person WHERE id = $1", ada["id"]) == ada["name"]
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'processing-restricted'") == 1
    with pytest.raises(Refused, match="E-RESTRICTED"):
        await retention.restrict(ada["id"])
    with pytest.raises(Refused, match="T-PERSON"):
        await retention.restrict("nobody")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool().execute("DELETE FROM trading_restriction")


async def test_and_acts_no_more_and_is_given_no_token(place: Town) -> None:
    """To let somebody act under his account is a use of his data like any other."""
    await place.enrol("wang", "tenderee")
    people = (await place.call("sa", "GET", "/people", 200))["items"]
    wang, sa = (next(one["id"] for one in people if role in one["roles"]) for role in ("tenderee", "security_admin"))
    await place.call("wang", "POST", "/tenders", 422, {})  # his token passes: the form is wrong
    await retention.restrict(wang)
    accounts.use_pepper(b"pepper")  # another process: what this one remembers fades within a second
    assert (await place.as_("wang").post("/api/v1/tenders", json={})).status_code == 401
    no = await place.call("sa", "POST", "/tokens", 409, {"person": wang, "role": "tenderee"})
    assert no["code"] == "E-STORAGE-ONLY"
    with pytest.raises(Refused, match="E-LAST-ADMIN"):
        await retention.restrict(sa)
    await place.call("sa", "POST", "/tokens", 201, {"person": sa, "role": "security_admin"})


async def test_an_expert_who_asks_leaves_the_roster_and_nobody_opens_his_row(db: object) -> None:
    office = await Office().open()
    ids = await office.name(new_expert(1), new_expert(2))
    await office.admit(ids)
    found, people = await roster.find(CENTRE, office.vault, phone=phone(1), show=True)
    assert found == [ids[0]] and people[0].name == "王1号"
    await retention.restrict(ids[0])
    counts = await roster.statistics()
    assert (counts["admitted"], counts["removed"]) == (1, 1)
    with pytest.raises(Refused, match="E-STORAGE-ONLY"):
        await roster.find(CENTRE, office.vault, identity=identity(1), show=True)
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'expert-read'") == 1
    assert (await roster.find(CENTRE, office.vault, identity=identity(1)))[0] == [ids[0]], (
        "stored, and told from others"
    )
    for change in (
        lambda act: standing.correct(act, office.vault, ids[0], name="王二"),
        lambda act: standing.assess(act, ids[0], 2026, 90),
    ):
        with pytest.raises(Refused, match="E-EXPERT-REMOVED"):
            await roster.change(CENTRE, change)
    assert await pool().fetchval("SELECT sealed IS NOT NULL FROM experts_expert WHERE id = $1", ids[0])
    shown = await roster.find(CENTRE, office.vault, phone=phone(2), show=True)
    assert shown[1][0].name == "王2号"  # the control: somebody who asked for nothing
    with pytest.raises(Refused, match="E-RESTRICTED"):
        await retention.restrict(ids[0])


async def test_the_archive_office_gets_every_file_with_its_hash(db: object, owner_dsn: str, tmp_path: Path) -> None:
    await _tender(owner_dsn, archived=NOW)
    made = _editions(tmp_path / "archives")
    to = tmp_path / "移交.zip"
    with pytest.raises(Refused, match="E-NOT-ARCHIVED"):
        await retention.export(tmp_path / "archives", "demo.test/log", TENDER, to)
    await _written(made)
    told = await retention.export(tmp_path / "archives", "demo.test/log", TENDER, to)
    assert told["about"]["made_by"]["name"] == "甲采购人" and told["about"]["kept_until"].startswith("2041-03")
    assert retention.check_export(to) == 4
    with zipfile.ZipFile(to) as read:
        rows = list(csv.DictReader(io.StringIO(read.read("list.csv").decode())))
        names = [*(f"{TENDER}.{edition}.zip" for edition in sorted(made)), "about.json", "index.html"]
        assert [row["file"] for row in rows] == names
        page = read.read("index.html").decode()
        assert [read.read(f"{TENDER}.{edition}.zip") for edition in made] == list(made.values())
    for said in ("甲采购人", "校园网设备", "移交包", "for the archive office", "2041-03", "政府采购法", TENDER):
        assert said in page
    for row in rows[:2]:
        assert row["sha256"] in page and f'href="{quote(row["file"])}"' in page
    assert "<script" not in page and "://" not in page
    with pytest.raises(Refused, match="E-EXPORT-EXISTS"):
        await retention.export(tmp_path / "archives", "demo.test/log", TENDER, to)


async def test_a_changed_file_is_not_handed_over_and_a_changed_export_is_found(
    db: object, owner_dsn: str, tmp_path: Path
) -> None:
    await _tender(owner_dsn, archived=NOW)
    made = _editions(tmp_path / "archives")
    await _written(made)
    to = tmp_path / "out.zip"
    await retention.export(tmp_path / "archives", "demo.test/log", TENDER, to)
    whole = to.read_bytes()
    at = whole.index(b"the public edition")
    to.write_bytes(whole[:at] + b"THE" + whole[at + 3 :])
    with pytest.raises(Broken, match="B-EXPORT"):
        retention.check_export(to)
    (tmp_path / "archives" / f"{TENDER}.public.zip").write_bytes(b"another")
    again = tmp_path / "again.zip"
    with pytest.raises(Broken, match="B-EXPORT"):
        await retention.export(tmp_path / "archives", "demo.test/log", TENDER, again)
    assert not again.exists() and not list(tmp_path.glob("*.part"))
