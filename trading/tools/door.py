"""The door of a panel from outside: two keys sign for a reader, the reader opens the list, an authority removes a member.

A reading's key is made for it and thrown away with it: the list lies readable nowhere, not on the reader's disk either.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from audit import wire
from audit.canon import NotCanonical, b64, parse_object, unb64
from audit.refusal import Refused
from audit.trust import Signer, record_sig_bytes
from bidding import hpke
from experts.approvals import unapproved
from experts.door import TWO_KEYS, info_of, reading_of, removal_of
from experts.records import DRAW_COMMITTED
from trading.client import Platform

_NAMES = {"names": wire.listed(wire.nested({"seat": wire.integer(1), "name": wire.text}))}


def approve(platform: Platform, tender: str, reader: str, signer: Signer) -> dict[str, Any]:
    """One of the two signatures that open the list to `reader` before everybody sits, in the draw as public records have it.

    Raises Refused("P-DOOR") where nothing was drawn.
    """
    draw = DRAW_COMMITTED.type
    try:
        lines = platform.get(f"/tenders/{tender}/timeline")["items"]
        records = [parse_object(unb64(line["record"])) for line in lines if line["type"] == draw]
    except (KeyError, TypeError, NotCanonical):
        records = []
    if not records:
        raise Refused("P-DOOR", why="nothing was drawn in this tender")
    record = reading_of(tender, records[-1]["draw"], records[-1]["attempt"], reader, TWO_KEYS)
    return signer.sign(unapproved(record))


def read(
    platform: Platform, tender: str, approvals: Sequence[Mapping[str, Any]] = (), *, patience: float, every: float = 1.0
) -> list[dict[str, Any]]:
    """Ask, wait until the dispatcher has answered, open: [{"seat", "name"}].

    Raises Refused("P-DOOR") when nobody answers in `patience` machine seconds, or with what does not open.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    asked = {"key": b64(hpke.public_bytes(private)), "approvals": list(approvals)}
    made = platform.post(f"/tenders/{tender}/panel/readings", asked)
    ends = time.monotonic() + patience
    while made["sealed"] is None:
        if time.monotonic() > ends:
            raise Refused("P-DOOR", why="nobody has answered yet")
        time.sleep(every)
        made = platform.get(f"/tenders/{tender}/panel/readings/{made['id']}")
    try:
        data = hpke.open(private, info_of(made["draw"], made["id"]), unb64(made["sealed"]))
        names = wire.members(parse_object(data.rstrip(b" ")), _NAMES)["names"]
    except (hpke.Unopenable, NotCanonical, ValueError):
        raise Refused("P-DOOR", why="the list does not open under this key") from None
    return list(names)


def remove(platform: Platform, tender: str, seat: int, outcome: str, by: str, signer: Signer) -> Mapping[str, Any]:
    """An authority takes the member of a seat away: `removed`, or for a `conflict`; the record it became."""
    held = platform.get(f"/tenders/{tender}/panel/seats/{seat}")
    record = removal_of(tender, held["draw"], held["attempt"], held["leaf"], held["specialty"], outcome, by)
    body = {"leaf": held["leaf"], "outcome": outcome, "by": by, "sig": [signer.sign(record_sig_bytes(record))]}
    made: Mapping[str, Any] = platform.post(f"/tenders/{tender}/panel/removals", body)
    return made
