"""An outage that nobody saw moves the deadline after it has passed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from audit.canon import b64, canon, sha256_hex, stamp
from audit.verify_times import PROBE
from tests.attacks.conftest import Stage
from tests.world import seeded
from tests.world_tender import Tender


def _outage(stage: Stage, signer: Any) -> tuple[Tender, dict[str, Any]]:
    world, tender = stage.world, stage.bids()
    world.until(tender.deadline)
    begun, ended = tender.deadline - timedelta(minutes=5), tender.deadline + timedelta(seconds=10)
    probe = canon(
        {
            "type": "trading.probe/v1",
            "origin": world.origin,
            "from": stamp(begun),
            "to": stamp(ended),
            "seen": False,
        }
    )
    tender.files[f"probes/{sha256_hex(probe)}.json"] = canon({"probe": b64(probe), "sig": [signer.sign(PROBE + probe)]})
    return tender, {"from": stamp(begun), "to": stamp(ended), "probes": [sha256_hex(probe)]}


def test_faked_outage(stage: Stage) -> None:
    tender, outage = _outage(stage, seeded("operator"))
    tender.move(125, outage=outage)
    tender.finish()
    stage.caught(tender, "V6", "V-OUTAGE")


def test_a_witness_lies_too(stage: Stage) -> None:
    """The checkpoints themselves show that there was no gap."""
    tender, outage = _outage(stage, seeded("w1.example"))
    tender.move(125, outage=outage)
    tender.finish()
    stage.caught(tender, "V6", "V-OUTAGE")


def _gap(stage: Stage) -> tuple[Tender, dict[str, Any]]:
    """A gap there was: ten minutes without a beat, over the deadline."""
    world, tender = stage.world, stage.bids()
    world.until(tender.deadline - timedelta(minutes=4))
    begun = world.times[max(world.times)]
    world.now += timedelta(minutes=10)
    world.wait()
    return tender, {"from": stamp(begun), "to": stamp(world.times[max(world.times)]), "probes": []}


def test_a_gap_that_nobody_confirms(stage: Stage) -> None:
    tender, outage = _gap(stage)
    tender.move(130, outage=outage)
    tender.finish()
    stage.caught(tender, "V6", "V-OUTAGE")


def test_an_outage_moves_by_its_own_rule_only(stage: Stage) -> None:
    tender, outage = _gap(stage)
    tender.move(30, outage=outage, sig=("A-SUP", "A-FIN"))
    tender.finish()
    stage.caught(tender, "V15", "V-MOVED-SHORT")


def test_a_true_outage_holds(stage: Stage) -> None:
    tender, outage = _gap(stage)
    tender.move(130, outage=outage, sig=("A-SUP", "A-FIN"))
    tender.deposit(stage.world.bidder("elm"), 70_000_000)
    tender.finish()
    stage.honest(tender)
