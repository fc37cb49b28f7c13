"""The deadline is pulled back, and the box closed before a rival comes; the custodians keep to the first hour."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_pulled_back_deadline(stage: Stage) -> None:
    tender = stage.bids(minutes=20)
    announced = tender.deadline
    tender.move(-8)
    tender.close()
    stage.world.until(announced)
    tender.finish()
    stage.caught(tender, "V9", "V-CLOSING")


def test_pulled_back_and_closed_at_the_first_hour(stage: Stage) -> None:
    tender = stage.bids(minutes=20)
    announced = tender.deadline
    tender.move(-8)
    tender.deadline = announced
    tender.finish()
    stage.caught(tender, "V15", "V-PULLED-BACK")
