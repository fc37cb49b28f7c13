"""An amount in a logged record is changed in the database, and everything made from it again."""

from __future__ import annotations

from audit.canon import canon, parse
from tests.attacks.conftest import Stage


def test_flip(stage: Stage) -> None:
    tender = stage.bids()
    tender.finish()
    awarded = next(one for one in stage.world.logged if one.name == "awarded")
    forged = {**parse(awarded.data), "price": 87_000_000, "gain": 13_000_000}
    awarded.data = canon(forged)
    stage.world.entries[awarded.index] = awarded.entry
    # the witnesses have seen the other history: its checkpoints are all the operator has
    stage.caught(tender, "V3", "V-ROOT")
