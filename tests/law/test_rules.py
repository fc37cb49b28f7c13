"""Rules, regimes, the pinned rulebook: values, each with the words of its article."""

from __future__ import annotations

import ast
from dataclasses import FrozenInstanceError
from datetime import date, datetime
from pathlib import Path

import pytest

from audit.canon import canon, parse
from audit.refusal import Refused
from trading.law import regimes, regions, retention, rulebook, rules
from trading.law.article import PERIODS, STATUTES, Article, Level, Op, article, frozen, numeral, plain
from trading.law.calendar import LEGAL_ZONE

ANNOUNCED = datetime(2026, 3, 2, 9, 30, tzinfo=LEGAL_ZONE)


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "一"), (10, "十"), (11, "十一"), (24, "二十四"), (100, "一百"), (203, "二百零三"), (1259, "一千二百五十九")],
)
def test_articles_are_cited_as_statutes_write_them(number: int, words: str) -> None:
    assert numeral(number) == words


def test_a_citation_in_two_languages() -> None:
    cited = Article("招标投标法", 24)
    assert str(cited) == cited.cite("zh-CN") == "《招标投标法》第二十四条"
    assert cited.cite("en") == "Bidding Law, art. 24"
    with pytest.raises(KeyError):
        Article("没有的法", 1)


def test_what_a_function_refuses_carries_its_article() -> None:
    @article("招标投标法", 28)
    def shut() -> None:
        raise Refused("E-STAGE")

    @article("招标投标法", 28)
    def elsewhere() -> None:
        raise Refused("E-STAGE", Article("民法典", 203))

    for function, cited in ((shut, Article("招标投标法", 28)), (elsewhere, Article("民法典", 203))):
        with pytest.raises(Refused) as refused:
            function()
        assert refused.value.article == cited


@pytest.mark.parametrize("rule", rules.ALL, ids=lambda r: r.id)
def test_every_rule_is_complete(rule) -> None:
    assert rule.zh and rule.en and rule.unit and rule.starts and rule.regime
    assert bool(rule.quote) == (rule.checked and rule.level is not Level.SOURCE)
    assert bool(rule.test) == rule.checked
    assert {rule.since, rule.until} <= {"", *rules.EVENTS}
    if rule.op in PERIODS | {Op.MIN_COUNT, Op.MAX_COUNT, Op.MAX_PCT, Op.MIN_PCT}:
        assert isinstance(rule.value, int | tuple)
    assert rule.op is not Op.MIN or (rule.since and rule.until)
    with pytest.raises(FrozenInstanceError):
        rule.value = 0


def test_ids_are_unique_and_every_rule_is_used() -> None:
    assert len({r.id for r in rules.ALL}) == len(rules.ALL)
    used = {r.id for regime in regimes.REGIMES.values() for r in regime.rules} | {r.id for r in regimes.AUCTIONS}
    used |= {r.id for region in regions.REGIONS.values() for r, _ in region.rules}
    used |= {r.id for r in retention.HOUSE}
    assert used == set(rules.RULES)


@pytest.mark.parametrize(
    ("name", "min_bids", "direction"),
    [("works", 3, "buy"), ("gov", 3, "buy"), ("property", 1, "sell"), ("land", 3, "sell"), ("minerals", 3, "sell")],
)
def test_regimes_side_by_side(name: str, min_bids: int, direction: str) -> None:
    regime = regimes.regime(name)
    assert (regime.min_bids, regime.directions) == (min_bids, (direction,))
    assert regime.name("zh-CN") != regime.name("en")


def test_source_law_takes_one_bid_and_both_directions() -> None:
    regime = regimes.SOURCE_LAW
    assert (regime.min_bids, regime.directions, regime.max_candidates) == (1, ("buy", "sell"), 0)
    regimes.check_terms(regime, "sell", "highest-price/v1")
    with pytest.raises(Refused, match="E-METHOD"):
        regimes.check_terms(regime, "sell", "lowest-price/v1")
    with pytest.raises(Refused, match="E-DIRECTION"):
        regimes.check_terms(regimes.WORKS, "sell", "highest-price/v1")
    with pytest.raises(Refused, match="E-REGIME"):
        regimes.regime("auction")


@pytest.mark.parametrize("regime", regimes.REGIMES.values(), ids=lambda r: r.id)
def test_a_pinned_rulebook_reads_back(regime: regimes.Regime) -> None:
    pinned = rulebook.pin(regime, ANNOUNCED)
    assert canon(parse(pinned.data)) == pinned.data
    assert rulebook.read(pinned.data) == pinned
    assert set(parse(pinned.data)) == {"type", "id", "regime", "rules", "panel"}
    assert (pinned.min_bids, pinned.max_candidates) == (regime.min_bids, regime.max_candidates)
    assert pinned.known_regime is regime
    assert pinned.id == f"{regime.id}@2026-03-02"


def test_a_rulebook_is_that_of_its_day() -> None:
    """矿产资源法 (2024) is in force from 1 July 2025: before that its articles are not pinned."""
    before = rulebook.pin(regimes.MINERALS, datetime(2025, 6, 30, 12, tzinfo=LEGAL_ZONE))
    after = rulebook.pin(regimes.MINERALS, datetime(2025, 7, 1, 0, tzinfo=LEGAL_ZONE))
    assert "MN-01" not in before.values and "MN-01" in after.values
    assert STATUTES["矿产资源法"].in_force == date(2025, 7, 1)


def test_rulebooks_of_other_houses_may_say_less() -> None:
    theirs = rulebook.read(b'{"panel":{"min":5,"odd":true},"regime":"works","type":"trading.rulebook/v1"}')
    assert (theirs.regime, theirs.min_bids, theirs.max_candidates, theirs.value("WK-06")) == ("works", 1, 0, None)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"type":"trading.rulebook/v1"}', b'{"panel":3,"regime":"works","type":"trading.rulebook/v1"}',
     b'{"panel":{},"regime":"works","rules":[{"id":"WK-06"}],"type":"trading.rulebook/v1"}',
     b'{"panel":{},"regime":"works","rules":[{"id":"WK-06","unit":"x","value":null}],"type":"trading.rulebook/v1"}',
     b'{"panel":{},"regime":"works","rules":[{"id":"WK-06","unit":"x","value":[20]}],"type":"trading.rulebook/v1"}',
     b'{"panel":{},"regime":"works","rules":[{"id":"WK-06","unit":"x","value":{"a":{}}}],"type":"trading.rulebook/v1"}',
     b'{"panel":{}, "regime":"works","type":"trading.rulebook/v1"}'],
)  # fmt: skip
def test_a_rulebook_that_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="E-RULEBOOK"):
        rulebook.read(data)


@pytest.mark.parametrize("rule", rules.ALL, ids=lambda r: r.id)
def test_every_value_survives_a_rulebook(rule) -> None:
    """A number, a word or several named numbers: canonical JSON there, the same numbers back."""
    told = parse(canon({"value": plain(rule.value)}))["value"]
    back = frozen(told)
    assert back == rule.value if not isinstance(rule.value, tuple) else dict(back) == dict(rule.value)
    if isinstance(rule.value, tuple):
        with pytest.raises(TypeError):
            _ = rule.count
        with pytest.raises(KeyError):
            rule.number("nothing of the sort")
    elif isinstance(rule.value, str):
        with pytest.raises(TypeError):
            _ = rule.count


def test_a_project_keeps_the_numbers_it_was_announced_under() -> None:
    """The house's table may change; the book's rules carry the book's values."""
    theirs = rulebook.read(
        b'{"id":"x","panel":{},"regime":"works","rules":[{"id":"WK-38","unit":"\xe6\x97\xa5","value":7},'
        b'{"id":"ZZ-99","unit":"-","value":"unheard of"}],"type":"trading.rulebook/v1"}'
    )
    (rule,) = theirs.find(Op.MIN, "candidates", "award")
    assert (rule.id, rule.count, rules.rule("WK-38").count) == ("WK-38", 7, 3)
    assert theirs.has("ZZ-99") and [one.id for one in theirs.rules] == ["WK-38"], "what we do not know we do not ask"


def test_regimes_are_values_and_their_sets_are_complete() -> None:
    """Every checked row of a heading is in the regime of that name; the platform's are in all but source-law."""
    for name in ("works", "gov", "property", "land", "minerals"):
        have = {rule.id for rule in regimes.regime(name).rules}
        for rule in rules.ALL:
            if rule.regime in (name, "e-tender", "all") and rule.id != "CL-05":
                assert rule.id in have, (name, rule.id)
    with pytest.raises(FrozenInstanceError):
        regimes.WORKS.rules = ()  # type: ignore[misc]


ROOT = Path(__file__).parent.parent.parent
UNITS = {"日", "工作日", "月", "年", "小时"}


@pytest.mark.parametrize(
    "path",
    sorted(
        p
        for p in (ROOT / "trading").rglob("*.py")
        if "rules" not in p.relative_to(ROOT).parts and p.name != "periods.py"
    ),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_a_length_of_time_stands_in_the_table_alone(path: Path) -> None:
    """No call says so many days, working days, months, years or hours by itself; it asks a rule."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            said = [a.value for a in (*node.args, *(k.value for k in node.keywords)) if isinstance(a, ast.Constant)]
            lengths = [one for one in said if isinstance(one, int) and not isinstance(one, bool)]
            assert not (lengths and UNITS & {one for one in said if isinstance(one, str)}), f"{path.name}:{node.lineno}"
            if (
                "law" in path.relative_to(ROOT).parts
                and isinstance(node.func, ast.Name)
                and node.func.id == "timedelta"
            ):
                days = [k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)]
                assert set(days) <= {0, 1}, f"{path.name}:{node.lineno}: only the next day"
