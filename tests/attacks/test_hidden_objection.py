"""An objection that would stop everything is taken, promised, and never seen again."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.verify.lives import ranked
from tests.world import Logged
from tests.world_tender import Tender


def objected(stage: Stage) -> Tender:
    tender = ranked(stage)
    stage.world.sleep(1)
    tender.object(stage.ash, about="result")
    return tender


def told(stage: Stage) -> Logged:
    return next(one for one in stage.world.logged if one.name == "remedy-filed")


def test_the_control(stage: Stage) -> None:
    tender = objected(stage)
    tender.answer(told(stage).body["remedy"])
    tender.finish()
    stage.honest(tender, receipts=[stage.world.receipt(told(stage))])


def test_logged_where_nobody_can_read_it(stage: Stage) -> None:
    """Under a blinded entry it is void, and the serial it took is missing."""
    stage.world.blinded = lambda record: record.name == "remedy-filed"
    tender = objected(stage)
    tender.finish()
    stage.caught(tender, "V9", "V-SERIAL")


def test_promised_and_never_logged(stage: Stage) -> None:
    """The archives agree among themselves; the objector holds the platform's promise."""
    tender = ranked(stage)
    stage.world.sleep(1)
    with stage.world.held_up():
        tender.object(stage.ash, about="result")
    filed = told(stage)
    promised = stage.world.receipt(filed, proof=False)
    for record in [one for one in stage.world.waiting if one.name in ("remedy-filed", "objector-noted")]:
        stage.world.waiting.remove(record)
        stage.world.logged.remove(record)
    stage.world.serials["serial", tender.id] -= 1
    tender.finish()
    stage.honest(tender)
    stage.caught(tender, "V17", "V-DROPPED", receipts=[promised])
