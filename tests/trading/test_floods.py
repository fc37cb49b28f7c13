"""One bidder writes as fast as it can: the log stays everybody's, and so does the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit.act import pool
from audit.refusal import Refused
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading import pace
from trading.pace import Pace


@pytest.fixture
async def desk(place: Town, tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(place, tmp_path / "desk")
    await made.open()
    yield made


async def test_asvs_2_4_1_readings_are_counted_by_the_hour(desk: Desk) -> None:
    """Every reading is a record (log.md §1), and a beat holds only so many: others would wait behind them."""
    await desk.bidder("firm")
    path = f"/api/v1/tenders/{desk.tender}/bids"
    answers = [await desk.town.as_("firm").get(path) for _ in range(pace.MOST["readings"] + 1)]
    assert [answer.status_code for answer in answers] == [200] * pace.MOST["readings"] + [429]
    assert answers[-1].headers["retry-after"] == "60"
    recorded = await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'deposits-read'")
    assert recorded == pace.MOST["readings"]
    await desk.bidder("rival")
    assert (await desk.town.as_("rival").get(path)).status_code == 200


async def test_an_hour_later_and_after_a_refusal() -> None:
    now = 0.0
    one = Pace(lambda: now)
    for _ in range(50):
        with pytest.raises(ZeroDivisionError), one.taking("keys", "firm"):
            raise ZeroDivisionError
    for _ in range(pace.MOST["keys"]):
        with one.taking("keys", "firm"):
            now += 1
    with pytest.raises(Refused, match="W-OFTEN"), one.taking("keys", "firm"):
        pass
    now = 3601.0
    with one.taking("keys", "firm"):
        pass


async def test_a_payload_that_is_brought_is_no_longer_than_the_one_that_was_lost(desk: Desk) -> None:
    firms = [await desk.bidder(f"firm{n}") for n in range(3)]
    for n, firm in enumerate(firms):
        await desk.hand_in(firm, 9_000_000 + n)
    await desk.wait()
    manifest = firms[0].last["form"]
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 64 << 20:
            taken += 1 << 16
            yield bytes(1 << 16)

    path = f"/api/v1/tenders/{desk.tender}/payloads/{manifest.hash}"
    headers = {"content-digest": "sha-256=:" + "A" * 43 + "=:"}
    answer = await desk.town.as_("firm1").put(path, content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "W-SIZE")
    assert taken <= manifest.size + (1 << 17)
