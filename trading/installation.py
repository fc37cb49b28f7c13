"""What one running platform holds besides its database: the log key, the trust files, the store of sealed payloads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from audit.act import Actor, pool
from audit.canon import stamp
from audit.clock import DEMO, Clock, clock_from
from audit.logkey import LogKey
from audit.refusal import Refused
from audit.trust import Identities, Parties, Policy
from bidding.store import Store
from bidding.uploads import Limits, Uploads
from trading import holidays, logbook
from trading.pace import Guesses, Pace
from trading.rooms import Rooms
from trading.settings import Settings


@dataclass(frozen=True)
class Installation:
    """Handed down to the use cases that need a key, a trust file or a payload. Made once per process by `open_`."""

    settings: Settings
    origin: str
    key: LogKey
    policy_bytes: bytes
    parties_bytes: bytes
    policy: Policy
    parties: Parties
    store: Store
    uploads: Uploads
    pace: Pace = field(default_factory=Pace)
    guesses: Guesses = field(default_factory=Guesses)
    rooms: Rooms = field(default_factory=Rooms)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """Archives a process builds at a time: each keeps a connection for its lock."""

    async def clock(self) -> Clock:
        """The clock of record 0 (log.md §5); a demonstration's runs faster."""
        return clock_from(await clock_row(), self.origin)

    async def identities(self) -> Identities:
        """Who is known under which identity key: the parties file and every vouching logged."""
        return Identities(self.parties, await logbook.vouchings())

    @property
    def keeps_office_hours(self) -> bool:
        """Whether a deadline moved by an outage goes into office hours; a demonstration's days pass in minutes."""
        return not self.origin.startswith("demo.")

    @property
    def centre(self) -> Actor:
        """The platform itself as an actor: timers, closings, unsealings."""
        return Actor("system", "centre")


def check_demo(settings: Settings) -> None:
    """Nobody is let in without a secret but where the log's name and the address both say that nothing is at stake.

    Refused: T-DEMO."""
    host = urlsplit(settings.base_url).hostname or ""
    if settings.demo and not (settings.origin.startswith(DEMO) and host.startswith(DEMO)):
        raise Refused("T-DEMO", origin=settings.origin, host=host)


def open_(settings: Settings) -> Installation:
    """Load keys and trust files. Refused: E-LOGKEY-…, T-NO-TRUST, E-POLICY, E-PARTIES, T-ORIGIN (of another log), T-DEMO."""
    check_demo(settings)
    try:
        policy_bytes, parties_bytes = settings.policy_path.read_bytes(), settings.parties_path.read_bytes()
    except FileNotFoundError as missing:
        raise Refused("T-NO-TRUST", path=str(missing.filename)) from None
    policy, parties = Policy.parse(policy_bytes), Parties.parse(parties_bytes)
    if policy.origin != settings.origin:
        raise Refused("T-ORIGIN", origin=settings.origin, policy=policy.origin)
    key = LogKey.load(settings.log_key_path, settings.origin)
    holidays.know(settings.data)
    store = Store(settings.bids_dir)
    uploads = Uploads(store, Limits(outstanding=settings.upload_quota))
    return Installation(settings, settings.origin, key, policy_bytes, parties_bytes, policy, parties, store, uploads)


async def clock_row() -> dict[str, Any] | None:
    """The clock of record 0 as its row has it; None: the machine's."""
    row = await pool().fetchrow("SELECT base, factor, start FROM log_clock")
    return None if row is None else {"base": stamp(row["base"]), "factor": row["factor"], "start": stamp(row["start"])}
