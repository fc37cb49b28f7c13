"""The pool is trimmed before anything is drawn: some are not told of, some come in at the last moment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.verify import panels
from tests.world_draw import Panel, Roster
from tests.world_tender import Tender

pytestmark = pytest.mark.slow


def whole(tender: Tender, roster: Roster, **how: Any) -> Panel:
    panel = Panel(tender, roster, **how)
    panel.draw()
    panel.call()
    panel.sit()
    panel.score()
    panels.finish(tender, panel)
    return panel


def test_a_member_of_the_roster_is_left_out(stage: Stage) -> None:
    tender, roster = panels.opened(stage)
    whole(tender, roster, left_out=list(roster.specialties)[:5])
    stage.caught(tender, "V13", "D-ROSTER", editions=["supervision"])
    stage.honest(tender, editions=["public"])


def test_an_admission_is_hidden(stage: Stage) -> None:
    """A whole batch, with the record that admitted it: names and admissions agree, and the numbers have a gap."""
    tender, roster = panels.opened(stage)
    first = next(iter(roster.specialties))
    whole(tender, roster, left_out=list(roster.specialties)[: len(roster.specialties) // 2])
    stage.world.hidden = lambda record: record.name == "expert-admitted" and first in record.body["experts"]
    stage.caught(tender, "V13", "D-ADMISSION-HIDDEN", editions=["supervision"])


def test_an_expert_admitted_yesterday(stage: Stage) -> None:
    """An authority did sign; nobody may come in for a panel that is about to be drawn."""
    tender, roster = panels.opened(stage)
    roster.admit(["friend"])
    stage.world.sleep(1)
    whole(tender, roster)
    stage.caught(tender, "V13", "D-ROSTER", editions=["supervision"])


def test_an_admission_dated_back(stage: Stage) -> None:
    """Its record says it were eight days old; the first checkpoint over it does not."""
    tender, roster = panels.opened(stage)
    now = stage.world.now
    stage.world.sleep(8)
    stage.world.back(now)
    roster.admit(["friend"])
    stage.world.back(now + (stage.world.times[max(stage.world.times)] - now))
    stage.world.sleep(0.5)
    whole(tender, roster)
    stage.caught(tender, "V13", "D-ROSTER", editions=["supervision"])


def test_an_exclusion_that_was_not_counted(stage: Stage) -> None:
    """The record says one reason, the names another."""

    def other(value: dict[str, Any]) -> dict[str, Any]:
        for row in value["roster"]:
            row["excluded"] = "leave" if row["excluded"] == "kin" else row["excluded"]
        return value

    tender, roster = panels.opened(stage)
    panel = whole(tender, roster, excluded={list(roster.specialties)[3]: "kin"})
    panel.twist["names"] = other
    stage.caught(tender, "V13", "D-POOL", editions=["supervision"])


def test_more_are_left_out_than_the_record_says(stage: Stage) -> None:
    tender, roster = panels.opened(stage)
    panel = Panel(tender, roster, excluded={list(roster.specialties)[3]: "kin"})
    panel.commit(excluded={})
    panel.say(reveals=False)
    panel.say(reveals=True)
    panel.call()
    panel.sit()
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-POOL")


def test_names_in_the_public_edition(stage: Stage) -> None:
    tender, panel = panels.scored(stage)
    panels.finish(tender, panel)
    path = next(path for path in panel.files() if path.endswith("names.json"))
    stage.caught(
        tender, "V1", "V-STRAY", editions=["public"], change=lambda files: {**files, path: panel.files()[path]}
    )  # fmt: skip
