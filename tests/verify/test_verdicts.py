"""Every verdict of envelope.md §7, honestly told, is accepted by both verifiers; told otherwise, it is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.canon import b64, unb64
from bidding.unseal import Verdict
from tests.attacks.conftest import Stage
from tests.world_tender import CUSTODIANS, Tender

Tamper = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def verdict(tender: Tender, bid: int, stage: str = "form") -> Verdict:
    return tender.opened[stage, tender.bids[bid].id].verdict


def wrong_box(manifest: dict[str, Any]) -> dict[str, Any]:
    """A box that opens for nobody."""
    boxes = list(manifest["boxes"])
    boxes[0] = b64(unb64(boxes[0])[:-1] + b"\0")
    return {**manifest, "boxes": boxes}


def wrong_head(manifest: dict[str, Any]) -> dict[str, Any]:
    """A commitment that no key meets."""
    return {**manifest, "head": b64(unb64(manifest["head"])[:-1] + b"\0")}


def test_a_box_that_opens_for_some(stage: Stage) -> None:
    tender = stage.bids()
    tender.deposit(stage.world.bidder("elm"), tamper=wrong_box)
    tender.finish()
    assert verdict(tender, 3) is Verdict.X_BOX and tender.opened["form", tender.bids[3].id].at == (1,)
    stage.honest(tender)


def test_a_commitment_no_key_meets(stage: Stage) -> None:
    tender = stage.bids()
    tender.deposit(stage.world.bidder("elm"), tamper=wrong_head)
    tender.finish()
    assert verdict(tender, 3) is Verdict.X_PAYLOAD
    stage.honest(tender)


def test_shares_that_meet_nothing(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    for custodian in CUSTODIANS:
        tender.release(custodian, lie=[tender.bids[0].id])
    tender.finish()
    assert verdict(tender, 0) is Verdict.X_COMMIT
    stage.honest(tender)


def test_bytes_the_centre_lost(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    for custodian in CUSTODIANS:
        tender.release(custodian)
    tender.files[f"bids/{tender.bids[0].id}/form/1/payload"] = b"lost"
    tender.end_window("form", [])
    tender.finish()
    assert verdict(tender, 0) is Verdict.X_STORE
    stage.honest(tender)


def test_lost_without_the_end_of_the_window(stage: Stage) -> None:
    """Until two authorities end the window anybody may still bring the bytes."""
    tender = stage.bids()
    tender.close()
    tender.store()
    for custodian in CUSTODIANS:
        tender.release(custodian)
    tender.unseal(
        lambda at, bid, opened: (
            replace(opened, verdict=Verdict.X_STORE, opening=None, files=())
            if (at, bid) == ("documents", tender.bids[0])
            else opened
        )
    )
    tender.finish()
    stage.caught(tender, "V12", "V-ORDER", editions=["public"])
    stage.caught(tender, "V11", "V-OPENED-FILE", editions=["supervision"])


def test_custodians_who_never_came(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    for one in tender.stages:
        tender.end_window(one, [2, 3])
    tender.unseal()
    assert verdict(tender, 0) is Verdict.X_QUORUM and tender.opened["form", tender.bids[0].id].at == (2, 3)
    tender.finish()
    stage.honest(tender)


def test_the_window_is_ended_by_two_authorities(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    del stage.world.authorities["A-FIN"]
    for one in tender.stages:
        tender.end_window(one, [2, 3])
    tender.finish()
    report, _ = stage.judge(tender, "public")
    assert report.failed is not None and report.failed.code == "V10"


def test_pending_and_nothing_ranked(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    tender.release("C-TEN", lie=[tender.bids[0].id])
    tender.unseal()
    tender.terminate("force_majeure")
    tender.finish()
    assert verdict(tender, 0) is Verdict.PENDING
    stage.honest(tender)


def test_a_payload_nobody_can_open_is_bound_by_its_root(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    tender.release("C-TEN", lie=[tender.bids[0].id])
    tender.done |= {"rank", "award"}
    tender.finish()
    path = f"bids/{tender.bids[0].id}/form/1/payload"

    def spoil(files: dict[str, bytes]) -> dict[str, bytes]:
        return {**files, path: files[path][:-1] + bytes([files[path][-1] ^ 1])}

    stage.caught(tender, "V11", "V-PAYLOAD", change=spoil)


def test_no_ranking_over_a_pending_envelope(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    tender.release("C-TEN", lie=[tender.bids[0].id])
    tender.finish()
    stage.caught(tender, "V12", "V-PENDING")


def test_pending_then_opened(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    tender.release("C-TEN", lie=[tender.bids[0].id])
    tender.unseal()
    tender.release("C-NOT")
    # only what was pending is told again
    listed = tender.listed
    tender.listed = lambda: [tender.bids[0]]
    tender.unseal()
    tender.listed = listed
    tender.finish()
    assert verdict(tender, 0) is Verdict.OK
    stage.honest(tender)


def test_a_false_share_that_comes_late_is_printed(stage: Stage) -> None:
    tender = stage.bids()
    tender.close()
    tender.store()
    tender.release("C-SUP")
    tender.release("C-TEN")
    tender.unseal()
    tender.release("C-NOT", lie=[tender.bids[0].id])
    tender.finish()
    stage.honest(tender)
    report, _ = stage.judge(tender, "public")
    assert [note.facts["custodian"] for note in report.steps[10].notes] == [3]


def test_two_envelopes_one_after_the_other(stage: Stage) -> None:
    tender = stage.bids(stages=("technical", "form"), later={"form": timedelta(minutes=30)})
    tender.close()
    tender.store()
    for custodian in CUSTODIANS:
        tender.release(custodian, stages=["technical"])
    tender.unseal(stages=["technical"])
    tender.settle("form", [tender.bids[0], tender.bids[2]])
    stage.world.until(tender.opens_at + timedelta(minutes=30, seconds=1))
    for custodian in CUSTODIANS:
        tender.release(custodian, stages=["form"])
    tender.unseal(stages=["form"])
    tender.finish()
    assert tender.ranked[0].bid == tender.bids[0].id and len(tender.ranked) == 2
    stage.honest(tender)


def test_a_later_stage_nobody_settled(stage: Stage) -> None:
    tender = stage.bids(stages=("technical", "form"), later={"form": timedelta(minutes=30)})
    tender.close()
    tender.store()
    for custodian in CUSTODIANS:
        tender.release(custodian, stages=["technical"])
    stage.world.until(tender.opens_at + timedelta(minutes=30, seconds=1))
    for custodian in CUSTODIANS:
        tender.release(custodian, stages=["form"])
    tender.finish()
    stage.caught(tender, "V10", "V-ORDER")
