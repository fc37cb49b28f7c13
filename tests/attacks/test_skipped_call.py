"""The order is known and is not kept: passed over, called for a seat that is taken, counted under another trade."""

from __future__ import annotations

from typing import Any

import pytest

from audit.canon import canon, sha256_hex
from tests.attacks.conftest import Stage
from tests.verify import panels

pytestmark = pytest.mark.slow


def test_the_first_is_never_called(stage: Stage) -> None:
    tender, panel = panels.drawn(stage, unrated=True)
    for leaf in panel.queues["civil"][1:4]:
        panel.ring(leaf, "civil", "accepted")
    panel.call()
    panel.sit()
    tender.finish()
    stage.caught(tender, "V13", "D-SKIPPED")


def test_one_more_is_called_than_there_are_seats(stage: Stage) -> None:
    """Four are rung for three seats: the operator chooses who was the fourth."""
    tender, panel = panels.drawn(stage, unrated=True)
    queue = panel.queues["civil"]
    for leaf in queue[:4]:
        panel.ring(leaf, "civil", "accepted")
    panel.lose(queue[0], "civil", "declined")
    panel.call()
    panel.sit()
    tender.finish()
    stage.caught(tender, "V13", "D-OPEN")


def test_called_under_a_trade_that_is_not_his(stage: Stage) -> None:
    tender, panel = panels.drawn(stage, unrated=True)
    panel.ring(panel.queues["economics"][0], "civil", "declined")
    panel.call()
    panel.sit()
    tender.finish()
    stage.caught(tender, "V13", "D-SPECIALTY")


def test_a_call_that_the_file_does_not_tell_of(stage: Stage) -> None:
    def fewer(value: dict[str, Any]) -> dict[str, Any]:
        return {"calls": value["calls"][1:]}

    tender, panel = panels.seated(stage, {"civil": ["declined"]}, unrated=True)
    panel.twist["calls"] = fewer
    tender.finish()
    stage.caught(tender, "V13", "D-CALLS")


def test_called_before_anybody_could_know_the_order(stage: Stage) -> None:
    tender, roster = panels.opened(stage, unrated=True)
    panel = panels.Panel(tender, roster)
    panel.commit()
    panel.say(reveals=False)
    panel.ring(panel.queues["civil"][0], "civil", "no_answer")
    panel.say(reveals=True)
    panel.call()
    panel.sit()
    tender.finish()
    stage.caught(tender, "V13", "D-BEFORE-ORDER")


def test_another_pool_in_the_file(stage: Stage) -> None:
    """A leaf's trade is changed afterwards, so that it stands in another queue."""

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        value["leaves"][0]["specialties"] = ["civil", "economics"]
        value["leaves"][1]["specialties"] = ["civil"]
        value["leaves"][2]["specialties"] = ["economics"]
        return value

    tender, panel = panels.seated(stage, unrated=True)
    panel.twist["leaves"] = changed
    tender.finish()
    stage.caught(tender, "V13", "V-HASH")


def test_the_calls_of_a_panel_are_kept_back(stage: Stage) -> None:
    tender, _ = panels.seated(stage, unrated=True)
    tender.finish()
    stage.caught(
        tender, "V13", "V-MISSING",
        change=lambda files: {path: data for path, data in files.items() if not path.endswith("calls.json")},
    )  # fmt: skip


def test_able_in_a_trade_that_nobody_needs(stage: Stage) -> None:
    """A made-up trade, committed to from the start, would take a leaf out of every queue."""

    def gardener(value: dict[str, Any]) -> dict[str, Any]:
        value["leaves"][0]["specialties"] = ["gardens"]
        return value

    tender, roster = panels.opened(stage, unrated=True)
    panel = panels.Panel(tender, roster)
    panel.twist["leaves"] = gardener
    rows = [{"leaf": leaf.hex(), "specialties": list(named)} for leaf, named in sorted(panel.pool.items())]
    panel.draw(leaves=sha256_hex(canon(gardener({"leaves": rows}))))
    panel.call()
    panel.sit()
    tender.finish()
    stage.caught(tender, "V13", "D-SPECIALTIES")
