"""P13: kill -9 of the dispatcher, twenty times while it summons thirty experts over a provider that fails as providers do.

Every seat ends, no try is dialled twice, nothing that was recorded is lost, the log's order is the draw's, and no line the
dies-and-comes-back process wrote has a name or a number in it.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from audit.act import pool
from audit.canon import parse, stamp
from tests.experts.hall import check_calls, verified
from tests.faults.gateway import Gateway, someone
from tests.faults.switchroom import Switchroom
from tests.trading.conftest import place, settings  # noqa: F401 - fixtures
from tests.trading.drawing import panel_of
from tests.trading.town import Town

KILLS = 20
SEATS = 30
SEED = int(os.environ.get("FAULTS_SEED", "20261130"))
SECRET = "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="


async def records(tender: str, type: str) -> list[dict[str, Any]]:
    rows = await pool().fetch("SELECT record FROM log_record WHERE tender = $1 AND type = $2 ORDER BY id", tender, type)
    return [parse(bytes(row["record"])) for row in rows]


@pytest.mark.slow
async def test_twenty_kills_during_a_summons_of_thirty(place: Town, tmp_path: Path) -> None:  # noqa: F811
    dice = random.Random(SEED)
    drawing = await panel_of(place, tmp_path)
    room = Switchroom(place)
    await room.roster(150, "a08")
    numbers = {person.phone: someone(dice) for person in room.people.values()}
    codes = {person.phone: person.code for person in room.people.values()}
    with Gateway(numbers, codes, SEED) as gateway, room:
        room.more = {
            "TRADING_VOICE": "http_generic", "TRADING_TEXT": "file", "TRADING_GATEWAY_URL": gateway.url,
            "TRADING_GATEWAY_SECRET": SECRET,
        }  # fmt: skip
        room.start()
        meets = stamp(drawing.desk.deadline + timedelta(days=30))  # nobody checks in here, and nobody is late
        await drawing.convene(need=[{"specialty": "a08", "count": SEATS}], representatives=1, meets=meets)
        draw, tender = drawing.draw, drawing.desk.tender
        await room.parties(drawing)

        async def called() -> int:
            return int(await pool().fetchval("SELECT count(*) FROM experts_try") or 0)

        async def seats() -> Counter[str]:
            rows = await pool().fetch("SELECT state FROM experts_summons WHERE panel_id = $1", draw)
            return Counter(row["state"] for row in rows)

        async def pass_time() -> None:
            """Log time runs some hundred times as fast while people are called: gaps and ten minutes pass."""
            while True:
                await place.push(timedelta(seconds=40))
                await asyncio.sleep(0.1)

        await room.until(called, 20, "the first call")
        passing = asyncio.create_task(pass_time())
        seen: list[bytes] = []
        deaths_while_ringing = 0
        for death in range(KILLS):
            before = len(room.log.read_bytes())
            if death % 2:  # the next one waits already, and takes over when this one dies
                dying = room.start_beside()
                await room.until(partial(room.says, "this one waits", before), 30, "the one that waits")
            else:
                await asyncio.sleep(dice.uniform(0.0, 0.5))
                room.check()
                dying = room.process
            assert dying is not None
            dying.kill()
            dying.wait()
            deaths_while_ringing += bool(
                await pool().fetchval("SELECT count(*) FROM experts_try WHERE ended_at IS NULL")
            )
            kept = [
                bytes(row["record"])
                for row in await pool().fetch("SELECT record FROM log_record WHERE type = 'draw-called' ORDER BY id")
            ]
            assert kept[: len(seen)] == seen, "a record was lost"
            seen = kept
            if not death % 2:
                room.start()
            await room.until(partial(room.says, "this process dispatches", before), 30, f"one after death {death + 1}")

        async def full() -> bool:
            states = await seats()
            return states["accepted"] == SEATS and not states["calling"]

        await room.until(full, 60, "every seat")
        passing.cancel()
        await asyncio.sleep(0.5)
        assert room.stop() == 0

        # no try was dialled twice, and each has ended
        assert set(gateway.dialled.values()) == {1}, gateway.dialled.most_common(3)
        tries = await pool().fetch("SELECT * FROM experts_try")
        assert all(row["ended_at"] is not None for row in tries)
        # what was recorded is what the rows say, in an order that the draw allows
        calls = await records(tender, "draw-called")
        assert len([one for one in calls if one["try"]]) == len(tries)
        found = await room.drawn(draw)
        queues = {name: [leaf.hex() for leaf in queue] for name, queue in found.queues.items()}
        check_calls(calls, queues, {"a08": SEATS})
        verified((await records(tender, "draw-committed"))[0], calls, found)
        # what people said is what is written of them
        outcomes = {one["leaf"]: one["outcome"] for one in calls}
        said = {"accept": "accepted", "decline": "declined", "conflict": "conflict"}
        for leaf, outcome in outcomes.items():
            does = numbers[room.people[found.expert(leaf)].phone]
            assert outcome == said.get(does, "unreachable"), (does, outcome)
        # everybody who accepted has one message with one code
        written = [path.read_text() for path in sorted((place.settings.data / "calls").glob("*.sms.txt"))]
        codes_sent = [re.findall(r"报到验证码([A-Z0-9]{8})", text) for text in written]
        assert sorted(len(one) for one in codes_sent if one) == [1] * SEATS
        # and the log files say nothing of whom
        log = room.log.read_text()
        assert not any(person.name in log or person.phone[3:] in log for person in room.people.values())
        print(
            f"{KILLS} kills ({deaths_while_ringing} while it rang), {len(tries)} tries, {len(gateway.dialled)} dialled, "
            f"0 twice, faults {dict(gateway.faults)}, {dict(await seats())}"
        )
