"""Three bids came, but not the friend's: the closing says that there were too few."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_shut_though_enough(stage: Stage) -> None:
    tender = stage.bids(min_bids=3)
    stage.world.forge["closed"] = lambda record: {**record, "opens": False, "reason": "too_few_bidders"}
    tender.finish()
    stage.caught(tender, "V9", "V-OPENS", editions=["supervision"])
    # the public edition holds no bids of a tender that stays shut: that is what the supervisor's is for
    stage.honest(tender, editions=["public"])
