"""The table has its 114 rows, and each of them a test of its own that exists: nothing is added or lost in silence."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from trading.law.rules import RULES, rule

ROOT = Path(__file__).parents[3]

LIST = """
CL-01 | all | calendar | exclude_start | 日
CL-02 | all | calendar | roll_forward | 日
CL-03 | all | calendar | end_2400_or_closing | -
CL-04 | all | calendar | inclusive | -
WK-02 | works | must | equal_text | -
WK-03 | works | min | 5 | 日
WK-04 | works | min | 5 | 日
WK-05 | works | min_count | 3 | 家
WK-06 | works | min | 20 | 日
WK-07 | works | min_or_extend | 15 | 日
WK-08 | works | min_or_extend | 3 | 日
WK-09 | works | latest | 10 | 日
WK-10 | works | latest | 2 | 日
WK-11 | works | max | 3 | 日
WK-12 | works | max_pct | 2 | %
WK-13 | works | equal | bid_validity | -
WK-15 | works | max | 5 | 日
WK-16 | works | may | forfeit | -
WK-18 | works | must | max_price_in_docs; no_min_price | -
WK-20 | works | must_not | open_before_deadline | -
WK-22 | works | must | refuse | -
WK-23 | works | must | record | -
WK-24 | works | equal | opening_time=deadline | -
WK-25 | works | must | open_all | -
WK-26 | works | min_count | 3 | 家
WK-28 | works | min_count | 5 odd; 2/3 | 人
WK-29 | works | must | random_draw | -
WK-30 | works | must_not | supervisor_staff | -
WK-32 | works | void | replaced_scores | -
WK-33 | works | threshold | >1/3 | 人
WK-34 | works | secret | panel_names | -
WK-35 | works | max_count | 3 | 家
WK-36 | works | must | all_sign | -
WK-37 | works | max | 3 | 日
WK-38 | works | min | 3 | 日
WK-39 | works | max | 3 | 日
WK-40 | works | must | award_rank1 | -
WK-41 | works | latest | 10 | 日
WK-42 | works | must | objection_first | -
WK-43 | works | max | 3 | 工作日
WK-44 | works | max | 30 | 工作日
WK-45 | works | may | supervisor_suspend | -
WK-46 | works | max | 30 | 日
WK-47 | works | max | 15 | 日
WK-48 | works | max_pct | 10 | %
WK-49 | works | max | 5 | 日
WK-50 | works | deemed | collusion_6_items | -
WK-51 | works | void | related_bidders | -
OP-08 | e-tender | secret | downloaders_names_count | -
OP-11 | e-tender | must | refuse_unencrypted | -
OP-12 | e-tender | deemed | withdrawn | -
OP-13 | e-tender | must | receipt | immediate
OP-14 | e-tender | must_not | decrypt | -
OP-16 | e-tender | deemed | revoked | -
OP-17 | e-tender | deemed | withdrawn | -
OP-19 | e-tender | must | publish_record | -
OP-21 | e-tender | must | online_objection | -
OP-22 | e-tender | must | esign_archive_7 | -
OP-24 | e-tender | must | log_time_ip_staff | -
OP-25 | e-tender | must_not | destroy | -
OP-28 | all | equal | entry_time | -
GP-01 | gov | min | 20 | 日
GP-02 | gov | min | 5 | 工作日
GP-03 | gov | min | 5 | 工作日
GP-04 | gov | equal | 5 | 工作日
GP-05 | gov | min_or_extend | 15 | 日
GP-07 | gov | max_pct | 2 | %
GP-08 | gov | max | 5 | 工作日
GP-09 | gov | max | 5 | 工作日
GP-10 | gov | max | 2 | 工作日
GP-11 | gov | max | 5 | 工作日
GP-12 | gov | max | 2 | 工作日
GP-13 | gov | must | expert_names_public | -
GP-14 | gov | equal | 1 | 工作日
GP-15 | gov | max | 30 | 日
GP-16 | gov | max | 7 | 工作日
GP-17 | gov | max | 2 | 工作日
GP-18 | gov | min | 5 | 工作日
GP-19 | gov | max | 3 | 工作日
GP-20 | gov | latest | 7 | 工作日
GP-21 | gov | max | 7 | 工作日
GP-22 | gov | latest | 15 | 工作日
GP-23 | gov | max | 30 | 工作日
GP-24 | gov | max | 30 | 日
GP-25 | gov | must | suspend_contract | -
GP-26 | gov | max_pct | 10 | %
GP-27 | gov | max_pct | 10 | %
GP-29 | gov | min_count | 3 | 家
GP-30 | gov | min_count | 3 | 家
GP-32 | gov | must | av_record | -
GP-33 | gov | min_count | 5; 7 | 人
GP-34 | gov | secret | panel_names | -
GP-35 | gov | must | stop_seal | -
GP-36 | gov | min_pct | 30; 10 | %
GP-37 | gov | formula | base/bid*100 | 分
GP-40 | gov | min | 15 | 年
AU-01 | auction | min | 7 | 日
AU-02 | auction | min | 2 | 日
AU-03 | auction | void | below_reserve | -
AU-04 | auction | must_not | withdraw_bid | -
AU-07 | auction | min | 5 | 年
PR-02 | property | must | open_bidding_if>=2 | 家
PR-03 | property | must | floor_from_appraisal | -
LD-02 | land | must | competitive | -
MN-01 | mineral | must | competitive | -
MN-03 | mineral | must | advance_notice | -
SE-04 | local-CQ | secret | bond_status | -
RT-01 | local-CQ | min | 15 | 年
PD-03 | all | must | storage_only | -
NB-08 | local-NB | must | suspend | -
NB-09 | local-NB | terminate | 3 月 + 10 日 | 月/日
PY-03 | local-PY | must | publish_scores | -
PY-05 | local-PY | terminate | 90 + 7 | 日
CQ-01 | local-CQ | max | 24 | 小时
"""
"""The ready list of the checked rules: id, regime, what it does, value, unit."""

ROWS = {line.partition(" | ")[0]: line.split(" | ") for line in LIST.strip().splitlines()}


def functions(path: Path) -> set[str]:
    """The tests a file has."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_there_are_114_rows() -> None:
    assert len(ROWS) == len(LIST.strip().splitlines()) == 114
    assert [id for id in ROWS if id not in RULES] == []


@pytest.mark.parametrize("id", ROWS)
def test_a_row_says_what_the_list_says(id: str) -> None:
    _, regime, op, value, unit = ROWS[id]
    row = rule(id)
    assert (row.regime.removesuffix("s"), row.op.value) == (regime.removesuffix("s"), op)
    if isinstance(row.value, tuple):  # several numbers: each of the list's stands in the table, by a name
        numbers = [int(n) for n in re.findall(r"[0-9]+", value)]
        assert set(numbers) <= {n for _, n in row.value if isinstance(n, int)}, value
    else:
        assert (str(row.value), row.unit) == (value, unit)


@pytest.mark.parametrize("id", ROWS)
def test_a_row_is_checked_and_has_its_test(id: str) -> None:
    row = rule(id)
    assert row.checked and row.quote, "a row of the list was read in its text"
    file, _, name = row.test.partition("::")
    assert name == f"test_{id.lower().replace('-', '_')}", "named by its id"
    assert file.startswith("tests/law/rows/") and name in functions(ROOT / file), f"{id}: no {row.test}"


@pytest.mark.parametrize("id", sorted(set(RULES) - set(ROWS)))
def test_what_else_is_cited_says_where_it_is_tested(id: str) -> None:
    """Rows beyond the list: a checked one names a test that exists; an unchecked one never blocks, so it needs none."""
    row = rule(id)
    if not row.checked:
        return
    file, _, name = row.test.partition("::")
    assert (ROOT / file).is_file(), f"{id}: no {file}"
    assert not name or name in functions(ROOT / file), f"{id}: no {row.test}"


def test_no_row_is_tested_twice_under_one_name() -> None:
    named = [RULES[id].test for id in ROWS]
    assert len(set(named)) == 114


def test_a_row_tries_the_lawful_and_the_unlawful() -> None:
    """Each test of a row refuses something or finds a last instant: a story of honest people alone proves no bound."""
    denying = {"refused", "raises", "runs_out", "told_late", "missed"}
    for id in ROWS:
        file, _, name = RULES[id].test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        body = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
        called = {getattr(c.func, "id", getattr(c.func, "attr", "")) for c in ast.walk(body) if isinstance(c, ast.Call)}
        denies = any(isinstance(node, ast.Not | ast.NotEq | ast.NotIn) for node in ast.walk(body))
        assert called & denying or denies or id in ("WK-07", "WK-08", "CL-02", "WK-32", "WK-50", "WK-51", "OP-17"), (
            f"{id} has one side only"
        )
