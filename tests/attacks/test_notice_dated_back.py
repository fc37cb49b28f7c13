"""The notice hung for ten minutes, and its record says for thirty days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from audit.canon import instant, stamp
from tests.attacks.conftest import Stage
from tests.world_tender import Tender

MONTH = timedelta(days=30)


def works(stage: Stage, rule: str, **moved: timedelta) -> Tender:
    """Works under one rule of theirs, whose records of these types bear another time."""

    def forge(name: str) -> Any:
        return lambda record: {**record, "time": stamp(instant(record["time"]) + moved[name])}

    stage.world.forge |= {name.replace("_", "-"): forge(name) for name in moved}
    return stage.bids(regime="works", rules=[rule])


def test_notice_dated_back(stage: Stage) -> None:
    tender = works(stage, "WK-06", project_announced=-MONTH)
    tender.finish()
    stage.caught(tender, "V15", "V-PERIOD")


def test_award_dated_ahead(stage: Stage) -> None:
    """Candidates are to be shown for three days (WK-38)."""
    tender = works(stage, "WK-38", awarded=MONTH)
    tender.open()
    tender.evaluate()
    tender.award()
    tender.finish()
    stage.caught(tender, "V15", "V-PERIOD")
