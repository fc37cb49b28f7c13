"""Two records change places, so that the one who came second came first."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_swap(stage: Stage) -> None:
    tender = stage.bids()
    tender.finish()
    one, other = (bid.chains["form"][0].record for bid in tender.bids[:2])
    one.index, other.index = other.index, one.index
    for record in (one, other):
        stage.world.entries[record.index] = record.entry
    stage.caught(tender, "V3", "V-ROOT")
