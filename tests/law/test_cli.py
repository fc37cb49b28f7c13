"""`trading law` and `trading calendar`, as people and programs type them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from trading.law import regimes, regions, rules
from trading.law.calendar import BUILT_IN
from trading.messages import say

NEXT = max(BUILT_IN) + 1
FIELDS = {
    "id", "level", "law", "article", "quote", "sentence", "op", "value", "unit", "from", "to", "effective_from",
    "effective_to", "status", "test", "regime",
}  # fmt: skip


def trading(*arguments: str, code: int = 0, lang: str = "zh", home: Path | None = None) -> str:
    """What the command said; the other stream where it was refused."""
    typed = [sys.executable, "-m", "trading", *arguments]
    environment = {
        "PATH": "/usr/bin:/bin",
        "TRADING_LANG": lang,
        "PYTHONIOENCODING": "utf-8",
        "TRADING_DATA": str(home or "data"),
    }
    ran = subprocess.run(typed, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stderr if code else ran.stdout


def test_json_lists_every_rule_with_exactly_the_fields_of_the_table() -> None:
    told = json.loads(trading("law", "--json"))
    assert [rule["id"] for rule in told["rules"]] == [rule.id for rule in rules.ALL]
    assert {frozenset(rule) for rule in told["rules"]} == {frozenset(FIELDS)}
    one = next(rule for rule in told["rules"] if rule["id"] == "WK-28")
    assert one["value"] == {"members": 5, "odd": True, "experts": 2, "of": 3}
    assert (one["law"], one["article"], one["level"], one["status"]) == ("招标投标法", 37, "law", "checked")
    assert set(one["sentence"]) == {"zh", "en"} and one["effective_to"] is None
    assert one["test"] == "tests/law/rows/test_works.py::test_wk_28"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_table_fits_eighty_columns(lang: str) -> None:
    lines = trading("law", lang=lang).splitlines()
    assert max(map(cell_len, lines)) <= 80
    heads = [line for line in lines if line[:1] not in (" ", "共") and not line[:1].isdigit()]
    assert [line.split()[0] for line in heads] == [rule.id for rule in rules.ALL]


def test_the_regime_the_region_and_the_status_choose() -> None:
    def ids(*arguments: str) -> list[str]:
        return [rule["id"] for rule in json.loads(trading("law", "--json", *arguments))["rules"]]

    assert ids("--regime", "gov") == [rule.id for rule in regimes.GOV.rules]
    laid = ids("--regime", "works", "--region", "ningbo")
    assert laid == [rule.id for rule in regions.overlay(regimes.WORKS, "ningbo").rules] and "NB-09" in laid
    assert ids("--regime", "auction") == [rule.id for rule in regimes.AUCTIONS]
    assert ids("--region", "puyang") == ["PY-03", "PY-04", "PY-05", "HN-01"]
    assert set(ids("--status", "unchecked")) == {rule.id for rule in rules.ALL if not rule.checked}
    assert ids("wk-06", "GP-09") == ["WK-06", "GP-09"]


def test_a_rule_is_shown_with_its_words_and_an_unchecked_one_is_marked() -> None:
    assert "自招标文件开始发出之日起至投标人提交投标文件截止之日止" in trading("law", "WK-06").replace("\n        ", "")
    assert "未核对，不阻断" in trading("law", "N-06") and "not checked" in trading("law", "N-06", lang="en")
    assert "未核对，不阻断" not in trading("law", "--status", "checked").rpartition("共 ")[0]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (("XX-99",), 1, "E-RULE"),
        (("GP-01", "--regime", "works"), 1, "E-RULE-NOT-THERE"),
        (("--regime", "lottery"), 1, "E-REGIME"),
        (("--region", "atlantis"), 1, "E-REGION"),
        (("--regime", "works", "--region", "atlantis"), 1, "E-REGION"),
        (("--status", "guessed"), 2, "guessed"),
    ],
)
def test_what_there_is_not_is_refused(arguments: tuple[str, ...], exit_code: int, said: str) -> None:
    assert said in trading("law", *arguments, code=exit_code)


def test_a_year_is_shown_imported_and_known_to_the_next_process(tmp_path: Path) -> None:
    assert "国务院" not in trading("calendar", "show", "2026") and "2026-02-14" in trading("calendar", "show", "2026")
    refused = trading("calendar", "show", str(NEXT), code=1, home=tmp_path)
    assert "E-CALENDAR" in refused and "trading calendar import" in refused
    file = tmp_path / "放假 安排.csv"
    days = "".join(f"holiday,{NEXT}-{day}\n" for day in ("01-01", "05-01", "10-01", "10-02", "10-03"))
    file.write_text(f"year,{NEXT}\nsource,国务院办公厅通知\n{days}", encoding="utf-8")
    assert "已导入" in trading("calendar", "import", str(file), home=tmp_path)
    assert "未作改动" in trading("calendar", "import", str(file), home=tmp_path)
    shown = json.loads(trading("calendar", "show", str(NEXT), "--json", home=tmp_path))
    assert (shown["year"], shown["source"], len(shown["holidays"]), shown["working"]) == (
        NEXT,
        "国务院办公厅通知",
        5,
        [],
    )
    file.write_text(f"year,{NEXT}\nsource,国务院办公厅通知\n{days}holiday,{NEXT}-02-31\n", encoding="utf-8")
    broken = trading("calendar", "import", str(file), code=1, home=tmp_path, lang="en")
    assert "E-CALENDAR-FILE" in broken and "line 8" in broken and "nothing was imported" in broken


def test_a_rule_s_days_and_its_test_are_named_in_words() -> None:
    assert say("law.in-force", "zh-CN", start="2019-03-02", until="…") == "施行：2019-03-02 至 …"
    assert say("law.tested", "en", test="x") == "Test: x"
