"""Honest archives hold: those of another implementation, and those of the world."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.report import Status
from tests.browser.judge import verify
from tests.verify.stories import EDITIONS, story

VECTORS = Path(__file__).parent.parent / "vectors" / "archives"
TRUST = VECTORS / "trust"


@pytest.mark.parametrize("since", [None, "old.checkpoint", "older.checkpoint"])
@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.zip")), ids=lambda path: path.name)
def test_an_archive_of_another_implementation_holds(path: Path, since: str | None) -> None:
    found = verify([path], TRUST / "policy.txt", TRUST / "parties.txt", since=TRUST / since if since else None)
    report = found.reports[0]
    asked = {1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16} | ({5} if since else set())
    assert {step.number for step in report.steps if step.status is Status.PASS} == asked, report.failed
    drawn = Status.UNCHECKED if "001" in path.name else Status.ABSENT
    assert report.steps[12].status is drawn
    assert found.exit == 0 and report.trusted


@pytest.mark.parametrize("name", ["opened", "shut"])
@pytest.mark.parametrize("edition", EDITIONS)
def test_what_the_builder_makes_the_verifier_accepts(name: str, edition: str) -> None:
    told = story()
    found = verify([told.archives[name, edition]], told.policy, told.parties, told.older)
    assert found.exit == 0, found.reports[0].failed
    assert found.reports[0].edition == edition


def test_without_trust_files_an_archive_only_agrees_with_itself() -> None:
    told = story()
    report = verify([told.archives["opened", "public"]]).reports[0]
    assert report.exit == 0 and not report.trusted
    assert any(line.startswith("log ") for line in report.keys)


def test_several_archives_and_every_receipt_at_once() -> None:
    told = story()
    found = verify(list(told.archives.values()), told.policy, told.parties, receipts=told.receipts)
    assert found.exit == 0
    assert [report.steps[16].status for report in found.reports] == [Status.PASS] * 4


def test_a_false_share_is_a_finding_and_fails_nothing() -> None:
    told = story()
    report = verify([told.archives["opened", "public"]], told.policy, told.parties).reports[0]
    assert [note.facts["custodian"] for note in report.steps[10].notes] == [3]


def test_an_older_checkpoint_than_the_archive_reaches_is_not_judged() -> None:
    told = story()
    note = told.world.notes[min(told.world.notes)]
    early = told.policy.parent / "first.checkpoint"
    early.write_bytes(note)
    report = verify([told.archives["shut", "public"]], told.policy, told.parties, since=early).reports[0]
    assert report.exit == 0


def test_an_archive_without_rules_says_that_nothing_holds_it_to_them() -> None:
    path = next(path for path in sorted(VECTORS.glob("*.zip")))
    report = verify([path], TRUST / "policy.txt", TRUST / "parties.txt").reports[0]
    assert report.exit == 0 and "V-NO-RULES" in {note.code for note in report.steps[14].notes}
