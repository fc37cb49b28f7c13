"""`trading jobs`: the sequencer's beats and the timers. Any number of these processes may run; each may die at any point.

A timer is a row with `due_at` in log time. It is claimed with FOR UPDATE SKIP LOCKED by a lease that the claiming process
renews; if it dies, the lease ends and another takes over. Every timer's work may be done twice without harm: the act
itself looks, under its lock, whether it is still to be done. APScheduler only wakes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from audit.act import pool
from audit.alerts import Alert, Watch, conditions, once, raise_alerts
from audit.refusal import Broken, Refused
from audit.sequencer import Sequencer
from bidding import boxes, releases
from trading import (
    accounts,
    archiving,
    auctions,
    failures,
    lives,
    logs,
    metrics,
    opening,
    outages,
    postgres,
    projects,
    remedies,
    sessions,
    tool_hashes,
)
from trading.installation import Installation, open_
from trading.settings import Settings
from trading.stopping import stopping
from trading.tenders import later, loaded

logger = logging.getLogger("trading.jobs")

LEASE = 10  # machine seconds; renewed every third of it
SWEEP = 1.0  # machine seconds between two looks at the table, whatever woke us or did not
HOUSEKEEPING = 30.0
ONCE = (once("keyset-made", "tender", "stage"), once("project-announced", "tender"), once("closed", "tender", "stage"))
AWAY = postgres.AWAY


@dataclass(frozen=True)
class Due:
    """A claimed timer."""

    id: int
    kind: str
    tender: str
    generation: int
    attempts: int


class Timers:
    """Claims due timers and does their work, one after another per process."""

    def __init__(self, platform: Installation, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.platform = platform
        self.transport = transport  # to the witnesses; the tests' are in this process
        self.work: dict[str, Callable[[str], Awaitable[float | None]]] = {
            "close": self._close,
            "open": self._open,
            "window": self._window,
            "archive": self._archive,
            "resume": self._resume,
            "due": self._overdue,
            "idle": self._idle,
            auctions.TIMER: self._hammer,
        }

    async def run_due(self) -> int:
        """Do everything that is due now; how many timers that were."""
        count = 0
        while (due := await self._claim()) is not None:
            count += 1
            renewing = asyncio.create_task(self._renew(due))
            try:
                await self._do(due)
            finally:
                renewing.cancel()
                with contextlib.suppress(asyncio.CancelledError, *AWAY):
                    await renewing
        return count

    async def next_due(self) -> datetime | None:
        """Machine time at which the next timer is due; None when there is none."""
        row = await pool().fetchrow(
            """SELECT min(due_at) AS due, log_now() AS now,
                      (SELECT factor FROM log_clock) AS factor
               FROM trading_timer WHERE done_at IS NULL AND (leased_until IS NULL OR leased_until < clock_timestamp())"""
        )
        if row["due"] is None:
            return None
        wait: timedelta = (row["due"] - row["now"]) / (row["factor"] or 1)
        return datetime.now(UTC) + max(wait, timedelta())

    async def _claim(self) -> Due | None:
        row = await pool().fetchrow(
            """UPDATE trading_timer SET leased_until = clock_timestamp() + make_interval(secs => $1),
                      attempts = attempts + 1
               WHERE id = (SELECT id FROM trading_timer WHERE done_at IS NULL AND due_at <= log_now()
                               AND (leased_until IS NULL OR leased_until < clock_timestamp())
                           ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
               RETURNING id, kind, tender_id AS tender, generation, attempts""",
            LEASE,
        )
        return Due(**dict(row)) if row else None

    async def _renew(self, due: Due) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            await pool().execute(
                """UPDATE trading_timer SET leased_until = clock_timestamp() + make_interval(secs => $3)
                   WHERE id = $1 AND generation = $2 AND done_at IS NULL""",
                due.id, due.generation, LEASE,
            )  # fmt: skip

    async def _do(self, due: Due) -> None:
        """Run one timer's work; a number it gives is the machine seconds after which to ask again."""
        try:
            again = await self.work[due.kind](due.tender)
        except AWAY:
            raise
        except Exception as error:  # a timer never stops the others: its trouble is kept and it is tried again
            again = float(min(60, 2 ** min(due.attempts, 6)))
            logger.exception("timer %s of %s", due.kind, due.tender)
            await self._later(due, again, f"{type(error).__name__}: {error}")
            return
        if again is not None:
            await self._later(due, again, None)
            return
        await pool().execute(
            """UPDATE trading_timer SET done_at = log_now(), leased_until = NULL, trouble = NULL
               WHERE id = $1 AND generation = $2""",
            due.id, due.generation,
        )  # fmt: skip

    async def _later(self, due: Due, seconds: float, trouble: str | None) -> None:
        await pool().execute(
            """UPDATE trading_timer SET leased_until = clock_timestamp() + make_interval(secs => $3), trouble = $4
               WHERE id = $1 AND generation = $2""",
            due.id, due.generation, seconds, trouble,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------- what is done

    async def _close(self, tender: str) -> float | None:
        deadline: datetime = await pool().fetchval("SELECT deadline FROM trading_tender WHERE id = $1", tender)
        for gap in await outages.gaps_over(self.platform, tender, deadline):
            outage = await outages.confirmed(self.platform, gap, self.transport)
            if outage is None:
                continue
            # log.md §5: an outage over the deadline moves it. While the log stands still nobody knows yet how far.
            if gap.open:
                return 0.5
            centre = self.platform.centre
            moved = outage.lawful(deadline, office=self.platform.keeps_office_hours)
            with contextlib.suppress(Refused):  # another process was faster; or it is closed already
                await projects.move_deadline(self.platform, centre, tender, moved, outages.REASON, outage, None)
                logger.warning("outage %s – %s: deadline of %s moved to %s", gap.start, gap.end, tender, moved)
                return None
        try:
            opens = await opening.close(self.platform, tender)
            logger.info("closed %s: %s", tender, "opens" if opens else "stays shut")
        except Refused as no:
            if no.code == "E-EARLY":  # moved meanwhile, or the clock was read a moment before
                return 0.05
            # Suspended: whoever ends it arms this timer again, and an order that ends by itself has one of its own.
            if no.code not in ("E-STAGE", "E-CLOSED", "E-SUSPENDED"):
                raise
            logger.info("not closed: %s", no)
        return None

    async def _open(self, tender: str) -> float | None:
        try:
            await opening.open_boxes(self.platform, tender)
        except Refused as no:
            # Too few releases: the next one arms this timer again. Past its stage: nothing is left to open.
            if no.code not in ("E-RELEASES", "E-STAGE", "E-SUSPENDED"):
                raise
        return None

    async def _window(self, tender: str) -> float | None:
        """The window's end is a red alert and nothing else (envelope.md §6.3)."""
        given_up = await pool().fetchval("SELECT state = 'terminated' FROM trading_tender WHERE id = $1", tender)
        missing = {} if given_up else await self.missing(tender)
        if not any(missing.values()):
            return None
        await raise_alerts(
            self.platform.centre, [Alert("T-WINDOW", tender, {"level": "red", "missing": missing}, tender)]
        )
        logger.warning("window over, releases missing: %s %s", tender, missing)
        return None

    async def missing(self, tender: str) -> dict[str, list[int]]:
        """The custodians of each stage that have not released yet; nobody is missing where a settlement is waited for."""
        rows = await pool().fetchval("SELECT keysets FROM trading_tender WHERE id = $1", tender)
        found, waiting = {}, set(await releases.unsettled())
        for stage in loaded(rows) or {}:
            if (tender, stage) in waiting:
                continue
            keyset = await releases.keyset(tender, stage)
            found[stage] = [c.i for c in keyset.custodians if (tender, stage) in await _due(c.custodian)]
        return found

    async def _archive(self, tender: str) -> float | None:
        if not await archiving.rests(tender):
            return None  # a contract, or its publication, may still come: that act arms this timer again
        try:
            await archiving.archive(self.platform, None, tender)
        except Refused as no:
            if no.code == "E-PENDING":
                return max(0.2, self.platform.settings.beat)
            # Not yet: what is still to be done arms this timer again when it is done.
            if no.code not in ("E-STAGE", "E-UNFINISHED"):
                raise
        return None

    async def _overdue(self, tender: str) -> float | None:
        """A day of the law has passed: whoever did not act is told to the supervisors, once, and it goes on."""
        alerts, following = await lives.overdue(tender)
        await raise_alerts(self.platform.centre, alerts)
        if following is not None:
            await later("due", tender, following)
        return None

    async def _hammer(self, tender: str) -> float | None:
        """The hammer of an auction falls, unless a bid has made it wait, or its reserve may still be revealed."""
        again = await auctions.hammer(self.platform, tender)
        if again is not None:
            await later(auctions.TIMER, tender, again)
        return None

    async def _idle(self, tender: str) -> float | None:
        """A project stands idle, or was warned in vain, where its region ends such projects: the operator may act."""
        await raise_alerts(self.platform.centre, await failures.idle_alerts(tender))
        return None

    async def _resume(self, tender: str) -> float | None:
        """An order to suspend has ended by itself: what waited for it is looked at again."""
        await remedies.resume_now(tender)
        return None


async def _due(custodian: str) -> set[tuple[str, str]]:
    return {(tender, stage) for tender, stage in await releases.due(custodian)}


async def housekeeping(platform: Installation) -> None:
    """What a crash may have left behind: payloads to erase, uploads nobody finished, answers nobody asks for again;
    and what this version of the offline pages is, if the log does not know it yet."""
    from trading.web import replies

    await boxes.erase_due(platform.store)
    await platform.uploads.expire()
    await replies.forget()
    await sessions.forget(platform.settings)
    await tool_hashes.publish(platform)


async def timers(platform: Installation) -> None:
    """Run timers for ever; a database that is away is waited for."""
    work, wake = Timers(platform), asyncio.Event()
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True})
    scheduler.add_job(wake.set, "interval", seconds=SWEEP)
    scheduler.start()
    try:
        while True:
            wake.clear()
            try:
                await work.run_due()
                at = await work.next_due()
                if at is not None and at < datetime.now(UTC) + timedelta(seconds=SWEEP):
                    scheduler.add_job(wake.set, "date", run_date=at, id="due", replace_existing=True)
            except AWAY as gone:
                logger.warning("the database is away: %s", gone)
            await wake.wait()
    finally:
        scheduler.shutdown(wait=False)


async def _keep_house(platform: Installation) -> None:
    while True:
        try:
            await housekeeping(platform)
        except AWAY as gone:
            logger.warning("the database is away: %s", gone)
        await asyncio.sleep(HOUSEKEEPING)


async def _watch(platform: Installation, sequencer: Sequencer) -> None:
    """Alerts: what the published log shows, and how the sequencer fares."""
    watch = Watch(platform.centre, sequencer.published, ONCE)
    while True:
        try:
            await watch.look()
            await raise_alerts(platform.centre, conditions(sequencer.status, platform.origin, datetime.now(UTC)))
        except AWAY as gone:
            logger.warning("the database is away: %s", gone)
        await asyncio.sleep(HOUSEKEEPING)


async def run(settings: Settings) -> None:
    """Sequencer and timers until SIGTERM. Raises what stops the sequencer: a broken log is not carried on."""
    logs.speak(settings)
    accounts.use_pepper(accounts.pepper_of(settings))
    stop = stopping()
    async with (
        postgres.connected(settings),
        metrics.told(settings.jobs_metrics_port, lambda: metrics.jobs_page(settings)),
    ):
        platform = open_(settings)
        sequencer = Sequencer(
            postgres.dsn(settings, postgres.APP),
            platform.key,
            settings.log_dir,
            platform.policy,
            settings.witness_urls,
        )
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(sequencer.run(), name="sequencer"),
            asyncio.create_task(timers(platform), name="timers"),
            asyncio.create_task(_keep_house(platform), name="house"),
            asyncio.create_task(_watch(platform, sequencer), name="alerts"),
            asyncio.create_task(stop.wait(), name="stop"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Broken as broken:
            logger.critical("stopped: %s", broken)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
