"""The life of a tender, asked act by act: told as stories of Pine Bridge (works) and the hospital's beds (gov)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.refusal import Refused
from trading import messages
from trading.law import asking, regimes, rulebook, steps, steps_remedies
from trading.law.agenda import agenda
from trading.law.calendar import LEGAL_ZONE
from trading.law.life import Happened, Life, ask, live

HOUR = timedelta(hours=1)


def beijing(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=LEGAL_ZONE).astimezone(UTC)


class Story:
    """A tender whose acts are done as soon as the law lets them; `refused` says with what it did not."""

    def __init__(self, regime: regimes.Regime, region: str = "") -> None:
        self.life = live(rulebook.pin(regime, beijing(3, 2), region))

    def do(self, act: str, now: datetime, **facts: Any) -> tuple[str, ...]:
        granted = ask(self.life, act, now, facts)
        self.life = self.life.after(Happened(act, now, facts))
        assert self.life.stage == granted.stage
        return granted.breaches

    def refused(self, act: str, now: datetime, **facts: Any) -> Refused:
        with pytest.raises(Refused) as no:
            ask(self.life, act, now, facts)
        for lang in ("zh", "en"):
            assert no.value.code not in messages.tell(no.value, lang) and "…" not in messages.say(
                no.value.code, lang, **no.value.facts
            )
        return no.value


@pytest.fixture
def bridge() -> Story:
    """Pine Bridge, announced on Monday 2 March for the 30th."""
    story = Story(regimes.WORKS)
    story.do("make-keyset", beijing(3, 2))
    story.do("announce", beijing(3, 2), deadline=beijing(3, 30), state_funded=True, security={"amount": 1})
    return story


def to_candidates(story: Story) -> None:
    story.do("close", beijing(3, 30) + HOUR)
    story.do("unseal", beijing(3, 30) + HOUR)
    story.do("receive-report", beijing(4, 1))
    story.do("publish-candidates", beijing(4, 1), ranking=("fir", "oak"), qualified=3)


def to_award(story: Story) -> None:
    to_candidates(story)
    story.do("award", beijing(4, 8), bid="fir", price=100)


# ---- deadlines and amendments


def test_wk_06_the_deadline_comes_with_its_derivation() -> None:
    story = Story(regimes.WORKS)
    story.do("make-keyset", beijing(3, 2))
    no = story.refused("announce", beijing(3, 2), deadline=beijing(3, 20))
    assert (no.code, no.facts["rule"], no.facts["earliest"]) == ("E-PERIOD", "WK-06", beijing(3, 23, 0))
    assert no.facts["derivation"] == "2026-03-02 +20日 = 2026-03-22 → 2026-03-23"


def test_wk_07_an_amendment_that_affects_bids_needs_fifteen_days_or_a_later_deadline(bridge: Story) -> None:
    early = ask(bridge.life, "amend-documents", beijing(3, 15, 23, 59), {"affects": True})
    assert early.extend is None
    late = ask(bridge.life, "amend-documents", beijing(3, 18), {"affects": True})
    assert late.extend == beijing(4, 2)
    no = bridge.refused("amend-documents", beijing(3, 18), affects=True, moved=beijing(4, 1))
    assert (no.facts["rule"], no.facts["earliest"]) == ("WK-07", beijing(4, 2))
    assert ask(bridge.life, "amend-documents", beijing(3, 18), {"affects": False}).extend is None
    bridge.do("amend-documents", beijing(3, 18), affects=True)
    assert bridge.refused("close", beijing(3, 31)).facts["rule"] == "WK-07"
    bridge.do("move-deadline", beijing(3, 18), deadline=beijing(4, 2))
    bridge.do("close", beijing(4, 2))


def test_a_deadline_moves_only_while_its_record_can_be_in_the_log_before_it(bridge: Story) -> None:
    beats, hour = timedelta(minutes=2), beijing(3, 30)
    assert ask(bridge.life, "move-deadline", hour - beats, {"deadline": beijing(4, 2), "beats": beats})
    late = hour - beats + timedelta(seconds=1)
    no = bridge.refused("move-deadline", late, deadline=beijing(4, 2), beats=beats)
    assert (no.code, no.facts["latest"]) == ("E-DEADLINE-NEAR", hour - beats)
    assert bridge.refused("amend-documents", late, affects=True, beats=beats).code == "E-DEADLINE-NEAR"
    assert bridge.refused("move-deadline", beijing(3, 10), deadline=beijing(3, 29)).code == "E-DEADLINE-BACK"


def test_an_outage_moves_it_afterwards_by_its_own_rule(bridge: Story) -> None:
    outage = {"from": beijing(3, 30, 9), "to": beijing(3, 30, 16), "probes": ()}
    now = beijing(3, 30, 16, 5)
    lower = {"deadline": beijing(3, 30, 18), "outage": outage}
    assert ask(bridge.life, "move-deadline", now, lower)
    no = bridge.refused("move-deadline", now, **lower, office=True)
    assert (no.code, no.facts["earliest"]) == ("E-DEADLINE-SHORT", beijing(3, 31, 9))
    elsewhere = {"from": beijing(3, 1), "to": beijing(3, 1, 11), "probes": ()}
    assert bridge.refused("move-deadline", now, deadline=beijing(4, 1), outage=elsewhere).code == "E-OUTAGE-ELSEWHERE"


def test_a_box_closes_at_its_hour_and_not_before(bridge: Story) -> None:
    assert bridge.refused("close", beijing(3, 30) - timedelta(seconds=1)).code == "E-EARLY"
    bridge.do("close", beijing(3, 30))


# ---- suspension


def test_wk_11_an_objection_stops_everything_until_it_is_answered(bridge: Story) -> None:
    bridge.do("file-remedy", beijing(3, 20, 23, 59), remedy="r1", kind="objection", about="documents")
    assert bridge.refused(
        "file-remedy", beijing(3, 21, 0), remedy="r2", kind="objection", about="documents"
    ).code == "E-REMEDY-LATE"  # fmt: skip
    no = bridge.refused("close", beijing(3, 30))
    assert (no.code, str(no.article), no.facts["since"]) == (
        "E-SUSPENDED", "《招标投标法实施条例》第二十二条", beijing(3, 20, 23, 59),
    )  # fmt: skip
    assert "答复后恢复" in messages.tell(no) and "it goes on when it is" in messages.tell(no, "en")
    bridge.do("amend-documents", beijing(3, 21), affects=False)
    assert bridge.do("answer-remedy", beijing(3, 30), remedy="r1") == ("WK-11",)
    bridge.do("close", beijing(3, 30))


def test_wk_39_an_objection_to_the_result_lies_inside_the_publicity(bridge: Story) -> None:
    to_candidates(bridge)
    last = beijing(4, 7, 23, 59)  # 1 April + 3 days = 4 April, over 清明 to the 7th
    late = bridge.refused("file-remedy", beijing(4, 8, 0), remedy="r1", kind="objection", about="result")
    assert (late.code, late.facts["latest"]) == ("E-REMEDY-LATE", beijing(4, 8, 0))
    bridge.do("file-remedy", last, remedy="r1", kind="objection", about="result")
    assert bridge.refused("award", beijing(4, 20), bid="fir").code == "E-SUSPENDED"
    assert bridge.do("answer-remedy", beijing(4, 10), remedy="r1") == ()
    assert bridge.refused("answer-remedy", beijing(4, 11), remedy="r1").code == "E-REMEDY"
    bridge.do("award", beijing(4, 10), bid="fir", price=100)


def test_wk_45_a_complaint_suspends_nothing_and_an_order_does(bridge: Story) -> None:
    to_candidates(bridge)
    bridge.do("file-remedy", beijing(4, 2), remedy="o", kind="objection", about="result")
    bridge.do("answer-remedy", beijing(4, 3), remedy="o")
    assert bridge.refused(
        "file-remedy", beijing(4, 3), remedy="c", kind="complaint", about="result", known=beijing(4, 2)
    ).code == "E-REMEDY-FIRST"  # fmt: skip
    bridge.do(
        "file-remedy", beijing(4, 3), remedy="c", kind="complaint", about="result", known=beijing(4, 2), follows="o"
    )
    assert bridge.life.suspension(beijing(4, 3)) is None
    bridge.do("accept-remedy", beijing(4, 7), remedy="c")
    bridge.do("order-suspension", beijing(4, 7), order="〔2026〕1", ground="complaint", remedy="c", until=None)
    no = bridge.refused("award", beijing(6, 7), bid="fir")
    assert no.code == "E-SUSPENDED" and "〔2026〕1" in messages.tell(no) and "撤销后恢复" in messages.tell(no)
    assert bridge.refused("lift-suspension", beijing(4, 9), order="〔2026〕2").code == "E-NO-ORDER"
    bridge.do("lift-suspension", beijing(4, 9), order="〔2026〕1")
    bridge.do("award", beijing(4, 9), bid="fir", price=100)


def hospital() -> Story:
    story = Story(regimes.GOV)
    story.do("make-keyset", beijing(3, 2))
    story.do("announce", beijing(3, 2), deadline=beijing(3, 30))
    to_candidates(story)
    story.do("award", beijing(4, 2), bid="fir", price=100)
    story.do("notify-award", beijing(4, 2))
    return story


def test_gp_25_a_challenge_stops_the_contract_alone() -> None:
    story = hospital()
    story.do("file-remedy", beijing(4, 3), remedy="q", kind="challenge", about="result", known=beijing(4, 2))
    no = story.refused("sign-contract", beijing(4, 8), amount=100)
    assert (no.code, str(no.article)) == ("E-SUSPENDED", "《政府采购法实施条例》第五十四条")
    story.do("answer-remedy", beijing(4, 14), remedy="q")
    inside = story.refused("sign-contract", beijing(4, 15), amount=100, signed=beijing(4, 8))
    assert inside.code == "E-SUSPENDED", "signed on a day on which it waited"
    story.do("sign-contract", beijing(4, 15), amount=100, signed=beijing(4, 14, 11))


def test_gp_24_an_order_on_a_complaint_ends_by_itself_and_thirty_days_are_not_cut_in_two() -> None:
    story = hospital()
    story.do("file-remedy", beijing(4, 3), remedy="q", kind="challenge", about="result", known=beijing(4, 2))
    story.do("answer-remedy", beijing(4, 7), remedy="q")
    story.do("file-remedy", beijing(4, 16), remedy="c", kind="complaint", about="result", follows="q")
    long = story.refused(
        "order-suspension", beijing(4, 16), order="1", ground="complaint", remedy="c", until=beijing(5, 19)
    )
    assert (long.code, long.facts["latest"]) == ("E-SUSPENSION-LONG", beijing(5, 19, 0))  # 16 May is a Saturday
    story.do("order-suspension", beijing(4, 16), order="1", ground="complaint", remedy="c", until=None)
    no = story.refused("sign-contract", beijing(5, 18), amount=100)
    assert no.facts["until"] == beijing(5, 19, 0) and "2026-05-19" in messages.tell(no, "en")
    again = {"order": "2", "ground": "complaint", "remedy": "c", "until": None}
    assert story.refused("order-suspension", beijing(5, 19), **again).code == "E-SUSPENSION-LONG"
    assert story.do("sign-contract", beijing(5, 19), amount=100) == (), "the thirty days did not run meanwhile"


# ---- evaluation, award, contract


def test_candidates_follow_from_a_report_and_are_published_in_three_days(bridge: Story) -> None:
    bridge.do("close", beijing(3, 30))
    bridge.do("unseal", beijing(3, 30))
    assert bridge.refused("publish-candidates", beijing(4, 1), ranking=("fir",)).code == "E-NO-REPORT"
    bridge.do("receive-report", beijing(3, 31))
    assert bridge.refused("receive-report", beijing(3, 31)).code == "E-DONE"
    no = bridge.refused("publish-candidates", beijing(4, 1), ranking=("a", "b", "c", "d"))
    assert (no.code, str(no.article)) == ("E-TOO-MANY", "《招标投标法实施条例》第五十三条")
    assert bridge.do("publish-candidates", beijing(4, 4, 0), ranking=("fir",)) == ("WK-37",)


def test_wk_40_the_first_wins_and_the_next_only_when_it_is_out(bridge: Story) -> None:
    to_candidates(bridge)
    assert bridge.refused("award", beijing(4, 8), bid="oak").code == "E-NOT-FIRST"
    assert bridge.refused("award", beijing(4, 7, 23, 59), bid="fir").facts["rule"] == "WK-38"
    bridge.do("reject", beijing(4, 8), bid="fir")
    bridge.do("award", beijing(4, 8), bid="oak", price=110)


def test_private_money_may_choose_among_the_candidates() -> None:
    story = Story(regimes.WORKS)
    story.do("make-keyset", beijing(3, 2))
    story.do("announce", beijing(3, 2), deadline=beijing(3, 30), state_funded=False)
    to_candidates(story)
    assert story.refused("award", beijing(4, 8), bid="ash").code == "E-NOT-FIRST"
    story.do("award", beijing(4, 8), bid="oak", price=110)


def test_a_contract_is_what_was_awarded_and_the_archive_waits_for_all_of_it(bridge: Story) -> None:
    to_award(bridge)
    assert bridge.refused("sign-contract", beijing(4, 9), amount=100).code == "E-NO-LETTER"
    bridge.do("notify-award", beijing(4, 9))
    assert bridge.refused("sign-contract", beijing(4, 9), amount=101).code == "E-CONTRACT-PRICE"
    assert bridge.refused("sign-contract", beijing(4, 9), amount=100, performance=11).code == "E-PERFORMANCE-OVER"
    assert bridge.refused("sign-contract", beijing(4, 9), amount=100, signed=beijing(4, 10)).code == "E-SIGNED"
    assert bridge.refused("archive", beijing(4, 9)).code == "E-STAGE"
    late = beijing(5, 12, 0)  # 9 April + 30 days: Saturday 9 May is worked (补班)
    assert ask(bridge.life, "sign-contract", late, {"amount": 100}).breaches == ("WK-46",)
    bridge.do("sign-contract", beijing(4, 10), amount=100, performance=10, contract="c" * 64)
    assert bridge.refused("publish-contract", beijing(4, 10), contract="d" * 64).code == "E-OTHER-CONTRACT"
    assert bridge.refused("archive", beijing(4, 10)).facts["why"] == "settle-securities"
    assert bridge.do("settle-securities", beijing(4, 16, 0)) == ("WK-49",)
    assert bridge.refused("archive", beijing(4, 16)).facts["why"] == "file-report"
    bridge.do("file-report", beijing(4, 16))
    bridge.do("archive", beijing(4, 16))


# ---- ends


def test_failures_have_reasons(bridge: Story) -> None:
    bridge.do("close", beijing(3, 30))
    bridge.do("unseal", beijing(3, 30))
    assert bridge.refused("fail", beijing(3, 31), reason="candidates_gone").code == "E-STAGE"
    assert bridge.refused("fail", beijing(3, 31), reason="all_rejected", qualified=1).code == "E-NOT-FAILED"
    assert bridge.refused("fail", beijing(3, 31), reason="bored").code == "E-REASON"
    bridge.do("fail", beijing(3, 31), reason="all_rejected", qualified=0)
    assert bridge.refused("archive", beijing(3, 31)).facts["why"] == "settle-securities"


def test_gp_30_fewer_than_three_qualified_is_a_failure() -> None:
    story = Story(regimes.GOV)
    story.do("make-keyset", beijing(3, 2))
    story.do("announce", beijing(3, 2), deadline=beijing(3, 30))
    story.do("close", beijing(3, 30))
    story.do("unseal", beijing(3, 30))
    story.do("receive-report", beijing(3, 31))
    assert (
        story.refused("publish-candidates", beijing(3, 31), ranking=("fir",), qualified=2).code == "E-TOO-FEW-QUALIFIED"
    )
    assert story.refused("fail", beijing(3, 31), reason="too_few_qualified", qualified=3).code == "E-NOT-FAILED"
    story.do("fail", beijing(3, 31), reason="too_few_qualified", qualified=2)
    story.do("archive", beijing(3, 31))


def test_nb_09_an_idle_project_is_warned_and_then_ended() -> None:
    story, registered = Story(regimes.WORKS, "ningbo"), beijing(1, 5)
    story.do("make-keyset", beijing(3, 2))
    assert story.refused("warn-idle", beijing(4, 5), registered=registered).code == "E-NOT-IDLE"
    assert story.refused("terminate", beijing(4, 9), reason="idle", registered=registered).code == "E-NOT-WARNED"
    story.do("warn-idle", beijing(4, 8), registered=registered)
    assert story.refused("terminate", beijing(4, 20, 23), reason="idle", registered=registered).code == "E-WARNING-RUNS"
    story.do("terminate", beijing(4, 21), reason="idle", registered=registered)
    assert story.refused("archive", beijing(4, 21)).code == "E-STAGE", "it was never announced"


def test_whoever_has_won_cannot_be_unmade_by_the_tenderee(bridge: Story) -> None:
    to_award(bridge)
    assert bridge.refused("terminate", beijing(4, 9), reason="tenderee").code == "E-STAGE"
    bridge.do("terminate", beijing(4, 9), reason="force_majeure")


def test_a_tender_is_announced_again_only_when_the_first_has_ended() -> None:
    story = Story(regimes.WORKS)
    story.do("make-keyset", beijing(3, 2))
    facts = {"deadline": beijing(3, 30), "predecessor": "T1@8"}
    assert story.refused("announce", beijing(3, 2), **facts, predecessor_stage="ranked").code == "E-PREDECESSOR"
    story.do("announce", beijing(3, 2), **facts, predecessor_stage="failed")


def test_a_year_nobody_knows_stops_no_act_that_only_may_be_late() -> None:
    """The holidays of 2040 are not announced: an answer is given all the same, counted without them."""
    story = Story(regimes.WORKS)
    far = timedelta(days=14 * 365)
    story.life = live(story.life.rulebook, [Happened("make-keyset", beijing(3, 2) + far)])
    assert story.refused("announce", beijing(3, 2) + far, deadline=beijing(3, 30) + far).code == "E-CALENDAR"
    filed = Happened("file-remedy", beijing(3, 3) + far, {"remedy": "r", "kind": "objection", "about": "documents"})
    announced = Happened("announce", beijing(3, 2) + far, {"deadline": beijing(3, 30) + far})
    story.life = live(story.life.rulebook, [*story.life.history, announced, filed])
    assert ask(story.life, "answer-remedy", beijing(3, 5) + far, {"remedy": "r"}).breaches == ()
    assert ask(story.life, "answer-remedy", beijing(3, 25) + far, {"remedy": "r"}).breaches == ("WK-11",)


# ---- what comes next


def told(life: Life, now: datetime) -> dict[str, Any]:
    return {f"{due.act} {due.about}".strip(): due for due in agenda(life, now)}


def test_the_agenda_says_what_by_when_under_which_article(bridge: Story) -> None:
    begun = told(bridge.life, beijing(3, 3))
    assert begun["close"].not_before == beijing(3, 30)
    assert begun["file-remedy objection documents"].not_after == beijing(3, 21, 0) - timedelta(microseconds=1)
    bridge.do("file-remedy", beijing(3, 18), remedy="r1", kind="objection", about="documents")
    waiting = told(bridge.life, beijing(3, 18))
    answer = waiting["answer-remedy r1"]
    assert (answer.not_after, answer.rule, answer.owed) == (beijing(3, 24, 0), "WK-11", True)  # Saturday → Monday
    assert answer.derivation == "2026-03-18 +3日 = 2026-03-21 → 2026-03-23"
    assert waiting["close"].suspended is not None and waiting["close"].suspended.id == "r1"
    bridge.do("answer-remedy", beijing(3, 19), remedy="r1")
    to_candidates(bridge)
    award = told(bridge.life, beijing(4, 2))["award"]
    assert (award.not_before, award.rule) == (beijing(4, 8, 0), "WK-38")
    assert "sign-contract" not in told(bridge.life, beijing(4, 2))


def test_the_agenda_promises_nothing_that_would_be_refused(bridge: Story) -> None:
    to_award(bridge)
    assert "sign-contract" not in told(bridge.life, beijing(4, 9)), "the letter comes first"
    bridge.do("notify-award", beijing(4, 9))
    contract = told(bridge.life, beijing(4, 9))["sign-contract"]
    assert (contract.not_after, contract.rule) == (beijing(5, 10, 0), "WK-46")
    bridge.do("sign-contract", beijing(4, 10), amount=100)
    here = told(bridge.life, beijing(4, 10))
    assert "archive" not in here and {"settle-securities", "file-report"} <= {
        due.act for due in here.values() if due.owed
    }


# ---- what a verifier says


@pytest.mark.parametrize(
    "code",
    sorted(
        {
            *(
                code
                for part in (asking, steps, steps_remedies)
                for code in re.findall(r"\"(E-[A-Z-]+)\"", Path(part.__file__).read_text())
            ),
            "E-REMEDY-KIND",
            "E-REMEDY-EARLY",
            "E-REMEDY-FIRST",
            "E-REMEDY-KNOWN",
            "E-SECURITY-OVER",
            "E-CONTRACT-PRICE",
            "E-PERFORMANCE-OVER",
        }
        - {"E-SUSPENDED", "E-STAGE", "E-PERIOD", "E-SUSPENSION-LONG", "E-CALENDAR"}
        - {
            "E-EARLY",
            "E-DEADLINE-NEAR",
            "E-DEADLINE-BACK",
            "E-DEADLINE-SHORT",
            "E-OUTAGE-ELSEWHERE",
        }  # V6 and the moves ask
        - {"E-PRICED", "E-SECURITY-REASON"}
    ),
)  # about sealed acts
def test_v15_says_in_words_why_a_step_was_not_lawful(code: str) -> None:
    why = f"{code} no complaint" if code == "E-REMEDY" else f"{code} file-report" if code == "E-UNFINISHED" else code
    for lang in ("zh", "en"):
        assert "E-" not in messages.say("V-STEP", lang, act="award", stage="ranked", why=why)


@pytest.mark.parametrize(
    ("regime", "law"),
    [(regimes.WORKS, "招标投标法实施条例"), (regimes.GOV, "政府采购法实施条例"), (regimes.LAND, None)],
)
def test_the_agenda_cites_the_articles_of_its_own_regime(regime: regimes.Regime, law: str | None) -> None:
    story = Story(regime)
    story.do("make-keyset", beijing(3, 2))
    documents = {"documents": "d" * 64} if regime is regimes.LAND else {}
    story.do("announce", beijing(3, 2), deadline=beijing(3, 30), **documents)
    article = told(story.life, beijing(3, 3))["amend-documents"].article
    assert (article.law if article else None) == law
