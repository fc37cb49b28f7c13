"""A second key set for a stage, before the announcement that names it."""

from __future__ import annotations

from typing import Any

from tests.attacks.conftest import Stage


def test_second_key_set(stage: Stage) -> None:
    world = stage.world
    made: list[int] = []

    def twice(record: dict[str, Any]) -> dict[str, Any]:
        if not made:
            made.append(1)
            world.log(
                "keyset-made", str(record["subject"]), tender=record["tender"], stage=record["stage"],
                keyset=record["keyset"],
            )  # fmt: skip
        return record

    world.forge["keyset-made"] = twice
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V7", "V-SECOND")
