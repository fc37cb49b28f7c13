"""A record of a procedure that lacks a field, or has another in its place: both verifiers name the same step, or none."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.record import types
from audit.refusal import Broken, Refused
from tests.attacks.conftest import EDITIONS, Stage
from tests.verify.lives import LIVES

pytestmark = pytest.mark.slow

TOLD = ("complained", "secured", "scored again", "challenged", "amended", "all rejected")
OURS = {"type", "subject", "actor", "time", "tender", "serial", "sserial"}
LATER = {
    "project-announced",
    "keyset-made",
    "closed",
    "released",
    "stored",
    "unsealed",
    "evaluation-closed",
    "archived",
}
"""Types of the bidding floor, tried by the attacks on it: here are those of the procedure."""
GONE = object()


def changes(value: Any) -> Iterator[Any]:
    """What may stand in the place of a field."""
    yield from (GONE, None, 7, -1, "x", "", [], True)
    if isinstance(value, str) and len(value) in (32, 64):
        yield "ab" * (len(value) // 2)
    if isinstance(value, str) and value.endswith("Z"):
        yield from ("2026-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z", "2026-01-01")
    if type(value) is int:
        yield value + 1


@pytest.mark.parametrize("name", TOLD)
def test_both_name_the_same_step(name: str, tmp_path: Path) -> None:
    dice, honest = random.Random(name), Stage(tmp_path / "honest")
    tender = LIVES[name](honest)
    fields = sorted(
        {
            (one.name, field)
            for one in honest.world.logged
            if one.body.get("tender") == tender.id and types[one.name].public and one.name not in LATER
            for field in one.body.keys() - OURS
        }
    )
    for number, (what, field) in enumerate(dice.sample(fields, 6)):
        value = next(one.body[field] for one in honest.world.logged if one.name == what)
        put = dice.choice(list(changes(value)))
        stage = Stage(tmp_path / str(number))

        def forge(record: dict[str, Any], field: str = field, put: Any = put) -> dict[str, Any]:
            rest = {key: told for key, told in record.items() if key != field}
            return rest if put is GONE else {**rest, field: put}

        stage.world.forge[what] = forge
        try:
            forged = LIVES[name](stage)
            judged = [(edition, *stage.judge(forged, edition)) for edition in EDITIONS]
        except (
            Broken,
            Refused,
            KeyError,
            TypeError,
        ):  # nothing that the world could go on from, or an archive be made of
            continue
        for edition, report, other in judged:
            named = report.failed.code if report.failed else None
            assert (report.exit, named) == other[:2], (what, field, put, edition, report.failed, other)
            assert not any(fault.code == "V-INTERNAL" for step in report.steps for fault in step.faults)
