"""V14 at its edges: what an edition lacks, what the notice may not say, what a deduction is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.canon import canon, sha256_hex, stamp
from tests.attacks.conftest import Stage
from tests.verify.lives import METHODS, RATED, REGIMES, opened
from tests.world_life import PANEL, text_of
from tests.world_tender import Tender


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def rated(stage: Stage) -> Tender:
    tender = opened(stage, "works", method="comprehensive/v1", parameters=RATED)
    tender.finish()
    return tender


def test_a_sheet_that_counts_is_owed(stage: Stage) -> None:
    tender = rated(stage)

    def without_one(files: dict[str, bytes]) -> dict[str, bytes]:
        gone = min(name for name in files if name.startswith("evaluation/sheets/"))
        return {name: data for name, data in files.items() if name != gone}

    stage.caught(tender, "V14", "V-MISSING", editions=["supervision"], change=without_one)


def test_a_sheet_that_was_replaced_may_be_there_and_does_not_count(stage: Stage) -> None:
    tender = opened(stage, "works", method="comprehensive/v1", parameters=RATED)
    tender.score(1, lambda seat, bid, criterion: "99" if bid is tender.bids[2] else "1")
    for seat in range(1, 6):
        tender.score(seat, lambda seat, bid, criterion: "80")
    stage.world.wait()
    tender.finish()
    assert len([name for name in tender.files if name.startswith("evaluation/sheets/")]) == 6
    assert tender.ranked[0].bid == min(tender.offers(), key=lambda offer: offer.price).bid
    stage.honest(tender)


@pytest.mark.parametrize("mean", ["80.0", "80.00000", "180.0000", "8e1", "", "-80.0000"])
def test_the_public_edition_reads_means_in_one_form_alone(stage: Stage, mean: str) -> None:
    def rewritten(table: dict[str, Any]) -> dict[str, Any]:
        table["rows"][0]["means"]["technical"] = mean
        return table

    tender = opened(stage, "works", method="comprehensive/v1", parameters=RATED)
    for seat in range(1, 6):
        tender.score(seat, lambda seat, bid, criterion: "80")
    stage.world.wait()
    tender.report()
    tender.rank(twist=rewritten)
    tender.finish()
    stage.caught(tender, "V14", "V-TOTALS")


@pytest.mark.parametrize("gone", ["without", "base"])
def test_who_decided_it_cannot_be_left_out(stage: Stage, gone: str) -> None:
    tender = opened(stage, "works", method="comprehensive/v1", parameters=RATED)
    for seat in range(1, 6):
        tender.score(seat)
    stage.world.wait()
    tender.report()
    tender.rank(twist=lambda table: {name: value for name, value in table.items() if name != gone})
    tender.finish()
    stage.caught(tender, "V14", "V-TOTALS")


UNLAWFUL: dict[str, tuple[str, str, dict[str, Any], Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "four seats": ("works", "comprehensive/v1", RATED, lambda told: {**told, "seats": 4}),
    "points dropped by the state's buyer": (
        "gov",
        "comprehensive/v1",
        {**RATED, "object": "goods"},
        lambda told: {**told, "drop_from": 5},
    ),
    "weights of 90": (
        "works",
        "comprehensive/v1",
        RATED,
        lambda told: {**told, "price": {**told["price"], "weight": "30"}},
    ),
    "a parameter nobody knows": ("works", "lowest-price/v1", {}, lambda told: {**told, "mood": 1}),
}


@pytest.mark.parametrize("name", UNLAWFUL)
def test_parameters_that_no_notice_may_have(stage: Stage, name: str) -> None:
    """The ranking follows from lawful ones; what the log announced are others."""
    regime, method, lawful, change = UNLAWFUL[name]
    stage.world.forge["project-announced"] = lambda record: {**record, "parameters": change(lawful)}
    tender = stage.bids(**REGIMES[regime], method=method, parameters=lawful)
    stage.world.forge.clear()
    tender.finish()
    stage.caught(tender, "V14", "V-PARAMETERS")


def test_a_small_firm_is_paid_its_price_and_not_the_one_that_was_scored(stage: Stage) -> None:
    regime, terms = METHODS["small firms"]
    tender = stage.tender(**REGIMES[regime], **terms)
    for place, firm in enumerate(stage.firms):
        tender.deposit(firm, 86_000_000 + 100 * place, **({"small": 1} if place == 1 else {}))
    tender.open()
    for seat in range(1, 6):
        tender.score(seat, lambda seat, bid, criterion: "80")
    stage.world.wait()
    tender.evaluate()
    assert tender.ranked[0].bid == tender.bids[1].id and tender.ranked[0].price == 86_000_100
    tender.award(price=77_400_090)
    tender.finish()
    stage.caught(tender, "V14", "V-PRICE")


def test_an_explanation_before_it_was_asked_for_is_none(stage: Stage) -> None:
    tender = stage.tender(**REGIMES["gov"], parameters={"abnormal": {"below_mean": "40"}})
    for firm, price in zip(stage.firms, (50_000_000, 90_000_000, 92_000_000), strict=True):
        tender.deposit(firm, price)
    tender.open()
    low = tender.bids[0]
    tender.log("explanation-given", {"kind": "bidder", "id": low.bidder.id}, bid=low.id, text=text_of("trust us"))
    stage.world.wait()
    tender.log("explanation-asked", PANEL, bid=low.id, due=stamp(stage.world.now))
    tender.finish()
    stage.caught(tender, "V14", "V-EXPLANATION")


def test_a_record_of_the_evaluation_that_nobody_can_read(stage: Stage) -> None:
    tender = opened(stage, "works", method="comprehensive/v1", parameters=RATED)
    stage.world.forge["scores-entered"] = lambda record: {**record, "seat": str(record["seat"])}
    tender.finish()
    stage.caught(tender, "V14", "V-RECORD")


def test_who_decided_it_by_losing_is_printed_and_fails_nothing(stage: Stage) -> None:
    mean = {"trim": [], "float": "0", "above": "1", "below": "0.5", "floor": "0", "base_of": "standing"}
    told = {"benchmark": mean, "places": 2, "ties": ["price"]}
    tender = stage.tender(**REGIMES["works"], method="benchmark-mean/v1", parameters=told)
    for firm, price in zip(stage.firms, (87_000_000, 90_000_000, 93_000_000), strict=True):
        tender.deposit(firm, price)
    tender.finish()
    report, _ = stage.judge(tender, "public")
    assert report.exit == 0
    (note,) = report.steps[13].notes
    assert (note.code, list(note.facts["bids"])) == ("V-DECIDED", [tender.bids[2].id])


@pytest.mark.parametrize("told", [{"tender": "another@1"}, {"seat": 2}], ids=["of another tender", "of another seat"])
def test_a_sheet_is_of_this_tender_and_of_its_seat(stage: Stage, told: dict[str, Any]) -> None:
    tender = opened(stage, "works", method="comprehensive/v1", parameters=RATED)
    tender.score(1)
    sheet = canon({**tender.sheets[1].plain(), **told})
    digest, before = sha256_hex(sheet), sha256_hex(tender.sheets[1].encoded())
    tender.files[f"evaluation/sheets/{digest}.json"] = sheet
    tender.log("scores-entered", PANEL, seat=1, sheet=digest, replaces=before)
    for seat in range(2, 6):
        tender.score(seat)
    stage.world.wait()
    tender.finish()
    stage.caught(tender, "V14", "V-SHEET", editions=["supervision"])


@pytest.mark.parametrize("told", [{"stage": "documents"}, {"corrected": 0}, {"corrected": 87_000_000}])
def test_a_correction_is_of_the_price_and_leaves_one(stage: Stage, told: dict[str, Any]) -> None:
    tender = stage.tender(**REGIMES["gov"])
    for firm, price in zip(stage.firms, (87_000_000, 90_000_000, 93_000_000), strict=True):
        tender.deposit(firm, price)
    tender.open()
    honest = {"stage": "form", "read": 87_000_000, "corrected": 88_000_000, "rule": "sum"}
    tender.log("price-corrected", PANEL, bid=tender.bids[0].id, **{**honest, **told})
    tender.corrected[tender.bids[0].id] = {**honest, **told}["corrected"]
    tender.finish()
    stage.caught(tender, "V14", "V-CORRECTION")
