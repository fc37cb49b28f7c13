"""The closing is logged blinded, so that nobody can see whether there is a second one."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_blinded_and_disclosed(stage: Stage) -> None:
    stage.world.blinded = lambda record: record.name == "closed"
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V4", "V-BLINDED")


def test_blinded_and_kept(stage: Stage) -> None:
    stage.world.blinded = lambda record: record.name == "closed"
    stage.world.hidden = lambda record: record.name == "closed"
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V9", "V-UNCLOSED")
