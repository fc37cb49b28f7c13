"""Two histories from one point on, each with a quorum: who has seen the other one says so."""

from __future__ import annotations

import copy

from tests.attacks.conftest import Stage


def test_fork(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    seen = copy.copy(stage.world)
    seen.entries, seen.notes, seen.times = list(seen.entries), dict(seen.notes), dict(seen.times)
    seen.frontier, seen.waiting = seen.frontier.copy(), []
    seen.wait(120)
    tender.finish()
    tender.world.wait(240)
    stage.caught(tender, "V5", "V-FORKED", since=seen.notes[max(seen.notes)])
    stage.honest(tender, since=stage.world.notes[max(size for size in stage.world.notes if size not in seen.notes)])
