"""Local rules tighten and never loosen: a looser row loses, whoever wrote it, and is reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canon import parse
from audit.refusal import Refused
from trading.law import bounds, periods, regimes, regions, rulebook, rules
from trading.law.article import Article, Level, Op, Rule, Status
from trading.law.calendar import LEGAL_ZONE
from trading.law.rules.sources import NINGBO

ANNOUNCED = datetime(2026, 3, 2, 9, 30, tzinfo=LEGAL_ZONE)


def local(op: Op, value: int | str, unit: str, since: str = "", until: str = "", **more: object) -> Rule:
    """A row that some city might have written."""
    row = Rule(
        "XX-01", Article(NINGBO, 1), op, value, unit, "", "本市另有规定。", "Here it is otherwise.", since, until
    )
    return replace(row, **more)  # type: ignore[arg-type]


def city(*rows: Rule) -> regions.Region:
    return regions.Region("somewhere", "某市", "Somewhere", tuple((row, ("works", "gov")) for row in rows))


def lost(row: Rule, regime: regimes.Regime = regimes.WORKS) -> list[str]:
    """Which national rules a local row loses to."""
    found = regions.conflicts(regime, city(row))
    laid = regions.overlay(regime, city(row))
    assert laid.has("XX-01") == (not found), "a row stands or is reported, never both"
    assert {rule.id for rule in regime.rules} <= {rule.id for rule in laid.rules}, "no national rule goes"
    return [one.stands.id for one in found]


@pytest.mark.parametrize(
    ("row", "loses"),
    [
        (local(Op.MIN, 19, "日", "documents-issued", "deadline"), ["WK-06"]),
        (local(Op.MIN, 20, "日", "documents-issued", "deadline"), []),
        (local(Op.MIN, 25, "日", "documents-issued", "deadline"), []),
        (local(Op.MIN, 4, "工作日", "supply-started", "supply-ended"), ["WK-03"]),  # as in Henan
        (local(Op.MIN, 5, "工作日", "supply-started", "supply-ended"), []),
        (local(Op.MIN, 119, "小时", "supply-started", "supply-ended"), ["WK-03"]),
        (local(Op.MIN, 1, "月", "supply-started", "supply-ended"), []),
        (local(Op.MAX, 5, "工作日", "contract-signed", "securities-settled"), ["WK-49"]),  # as in Beijing
        (local(Op.MAX, 5, "日", "contract-signed", "securities-settled"), []),
        (local(Op.MAX, 4, "日", "contract-signed", "securities-settled"), []),
        (local(Op.MAX, 30, "日", "complaint-accepted", "complaint-decided"), []),  # never more than 30 working days
        (local(Op.MAX, 31, "日", "complaint-accepted", "complaint-decided"), ["WK-44"]),
        (local(Op.MIN_OR_EXTEND, 14, "日", "documents-amended", "deadline"), ["WK-07"]),
        (local(Op.MIN_COUNT, 2, "家", until="opening"), ["WK-26"]),
        (local(Op.MIN_COUNT, 4, "家", until="opening"), []),
        (local(Op.MAX_COUNT, 4, "家", until="candidates"), ["WK-35"]),
        (local(Op.MAX_COUNT, 1, "家", until="candidates"), []),
        (local(Op.MAX_PCT, 3, "%", "estimate", "bid-security"), ["WK-12"]),
        (local(Op.MAX_PCT, 1, "%", "estimate", "bid-security"), []),
        (local(Op.LATEST, 11, "日", until="deadline"), ["WK-09"]),  # a bidder's time to object is the bidder's
        (local(Op.LATEST, 9, "日", until="deadline"), ["WK-09"]),
        (local(Op.LATEST, 10, "日", until="deadline"), []),
        (local(Op.MAY, "open_before_deadline", "-", "deposited", "opening"), ["WK-20"]),
        (local(Op.MUST_NOT, "refuse", "-", until="deposited"), ["WK-22"]),
        (local(Op.MUST, "something_else", "-", until="deposited"), []),
    ],
    ids=str,
)  # fmt: skip
def test_a_looser_local_row_loses_and_is_reported(row: Rule, loses: list[str]) -> None:
    assert lost(row) == loses


def test_what_is_not_checked_beats_nothing() -> None:
    unread = replace(rules.rule("WK-06"), status=Status.UNCHECKED, quote="", value=40)
    regime = replace(regimes.WORKS, rules=(unread,))
    assert lost(local(Op.MIN, 20, "日", "documents-issued", "deadline"), regime) == []


def test_a_tighter_local_row_binds_beside_the_national_one() -> None:
    tighter = regions.overlay(regimes.WORKS, city(local(Op.MIN, 30, "日", "documents-issued", "deadline")))
    with pytest.raises(Refused) as refused:
        periods.keep_deadline(tighter, ANNOUNCED, datetime(2026, 3, 24, tzinfo=LEGAL_ZONE))
    assert (refused.value.facts["rule"], str(refused.value.article)) == (
        "XX-01",
        "《宁波市公共资源交易管理条例》第一条",
    )
    assert regions.overlay(regimes.WORKS, city(local(Op.MIN_COUNT, 4, "家", until="opening"))).min_bids == 4
    assert regions.overlay(regimes.WORKS, city(local(Op.MAX_COUNT, 1, "家", until="candidates"))).max_candidates == 1


@given(
    st.sampled_from([r for r in rules.ALL if r.op in (Op.MIN, Op.MAX) and isinstance(r.value, int) and r.checked]),
    st.integers(0, 70),
    st.sampled_from(["小时", "日", "工作日", "月"]),
)
def test_no_overlay_ever_loosens(national: Rule, value: int, unit: str) -> None:
    """Whatever a city writes, the strictest of the rules that stand is at least as strict as without the city, by count."""
    regime = replace(regimes.WORKS, rules=(national,))
    row = local(national.op, value, unit, national.since, national.until)
    laid = regions.overlay(regime, city(row)).find(national.op, national.since, national.until)
    start = datetime(2010, 3, 2, 9, 30, tzinfo=LEGAL_ZONE)
    strictest = max if national.op is Op.MIN else min
    with_city = strictest(periods.count(start, r.count, r.unit).over for r in laid)
    alone = periods.count(start, national.count, national.unit).over
    assert with_city >= alone if national.op is Op.MIN else with_city <= alone


@pytest.mark.parametrize(
    ("region", "regime", "added"),
    [
        ("ningbo", "works", {"NB-08", "NB-09"}),
        ("ningbo", "property", {"NB-08", "NB-09"}),
        ("puyang", "gov", {"PY-03", "PY-04", "PY-05"}),
        ("chongqing", "works", {"SE-04", "RT-01", "CQ-01"}),
        ("chongqing", "gov", set()),
        ("chongqing", "source-law", set()),
    ],
)
def test_the_regions_there_are(region: str, regime: str, added: set[str]) -> None:
    national = regimes.regime(regime)
    laid = regions.overlay(national, region)
    assert {rule.id for rule in laid.rules} - {rule.id for rule in national.rules} == added
    assert laid.region == region and laid.panel == national.panel
    assert regions.region(region).name("en") != regions.region(region).name("zh-CN")


def test_no_row_of_the_regions_there_are_loses() -> None:
    for regime in regimes.REGIMES.values():
        for region in regions.REGIONS:
            assert regions.conflicts(regime, region) == ()
    assert regions.overlay(regimes.WORKS, "") is regimes.WORKS and regions.conflicts(regimes.WORKS, "") == ()


def test_a_region_nobody_knows_is_refused() -> None:
    for ask in (regions.overlay, regions.conflicts):
        with pytest.raises(Refused, match="E-REGION"):
            ask(regimes.WORKS, "atlantis")
    with pytest.raises(Refused, match="E-REGION"):
        rulebook.pin(regimes.WORKS, ANNOUNCED, "atlantis")


def test_the_rules_of_a_region_are_pinned_with_the_project() -> None:
    plain, there = rulebook.pin(regimes.WORKS, ANNOUNCED), rulebook.pin(regimes.WORKS, ANNOUNCED, "ningbo")
    assert set(there.values) - set(plain.values) == {"NB-08", "NB-09"}
    assert there.id == "works+ningbo@2026-03-02" and there.regime == "works" and there.digest != plain.digest
    (idle,) = there.find(Op.TERMINATE, "registered", "terminated")
    assert (idle.id, idle.number("months"), idle.number("warning"), idle.level) == ("NB-09", 3, 10, Level.LOCAL)
    written = next(row for row in parse(there.data)["rules"] if row["id"] == "NB-09")
    assert written == {"id": "NB-09", "unit": "月+日", "value": {"months": 3, "warning": 10}}


def test_a_local_law_binds_from_its_day() -> None:
    """濮阳: in force from 1 October 2021."""
    before = datetime(2021, 9, 30, 12, tzinfo=LEGAL_ZONE)
    assert "PY-05" not in rulebook.pin(regimes.GOV, before, "puyang").values
    assert "PY-05" in rulebook.pin(regimes.GOV, datetime(2021, 10, 1, 0, tzinfo=LEGAL_ZONE), "puyang").values
    assert rules.rule("PY-05").starts == date(2021, 10, 1)


def test_what_nobody_checked_is_listed_and_never_pinned() -> None:
    for regime in regimes.REGIMES.values():
        listed = rulebook.unchecked(regime, ANNOUNCED, "")
        assert all(rule.status is Status.UNCHECKED for rule in listed)
        assert not {rule.id for rule in listed} & set(rulebook.pin(regime, ANNOUNCED).values)
    assert {rule.id for rule in rulebook.unchecked(regimes.LAND, ANNOUNCED)} == {
        "N-02",
        "N-03",
        "N-04",
        "N-05",
        "N-16",
        "N-17",
    }
    assert rulebook.unchecked(regimes.SOURCE_LAW, ANNOUNCED) == ()


def test_an_unchecked_period_blocks_nothing() -> None:
    """N-11 says twenty working days for mineral rights; nobody has read it, so a deadline tomorrow is lawful."""
    assert regimes.MINERALS.rule("N-11").value
    made_up = replace(
        regimes.MINERALS, rules=(replace(rules.rule("N-02"), since="documents-issued", until="deadline"),)
    )
    assert periods.lawful_deadline(made_up, ANNOUNCED) == ANNOUNCED
    assert periods.keep(made_up, "documents-issued", "deadline", ANNOUNCED, ANNOUNCED) == ()


def test_a_stricter_local_rule_is_asked_for_wherever_the_national_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for WK-37 by its id gets the city's two days where the project lies in that city, and only there."""
    two, four = (
        local(Op.MAX, 2, "日", "report-received", "candidates"),
        local(Op.MAX, 4, "日", "report-received", "candidates"),
    )
    for row, binding in ((two, "XX-01"), (four, "WK-37")):
        monkeypatch.setattr(rules, "RULES", {**rules.RULES, "XX-01": row})
        monkeypatch.setattr(rules, "LOCAL", (*rules.LOCAL, row))
        bounds._pinned.cache_clear()
        here = rulebook.pin(regimes.WORKS, ANNOUNCED)
        there = rulebook.read(
            here.data.replace(b'"rules":[', b'"rules":[{"id":"XX-01","unit":"\xe6\x97\xa5","value":%d},' % row.count)
        )
        asked = bounds.asked(there, "WK-37")
        assert asked is not None and (asked.id, asked.count) == (binding, 2 if binding == "XX-01" else 3)
        assert bounds.asked(here, "WK-37") == rules.rule("WK-37")


def test_a_region_that_wants_more_bidders_or_fewer_candidates_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    four = local(Op.MIN_COUNT, 4, "家", until="opening")
    one = replace(local(Op.MAX_COUNT, 1, "家", until="candidates"), id="XX-02")
    monkeypatch.setattr(rulebook, "RULES", {**rules.RULES, "XX-01": four, "XX-02": one})
    monkeypatch.setattr(regions, "REGIONS", {**regions.REGIONS, "somewhere": city(four, one)})
    book = rulebook.pin(regimes.WORKS, ANNOUNCED, "somewhere")
    assert (book.min_bids, book.max_candidates) == (4, 1)
    assert (rulebook.pin(regimes.WORKS, ANNOUNCED).min_bids, rulebook.pin(regimes.WORKS, ANNOUNCED).max_candidates) == (
        3,
        3,
    )
