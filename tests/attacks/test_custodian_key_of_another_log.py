"""A key that a custodian made for a demonstration guards a real box."""

from __future__ import annotations

from bidding.keys import Statement
from tests.attacks.conftest import Stage


def test_custodian_key_of_another_log(stage: Stage) -> None:
    world = stage.world
    statement = world.statement

    def borrowed(name: str, tender: str | None = None, origin: str | None = None) -> Statement:
        return statement(name, tender, "demo.trading.example" if name == "C-NOT" else None)

    world.statement = borrowed
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V7", "E-STATEMENT")
