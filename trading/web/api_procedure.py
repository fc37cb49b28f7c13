"""From the opening to the archive: remedies and suspension, evaluation, contract, failures, and what may come next."""

from __future__ import annotations

from trading import (
    awards,
    confirmations,
    contracts,
    evaluation,
    failures,
    lives,
    remedies,
    reports,
    score_sheets,
    suspicions,
)
from trading.web import models as m
from trading.web import models_procedure as p
from trading.web.api import LARGE, Call, operation


def _own(call: Call) -> bool:
    return call.ground is not None and call.ground.owned_by(call.caller)


@operation("GET", "/tenders/{tender}/agenda", answer=p.Agenda)
async def get_agenda(call: Call) -> p.Agenda:
    """What may happen next, by when, under which article, and what makes the tender wait."""
    tender = call.path["tender"]
    return p.Agenda(**await lives.shown(tender), contract=await contracts.of(tender))


@operation("GET", "/tenders/{tender}/suspicions", answer=p.Suspicions)
async def list_suspicions(call: Call) -> p.Suspicions:
    """What the law deems of opened bids: collusion, item by item, and bids that count as revoked or withdrawn."""
    found = await suspicions.found(call.caller, call.path["tender"])
    return p.Suspicions(items=[p.Suspicion(**one) for one in found])


# ------------------------------------------------------------------------------------------------------------- remedies


@operation("GET", "/tenders/{tender}/remedies", answer=p.Remedies)
async def list_remedies(call: Call) -> p.Remedies:
    """Objections, inquiries, challenges and complaints with their answers; who filed is not said before the opening."""
    found = await remedies.listed(call.caller, call.path["tender"], own=_own(call))
    return p.Remedies(items=[p.Remedy(**one) for one in found])


@operation("POST", "/tenders/{tender}/remedies", body=p.NewRemedy, answer=p.Filed, status=201)
async def file_remedy(call: Call) -> p.Filed:
    """File an objection, an inquiry, a challenge or a complaint; the receipt is the only thing that names who filed."""
    new = call.taken(p.NewRemedy)
    filed = await remedies.file(
        call.platform, call.caller, call.path["tender"],
        kind=new.kind, about=new.about, text=new.text, known=new.known, follows=new.follows,
    )  # fmt: skip
    return p.Filed(remedy=filed["remedy"], salt=filed["salt"], receipt=m.Receipt(**filed["receipt"]))


@operation("POST", "/tenders/{tender}/confirmation", body=p.NewConfirmation, answer=m.Recorded, status=201)
async def confirm_opening(call: Call) -> m.Recorded:
    """Confirm what was read out of one's own bid, while the opening lasts; a public record."""
    unsealed = call.taken(p.NewConfirmation).unsealed
    return m.Recorded(**await confirmations.confirm(call.platform, call.caller, call.path["tender"], unsealed))


@operation("POST", "/tenders/{tender}/remedies/{remedy}/acceptance", body=p.Reason, answer=m.Recorded, status=201)
async def accept_remedy(call: Call) -> m.Recorded:
    """Accept a complaint for decision."""
    reason = call.taken(p.Reason).reason
    return m.Recorded(**await remedies.accept(call.caller, call.path["tender"], call.path["remedy"], reason))


@operation("POST", "/tenders/{tender}/remedies/{remedy}/refusal", body=p.Reason, answer=m.Recorded, status=201)
async def refuse_remedy(call: Call) -> m.Recorded:
    """Refuse to hear a complaint, with the reason."""
    reason = call.taken(p.Reason).reason
    return m.Recorded(**await remedies.refuse(call.caller, call.path["tender"], call.path["remedy"], reason))


@operation("POST", "/tenders/{tender}/remedies/{remedy}/answer", body=p.NewAnswer, answer=m.Recorded, status=201)
async def answer_remedy(call: Call) -> m.Recorded:
    """Answer a remedy, to everybody; what waited for it goes on."""
    new = call.taken(p.NewAnswer)
    return m.Recorded(
        **await remedies.answer(call.caller, call.path["tender"], call.path["remedy"], new.outcome, new.text)
    )


@operation("POST", "/tenders/{tender}/suspensions", body=p.NewSuspension, answer=p.Suspended, status=201)
async def order_suspension(call: Call) -> p.Suspended:
    """Order a suspension, by decision number: on a complaint, by supervision, or because the system has failed."""
    new = call.taken(p.NewSuspension)
    return p.Suspended(
        **await remedies.suspend(
            call.caller, call.path["tender"], order=new.order, ground=new.ground, remedy=new.remedy, until=new.until
        )
    )


@operation("POST", "/tenders/{tender}/suspensions/lift", body=p.Lifting, answer=m.Recorded, status=201)
async def lift_suspension(call: Call) -> m.Recorded:
    """Lift a suspension that was ordered."""
    return m.Recorded(**await remedies.lift(call.caller, call.path["tender"], call.taken(p.Lifting).order))


# ----------------------------------------------------------------------------------------------------------- evaluation


@operation("POST", "/tenders/{tender}/sheets", body=p.NewSheet, answer=p.Sheet, status=201, limit=LARGE)
async def enter_sheet(call: Call) -> p.Sheet:
    """Enter the score sheet of one seat, or replace it, where no panel scores; shut until the evaluation is closed."""
    new = call.taken(p.NewSheet)
    rows = [row.model_dump() for row in new.rows]
    return p.Sheet(**await score_sheets.enter(call.caller, call.path["tender"], new.seat, rows))


@operation("POST", "/tenders/{tender}/corrections", body=p.NewCorrection, answer=m.Recorded, status=201)
async def correct_price(call: Call) -> m.Recorded:
    """Correct a price that contradicts its own bid, once the bidder has confirmed it."""
    new = call.taken(p.NewCorrection)
    return m.Recorded(
        **await evaluation.correct(call.caller, call.path["tender"], new.bid, new.corrected, new.rule, new.confirmed)
    )


@operation("GET", "/tenders/{tender}/explanations", answer=p.Explanations)
async def list_explanations(call: Call) -> p.Explanations:
    """What was asked and explained: a bidder sees its own, the tenderee all."""
    found = await evaluation.explanations(call.caller, call.path["tender"], own=_own(call))
    return p.Explanations(items=[p.Explanation(**one) for one in found])


@operation("POST", "/tenders/{tender}/explanations", body=p.NewExplanationAsked, answer=m.Recorded, status=201)
async def ask_explanation(call: Call) -> m.Recorded:
    """Ask a bidder to explain an abnormally low price, in writing."""
    new = call.taken(p.NewExplanationAsked)
    return m.Recorded(**await evaluation.ask_explanation(call.caller, call.path["tender"], new.bid, new.due))


@operation("POST", "/tenders/{tender}/explanations/own", body=p.NewExplanation, answer=p.Receipted, status=201)
async def give_explanation(call: Call) -> p.Receipted:
    """Explain one's own price; the receipt proves that it came."""
    told = await evaluation.explain(call.platform, call.caller, call.path["tender"], call.taken(p.NewExplanation).text)
    return p.Receipted(receipt=m.Receipt(**told["receipt"]))


@operation("POST", "/tenders/{tender}/report", body=p.NewReport, answer=m.Recorded, status=201)
async def receive_report(call: Call) -> m.Recorded:
    """Receive the committee's report, a panel's with every answer: the evaluation is over, candidates may be published."""
    report = call.taken(p.NewReport).report
    return m.Recorded(**await reports.receive(call.platform, call.caller, call.path["tender"], report))


# ------------------------------------------------------------------------------------------------------ award, contract


@operation("POST", "/tenders/{tender}/notification", body=p.NewLetter, answer=m.Recorded, status=201)
async def notify_award(call: Call) -> m.Recorded:
    """Send the award letter and publish it."""
    return m.Recorded(**await awards.notify(call.caller, call.path["tender"], call.taken(p.NewLetter).letter))


@operation("POST", "/tenders/{tender}/report/filing", body=p.NewReport, answer=m.Recorded, status=201)
async def file_report(call: Call) -> m.Recorded:
    """File the written report on the tender with the supervisor."""
    return m.Recorded(**await awards.file_report(call.caller, call.path["tender"], call.taken(p.NewReport).report))


@operation("POST", "/tenders/{tender}/contract", body=p.NewContract, answer=m.Recorded, status=201)
async def sign_contract(call: Call) -> m.Recorded:
    """Record the signed contract, at the price of the award."""
    new = call.taken(p.NewContract)
    return m.Recorded(
        **await contracts.sign(
            call.caller, call.path["tender"],
            contract=new.contract, amount=new.amount, performance=new.performance, signed=new.signed,
        )
    )  # fmt: skip


@operation("POST", "/tenders/{tender}/contract/publication", answer=m.Recorded, status=201)
async def publish_contract(call: Call) -> m.Recorded:
    """Publish the contract: everybody may read it from now on."""
    return m.Recorded(**await contracts.publish(call.caller, call.path["tender"]))


@operation("POST", "/tenders/{tender}/contract/filing", answer=m.Recorded, status=201)
async def file_contract(call: Call) -> m.Recorded:
    """File a copy of the contract with the authority."""
    return m.Recorded(**await contracts.file(call.caller, call.path["tender"]))


# ----------------------------------------------------------------------------------------------------------------- ends


@operation("POST", "/tenders/{tender}/failure", body=p.NewFailure, answer=m.Recorded, status=201)
async def fail_tender(call: Call) -> m.Recorded:
    """Declare that nobody wins, for a reason that is true; the lot may be tendered again."""
    return m.Recorded(**await failures.fail(call.caller, call.path["tender"], call.taken(p.NewFailure).reason))


@operation("POST", "/tenders/{tender}/termination", body=p.NewTermination, answer=m.Recorded, status=201)
async def terminate_tender(call: Call) -> m.Recorded:
    """Give a tender up; its box, if it is open, closes at once and for ever."""
    return m.Recorded(**await failures.terminate(call.caller, call.path["tender"], call.taken(p.NewTermination).reason))


@operation("POST", "/tenders/{tender}/warning", answer=p.Warned, status=201)
async def warn_idle(call: Call) -> p.Warned:
    """Warn a tender that has stood idle too long; until when it may still go on."""
    return p.Warned(**await failures.warn(call.caller, call.path["tender"]))
