"""A notary's key is stolen and replaced; the thief states a box key with it, under a record that is dated back."""

from __future__ import annotations

from typing import Any

from audit.canon import stamp
from audit.checkpoint import vkey_of
from audit.trust import record_sig_bytes
from tests.attacks.conftest import Stage
from tests.world import seeded

TWO = ("A-SUP", "A-FIN")


def replace(stage: Stage, name: str) -> None:
    """Two authorities vouch for another key from now on."""
    world = stage.world
    body: dict[str, Any] = {
        "id": name, "role": "custodian", "vkey": str(vkey_of(seeded("another key"), name)),
        "from": stamp(world.now), "until": None, "by": list(TWO),
    }  # fmt: skip
    message = record_sig_bytes({"type": "trading.identity-vouched/v1", "subject": name, **body})
    sig = [world.authorities[one].sign(message) for one in TWO]
    world.log("identity-vouched", name, {"kind": "authority", "id": TWO[0]}, sig=sig, **body)
    world.wait()


def test_replaced_key_dated_back(stage: Stage) -> None:
    before = stage.world.now
    stage.world.wait(600)
    replace(stage, "C-NOT")
    for name in ("custodian-key-registered", "rehearsed"):
        stage.world.forge[name] = lambda record: {**record, "time": stamp(before)}
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V7", "E-IDENTITY")
