"""A box is closed twice: the second list lacks the cheapest bid."""

from __future__ import annotations

from tests.attacks.conftest import Stage


def test_second_closing(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    first = dict(tender.closed)
    lost = tender.bids.pop(1)
    tender.close()
    tender.bids.insert(1, lost)
    tender.closed = first
    tender.finish()
    stage.caught(tender, "V9", "V-SECOND")
