"""What a centre publishes of its ledger does not follow from the archives: a line put in, left out, or another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.attacks.conftest import Stage
from tests.world_tender import Tender

CORRECTED = {"price": 8_800_000, "baseline": 100_000_000}
Lines = list[dict[str, Any]]


def _awarded(stage: Stage, **terms: Any) -> Tender:
    tender = stage.bids(**terms)
    tender.open()
    tender.rank()
    tender.award()
    return tender


def _line(tender: Tender, **other: Any) -> dict[str, Any]:
    day = next(one.body["time"] for one in tender.world.logged if one.name == "awarded")[:10]
    return {
        "id": tender.id, "kind": "procurement", "date": day, "region": "", "organisation": "任何单位",
        "direction": "buy", "baseline": 100_000_000, "deal": 88_000_000, "status": "concluded", "reason": "", "part": 1,
    } | other  # fmt: skip


def _json(*lines: dict[str, Any]) -> bytes:
    """Two pages, as somebody would fetch them."""
    pages = [{"items": list(lines[:1]), "next": "x"}, {"items": list(lines[1:]), "next": None}]
    return json.dumps(pages, ensure_ascii=False).encode()


def _csv(*lines: dict[str, Any]) -> bytes:
    rows = ["id,kind,date,region,organisation,direction,baseline_fen,deal_fen,status"]
    for one in lines:
        names = ("id", "kind", "date", "region", "organisation", "direction", "baseline", "deal", "status")
        rows.append(",".join("" if one[name] is None else str(one[name]) for name in names))
    return "\n".join([*rows, ""]).encode()


@pytest.mark.parametrize("write", [_json, _csv])
def test_what_follows_from_the_archive_is_accepted(stage: Stage, write: Callable[..., bytes]) -> None:
    """The control; a line of another tender, which has no archive here, is not looked at."""
    tender = _awarded(stage)
    tender.finish()
    stage.honest(tender, ledger=write(_line(tender), _line(tender, id="T9@1")))


def test_a_corrected_line_follows_from_its_corrections(stage: Stage) -> None:
    tender = _awarded(stage)
    tender.restate(**CORRECTED)
    tender.finish()
    stage.honest(tender, ledger=_json(_line(tender, deal=8_800_000)))
    stage.caught(tender, "V16", "V-LINE-DIFFERS", ledger=_json(_line(tender)))


ATTACKS: dict[str, tuple[Callable[[dict[str, Any]], Lines], str]] = {
    "left out": (lambda one: [], "V-LINE-MISSING"),
    "twice": (lambda one: [one, one], "V-LINE-ADDED"),
    "a share of it": (lambda one: [{**one, "part": 2}], "V-LINE-DIFFERS"),
    "another price": (lambda one: [{**one, "deal": 80_000_000}], "V-LINE-DIFFERS"),
    "another baseline": (lambda one: [{**one, "baseline": 120_000_000}], "V-LINE-DIFFERS"),
    "another day": (lambda one: [{**one, "date": "2025-12-31"}], "V-LINE-DIFFERS"),
    "another kind": (lambda one: [{**one, "kind": "works"}], "V-LINE-DIFFERS"),
    "another region": (lambda one: [{**one, "region": "宁波"}], "V-LINE-DIFFERS"),
    "counted as failed": (lambda one: [{**one, "status": "failed", "deal": None, "baseline": None}], "V-LINE-DIFFERS"),
    "corrected in silence": (lambda one: [{**one, "deal": 8_800_000}], "V-LINE-DIFFERS"),
    "taken for a rate": (lambda one: [{**one, "status": "rate", "deal": None, "baseline": None}], "V-LINE-DIFFERS"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_does_not_follow_is_named(stage: Stage, attack: str) -> None:
    tender = _awarded(stage)
    tender.finish()
    change, code = ATTACKS[attack]
    stage.caught(tender, "V16", code, editions=("public",), ledger=_json(*change(_line(tender))))


def test_a_failure_that_is_published_as_a_trade_or_not_at_all(stage: Stage) -> None:
    tender = stage.tender()
    tender.deposit(stage.fir, 92_000_000)
    tender.min_bids = 3
    tender.finish()
    day = next(one.body["time"] for one in tender.world.logged if one.name == "closed")[:10]
    failed = {"status": "failed", "deal": None, "baseline": None, "date": day}
    base = {
        "id": tender.id,
        "kind": "procurement",
        "region": "",
        "organisation": "o",
        "direction": "buy",
        "reason": "shut",
    }
    stage.honest(tender, editions=("public",), ledger=_json({**base, **failed}))
    stage.caught(tender, "V16", "V-LINE-MISSING", editions=("public",), ledger=_json())
    traded = {**base, **failed, "status": "concluded", "deal": 92_000_000, "baseline": 100_000_000}
    stage.caught(tender, "V16", "V-LINE-DIFFERS", editions=("public",), ledger=_json(traded))


def test_an_award_that_fell_is_published_as_if_it_stood(stage: Stage) -> None:
    tender = _awarded(stage)
    tender.fail("candidates_gone", "招标投标法实施条例 55")
    tender.finish()
    annulled = {"status": "annulled", "deal": None, "baseline": None}
    stage.honest(tender, editions=("public",), ledger=_json(_line(tender, **annulled)))
    stage.caught(tender, "V16", "V-LINE-DIFFERS", editions=("public",), ledger=_json(_line(tender)))


def test_a_line_of_what_has_come_to_no_end(stage: Stage) -> None:
    tender = stage.bids()
    tender.open()
    tender.rank()
    for bid in tender.bids:
        tender.reject(bid, "gave_up")
    tender.done |= {"award", "sign"}
    tender.finish()
    made = {"date": "2026-03-01", "kind": "procurement", "region": "", "organisation": "o", "direction": "buy"}
    line = {"id": tender.id, "baseline": 100_000_000, "deal": 1, "status": "concluded", "reason": "", **made}
    stage.honest(tender, editions=("public",), ledger=_json())
    stage.caught(tender, "V16", "V-LINE-ADDED", editions=("public",), ledger=_json(line))
