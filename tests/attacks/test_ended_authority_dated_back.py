"""A certificate authority is broken, and its line ended; the operator dates back what its thief certifies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from audit.canon import stamp
from tests.attacks.conftest import Stage
from tests.world import START, World

ENDED = START + timedelta(hours=1)


def test_ended_authority_dated_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = World._parties

    def ended(self: World) -> bytes:
        lines = whole(self).decode().splitlines()
        return "".join(
            f"{line[:-1]}{stamp(ENDED)}\n" if line.startswith("ca ") else f"{line}\n" for line in lines
        ).encode()

    monkeypatch.setattr(World, "_parties", ended)
    honest = Stage(tmp_path / "honest")
    tender = honest.tender()
    for number in range(3):
        tender.deposit(honest.world.bidder(f"firm {number}", by="ca"), 90_000_000 + number)
    tender.finish()
    honest.honest(tender)

    stage = Stage(tmp_path / "late")
    stage.world.until(ENDED + timedelta(hours=1))
    stage.world.forge["bidder-key-registered"] = lambda record: {**record, "time": stamp(START)}
    tender = stage.tender()
    for number in range(3):
        tender.deposit(stage.world.bidder(f"ghost {number}", by="ca"), 90_000_000 + number)
    tender.finish()
    stage.caught(tender, "V8", "E-CA")
