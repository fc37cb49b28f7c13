"""Two of three custodians' keys are the operator's: it could open every bid the night before."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.world import seeded


def test_forged_custodian_keys(stage: Stage) -> None:
    for name in ("C-SUP", "C-TEN"):
        stage.world.people[name] = seeded(f"forged {name}")
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V7", "E-IDENTITY")


def test_vouched_by_nobody(stage: Stage) -> None:
    world = stage.world
    world.people["C-NOT"] = seeded("forged C-NOT")
    true = dict(world.authorities)
    world.authorities["A-SUP"] = seeded("operator")
    world.vouch("C-NOT", "custodian")
    world.authorities = true
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V7", "E-VOUCHING")
