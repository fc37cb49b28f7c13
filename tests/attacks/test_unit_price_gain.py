"""A unit price or a rate is told as if it were a sum: millions “saved” of what nobody has counted yet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.attacks.test_published_lines import _json, _line
from tests.world_tender import Tender


def _ranked(stage: Stage, pricing: str, **terms: Any) -> Tender:
    tender = stage.bids(**{"pricing": pricing, "estimate": 500_000_000, **terms})
    tender.open()
    tender.rank()
    return tender


@pytest.mark.parametrize(("pricing", "status"), [("unit", "unit-price"), ("rate", "rate")])
def test_it_is_a_trade_and_no_money(stage: Stage, pricing: str, status: str) -> None:
    """The control; and a total that says so is a total."""
    tender = _ranked(stage, pricing)
    tender.award()
    tender.finish()
    line = _line(tender, status=status, deal=None, baseline=None)
    stage.honest(tender, ledger=_json(line))
    report, _ = stage.judge(tender, "public")
    assert [note.code for note in report.steps[15].notes] == ["V-NO-SUM"]
    stage.caught(tender, "V16", "V-LINE-DIFFERS", editions=("public",), ledger=_json(_line(tender)))


def test_a_total_that_says_so(stage: Stage) -> None:
    tender = _ranked(stage, "total")
    tender.award()
    tender.finish()
    stage.honest(tender)


@pytest.mark.parametrize("pricing", ["unit", "rate"])
def test_a_gain_of_what_is_no_sum(stage: Stage, pricing: str) -> None:
    tender = _ranked(stage, pricing)
    tender.award(gain=12_000_000, formula="baseline-minus-price/v1")
    tender.finish()
    stage.caught(tender, "V16", "V-GAIN")


def test_a_total_whose_gain_is_kept_back_as_if_it_were_a_unit_price(stage: Stage) -> None:
    tender = _ranked(stage, "total")
    tender.award(gain=None, formula=None)
    tender.finish()
    stage.caught(tender, "V16", "V-GAIN")


@pytest.mark.parametrize("terms", [{"pricing": "dozen"}, {"pricing": 7}, {"estimate": None}])
def test_a_pricing_that_the_law_cannot_measure(stage: Stage, terms: dict[str, Any]) -> None:
    tender = _ranked(stage, **{"pricing": "unit", **terms})
    tender.award(gain=None, formula=None)
    tender.finish()
    stage.caught(tender, "V15", "V-RECORD" if terms.get("pricing") == 7 else "V-STEP")
