"""Alerts are raised once, answered once, and see nothing that is sealed (audit/alerts.py)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit.act import Actor, acting
from audit.alerts import Alert, Fold, Watch, answer, blinded_public, conditions, once, raise_alerts, standing
from audit.feed import Place, Shown
from audit.refusal import Refused
from audit.sequencer import Status
from audit.tiles import Published
from tests.audit.logworld import CLERK, LogWorld, log_world

SUPERVISOR = Actor("supervisor", "li")


second_notice = once("test-public", "tender")  # a rule as the market hands it down: one notice a tender


@pytest.fixture
async def world(db: object, database: str, tmp_path: Path) -> AsyncIterator[LogWorld]:
    async with log_world(database, tmp_path) as made:
        yield made


async def test_a_rule_is_folded_over_the_feed_and_raises_once(world: LogWorld) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await world.openly(2)
    await world.openly(1, tender="U@1")
    watch = Watch(SUPERVISOR, Published(world.directory / "log"), [second_notice])
    assert await watch.look() == [], "nothing is published yet"
    await sequencer.beat()
    (ref,) = await watch.look()
    assert (ref.subject, ref.body["rule"], ref.body["sserial"]) == ("T@1", "L-TWICE", 1)
    assert await watch.look() == []
    again = Watch(SUPERVISOR, Published(world.directory / "log"), [second_notice])
    assert await again.look() == [], "a second process finds it raised"
    await world.openly(1)
    await sequencer.beat()
    both = await asyncio.gather(watch.look(), again.look())
    assert sum(len(refs) for refs in both) == 1
    assert len(await standing()) == 2


async def test_an_alert_is_answered_once(world: LogWorld) -> None:
    (ref,) = await raise_alerts(SUPERVISOR, [Alert("A-GAP", "T@1", {"beats": 9})])
    (alert,) = await standing("T@1")
    assert (alert.id, alert.facts, alert.answer) == (ref.body["alert"], {"beats": 9}, None)
    await answer(SUPERVISOR, alert.id, "停电")
    assert await standing("T@1") == []
    (done,) = await standing("T@1", answered=True)
    assert done.answer == "停电"
    for wrong in (alert.id, "00" * 32):
        with pytest.raises(Refused, match="E-ALERT"):
            await answer(SUPERVISOR, wrong, "again")


async def test_sealed_records_are_not_shown_to_rules(world: LogWorld) -> None:
    shown: list[str] = []

    def spy() -> Fold:
        def fold(record: dict[str, Any], _: Shown) -> Iterable[Alert]:
            shown.append(record["type"])
            return ()

        return fold

    sequencer = world.sequencer()
    await sequencer.lead()
    await world.sealed(3)
    await sequencer.beat()
    watch = Watch(SUPERVISOR, Published(world.directory / "log"), [spy])
    await watch.look()
    assert "trading.test-sealed/v1" not in shown
    async with acting(CLERK) as act:
        closing = act.record("test-public", subject="T@1", tender="T@1")
        act.disclose(closing, tender="T@1", public=True)
    await sequencer.beat()
    await watch.look()
    assert shown.count("trading.test-sealed/v1") == 3


def test_a_public_record_under_01_is_void_and_an_alert() -> None:
    record = {"type": "trading.log-opened/v1", "subject": "x"}
    fold = blinded_public()
    assert not list(fold(record, Shown(Place(3), 3, b"", None, b"")))
    (alert,) = fold(record, Shown(Place(9, 3), 3, b"", bytes(32), b""))
    assert alert.rule == "L-BLINDED"


def test_conditions_are_raised_at_most_once_an_hour() -> None:
    status = Status(pending=5, skew=3.4, faults={"w1": "L-FORK", "w2": "ConnectError"})
    early, later = datetime(2026, 3, 2, 9, 5, tzinfo=UTC), datetime(2026, 3, 2, 9, 55, tzinfo=UTC)
    found = conditions(status, "log.example/main", early)
    assert [alert.rule for alert in found] == ["L-SKEW", "L-NO-QUORUM", "L-CONTRADICTED"]
    assert [alert.id for alert in found] == [alert.id for alert in conditions(status, "log.example/main", later)]
    assert conditions(Status(pending=4, skew=1.9), "log.example/main", early) == []
