"""What a refused request leaves behind: a count, or a record with a receipt (envelope.md §5).

The act that refuses rolls back, so the refusal is an act of its own. Until E-SIG has passed nobody knows who asks:
such refusals are counted. After it they are recorded, at most 20 an hour and bidder, else they flood the log.
A late request is decided by the clock alone, but recorded only if its signature holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.act import Act, RecordRef, pool
from audit.refusal import Refused
from bidding.records import REFUSED

MOST = 20
"""Recorded refusals of one bidder in one hour of the machine's clock."""


@dataclass(frozen=True)
class Attempt:
    """What was refused. `manifest` is the SHA-256 (hex) of the manifest, or of the withdrawal."""

    tender: str
    stage: str
    bidder: str
    manifest: str
    signed: bool  # E-SIG has passed


class Declined(Refused):
    """A refusal of a deposit or a withdrawal, with what was refused; to everybody else it is a `Refused`."""

    def __init__(self, no: Refused, attempt: Attempt) -> None:
        super().__init__(no.code, no.article, **no.facts)
        self.attempt = attempt


async def to_be_recorded(no: Refused) -> bool:
    """Count the refusal, at once and for itself; whether it is to be recorded in an act of its own."""
    if not isinstance(no, Declined):
        return False
    rows = await pool()
    recorded: bool = await rows.fetchval(
        """INSERT INTO bidding_refusals AS r (bidder, hour, counted, recorded)
        VALUES ($1, date_trunc('hour', clock_timestamp()), 1, CASE WHEN $2 THEN 1 ELSE 0 END)
        ON CONFLICT (bidder, hour) DO UPDATE SET counted = r.counted + 1,
            recorded = r.recorded + CASE WHEN $2 AND r.recorded < $3 THEN 1 ELSE 0 END,
            turned_away = $2 AND r.recorded >= $3
        RETURNING $2 AND NOT r.turned_away""",
        no.attempt.bidder,
        no.attempt.signed,
        MOST,
    )
    return recorded


async def refuse(act: Act, no: Refused) -> RecordRef:
    """Record a refusal (`refused`); its promise and nonce make the signed refusal."""
    if not isinstance(no, Declined):
        raise TypeError("only what deposit and withdraw decline is recorded") from no
    what = no.attempt
    # The closing counts every refusal before it: this one comes wholly before or wholly after.
    await act.query("SELECT FROM bidding_box WHERE tender = $1 FOR SHARE", what.tender)
    await act.clock()
    await act.query(
        "INSERT INTO bidding_refusal (tender, stage, bidder, code, manifest, refused_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        what.tender,
        what.stage,
        what.bidder,
        no.code,
        what.manifest,
        act.now,
    )
    return act.record(
        REFUSED.name,
        subject=what.tender,
        tender=what.tender,
        stage=what.stage,
        bidder=what.bidder,
        code=no.code,
        manifest=what.manifest,
    )
