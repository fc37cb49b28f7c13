"""Honest tenders whose panel was drawn: what a draw may go through. Attacks start from the same beginnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.attacks.conftest import Stage
from tests.verify.lives import RATED as RATED
from tests.verify.lives import REGIMES as REGIMES
from tests.world_draw import Panel, Roster
from tests.world_life import text_of
from tests.world_tender import Tender

RULES: dict[str, Any] = {"method": "comprehensive/v1", "parameters": RATED}


def opened(stage: Stage, regime: str = "works", **terms: Any) -> tuple[Tender, Roster]:
    """Twenty experts are on the roster, three bids opened; nobody is drawn yet."""
    roster = Roster(stage.world, terms.pop("size", 20))
    rules = {} if terms.pop("unrated", False) else RULES
    tender = stage.bids(**{**REGIMES[regime], **rules, **terms})
    tender.open()
    return tender, roster


def begun(stage: Stage, **how: Any) -> Panel:
    """A draw that an attack will make its own way."""
    tender, roster = opened(stage, unrated=True)
    return Panel(tender, roster, **how)


def carried_on(stage: Stage, panel: Panel, code: str, **how: Any) -> None:
    """It goes on as if nothing were wrong, and both verifiers name V13."""
    panel.call()
    panel.sit()
    panel.tender.finish()
    stage.caught(panel.tender, "V13", code, **how)


def drawn(stage: Stage, regime: str = "works", **terms: Any) -> tuple[Tender, Panel]:
    """The draw has an order; nobody has been called."""
    how = {
        name: terms.pop(name)
        for name in ("need", "representatives", "parties", "excluded", "left_out", "meets")
        if name in terms
    }
    tender, roster = opened(stage, regime, **terms)
    panel = Panel(tender, roster, **how)
    panel.draw()
    return tender, panel


def seated(stage: Stage, fates: Any = None, **terms: Any) -> tuple[Tender, Panel]:
    """The panel sits."""
    tender, panel = drawn(stage, **terms)
    panel.call(fates)
    panel.sit()
    return tender, panel


def scored(stage: Stage, **terms: Any) -> tuple[Tender, Panel]:
    """And has scored."""
    tender, panel = seated(stage, **terms)
    panel.score()
    return tender, panel


def finish(tender: Tender, panel: Panel, **answers: Any) -> Tender:
    """The report is answered, and all that follows."""
    if "report" not in tender.done:
        tender.report()
    panel.answer(text_of("report"), **answers)
    tender.finish()
    return tender


# ---- whole stories


def at_once(stage: Stage) -> Tender:
    return finish(*scored(stage))


def a_bad_day(stage: Stage) -> Tender:
    """One declines, one cannot be reached, one has an interest, one does not come, one is taken out."""
    fates = {"civil": ["declined", "unreachable", "busy", "conflict"], "economics": ["late", "no_show", "removed"]}
    return finish(*scored(stage, fates=fates), dissent=[2], silent=[4])


def representatives(stage: Stage) -> Tender:
    """Four experts and one of the tenderee; two parties, one of them the tenderee."""
    how = {"need": [("civil", 2), ("economics", 2)], "representatives": 1, "parties": ["P-TEN", "C-NOT"]}
    return finish(*scored(stage, **how))


def not_everybody(stage: Stage) -> Tender:
    """Some of the roster were on leave, related, or know another trade."""
    tender, roster = opened(stage)
    names = list(roster.specialties)
    roster.specialties[names[0]] = ("gardens",)
    panel = Panel(tender, roster, excluded={names[3]: "kin", names[4]: "leave", names[5]: "kin"})
    panel.draw()
    panel.call()
    panel.sit()
    panel.score()
    return finish(tender, panel)


def voided(stage: Stage) -> Tender:
    """Twice a party does not reveal; an authority approves the third attempt."""
    tender, roster = opened(stage)
    panel = Panel(tender, roster)
    panel.fail(2)
    panel.fail(1)
    panel.draw(approved=["A-SUP"])
    panel.call()
    panel.sit()
    panel.score()
    return finish(tender, panel)


def late_reveal(stage: Stage) -> Tender:
    """A party reveals when it is too late: void all the same."""
    tender, roster = opened(stage)
    panel = Panel(tender, roster)
    attempt = panel.commit()
    panel.say(reveals=False)
    panel.say(reveals=True, leave_out=[2])
    stage.world.wait(400)
    panel.say(reveals=True, leave_out=[1, 3])
    panel.void(attempt.number, 2)
    panel.draw()
    panel.call()
    panel.sit()
    panel.score()
    return finish(tender, panel)


def replaced(stage: Stage) -> Tender:
    """A member finds that a bidder is his cousin's, after the panel sat down; the next one in the order comes."""
    tender, panel = seated(stage)
    panel.declare(2, conflict=True)
    panel.call()
    panel.sit()
    panel.score()
    return finish(tender, panel)


def removed_after_scoring(stage: Stage) -> Tender:
    """A member is taken out by the supervisor when all have scored: his successor scores anew."""
    tender, panel = scored(stage)
    leaf = panel.seats[3]
    assert leaf is not None
    panel.lose(leaf, "civil", "removed", by="A-SUP")
    panel.call()
    panel.sit()
    panel.declare(3)
    panel.reveal_score(panel.commit_score(3, tender.sheet(3, lambda seat, bid, criterion: "81")))
    stage.world.wait()
    return finish(tender, panel)


def representative_replaced(stage: Stage) -> Tender:
    """The tenderee's man has an interest; the tenderee sends another one."""
    how: dict[str, Any] = {"need": [("civil", 2), ("economics", 2)], "representatives": 1}
    tender, panel = seated(stage, **how)
    panel.declare(5, conflict=True)
    del panel.seats[5]
    panel.check_in(5, None, stage.world.people["C-TEN"])
    panel.score()
    return finish(tender, panel)


def exhausted(stage: Stage) -> Tender:
    """There are not enough economists: the evaluation stops, and a second draw finds a panel."""
    tender, roster = opened(stage)
    names = list(roster.specialties)
    for name in names:
        if roster.specialties[name] == ("economics",):
            roster.specialties[name] = ("civil",)
    panel = Panel(tender, roster, need=[("civil", 4), ("economics", 1)])
    panel.draw()
    assert not panel.call({"economics": ["declined"] * 6})
    again = Panel(tender, roster, need=[("civil", 5)])
    again.draw()
    again.call()
    again.sit()
    again.score()
    return finish(tender, again)


def scored_again(stage: Stage) -> Tender:
    """A member finds a slip in his sheet: a second commitment, a second sheet, both in the open."""
    tender, panel = scored(stage)
    panel.reveal_score(panel.commit_score(1, tender.sheet(1, lambda seat, bid, criterion: "77")))
    stage.world.wait()
    return finish(tender, panel)


def read_names(stage: Stage) -> Tender:
    """The door list is opened by two, half an hour before; and again when all sit."""
    tender, panel = drawn(stage, meets=1)
    panel.call()
    stage.world.until(panel.meets)
    panel.read("two_keys", ["P-NOT", "C-SUP"], reader="P-NOT")
    panel.sit()
    panel.read("seated")
    panel.score()
    return finish(tender, panel)


def government(stage: Stage) -> Tender:
    """The names are published with the result."""
    tender, panel = scored(stage, regime="gov", parameters={**RATED, "object": "goods"})
    tender.report()
    tender.evaluate()
    tender.award()
    tender.notify()
    panel.log("panel-named", names="0" * 64)
    tender.finish()
    return tender


def old_roster(stage: Stage) -> Tender:
    """Most were admitted long ago, below all that the archive shows; two too late for this draw."""
    roster = Roster(stage.world)
    stage.world.wait(30 * 40)
    tender = stage.bids(**{**REGIMES["works"], **RULES})
    tender.open()
    late = roster.admit(["Xnew", "Xnewer"])
    panel = Panel(tender, roster, left_out=late.body["experts"])
    panel.draw()
    panel.call()
    panel.sit()
    panel.score()
    return finish(tender, panel)


def rated_by_nobody(stage: Stage) -> Tender:
    """The lowest price wins, and a panel looks at it: no sheets, no scores."""
    tender, panel = seated(stage, unrated=True)
    panel.declare(1)
    return finish(tender, panel)


def given_up_before_the_opening(stage: Stage) -> Tender:
    """A panel was drawn, then the tenderee gave the tender up: what was sealed about it stays sealed."""
    roster = Roster(stage.world)
    tender = stage.bids(**{**REGIMES["works"], **RULES})
    stage.world.sleep(9)
    panel = Panel(tender, roster)
    panel.draw()
    tender.terminate()
    tender.finish()
    return tender


def given_up_when_some_were_called(stage: Stage) -> Tender:
    tender, panel = drawn(stage)
    queues = panel.queues
    panel.ring(queues["civil"][1], "civil", "no_answer")  # the first one's telephone was still ringing
    panel.ring(queues["economics"][0], "economics", "accepted")
    tender.terminate()
    tender.finish()
    return tender


STORIES: list[Callable[[Stage], Tender]] = [
    at_once, a_bad_day, representatives, not_everybody, voided, late_reveal, replaced, removed_after_scoring,
    representative_replaced, exhausted, scored_again, read_names, government, old_roster, rated_by_nobody,
    given_up_before_the_opening, given_up_when_some_were_called,
]  # fmt: skip
