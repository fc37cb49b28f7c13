"""Honest draws hold in both editions, for both verifiers, whatever the telephone says; what is malformed in neither."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.archive import Archive, write_archive
from audit.canon import canon, parse
from audit.refusal import Broken, Refused
from audit.report import Status
from experts.told import READERS
from tests import reader
from tests.attacks.conftest import EDITIONS, Stage
from tests.browser.judge import verify
from tests.verify.panels import REGIMES, STORIES, a_bad_day, exhausted, finish, removed_after_scoring, seated, voided
from tests.verify.test_malformed import GONE, OURS, changes
from tests.world_tender import Tender

pytestmark = pytest.mark.slow

Story = Callable[[Stage], Tender]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_both_verifiers_accept(tmp_path: Path, story: Story) -> None:
    stage = Stage(tmp_path)
    tender = story(stage)
    stage.honest(tender)
    for edition in EDITIONS:
        report, _ = stage.judge(tender, edition)
        assert report.steps[12].status is Status.PASS


def forged(folder: Path, story: Story, seed: str, times: int) -> None:
    """Fields of records of the draw are left out or replaced; both verifiers name the same step, or none."""
    dice, honest = random.Random(seed), Stage(folder / "honest")
    story(honest)
    told = [one for one in honest.world.logged if one.name in READERS]
    fields = sorted({(one.name, field) for one in told for field in one.body.keys() - OURS})
    for number in range(times):
        what, field = dice.choice(fields)
        nth = dice.randrange(sum(one.name == what for one in told))
        value = [one.body.get(field) for one in told if one.name == what][nth]
        put = dice.choice(list(changes(value)))
        stage, seen = Stage(folder / str(number)), [0]

        def forge(
            record: dict[str, Any], field: str = field, put: Any = put, nth: int = nth, seen: list[int] = seen
        ) -> dict[str, Any]:
            seen[0] += 1
            if seen[0] != nth + 1:
                return record
            rest = {key: told for key, told in record.items() if key != field}
            return rest if put is GONE else {**rest, field: put}

        stage.world.forge[what] = forge
        try:
            tender = story(stage)
            judged = [(edition, *stage.judge(tender, edition)) for edition in EDITIONS]
        except (Broken, Refused, KeyError, TypeError, ValueError, IndexError, AssertionError, AttributeError):
            continue  # nothing that the world could go on from, or an archive be made of
        for edition, report, other in judged:
            named = report.failed.code if report.failed else None
            assert (report.exit, named) == other[:2], (what, nth, field, put, edition, report.failed, other)
            assert "V-INTERNAL" not in {fault.code for step in report.steps for fault in step.faults}, (
                what,
                field,
                put,
            )


def edited(folder: Path, story: Story, seed: str, times: int) -> None:
    """Something inside a file of the draw is left out or replaced."""
    dice, stage = random.Random(seed), Stage(folder)
    tender = story(stage)
    folder.mkdir(parents=True, exist_ok=True)
    path = tender.write("supervision", folder / f"{tender.id}.supervision.zip")
    with Archive.open(path) as archive:
        files = {name: archive.read(name) for name in archive.names}
    mine = sorted(name for name in files if name.startswith("draw/"))
    for _ in range(times):
        name = dice.choice(mine)
        value = parse(files[name])
        where: Any = value
        while True:
            key = dice.choice(list(where) if isinstance(where, dict) else range(len(where)))
            if not isinstance(where[key], dict | list) or not where[key] or dice.random() < 0.15:
                break
            where = where[key]
        put = dice.choice(list(changes(where[key])))
        if put is GONE:
            del where[key]
        else:
            where[key] = put
        write_archive(path, {**files, name: canon(value)}.items())
        report = verify([path], stage.policy, stage.parties).reports[0]
        other = reader.read([path], stage.policy, stage.parties)
        named = report.failed.code if report.failed else None
        assert (report.exit, named) == other[:2], (name, key, put, report.failed, other)
        assert "V-INTERNAL" not in {fault.code for step in report.steps for fault in step.faults}, (name, key, put)


@pytest.mark.slow
@pytest.mark.parametrize(
    "story", [a_bad_day, voided, exhausted, removed_after_scoring], ids=lambda story: story.__name__
)
def test_what_is_malformed_is_named_by_both(tmp_path: Path, story: Story) -> None:
    forged(tmp_path / "records", story, story.__name__, 12)
    edited(tmp_path / "files", story, story.__name__, 30)


def notes(stage: Stage, tender: Tender, edition: str = "public") -> dict[str, Any]:
    """What V13 prints beside its verdict."""
    report, _ = stage.judge(tender, edition)
    assert report.exit == 0, report.failed
    return {note.code: dict(note.facts) for note in report.steps[12].notes}


def test_a_glance_at_the_calls(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert notes(stage, a_bad_day(stage)) == {
        "D-CALLED": {"called": 11, "accepted": 8, "unreachable": 9, "pool": 20, "seats": 5}
    }


def test_many_who_cannot_be_reached_are_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    tender, panel = seated(stage, {"civil": ["unreachable"] * 3}, unrated=True)
    assert notes(stage, finish(tender, panel))["D-MANY-UNREACHABLE"] == {"unreachable": 3, "called": 8}


def test_a_pool_too_small_to_hide_in_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    tender, panel = seated(stage, unrated=True, size=14)
    assert notes(stage, finish(tender, panel))["D-SMALL-POOL"] == {"pool": 14, "seats": 5}


@pytest.mark.parametrize(("regime", "rule"), [("works", "WK-29"), ("gov", "GP-39")])
def test_a_ranking_without_any_draw_is_told_loudly(tmp_path: Path, regime: str, rule: str) -> None:
    stage = Stage(tmp_path)
    tender = stage.bids(**REGIMES[regime])
    tender.finish()
    assert notes(stage, tender) == {"D-NO-DRAW": {"rule": rule}}


def test_where_nobody_asks_for_a_draw_nothing_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    tender = stage.bids()
    tender.finish()
    assert notes(stage, tender) == {}
