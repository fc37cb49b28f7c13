"""Honest lives of tenders, one a regime, a method, a remedy and a failure: what the platform may do, made in the world.

Each is a function of a stage that gives a finished tender. Tests of verification and of agreement judge them; attacks
start from the same beginnings.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from audit.canon import stamp
from tests.attacks.conftest import Stage
from tests.world_life import SUPERVISOR
from tests.world_tender import CUSTODIANS, SCHEMA, Tender

DOCUMENTS = {"招标文件.pdf": b"tender documents", "清单.xlsx": b"bill of quantities"}
REGIMES: dict[str, dict[str, Any]] = {
    "works": {"regime": "works", "days": 23, "documents": DOCUMENTS, "state_funded": True},
    "gov": {"regime": "gov", "days": 23, "documents": DOCUMENTS},
    "property": {"regime": "property", "days": 23, "documents": DOCUMENTS, "direction": "sell", "baseline": 80_000_000},
    "land": {"regime": "land", "days": 23, "documents": DOCUMENTS, "direction": "sell", "baseline": 80_000_000},
    "minerals": {"regime": "minerals", "days": 23, "documents": DOCUMENTS, "direction": "sell", "baseline": 80_000_000},
}
RATED = {
    "criteria": [{"id": "technical", "weight": "50"}, {"id": "performance", "weight": "10"}],
    "price": {"formula": "lowest-price-score/v1", "weight": "40"},
    "seats": 5,
    "places": 2,
    "ties": ["price"],
}
RATED_SALE = {**RATED, "price": {"formula": "highest-price-score/v1", "weight": "40"}}
TRIM = [{"from": 5, "highest": 1, "lowest": 1}]
BENCHMARK = {"trim": TRIM, "float": "-2", "above": "0.9", "below": "0.6", "floor": "0", "base_of": "standing"}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "comprehensive": ("works", {"method": "comprehensive/v1", "parameters": RATED}),
    "comprehensive, seats dropped": ("works", {"method": "comprehensive/v1", "parameters": {**RATED, "drop_from": 5}}),
    "comprehensive, a benchmark": (
        "works",
        {
            "method": "comprehensive/v1",
            "parameters": {
                **RATED,
                "price": {"formula": "benchmark-mean/v1", "weight": "40", "benchmark": BENCHMARK},
            },
        },
    ),
    "benchmark": (
        "works",
        {
            "method": "benchmark-mean/v1",
            "parameters": {"benchmark": {**BENCHMARK, "base_of": "opened"}, "places": 2, "ties": ["price"]},
        },
    ),
    "evaluated lowest": (
        "works",
        {
            "method": "evaluated-lowest/v1",
            "parameters": {
                "adjustments": [{"id": "delay", "max": "100", "fen": 10_000}],
                "seats": 5,
                "ties": ["price"],
            },
        },
    ),
    "small firms": (
        "gov",
        {
            "method": "comprehensive/v1",
            "parameters": {**RATED, "object": "goods", "small_firm": {"rate": "10", "field": "small"}},
            "schema": {**SCHEMA, "small": {"kind": "int", "min": 0, "max": 1, "optional": True}},
        },
    ),
    "rated land": ("land", {"method": "comprehensive/v1", "parameters": RATED_SALE}),
}
Life = Callable[[Stage], Tender]


def begun(stage: Stage, regime: str, **terms: Any) -> Tender:
    """A tender of a regime, with three bids."""
    return stage.bids(**{**REGIMES[regime], **terms})


def opened(stage: Stage, regime: str, **terms: Any) -> Tender:
    """The same, opened."""
    tender = begun(stage, regime, **terms)
    tender.open()
    return tender


def ranked(stage: Stage, regime: str = "works", **terms: Any) -> Tender:
    """The same, with its candidates published."""
    tender = opened(stage, regime, **terms)
    tender.evaluate()
    return tender


def awarded(stage: Stage, regime: str = "works", **terms: Any) -> Tender:
    """The same, awarded after its publicity, and told."""
    tender = ranked(stage, regime, **terms)
    if tender.pinned("WK-38"):
        stage.world.sleep(8)
    tender.award()
    return tender


def _plain(regime: str) -> Life:
    def life(stage: Stage) -> Tender:
        tender = begun(stage, regime)
        tender.finish()
        return tender

    return life


def _by(name: str) -> Life:
    def life(stage: Stage) -> Tender:
        regime, terms = METHODS[name]
        tender = stage.tender(**{**REGIMES[regime], **terms})
        small = {"small": 1} if "schema" in terms else {}
        for place, firm in enumerate([*stage.firms, *(stage.world.bidder(name) for name in ("elm", "yew"))]):
            tender.deposit(firm, 86_000_000 + 2_500_000 * place, **(small if place == 1 else {}))
        if "benchmark" in name:
            tender.open()
            tender.reject(tender.bids[0])
        tender.finish()
        return tender

    return life


def amended(stage: Stage) -> Tender:
    """A question is answered to all, then the documents change, and the deadline moves by what the law asks for."""
    tender = stage.tender(**REGIMES["works"])
    tender.reply(tender.ask(stage.fir))
    tender.deposit(stage.fir, 92_000_000)
    stage.world.sleep(14)
    tender.amend({"清单.xlsx": b"another bill"}, extend=8)
    for firm, price in ((stage.oak, 88_000_000), (stage.ash, 95_000_000)):
        tender.deposit(firm, price)
    tender.deposit(stage.fir, 91_000_000, bid=tender.bids[0])
    tender.finish()
    return tender


def amended_in_time(stage: Stage) -> Tender:
    """What is told fifteen days ahead, or touches no bid, moves nothing."""
    tender = stage.tender(**REGIMES["gov"])
    stage.world.sleep(5)
    tender.amend({"清单.xlsx": b"another bill"})
    stage.world.sleep(12)
    tender.amend({"招标文件.pdf": b"a misprint"}, affects=False)
    for firm in stage.firms:
        tender.deposit(firm)
    tender.finish()
    return tender


def objected_to_documents(stage: Stage) -> Tender:
    """Everything waits until an objection to the documents is answered."""
    tender = begun(stage, "works")
    stage.world.sleep(6)
    remedy = tender.object(stage.fir)
    stage.world.sleep(2)
    tender.answer(remedy)
    tender.finish()
    return tender


def objected_to_result(stage: Stage) -> Tender:
    """An objection while the candidates are published, answered within three days; the award comes after both."""
    tender = ranked(stage)
    stage.world.sleep(1)
    remedy = tender.object(stage.ash, about="result")
    stage.world.sleep(2)
    tender.answer(remedy)
    tender.finish()
    return tender


def complained(stage: Stage) -> Tender:
    """Objection, complaint, acceptance, an order that suspends, a decision, and the order lifted."""
    tender = ranked(stage)
    stage.world.sleep(1)
    first = tender.object(stage.ash, about="result")
    stage.world.sleep(1)
    tender.answer(first)
    complaint = tender.object(stage.ash, about="result", kind="complaint", follows=first)
    stage.world.sleep(1)
    tender.take_up(complaint)
    order = tender.suspend(remedy=complaint)
    stage.world.sleep(20)
    tender.answer(complaint, actor=SUPERVISOR)
    tender.lift(order)
    tender.finish()
    return tender


def complaint_alone(stage: Stage) -> Tender:
    """A complaint suspends nothing by itself, and may be refused."""
    tender = ranked(stage)
    stage.world.sleep(1)
    first = tender.object(stage.ash, about="result")
    tender.answer(first)
    complaint = tender.object(stage.ash, about="result", kind="complaint", follows=first)
    tender.turn_down(complaint, "no grounds")
    tender.finish()
    return tender


def challenged(stage: Stage) -> Tender:
    """Government procurement: a challenge keeps the contract waiting, and nothing else."""
    tender = awarded(stage, "gov")
    tender.notify()
    stage.world.sleep(3)
    remedy = tender.object(stage.ash, about="result", kind="challenge")
    stage.world.sleep(5)
    tender.answer(remedy)
    tender.finish()
    return tender


def inquired(stage: Stage) -> Tender:
    """An inquiry before the deadline is answered; bids come in all the while."""
    tender = begun(stage, "gov")
    remedy = tender.object(stage.fir, kind="inquiry")
    tender.deposit(stage.world.bidder("elm"), 99_000_000)
    tender.answer(remedy)
    tender.finish()
    return tender


def corrected(stage: Stage) -> Tender:
    """An arithmetic mistake is corrected by the rule, and another bid wins."""
    tender = opened(stage, "gov")
    tender.correct(tender.bids[1], 93_000_000)
    tender.finish()
    assert tender.ranked[0].bid == tender.bids[0].id
    return tender


def scored_again(stage: Stage) -> Tender:
    """A seat replaces its sheet before the candidates are known, in the open."""
    regime, terms = METHODS["comprehensive"]
    tender = opened(stage, regime, **terms)
    for seat in range(1, 6):
        tender.score(seat)
    tender.explain(tender.bids[1])
    tender.score(3, lambda seat, bid, criterion: "88.5")
    stage.world.wait()
    tender.finish()
    return tender


def secured(stage: Stage) -> Tender:
    """Bid securities, sealed until the evaluation is over, paid back to the last fen."""
    tender = stage.tender(**REGIMES["works"], security={"amount": 1_000_000, "valid_days": 90, "accounts": "basic"})
    for firm in stage.firms:
        tender.secure(firm)
        tender.deposit(firm, 90_000_000 + len(tender.bids))
    tender.finish()
    return tender


def second_wins(stage: Stage) -> Tender:
    """The first candidate is rejected before the award: the next one wins."""
    tender = ranked(stage)
    tender.reject(tender.bids[1], "gave_up")
    stage.world.sleep(8)
    tender.award()
    assert tender.won == 92_000_000
    tender.finish()
    return tender


TWO: dict[str, Any] = {"stages": ("technical", "form"), "later": {"form": timedelta(minutes=30)}}


def technical(stage: Stage, **terms: Any) -> Tender:
    """Two envelopes, the first of them opened."""
    tender = begun(stage, "works", **{**TWO, **terms})
    tender.close()
    tender.store()
    for custodian in CUSTODIANS:
        tender.release(custodian, stages=["technical"])
    tender.unseal(stages=["technical"])
    return tender


def prices(stage: Stage, tender: Tender) -> None:
    """The second envelope of two of three bids."""
    tender.settle("form", [tender.bids[0], tender.bids[2]])
    stage.world.until(tender.opens_at + timedelta(minutes=30, seconds=1))
    for custodian in CUSTODIANS:
        tender.release(custodian, stages=["form"])
    tender.unseal(stages=["form"])


def two_envelopes(stage: Stage) -> Tender:
    """The technical part first; the price of whom it does not admit stays shut."""
    tender = technical(stage)
    prices(stage, tender)
    tender.finish()
    return tender


def two_envelopes_rated(stage: Stage) -> Tender:
    """What is rated is rated before any price is known."""
    tender = technical(stage, method="comprehensive/v1", parameters=RATED)
    for seat in range(1, 6):
        tender.score(seat, bids=[tender.bids[0], tender.bids[2]])
    prices(stage, tender)
    tender.finish()
    return tender


# ---- failures


def too_few_came(stage: Stage) -> Tender:
    """Two bids where three are needed: the box stays shut."""
    tender = stage.tender(**REGIMES["works"])
    tender.deposit(stage.fir)
    tender.deposit(stage.oak)
    tender.finish()
    assert not tender.opens
    return tender


def all_rejected(stage: Stage) -> Tender:
    """Every bid is rejected, each with its reason."""
    tender = opened(stage, "works")
    for bid in tender.bids:
        tender.reject(bid)
    tender.fail()
    tender.finish()
    return tender


def too_few_qualified(stage: Stage) -> Tender:
    """Government procurement: two bids are left after the qualification."""
    tender = opened(stage, "gov")
    tender.reject(tender.bids[0])
    tender.fail("too_few_qualified", "财政部令87号 44")
    tender.finish()
    return tender


def candidates_gone(stage: Stage) -> Tender:
    """Every candidate falls away before the award."""
    tender = ranked(stage)
    for bid in tender.bids:
        tender.reject(bid, "gave_up")
    tender.fail("candidates_gone", "招标投标法实施条例 55")
    tender.finish()
    return tender


def given_up(stage: Stage) -> Tender:
    """The tenderee terminates before the deadline: the bids stay sealed for ever."""
    tender = begun(stage, "works")
    tender.terminate()
    tender.finish()
    return tender


def given_up_opened(stage: Stage) -> Tender:
    """A force majeure ends a tender that was opened."""
    tender = opened(stage, "works")
    tender.terminate("force_majeure")
    tender.finish()
    return tender


def given_up_closed(stage: Stage) -> Tender:
    """The tenderee terminates after the closing, before any custodian came."""
    tender = begun(stage, "works")
    tender.close()
    tender.terminate()
    tender.finish()
    return tender


def failed_system(stage: Stage) -> Tender:
    """A failure of the system suspends the tender over its deadline, which two authorities move; then it goes on."""
    tender = begun(stage, "works")
    world = stage.world
    world.until(tender.deadline - timedelta(minutes=4))
    since = world.times[max(world.times)]
    world.now += timedelta(minutes=10)
    world.wait()
    outage = {"from": stamp(since), "to": stamp(world.times[max(world.times)]), "probes": []}
    order = tender.suspend(ground="outage", article="电子招标投标办法 27")
    tender.move(130, outage, sig=("A-SUP", "A-FIN"))
    tender.lift(order)
    tender.finish()
    return tender


def again(stage: Stage) -> Tender:
    """A tender that failed is held again, and names its predecessor."""
    before = too_few_came(stage)
    tender = stage.world.tender("T2", **{**REGIMES["works"], "predecessor": before.id})
    assert isinstance(tender, Tender)
    for firm in stage.firms:
        tender.deposit(firm)
    tender.finish()
    return tender


LIVES: dict[str, Life] = {
    **{name: _plain(name) for name in REGIMES},
    **{name: _by(name) for name in METHODS},
    **{
        life.__name__.replace("_", " "): life
        for life in (
            amended, amended_in_time, objected_to_documents, objected_to_result, complained, complaint_alone, challenged,
            inquired, corrected, scored_again, secured, second_wins, two_envelopes, two_envelopes_rated,
            too_few_came, all_rejected, too_few_qualified, candidates_gone,
            given_up, given_up_closed, given_up_opened, failed_system, again,
        )
    },
}  # fmt: skip
