"""Four candidates where the law names three at most: the fourth is the friend."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.verify.lives import begun
from tests.world_tender import Tender


def four(stage: Stage) -> Tender:
    tender = begun(stage, "works")
    tender.deposit(stage.world.bidder("elm"), 99_000_000)
    tender.open()
    tender.report()
    return tender


def test_three_of_four(stage: Stage) -> None:
    tender = four(stage)
    tender.finish()
    stage.honest(tender)


def test_four_of_four(stage: Stage) -> None:
    tender = four(stage)
    tender.rank(most=4)
    tender.finish()
    stage.caught(tender, "V14", "V-RANKING")


def test_one_of_four(stage: Stage) -> None:
    """The others, who might object, are not named."""
    tender = four(stage)
    tender.rank(most=1)
    tender.finish()
    stage.caught(tender, "V14", "V-RANKING")
