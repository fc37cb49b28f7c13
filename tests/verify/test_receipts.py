"""V17: receipts of every kind, kept and broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from audit.receipt import Receipt
from audit.report import Report, Status
from tests.browser.judge import verify
from tests.verify.stories import story


def judged(receipt: bytes, folder: Path, name: str = "opened", edition: str = "public") -> Report:
    told = story()
    (folder / "receipt.json").write_bytes(receipt)
    return verify(
        [told.archives[name, edition]], told.policy, told.parties, receipts=[folder / "receipt.json"]
    ).reports[0]


def refused(report: Report, code: str) -> bool:
    return report.failed is not None and report.failed.number == 17 and report.failed.faults[0].code == code


@pytest.mark.parametrize("name", ["withdrawn", "refused", "bidder-key-registered"])
@pytest.mark.parametrize("proof", [True, False])
def test_other_acts_give_receipts_too(name: str, proof: bool, tmp_path: Path) -> None:
    world = story().world
    record = next(one for one in world.logged if one.name == name)
    receipt = world.receipt(record, record.body.get("manifest"), proof=proof)
    report = judged(receipt.format(), tmp_path)
    assert report.steps[16].status is Status.PASS, report.failed


def test_a_receipt_of_another_tender(tmp_path: Path) -> None:
    shut = story().shut
    assert refused(judged(shut.receipt(shut.bids[0]).format(), tmp_path), "V-ELSEWHERE")


def test_a_promise_of_another_key(tmp_path: Path) -> None:
    opened = story().opened
    receipt: Receipt = replace(opened.receipt(opened.bids[0]), promise=bytes(64))
    assert refused(judged(receipt.format(), tmp_path), "R-PROMISE")


def test_a_wrong_place_on_the_list(tmp_path: Path) -> None:
    opened = story().opened
    receipt = opened.receipt(opened.bids[0])
    assert receipt.listed is not None
    wrong = receipt.with_listed(receipt.listed.index ^ 1, receipt.listed.path)
    assert refused(judged(wrong.format(), tmp_path), "R-LISTED")


def test_a_tender_that_stays_shut_shows_the_list_by_its_path(tmp_path: Path) -> None:
    shut = story().shut
    receipt = shut.receipt(shut.bids[0])
    assert judged(receipt.format(), tmp_path, "shut").exit == 0
    bare = replace(receipt, listed=None)
    assert refused(judged(bare.format(), tmp_path, "shut"), "V-DROPPED")
    assert judged(bare.format(), tmp_path, "shut", "supervision").exit == 0


def test_what_is_no_receipt(tmp_path: Path) -> None:
    for data in (b"", b"{}", b"[]", b'{"type":"trading.receipt/v1"}'):
        assert refused(judged(data, tmp_path), "E-CANON")
