"""Record 0: how a log begins, and what it says about itself for ever (log.md §1, §5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.act import Actor, acting, pool
from audit.canon import parse_object
from audit.clock import DEMO, LogClock, MachineClock, clock_from
from audit.record import LOG_OPENED, TRUST_PUBLISHED
from audit.refusal import Broken, Refused
from audit.trust import Parties, Policy

OPENING = 0x6C6F672D6F70656E  # "log-open": an advisory lock


@dataclass(frozen=True)
class Genesis:
    """What record 0 says. `beat` is seconds of the machine's clock, `width` leaves in a beat."""

    origin: str
    beat: int
    width: int
    clock: MachineClock | LogClock
    policy: str  # SHA-256 of the trust files it was opened with, hex
    parties: str

    @property
    def factor(self) -> int:
        """Log seconds in a machine second."""
        return self.clock.factor


async def genesis(db: Any) -> Genesis:
    """Read record 0. Refused("E-LOG-CLOSED") when no log is open, Broken("L-ORIGIN") when another record is first."""
    row = await db.fetchrow("SELECT type, record FROM log_record ORDER BY id LIMIT 1")
    if row is None:
        raise Refused("E-LOG-CLOSED")
    first = parse_object(row["record"])
    if row["type"] != LOG_OPENED.name:
        raise Broken("L-ORIGIN", found=row["type"], expected=LOG_OPENED.name)
    clock = clock_from(first["clock"], first["origin"])
    return Genesis(first["origin"], first["beat"], first["width"], clock, first["policy"], first["parties"])


async def open_log(
    origin: str, *, beat: int, width: int, policy: Policy, parties: Parties, clock: LogClock | None = None
) -> Genesis:
    """Write record 0 `log-opened`, and `trust-published`; the first beat gives them their leaves.

    `beat` in whole seconds of the machine's clock, `width` leaves in a beat. Opening it again changes nothing.
    Refused("E-DEMO-CLOCK") for a clock of its own under an origin that does not begin with `demo.`,
    Broken("L-ORIGIN") when another log lives in this database.
    """
    if clock is not None and not origin.startswith(DEMO):
        raise Refused("E-DEMO-CLOCK", origin=origin)
    if policy.origin != origin:
        raise Refused("E-POLICY", line=0, why="origin")
    if width < 2 or beat < 1:
        raise ValueError("a beat has room for its marker and a record, and takes time")
    db = await pool()
    try:
        found = await genesis(db)
    except Refused:
        pass
    else:
        if found.origin != origin:
            raise Broken("L-ORIGIN", found=found.origin, expected=origin)
        return found
    async with acting(Actor("operator", origin), clock=False) as act:
        # Two processes at once: the second waits here, then finds the log open.
        await act.query("SELECT pg_advisory_xact_lock($1)", OPENING)
        if await act.query("SELECT FROM log_record LIMIT 1"):
            raise Refused("E-LOG-OPEN", origin=origin)
        if clock is not None:
            await act.query(
                "INSERT INTO log_clock (id, base, factor, start) VALUES (1, $1, $2, $3)",
                clock.base,
                clock.factor,
                clock.start,
            )
        await act.clock()
        trust: dict[str, Any] = {"policy": policy.sha256, "parties": parties.sha256}
        said = None if clock is None else clock.describe()
        act.record(LOG_OPENED.name, subject=origin, origin=origin, clock=said, beat=beat, width=width, **trust)
        act.record(TRUST_PUBLISHED.name, subject=origin, **trust)
    return await genesis(db)


async def publish_trust(actor: Actor, origin: str, policy: Policy, parties: Parties) -> None:
    """Log the hashes of new trust files, after whoever may has signed them (envelope.md §2; key rotation)."""
    async with acting(actor) as act:
        act.record(TRUST_PUBLISHED.name, subject=origin, policy=policy.sha256, parties=parties.sha256)
