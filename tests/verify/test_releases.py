"""Every kind of life there is, told as OCDS after each of its records: valid at every stage, and added up as the standard's
own merger does it. (With the database and over HTTP: tests/trading/test_ocds.py.)"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import ocdsmerge
import pytest

from audit.canon import parse
from tests.attacks.conftest import Stage
from tests.verify.lives import LIVES, SUPERVISOR, Tender, awarded, opened
from tests.world_auction import Room
from trading import ocds
from trading.law.bidding_rounds import Reserve
from trading.ocds_reading import Found, read_bytes

SCHEMA = json.loads((Path(__file__).parents[1] / "vectors/ocds/release-schema-1.1.5.json").read_text("utf-8"))
VALID = jsonschema_rs.Draft4Validator(SCHEMA, validate_formats=True)
MERGER = ocdsmerge.Merger(SCHEMA)
SECRET: dict[str, Any] = {"price": 120_000_000, "salt": "5a" * 32}


def auctioned(stage: Stage, reserve: Reserve | None = None) -> Tender:
    """Fir bids once more than it sealed, and has it; below a reserve nobody has."""
    tender = opened(stage, "property")
    room = Room(tender, reserve=reserve)
    room.cry(tender.bids[0], 99_000_000)
    room.close()
    if reserve is not None:
        tender.fail("no_candidate")
    tender.finish()
    return tender


def below_the_reserve(stage: Stage) -> Tender:
    """The reserve is told after the hammer, and was not reached."""
    return auctioned(stage, Reserve(**SECRET))


def with_a_sealed_reserve(stage: Stage) -> Tender:
    """A reserve price in a box of its own."""
    seller = stage.world.bidder("seller")
    terms = {"direction": "sell", "min_bids": 1, "baseline": 50_000_000}
    box: Tender = stage.world.tender("T1", minutes=30, stages=("form",), reserve_of="T1", owner=seller.id, **terms)
    sale: Tender = stage.world.tender("T1", minutes=20, reserve=box.id, **terms)
    for firm in stage.firms:
        sale.deposit(firm, 90_000_000)
    box.deposit(seller, 80_000_000)
    sale.close()
    box.close()
    for custodian in ("C-SUP", "C-TEN"):
        box.release(custodian)
    box.unseal()
    sale.finish()
    return sale


def cancelled_award(stage: Stage) -> Tender:
    """The award falls: the winner does not sign, and nobody stands behind it."""
    tender = opened(stage, "works")
    tender.finish()
    tender.log("tender-failed", SUPERVISOR, reason="candidates_gone", article="招标投标法实施条例 55")
    return tender


def restated(stage: Stage) -> Tender:
    """A figure was mistyped in the contract's annex, and two hands put it right: less a thousand yuan."""
    tender = awarded(stage)
    tender.restate(price=tender.won - 100_000, baseline=tender.baseline)
    tender.finish()
    return tender


def annulled(stage: Stage) -> Tender:
    """The award was void, says a decision, and the books say so too."""
    tender = awarded(stage)
    tender.finish()
    tender.restate(status="annulled", reason="void", words="中标无效：〔2026〕7号决定")
    return tender


def priced_by_the_unit(stage: Stage) -> Tender:
    """What was bid is no sum of money."""
    tender = awarded(stage, pricing="unit", estimate=500_000_000)
    tender.finish()
    return tender


MORE = (
    auctioned, below_the_reserve, with_a_sealed_reserve, cancelled_award, restated, annulled, priced_by_the_unit,
)  # fmt: skip
ALL: dict[str, Callable[[Stage], Tender]] = {**LIVES, **{life.__name__.replace("_", " "): life for life in MORE}}


def told(tender: Tender, upto: int) -> tuple[ocds.Case, list[ocds.Fact]]:
    """What everybody knows of a tender when `upto` of its records are in the log."""
    logged = [one for one in tender.world.logged if one.body.get("tender") == tender.id][:upto]
    clear = [one for one in logged if one.nonce is None]
    is_open = any(one.name == "unsealed" for one in clear)
    awards = [place for place, one in enumerate(clear) if one.name == "awarded"]
    case = ocds.Case(
        tender=tender.id,
        project=tender.id.partition("@")[0],
        project_title="一座桥",
        description="",
        title="标段一",
        direction=tender.direction,
        currency="CNY",
        regime=tender.regime,
        region="",
        owner=("91000000000000001A", "交通局"),
        agency=("91000000000000002B", "代理公司"),
        predecessor=tender.terms.get("predecessor"),
        opened=is_open,
        bidders={bid.id: (bid.bidder.id, f"{bid.bidder.id}公司") for bid in tender.bids} if is_open else {},
        counts={one.body["stage"]: one.body["count"] for one in clear if one.name == "closed"} if is_open else {},
        awarded_at=awards[-1] if awards else None,
        pricing=str(tender.terms.get("pricing", "total")),
        papers="https://example.org/papers/",
    )
    return case, [ocds.Fact(one.name, place, one.hash, parse(one.data)) for place, one in enumerate(clear)]


def made(case: ocds.Case, facts: list[ocds.Fact]) -> list[dict[str, Any]]:
    return [
        json.loads(ocds.line(one), parse_float=Decimal)
        for fact in facts
        if fact.type in ocds.STAGES
        for one in ocds.releases(case, fact)
    ]


def _floats(value: Any) -> Any:
    return json.loads(ocds.text(value))


def judged(releases: list[dict[str, Any]]) -> dict[str, Any]:
    """The compiled release, once all are valid and the standard's merger agrees."""
    for one in releases:
        errors = [f"{e.instance_path}: {e.message}" for e in VALID.iter_errors(_floats(one))]
        assert errors == [], (one["tag"], errors)
    whole = ocds.compiled(releases)
    assert list(VALID.iter_errors(_floats(whole))) == []
    plain = [{k: v for k, v in one.items() if k != "logIndex"} for one in _floats(releases)]
    plain.sort(key=lambda one: (one["date"], "planning" not in one["tag"]))
    theirs = MERGER.create_compiled_release(plain)
    left = ("id", "tag")
    assert {k: v for k, v in theirs.items() if k not in left} == {
        k: v for k, v in _floats(whole).items() if k not in left
    }
    return whole


@pytest.mark.parametrize("name", ALL)
def test_every_release_of_every_life_is_valid_at_every_stage(name: str, tmp_path: Path) -> None:
    tender = ALL[name](Stage(tmp_path))
    records = sum(one.body.get("tender") == tender.id for one in tender.world.logged)
    seen: dict[str, Any] = {}
    number = -1
    for upto in range(records + 1):
        case, facts = told(tender, upto)
        releases = made(case, facts)
        if len(releases) == number or not releases:
            continue
        number = len(releases)
        whole = judged(releases)
        assert case.opened or ("bids" not in whole and "numberOfTenderers" not in whole["tender"])
        for one in releases:  # what was said once is said for good
            assert seen.setdefault(one["id"], one) == one
    ids = [one["id"] for one in releases]
    assert len(ids) == len(set(ids))
    # What a stranger reads out of it is what was won, or that it came to nothing (a lot tendered again: of the last).
    found = Found()
    read_bytes(found, "releases.jsonl", b"".join(ocds.line(one) for one in releases))
    told_at_last = [one.body for one in tender.world.logged if one.name in ("awarded", "line-corrected")]
    stands = told_at_last[-1] if told_at_last else None
    if name == "priced by the unit":
        assert found.trades() == [] and [one.taken for one in found.remarks] == [False]
        assert "value" not in whole["awards"][0] and whole["awards"][0]["offered"] == tender.won
        return
    [trade] = found.trades()
    if stands is None or name in ("cancelled award", "annulled"):
        assert (trade.status, trade.price) == ("failed", None), trade
        assert whole["tender"]["status"] in ("unsuccessful", "cancelled")
    else:
        assert trade.price is not None and trade.price * 100 == stands["price"]
        assert trade.baseline is not None and trade.baseline * 100 == stands["baseline"]
        won = next(b for b in whole["bids"]["details"] if b["id"] == whole["awards"][0]["relatedBid"])
        assert won["value"]["amount"] * 100 == tender.won  # corrected, or cried in an auction
    assert (trade.direction == "sell") == (tender.direction == "sell")


def test_every_stage_occurs_in_some_life(tmp_path: Path) -> None:
    """The control: a record that no life has would make a release nobody has judged."""
    occurred = set()
    for name in (
        "auctioned",
        "amended",
        "corrected",
        "restated",
        "second wins",
        "too few came",
        "given up",
        "all rejected",
    ):
        (tmp_path / name).mkdir()
        tender = ALL[name](Stage(tmp_path / name))
        case, facts = told(tender, len(tender.world.logged))
        occurred |= {fact.type for fact in facts if fact.type in ocds.STAGES and ocds.releases(case, fact)}
    assert occurred == set(ocds.STAGES)
