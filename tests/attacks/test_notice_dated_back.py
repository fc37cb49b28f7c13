"""The notice hung for ten minutes, and its record says for thirty days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from audit.canon import canon, instant, parse, stamp
from tests.attacks.conftest import Stage
from tests.world import START
from trading.law.regimes import WORKS
from trading.law.rulebook import pin

MONTH = timedelta(days=30)


def works(stage: Stage, rule: str, **moved: timedelta) -> None:
    """Tenders of construction works, one rule of theirs, whose records of these types bear another time."""
    book = parse(pin(WORKS, START).data)
    book["rules"] = [one for one in book["rules"] if one["id"] == rule]
    stage.world.rulebook = lambda: canon(book)  # type: ignore[method-assign]

    def forge(name: str) -> Any:
        return lambda record: {**record, "time": stamp(instant(record["time"]) + moved[name])}

    stage.world.forge |= {name.replace("_", "-"): forge(name) for name in moved}
    announced = stage.world.forge.get("project-announced", lambda record: record)
    stage.world.forge["project-announced"] = lambda record: {**announced(record), "regime": "works"}


def test_notice_dated_back(stage: Stage) -> None:
    works(stage, "WK-06", project_announced=-MONTH)
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V15", "V-PERIOD", editions=["supervision"])


def test_award_dated_ahead(stage: Stage) -> None:
    """Candidates are to be shown for three days (WK-38)."""
    works(stage, "WK-38", awarded=MONTH)
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V15", "V-PERIOD", editions=["supervision"])
