"""A tender is given up because somebody would win it, and some bids are opened all the same: nobody is fooled.

Control: a tender that was given up before its deadline closes at once, stays shut, and its archives hold.
"""

from __future__ import annotations

from datetime import timedelta

from tests.attacks.conftest import Stage


def test_a_tender_that_was_given_up_stays_shut_and_its_archives_hold(stage: Stage) -> None:
    tender = stage.bids(minutes=60)
    tender.terminate()
    assert stage.world.now < tender.deadline
    tender.finish()
    stage.honest(tender)


def test_given_up_and_opened_all_the_same(stage: Stage) -> None:
    tender = stage.bids(minutes=60)
    stage.world.forge["closed"] = lambda record: {**record, "opens": True, "reason": ""}
    tender.terminate()
    stage.world.forge.clear()
    stage.world.until(tender.deadline + timedelta(minutes=1))
    tender.finish()
    stage.caught(tender, "V9", "V-OPENS")


def test_given_up_then_closed_once_more_at_the_hour(stage: Stage) -> None:
    tender = stage.bids(minutes=60)
    tender.terminate()
    stage.world.until(tender.deadline)
    tender.close()
    tender.finish()
    stage.caught(tender, "V9", "V-SECOND")


def test_given_up_when_the_list_is_known(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.log("abandoned", reason="tenderee")
    tender.terminate()
    tender.finish()
    stage.caught(tender, "V9", "V-ORDER")


def test_given_up_twice(stage: Stage) -> None:
    tender = stage.bids(minutes=60)
    tender.log("abandoned", reason="tenderee")
    tender.terminate()
    tender.finish()
    stage.caught(tender, "V9", "V-SECOND")


def test_closed_early_and_nobody_gave_it_up(stage: Stage) -> None:
    tender = stage.bids(minutes=60)
    tender.abandon("idle")  # nothing was terminated
    tender.ended_early = True
    tender.finish()
    stage.caught(tender, "V9", "V-RECORD")


def test_an_early_closing_without_a_word(stage: Stage) -> None:
    tender = stage.bids(minutes=60)
    tender.done.add("close")
    tender._close(opens=False, reason="too_few_bidders")
    tender.ended_early = True
    tender.finish()
    stage.caught(tender, "V6", "V-CLOSED-WHEN")
