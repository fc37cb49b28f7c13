"""The award is at one price, the contract at another; or more is kept back than the law allows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.canon import stamp
from tests.attacks.conftest import Stage
from tests.verify.lives import awarded
from tests.world_life import text_of


@pytest.mark.parametrize("regime", ["works", "gov"])
def test_the_control(stage: Stage, regime: str) -> None:
    tender = awarded(stage, regime)
    tender.notify()
    tender.sign(performance=tender.won // 10)
    tender.finish()
    stage.honest(tender)


@pytest.mark.parametrize("more", [1, 500_000, -1])
def test_at_another_price(stage: Stage, more: int) -> None:
    tender = awarded(stage)
    tender.notify()
    tender.sign(tender.won + more)
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")


@pytest.mark.parametrize("regime", ["works", "gov"])
def test_more_security_than_lawful(stage: Stage, regime: str) -> None:
    tender = awarded(stage, regime)
    tender.notify()
    tender.sign(performance=tender.won // 10 + 1)
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")


@pytest.mark.parametrize("days", [-30, 1])
def test_signed_on_another_day(stage: Stage, days: int) -> None:
    """Before the letter, or tomorrow."""
    tender = awarded(stage)
    tender.notify()
    tender.sign(signed=stamp(stage.world.now + timedelta(days=days)))
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")


def test_another_one_is_published(stage: Stage) -> None:
    tender = awarded(stage, "gov")
    tender.notify()
    tender.sign()
    tender.log("contract-published", contract=text_of("the contract for the public"))
    tender.log("contract-filed", contract=text_of("contract"))
    tender.done.add("publish contract")
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")


def test_a_bid_security_above_two_per_cent(stage: Stage) -> None:
    """A notice only the rich can answer."""
    security = {"amount": 2_000_001, "valid_days": 90, "accounts": "basic"}
    tender = awarded(stage, "works", security=security)
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")
