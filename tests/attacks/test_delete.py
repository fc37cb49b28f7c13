"""A deposit is taken out of the log, a cover put in its place, and the closing written as if it had never come."""

from __future__ import annotations

from audit.record import entry_cover
from tests.attacks.conftest import Stage


def test_delete(stage: Stage) -> None:
    tender = stage.bids()
    lost = tender.bids.pop()
    tender.finish()
    for handed in (chain[0] for chain in lost.chains.values()):
        stage.world.entries[handed.record.index] = entry_cover()
        stage.world.logged.remove(handed.record)
    stage.caught(tender, "V3", "V-ROOT")
