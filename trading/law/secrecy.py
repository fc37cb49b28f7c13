"""Who is bound to silence about what, until when: one table, asked by pages, API, counts, alerts and archives alike.

| what | secret until | before that only | rules |
|---|---|---|---|
| bidders: who took documents, asked, handed in, and how many | opening | the person concerned | OP-08, SE-01, GP-43 |
| bids: what is in an envelope | opening | nobody (not even the bidder's own platform) | WK-20, OP-14 |
| securities: who paid, and how many | opening | the person concerned | SE-04 |
| base price 标底 | opening | nobody | WK-17 |
| panel: the members' names | award (works), result notice (gov) | the panel | WK-34, GP-34 |
| scores and what was said of bids | the report | the panel | 招标投标法 44 |

The law often lets the tenderee know earlier (OP-08 names it); this house tells nobody, supervisors included: what nobody
has read cannot leak. A box that stays shut is never opened, so what its bids hold stays secret for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.refusal import Refused
from trading.law.bounds import Book, asked

BIDDERS, BIDS, SECURITIES, BASE_PRICE, PANEL, SCORES = "bidders", "bids", "securities", "base-price", "panel", "scores"

OPENING, REPORT, AWARD, NOTICE = "opening", "report", "award", "award-notified"
"""Events that end a secrecy. The stages of a tender (stages.py) in which each has happened: `REACHED`."""

REACHED: Mapping[str, frozenset[str]] = {
    OPENING: frozenset({"opened", "ranked", "awarded", "contracted"}),
    REPORT: frozenset({"ranked", "awarded", "contracted"}),
    AWARD: frozenset({"awarded", "contracted"}),
}
"""`failed`, `terminated` and `archived` do not say how far a tender came: `reached` does."""

SELF = "self"
"""The person concerned, whatever role they have."""


def reached(state: str, opens: bool | None) -> str:
    """The stage that counts for secrecy: whatever ended it, a box that was not opened is not open."""
    if state in ("failed", "terminated", "archived"):
        return "opened" if opens else "shut"
    return state if opens or state not in REACHED[OPENING] else "shut"


def is_open(state: str, opens: bool | None) -> bool:
    """Whether what the opening ends the secrecy of (bids, bidders, securities) is everybody's to see."""
    return reached(state, opens) in REACHED[OPENING]


@dataclass(frozen=True)
class Secret:
    """One row of the table: until which event, for whom it is none, and the rules that say so, the strictest first."""

    what: str
    until: Mapping[str, str]
    """{rule: the event that ends it}; the first rule that the book has decides, `""` is our own rule for every book."""
    before: frozenset[str] = frozenset()


TABLE: Mapping[str, Secret] = {
    one.what: one
    for one in (
        Secret(BIDDERS, {"OP-08": OPENING, "SE-01": OPENING, "GP-43": OPENING, "": OPENING}, frozenset({SELF})),
        Secret(BIDS, {"WK-20": OPENING, "OP-14": OPENING, "": OPENING}),
        Secret(SECURITIES, {"SE-04": OPENING, "": OPENING}, frozenset({SELF})),
        Secret(BASE_PRICE, {"WK-17": OPENING, "": OPENING}),
        Secret(PANEL, {"GP-34": NOTICE, "WK-34": AWARD, "": AWARD}, frozenset({SELF, "expert"})),
        Secret(SCORES, {"": REPORT}, frozenset({SELF, "expert"})),
    )
}


def ends(book: Book | None, what: str) -> tuple[str, str]:
    """The event that ends a secrecy in a book, and the rule that says so ("" where it is our own, or none is pinned yet)."""
    secret = TABLE[what]
    for id, event in secret.until.items():
        if id and book is not None and asked(book, id) is not None:
            return event, id
    return secret.until[""], ""


def may_see(book: Book | None, what: str, role: str, stage: str, *, notified: bool = False) -> bool:
    """Whether somebody in `role` (or `self`, for what is their own) may see it while the tender is at `stage`.

    `stage`: the furthest one the tender reached that is no end. `notified`: whether the award letter (gov: with the
    result notice) is out. Raises KeyError for what is no row of the table: asking for it was our mistake.
    """
    if role in TABLE[what].before:
        return True
    event, _ = ends(book, what)
    if event == NOTICE:
        return stage == "contracted" or (stage == "awarded" and notified)
    return stage in REACHED[event]


def keep(book: Book | None, what: str, role: str, stage: str, *, notified: bool = False) -> None:
    """Refuse to show what is still secret. Raises Refused E-SECRET (what, until) with the article that binds."""
    if not may_see(book, what, role, stage, notified=notified):
        event, id = ends(book, what)
        rule = asked(book, id) if book is not None and id else None
        raise Refused("E-SECRET", rule.article if rule else None, what=what, until=event)
