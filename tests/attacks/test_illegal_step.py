"""Steps out of their turn: before what must come first, after the end, twice, or in nobody's name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.attacks.conftest import Stage
from tests.verify.lives import awarded, begun, opened, ranked, too_few_came
from tests.world_box import described
from tests.world_life import text_of
from tests.world_tender import Tender

Cheat = Callable[[Stage], Tender]


def contract_before_the_award(stage: Stage) -> Tender:
    tender = ranked(stage)
    tender.won = tender.ranked[0].price
    tender.sign()
    stage.world.sleep(8)
    tender.award()
    tender.notify()
    return tender


def contract_before_the_letter(stage: Stage) -> Tender:
    tender = awarded(stage)
    tender.sign()
    tender.notify()
    return tender


def a_second_contract(stage: Stage) -> Tender:
    tender = awarded(stage)
    tender.notify()
    tender.sign()
    tender.sign()
    return tender


def documents_issued_twice(stage: Stage) -> Tender:
    """Other documents, as if they were the first."""
    tender = begun(stage, "works")
    tender.sets.append({"招标文件.pdf": b"written for one of them"})
    tender.log("documents-issued", set=tender.set, files=described(tender.sets[-1]))
    tender.sets.pop()
    return tender


def documents_amended_after_the_closing(stage: Stage) -> Tender:
    """When it is known how many came."""
    tender = begun(stage, "works")
    tender.close()
    tender.amend({"招标文件.pdf": b"written for one of them"}, affects=False)
    tender.sets.pop()
    return tender


def question_answered_after_the_closing(stage: Stage) -> Tender:
    tender = begun(stage, "works")
    question = tender.ask(stage.fir)
    tender.close()
    tender.reply(question)
    return tender


def award_after_the_failure(stage: Stage) -> Tender:
    tender = ranked(stage)
    for bid in tender.bids[1:]:
        tender.reject(bid)
    tender.fail("candidates_gone")
    stage.world.sleep(8)
    tender.award()
    return tender


def failed_though_candidates_stand(stage: Stage) -> Tender:
    """The right one is not the first: hold it again."""
    tender = ranked(stage)
    tender.fail("candidates_gone")
    return tender


def failed_for_no_reason_of_the_law(stage: Stage) -> Tender:
    tender = opened(stage, "works")
    tender.fail("nobody_we_like")
    return tender


def all_rejected_though_none_was(stage: Stage) -> Tender:
    tender = opened(stage, "works")
    tender.fail("all_rejected")
    return tender


def too_few_qualified_though_three_are(stage: Stage) -> Tender:
    tender = opened(stage, "gov")
    tender.fail("too_few_qualified")
    return tender


def no_candidate_though_three_stand(stage: Stage) -> Tender:
    tender = opened(stage, "works")
    tender.fail("no_candidate")
    return tender


def candidates_in_a_terminated_tender(stage: Stage) -> Tender:
    tender = opened(stage, "works")
    tender.report()
    tender.terminate()
    tender.rank()
    return tender


def terminated_after_the_award(stage: Stage) -> Tender:
    """The tenderee would rather have had another winner."""
    tender = awarded(stage)
    tender.terminate()
    return tender


def terminated_when_a_contract_stands(stage: Stage) -> Tender:
    tender = awarded(stage)
    tender.notify()
    tender.sign()
    tender.terminate("force_majeure")
    return tender


def terminated_as_idle_without_a_warning(stage: Stage) -> Tender:
    tender = begun(stage, "works")
    tender.terminate("idle")
    return tender


def terminated_as_idle_with_bids_in_its_box(stage: Stage) -> Tender:
    """Warned, waited for, and three firms have bid all the while."""
    tender = begun(stage, "works", region="puyang")
    tender.warn(7)
    stage.world.sleep(9)
    tender.terminate("idle", warned=tender.announced.body["time"])
    return tender


def objection_not_accepted(stage: Stage) -> Tender:
    """Only a complaint may be turned down at the door; an objection is answered."""
    tender = ranked(stage)
    stage.world.sleep(1)
    tender.turn_down(tender.object(stage.ash, about="result"))
    return tender


def archived_with_an_open_objection(stage: Stage) -> Tender:
    tender = ranked(stage)
    stage.world.sleep(1)
    tender.object(stage.ash, about="result")
    for bid in tender.bids:
        tender.reject(bid)
    tender.done |= {"rank", "award", "sign"}
    tender.failed = True
    return tender


def archived_without_a_contract(stage: Stage) -> Tender:
    tender = awarded(stage)
    tender.done |= {"sign", "publish contract", "settle"}
    return tender


def archived_without_its_filing(stage: Stage) -> Tender:
    """Government procurement: neither published (GP-17) nor filed (GP-16)."""
    tender = awarded(stage, "gov")
    tender.done |= {"publish contract"}
    return tender


def archived_without_an_award(stage: Stage) -> Tender:
    """Opened, looked at, and put away."""
    tender = opened(stage, "works")
    tender.done |= {"rank", "award", "sign", "publish contract", "settle"}
    tender.failed = True
    return tender


def archived_with_the_securities_kept(stage: Stage) -> Tender:
    security = {"amount": 1_000_000, "valid_days": 90, "accounts": "basic"}
    tender = begun(stage, "works", security=security)
    for firm in stage.firms:
        tender.secure(firm)
    tender.done |= {"settle"}
    return tender


def candidates_without_a_report(stage: Stage) -> Tender:
    tender = opened(stage, "works")
    tender.rank()
    return tender


def rejected_after_the_award(stage: Stage) -> Tender:
    """Only the loser who complains."""
    tender = awarded(stage)
    tender.reject(tender.bids[0], "too loud")
    return tender


def scores_when_the_candidates_are_known(stage: Stage) -> Tender:
    tender = ranked(stage)
    tender.log("report-received", report=text_of("another report"))
    return tender


def a_letter_to_two(stage: Stage) -> Tender:
    tender = awarded(stage)
    tender.notify()
    tender.notify()
    return tender


def remedy_answered_twice(stage: Stage) -> Tender:
    tender = ranked(stage)
    stage.world.sleep(1)
    remedy = tender.object(stage.ash, about="result")
    tender.answer(remedy, "upheld")
    tender.answer(remedy, "dismissed")
    return tender


def a_complaint_decided_that_nobody_took_up(stage: Stage) -> Tender:
    tender = ranked(stage)
    stage.world.sleep(1)
    first = tender.object(stage.ash, about="result")
    tender.answer(first)
    tender.answer(tender.object(stage.ash, about="result", kind="complaint", follows=first))
    return tender


def an_answer_to_nobody(stage: Stage) -> Tender:
    tender = ranked(stage)
    stage.world.sleep(1)
    tender.answer("0" * 32)
    return tender


def an_order_lifted_that_nobody_gave(stage: Stage) -> Tender:
    tender = ranked(stage)
    tender.lift("〔2026〕7")
    return tender


def an_order_on_no_complaint(stage: Stage) -> Tender:
    tender = ranked(stage)
    tender.lift(tender.suspend(ground="complaint"))
    return tender


def an_award_of_a_shut_box(stage: Stage) -> Tender:
    tender = too_few_came(stage)
    tender.done.discard("archive")
    tender.notify()
    return tender


CHEATS: dict[str, Cheat] = {
    cheat.__name__.replace("_", " "): cheat
    for cheat in (
        contract_before_the_award, contract_before_the_letter, a_second_contract, documents_issued_twice,
        documents_amended_after_the_closing, question_answered_after_the_closing, award_after_the_failure,
        failed_though_candidates_stand, failed_for_no_reason_of_the_law, all_rejected_though_none_was,
        too_few_qualified_though_three_are, no_candidate_though_three_stand, candidates_in_a_terminated_tender,
        terminated_after_the_award, terminated_when_a_contract_stands, terminated_as_idle_without_a_warning,
        terminated_as_idle_with_bids_in_its_box, objection_not_accepted,
        archived_with_an_open_objection, archived_without_a_contract, archived_without_its_filing,
        archived_without_an_award, archived_with_the_securities_kept, candidates_without_a_report,
        rejected_after_the_award, scores_when_the_candidates_are_known, a_letter_to_two, remedy_answered_twice,
        a_complaint_decided_that_nobody_took_up, an_answer_to_nobody, an_order_lifted_that_nobody_gave,
        an_order_on_no_complaint, an_award_of_a_shut_box,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", CHEATS)
def test_an_illegal_step(stage: Stage, name: str) -> None:
    tender = CHEATS[name](stage)
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")
