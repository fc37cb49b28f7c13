"""Refusal slips: the signed refusal of a request that leaves no record (envelope.md §5).

Until E-SIG has passed nobody knows who asks, and after twenty an hour a bidder floods the log: such refusals are not
recorded, so no promise proves them. The slip does: the log key's word that these bytes were refused, why, and when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from audit import wire
from audit.canon import canon, sha256_hex, stamp
from audit.refusal import Broken
from audit.trust import BadSignature, Policy, verify_signatures

SLIP = b"trading/refusal/v1\n"
_FIELDS: dict[str, wire.Reader] = {
    "origin": wire.text,
    "tender": wire.text,
    "stage": wire.text,
    "bidder": wire.text,
    "code": wire.text,
    "manifest": wire.HASH,
    "time": wire.time,
}


def write_slip(*, origin: str, tender: str, stage: str, bidder: str, code: str, manifest: str, time: datetime) -> bytes:
    """The canonical bytes; `manifest` is the SHA-256 (hex) of what was refused, `time` the database's clock."""
    return canon(
        {
            "type": "trading.refusal/v1",
            "origin": origin,
            "tender": tender,
            "stage": stage,
            "bidder": bidder,
            "code": code,
            "manifest": manifest,
            "time": stamp(time),
        }
    )


def check_slip(data: bytes, sigs: Sequence[Mapping[str, Any]], policy: Policy, refused: bytes) -> dict[str, Any]:
    """What the slip says, if a log key of the policy signed it and it is about the bytes `refused`.

    Raises Broken("R-SLIP", why=…).
    """
    try:
        said = wire.read(data, "trading.refusal/v1", _FIELDS)
        signed = verify_signatures(list(sigs), SLIP + data)
    except (wire.Malformed, BadSignature) as why:
        raise Broken("R-SLIP", why=str(why)) from why
    if not {one.key for one in signed} <= {log.public for log in policy.logs}:
        raise Broken("R-SLIP", why="another key than the log's")
    if said["origin"] != policy.origin or said["manifest"] != sha256_hex(refused):
        raise Broken("R-SLIP", why="about something else")
    return said
