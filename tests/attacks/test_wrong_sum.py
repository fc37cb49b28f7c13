"""The gain is made to look larger; or the award dearer than the bid."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.world_tender import Tender


def _ranked(stage: Stage) -> Tender:
    tender = stage.bids()
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian)
    tender.unseal()
    tender.rank()
    return tender


def test_wrong_gain(stage: Stage) -> None:
    tender = _ranked(stage)
    tender.award(gain=13_000_000)
    tender.finish()
    stage.caught(tender, "V16", "V-GAIN")


def test_wrong_baseline(stage: Stage) -> None:
    tender = _ranked(stage)
    tender.award(baseline=110_000_000, gain=22_000_000)
    tender.finish()
    stage.caught(tender, "V16", "V-GAIN")


def test_wrong_price(stage: Stage) -> None:
    tender = _ranked(stage)
    tender.award(price=91_000_000, gain=9_000_000)
    tender.finish()
    stage.caught(tender, "V14", "V-PRICE")
