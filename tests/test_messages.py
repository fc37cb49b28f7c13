"""Codes become sentences in one place, in two languages, with the article beside them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Broken, Refused
from trading import messages
from trading.law import stages
from trading.law.article import Article


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, "zh-CN"), ("", "zh-CN"), ("*", "zh-CN"), ("en", "en"), ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("zh-Hans-CN", "zh-CN"), ("fr", "zh-CN"), ("fr, en;q=0.2", "en"), ("en;q=0, zh", "zh-CN"),
        ("en;q=0.5, zh;q=0.5", "en"), ("en;q=nonsense", "zh-CN"), (";;;,,q=1", "zh-CN"), ("EN-us", "en"),
    ],
)  # fmt: skip
def test_a_reader_gets_the_language_they_asked_for_or_chinese(header: str | None, chosen: str) -> None:
    assert messages.negotiate(header) == chosen


@given(st.text())
def test_no_header_breaks_the_edge(header: str) -> None:
    assert messages.negotiate(header) in messages.LANGUAGES


def test_an_instant_is_told_in_the_legal_zone() -> None:
    facts = {"start": datetime(2026, 3, 1, 16, 30, tzinfo=UTC), "end": date(2026, 3, 2)}
    assert (
        messages.say("E-PERIOD-ORDER", "zh", **facts)
        == "截止时间（2026-03-02）必须晚于发出时间（2026-03-02 00:30:00 北京时间）。"
    )
    assert "2026-03-02 00:30:00 Beijing time" in messages.say("E-PERIOD-ORDER", "en", **facts)


def test_units_are_told_in_the_language() -> None:
    facts = {"value": 3, "unit": "工作日", "earliest": "x", "derivation": "y"}
    assert "3工作日" in messages.say("E-PERIOD", "zh-CN", **facts)
    assert "3 working days" in messages.say("E-PERIOD", "en", **facts)


def test_a_gap_beats_a_crash_at_the_edge() -> None:
    assert messages.say("E-REGIME", "en") == "There is no regime “…”; known are: …."
    assert messages.say("NO-SUCH-CODE", "en") == "NO-SUCH-CODE"


def test_a_fact_there_is_nothing_of_takes_its_brackets_with_it() -> None:
    facts = {"regime": "", "direction": "", "method": "cheapest"}
    assert messages.say("E-METHOD", "zh", **facts) == "评审办法“cheapest”不适用于该程序或交易方向。"
    assert messages.say("E-METHOD", "en", **facts) == "The method “cheapest” does not fit this regime or direction."
    assert "（works）" in messages.say("E-METHOD", "zh", **{**facts, "regime": "works"})


def test_a_fact_cannot_speak_for_the_catalogue() -> None:
    assert "{known}" in messages.say("E-REGIME", "en", regime="{known}", known="works")


def test_an_error_is_told_with_its_article() -> None:
    late = Refused("E-LATE", Article("招标投标法实施条例", 36))
    assert messages.tell(late) == "投标截止时间已过，投标文件予以拒收。（《招标投标法实施条例》第三十六条）"
    assert messages.tell(late, "en").endswith("(Regulation implementing the Bidding Law, art. 36)")
    assert messages.tell(Broken("NO-SUCH-CODE"), "en") == "NO-SUCH-CODE"


@pytest.mark.parametrize("act", sorted({act for _, act in stages.TABLE}))
def test_every_act_has_a_name_that_is_no_code(act: str) -> None:
    for lang in messages.LANGUAGES:
        told = messages.say("E-DONE", lang, act=act)
        assert f"“{act}”" not in told, told


@pytest.mark.parametrize("stage", stages.STAGES)
def test_an_act_out_of_turn_is_told_without_codes(stage: str) -> None:
    allowed = ", ".join(sorted(act for at, act in stages.TABLE if at == stage))
    told = messages.say("E-STAGE", "zh-CN", stage=stage, act="award", allowed=allowed)
    assert not re.search("[a-z]", told), told
