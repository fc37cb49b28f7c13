"""The life of a tender as one table: stage × act → stage. What is not in the table does not happen.

Stages: named (its id is fixed by a checkpoint) · keyed · announced · closed | shut · opened · ranked · awarded · archived.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.refusal import Refused
from trading.law.article import Article

BIDDING, DETAIL, E_TENDER = "招标投标法", "招标投标法实施条例", "电子招标投标办法"

TABLE: Mapping[tuple[str, str], str] = {
    ("named", "make-keyset"): "keyed",
    ("keyed", "make-keyset"): "keyed",
    ("keyed", "announce"): "announced",
    ("announced", "move-deadline"): "announced",
    ("announced", "register-key"): "announced",
    ("announced", "hand-in"): "announced",
    ("announced", "withdraw"): "announced",
    ("announced", "refuse"): "announced",
    ("announced", "close"): "closed",
    ("announced", "leave-shut"): "shut",
    ("closed", "release"): "closed",
    ("opened", "release"): "opened",
    ("closed", "store"): "closed",
    ("opened", "store"): "opened",
    ("closed", "end-window"): "closed",
    ("opened", "end-window"): "opened",
    ("closed", "unseal"): "opened",
    ("opened", "unseal"): "opened",
    ("opened", "settle-stage"): "opened",
    ("opened", "reject"): "opened",
    ("opened", "publish-candidates"): "ranked",
    ("opened", "close-evaluation"): "opened",
    ("ranked", "close-evaluation"): "ranked",
    ("ranked", "award"): "awarded",
    ("awarded", "close-evaluation"): "awarded",
    ("shut", "erase"): "shut",
    ("shut", "archive"): "archived",
    ("opened", "archive"): "archived",
    ("awarded", "archive"): "archived",
}

ARTICLES: Mapping[str, Article] = {
    "hand-in": Article(DETAIL, 36),
    "withdraw": Article(BIDDING, 29),
    "unseal": Article(E_TENDER, 27),
    "release": Article(E_TENDER, 27),
    "announce": Article(BIDDING, 24),
    "publish-candidates": Article(DETAIL, 53),
    "award": Article(DETAIL, 55),
}
"""Where an act out of turn breaks an article, the article; elsewhere it is only out of turn."""

ACTS: Mapping[str, str] = {
    "keyset-made": "make-keyset",
    "project-announced": "announce",
    "deadline-moved": "move-deadline",
    "bidder-key-registered": "register-key",
    "deposited": "hand-in",
    "withdrawn": "withdraw",
    "refused": "refuse",
    "released": "release",
    "stored": "store",
    "window-ended": "end-window",
    "unsealed": "unseal",
    "stage-settled": "settle-stage",
    "bid-rejected": "reject",
    "candidates-published": "publish-candidates",
    "awarded": "award",
    "evaluation-closed": "close-evaluation",
    "archived": "archive",
}
"""Which act a record (log.md §1) tells of; `closed` is two acts, see `act_of`."""

FIRST = "named"


def act_of(what: str, record: Mapping[str, Any]) -> str:
    """The act a record of a tender tells of; "" for a record that moves no tender (readings, erasures, vouchings)."""
    if what == "closed":
        return "close" if record.get("opens") else "leave-shut"
    return ACTS.get(what, "")


def step(stage: str, act: str) -> str:
    """The stage after an act. Raises Refused E-STAGE, with the article that an act out of turn would break."""
    if (stage, act) not in TABLE:
        allowed = ", ".join(sorted(a for s, a in TABLE if s == stage))
        raise Refused("E-STAGE", ARTICLES.get(act), stage=stage, act=act, allowed=allowed)
    return TABLE[stage, act]


def may(stage: str, act: str) -> bool:
    """Whether an act is in its turn: for pages that show or hide a button. Acts ask `step`."""
    return (stage, act) in TABLE
