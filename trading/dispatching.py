"""`trading dispatch`: the process that draws and calls (experts/dispatcher.py), with what the market knows handed to it.

Nothing else in this process: no page, no job, no log key. It alone opens the vault and the channels.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from pydantic_settings import BaseSettings, SettingsConfigDict

from audit.act import pool
from audit.clock import Clock, clock_from, span
from audit.refusal import Refused
from experts.desk import Desk
from experts.dispatcher import Dispatcher
from experts.handed import CLOSED, GIVEN_UP, RUNNING, Asked, Bidders, Delays, Lines, Terms
from experts.summons import Policy
from experts.vault import Vault
from trading import accounts, lives, logbook, logs, postgres
from trading.channels import ChannelError, Channels, ChannelUnfit, PostChannels, open_channels
from trading.channels.settings import ChannelSettings
from trading.installation import clock_row
from trading.law import committee, secrecy
from trading.law.stages import ENDED
from trading.settings import Settings
from trading.stopping import stopping
from trading.tenders import LOCKED

logger = logging.getLogger("trading.dispatch")
HEALTH, HEALTH_EVERY = "dispatch.json", 2.0


class DispatchSettings(BaseSettings):
    """How the dispatcher calls: `TRADING_DISPATCH_<NAME>`. `…_machine` are seconds of the machine's clock, the others of the
    log's: a demonstration's log runs faster."""

    model_config = SettingsConfigDict(env_prefix="TRADING_DISPATCH_", env_file=".env", extra="ignore", frozen=True)

    ring_machine: float = 45.0
    """How long a telephone rings."""
    voice_tries: int = 3
    late_tries: int = 1
    """Calls of a replacement."""
    gaps: tuple[float, ...] = (60.0, 120.0)
    check_in_before: float = 900.0
    """So long before the panel meets whoever accepted must have checked in, or is a no-show."""
    travel_machine: float = 7200.0
    """What whoever accepts late has to come, however soon the panel meets."""
    ask_code: bool = True
    """Ask for the personal code before an acceptance counts."""
    look_machine: float = 0.5
    rest_machine: float = 5.0
    calls: int = 64
    panels: int = 8
    approval_machine: float = 4 * 3600.0
    """How long the draft of a third attempt may wait for its approval before it is made anew."""

    def policy(self, clock: Clock) -> Policy:
        """As the pure half has it. The ten minutes between two channels are no setting (draw.md §2.5)."""
        return Policy(
            ring=self.ring_machine,
            voice_tries=self.voice_tries,
            late_tries=self.late_tries,
            gaps=tuple(timedelta(seconds=one) for one in self.gaps),
            before=timedelta(seconds=self.check_in_before),
            travel=span(clock, self.travel_machine),
        )

    @property
    def delays(self) -> Delays:
        """As the dispatcher has them."""
        return Delays(
            look=self.look_machine,
            calls=self.calls,
            panels=self.panels,
            rest=self.rest_machine,
            approval=self.approval_machine,
        )


class CentreMarket:
    """What this platform's tenders tell the dispatcher (experts.handed.Market)."""

    async def terms(self, asked: Asked, now: datetime) -> Terms | None:
        """None while the list of bids that the draw must know is not there. Refused: E-DRAW-EARLY where the hour at which
        it might have been drawn is over, W-UNKNOWN."""
        row = await _row(asked.tender)
        book = lives.book_of(row, now)
        earliest = now
        if asked.attempt == 0:  # the first attempt's time is the draw's; what follows a void follows it
            try:
                committee.check_draw_time(book, now, asked.meets)
            except Refused as no:
                earliest = no.facts["earliest"]
                if earliest <= now:
                    raise
        bidders: frozenset[str] = frozenset()
        if asked.after_opening:
            if not row["opens"]:
                return None
            bidders = frozenset((await logbook.bidders_after_closing(asked.tender)).values())
        return Terms(earliest, committee.admitted_days(book.panel), committee.EMPLOYER_YEARS, bidders)

    async def bidders(self, tender: str) -> Bidders | None:
        """Everybody who handed in, once the bids are opened."""
        row = await _row(tender)
        if not secrecy.is_open(row["state"], row["opens"]):
            return None
        codes = frozenset((await logbook.bidders_after_closing(tender)).values())
        return Bidders(codes, committee.EMPLOYER_YEARS)

    async def stage(self, tender: str) -> str:
        """By the tender's records and its row."""
        row = await pool().fetchrow(
            """SELECT t.state, EXISTS (SELECT 1 FROM log_record r WHERE r.tender = t.id AND r.type = 'evaluation-closed')
                      AS closed FROM trading_tender t WHERE t.id = $1""",
            tender,
        )
        if row is None:
            raise Refused("W-UNKNOWN")
        return CLOSED if row["closed"] else GIVEN_UP if row["state"] in ENDED else RUNNING

    async def names_due(self, tenders: Sequence[str]) -> Collection[str]:
        """Those whose result is notified, under a regime that names the experts with it (GP-13, 政府采购法实施条例 43)."""
        rows = await pool().fetch(
            "SELECT DISTINCT tender FROM log_record WHERE tender = ANY ($1) AND type = 'award-notified'", list(tenders)
        )
        now = await pool().fetchval("SELECT log_now()")
        return [
            row["tender"] for row in rows if lives.book_of(await _row(row["tender"]), now).has("GP-13")
        ]  # fmt: skip


async def _row(tender: str) -> Any:
    row = await pool().fetchrow(LOCKED, tender)
    if row is None:
        raise Refused("W-UNKNOWN")
    return row


def lines(channels: Channels, *, ask_code: bool) -> Lines:
    """The channels of this installation as the dispatcher is handed them."""
    return Lines(
        voices=channels.voice,
        texts=channels.text,
        mails=channels.mail,
        down=ChannelError,
        unfit=ChannelUnfit,
        ask_code=ask_code,
    )


async def desk_of(vault: Vault, channels: Channels, chosen: DispatchSettings, origin: str) -> Desk:
    """The dispatcher's desk in this installation; the database is connected."""
    clock = clock_from(await clock_row(), origin)
    return Desk(
        vault,
        lines(channels, ask_code=chosen.ask_code),
        CentreMarket(),
        lambda code: accounts.digest(code).hex(),
        clock,
        chosen.policy(clock),
        chosen.delays,
    )


async def run(
    settings: Settings, vault: Vault, chosen: DispatchSettings, drivers: ChannelSettings, *, once: bool = False
) -> None:
    """Dispatch until SIGTERM, or (`once`) until nothing is under way. Refused: E-CHANNEL-…, P-CHANNELS."""
    logs.speak(settings, drivers, chosen, more=[os.environ.get("TRADING_PASSPHRASE", "")])
    accounts.use_pepper(accounts.pepper_of(settings))
    channels = open_channels(drivers)
    stop = stopping()

    async def guard() -> asyncpg.Connection:
        return await asyncpg.connect(postgres.dsn(settings, postgres.APP), timeout=5)

    async with listening(channels), telling(settings.data / HEALTH, channels):
        while not stop.is_set():
            try:
                async with postgres.connected(settings):
                    desk = await desk_of(vault, channels, chosen, settings.origin)
                    dispatcher = Dispatcher(desk, postgres.AWAY)
                    if once:
                        await dispatcher.once(guard)
                        return
                    await dispatcher.run(stop, guard)
            except postgres.AWAY as gone:  # before the first look: the database is not there yet
                logger.warning("the database is away: %s", type(gone).__name__)
                await asyncio.sleep(chosen.look_machine)
    logger.info("stopped")


@contextlib.asynccontextmanager
async def listening(channels: Channels | PostChannels) -> AsyncIterator[None]:
    """Providers may call back meanwhile, where the settings say so. Raises OSError at once if the port is taken."""
    if channels.callbacks is None:
        yield
        return
    heard = asyncio.create_task(channels.callbacks.serve())
    await asyncio.sleep(0)
    try:
        if heard.done():
            heard.result()
        yield
    finally:
        heard.cancel()
        await asyncio.gather(heard, return_exceptions=True)


@contextlib.asynccontextmanager
async def telling(path: Path, channels: Channels) -> AsyncIterator[None]:
    """Meanwhile a file of ours says how the channels do, for `status`: states and counts."""

    async def tell() -> None:
        while True:
            health = [asdict(one.health()) for one in (*channels.voice, *channels.text, *channels.mail)]  # type: ignore[attr-defined]
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps({"pid": os.getpid(), "channels": health}))
            fresh.replace(path)
            await asyncio.sleep(HEALTH_EVERY)

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# ------------------------------------------------------------------------------------------------------------------ status


async def status(data: Path) -> dict[str, Any]:
    """Counts, for whoever runs the dispatcher: panels and summonses by state, tries, how long it takes. No names."""
    panels = await pool().fetch("SELECT state, count(*) AS count FROM experts_panel GROUP BY state ORDER BY state")
    called = await pool().fetch("SELECT state, count(*) AS count FROM experts_summons GROUP BY state ORDER BY state")
    tries = await pool().fetch(
        """SELECT channel, count(*) AS count, count(*) FILTER (WHERE ended_at IS NULL) AS under_way,
                  count(answer) AS answered, count(*) FILTER (WHERE outcome = 'accepted') AS accepted
           FROM experts_try GROUP BY channel ORDER BY channel"""
    )
    filled = await pool().fetchrow(
        """SELECT extract(epoch FROM avg(p.seated_at - f.first))::float8 AS seconds FROM experts_panel p JOIN (
               SELECT panel_id, min(first_at) AS first FROM experts_summons GROUP BY panel_id) f ON f.panel_id = p.draw
           WHERE p.seated_at IS NOT NULL"""
    )
    return {
        "health": _health(data / HEALTH),
        "panels": {row["state"]: row["count"] for row in panels},
        "summonses": {row["state"]: row["count"] for row in called},
        "channels": {
            row["channel"]: {name: count for name, count in row.items() if name != "channel"} for row in tries
        },
        "seconds_to_fill": filled["seconds"],
    }


def _health(path: Path) -> list[dict[str, Any]]:
    """What the dispatcher last said of its channels; nothing where none runs."""
    try:
        told = json.loads(path.read_text())
        os.kill(told["pid"], 0)
    except (OSError, ValueError, KeyError):
        return []
    return list(told["channels"])
