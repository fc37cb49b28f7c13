"""What the law asks of remedies and of the orders that stop a project: who may still object, who must answer and when."""

from __future__ import annotations

from typing import Any

from audit.refusal import Refused
from trading.law import remedies
from trading.law.asking import Asking, counted
from trading.law.bounds import Book, asked
from trading.law.bounds import longest as span_of
from trading.law.calendar import legal_day
from trading.law.history import Life


def course(life: Life, book: Book) -> remedies.Course:
    """What the clocks of remedies hang on."""
    issued, opened = life.first("announce"), life.first("unseal")
    published, noticed = life.last("publish-candidates"), life.last("award")
    over = None
    if opened is not None:
        evaluated = ("reject", "correct-price", "receive-report", "publish-candidates", "fail")
        over = min((one.at for act in evaluated for one in life.all(act)), default=None)
    notice = asked(book, "GP-14")
    if notice is not None:  # gov: the result is the notice of the award
        told = noticed.at if noticed else None
        letter = life.last("notify-award")  # the notice is posted with the letter
        posted = letter.at if letter else told
        ends = span_of(book, posted, notice.count, notice.unit).over if posted else None
    else:
        told, shown = (published.at if published else None), asked(book, "WK-38")
        ends = span_of(book, told, shown.count, shown.unit).over if told and shown else None
    return remedies.Course(
        issued=issued.at if issued else None,
        deadline=life.deadline,
        opened=opened.at if opened else None,
        opening_ends=over,
        published=told,
        publicity_ends=ends,
    )


def file_remedy(asking: Asking) -> None:
    """Who may still say what is the law of its kind (`remedies.py`)."""
    id, follows = asking.fact("remedy", ""), asking.fact("follows")
    if not asking.life.has("announce"):
        asking.out_of_turn()
    if id in asking.life.remedies:
        asking.refuse("E-DONE")
    earlier = None
    if follows is not None:
        if follows not in asking.life.remedies:
            asking.refuse("E-REMEDY", remedy=follows, why="no such remedy")
        first = asking.life.remedies[follows]
        answered = first.answered.at if first.answered else None
        earlier = remedies.Earlier(first.kind, first.about, first.filed.at, answered)
    limit = remedies.admit(
        asking.book,
        asking.fact("kind", ""),
        asking.fact("about", ""),
        asking.now,
        course(asking.life, asking.book),
        known=asking.fact("known"),
        follows=earlier,
    )
    if limit is not None:
        asking.spans.append(limit.span)


def _open_remedy(asking: Asking) -> Any:
    found = asking.life.remedies.get(asking.fact("remedy", ""))
    if found is None:  # what was not filed on the platform is not answered on it
        online = asking.rule("OP-21")
        article = online.article if online else None
        asking.refuse("E-REMEDY", article, remedy=asking.fact("remedy", ""), why="no such remedy")
    if found.answered is not None:
        asking.refuse("E-REMEDY", remedy=found.id, why="answered")
    if found.refused is not None:
        asking.refuse("E-REMEDY", remedy=found.id, why="refused")
    return found


def receive_complaint(asking: Asking) -> None:
    """受理: a complaint is accepted or refused once, in time (WK-43)."""
    found = _open_remedy(asking)
    if found.kind != remedies.COMPLAINT:
        asking.refuse("E-REMEDY", remedy=found.id, why="no complaint")
    if found.accepted is not None:
        asking.refuse("E-REMEDY", remedy=found.id, why="accepted")
    asking.at_most(found.filed.latest, "WK-43")


def answer_remedy(asking: Asking) -> None:
    """Once, in time (WK-11, WK-39, WK-44, GP-19, GP-21, GP-23); a complaint where the law asks for it once accepted."""
    found = _open_remedy(asking)
    filed = found.filed.latest
    if found.kind != remedies.COMPLAINT:
        limit = counted(
            asking.life, asking.book, lambda book: remedies.answer_due(book, found.kind, found.about, filed)
        )
        asking.by(limit, filed)
        return
    if found.accepted is None and asking.rule("WK-43") is not None:
        asking.refuse("E-REMEDY", remedy=found.id, why="not accepted")
    accepted = found.accepted.latest if found.accepted else None
    limit = counted(asking.life, asking.book, lambda book: remedies.decision_due(book, filed, accepted))
    asking.by(limit, accepted or filed)


def order_suspension(asking: Asking) -> None:
    """By whom, on what ground, and for how long at most (WK-45, GP-24)."""
    id, remedy, ground = asking.fact("order", ""), asking.fact("remedy"), asking.fact("ground", "")
    if any(one.facts.get("order") == id for one in asking.life.all(asking.act)):
        asking.refuse("E-DONE")
    since = asking.now
    if remedy is not None or ground == remedies.COMPLAINT_GROUND:
        found = asking.life.remedies.get(remedy or "")
        if found is None or found.kind != remedies.COMPLAINT:
            asking.refuse("E-REMEDY", remedy=remedy or "", why="no complaint")
        if not found.open:
            asking.refuse("E-REMEDY", remedy=found.id, why="answered")
        since = asking.life.ordered_first(asking.happened).at if _ordered(asking.life, found.id) else since
    until = asking.fact("until")
    if until is not None and until <= asking.now:
        raise Refused("E-PERIOD-ORDER", start=asking.now, end=until)
    ends, article = remedies.order(asking.book, ground, asking.fact("by", remedies.SUPERVISOR), since, until)
    longest = asking.rule("GP-24")
    if until is None and ends is not None and ends <= asking.now and longest is not None:
        # the thirty days were used up by an earlier order
        asking.refuse(
            "E-SUSPENSION-LONG", article, rule=longest.id, value=longest.count, unit=longest.unit, start=since,
            end=asking.now, latest=ends, derivation=f"{legal_day(since)} +{longest.count}{longest.unit}",
        )  # fmt: skip


def _ordered(life: Life, remedy: str) -> bool:
    return any(one.facts.get("remedy") == remedy for one in life.all("order-suspension"))


def lift_suspension(asking: Asking) -> None:
    """An order that is in force."""
    id = asking.fact("order", "")
    for one in asking.life.suspensions(lenient=asking.lenient):
        if one.why == "order" and one.id == id and one.ended is None and (asking.lenient or one.holds(asking.now)):
            return
    asking.refuse("E-NO-ORDER", order=id)
