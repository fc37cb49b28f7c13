"""The log goes on from an older backup, shorter than what somebody has already seen."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_roll_back(stage: Stage) -> None:
    world, tender = stage.world, stage.bids()
    tender.finish()
    size = max(world.notes)
    world.wait(300)
    seen = world.notes[max(world.notes)]
    del world.entries[size:]
    for late in [late for late in world.notes if late > size]:
        del world.notes[late]
    stage.caught(tender, "V5", "V-ROLLED-BACK", since=seen)
