"""The dispatcher: the one process that holds names, numbers, salts and secrets. It draws, and it calls.

    dispatcher = Dispatcher(desk)
    await dispatcher.run(stop)          until told; one dispatcher at a time, whoever holds the lock
    await dispatcher.run_once()         one look at every open panel (tests; `settle` waits for the calls)

All state is in rows. Each look takes every panel one step on, several panels side by side; calls run beside the looks as
tasks of their own, so many at a time. What a dead process left open is taken up by the next one as if it were its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, Final

import asyncpg

from audit.act import pool
from audit.alerts import Alert, raise_alerts
from audit.refusal import Broken, Refused
from experts import calls, commits, disclosing, recusals
from experts.conversation import Answer
from experts.desk import Desk, Gone
from experts.handed import RUNNING, Asked, read_panel

logger = logging.getLogger("experts.dispatcher")

LOCK: Final = 0x6469_7370_6174_6368
"""One dispatcher at a time may ring: "dispatch"."""
NAMES: Final = 10.0
"""Machine seconds between two looks at names that are to be published."""
LONGEST_REST: Final = 60.0


class Dispatcher:
    """Made once per process. `away`: what the database raises while it is away, which is waited for and never an error."""

    def __init__(self, desk: Desk, away: tuple[type[BaseException], ...] = ()) -> None:
        """Refused("P-CHANNELS") for lines by which nobody could be proved unreachable."""
        desk.lines.check()
        self.desk = desk
        self.away = away
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._steps: dict[str, asyncio.Task[None]] = {}
        self._rests: dict[str, tuple[float, float]] = {}  # what → (until, how long): machine seconds
        self._calls = asyncio.Semaphore(desk.delays.calls)
        self._panels = asyncio.Semaphore(desk.delays.panels)
        self._replies: list[tuple[str, Answer]] = []
        self._wake = asyncio.Event()
        self._named = 0.0
        self._soonest: datetime | None = None

    # ------------------------------------------------------------------------------------------------------- the process

    async def run(self, stop: asyncio.Event, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        """Hold the lock and look, until `stop`; calls under way are then waited for no longer than they ring.

        `connect` makes the connection that holds the lock. While another process has it, or the database is away, nothing is
        done; when either comes back, so does this. A lock that was lost stops every new call at once.
        """
        waited = False
        while not stop.is_set():
            guard: asyncpg.Connection | None = None
            try:
                guard = await connect()
                if await guard.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                    logger.info("this process dispatches")
                    waited = False
                    await self._hold(stop, guard)
                else:
                    if not waited:
                        logger.info("another process dispatches: this one waits")
                    waited = True
                    await self._pause(stop, self.desk.delays.look)
            except self.away as gone:
                logger.warning("the database is away: %s", type(gone).__name__)
                await self._pause(stop, self.desk.delays.look)
            finally:
                if stop.is_set():
                    await self.leave()  # while the lock is still ours
                if guard is not None:
                    with contextlib.suppress(Exception):
                        await guard.close(timeout=1)

    async def once(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        """One look and all the calls it makes. Refused("P-DISPATCHING"): another process dispatches."""
        guard = await connect()
        try:
            if not await guard.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                raise Refused("P-DISPATCHING")
            await self.run_once()
            await self.settle()
        finally:
            await guard.close(timeout=1)

    async def _hold(self, stop: asyncio.Event, guard: asyncpg.Connection) -> None:
        while not stop.is_set() and not guard.is_closed():
            await guard.fetchval("SELECT 1")  # the lock is ours as long as this connection lives
            self._wake.clear()
            await self._round(self.desk.delays.look)
            wait = asyncio.ensure_future(self._wake.wait())
            stopped = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait(
                    {wait, stopped}, timeout=await self._until_next(), return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                for one in (wait, stopped):
                    one.cancel()

    async def _until_next(self) -> float:
        """Machine seconds to the next look: sooner than the usual one where something is due, log time or not."""
        if self._soonest is None:
            return self.desk.delays.look
        now = await pool().fetchval("SELECT log_now()")
        left = float((self._soonest - now).total_seconds()) / self.desk.clock.factor
        return min(self.desk.delays.look, max(left, 0.001))

    async def leave(self) -> None:
        """Let the calls under way end as long as a telephone rings, then leave them to the next process."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=min(self.desk.policy.ring, 5.0))
        left = [*self._tasks.values(), *self._steps.values()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    @staticmethod
    async def _pause(stop: asyncio.Event, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)

    # ------------------------------------------------------------------------------------------------------------ a look

    async def run_once(self) -> None:
        """One step of everything that is due. Raises what `away` names; whatever else goes wrong rests by itself."""
        await self._round(None)

    async def _round(self, patience: float | None) -> None:
        """Start a step of every panel that is not at one, and wait for them, so many machine seconds at most: a pool of a
        million is committed to beside the calls of others."""
        self._soonest = None
        await self._hear()
        rows = await pool().fetch("SELECT * FROM experts_panel WHERE disclosed_at IS NULL ORDER BY asked_at, draw")
        for row in rows:
            if row["draw"] not in self._steps:
                task = asyncio.create_task(self._look(read_panel(row)), name=row["draw"])
                self._steps[row["draw"]] = task
        if self._steps:
            _, slow = await asyncio.wait(list(self._steps.values()), timeout=patience)
            for task in slow:
                task.add_done_callback(lambda _: self._wake.set())
        for draw, task in list(self._steps.items()):
            if task.done():
                del self._steps[draw]
                task.result()
        if time.monotonic() - self._named > NAMES:
            self._named = time.monotonic()
            await self._publish()

    async def settle(self) -> None:
        """Wait until nothing is under way (tests: between two looks)."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))
            await asyncio.sleep(0)

    async def _look(self, asked: Asked) -> None:
        async with self._panels:
            await self._guarded(asked.draw, asked, partial(self._step, asked))

    async def _step(self, asked: Asked) -> None:
        desk, stage = self.desk, await self.desk.market.stage(asked.tender)
        if stage != RUNNING:
            await self._finish(asked, stage)
            return
        if asked.state == "requested":
            self._later(await commits.commit(desk, asked))
        elif asked.state == "committed":
            self._later(await commits.reveal(desk, asked))
        asked = await desk.panel(asked.draw)
        if asked.state not in calls.LIVE:
            if asked.state == "exhausted":
                await self._write(asked, "released")
            return
        self._later(await calls.no_shows(desk, asked))
        if asked.state == "calling" and not await calls.exhaust(desk, asked):
            await calls.open_more(desk, asked)
        await self._ring(asked)
        await self._write(asked, "confirmed")
        await disclosing.readings(desk, asked)
        await recusals.propose(desk, asked)

    async def _ring(self, asked: Asked) -> None:
        waiting, soonest = await calls.next_tries(self.desk, asked)
        self._later(soonest)
        for one in waiting:
            self._start(one.key, asked, partial(calls.attempt, self.desk, asked, one))

    async def _write(self, asked: Asked, template: str) -> None:
        for one in await calls.messages(self.desk, asked, template):
            self._start(one.key, asked, partial(calls.write, self.desk, asked, one))

    async def _finish(self, asked: Asked, stage: str) -> None:
        """The tender is over: those who would come are told, what is owed is written, and the draw is forgotten."""
        if asked.state in calls.LIVE and stage != "closed":
            await self._write(asked, "released")
        if await disclosing.disclose(self.desk, asked, stage):
            self.desk.forget(asked.draw)
            logger.info("draw %s: files written", asked.draw)

    async def _publish(self) -> None:
        """Names that are due (government procurement, with the result)."""
        rows = await pool().fetch(
            """SELECT * FROM experts_panel p WHERE state = 'over' AND seated_at IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM experts_name n WHERE n.panel_id = p.draw)"""
        )
        panels = {row["tender"]: read_panel(row) for row in rows}
        for tender in await self.desk.market.names_due(list(panels)) if panels else ():
            asked = panels[tender]
            await self._guarded(f"names {asked.draw}", asked, partial(disclosing.publish_names, self.desk, asked))
            self.desk.forget(asked.draw)

    async def _hear(self) -> None:
        """Replies to what was written. One that could not be told to the database is told again."""
        for text in (*self.desk.lines.texts, *self.desk.lines.mails):
            try:
                self._replies += await text.answers()
            except self.desk.lines.down:
                continue
        while self._replies:
            key, answer = self._replies[0]
            try:
                await calls.replied(self.desk, key, answer)
            except self.away:
                raise
            except Exception as error:
                _tell("a reply", error)
            self._replies.pop(0)

    # ------------------------------------------------------------------------------------------- what runs, and what fails

    def _later(self, moment: datetime | None) -> None:
        if moment is not None:
            self._soonest = min(self._soonest or moment, moment)

    def _start(self, key: str, asked: Asked, make: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a call or a message as a task of its own, unless it runs already."""
        if key in self._tasks or self._rests_now(key):
            return

        async def run() -> None:
            async with self._calls:
                try:
                    await self._guarded(key, asked, make)
                except self.away as gone:  # the try is open in its row: it is asked again when the database is back
                    logger.warning("the database is away: %s", type(gone).__name__)

        task = asyncio.create_task(run(), name=key)
        self._tasks[key] = task

        def done(_: asyncio.Task[None]) -> None:
            self._tasks.pop(key, None)
            self._wake.set()

        task.add_done_callback(done)

    def _rests_now(self, what: str) -> bool:
        return what in self._rests and self._rests[what][0] > time.monotonic()

    async def _guarded(self, what: str, asked: Asked, make: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something; whatever it says no with makes that one thing rest, longer each time, and never stops the others."""
        if self._rests_now(what):
            return
        try:
            await make()
        except self.away:
            raise
        except Gone:
            return
        except Exception as error:
            _, last = self._rests.get(what, (0.0, self.desk.delays.rest / 2))
            span = min(max(last * 2, float(getattr(error, "retry_after", 0.0) or 0.0)), LONGEST_REST)
            self._rests[what] = (time.monotonic() + span, span)
            _tell(f"draw {asked.draw}", error)
            if isinstance(error, Refused | Broken):
                facts = {"draw": asked.draw, "code": error.code}
                await raise_alerts(self.desk.actor, [Alert("P-STUCK", asked.tender, facts, asked.tender)])
            return
        self._rests.pop(what, None)


def _tell(what: str, error: BaseException) -> None:
    """A line for the log: which error and where, and never what it says, which may be a person's."""
    code = f" {error.code}" if isinstance(error, Refused | Broken) else ""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{one.filename.rsplit('/', 1)[-1]}:{one.lineno}" for one in reversed(frames))
    logger.error("%s: %s%s at %s", what, type(error).__name__, code, where)
