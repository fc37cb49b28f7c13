"""Rules that our acts cite and that are none of the 114: each with what it allows and what it stops."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from audit.refusal import Refused
from tests.law.rows.books import ANNOUNCED, GOV, PUYANG, SOURCE, WORKS, beijing, refused
from trading.law import (
    admission,
    collusion,
    committee,
    periods,
    ranking,
    regimes,
    remedies,
    retention,
    rules,
    secrecy,
    security,
    stages,
)
from trading.law.methods import Offer
from trading.law.methods.doubts import EXPLANATION, abnormally_low
from trading.law.rules import sources

ROOT = Path(__file__).parent.parent.parent
DEADLINE = beijing(2026, 3, 23, 9, 30)


def test_cl_05() -> None:
    """Order 87 counts as the Civil Code does: a notice of five working days put up on Monday ends with next Monday."""
    span = periods.count(ANNOUNCED, 5, "工作日")
    assert (span.start, span.last_day) == (beijing(2026, 3, 2).date(), beijing(2026, 3, 9).date())


def test_wk_14() -> None:
    security.check_payment(WORKS, "transfer", "any", basic=True)
    security.check_payment(WORKS, "letter", "any", basic=False)  # a bank's letter comes from no account
    refused("WK-14", "E-BASIC-ACCOUNT", security.check_payment, WORKS, "transfer", "any", basic=False)
    refused("WK-14", "E-BASIC-ACCOUNT", security.check_payment, WORKS, "cheque", "any", basic=False)


def test_wk_17() -> None:
    for role in ("public", "tenderee", "supervisor", "operator", "bidder"):
        assert not secrecy.may_see(WORKS, secrecy.BASE_PRICE, role, "closed")
    refused("WK-17", "E-SECRET", secrecy.keep, WORKS, secrecy.BASE_PRICE, "supervisor", "closed")


def test_wk_19() -> None:
    assert secrecy.may_see(WORKS, secrecy.BASE_PRICE, "public", "opened")
    assert not secrecy.may_see(WORKS, secrecy.BASE_PRICE, "public", "shut"), "what is never opened is never announced"


def test_wk_21() -> None:
    assert stages.step("announced", "withdraw") == "announced" and stages.step("announced", "hand-in") == "announced"
    refused("WK-21", "E-STAGE", stages.step, "closed", "withdraw")


def test_wk_27() -> None:
    """On the spot: while the opening lasts, answered there, and nothing is suspended for it."""
    opened = remedies.Course(opened=DEADLINE, opening_ends=DEADLINE + timedelta(hours=2))
    assert remedies.admit(WORKS, remedies.OBJECTION, remedies.OPENING, DEADLINE + timedelta(hours=2), opened) is None
    assert remedies.answer_due(WORKS, remedies.OBJECTION, remedies.OPENING, DEADLINE) is None
    assert remedies.waits(WORKS, remedies.OBJECTION, remedies.OPENING).scope == remedies.NOTHING
    late = DEADLINE + timedelta(hours=2, microseconds=1)
    refused("WK-27", "E-REMEDY-LATE", remedies.admit, WORKS, remedies.OBJECTION, remedies.OPENING, late, opened)


def test_wk_31() -> None:
    panel = [
        committee.Member(1),
        committee.Member(2, interests=frozenset({"org-hengda"})),
        committee.Member(3, employer="org-hengda"),
        committee.Member(4, interests=frozenset({"org-elsewhere"})),
    ]
    assert committee.to_replace(panel, {"org-hengda", "org-lida"}) == (2, 3)
    assert committee.to_replace(panel, {"org-lida"}) == ()


def test_wk_34a() -> None:
    admission.not_the_tenderee("org-hengda", "org-school", "org-agency")
    refused("WK-34A", "E-OWN-TENDER", admission.not_the_tenderee, "org-school", "org-school")
    refused("WK-34A", "E-OWN-TENDER", admission.not_the_tenderee, "org-agency", "org-school", "org-agency")


def test_wk_52() -> None:
    admission.check_price(regimes.WORKS, "buy", 100_00, 100_00)
    refused("WK-52", "E-OVER-CEILING", admission.check_price, regimes.WORKS, "buy", 100_01, 100_00)
    admission.check_price(regimes.SOURCE_LAW, "buy", 100_01, 100_00)


def test_wk_53() -> None:
    """及时, with no number of days: a termination starts the refund, and it is due at once."""
    assert security.refund_since(WORKS, "terminated") == "tender-terminated"
    assert security.refund_due(WORKS, "terminated", ANNOUNCED) is None


def test_op_09() -> None:
    admission.not_the_operator("org-hengda", ["org-centre"])
    refused("OP-09", "E-OPERATOR-BIDS", admission.not_the_operator, "org-centre", ["org-centre"])


def test_gp_28() -> None:
    """废标: with fewer than three that answer the documents nobody is ranked."""
    ranking.enough_qualified(3, regimes.GOV)
    with pytest.raises(Refused, match="E-TOO-FEW-QUALIFIED"):
        ranking.enough_qualified(2, regimes.GOV)
    ranking.enough_qualified(1, regimes.WORKS)


def test_gp_39() -> None:
    committee.check_drawn(GOV, [committee.Member(1), committee.Member(2, side="tenderee", drawn=False)])
    refused("GP-39", "E-PANEL-NAMED", committee.check_drawn, GOV, [committee.Member(1, drawn=False)])
    committee.check_drawn(SOURCE, [committee.Member(1, drawn=False)])


def test_gp_43() -> None:
    assert secrecy.ends(GOV, secrecy.BIDDERS)[0] == secrecy.OPENING
    for role in ("public", "tenderee", "agency", "supervisor", "operator", "bidder"):
        assert not secrecy.may_see(GOV, secrecy.BIDDERS, role, "announced")
    assert secrecy.may_see(GOV, secrecy.BIDDERS, "public", "opened")


def test_se_01() -> None:
    assert not secrecy.may_see(WORKS, secrecy.BIDDERS, "tenderee", "closed")
    assert secrecy.may_see(WORKS, secrecy.BIDDERS, secrecy.SELF, "announced"), "who asked knows that they asked"
    assert secrecy.may_see(WORKS, secrecy.BIDDERS, "public", "opened")


def test_gp_45() -> None:
    """One contact person in two bids: collusion in gov, where the order names it, and in works not by itself."""
    bids = [
        collusion.Traits("b1", "org-a", contacts=frozenset({"Li"})),
        collusion.Traits("b2", "org-b", contacts=frozenset({"Li"})),
    ]
    (found,) = collusion.findings(GOV, bids)
    assert (found.rule, found.bids, str(found.article)) == ("GP-45", ("b1", "b2"), "《财政部令87号》第三十七条")
    assert collusion.findings(WORKS, bids) == ()


def test_gp_46() -> None:
    offers = [Offer("b1", 80_00), Offer("b2", 100_00), Offer("b3", 100_00)]
    asked = {"abnormal": {"below_mean": "20"}}
    assert [doubt.bid for doubt in abnormally_low("lowest-price/v1", asked, offers)] == ["b1"]
    offers[0] = Offer("b1", 80_01)
    assert abnormally_low("lowest-price/v1", asked, offers) == ()
    assert rules.rule("GP-46").article == EXPLANATION


def test_py_04() -> None:
    until, article = remedies.order(PUYANG, "outage", "operator", ANNOUNCED, None)
    assert until is None and article == rules.rule("PY-04").article
    refused("PY-04", "E-SUSPENSION-BODY", remedies.order, PUYANG, "outage", "tenderee", ANNOUNCED, None)
    assert remedies.order(GOV, "outage", "operator", ANNOUNCED, None) == (None, None)


# ------------------------------------------------------------------------------------------------ the table itself


def defined(path: str) -> set[str]:
    text = (ROOT / path).read_text(encoding="utf-8")
    return set(re.findall(r"^(?:async )?def (test_\w+)\(", text, re.M))


@pytest.mark.parametrize("rule", [rule for rule in rules.ALL if rule.checked], ids=lambda r: r.id)
def test_a_checked_rule_has_its_test(rule) -> None:
    """One function a rule; its id is in the name where the rule is one of the 114, or tested here."""
    path, _, name = rule.test.partition("::")
    assert name in defined(path)
    if path.startswith("tests/law/rows/") or path == "tests/law/test_further.py":
        assert name == f"test_{rule.id.lower().replace('-', '_')}"


def test_there_are_114_rows_and_each_is_tested_once() -> None:
    rows = [rule for rule in rules.ALL if rule.checked and rule.test.startswith("tests/law/rows/")]
    assert len(rows) == len({rule.test for rule in rows}) == 114
    assert {rule.test for rule in rows} == {sources.row(rule.id) for rule in rows}


def test_rt_02() -> None:
    """Procurement files: not while the fifteen years run, and in no case hidden; the losers' neither."""
    assert rules.rule("RT-02").article == rules.rule("GP-40").article
    refused("GP-40", "E-RETENTION", retention.check_destroy, GOV, beijing(2026, 3, 2), beijing(2026, 3, 3), losers=True)


def test_rt_03() -> None:
    retention.check_approval("甬档〔2041〕7号")
    for nobody in ("", "  "):
        with pytest.raises(Refused, match="E-NOT-APPROVED") as no:
            retention.check_approval(nobody)
        assert no.value.article == rules.rule("RT-03").article


def test_rt_04() -> None:
    """What is exported for the archive office needs no paper beside it: all classes of documents are in it by hash."""
    assert "notice" in retention.CLASSES and not retention.classes_missing(SOURCE, (), contracted=True)


def test_rt_07() -> None:
    """A certificate that expired on a leap day: five years on, its last day and that day too."""
    expired = beijing(2016, 2, 29, 12)
    assert retention.kept_material("certificate", expired).last_day == beijing(2021, 2, 28).date()
    retention.check_destroy_material("certificate", expired, beijing(2021, 3, 2))
    with pytest.raises(Refused, match="E-RETENTION") as no:
        retention.check_destroy_material("certificate", expired, beijing(2021, 2, 28, 12))
    assert no.value.article == rules.rule("RT-07").article


def test_rt_06_and_rt_08_keep_though_nobody_has_read_them() -> None:
    logged = beijing(2025, 8, 31, 12)
    assert retention.kept_material("network-log", logged).last_day == beijing(2026, 2, 28).date()
    assert retention.kept_material("transfer", logged).last_day == beijing(2028, 8, 31).date()
    with pytest.raises(Refused, match="E-RETENTION"):
        retention.check_destroy_material("network-log", logged, beijing(2026, 2, 27))
    for other in ("tender", "diary"):
        with pytest.raises(Refused, match="E-MATERIAL"):
            retention.kept_material(other, logged)
