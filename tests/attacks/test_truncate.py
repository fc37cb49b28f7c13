"""Everything after the opening is cut off: no award, no end, an older checkpoint as the last."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_truncate(stage: Stage) -> None:
    world, tender = stage.world, stage.bids()
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal()
    size = max(world.notes)
    tender.finish()
    del world.entries[size:]
    for name in [late for late in world.notes if late > size]:
        del world.notes[name]
    world.logged = [record for record in world.logged if record.index < size]
    stage.caught(tender, "V9", "V-UNARCHIVED")
