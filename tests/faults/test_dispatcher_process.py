"""`trading dispatch` as it is started: panels side by side, a database that throws it out, a stop, counts without names."""

from __future__ import annotations

import copy
import json
import os
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audit.act import pool
from audit.canon import stamp
from tests.cli.platform import trading
from tests.faults.centre import end_tree
from tests.faults.switchroom import Switchroom
from tests.trading.conftest import place, settings  # noqa: F401 - fixtures
from tests.trading.drawing import Drawing, panel_of
from tests.trading.town import Town
from trading import postgres
from trading.embedded import Embedded
from trading.settings import Settings

PANELS = int(os.environ.get("PANELS", "3"))
SEATS = 5


async def more_panels(first: Drawing, count: int) -> list[Drawing]:
    """The same tender under further ids, each with a panel of its own."""
    drawings = [first]
    for n in range(2, count + 1):
        desk = copy.copy(first.desk)
        desk.tender = f"{first.desk.tender.partition('@')[0]}@{100 + n}"
        await pool().execute(
            """INSERT INTO trading_tender
               SELECT (jsonb_populate_record(t, jsonb_build_object('id', $2::text, 'number', $3::int))).*
               FROM trading_tender t WHERE id = $1""",
            first.desk.tender, desk.tender, 100 + n,
        )  # fmt: skip
        drawings.append(Drawing(desk))
    return drawings


async def states(draws: list[str]) -> Counter[str]:
    rows = await pool().fetch("SELECT state FROM experts_summons WHERE panel_id = ANY ($1)", draws)
    return Counter(row["state"] for row in rows)


@pytest.mark.slow
async def test_panels_side_by_side_through_a_database_that_goes(place: Town, tmp_path: Path) -> None:  # noqa: F811
    drawings = await more_panels(await panel_of(place, tmp_path), PANELS)
    with Switchroom(place, {"TRADING_VOICE": "file", "TRADING_TEXT": "file"}) as room:
        await room.roster(60, "a08")
        plan = {person.phone: {"does": "accept", "code": person.code} for person in room.people.values()}
        (place.settings.data / "calls").mkdir()
        (place.settings.data / "calls" / "plan.json").write_text(json.dumps(plan))
        room.start()
        meets = stamp(drawings[0].desk.deadline + timedelta(days=3))
        for drawing in drawings:
            await drawing.convene(need=[{"specialty": "a08", "count": SEATS}], representatives=0, meets=meets)
        draws = [drawing.draw for drawing in drawings]
        await room.parties(*drawings)
        revealed = time.monotonic()

        async def full() -> bool:
            return (await states(draws))["accepted"] == len(draws) * SEATS

        await room.until(full, 30, "everybody")
        print(f"{PANELS} panels: from the last reveal to all called {time.monotonic() - revealed:.2f} s")

        # the connection that holds its lock is cut: the dispatcher comes back by itself and looks on
        mine = await pool().fetchval("SELECT pg_backend_pid()")
        await pool().execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> $1 AND application_name = '' AND pid IN (
                   SELECT pid FROM pg_locks WHERE locktype = 'advisory')""",
            mine,
        )

        async def back() -> bool:
            return room.log.read_text().count("this process dispatches") >= 2

        await room.until(back, 20, "the dispatcher to come back")
        counts = trading("dispatch", "status", env=room.environment)
        assert counts.code == 0, counts.err
        found: dict[str, Any] = json.loads(counts.out)
        assert found["panels"] == {"calling": PANELS} and found["summonses"] == {"accepted": PANELS * SEATS}
        assert {one["channel"]: one["state"] for one in found["health"]} == {"file": "up"}
        beside = trading("dispatch", "--once", env=room.environment)
        assert (beside.code, json.loads(beside.err.splitlines()[-1])["code"]) == (1, "P-DISPATCHING")
        assert found["channels"]["file"]["accepted"] == PANELS * SEATS
        assert not any(person.name in counts.out or person.phone in counts.out for person in room.people.values())
        assert room.stop() == 0
        log = room.log.read_text()
        assert all(json.loads(line)["event"] for line in log.splitlines())
        assert not any(person.name in log or person.phone[3:] in log for person in room.people.values())


async def test_without_the_vault_key_nothing_starts(place: Town) -> None:  # noqa: F811
    room = Switchroom(place)
    wrong = {**room.environment, "TRADING_PASSPHRASE": "wrong"}
    told = trading("dispatch", "--once", env=wrong)
    assert (told.code, json.loads(told.err)["code"]) == (1, "K-PASSPHRASE")
    fine = trading("dispatch", "--once", env=room.environment)
    assert fine.code == 0, fine.err
    alone = trading("dispatch", "--once", env={**room.environment, "TRADING_TEXT": ""})
    assert (alone.code, json.loads(alone.err.splitlines()[-1])["code"]) == (1, "P-CHANNELS")


@pytest.mark.slow
async def test_it_survives_the_death_of_its_database(tmp_path: Path) -> None:
    """kill -9 of PostgreSQL's whole tree while the dispatcher looks; it waits, and goes on when the database is back."""
    with Embedded(tmp_path / "postgres") as database:
        mine = Settings(
            data=tmp_path / "data", database_url=database.dsn(postgres.APP), origin="demo.test/log",
            database_owner_url=database.dsn(postgres.OWNER),
        )  # fmt: skip
        mine.vault_key_path.parent.mkdir(parents=True)
        await postgres.migrate(mine)
        with Switchroom(SimpleNamespace(settings=mine)) as room:  # type: ignore[arg-type]
            room.start()
            await room.until(partial(room.says, "this process dispatches", 0), 20, "its first look")
            before = len(room.log.read_bytes())
            assert database.child is not None
            end_tree(database.child.pid)
            database.child.wait()
            await room.until(partial(room.says, "the database is away", before), 20, "it to notice")
            database.start()
            await room.until(partial(room.says, "this process dispatches", before), 30, "it to come back")
            assert room.stop() == 0
