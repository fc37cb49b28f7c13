"""异议、询问、质疑、投诉: who may file about what until when, by when it is answered, and what waits for the answer.

| regime | kind | about | until | answer | what waits |
|---|---|---|---|---|---|
| works | objection | prequalification | 2 日 before (WK-10) | 3 日 (WK-11) | everything (WK-11) |
| works | objection | documents | 10 日 before (WK-09) | 3 日 (WK-11) | everything (WK-11) |
| works | objection | opening | while it lasts (条例 44) | on the spot | nothing |
| works | objection | result | in the publicity (WK-39) | 3 日 (WK-39) | everything (WK-39) |
| works | complaint | after an objection (WK-42) | 10 日 of knowing (WK-41) | WK-43, WK-44 | by order (WK-45) |
| gov | inquiry | any | – | 3 工作日 (GP-19) | the contract (GP-25) |
| gov | challenge | any | 7 工作日 of knowing (GP-20) | 7 工作日 (GP-21) | the contract (GP-25) |
| gov | complaint | after a challenge | 15 工作日 (GP-22) | GP-23 | by order, 30 日 at most (GP-24) |

Nobody reads here who filed: a name, a number of objections before opening would name bidders.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit.refusal import Refused
from trading.law.article import Article, Rule
from trading.law.bounds import Book, Due, asked, due, keep_before, keep_until, shortest
from trading.law.bounds import longest as counted
from trading.law.calendar import legal_day
from trading.law.periods import MOMENT

OBJECTION, INQUIRY, CHALLENGE, COMPLAINT = "objection", "inquiry", "challenge", "complaint"
KINDS = (OBJECTION, INQUIRY, CHALLENGE, COMPLAINT)
PREQUALIFICATION, DOCUMENTS, OPENING, RESULT = "prequalification", "documents", "opening", "result"
ABOUT = (PREQUALIFICATION, DOCUMENTS, OPENING, RESULT)

DETAIL = "招标投标法实施条例"
ON_THE_SPOT = Article(DETAIL, 44)
"""An objection to the opening is made and answered while it goes on, and recorded."""
AT_THE_TABLE = Article("财政部令87号", 42)
"""Who took part signs the record of the opening, and asks there what is doubtful; who did not, is taken to have assented."""


@dataclass(frozen=True)
class Course:
    """What of a tender's course the clocks of remedies hang on; None: it has not happened or is not known.

    `publicity_ends`: 24:00 of the last day of the candidates' (works) or the result notice's (gov) publicity.
    `opening_ends`: when the opening was over; None while it lasts.
    """

    issued: datetime | None = None
    deadline: datetime | None = None
    opened: datetime | None = None
    opening_ends: datetime | None = None
    published: datetime | None = None
    publicity_ends: datetime | None = None
    prequalification_deadline: datetime | None = None


@dataclass(frozen=True)
class Earlier:
    """The objection or challenge that a complaint follows."""

    kind: str
    about: str
    filed: datetime
    answered: datetime | None = None


@dataclass(frozen=True)
class Waits:
    """What waits while a remedy is open: `scope` everything ("all"), the contract ("contract") or nothing ("")."""

    scope: str
    rule: str = ""
    article: Article | None = None


ALL, CONTRACT, NOTHING = "all", "contract", ""


# ------------------------------------------------------------------------------------------------- may it be filed


def admit(
    book: Book,
    kind: str,
    about: str,
    now: datetime,
    course: Course,
    *,
    known: datetime | None = None,
    follows: Earlier | None = None,
) -> Due | None:
    """Whether a remedy may be filed now; how its last moment was counted, None where the law sets none in days.

    `known`: when the one who files knew, or should have known; it lies neither ahead, nor later than the day on which
    the publication must have told everybody. `follows`: what a complaint follows.
    Raises Refused E-REMEDY-KIND (this regime has no such remedy about that), E-REMEDY-EARLY, E-REMEDY-LATE,
    E-REMEDY-KNOWN, E-REMEDY-FIRST (a complaint without the objection or challenge that must precede it).
    """
    if kind not in KINDS or about not in ABOUT or not available(book, kind, about):
        raise Refused("E-REMEDY-KIND", kind=kind, about=about)
    if kind == INQUIRY:
        return None
    if kind == OBJECTION:
        return _objection(book, about, now, course)
    knew = should_have_known(about, now, course, known)
    if kind == CHALLENGE:
        return keep_until(book, knew, now, "E-REMEDY-LATE", "GP-20")
    return _complaint(book, about, now, knew, follows)


def available(book: Book, kind: str, about: str) -> bool:
    """Whether a book knows this remedy about this matter, at any time."""
    works = {PREQUALIFICATION: "WK-10", DOCUMENTS: "WK-09", OPENING: "WK-39", RESULT: "WK-39"}
    wanted = {
        OBJECTION: (works.get(about, ""),),
        INQUIRY: ("GP-19",),
        CHALLENGE: ("GP-20",),
        COMPLAINT: ("WK-41", "GP-22"),
    }
    return asked(book, *wanted.get(kind, ())) is not None


def _objection(book: Book, about: str, now: datetime, course: Course) -> Due | None:
    if about == RESULT:
        rule = asked(book, "WK-39")
        article = rule.article if rule else None
        if course.published is None or now < course.published:
            raise Refused("E-REMEDY-EARLY", article, about=about)
        if course.publicity_ends is not None and now >= course.publicity_ends:
            raise Refused("E-REMEDY-LATE", article, latest=course.publicity_ends, now=now, derivation="")
        return None
    if about == OPENING:
        keep_opening(book, now, course)
        return None
    before, id = {
        DOCUMENTS: (course.deadline, "WK-09"),
        PREQUALIFICATION: (course.prequalification_deadline, "WK-10"),
    }[about]
    if before is None:
        raise Refused("E-REMEDY-EARLY", about=about)
    keep_before(book, before, now, "E-REMEDY-LATE", id)
    return None


def of_opening(book: Book) -> Article | None:
    """The article under which bidders speak at the opening; None: the book knows none."""
    if asked(book, "WK-39") is not None:
        return ON_THE_SPOT
    return AT_THE_TABLE if asked(book, "GP-19") is not None else None


def keep_opening(book: Book, now: datetime, course: Course) -> None:
    """The opening goes on: what a bidder says to it is said there, before anything is made of what was read out.

    Raises Refused E-REMEDY-EARLY, E-REMEDY-LATE with the article.
    """
    article = of_opening(book)
    if course.opened is None or now < course.opened:
        raise Refused("E-REMEDY-EARLY", article, about=OPENING)
    if course.opening_ends is not None and now > course.opening_ends:
        raise Refused("E-REMEDY-LATE", article, latest=course.opening_ends, now=now, derivation="")


def _complaint(book: Book, about: str, now: datetime, knew: datetime, follows: Earlier | None) -> Due | None:
    first, before = asked(book, "WK-42"), asked(book, "WK-41")
    if before is not None:
        if first is not None and (follows is None or (follows.kind, follows.about) != (OBJECTION, about)):
            raise Refused("E-REMEDY-FIRST", first.article, about=about, first=OBJECTION)
        return keep_until(book, knew, now, "E-REMEDY-LATE", "WK-41", extra=_answering(follows, now))
    challenged = asked(book, "GP-22")
    article = challenged.article if challenged else None
    if follows is None or (follows.kind, follows.about) != (CHALLENGE, about):
        raise Refused("E-REMEDY-FIRST", article, about=about, first=CHALLENGE)
    answer = due(book, follows.filed, "GP-21")
    if answer is None:
        raise Refused("E-REMEDY-FIRST", article, about=about, first=CHALLENGE)
    given = shortest(book, follows.filed, answer.rule.count, answer.rule.unit)
    if follows.answered is None and now < given.over:
        raise Refused("E-REMEDY-EARLY", article, about=about)
    return keep_until(book, answer.span.last_day_begins, now, "E-REMEDY-LATE", "GP-22")


def _answering(follows: Earlier | None, now: datetime) -> int:
    """Days in which the objection was being answered: they are not counted in the ten (条例 60)."""
    if follows is None:
        return 0
    return max(0, (legal_day(follows.answered or now) - legal_day(follows.filed)).days)


def should_have_known(about: str, now: datetime, course: Course, known: datetime | None) -> datetime:
    """From when the days of a challenge or complaint run: what is claimed, but at the latest when everybody was told.

    Documents: their issue. Opening: the opening. Result: the end of the notice (GP-14; works: of the publicity).
    Raises Refused E-REMEDY-KNOWN for a day that has not come, E-REMEDY-EARLY where nothing has happened yet.
    """
    if known is not None and known > now:
        raise Refused("E-REMEDY-KNOWN", known=known, now=now)
    told = {
        DOCUMENTS: course.issued,
        PREQUALIFICATION: course.issued,
        OPENING: course.opened,
        RESULT: course.publicity_ends - MOMENT if course.publicity_ends else None,  # on the last day itself
    }[about]
    happened = {RESULT: course.published}.get(about, told)
    if happened is None or now < happened:
        raise Refused("E-REMEDY-EARLY", about=about)
    latest = told if told is not None and told <= now else now
    return min(known, latest) if known is not None and about != DOCUMENTS else known or latest


# ------------------------------------------------------------------------------------------------- by when


def answer_due(book: Book, kind: str, about: str, received: datetime) -> Due | None:
    """By when an objection, inquiry or challenge is answered; None: on the spot, or no such clock."""
    if kind == OBJECTION:
        ids = {RESULT: "WK-39", DOCUMENTS: "WK-11", PREQUALIFICATION: "WK-11"}.get(about)
        return due(book, received, ids) if ids else None
    ids = {INQUIRY: "GP-19", CHALLENGE: "GP-21"}.get(kind)
    return due(book, received, ids) if ids else None


def acceptance_due(book: Book, received: datetime) -> Due | None:
    """By when a complaint is accepted or refused (WK-43: 3 working days); None: the regime asks for no such step."""
    return due(book, received, "WK-43")


def decision_due(book: Book, received: datetime, accepted: datetime | None) -> Due | None:
    """By when a complaint is decided: works from its acceptance (WK-44), gov from its receipt (GP-23).

    None while a works complaint is not accepted.
    """
    if asked(book, "WK-44") is not None:
        return due(book, accepted, "WK-44") if accepted is not None else None
    return due(book, received, "GP-23")


# ------------------------------------------------------------------------------------------------- what waits


def waits(book: Book, kind: str, about: str, *, affects_result: bool = True) -> Waits:
    """What waits while a remedy of this kind is open (until answered; a complaint by itself suspends nothing).

    `affects_result`: whether an inquiry or challenge may change who wins; only then the contract waits (GP-25).
    """
    rule: Rule | None = None
    if kind == OBJECTION and about != OPENING:
        rule = asked(book, "WK-39" if about == RESULT else "WK-11")
        scope = ALL
    elif kind in (INQUIRY, CHALLENGE) and affects_result:
        rule, scope = asked(book, "GP-25"), CONTRACT
    return Waits(scope, rule.id, rule.article) if rule else Waits(NOTHING)


SUPERVISOR = "supervisor"
OUTAGE_BODIES = ("operator", SUPERVISOR)
"""Who says that the system has failed and nothing replaces it: whoever runs it, or whoever supervises."""
COMPLAINT_GROUND, SUPERVISION, OUTAGE = "complaint", "supervision", "outage"
GROUNDS = (COMPLAINT_GROUND, SUPERVISION, OUTAGE)


def rests_on(book: Book, ground: str) -> Rule | None:
    """The rule that lets a supervisor (or, on an outage, the operator) suspend on this ground; None: the book has none.

    条例 62 stops at no complaint: "when necessary". 政府采购法 57 speaks of the time in which a complaint is handled and of
    nothing else, so what a supervisor of government procurement orders of its own rests on no article here.
    """
    if ground == OUTAGE:
        return asked(book, "NB-08", "PY-04")
    return asked(book, "GP-24", "WK-45") if ground == COMPLAINT_GROUND else asked(book, "WK-45")


def order(
    book: Book, ground: str, by: str, since: datetime, until: datetime | None
) -> tuple[datetime | None, Article | None]:
    """An order to suspend: until when it holds (None: until lifted) and the article it rests on.

    On a complaint only the supervisor may order it (WK-45, GP-24), in gov for 30 days at most: without an `until` it
    ends there by itself. When the system has failed, trade stands still until it is lifted (NB-08, PY-04).
    Raises Refused E-SUSPENSION-BODY, E-SUSPENSION-LONG (latest lawful).
    """
    rule = rests_on(book, ground)
    article = rule.article if rule else None
    if ground not in GROUNDS or by not in (OUTAGE_BODIES if ground == OUTAGE else (SUPERVISOR,)):
        raise Refused("E-SUSPENSION-BODY", article, ground=ground, by=by)
    if until is not None and until <= since:
        raise Refused("E-PERIOD-ORDER", article, start=since, end=until)
    longest = asked(book, "GP-24")
    if longest is None or ground != COMPLAINT_GROUND:
        return until, article
    span = counted(book, since, longest.count, longest.unit)
    if until is not None and until > span.over:
        raise Refused(
            "E-SUSPENSION-LONG", longest.article, rule=longest.id, value=longest.count, unit=longest.unit, start=since,
            end=until, latest=span.over, derivation=str(span),
        )  # fmt: skip
    return until or span.over, longest.article
