"""The rulebook pinned to a tender leaves a rule of the law out, or has another number; then everything keeps the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from audit.canon import canon, parse
from tests.attacks.conftest import Stage
from tests.verify.lives import REGIMES
from tests.world_tender import Tender

Rules = list[dict[str, Any]]


def pinned(stage: Stage, monkeypatch: pytest.MonkeyPatch, regime: str, change: Callable[[Rules], Rules]) -> Tender:
    """A tender whose rulebook was changed before it was announced."""
    honest = Tender._pin

    def cheat(tender: Tender, rules: Any) -> bytes:
        book = parse(honest(tender, rules))
        return canon({**book, "rules": change(book["rules"])})

    monkeypatch.setattr(Tender, "_pin", cheat)
    tender = stage.bids(**REGIMES[regime])
    tender.finish()
    return tender


def without(id: str) -> Callable[[Rules], Rules]:
    return lambda rules: [one for one in rules if one["id"] != id]


def valued(id: str, value: Any, unit: str | None = None) -> Callable[[Rules], Rules]:
    return lambda rules: [
        {**one, "value": value, "unit": unit or one["unit"]} if one["id"] == id else one for one in rules
    ]


@pytest.mark.parametrize("regime", REGIMES)
def test_the_control(stage: Stage, monkeypatch: pytest.MonkeyPatch, regime: str) -> None:
    """Further rules, of a region or a newer house, do no harm."""
    more = {"id": "XX-01", "value": 1, "unit": "日"}
    stage.honest(pinned(stage, monkeypatch, regime, lambda rules: [*rules, more]))


@pytest.mark.parametrize(
    ("regime", "change"),
    [
        ("works", without("WK-38")),
        ("works", without("WK-40")),
        ("works", valued("WK-38", 1)),
        ("works", valued("WK-06", 20, "工作日")),
        ("works", valued("WK-09", 20)),
        ("works", valued("WK-48", 100)),
        ("gov", without("GP-25")),
        ("gov", valued("GP-24", 300)),
        ("gov", valued("GP-20", 1)),
        ("land", without("WK-26")),
        ("minerals", valued("WK-26", 1)),
        ("works", lambda rules: []),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_rule_less_or_another_number(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, regime: str, change: Callable[[Rules], Rules]
) -> None:
    stage.caught(pinned(stage, monkeypatch, regime, change), "V15", "V-LOOSE")
