"""A price far below the others wins and nobody asks how; or the answer comes when the candidates are known."""

from __future__ import annotations

from typing import Any

from tests.attacks.conftest import Stage
from tests.verify.lives import REGIMES
from tests.world_tender import Tender

LOW: dict[str, Any] = {"parameters": {"abnormal": {"below_mean": "20"}}}


def low(stage: Stage) -> Tender:
    tender = stage.tender(**REGIMES["gov"], **LOW)
    for firm, price in zip(stage.firms, (92_000_000, 50_000_000, 95_000_000), strict=True):
        tender.deposit(firm, price)
    tender.open()
    return tender


def test_the_control(stage: Stage) -> None:
    tender = low(stage)
    tender.explain(tender.bids[1])
    tender.finish()
    stage.honest(tender)


def test_nobody_asked(stage: Stage) -> None:
    tender = low(stage)
    tender.finish()
    stage.caught(tender, "V14", "V-EXPLANATION")


def test_explained_when_the_candidates_are_known(stage: Stage) -> None:
    tender = low(stage)
    tender.evaluate()
    tender.explain(tender.bids[1])
    tender.finish()
    stage.caught(tender, "V14", "V-EXPLANATION")
