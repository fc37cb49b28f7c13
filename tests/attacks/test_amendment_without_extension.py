"""Documents that change what is to be built three days before the deadline: one of the bidders had known it all along."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Stage
from tests.verify.lives import amended, amended_in_time, begun


def test_the_controls(stage: Stage) -> None:
    stage.honest(amended(stage))


def test_in_time_or_of_no_consequence(stage: Stage) -> None:
    stage.honest(amended_in_time(stage))


@pytest.mark.parametrize("regime", ["works", "gov"])
@pytest.mark.parametrize("extend", [None, 1, 11])
def test_too_late_and_too_short(stage: Stage, regime: str, extend: float | None) -> None:
    tender = begun(stage, regime)
    stage.world.sleep(20)
    tender.amend({"清单.xlsx": b"another bill"}, extend=extend)
    tender.finish()
    stage.caught(tender, "V15", "V-PERIOD")


def test_long_enough(stage: Stage) -> None:
    tender = begun(stage, "works")
    stage.world.sleep(20)
    tender.amend({"清单.xlsx": b"another bill"}, extend=13)
    tender.finish()
    stage.honest(tender)
