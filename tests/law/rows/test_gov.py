"""GP: government procurement of goods and services, each row at its bound."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audit.refusal import Refused
from bidding.custody import check_kit
from bidding.view import Folder
from tests.bidding.kits import custodian_kit, seen
from tests.law.rows.books import (
    ANNOUNCED,
    AWARDED,
    BID,
    DEADLINE,
    GOV,
    MOMENT,
    NOTIFIED,
    OTHER,
    PUYANG,
    RANKED,
    SIGNED,
    WORKS,
    beijing,
    cites,
    keyed,
    lived,
    refused,
    runs_out,
    told_late,
)
from tests.world import World
from trading.law import (
    admission,
    committee,
    contracts,
    methods,
    periods,
    publication,
    ranking,
    regimes,
    remedies,
    retention,
    secrecy,
    security,
)
from trading.law.committee import EXPERT, TENDEREE, Member
from trading.law.history import Happened
from trading.law.life import ask
from trading.law.methods import Offer, Sheet
from trading.law.remedies import CHALLENGE, COMPLAINT, DOCUMENTS, INQUIRY, RESULT, Course, Earlier

COURSE = Course(
    issued=ANNOUNCED,
    deadline=DEADLINE,
    opened=DEADLINE,
    published=beijing(2026, 4, 14, 9),
    publicity_ends=beijing(2026, 4, 16),  # 24:00 of the 15th
)


# ------------------------------------------------------------------------------------------- notice and documents


def test_gp_01() -> None:
    first = beijing(2026, 3, 23)
    ask(keyed(GOV), "announce", ANNOUNCED, {"deadline": first})
    no = refused("GP-01", "E-PERIOD", ask, keyed(GOV), "announce", ANNOUNCED, {"deadline": first - MOMENT})
    assert no.facts["derivation"] == "2026-03-02 +20日 = 2026-03-22 → 2026-03-23"


def test_gp_02() -> None:
    """Five working days from the notice: Monday the 9th at the earliest."""
    publication.keep_prequalification(GOV, ANNOUNCED, beijing(2026, 3, 9))
    last = beijing(2026, 3, 9) - MOMENT
    refused("GP-02", "E-PERIOD", publication.keep_prequalification, GOV, ANNOUNCED, last)


def test_gp_03() -> None:
    """Supplied for five whole working days, to the end of the 9th."""
    ends = beijing(2026, 3, 10)
    ask(keyed(GOV), "announce", ANNOUNCED, {"deadline": DEADLINE, "supply_until": ends})
    short = {"deadline": DEADLINE, "supply_until": ends - MOMENT}
    refused("GP-03", "E-PERIOD", ask, keyed(GOV), "announce", ANNOUNCED, short)


def test_gp_04() -> None:
    """The notice hangs as long: in a book that lacks the rule for the documents, its own rule says so."""
    book = replace(GOV, values={id: value for id, value in GOV.values.items() if id != "GP-03"})
    ends = beijing(2026, 3, 10)
    ask(keyed(book), "announce", ANNOUNCED, {"deadline": DEADLINE, "supply_until": ends})
    short = {"deadline": DEADLINE, "supply_until": ends - MOMENT}
    refused("GP-04", "E-PERIOD", ask, keyed(book), "announce", ANNOUNCED, short)


def test_gp_05() -> None:
    last = beijing(2026, 3, 17) - MOMENT
    assert publication.deadline_after(GOV, last, DEADLINE, affects=True) == (DEADLINE, None)
    moved, rule = publication.deadline_after(GOV, last + MOMENT, DEADLINE, affects=True)
    assert rule is not None and (rule.id, moved) == ("GP-05", beijing(2026, 4, 1, 10))
    announced = lived(GOV)
    assert ask(announced, "amend-documents", last, {"affects": True}).extend is None
    assert ask(announced, "amend-documents", last + MOMENT, {"affects": True}).extend == moved
    first = beijing(2026, 4, 1)  # whatever the hour: days are counted
    assert ask(announced, "amend-documents", last + MOMENT, {"affects": True, "moved": first}).extend == moved
    short = {"affects": True, "moved": first - MOMENT}
    refused("GP-05", "E-PERIOD", ask, announced, "amend-documents", last + MOMENT, short)


# ------------------------------------------------------------------------------------------- security


def test_gp_07() -> None:
    security.check_amount(GOV, 2_000_000, 100_000_000)
    no = refused("GP-07", "E-SECURITY-OVER", security.check_amount, GOV, 2_000_001, 100_000_000)
    assert no.facts["most"] == 2_000_000


def test_gp_08() -> None:
    """The losers five working days after the letter, the winner five after the contract."""
    assert security.refund_since(GOV, "lost") == "award-notified"
    assert security.refund_since(GOV, "won") == "contract-signed"
    told_late("GP-08", lived(GOV, *NOTIFIED), "return-security", beijing(2026, 4, 22), reason="lost")
    told_late("GP-08", lived(GOV, *SIGNED), "return-security", beijing(2026, 4, 23), reason="won")


def test_gp_09() -> None:
    runs_out("GP-09", security.refund_due(GOV, "withdrawn", beijing(2026, 3, 3, 9)), beijing(2026, 3, 11))


# ------------------------------------------------------------------------------------------- report, award, result


def test_gp_10() -> None:
    """Evaluated on Wednesday, with the buyer by Friday."""
    scored = lived(GOV, Happened("enter-scores", beijing(2026, 4, 1, 15)))
    told_late("GP-10", scored, "receive-report", beijing(2026, 4, 4))


def test_gp_11() -> None:
    told_late("GP-11", lived(GOV, *RANKED), "award", beijing(2026, 4, 15), bid=BID)
    refused("GP-11", "E-NOT-FIRST", ask, lived(GOV, *RANKED), "award", beijing(2026, 4, 14), {"bid": OTHER})


def test_gp_12() -> None:
    told_late("GP-12", lived(GOV, *AWARDED), "notify-award", beijing(2026, 4, 17))


def test_gp_13() -> None:
    """The result notice names the experts."""
    publication.check_result_notice(GOV, {publication.EXPERTS})
    no = refused("GP-13", "E-NOTICE-LACKS", publication.check_result_notice, GOV, {"price"})
    assert no.facts["missing"] == ["experts"]
    publication.check_result_notice(WORKS, set())


def test_gp_14() -> None:
    """One working day (the 15th); whoever says nothing of what they knew should have known at its end, and has seven
    from there."""
    noticed = lived(GOV, *NOTIFIED)
    last = beijing(2026, 4, 25) - MOMENT
    challenge = {"remedy": "f" * 32, "kind": CHALLENGE, "about": RESULT}
    ask(noticed, "file-remedy", last, challenge)
    no = refused("GP-20", "E-REMEDY-LATE", ask, noticed, "file-remedy", last + MOMENT, challenge)
    assert no.facts["derivation"] == "2026-04-15 +7工作日 = 2026-04-24"


def test_gp_15() -> None:
    told_late("GP-15", lived(GOV, *NOTIFIED), "sign-contract", beijing(2026, 5, 15), amount=90_000_000)


def test_gp_16() -> None:
    told_late("GP-16", lived(GOV, *SIGNED), "file-contract", beijing(2026, 4, 25), contract="c" * 64)


def test_gp_17() -> None:
    told_late("GP-17", lived(GOV, *SIGNED), "publish-contract", beijing(2026, 4, 18), contract="c" * 64)


def test_gp_18() -> None:
    publication.keep_single_source(GOV, ANNOUNCED, beijing(2026, 3, 10))
    last = beijing(2026, 3, 10) - MOMENT
    refused("GP-18", "E-PERIOD", publication.keep_single_source, GOV, ANNOUNCED, last)


# ------------------------------------------------------------------------------------------- remedies


def filed(kind: str, about: str, at: Any, remedy: str = "f" * 32, **more: Any) -> Happened:
    return Happened("file-remedy", at, {"remedy": remedy, "kind": kind, "about": about, **more})


def test_gp_19() -> None:
    received = beijing(2026, 3, 5, 9)
    runs_out("GP-19", remedies.answer_due(GOV, INQUIRY, DOCUMENTS, received), beijing(2026, 3, 11))
    asked = lived(GOV).after(filed(INQUIRY, DOCUMENTS, received))
    told_late("GP-19", asked, "answer-remedy", beijing(2026, 3, 11), remedy="f" * 32)


def test_gp_20() -> None:
    """Seven working days of knowing: known on Thursday the 5th, challenged by Monday the 16th."""
    known, last = beijing(2026, 3, 5, 9), beijing(2026, 3, 17) - MOMENT
    remedies.admit(GOV, CHALLENGE, DOCUMENTS, last, COURSE, known=known)
    no = refused(
        "GP-20", "E-REMEDY-LATE", remedies.admit, GOV, CHALLENGE, DOCUMENTS, last + MOMENT, COURSE, known=known
    )
    assert no.facts["derivation"] == "2026-03-05 +7工作日 = 2026-03-16"


def test_gp_21() -> None:
    received = beijing(2026, 3, 12, 9)
    runs_out("GP-21", remedies.answer_due(GOV, CHALLENGE, DOCUMENTS, received), beijing(2026, 3, 24))


CHALLENGED = Earlier(CHALLENGE, DOCUMENTS, filed=beijing(2026, 3, 12, 9), answered=beijing(2026, 3, 20, 9))


def test_gp_22() -> None:
    """Fifteen working days from the end of the time for the answer (the 23rd); without a challenge never."""
    last = beijing(2026, 4, 15) - MOMENT
    how: dict[str, Any] = {"known": beijing(2026, 3, 5, 9), "follows": CHALLENGED}
    remedies.admit(GOV, COMPLAINT, DOCUMENTS, last, COURSE, **how)
    refused("GP-22", "E-REMEDY-LATE", remedies.admit, GOV, COMPLAINT, DOCUMENTS, last + MOMENT, COURSE, **how)
    refused("GP-22", "E-REMEDY-FIRST", remedies.admit, GOV, COMPLAINT, DOCUMENTS, last, COURSE)
    unanswered = Earlier(CHALLENGE, DOCUMENTS, filed=CHALLENGED.filed)
    over = beijing(2026, 3, 24)
    remedies.admit(GOV, COMPLAINT, DOCUMENTS, over, COURSE, follows=unanswered)
    refused(
        "GP-22", "E-REMEDY-EARLY", remedies.admit, GOV, COMPLAINT, DOCUMENTS, over - MOMENT, COURSE, follows=unanswered
    )


def test_gp_23() -> None:
    """Thirty working days of its receipt, not of anybody's accepting it."""
    received, accepted = beijing(2026, 3, 24, 9), beijing(2026, 4, 1, 9)
    last = periods.count(received, 30, "工作日").over
    for at in (None, accepted):
        runs_out("GP-23", remedies.decision_due(GOV, received, at), last)


def test_gp_24() -> None:
    """Thirty days at most; without a day of its own the order ends there."""
    since, latest = beijing(2026, 3, 24, 9), beijing(2026, 4, 24)
    until, article = remedies.order(GOV, "complaint", "supervisor", since, latest)
    assert until == latest and cites("GP-24", article)
    assert remedies.order(GOV, "complaint", "supervisor", since, None)[0] == latest
    no = refused("GP-24", "E-SUSPENSION-LONG", remedies.order, GOV, "complaint", "supervisor", since, latest + MOMENT)
    assert no.facts["latest"] == latest
    refused("GP-24", "E-SUSPENSION-BODY", remedies.order, GOV, "complaint", "tenderee", since, latest)


def test_gp_24_is_about_complaints_alone() -> None:
    """What the supervisor orders of its own has no thirty days, and so it does not cite the article that sets them."""
    since, later = beijing(2026, 3, 24, 9), beijing(2026, 9, 1)
    assert remedies.order(GOV, "supervision", "supervisor", since, later) == (later, None)
    order = {"order": "1", "ground": "supervision", "remedy": None, "until": None, "article": ""}
    (stopped,) = lived(GOV, Happened("order-suspension", since, order)).suspensions()
    assert (stopped.rule, stopped.article, stopped.until) == ("", None, None)
    assert cites("WK-45", remedies.order(WORKS, "supervision", "supervisor", since, later)[1])


def test_gp_25() -> None:
    """A challenge stops the contract and nothing else; its answer lets it go on."""
    waits = remedies.waits(GOV, CHALLENGE, RESULT)
    assert waits.scope == remedies.CONTRACT and cites("GP-25", waits.article)
    assert remedies.waits(GOV, CHALLENGE, RESULT, affects_result=False).scope == remedies.NOTHING
    at = beijing(2026, 4, 14, 12)
    challenged = lived(GOV, *NOTIFIED, filed(CHALLENGE, RESULT, at, known=at))
    refused("GP-25", "E-SUSPENDED", ask, challenged, "sign-contract", beijing(2026, 4, 15), {"amount": 90_000_000})
    ask(challenged, "file-report", beijing(2026, 4, 15))
    answered = challenged.after(Happened("answer-remedy", beijing(2026, 4, 15), {"remedy": "f" * 32}))
    ask(answered, "sign-contract", beijing(2026, 4, 15) + MOMENT, {"amount": 90_000_000})


# ------------------------------------------------------------------------------------------- contract


def test_gp_26() -> None:
    contracts.check_performance(GOV, 9_000_000, 90_000_000)
    refused("GP-26", "E-PERFORMANCE-OVER", contracts.check_performance, GOV, 9_000_001, 90_000_000)


def test_gp_27() -> None:
    """All additions together."""
    contracts.check_additions(GOV, [5_000_000, 4_000_000], 90_000_000)
    refused("GP-27", "E-ADDITIONS-OVER", contracts.check_additions, GOV, [5_000_000, 4_000_001], 90_000_000)


# ------------------------------------------------------------------------------------------- opening and evaluation


def test_gp_29(tmp_path: Path) -> None:
    """Two bidders: the envelopes stay shut, by the custodian's own count; three open them."""

    def released(folder: Path, *bidders: str) -> bool:
        world = World(folder)
        tender = world.tender("T1", min_bids=GOV.min_bids)
        for name in bidders:
            tender.deposit(world.bidder(name))
        tender.close()
        kit = custodian_kit(world, tender)
        own = [world.statement("C-TEN")]
        return check_kit(seen(world, kit), Folder(kit), tender=tender.id, stage="form", own=own).tally.opens

    assert released(tmp_path / "three", "fir", "oak", "elm")
    with pytest.raises(Refused, match="C-SHUT"):
        released(tmp_path / "two", "fir", "oak")
    admission.enough_bidders(GOV, 3)
    refused("GP-29", "T-MIN-BIDS", admission.enough_bidders, GOV, 2)


def test_gp_30() -> None:
    """Three qualified bids are evaluated, two are not; two may fail the tender, three may not."""
    reported = lived(GOV, RANKED[0])
    at = beijing(2026, 4, 7, 15)
    ask(reported, "publish-candidates", at, {"ranking": (BID,), "qualified": 3})
    refused(
        "GP-30", "E-TOO-FEW-QUALIFIED", ask, reported, "publish-candidates", at, {"ranking": (BID,), "qualified": 2}
    )
    refused("GP-30", "E-TOO-FEW-QUALIFIED", ranking.enough_qualified, 2, regimes.GOV)
    ask(reported, "fail", at, {"reason": "too_few_qualified", "qualified": 2})
    with pytest.raises(Refused, match="E-NOT-FAILED"):
        ask(reported, "fail", at, {"reason": "too_few_qualified", "qualified": 3})


def test_gp_32() -> None:
    """Opening and evaluation both on record, in sound and picture."""
    both = {"opening": "a" * 64, "evaluation": "b" * 64}
    retention.check_recordings(GOV, both)
    for name in both:
        no = refused("GP-32", "E-NO-RECORDING", retention.check_recordings, GOV, {**both, name: ""})
        assert no.facts["missing"] == [name]
    retention.check_recordings(WORKS, {})


def panel(experts: int, tenderees: int) -> list[Member]:
    seats = [Member(n + 1, EXPERT) for n in range(experts)]
    return seats + [Member(experts + n + 1, TENDEREE, drawn=False) for n in range(tenderees)]


def test_gp_33() -> None:
    """Five, or seven from a budget of 1000 万元 on (one fen less is five), and for what is complex; odd; two thirds."""
    million = 1_000_000_000  # fen: 1000 万元
    committee.check_members(GOV, panel(4, 1), million - 1)
    committee.check_members(GOV, panel(5, 2), million)
    refused("GP-33", "E-PANEL-SIZE", committee.check_members, GOV, panel(4, 1), million)
    refused("GP-33", "E-PANEL-SIZE", committee.check_members, GOV, panel(4, 1), None, special=True)
    refused("GP-33", "E-PANEL-EVEN", committee.check_members, GOV, panel(5, 1))
    refused("GP-33", "E-PANEL-EXPERTS", committee.check_members, GOV, panel(4, 3), million)
    rated = {"deadline": DEADLINE, "baseline": million, "direction": "buy", "parameters": {"seats": 7}}
    ask(keyed(GOV), "announce", ANNOUNCED, rated)
    refused("GP-33", "E-PANEL-SIZE", ask, keyed(GOV), "announce", ANNOUNCED, {**rated, "parameters": {"seats": 5}})
    ask(keyed(GOV), "announce", ANNOUNCED, {**rated, "baseline": million - 1, "parameters": {"seats": 5}})
    assert (committee.least(GOV, million - 1), committee.least(GOV, million), committee.least(WORKS, million)) == (
        5,
        7,
        5,
    )


def test_gp_34() -> None:
    """Secret until the result notice: an award alone, not yet told, keeps them."""
    assert not secrecy.may_see(GOV, secrecy.PANEL, "public", "awarded", notified=False)
    assert secrecy.may_see(GOV, secrecy.PANEL, "public", "awarded", notified=True)
    refused("GP-34", "E-SECRET", secrecy.keep, GOV, secrecy.PANEL, "tenderee", "ranked")


def test_gp_35() -> None:
    """As many replacements as have left: go on. One fewer: stop, seal, begin with a new panel."""
    committee.check_refilled(GOV, panel(4, 1), gone=[2, 3], replacements=2)
    no = refused("GP-35", "E-PANEL-SHORT", committee.check_refilled, GOV, panel(4, 1), gone=[2, 3], replacements=1)
    assert (no.facts["gone"], no.facts["replacements"]) == (2, 1)


VECTOR = next(
    one
    for one in json.loads((Path(__file__).parents[2] / "vectors/methods.json").read_text(encoding="utf-8"))["vectors"]
    if one["regime"] == "gov" and one["method"] == methods.COMPREHENSIVE
)


@pytest.mark.parametrize(("what", "least"), [("goods", 30), ("services", 10)])
def test_gp_36(what: str, least: int) -> None:
    """The price weighs the bound, not a hundredth less; works know no such bound."""

    def terms(price: Decimal) -> dict[str, Any]:
        return {
            **VECTOR["parameters"],
            "object": what,
            "criteria": [{"id": "technical", "weight": str(100 - price)}],
            "price": {"formula": methods.LOWEST_SCORE, "weight": str(price)},
            "ties": ["price", "technical"],
        }

    almost = terms(least - Decimal("0.01"))
    methods.check_parameters(methods.COMPREHENSIVE, regimes.GOV, "buy", terms(Decimal(least)))
    no = refused("GP-36", "E-PRICE-WEIGHT", methods.check_parameters, methods.COMPREHENSIVE, regimes.GOV, "buy", almost)
    assert no.facts["needed"] == least
    methods.check_parameters(methods.COMPREHENSIVE, regimes.WORKS, "buy", {**almost, "object": "works"})


def test_gp_37() -> None:
    """(lowest price ÷ price) × 100 and nothing else: no mean, no trimming; the lowest price has the full score."""
    terms = VECTOR["parameters"]
    methods.check_parameters(methods.COMPREHENSIVE, regimes.GOV, "buy", terms)
    for change, code in (
        ({"drop_from": 5}, "E-DROPPED"),
        (
            {
                "price": {
                    "formula": methods.BENCHMARK,
                    "weight": "30",
                    "benchmark": {
                        "trim": [],
                        "float": "0",
                        "above": "1",
                        "below": "1",
                        "floor": "0",
                        "base_of": "standing",
                    },
                }
            },
            "E-PRICE-FORMULA",
        ),
    ):
        bent = {**terms, **change}
        refused("GP-37", code, methods.check_parameters, methods.COMPREHENSIVE, regimes.GOV, "buy", bent)
    sheets = [
        Sheet("T@1", s["seat"], {b: {c: Decimal(p) for c, p in given.items()} for b, given in s["points"].items()})
        for s in VECTOR["sheets"]
    ]
    offers = [Offer(bid, price) for bid, price in (("a", 100_000), ("b", 120_000), ("c", 90_000))]
    rows = methods.evaluate(methods.COMPREHENSIVE, terms, offers, sheets).rows
    score = {row["bid"]: Decimal(row["parts"]["price"]) for row in rows}
    weight = Decimal(terms["price"]["weight"])
    assert score == {bid: (weight * 90_000 / price).quantize(Decimal("0.01")) for bid, price in
                     (("a", 100_000), ("b", 120_000), ("c", 90_000))}  # fmt: skip
    assert score["c"] == weight


def test_gp_40() -> None:
    """Fifteen years from the end of the procurement: to the end of the last day, and not before it."""
    ended = beijing(2010, 3, 2, 12)
    retention.check_destroy(GOV, ended, beijing(2025, 3, 4))  # the 2nd is a Sunday, so the 3rd counts too
    refused("GP-40", "E-RETENTION", retention.check_destroy, GOV, ended, beijing(2025, 3, 4) - MOMENT)
    refused("GP-40", "E-RETENTION", retention.check_destroy, PUYANG, ended, beijing(2025, 3, 2), losers=True)
    with pytest.raises(Refused, match="E-RETENTION"):
        retention.check_destroy(GOV, None, beijing(2025, 3, 4))
