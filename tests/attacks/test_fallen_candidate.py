"""The first candidate is pushed aside when everybody has read his name, for a reason that the law does not know."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Stage
from tests.verify.lives import ranked, second_wins


def test_the_control(stage: Stage) -> None:
    stage.honest(second_wins(stage))


@pytest.mark.parametrize("reason", ["too_far_away", "qualification", "price"])
def test_for_another_reason(stage: Stage, reason: str) -> None:
    tender = ranked(stage)
    tender.reject(tender.bids[1], reason)
    tender.finish()
    stage.caught(tender, "V15", "V-FALLEN")
