"""What a custodian's tool says of a tender that was given up, and of a platform that would open it all the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from audit.refusal import Refused
from bidding.custody import check_kit
from bidding.sealing import check_before_sealing
from bidding.view import Folder
from tests.bidding.kits import custodian_kit, proved, sealing_kit, seen
from tests.world import World
from tests.world_tender import Tender


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def filled(world: World) -> Tender:
    tender: Tender = world.tender("T1", minutes=60)
    for number in range(3):
        tender.deposit(world.bidder(f"firm {number}"), 90_000_000 + number)
    return tender


def refused(code: str, world: World, tender: Tender) -> None:
    kit = custodian_kit(world, tender)
    with pytest.raises(Refused) as no:
        check_kit(seen(world, kit), Folder(kit), tender=tender.id, stage="form", own=[world.statement("C-TEN")])
    assert no.value.code == code, str(no.value)


def test_it_stays_shut(world: World) -> None:
    tender = filled(world)
    tender.terminate()
    refused("C-SHUT", world, tender)  # at once, and not only at the hour
    world.until(tender.deadline + timedelta(minutes=1))
    refused("C-SHUT", world, tender)


def test_a_closing_that_would_open_it_is_fraud(world: World) -> None:
    tender = filled(world)
    world.forge["closed"] = lambda record: {**record, "opens": True, "reason": ""}
    tender.terminate()
    world.until(tender.deadline + timedelta(minutes=1))
    refused("C-ABANDONED", world, tender)


def test_given_up_after_its_list_was_fixed_is_fraud(world: World) -> None:
    tender = filled(world)
    tender.close()
    tender.log("abandoned", reason="idle")
    world.wait()
    refused("C-ABANDONED", world, tender)


def test_nothing_is_sealed_for_it(world: World) -> None:
    tender = filled(world)
    kit = sealing_kit(world, tender)
    check_before_sealing(seen(world, kit), Folder(kit), tender=tender.id)
    tender.log("abandoned", reason="idle")
    world.wait()
    kit = sealing_kit(world, tender)
    given_up = [one for one in world.logged if one.name == "abandoned"]
    kit |= {name: data for name, data in proved(world, given_up).items() if name.startswith(("records/", "proofs/"))}
    with pytest.raises(Refused, match="given up"):
        check_before_sealing(seen(world, kit), Folder(kit), tender=tender.id)
