"""A box that is given up: it closes before its hour, takes nothing any more, and nobody ever opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from audit.act import Actor, acting, pool
from audit.refusal import Refused
from bidding import boxes, closing, releases
from tests.bidding.town import TENDER, Town


@pytest.fixture
async def town(db: object, owner_dsn: str, tmp_path: Path) -> AsyncIterator[Town]:
    made = await Town(tmp_path).found(owner_dsn)
    await made.announce()
    yield made


async def abandon(reason: str = "idle") -> list[closing.Closing]:
    async with acting(Actor("operator", "centre")) as act:
        return await boxes.abandon(act, tender=TENDER, reason=reason)


async def test_it_closes_at_once_whatever_the_count_and_never_opens(town: Town) -> None:
    for name in ("91AHUA", "91LI", "91WANG"):  # more than enough
        await town.hand_in(await town.bidder(name))
    made = await abandon()
    assert {one.stage: (one.count, one.opens, one.reason) for one in made} == {
        "documents": (3, False, "abandoned"),
        "form": (3, False, "abandoned"),
    }
    [given_up] = await town.records("abandoned")
    assert (given_up["tender"], given_up["reason"]) == (TENDER, "idle")
    await town.shift(timedelta(hours=2))
    with pytest.raises(Refused, match="E-CLOSED"):
        await town.close()
    async with acting(Actor("custodian", "C-SUP")) as act:
        act.record("stored", subject=TENDER, tender=TENDER, stage="documents", missing=[])
        with pytest.raises(Refused, match="E-SHUT"):
            await releases.take_release(
                act, tender=TENDER, stage="form", release=b"{}", sig=[], identities=town.identities
            )
    rows = await (await pool()).fetch("SELECT public FROM log_disclosure")
    assert rows and not any(row["public"] for row in rows)  # who had bid is for supervisors alone


async def test_what_comes_after_is_refused_by_its_own_name_with_a_record(town: Town) -> None:
    anhua, late = await town.bidder("91AHUA"), await town.bidder("91LATE")
    await town.hand_in(anhua)
    waiting = await town.parcels(late, {stage: town.seal(late, stage) for stage in town.keysets})
    await abandon()
    with pytest.raises(Refused, match="E-ABANDONED"):
        await town.submit(late, waiting)
    with pytest.raises(Refused, match="E-ABANDONED"):
        await town.withdraw(anhua)
    with pytest.raises(Refused, match="E-ABANDONED"):
        await town.upload(late, town.seal(late, "form").payload)
    assert [(one["bidder"], one["code"]) for one in await town.records("refused")] == [("91LATE", "E-ABANDONED")]


async def test_nobody_gives_up_a_closed_box_or_closes_an_open_one_early(town: Town, owner_dsn: str) -> None:
    await town.hand_in(await town.bidder("91AHUA"))
    owner = await asyncpg.connect(owner_dsn)
    with pytest.raises(asyncpg.CheckViolationError):  # whoever writes: an early closing that opens cannot exist
        await owner.execute(
            "UPDATE bidding_box SET abandoned = true, closed_at = log_now(), opens = true WHERE tender = $1", TENDER
        )
    await owner.close()
    await town.shift(timedelta(hours=2))
    await town.close()
    with pytest.raises(Refused, match="E-CLOSED"):
        await abandon()
