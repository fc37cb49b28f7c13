"""The operator withdraws a firm's bid in its name."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.world import seeded


def test_bare_withdrawal(stage: Stage) -> None:
    tender = stage.bids(min_bids=2)
    tender.withdraw(tender.bids[1], signer=seeded("operator"))
    tender.finish()
    stage.caught(tender, "V8", "E-SIGNER")
