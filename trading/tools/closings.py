"""The closing of a stage as the log holds it: what a place on its list is checked against (envelope.md §6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.canon import NotCanonical, unb64
from audit.checkpoint import verify_note
from audit.merkle import Tiles, inclusion_proof, leaf_hash, tile_path, verify_inclusion
from audit.record import check_record, entry_clear
from audit.refusal import Refused
from audit.trust import Policy
from bidding.records import CLOSED
from trading.client import Platform


def closing_of(platform: Platform, policy: Policy, tender: str, stage: str) -> Mapping[str, Any] | None:
    """The record, proved by the log's own tiles under a checkpoint with quorum; None while the platform shows none.

    Raises Refused("T-KIT") for a record that cannot be read, Broken for one that is not in the log.
    """
    for line in platform.get(f"/tenders/{tender}/timeline")["items"]:
        try:
            data, index = unb64(line["record"]), line["index"]
            record = check_record(data)
        except (KeyError, TypeError, NotCanonical) as error:
            raise Refused("T-KIT", why=f"timeline of {tender}: {error}") from error
        if (record["type"], record.get("tender"), record.get("stage")) != (CLOSED.type, tender, stage):
            continue
        checkpoint = verify_note(platform.fetch("/log/checkpoint"), policy).checkpoint
        if type(index) is not int or not 0 <= index < checkpoint.size:
            continue  # it waits for its beat

        def tile(level: int, number: int, width: int) -> bytes:
            return platform.fetch("/log/" + tile_path(level, number, width).lstrip("/"))

        path = inclusion_proof(Tiles(checkpoint.size, tile), index, checkpoint.size)
        verify_inclusion(leaf_hash(entry_clear(data)), index, checkpoint.size, path, checkpoint.root)
        return record
    return None
