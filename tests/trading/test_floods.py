"""One bidder writes as fast as it can: the log stays everybody's, and so does the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit.act import pool
from audit.canon import b64
from audit.refusal import Refused
from audit.trust import Ed25519Signer
from tests.security.browsers import Clock, come_in
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading import pace
from trading.pace import Pace
from trading.tools.registration import by_earlier_key


@pytest.fixture
async def desk(place: Town, tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(place, tmp_path / "desk")
    await made.open()
    yield made


async def test_asvs_2_4_1_what_leaves_a_record_is_counted_by_the_hour(desk: Desk) -> None:
    """A beat holds only so many records: others would wait behind them."""
    firm, most, answers = await desk.bidder("firm"), pace.MOST["keys"], []
    for _ in range(most):  # one was its first
        made = by_earlier_key(desk.town.settings.origin, firm.code, Ed25519Signer.generate(), firm.signer)
        body = {"registration": b64(made[0]), "sig": made[1]}
        answers.append(await desk.town.as_("firm").post("/api/v1/registrations", json=body))
    assert [answer.status_code for answer in answers] == [201] * (most - 1) + [429]
    assert answers[-1].headers["retry-after"] == "60"
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'bidder-key-registered'") == most
    await desk.bidder("rival")  # whose first is taken


async def test_looking_at_ones_own_bid_leaves_nothing_that_would_tell_who_bids(desk: Desk) -> None:
    """As often as it likes, over the API and on its page; whoever watches the log learns nothing of it."""
    firm, _ = await come_in(desk.town, "firm", "bidder", Clock(desk.town))
    await desk.bidder("rival")
    await desk.hand_in(await desk.bidder("late"), 9_000_000)
    before = await pool().fetchval("SELECT count(*) FROM log_record")
    path = f"/api/v1/tenders/{desk.tender}/bids"
    for _ in range(pace.MOST["readings"] + 1):
        answer = await desk.town.as_("late").get(path)
        assert answer.status_code == 200 and len(answer.json()["items"]) == len(desk.stages)
    await firm.get("/b")
    assert (await desk.town.as_("rival").get(path)).json()["items"] == []  # another's is not there
    assert await pool().fetchval("SELECT count(*) FROM log_record") == before
    for who in ("supervisor", "operator", "tenderee"):  # the control: whoever may not leaves a trace
        assert (await desk.town.as_(who).get(path)).status_code == 403
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'reading-refused'") == 3


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
