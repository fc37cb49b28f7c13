"""P3: no bid is accepted after the deadline, none refused before it, and none falls in between.

Schedules drawn from a seed: bids, replacements and withdrawals are finalised side by side around the deadline while
others hold the box's lock over it, the tenderee moves the deadline at the last moment, and the timer closes.
`DEADLINE_SCHEDULES=1000` runs more of them.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from audit.act import acting, pool
from audit.canon import b64, instant, parse, stamp, unb64
from audit.receipt import check_receipt
from audit.refusal import Refused
from bidding import boxes
from bidding.envelope import new_bid
from bidding.registrations import WITHDRAWAL, write_withdrawal
from bidding.slips import check_slip
from tests.trading.desk import Bidder, Desk
from tests.trading.town import Town, town
from trading import postgres
from trading.settings import Settings
from trading.tenders import arm, locked
from trading.tools.bidder import plain_receipt

SCHEDULES = int(os.environ.get("DEADLINE_SCHEDULES", "10"))
SEED = int(os.environ.get("FAULTS_SEED", "20260302"))
FIRMS = 12
AHEAD = timedelta(milliseconds=300)
"""How long before the deadline a schedule begins; its requests leave within twice that."""


@dataclass
class Outcome:
    """What came of one schedule."""

    deadline: datetime
    accepted: list[datetime] = field(default_factory=list)
    late: list[datetime] = field(default_factory=list)
    held: list[tuple[datetime, datetime]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def judge(self) -> list[str]:
        """What must not be."""
        wrong = [f"accepted {at - self.deadline} after the deadline" for at in self.accepted if at > self.deadline]
        wrong += [f"refused {self.deadline - at} before the deadline" for at in self.late if at <= self.deadline]
        wrong += [
            f"decided at {at - self.deadline}, while another held the box"
            for at in self.accepted
            for begin, end in self.held
            if begin < at < end
        ]
        return wrong + self.faults


class Hour:
    """One tender and the minute around its deadline."""

    def __init__(self, place: Town, desk: Desk, firms: list[Bidder], dice: random.Random) -> None:
        self.town, self.desk, self.dice = place, desk, dice
        self.firms = [replace(firm, bid=new_bid(), last={}, receipts={}) for firm in firms]

    async def live(self, owner_dsn: str, *, moved: bool) -> Outcome:
        """Prepare everything, put the clock before the deadline, let everybody go, and say what came of it."""
        town, desk, dice = self.town, self.desk, self.dice
        before = [firm for firm in self.firms if dice.random() < 0.4]
        for firm in before:
            await desk.hand_in(firm, 9_000_000)
        requests = [(firm, *await self._request(firm, firm in before and dice.random() < 0.4)) for firm in self.firms]
        await town.beat()
        outcome = Outcome(desk.deadline)
        await town.push(desk.deadline - AHEAD - await desk.now())
        span = 2 * AHEAD.total_seconds()
        work = [self._send(outcome, *request, dice.uniform(0, span)) for request in requests]
        work += [self._hold(outcome, owner_dsn, dice.uniform(0, span), dice.uniform(0.02, 0.15)) for _ in range(2)]
        if moved:
            work.append(self._move(outcome, dice.uniform(0, span * 0.6)))
        else:
            work.append(self._close(span / 2 + dice.uniform(0, 0.2)))
        await asyncio.gather(*work)
        await town.push(max(outcome.deadline - await desk.now(), timedelta()) + timedelta(seconds=1))
        await town.timers.run_due()
        await self._check_closing(outcome, before)
        return outcome

    async def _request(self, firm: Bidder, leaves: bool) -> tuple[str, dict[str, Any]]:
        path = f"/api/v1/tenders/{self.desk.tender}/bids/{firm.bid}"
        if not leaves:
            return path, await self.desk.body(firm, 8_000_000)
        lasts = {stage: (m.seq, m.hash) for stage, m in firm.last.items()}
        data = write_withdrawal(tender=self.desk.tender, bidder=firm.code, bid=firm.bid, lasts=lasts)
        return f"{path}/withdrawal", {"withdrawal": b64(data), "sig": [firm.signer.sign(WITHDRAWAL + data)]}

    async def _send(self, outcome: Outcome, firm: Bidder, path: str, body: dict[str, Any], after: float) -> None:
        await asyncio.sleep(after)
        answer = await self.town.as_(firm.name).post(path, json=body)
        told = answer.json()
        if answer.status_code == 201:
            receipts = list(told["receipts"].values()) if "receipts" in told else [told]
            outcome.accepted += [self._time(receipt) for receipt in receipts]
        elif answer.status_code == 409 and told["code"] == "E-LATE" and told.get("receipt"):
            assert parse(plain_receipt(told["receipt"]).record)["code"] == "E-LATE"
            outcome.late.append(self._time(told["receipt"]))
        elif answer.status_code == 409 and told["code"] == "E-LATE" and told.get("slip"):
            slip = unb64(told["slip"]["refusal"])  # beyond twenty an hour: signed, and not recorded
            stage = parse(slip)["stage"]
            refused = unb64(body["stages"][stage]["manifest"] if "stages" in body else body["withdrawal"])
            said = check_slip(slip, told["slip"]["sig"], self.town.policy, refused)
            assert said["code"] == "E-LATE"
            outcome.late.append(said["time"])
        else:
            outcome.faults.append(f"neither taken nor refused with a proof: {answer.status_code} {answer.text[:300]}")

    def _time(self, receipt: dict[str, Any]) -> datetime:
        kept = plain_receipt(receipt)
        check_receipt(kept, self.town.policy)
        return instant(parse(kept.record)["time"])

    async def _hold(self, outcome: Outcome, dsn: str, after: float, length: float) -> None:
        """Somebody holds the box alone for a while, as a closing or a moved deadline does."""
        await asyncio.sleep(after)
        db = await asyncpg.connect(dsn)
        async with db.transaction():
            await db.execute("SELECT FROM bidding_box WHERE tender = $1 FOR UPDATE", self.desk.tender)
            begin = await db.fetchval("SELECT log_now()")
            await asyncio.sleep(length)
            outcome.held.append((begin, await db.fetchval("SELECT log_now()")))
        await db.close()

    async def _move(self, outcome: Outcome, after: float) -> None:
        """The tenderee would move the deadline, and it is too near for that; below the law the box itself still can."""
        await asyncio.sleep(after)
        later = outcome.deadline + AHEAD / 3
        body = {"deadline": stamp(later), "reason": "more_time"}
        told = await self.town.call("tenderee", "POST", f"/tenders/{self.desk.tender}/deadline", 409, body)
        assert told["code"] in ("E-LATE", "E-DEADLINE-NEAR"), told
        try:
            async with acting(self.town.platform.centre) as act:
                await locked(act, self.desk.tender)
                await boxes.move_deadline(
                    act, tender=self.desk.tender, deadline=later, reason="more_time", outage=None, sig=None
                )
                await act.query("UPDATE trading_tender SET deadline = $2 WHERE id = $1", self.desk.tender, later)
                await arm(act, "close", self.desk.tender, later)
            outcome.deadline = later
        except Refused as no:
            assert no.code == "E-LATE", no

    async def _close(self, after: float) -> None:
        await asyncio.sleep(after)
        await self.town.timers.run_due()

    async def _check_closing(self, outcome: Outcome, before: list[Bidder]) -> None:
        """The closing counts the acknowledged ones, all of them and no other, and nothing is decided after it."""
        rows = await pool().fetch(
            "SELECT stage, received_at, ended_at FROM bidding_deposit WHERE tender = $1", self.desk.tender
        )
        effective = sum(row["ended_at"] is None for row in rows) // 2
        closings = [
            parse(row["record"])
            for row in await pool().fetch(
                "SELECT record FROM log_record WHERE type = 'closed' AND tender = $1", self.desk.tender
            )
        ]
        if [one["count"] for one in closings] != [effective] * 2:
            outcome.faults.append(f"{effective} bids, and closings {closings}")
        if any(row["received_at"] > outcome.deadline for row in rows):
            outcome.faults.append("a row after the deadline")
        if any(instant(one["time"]) <= outcome.deadline for one in closings):
            outcome.faults.append("closed before the deadline")
        taken = await pool().fetchval(
            "SELECT count(*) FROM log_record WHERE type IN ('deposited', 'withdrawn') AND tender = $1", self.desk.tender
        )
        if taken != len(outcome.accepted) + 2 * len(before):
            outcome.faults.append(f"{taken} records, {len(outcome.accepted)} + {2 * len(before)} receipts")


@pytest.fixture
async def place(settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    configured = settings.model_copy(update={"token_pepper": "pepper"})
    async with postgres.connected(configured), town(configured, owner_dsn) as made:
        yield made


async def schedules(place: Town, owner_dsn: str, tmp: Path, count: int, seed: int) -> list[Outcome]:
    """So many tenders, one after the other, with the same twelve firms."""
    dice, firms, outcomes = random.Random(seed), list[Bidder](), list[Outcome]()
    for number in range(count):
        desk = Desk(place, tmp / f"desk {number}")
        await desk.open()
        if not firms:
            firms = [await desk.bidder(f"第{n}建筑公司") for n in range(FIRMS)]
        outcomes.append(await Hour(place, desk, firms, dice).live(owner_dsn, moved=number % 3 == 2))
    return outcomes


async def test_asvs_15_4_2_every_request_around_the_deadline_is_taken_in_time_or_refused_with_a_proof(
    place: Town, owner_dsn: str, tmp_path: Path
) -> None:
    outcomes = await schedules(place, owner_dsn, tmp_path, SCHEDULES, SEED)
    wrong = [f"schedule {number}: {what}" for number, one in enumerate(outcomes) for what in one.judge()]
    assert not wrong, "\n".join(wrong)
    accepted, late = sum(len(one.accepted) for one in outcomes), sum(len(one.late) for one in outcomes)
    assert accepted > SCHEDULES and late > SCHEDULES, "schedules straddle the deadline"
    nearest = min(abs(at - one.deadline) for one in outcomes for at in one.accepted + one.late)
    print(f"{len(outcomes)} schedules: {accepted} accepted, {late} refused, the nearest {nearest} from the deadline")


async def _rewritten(owner_dsn: str, old: str, new: str) -> None:
    """Replace a line of the statement that finalises, as its owner could."""
    db = await asyncpg.connect(owner_dsn)
    text = await db.fetchval("SELECT pg_get_functiondef('bidding_deposit_all'::regproc)")
    assert old in text
    await db.execute(text.replace(old, new))
    await db.close()


async def test_a_clock_read_before_the_lock_is_noticed(place: Town, owner_dsn: str, tmp_path: Path) -> None:
    """The control: decided by the time of arrival, while somebody else holds the box."""
    await _rewritten(owner_dsn, "t := log_now();", "")
    await _rewritten(owner_dsn, "t timestamptz;", "t timestamptz := log_now();")
    outcomes = await schedules(place, owner_dsn, tmp_path, 6, SEED)
    assert any("while another held the box" in what for one in outcomes for what in one.judge())


async def test_a_statement_that_does_not_look_at_the_deadline_is_stopped_by_the_row_itself(
    place: Town, owner_dsn: str, tmp_path: Path
) -> None:
    """A late bid cannot exist, whoever writes: `CHECK (received_at <= deadline)`, and the refusal is as good."""
    await _rewritten(owner_dsn, "t > box.deadline OR ", "")
    outcomes = await schedules(place, owner_dsn, tmp_path, 2, SEED)
    assert not [what for one in outcomes for what in one.judge()]
    assert sum(len(one.late) for one in outcomes) > 2
