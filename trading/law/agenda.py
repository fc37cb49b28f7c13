"""What may happen next in a tender's life, from when on, by when, and under which article. Pages and timers ask here.

    for due in agenda(life, now): print(due.act, due.not_before, due.not_after, due.article, due.derivation)

It asks the very function that grants the acts (`life.ask`), so it promises nothing that would be refused. An act without
times may happen as long as the stage lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.refusal import Refused
from trading.law import bounds, remedies
from trading.law.article import Article, Rule
from trading.law.asking import counted
from trading.law.history import Happened, Life, Remedy, Suspension
from trading.law.life import ask
from trading.law.stages import ARTICLES, TABLE
from trading.law.steps_remedies import course

Counted = Callable[[bounds.Book], bounds.Due | None]


@dataclass(frozen=True)
class Due:
    """One thing that may be done. None: no bound on that side. `about`: the remedy or order it is about."""

    act: str
    not_before: datetime | None = None
    not_after: datetime | None = None
    rule: str = ""
    """The rule its last moment follows from, else the one its first moment does."""
    article: Article | str | None = None
    derivation: str = ""
    suspended: Suspension | None = None
    """What makes it wait at the moment."""
    about: str = ""

    @property
    def owed(self) -> bool:
        """Whether somebody must do it by a day of the law (not: may)."""
        return self.act in _OWED and self.not_after is not None


_SEALED = frozenset(
    {
        "register-key", "hand-in", "withdraw", "refuse", "receive-security", "return-security", "erase", "release",
        "store", "end-window", "unseal", "abandon", "issue-documents", "enter-scores", "ask-explanation",
        "give-explanation", "ask-question", "answer-question", "close-evaluation", "open-auction", "resume-auction",
        "close-auction",
    }
)  # fmt: skip
"""Acts of bidders, custodians, members and machines, and what follows in an act of another name."""

_LIMITS: Mapping[str, tuple[tuple[str, ...], Callable[[Life], datetime | None]]] = {
    "receive-report": (("GP-10",), lambda life: _at(life.last("enter-scores"))),
    "publish-candidates": (("WK-37",), lambda life: _at(life.last("receive-report"))),
    "award": (("GP-11",), lambda life: _at(life.last("receive-report"))),
    "notify-award": (("GP-12",), lambda life: _at(life.last("award"))),
    "file-report": (("WK-47",), lambda life: _at(life.last("award"))),
    "sign-contract": (("WK-46", "GP-15"), lambda life: _at(life.last("notify-award"))),
    "publish-contract": (("GP-17",), lambda life: life.signed),
    "file-contract": (("GP-16",), lambda life: life.signed),
    "settle-securities": (("WK-49", "GP-08"), lambda life: life.signed),
}
_OWED = frozenset(_LIMITS) | {"accept-remedy", "answer-remedy"}
_PROBES: Mapping[str, Callable[[Life, datetime], Mapping[str, Any]]] = {
    "publish-candidates": lambda life, now: {"ranking": ()},
    "award": lambda life, now: {"bid": life.candidates[0]} if life.candidates else {"bid": ""},
    "fail": lambda life, now: {"reason": "all_rejected" if life.stage == "opened" else "candidates_gone"},
    "terminate": lambda life, now: {"reason": "force_majeure"},
    "move-deadline": lambda life, now: {},
    "amend-documents": lambda life, now: {"affects": False},
    "order-suspension": lambda life, now: {"ground": remedies.SUPERVISION},
}
_CITED: Mapping[str, tuple[str, ...]] = {
    "amend-documents": ("WK-07", "GP-05"),
    "leave-shut": ("WK-26", "GP-29"),
    "publish-candidates": ("WK-35",),
    "award": ("WK-40", "GP-11"),
    "sign-contract": ("WK-46", "GP-15", "LD-03", "MN-04"),
}
"""Acts that each regime has an article of its own for: the pinned rule's is cited, and none where none is pinned."""
_ONE_BY_ONE = frozenset({"file-remedy", "accept-remedy", "refuse-remedy", "answer-remedy", "lift-suspension"})


def _at(one: Happened | None) -> datetime | None:
    return one.at if one else None


def agenda(life: Life, now: datetime) -> tuple[Due, ...]:
    """What may happen next, by when, under which article: what is owed first by its day, then what is only possible."""
    found = [due for stage, act in TABLE if stage == life.stage for due in _of(life, act, now)]
    last = max((due.not_after for due in found if due.not_after), default=now)
    return tuple(sorted(found, key=lambda due: (due.not_after is None, due.not_after or last, due.act)))


def _of(life: Life, act: str, now: datetime) -> Iterator[Due]:
    if act in _ONE_BY_ONE:
        yield from _about_remedies(life, act, now)
    elif act not in _SEALED:
        yield from _one(life, act, now)


def _one(life: Life, act: str, now: datetime) -> Iterator[Due]:
    not_before, rule, article, derivation = None, "", _article(life, act), ""
    stopped = life.suspension(now, act)
    if stopped is None:
        try:
            granted = ask(life, act, now, _PROBES[act](life, now) if act in _PROBES else {})
            derivation = "; ".join(map(str, granted.spans))
        except Refused as no:
            earliest = no.facts.get("earliest") or no.facts.get("hour")
            if no.code not in ("E-PERIOD", "E-EARLY") or earliest is None:
                return  # something else must be done first, or it has been done
            not_before, article = earliest, no.article or article
            rule, derivation = str(no.facts.get("rule", "")), str(no.facts.get("derivation", ""))
    limit = _limit(life, act)
    if limit is not None:
        yield Due(
            act, not_before, limit.not_after, limit.rule.id, limit.rule.article, str(limit.span), stopped
        )  # fmt: skip
    elif act in ("move-deadline", "amend-documents"):
        if life.deadline is None or now > life.deadline:
            return
        yield Due(act, not_before, life.deadline, rule, article, derivation, stopped)
    else:
        yield Due(act, not_before, None, rule, article, derivation, stopped)


def _article(life: Life, act: str) -> Article | None:
    if act not in _CITED:
        return ARTICLES.get(act)
    cited = bounds.asked(life.book, *_CITED[act])
    return cited.article if cited else None


def _limit(life: Life, act: str) -> bounds.Due | None:
    ids, start = _LIMITS.get(act, ((), _never))
    since = start(life)
    if since is None:
        return None
    return _counted(life, lambda book: bounds.due(book, since, *ids))


def _never(life: Life) -> datetime | None:
    return None


def _counted(life: Life, count: Counted) -> bounds.Due | None:
    return counted(life, life.book, count)


# ------------------------------------------------------------------------------------------------- remedies


def _about_remedies(life: Life, act: str, now: datetime) -> Iterator[Due]:
    if act == "file-remedy":
        yield from _filing(life, now)
    elif act == "lift-suspension":
        for one in life.suspensions():
            if one.why == "order" and one.holds(now):
                yield Due(act, None, one.until, one.rule, one.article, "", None, one.id)
    else:
        for remedy in life.remedies.values():
            if remedy.open:
                yield from _answering(life, act, remedy)


def _answering(life: Life, act: str, remedy: Remedy) -> Iterator[Due]:
    complaint = remedy.kind == remedies.COMPLAINT
    filed, accepted = remedy.filed.at, remedy.accepted.at if remedy.accepted else None
    if act == "answer-remedy":
        if complaint and accepted is None and bounds.asked(life.book, "WK-43") is not None:
            return
        limit = _counted(
            life,
            lambda book: (
                remedies.decision_due(book, filed, accepted)
                if complaint
                else remedies.answer_due(book, remedy.kind, remedy.about, filed)
            ),
        )
    elif complaint and accepted is None:
        limit = _counted(life, lambda book: remedies.acceptance_due(book, filed))
    else:
        return
    rule: Rule | None = limit.rule if limit else None
    yield Due(
        act, None, limit.not_after if limit else None, rule.id if rule else "", rule.article if rule else None,
        str(limit.span) if limit else "", None, remedy.id,
    )  # fmt: skip


def _filing(life: Life, now: datetime) -> Iterator[Due]:
    """Which remedies are still open to everybody; complaints hang on what the one who complains knew, and are left out."""
    for kind in (remedies.OBJECTION, remedies.INQUIRY, remedies.CHALLENGE):
        for about in (remedies.DOCUMENTS, remedies.OPENING, remedies.RESULT):
            here = course(life, life.book)
            try:
                limit = remedies.admit(life.book, kind, about, now, here)
            except Refused:
                continue
            rule = _rule(life, kind, about)
            not_after, derivation = None, ""
            if limit is not None:
                not_after, derivation = limit.not_after, str(limit.span)
            elif kind == remedies.OBJECTION and about == remedies.RESULT:
                not_after = here.publicity_ends
            elif kind == remedies.OBJECTION and about == remedies.DOCUMENTS and rule and life.deadline:
                not_after = bounds.latest_before(life.book, life.deadline, rule.count, rule.unit)
            yield Due(
                "file-remedy", None, not_after, rule.id if rule else "", rule.article if rule else None, derivation,
                None, f"{kind} {about}",
            )  # fmt: skip


def _rule(life: Life, kind: str, about: str) -> Rule | None:
    ids = {
        (remedies.OBJECTION, remedies.DOCUMENTS): "WK-09",
        (remedies.OBJECTION, remedies.OPENING): "WK-27",
        (remedies.OBJECTION, remedies.RESULT): "WK-39",
        (remedies.INQUIRY, about): "GP-19",
        (remedies.CHALLENGE, about): "GP-20",
    }
    return bounds.asked(life.book, ids.get((kind, about), ""))
