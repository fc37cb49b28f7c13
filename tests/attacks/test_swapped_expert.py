"""Somebody sits whom chance did not send: another leaf, another name behind the leaf, another one in the same seat."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.verify import panels
from tests.world_draw import Panel

pytestmark = pytest.mark.slow


def friend(panel: Panel) -> str:
    """A leaf of the pool whose turn it was not."""
    return panel.queues["civil"][-1]


def test_the_control(stage: Stage) -> None:
    stage.honest(panels.finish(*panels.scored(stage)))


def test_a_friend_sits_who_was_never_called(stage: Stage) -> None:
    tender, panel = panels.drawn(stage)
    panel.call()
    for seat, leaf in enumerate([friend(panel), *panel.sitting("civil")[1:], *panel.sitting("economics")], 1):
        panel.check_in(seat, leaf)
    panel.log("panel-seated", attempt=1, leaves=[panel.seats[n] for n in range(1, 6)])
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-UNSEATED")


def test_a_friend_is_called_out_of_turn(stage: Stage) -> None:
    tender, panel = panels.drawn(stage)
    panel.ring(friend(panel), "civil", "accepted")
    panel.call()
    panel.sit()
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-SKIPPED")


def test_a_friend_behind_the_leaf(stage: Stage) -> None:
    """The order is kept; who it is that sits is told otherwise. Only supervisors hold the names."""

    def swap(value: dict[str, Any]) -> dict[str, Any]:
        one, other, *_ = value["roster"]
        one["expert"], other["expert"] = other["expert"], one["expert"]
        return value

    tender, panel = panels.scored(stage)
    panel.twist["names"] = swap
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-NAME", editions=["supervision"])
    stage.honest(tender, editions=["public"])


def test_a_seat_changes_hands_and_nobody_was_lost(stage: Stage) -> None:
    tender, panel = panels.seated(stage)
    seats = [panel.seats[n] for n in range(1, 6)]
    panel.log("panel-seated", attempt=1, leaves=[seats[1], seats[0], *seats[2:]])
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-UNSEATED")


def test_a_key_of_somebody_who_does_not_sit_there(stage: Stage) -> None:
    """The operator keys the third seat anew, for nobody who was drawn."""
    tender, panel = panels.seated(stage)
    panel.check_in(3, friend(panel))
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-SEAT")


def test_one_key_in_two_seats(stage: Stage) -> None:
    tender, panel = panels.drawn(stage)
    panel.call()
    for seat, leaf in enumerate([*panel.sitting("civil"), *panel.sitting("economics")], 1):
        panel.check_in(seat, leaf, signer=stage.world.people["C-TEN"] if seat < 3 else None)
    panel.sit()
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-KEY-TWICE")


def test_a_seat_that_nobody_keyed(stage: Stage) -> None:
    tender, panel = panels.drawn(stage, unrated=True)
    panel.call()
    leaves = [*panel.sitting("civil"), *panel.sitting("economics")]
    for seat, leaf in enumerate(leaves[:4], 1):
        panel.check_in(seat, leaf)
    panel.log("panel-seated", attempt=1, leaves=leaves)
    stage.world.wait()
    tender.finish()
    stage.caught(tender, "V13", "D-UNKEYED")


def test_ranked_and_nobody_sat(stage: Stage) -> None:
    tender, panel = panels.drawn(stage, unrated=True)
    panel.call()
    tender.finish()
    stage.caught(tender, "V13", "D-NO-PANEL")


def test_called_when_all_were_seated(stage: Stage) -> None:
    tender, panel = panels.seated(stage, unrated=True)
    panel.lose(str(panel.seats[1]), "civil", "declined")
    tender.finish()
    stage.caught(tender, "V13", "D-UNSEATED")


def test_four_sit_where_five_are_needed(stage: Stage) -> None:
    tender, panel = panels.drawn(stage, unrated=True)
    panel.call()
    leaves = [*panel.sitting("civil"), *panel.sitting("economics")]
    for seat, leaf in enumerate(leaves, 1):
        panel.check_in(seat, leaf)
    panel.log("panel-seated", attempt=1, leaves=leaves[:4])
    stage.world.wait()
    tender.finish()
    stage.caught(tender, "V13", "D-SEATED")
