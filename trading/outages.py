"""Outages: when the platform was away over a deadline, it moves by rule (log.md §5), and everybody can recompute it.

An outage is a gap of more than four beats between cosigned checkpoints, confirmed by a witness's signed probe that did
not see the platform, or declared by two authorities. `law.periods.after_outage` says where the deadline goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from audit.act import Act, pool
from audit.canon import canon, instant, parse_object, sha256_hex, stamp, unb64
from audit.clock import span
from audit.genesis import genesis
from audit.receipt import BEATS
from audit.refusal import Refused
from audit.signature import BadSignature, verify_signatures
from trading.installation import Installation
from trading.law.periods import OUTAGE_GRACE, after_outage, after_outage_in_office_hours

PROBE = b"trading/probe/v1\n"
REASON = "outage"


@dataclass(frozen=True)
class Outage:
    """A gap in the log, with the probes (object and signatures) of witnesses that confirm it."""

    start: datetime
    end: datetime
    probes: tuple[Mapping[str, Any], ...]

    def lawful(self, deadline: datetime, *, office: bool = False) -> datetime:
        """Where a deadline it touches goes; unchanged where it does not. `office`: past office hours to the next working
        day, which a log with a clock of its own does not keep (its days pass in minutes)."""
        return (after_outage_in_office_hours if office else after_outage)(deadline, self.start, self.end)

    @property
    def field(self) -> dict[str, Any]:
        """The `outage` of `deadline-moved`."""
        return {
            "from": stamp(self.start),
            "to": stamp(self.end),
            "probes": sorted(sha256_hex(unb64(one["probe"])) for one in self.probes),
        }


def check_probe(platform: Installation, outage: Outage, one: Mapping[str, Any]) -> str:
    """A witness did not see this platform at some time of the outage; the probe's hash. Refused: T-PROBE with why."""
    data = unb64(one["probe"])
    try:
        signers = verify_signatures(list(one["sig"]), PROBE + data)
        probe = parse_object(data, ("type", "origin", "from", "to", "seen"))
    except (BadSignature, ValueError) as error:
        raise Refused("T-PROBE", why=error.__class__.__name__) from None
    known = {vkey.public for vkey in platform.policy.witnesses.values()}
    if any(signer.alg != "EdDSA" or signer.key not in known for signer in signers):
        raise Refused("T-PROBE", why="witness")
    if (probe["type"], probe["origin"], probe["seen"]) != ("trading.probe/v1", platform.origin, False):
        raise Refused("T-PROBE", why="form")
    if not (instant(probe["from"]) <= outage.end and outage.start <= instant(probe["to"])):
        raise Refused("T-PROBE", why="elsewhere")
    return sha256_hex(data)


async def keep_probes(act: Act, platform: Installation, outage: Outage) -> None:
    """Keep the probes for the archives (`probes/<sha256>.json`). Refused: T-PROBE."""
    for one in outage.probes:
        sha = check_probe(platform, outage, one)
        data = canon({"probe": one["probe"], "sig": [dict(s) for s in one["sig"]]})
        await act.query("INSERT INTO trading_probe (sha, data) VALUES ($1, $2) ON CONFLICT DO NOTHING", sha, data)


async def probe_files(tender: str) -> dict[str, bytes]:
    """The probes that a tender's moved deadlines name, under their archive paths."""
    rows = await pool().fetch("SELECT record FROM log_record WHERE tender = $1 AND type = 'deadline-moved'", tender)
    moved = [parse_object(row["record"])["outage"] for row in rows]
    names = [sha for outage in moved if outage for sha in outage["probes"]]
    kept = await pool().fetch("SELECT sha, data FROM trading_probe WHERE sha = ANY ($1)", names)
    return {f"probes/{row['sha']}.json": row["data"] for row in kept}


@dataclass(frozen=True)
class Gap:
    """A stretch without cosigned checkpoints. `open`: it has not ended yet."""

    start: datetime
    end: datetime
    open: bool


async def beats(platform: Installation) -> timedelta:
    """Four beats in log time: what is said by then before a deadline is in the log before it (log.md §5)."""
    return span(await platform.clock(), (await genesis(pool())).beat * BEATS)


async def gaps_over(platform: Installation, tender: str, deadline: datetime) -> list[Gap]:
    """Gaps that a deadline lies in or just after (log.md §5), but for those that moved this tender's deadline already."""
    pace = await beats(platform)
    times = await _times(platform, deadline - pace - OUTAGE_GRACE, 4096)
    if not times:
        return []
    now: datetime = await pool().fetchval("SELECT log_now()")
    rows = await pool().fetch("SELECT record FROM log_record WHERE tender = $1 AND type = 'deadline-moved'", tender)
    used = {outage["from"] for row in rows if (outage := parse_object(row["record"])["outage"])}
    return [
        Gap(before, after, after is now)
        for before, after in zip(times, [*times[1:], now], strict=True)
        if after - before > pace and before <= deadline <= after + OUTAGE_GRACE and stamp(before) not in used
    ]


async def _times(platform: Installation, since: datetime, most: int) -> list[datetime]:
    """Times of the checkpoints with quorum from `since` on, and of the one before; at most the newest `most`."""
    rows = await pool().fetch(
        """SELECT s.size, array_agg(s.name::text) AS names, array_agg(s.timestamp) AS stamps FROM log_cosignature s
           WHERE s.timestamp IS NOT NULL AND s.size >= coalesce(
               (SELECT max(size) FROM log_checkpoint WHERE made_at <= $1), 0)
           GROUP BY s.size ORDER BY s.size DESC LIMIT $2""",
        since, most,
    )  # fmt: skip
    found = []
    for row in reversed(rows):
        stamps = {
            name: datetime.fromtimestamp(at, UTC)
            for name, at in zip(row["names"], row["stamps"], strict=True)
            if name in platform.policy.witnesses
        }
        if platform.policy.met(stamps):
            found.append(platform.policy.time(stamps))
    return found


async def confirmed(
    platform: Installation, gap: Gap, transport: httpx.AsyncBaseTransport | None = None
) -> Outage | None:
    """The outage a gap is, if a witness that can be asked did not see the platform for most of it; None if none says so.

    A verifier asks for one overlapping probe; we do not act by ourselves on one that only touches the gap.
    """
    start, end = gap.start, gap.end
    probes: list[Mapping[str, Any]] = []
    async with httpx.AsyncClient(timeout=5.0, transport=transport) as http:
        for _, url in platform.settings.witness_urls:
            try:
                answer = await http.get(f"{url}/probes", params={"from": stamp(start), "to": stamp(end)})
                told = answer.json() if answer.status_code == 200 else []
            except (httpx.HTTPError, ValueError):
                continue
            outage, unseen, found = Outage(start, end, ()), timedelta(), []
            for one in told if isinstance(told, list) else ():
                try:
                    check_probe(platform, outage, one)
                    probe = parse_object(unb64(one["probe"]))
                except (Refused, KeyError, TypeError, ValueError):
                    continue
                unseen += min(end, instant(probe["to"])) - max(start, instant(probe["from"]))
                found.append(one)
            if unseen > (end - start) / 2:
                probes += found
    return Outage(start, end, tuple(probes[:20])) if probes else None
