"""A price is "corrected" until the right bid is the cheapest."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Stage
from tests.verify.lives import corrected, opened


def test_the_control(stage: Stage) -> None:
    stage.honest(corrected(stage))


def test_from_a_price_that_nobody_read_out(stage: Stage) -> None:
    tender = opened(stage, "gov")
    tender.correct(tender.bids[1], 93_000_000, read_out=92_500_000)
    tender.finish()
    stage.caught(tender, "V14", "V-CORRECTION")


@pytest.mark.parametrize("rules", [("sum", "words"), ("sum", "sum"), ("kindness",)], ids=" then ".join)
def test_by_rules_in_no_lawful_order(stage: Stage, rules: tuple[str, ...]) -> None:
    tender = opened(stage, "gov")
    price = 88_000_000
    for rule in rules:
        tender.correct(tender.bids[1], price + 3_000_000, rule, read_out=price)
        price += 3_000_000
    tender.finish()
    stage.caught(tender, "V14", "V-CORRECTION")


def test_after_the_candidates_are_known(stage: Stage) -> None:
    tender = opened(stage, "gov")
    tender.evaluate()
    tender.correct(tender.bids[1], 93_000_000)
    tender.corrected.clear()
    tender.finish()
    stage.caught(tender, "V14", "V-ORDER")


def test_corrected_and_not_counted(stage: Stage) -> None:
    """The price was corrected upwards; the ranking and the award take the one that was read out."""
    tender = opened(stage, "gov")
    tender.correct(tender.bids[1], 93_000_000)
    tender.corrected.clear()
    tender.finish()
    stage.caught(tender, "V14", "V-RANKING")


def test_of_a_bid_that_was_never_opened(stage: Stage) -> None:
    tender = opened(stage, "gov", min_bids=3)
    stranger = "0" * 32
    tender.log("price-corrected", bid=stranger, stage="form", read=90_000_000, corrected=80_000_000, rule="sum")
    tender.finish()
    stage.caught(tender, "V14", "V-CORRECTION")
