"""The closing: early, once, with everybody who was in time and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit.act import pool
from audit.canon import sha256_hex
from audit.merkle import root
from audit.refusal import Refused
from audit.trust import Ed25519Signer
from bidding import closing
from tests.bidding.town import TENDER, Bidder, Town


@pytest.fixture
async def town(db: object, owner_dsn: str, tmp_path: Path) -> AsyncIterator[Town]:
    made = await Town(tmp_path).found(owner_dsn)
    await made.announce()
    yield made


def root_of(hashes: list[str]) -> str:
    return root(sorted(bytes.fromhex(one) for one in hashes)).hex()


async def hashes(*types: str, stage: str | None = None) -> list[str]:
    rows = await (await pool()).fetch(
        "SELECT record, convert_from(record, 'UTF8')::jsonb ->> 'stage' AS stage FROM log_record WHERE type = ANY ($1)",
        list(types),
    )
    return [sha256_hex(row["record"]) for row in rows if stage is None or row["stage"] in (stage, None)]


async def test_nobody_closes_before_the_deadline(town: Town) -> None:
    with pytest.raises(Refused, match="E-EARLY"):
        await town.close()


async def test_a_box_closes_once_for_every_stage(town: Town) -> None:
    anhua, li = await town.bidder("91AHUA"), await town.bidder("91LI")
    await town.hand_in(anhua)
    await town.hand_in(li)
    await town.hand_in(li, "form", price=7)
    await town.shift(timedelta(hours=2))
    made = {one.stage: one for one in await town.close()}
    assert set(made) == {"documents", "form"}
    for stage, one in made.items():
        assert (one.count, one.opens, one.reason) == (2, True, "")
        assert one.list_root == root_of([who.last[stage].hash for who in (anhua, li)])
        events = await hashes("deposited", stage=stage) + await hashes("bidder-key-registered")
        assert (one.events, one.events_root) == (len(events), root_of(events))
    recorded = await town.records("closed")
    assert [(r["stage"], r["count"]) for r in recorded] == [("documents", 2), ("form", 2)]
    with pytest.raises(Refused, match="E-CLOSED"):
        await town.close()
    assert (await closing.counted(TENDER)).opens


async def test_the_closing_discloses_what_happened_in_the_box(town: Town) -> None:
    anhua, li, idle = [await town.bidder(name) for name in ("91AHUA", "91LI", "91IDLE")]
    await town.hand_in(anhua)
    await town.hand_in(li)
    await town.hand_in(li, "form")
    await town.shift(timedelta(hours=2))
    await town.close()
    rows = await (await pool()).fetch(
        "SELECT r.type, r.subject, d.public FROM log_disclosure d JOIN log_record r ON r.id = d.record"
    )
    shown = sorted(row["type"] for row in rows)
    assert shown == ["bidder-key-registered"] * 2 + ["deposited"] * 5 + ["erased"]
    assert all(row["public"] for row in rows)
    assert idle.id not in {row["subject"] for row in rows}


async def test_fewer_than_the_minimum_stay_shut_for_ever(town: Town) -> None:
    only, ghost = await town.bidder("91ONLY"), await town.bidder("91GHOST", vouched=False)
    await town.hand_in(only)
    await town.hand_in(ghost)  # under a key that nobody vouches for: it is listed, but does not count
    await town.shift(timedelta(hours=2))
    made = await town.close()
    assert {(one.count, one.opens, one.reason) for one in made} == {(2, False, closing.TOO_FEW)}
    rows = await (await pool()).fetch("SELECT DISTINCT public FROM log_disclosure")
    assert [row["public"] for row in rows] == [False]
    assert (await closing.counted(TENDER)).unvouched == {only.bid: False, ghost.bid: True}


async def test_an_empty_box(town: Town) -> None:
    await town.shift(timedelta(hours=2))
    made = await town.close()
    assert {(one.count, one.events, one.list_root) for one in made} == {(0, 0, sha256_hex(b""))}


async def test_withdrawals_and_refusals_are_events_of_their_box(town: Town) -> None:
    gone, stays = await town.bidder("91GONE"), await town.bidder("91STAYS")
    await town.hand_in(gone)
    await town.withdraw(gone)
    await town.hand_in(stays)
    wrong = await town.parcels(stays, {"form": town.seal(stays, "form", seq=9)})
    with pytest.raises(Refused, match="E-SEQ"):
        await town.submit(stays, wrong)
    late = await town.parcels(stays, {"form": town.seal(stays, "form")})
    await town.shift(timedelta(hours=2))
    made = {one.stage: one for one in await town.close()}
    assert (made["form"].count, made["form"].events) == (1, 2 + 1 + 1 + 2)
    assert (made["documents"].count, made["documents"].events) == (1, 2 + 1 + 2)
    with pytest.raises(Refused, match="E-LATE"):  # and what comes after it changes nothing
        await town.submit(stays, late)
    assert (await closing.counted(TENDER)).stages["form"].events_root == made["form"].events_root


async def test_a_moved_deadline_is_the_one_that_closes(town: Town) -> None:
    from audit.act import Actor, acting
    from bidding import boxes

    async with acting(Actor("tenderee", "P-TEN")) as act:
        later = town.deadline + timedelta(hours=2)
        await boxes.move_deadline(act, tender=TENDER, deadline=later, reason="clarification")
    await town.shift(timedelta(hours=2))
    with pytest.raises(Refused, match="E-EARLY"):
        await town.close()
    await town.shift(timedelta(hours=2))
    await town.close()
    with pytest.raises(Refused, match="E-CLOSED"):
        async with acting(Actor("tenderee", "P-TEN")) as act:
            await boxes.move_deadline(
                act, tender=TENDER, deadline=later + timedelta(days=1), reason="", outage={"from": "", "to": ""}
            )


async def test_deposits_race_the_closing_and_none_is_lost_or_late(town: Town) -> None:
    crowd: list[tuple[Bidder, dict[str, object]]] = []
    for number in range(12):
        who = Bidder(f"91RACE{number}", Ed25519Signer.generate())
        await town.register(who.id, who.signer, by=town.authority)
        crowd.append((who, await town.parcels(who, {s: town.seal(who, s) for s in town.keysets})))  # type: ignore[arg-type]
    # The closing may begin the moment the deadline has passed, with requests in flight on both sides of it.
    [left] = [town.deadline - (await (await pool()).fetchval("SELECT log_now()"))]
    await town.shift(left - timedelta(milliseconds=150))

    async def submit(who: Bidder, given: dict[str, object], wait: float) -> str:
        await asyncio.sleep(wait)
        try:
            await town.submit(who, given)  # type: ignore[arg-type]
        except Refused as no:
            return no.code
        return "in"

    async def close() -> list[closing.Closing]:
        while True:
            try:
                return await town.close()
            except Refused as no:
                assert no.code == "E-EARLY"

    waits = [0.02 * number for number in range(len(crowd))]
    *results, closed = await asyncio.gather(
        *(submit(who, given, wait) for (who, given), wait in zip(crowd, waits, strict=True)), close()
    )
    assert set(results) <= {"in", "E-LATE"} and "in" in results and "E-LATE" in results
    taken = [who for (who, _), result in zip(crowd, results, strict=True) if result == "in"]
    for one in closed:  # type: ignore[union-attr]
        assert one.count == len(taken)
        assert one.list_root == root_of([who.last[one.stage].hash for who in taken])
    ids = await (await pool()).fetchrow(
        "SELECT max(id) FILTER (WHERE type = 'deposited') AS deposit, min(id) FILTER (WHERE type = 'closed') AS closing "
        "FROM log_record"
    )
    assert ids["deposit"] < ids["closing"]
