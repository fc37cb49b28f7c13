"""Honest tenders whose panel was drawn: what a draw may go through. Attacks start from the same beginnings."""

from __future__ import annotations

from typing import Any

from tests.attacks.conftest import Stage
from tests.verify.lives import RATED as RATED
from tests.verify.lives import REGIMES as REGIMES
from tests.world_draw import Panel, Roster
from tests.world_life import text_of
from tests.world_tender import Tender

RULES: dict[str, Any] = {"method": "comprehensive/v1", "parameters": RATED}


def opened(stage: Stage, regime: str = "works", **terms: Any) -> tuple[Tender, Roster]:
    """Twenty experts are on the roster, three bids opened; nobody is drawn yet."""
    roster = Roster(stage.world, terms.pop("size", 20))
    rules = {} if terms.pop("unrated", False) else RULES
    tender = stage.bids(**{**REGIMES[regime], **rules, **terms})
    tender.open()
    return tender, roster


def drawn(stage: Stage, regime: str = "works", **terms: Any) -> tuple[Tender, Panel]:
    """The draw has an order; nobody has been called."""
    how = {
        name: terms.pop(name)
        for name in ("need", "representatives", "parties", "excluded", "left_out", "meets")
        if name in terms
    }
    tender, roster = opened(stage, regime, **terms)
    panel = Panel(tender, roster, **how)
    panel.draw()
    return tender, panel


def seated(stage: Stage, fates: Any = None, **terms: Any) -> tuple[Tender, Panel]:
    """The panel sits."""
    tender, panel = drawn(stage, **terms)
    panel.call(fates)
    panel.sit()
    return tender, panel


def scored(stage: Stage, **terms: Any) -> tuple[Tender, Panel]:
    """And has scored."""
    tender, panel = seated(stage, **terms)
    panel.score()
    return tender, panel


def finish(tender: Tender, panel: Panel, **answers: Any) -> Tender:
    """The report is answered, and all that follows."""
    if "report" not in tender.done:
        tender.report()
    panel.answer(text_of("report"), **answers)
    tender.finish()
    return tender
