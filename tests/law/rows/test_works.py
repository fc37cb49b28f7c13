"""WK: works that must by law be tendered, each row at its bound. Files are dated by Monday, 2 March 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.canon import stamp
from audit.record import make, types
from audit.refusal import Refused
from bidding import arrival
from bidding.custody import CheckedClosing, check_kit
from bidding.view import Folder
from tests.bidding.envelopes import BIDDER, envelope, keyset
from tests.bidding.kits import custodian_kit, seen
from tests.law.rows.books import (
    ANNOUNCED,
    AWARDED,
    BID,
    CHONGQING,
    DEADLINE,
    GOV,
    LAND,
    MOMENT,
    NOTIFIED,
    OTHER,
    RANKED,
    SIGNED,
    SOURCE,
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
from tests.world_tender import Tender
from trading.law import (
    admission,
    collusion,
    committee,
    contracts,
    periods,
    publication,
    ranking,
    regimes,
    remedies,
    secrecy,
    security,
)
from trading.law.collusion import House, Traits
from trading.law.committee import EXPERT, TENDEREE, Member
from trading.law.history import Happened, Life
from trading.law.life import ask
from trading.law.methods import LOWEST, Ranked
from trading.law.remedies import COMPLAINT, DOCUMENTS, OBJECTION, PREQUALIFICATION, RESULT, Course, Earlier

PUBLISHED = beijing(2026, 4, 7, 15)  # a Tuesday after the Qingming holiday
COURSE = Course(
    issued=ANNOUNCED,
    deadline=DEADLINE,
    opened=DEADLINE,
    opening_ends=beijing(2026, 3, 31, 12),
    published=PUBLISHED,
    publicity_ends=beijing(2026, 4, 11),
    prequalification_deadline=DEADLINE,
)


# ------------------------------------------------------------------------------------------- notice and documents


def test_wk_02() -> None:
    publication.check_media(WORKS, ["a" * 64, "a" * 64, "a" * 64])
    no = refused("WK-02", "E-MEDIA-DIFFER", publication.check_media, WORKS, ["a" * 64, "b" * 64])
    assert no.facts["texts"] == ["a" * 64, "b" * 64]


def test_wk_03() -> None:
    """Five days on sale, to the end of the fifth: from Wednesday to Monday, the weekend counts; from Thursday to Tuesday."""
    for noticed, ends in (
        (beijing(2026, 3, 4, 9), beijing(2026, 3, 10)),
        (beijing(2026, 3, 5, 9), beijing(2026, 3, 11)),
    ):
        ask(keyed(WORKS), "announce", noticed, {"deadline": DEADLINE, "supply_until": ends})
        short = {"deadline": DEADLINE, "supply_until": ends - MOMENT}
        refused("WK-03", "E-PERIOD", ask, keyed(WORKS), "announce", noticed, short)


def test_wk_04() -> None:
    """Applications may be handed in on the fifth day after the sale ended, not before it: from Wednesday to Monday, from
    Thursday to Tuesday."""
    for sold, first in (
        (beijing(2026, 3, 11, 17), beijing(2026, 3, 16)),
        (beijing(2026, 3, 12, 17), beijing(2026, 3, 17)),
    ):
        publication.keep_prequalification(WORKS, sold, first)
        refused("WK-04", "E-PERIOD", publication.keep_prequalification, WORKS, sold, first - MOMENT)


def test_wk_05() -> None:
    admission.enough_prequalified(WORKS, ["fir", "oak", "elm"])
    no = refused("WK-05", "E-TOO-FEW-PREQUALIFIED", admission.enough_prequalified, WORKS, ["fir", "oak", "oak"])
    assert (no.facts["count"], no.facts["needed"]) == (2, 3)


def test_wk_06() -> None:
    first = beijing(2026, 3, 23)  # the 22nd is a Sunday
    ask(keyed(WORKS), "announce", ANNOUNCED, {"deadline": first})
    no = refused("WK-06", "E-PERIOD", ask, keyed(WORKS), "announce", ANNOUNCED, {"deadline": first - MOMENT})
    assert no.facts["earliest"] == first == periods.lawful_deadline(WORKS, beijing(2026, 3, 2, 0))
    assert no.facts["derivation"] == "2026-03-02 +20日 = 2026-03-22 → 2026-03-23"


def test_wk_07() -> None:
    """Told on the 16th, fifteen days remain; told on the 17th, the deadline moves to the first day that leaves fifteen."""
    last = beijing(2026, 3, 17) - MOMENT
    assert publication.deadline_after(WORKS, last, DEADLINE, affects=True) == (DEADLINE, None)
    moved, rule = publication.deadline_after(WORKS, last + MOMENT, DEADLINE, affects=True)
    assert rule is not None and rule.id == "WK-07"
    assert moved == beijing(2026, 4, 1, 10)
    assert publication.deadline_after(WORKS, last + MOMENT, moved, affects=True) == (moved, None)
    assert publication.deadline_after(WORKS, last + MOMENT, DEADLINE, affects=False) == (DEADLINE, None)


def test_wk_08() -> None:
    last = beijing(2026, 3, 29) - MOMENT
    assert publication.prequalification_after(WORKS, last, DEADLINE, affects=True) == (DEADLINE, None)
    moved, rule = publication.prequalification_after(WORKS, last + MOMENT, DEADLINE, affects=True)
    assert rule is not None and (rule.id, moved) == ("WK-08", beijing(2026, 4, 1, 10))


# ------------------------------------------------------------------------------------------- objections to documents


def test_wk_09() -> None:
    last = beijing(2026, 3, 22) - MOMENT  # ten days before the 31st is the 21st
    remedies.admit(WORKS, OBJECTION, DOCUMENTS, last, COURSE)
    no = refused("WK-09", "E-REMEDY-LATE", remedies.admit, WORKS, OBJECTION, DOCUMENTS, last + MOMENT, COURSE)
    assert no.facts["latest"] == last


def test_wk_10() -> None:
    last = beijing(2026, 3, 30) - MOMENT
    remedies.admit(WORKS, OBJECTION, PREQUALIFICATION, last, COURSE)
    refused("WK-10", "E-REMEDY-LATE", remedies.admit, WORKS, OBJECTION, PREQUALIFICATION, last + MOMENT, COURSE)


def test_wk_11() -> None:
    """Three days to answer; until then everything waits."""
    received = beijing(2026, 3, 10, 9)
    runs_out("WK-11", remedies.answer_due(WORKS, OBJECTION, DOCUMENTS, received), beijing(2026, 3, 14))
    waits = remedies.waits(WORKS, OBJECTION, DOCUMENTS)
    assert waits.scope == remedies.ALL and cites("WK-11", waits.article)
    assert remedies.waits(WORKS, OBJECTION, remedies.OPENING).scope == remedies.NOTHING, "answered on the spot"


# ------------------------------------------------------------------------------------------- bid security


def test_wk_12() -> None:
    security.check_amount(WORKS, 2_000_000, 100_000_000)
    no = refused("WK-12", "E-SECURITY-OVER", security.check_amount, WORKS, 2_000_001, 100_000_000)
    assert no.facts["most"] == 2_000_000
    security.check_amount(SOURCE, 100_000_000, 100_000_000)
    secured = {"deadline": DEADLINE, "estimate": 100_000_000, "baseline": 90_000_000, "direction": "buy"}
    ask(keyed(WORKS), "announce", ANNOUNCED, {**secured, "security": {"amount": 2_000_000}})
    over = {**secured, "security": {"amount": 2_000_001}}
    refused("WK-12", "E-SECURITY-OVER", ask, keyed(WORKS), "announce", ANNOUNCED, over)


def test_wk_13() -> None:
    security.check_validity(WORKS, 90, 90)
    for days in (89, 91):
        refused("WK-13", "E-SECURITY-VALIDITY", security.check_validity, WORKS, days, 90)


def test_wk_14() -> None:
    """Money and cheques come from the basic account; a bank's letter need not."""
    security.check_payment(WORKS, "transfer", "any", basic=True)
    security.check_payment(WORKS, "letter", "any", basic=False)
    for form in ("transfer", "cheque"):
        refused("WK-14", "E-BASIC-ACCOUNT", security.check_payment, WORKS, form, "any", basic=False)
    refused("WK-14", "E-BASIC-ACCOUNT", security.check_accounts, WORKS, "any")


def test_wk_15() -> None:
    """Five days: from Wednesday to Monday, from Thursday to Tuesday."""
    runs_out("WK-15", security.refund_due(WORKS, "withdrawn", beijing(2026, 3, 4, 9)), beijing(2026, 3, 10))
    runs_out("WK-15", security.refund_due(WORKS, "withdrawn", beijing(2026, 3, 5, 9)), beijing(2026, 3, 11))
    assert security.refund_since(WORKS, "withdrawn") == "withdrawn"


def test_wk_16() -> None:
    """Withdrawn at the deadline the security goes back; revoked a moment later it may be kept."""
    assert cites("WK-16", security.may_keep(WORKS, DEADLINE + MOMENT, DEADLINE))
    refused("WK-16", "E-FORFEIT", security.may_keep, WORKS, DEADLINE, DEADLINE)


def test_wk_18() -> None:
    """The maximum is said, as a sum or a formula, wherever there is one; a least price of more than one fen never."""
    limits = publication.check_price_limits
    limits(WORKS, limited=True, ceiling=100_000_000, floor=1)
    limits(WORKS, limited=True, ceiling=None, formula="mean of the estimates, less 3 %")
    limits(WORKS, limited=False, ceiling=None)
    refused("WK-18", "E-CEILING-UNSAID", limits, WORKS, limited=True, ceiling=None)
    refused("WK-18", "E-MINIMUM-PRICE", limits, WORKS, limited=True, ceiling=100_000_000, floor=2)
    limits(GOV, limited=True, ceiling=None, floor=2)
    admission.check_price(regimes.WORKS, regimes.BUY, 100_000_000, 100_000_000)
    with pytest.raises(Refused, match="E-OVER-CEILING"):
        admission.check_price(regimes.WORKS, regimes.BUY, 100_000_001, 100_000_000)


# ------------------------------------------------------------------------------------------- the sealed box


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def filled(world: World, *bidders: str) -> Tender:
    tender = world.tender("T1")
    for place, name in enumerate(bidders):
        tender.deposit(world.bidder(name), 90_000_000 + place)
    return tender


def release(world: World, tender: Tender, kit: dict[str, bytes] | None = None, **how: Any) -> CheckedClosing:
    """What a custodian's tool computes before it gives anything away."""
    kit = custodian_kit(world, tender) if kit is None else kit
    own = [world.statement("C-TEN")]
    return check_kit(seen(world, kit), Folder(kit), tender=tender.id, stage="form", own=own, **how)


def test_wk_20(world: World) -> None:
    """Nobody opens before the deadline: a custodian releases from the hour on, and not for a closing dated ahead."""
    tender = filled(world, "fir", "oak", "elm")
    tender.close()
    assert release(world, tender).hour == tender.deadline
    early = World(world.folder / "early")
    tender = filled(early, "fir", "oak", "elm")
    deadline, tender.deadline = tender.deadline, early.now
    early.forge["closed"] = lambda record: {
        **record, "deadline": stamp(deadline), "time": stamp(deadline + timedelta(seconds=1)),
    }  # fmt: skip
    tender.close()
    with pytest.raises(Refused) as no:
        release(early, tender)
    assert no.value.code == "C-TIME"
    assert cites("WK-20", admission.GROUNDS["C-TIME"])


def test_wk_22() -> None:
    """Late, unsealed or not prequalified: refused, each by its own check and under one article."""
    arrival.check_time(DEADLINE, DEADLINE)
    with pytest.raises(Refused, match="E-LATE"):
        arrival.check_time(DEADLINE + MOMENT, DEADLINE)
    assert cites("WK-22", admission.GROUNDS["E-LATE"])
    sealed = envelope(keyset()).manifest
    arrival.check_boxes(sealed, 3)
    with pytest.raises(Refused, match="E-BOXES"):
        arrival.check_boxes(replace(sealed, boxes=(bytes(113),) * 3), 3)
    for passed in (None, {"fir", "oak"}):
        admission.prequalified(WORKS, "fir", passed)
    refused("WK-22", "E-NOT-PREQUALIFIED", admission.prequalified, WORKS, "elm", {"fir", "oak"})


def test_wk_23() -> None:
    """An arrival is recorded with its time and with what was sealed, or it is not recorded at all."""
    arrived: dict[str, Any] = {
        "subject": "T1@8", "actor": {"kind": "bidder", "id": BIDDER}, "time": DEADLINE, "tender": "T1@8",
        "stage": "form", "bid": BID, "seq": 1, "manifest": "a" * 64, "sig_hash": "b" * 64,
    }  # fmt: skip
    assert make("deposited", **arrived)["time"] == stamp(DEADLINE)
    for left_out in ("manifest", "sig_hash", "bid"):
        with pytest.raises(ValueError, match=left_out):
            make("deposited", **{name: value for name, value in arrived.items() if name != left_out})
    assert {"tender", "stage", "code", "bidder"} <= types["refused"].fields, "a refusal is recorded too"


def test_wk_24() -> None:
    admission.check_hour(WORKS, DEADLINE, DEADLINE)
    for hour in (DEADLINE - MOMENT, DEADLINE + MOMENT):
        refused("WK-24", "E-OPENING-HOUR", admission.check_hour, WORKS, DEADLINE, hour)
    assert cites("WK-24", admission.GROUNDS["E-EARLY"])


def test_wk_25(world: World) -> None:
    """Every bid received in time is opened: a list that leaves one out is stopped by the receipt its bidder holds."""
    tender = filled(world, "fir", "oak", "elm", "ash")
    dropped = tender.bids[-1]
    receipt = world.receipt(dropped.last("form").record, dropped.last("form").manifest.hash).format()
    whole = World(world.folder / "whole")
    honest = filled(whole, "fir", "oak", "elm", "ash")
    kept = honest.bids[-1].last("form")
    shown = whole.receipt(kept.record, kept.manifest.hash).format()
    honest.close()
    assert len(release(whole, honest, receipts=[shown]).listed) == 4

    tender.bids.pop()
    tender.close()
    kit = custodian_kit(world, tender)
    for stage in tender.stages:
        del kit[f"records/{dropped.last(stage).record.index}.json"]
    del kit[f"records/{dropped.bidder.registered[0].index}.json"]
    with pytest.raises(Refused) as no:
        release(world, tender, kit, receipts=[receipt])
    assert no.value.code == "C-RECEIPT"
    assert cites("WK-25", admission.GROUNDS["C-RECEIPT"]) and cites("WK-25", admission.GROUNDS["E-UNOPENED"])


def test_wk_26(world: World) -> None:
    """Three bidders open the box, two never do: a custodian's own computation says so."""
    three = filled(world, "fir", "oak", "elm")
    three.close()
    assert release(world, three).tally.opens
    other = World(world.folder / "two")
    two = filled(other, "fir", "oak")
    two.close()
    with pytest.raises(Refused, match="C-SHUT"):
        release(other, two)
    assert (WORKS.min_bids, GOV.min_bids, SOURCE.min_bids) == (3, 3, 1)
    admission.enough_bidders(WORKS, 3)
    admission.enough_bidders(SOURCE, 1)
    refused("WK-26", "T-MIN-BIDS", admission.enough_bidders, WORKS, 2)


# ------------------------------------------------------------------------------------------- the committee


def panel(experts: int, tenderees: int = 0, **one: Any) -> list[Member]:
    seats = [Member(n + 1, EXPERT) for n in range(experts)]
    seats += [Member(experts + n + 1, TENDEREE, drawn=False) for n in range(tenderees)]
    return [replace(seats[0], **one), *seats[1:]] if one else seats


def test_wk_28() -> None:
    """Five or more, odd, two thirds experts: 4 of 5 will do, 6 of 9 exactly, 5 of 9 will not; four or six never."""
    for experts, tenderees in ((4, 1), (5, 0), (6, 3), (5, 2)):
        committee.check_members(WORKS, panel(experts, tenderees))
    refused("WK-28", "E-PANEL-SIZE", committee.check_members, WORKS, panel(3))
    refused("WK-28", "E-PANEL-SIZE", committee.check_members, WORKS, panel(4))
    refused("WK-28", "E-PANEL-EVEN", committee.check_members, WORKS, panel(5, 1))
    refused("WK-28", "E-PANEL-EXPERTS", committee.check_members, WORKS, panel(3, 2))
    refused("WK-28", "E-PANEL-EXPERTS", committee.check_members, WORKS, panel(5, 4))


def test_wk_29() -> None:
    committee.check_drawn(WORKS, panel(4, 1))
    no = refused("WK-29", "E-PANEL-NAMED", committee.check_drawn, WORKS, panel(4, 1, drawn=False))
    assert no.facts["seats"] == [1]


def test_wk_30() -> None:
    bureau = "11330000000000000A"
    committee.check_independent(WORKS, panel(5, employer="Design institute"), bureau)
    refused("WK-30", "E-PANEL-SUPERVISOR", committee.check_independent, WORKS, panel(5, employer=bureau), bureau)
    assert committee.to_replace(panel(5, interests=frozenset({"fir"})), ["fir", "oak"]) == (1,)
    assert committee.to_replace(panel(5, interests=frozenset({"elm"})), ["fir", "oak"]) == ()


def test_wk_32() -> None:
    """A replaced member's sheet is void; whoever came instead counts."""
    sheets = {1: "kept", 2: "void", 3: "kept", 6: "made anew"}
    assert committee.counted(WORKS, sheets, replaced=[2]) == {1: "kept", 3: "kept", 6: "made anew"}
    assert committee.counted(WORKS, sheets, replaced=[]) == sheets


def test_wk_33() -> None:
    """More than a third: two of five; not two of six, and not one of three."""
    assert committee.must_extend(WORKS, 2, 5)
    assert not committee.must_extend(WORKS, 1, 5)
    assert not committee.must_extend(WORKS, 3, 9) and committee.must_extend(WORKS, 4, 9)


def test_wk_34() -> None:
    """The members' names stay secret until the award is fixed."""
    assert not secrecy.may_see(WORKS, secrecy.PANEL, "public", "ranked")
    assert secrecy.may_see(WORKS, secrecy.PANEL, "public", "awarded")
    assert secrecy.may_see(WORKS, secrecy.PANEL, secrecy.SELF, "ranked"), "a member knows their own seat"
    refused("WK-34", "E-SECRET", secrecy.keep, WORKS, secrecy.PANEL, "supervisor", "ranked")


# ------------------------------------------------------------------------------------------- candidates and award


def ranked(count: int) -> list[Ranked]:
    return [Ranked(f"{n}" * 32, 90 + n, n) for n in range(1, count + 1)]


def test_wk_35() -> None:
    most = WORKS.max_candidates
    assert [len(ranking.candidates(ranked(n), most)) for n in (1, 3, 4)] == [1, 3, 3]
    reported, at = lived(WORKS, RANKED[0]), beijing(2026, 4, 7, 15)
    ask(reported, "publish-candidates", at, {"ranking": ("1", "2", "3")})
    refused("WK-35", "E-TOO-MANY", ask, reported, "publish-candidates", at, {"ranking": ("1", "2", "3", "4")})


def test_wk_36() -> None:
    """All sign; silence is agreement, a written dissent is not; who was never asked has not signed."""
    answers = {1: "signed", 2: "dissent", 3: "silent", 4: "signed", 5: "signed"}
    assert committee.agreement(WORKS, range(1, 6), answers) == {1: True, 2: False, 3: True, 4: True, 5: True}
    del answers[5]
    no = refused("WK-36", "E-REPORT-UNSIGNED", committee.agreement, WORKS, range(1, 6), answers)
    assert no.facts["seats"] == [5]


def test_wk_37() -> None:
    reported = lived(WORKS, RANKED[0])  # on Tuesday the 7th
    told_late("WK-37", reported, "publish-candidates", beijing(2026, 4, 11), ranking=(BID,))


def test_wk_38() -> None:
    """Three whole days; the award of a moment earlier is refused, with the earliest lawful instant."""
    published, earliest = lived(WORKS, *RANKED), beijing(2026, 4, 11)
    ask(published, "award", earliest, {"bid": BID})
    no = refused("WK-38", "E-PERIOD", ask, published, "award", earliest - MOMENT, {"bid": BID})
    assert no.facts["earliest"] == earliest


def test_wk_39() -> None:
    """While the candidates are published, from the first moment to the last; three days to answer; everything waits."""
    ends = beijing(2026, 4, 11)
    for at in (PUBLISHED, ends - MOMENT):
        remedies.admit(WORKS, OBJECTION, RESULT, at, COURSE)
    refused("WK-39", "E-REMEDY-EARLY", remedies.admit, WORKS, OBJECTION, RESULT, PUBLISHED - MOMENT, COURSE)
    refused("WK-39", "E-REMEDY-LATE", remedies.admit, WORKS, OBJECTION, RESULT, ends, COURSE)
    runs_out("WK-39", remedies.answer_due(WORKS, OBJECTION, RESULT, PUBLISHED), beijing(2026, 4, 11))
    waits = remedies.waits(WORKS, OBJECTION, RESULT)
    assert waits.scope == remedies.ALL and cites("WK-39", waits.article)


def test_wk_40() -> None:
    """State money: the first must win, and the second only when the first is gone."""
    at = beijing(2026, 4, 14, 9)
    published = lived(WORKS, *RANKED, state_funded=True)
    ask(published, "award", at, {"bid": BID})
    refused("WK-40", "E-NOT-FIRST", ask, published, "award", at, {"bid": OTHER})
    gone = published.after(Happened("reject", beijing(2026, 4, 9), {"bid": BID}))
    ask(gone, "award", at, {"bid": OTHER})
    refused("WK-40", "E-NOT-FIRST", ask, gone, "award", at, {"bid": BID})
    ranking.winner([BID, OTHER], BID)
    refused("WK-40", "E-NOT-FIRST", ranking.winner, [BID, OTHER], OTHER)
    ranking.falls_away("gave_up")
    refused("WK-40", "E-FALLS-AWAY", ranking.falls_away, "too expensive")


# ------------------------------------------------------------------------------------------- complaints


OBJECTED = Earlier(OBJECTION, RESULT, filed=beijing(2026, 4, 8, 9), answered=beijing(2026, 4, 10, 9))


def complain(now: datetime, follows: Earlier | None = OBJECTED, **how: Any) -> Any:
    return remedies.admit(WORKS, COMPLAINT, RESULT, now, COURSE, known=PUBLISHED, follows=follows, **how)


def test_wk_41() -> None:
    """Ten days of knowing; the days of the answer do not count: three, so to the end of Monday the 20th; six, so to the
    end of Thursday the 23rd."""
    for last, answered in (
        (beijing(2026, 4, 24) - MOMENT, beijing(2026, 4, 14, 9)),
        (beijing(2026, 4, 21) - MOMENT, beijing(2026, 4, 11, 9)),
    ):
        objected = replace(OBJECTED, answered=answered)
        complain(last, objected)
        no = refused("WK-41", "E-REMEDY-LATE", complain, last + MOMENT, objected)
        assert no.facts["latest"] == last + MOMENT
    with pytest.raises(Refused, match="E-REMEDY-KNOWN"):
        remedies.admit(WORKS, COMPLAINT, RESULT, last, COURSE, known=last + MOMENT, follows=OBJECTED)


def test_wk_42() -> None:
    """First the objection, about the same thing; its answering time is not counted."""
    complain(beijing(2026, 4, 10, 10))
    for follows in (None, replace(OBJECTED, about=DOCUMENTS), replace(OBJECTED, kind=COMPLAINT)):
        refused("WK-42", "E-REMEDY-FIRST", complain, beijing(2026, 4, 10, 10), follows)
    same_day = replace(OBJECTED, answered=OBJECTED.filed)
    complain(beijing(2026, 4, 18) - MOMENT, same_day)
    refused("WK-41", "E-REMEDY-LATE", complain, beijing(2026, 4, 18), same_day)
    complain(beijing(2026, 4, 18), OBJECTED)


def test_wk_43() -> None:
    """Three working days: Friday, Monday, Tuesday."""
    told_late("WK-43", complained(), "accept-remedy", beijing(2026, 4, 15), remedy="c" * 32)


def complained(*more: Happened) -> Life:
    """An objection to the result, answered on the 8th, and a complaint about it on Thursday the 9th."""
    about = {"about": RESULT, "known": beijing(2026, 4, 7, 16)}
    return lived(
        WORKS,
        *RANKED,
        Happened("file-remedy", beijing(2026, 4, 8, 9), {"remedy": "0" * 32, "kind": OBJECTION, **about}),
        Happened("answer-remedy", beijing(2026, 4, 8, 17), {"remedy": "0" * 32}),
        Happened("file-remedy", beijing(2026, 4, 9, 16), {"remedy": "c" * 32, "kind": COMPLAINT, **about}),
        *more,
    )


def test_wk_44() -> None:
    """Thirty working days from the acceptance; the May holiday lies in between."""
    received, accepted = beijing(2026, 4, 9, 16), beijing(2026, 4, 13, 9)
    assert remedies.decision_due(WORKS, received, None) is None
    last = periods.count(accepted, 30, "工作日").over
    runs_out("WK-44", remedies.decision_due(WORKS, received, accepted), last)
    assert last > beijing(2026, 5, 26)
    taken_up = complained(Happened("accept-remedy", accepted, {"remedy": "c" * 32}))
    told_late("WK-44", taken_up, "answer-remedy", last, remedy="c" * 32)


def test_wk_45() -> None:
    """A complaint by itself suspends nothing; the supervisor may order it, nobody else, and for as long as it takes."""
    assert remedies.waits(WORKS, COMPLAINT, RESULT).scope == remedies.NOTHING
    until, article = remedies.order(WORKS, "complaint", "supervisor", PUBLISHED, None)
    assert until is None and cites("WK-45", article)
    for by in ("tenderee", "operator", "bidder"):
        refused("WK-45", "E-SUSPENSION-BODY", remedies.order, WORKS, "complaint", by, PUBLISHED, None)


# ------------------------------------------------------------------------------------------- contract


def test_wk_46() -> None:
    told_late("WK-46", lived(WORKS, *NOTIFIED), "sign-contract", beijing(2026, 5, 15), amount=90_000_000)


def test_wk_47() -> None:
    told_late("WK-47", lived(WORKS, *AWARDED), "file-report", beijing(2026, 4, 30))


def test_wk_48() -> None:
    contracts.check_performance(WORKS, 9_000_000, 90_000_000)
    no = refused("WK-48", "E-PERFORMANCE-OVER", contracts.check_performance, WORKS, 9_000_001, 90_000_000)
    assert no.facts["most"] == 9_000_000
    contracts.check_price(90_000_000, 90_000_000)
    with pytest.raises(Refused, match="E-CONTRACT-PRICE"):
        contracts.check_price(90_000_001, 90_000_000)


def test_wk_49() -> None:
    """Winner and losers alike, five days from the contract, with a bank's interest: from Wednesday to Monday, from
    Thursday to Tuesday."""
    thursday = Happened("sign-contract", beijing(2026, 4, 16, 9), {"amount": 90_000_000, "contract": "c" * 64})
    for signed, last in (
        (lived(WORKS, *SIGNED), beijing(2026, 4, 21)),
        (lived(WORKS, *NOTIFIED, thursday), beijing(2026, 4, 22)),
    ):
        for reason in ("won", "lost"):
            assert security.refund_since(WORKS, reason) == "contract-signed"
            told_late("WK-49", signed, "return-security", last, reason=reason)
        told_late("WK-49", signed, "settle-securities", last)


# ------------------------------------------------------------------------------------------- bidders who are one


HONEST = [
    Traits("1" * 32, "fir", 90_000_000, frozenset({"p-fir"}), texts=frozenset({"drawing", "fir's"}), account="fir"),
    Traits("2" * 32, "oak", 91_300_000, frozenset({"p-oak"}), texts=frozenset({"drawing", "oak's"}), account="oak"),
    Traits("3" * 32, "elm", 93_100_000, frozenset({"p-elm"}), texts=frozenset({"drawing", "elm's"}), account="elm"),
]


@pytest.mark.parametrize(
    ("item", "what", "change"),
    [
        (1, "K-AUTHOR", {"authors": frozenset({"p-fir"})}),
        (2, "K-AGENT", {"agents": frozenset({"one agent"})}),
        (3, "K-MANAGER", {"managers": frozenset({"Wang"})}),
        (4, "K-ALIKE", {"texts": frozenset({"fir's"})}),
        (5, "K-MIXED", {"enclosed": frozenset({"fir"})}),
        (6, "K-ACCOUNT", {"account": "fir"}),
    ],
)
def test_wk_50_item_by_item(item: int, what: str, change: dict[str, Any]) -> None:
    first = replace(HONEST[0], agents=frozenset({"one agent"}), managers=frozenset({"Wang"}))
    found = collusion.findings(WORKS, [first, replace(HONEST[1], **change), HONEST[2]], common={"drawing"})
    assert [(f.item, f.what, f.bids) for f in found] == [(item, what, ("1" * 32, "2" * 32))]
    assert cites("WK-50", found[0].article)


def test_wk_50() -> None:
    """Files given to all prove nothing; one fen off a regular distance is no rule; three at one distance are."""
    assert collusion.findings(WORKS, HONEST, common={"drawing"}) == ()
    assert {f.what for f in collusion.findings(WORKS, HONEST)} == {"K-ALIKE"}

    def prices(*fen: int) -> list[str]:
        bids = [replace(one, price=price) for one, price in zip(HONEST, fen, strict=False)]
        return [f.what for f in collusion.findings(WORKS, bids, common={"drawing"})]

    assert prices(90_000_000, 91_000_000, 92_000_000) == ["K-PRICES"]
    assert prices(90_000_000, 91_000_000, 92_000_001) == []
    assert prices(100_000_000, 110_000_000, 121_000_000) == ["K-PRICES"]
    assert prices(90_000_000, 91_000_000) == [], "two prices always stand at one distance"
    contact = [replace(one, contacts=frozenset({"138…"})) for one in HONEST]
    assert collusion.findings(WORKS, contact, common={"drawing"}) == ()
    assert {(f.item, f.rule) for f in collusion.findings(GOV, contact, common={"drawing"})} == {(3, "GP-45")}
    assert collusion.findings(LAND, contact) == ()


def test_wk_51() -> None:
    houses = {"fir": House("Li"), "oak": House("Wang", frozenset({"elm"})), "elm": House("Zhao")}
    assert collusion.related(WORKS, houses) == (("elm", "oak"),)
    assert collusion.related(WORKS, {**houses, "oak": House("Wang")}) == ()
    assert collusion.related(WORKS, {**houses, "oak": House("Li")}) == (("fir", "oak"),)
    assert collusion.related(WORKS, {"fir": House(), "oak": House()}) == (), "nobody knows their heads"


def test_a_region_keeps_what_the_regime_asks() -> None:
    """Chongqing adds its rows and takes none away."""
    assert set(WORKS.values) < set(CHONGQING.values)
    assert LOWEST in regimes.WORKS.methods
