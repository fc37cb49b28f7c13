"""A rejection is written into the past, where a cover stood, and the cheapest bid is out."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.world import Logged


def test_insert(stage: Stage) -> None:
    world, tender = stage.world, stage.bids()
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal()
    cover = len(world.entries) - 1
    tender.reject(tender.bids[1])
    late: Logged = world.logged[-1]
    tender.finish()
    world.entries[cover], world.entries[late.index] = late.entry, world.entries[cover]
    late.index = cover
    stage.caught(tender, "V3", "V-ROOT")
