"""The operator registers a key in a firm's name and replaces its bid by a dearer one."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.world import seeded


def test_replacement_under_a_key_the_operator_registered(stage: Stage) -> None:
    tender = stage.bids()
    forged = seeded("operator")
    stage.world.register(stage.oak, forged, by=None)
    tender.deposit(stage.oak, 99_000_000, bid=tender.bids[1], signer=forged)
    tender.finish()
    stage.caught(tender, "V8", "E-SIGNER")
