"""The life of a tender as one table: stage × act → stage. What is not in the table does not happen.

Stages: named (its id is fixed by a checkpoint) · keyed · announced · closed | shut · opened · ranked · awarded ·
contracted · archived; and the ends that are none: failed (nobody may win), terminated (given up).
Whether an act *in its turn* is lawful at its hour, and what suspends it, is asked of `life.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.refusal import Refused
from trading.law.article import Article

BIDDING, DETAIL, E_TENDER = "招标投标法", "招标投标法实施条例", "电子招标投标办法"

FIRST = "named"
STAGES = (
    "named", "keyed", "announced", "closed", "shut", "opened", "ranked", "awarded", "contracted", "failed",
    "terminated", "archived",
)  # fmt: skip
ENDED = frozenset({"shut", "failed", "terminated", "archived"})
"""Where nothing is awarded any more; a re-tender may name such a tender as its predecessor."""

AFTERWARDS = "announced closed shut opened ranked awarded contracted failed terminated"
"""From the announcement to the archive: whoever is wronged may say so, and is answered."""

_MOVES: tuple[tuple[str, str, str], ...] = (
    # act, from these stages, to this one ("": it stays)
    ("make-keyset", "named keyed", "keyed"),
    ("announce", "keyed", "announced"),
    # ---- before the deadline
    ("issue-documents", "keyed announced", ""),
    ("amend-documents", "announced", ""),
    ("ask-question", "announced", ""),
    ("answer-question", "announced", ""),
    ("move-deadline", "announced", ""),
    ("register-key", "announced", ""),
    ("hand-in", "announced", ""),
    ("withdraw", "announced", ""),
    ("refuse", "announced", ""),
    ("receive-security", "announced closed", ""),
    ("return-security", AFTERWARDS, ""),
    ("settle-securities", "shut awarded contracted failed terminated", ""),
    # ---- closing and opening
    ("close", "announced", "closed"),
    ("leave-shut", "announced", "shut"),
    ("abandon", "terminated", ""),
    ("erase", "shut", ""),
    ("release", "closed opened", ""),
    ("store", "closed opened", ""),
    ("end-window", "closed opened", ""),
    ("unseal", "closed opened", "opened"),
    ("settle-stage", "opened", ""),
    # ---- evaluation
    ("reject", "opened ranked", ""),
    ("enter-scores", "opened", ""),
    ("ask-explanation", "opened", ""),
    ("give-explanation", "opened", ""),
    ("correct-price", "opened", ""),
    ("receive-report", "opened", ""),
    ("open-auction", "opened", ""),
    ("resume-auction", "opened", ""),
    ("close-auction", "opened", ""),
    ("publish-candidates", "opened", "ranked"),
    ("close-evaluation", "opened ranked awarded failed terminated", ""),
    # ---- award and contract
    ("award", "ranked", "awarded"),
    ("notify-award", "awarded", ""),
    ("file-report", "awarded contracted", ""),
    ("sign-contract", "awarded", "contracted"),
    ("correct-line", "awarded contracted archived", ""),
    ("publish-contract", "contracted", ""),
    ("file-contract", "contracted", ""),
    # ---- remedies and suspension
    ("file-remedy", AFTERWARDS, ""),
    ("accept-remedy", AFTERWARDS, ""),
    ("refuse-remedy", AFTERWARDS, ""),
    ("answer-remedy", AFTERWARDS, ""),
    ("order-suspension", "announced closed opened ranked awarded", ""),
    ("lift-suspension", "announced closed opened ranked awarded", ""),
    # ---- ends
    ("warn-idle", "named keyed announced", ""),
    ("fail", "opened ranked awarded", "failed"),
    ("terminate", "named keyed announced closed opened ranked awarded", "terminated"),
    ("archive", "shut opened ranked awarded contracted failed terminated", "archived"),
)

TABLE: Mapping[tuple[str, str], str] = {
    (stage, act): to or stage for act, stages, to in _MOVES for stage in stages.split()
}
GOALS: Mapping[str, str] = {act: to for act, _, to in _MOVES if to}
"""Where an act leads, for whoever must carry on after an illegal step (a verifier that names every fault)."""

ARTICLES: Mapping[str, Article] = {
    "hand-in": Article(DETAIL, 36),
    "withdraw": Article(BIDDING, 29),
    "unseal": Article(E_TENDER, 27),
    "release": Article(E_TENDER, 27),
    "announce": Article(BIDDING, 24),
    "close": Article(BIDDING, 34),
    "leave-shut": Article(DETAIL, 44),
    "amend-documents": Article(DETAIL, 21),
    "publish-candidates": Article(DETAIL, 53),
    "award": Article(DETAIL, 55),
    "sign-contract": Article(BIDDING, 46),
    "file-remedy": Article(DETAIL, 60),
    "terminate": Article(DETAIL, 31),
}
"""Where an act out of turn breaks an article, the article; elsewhere it is only out of turn."""

ACTS: Mapping[str, str] = {
    "keyset-made": "make-keyset",
    "project-announced": "announce",
    "documents-issued": "issue-documents",
    "documents-amended": "amend-documents",
    "question-asked": "ask-question",
    "question-answered": "answer-question",
    "deadline-moved": "move-deadline",
    "bidder-key-registered": "register-key",
    "deposited": "hand-in",
    "withdrawn": "withdraw",
    "refused": "refuse",
    "security-received": "receive-security",
    "security-returned": "return-security",
    "securities-settled": "settle-securities",
    "abandoned": "abandon",
    "released": "release",
    "stored": "store",
    "window-ended": "end-window",
    "unsealed": "unseal",
    "stage-settled": "settle-stage",
    "bid-rejected": "reject",
    "scores-entered": "enter-scores",
    "explanation-asked": "ask-explanation",
    "explanation-given": "give-explanation",
    "price-corrected": "correct-price",
    "report-received": "receive-report",
    "auction-opened": "open-auction",
    "auction-resumed": "resume-auction",
    "auction-closed": "close-auction",
    "candidates-published": "publish-candidates",
    "evaluation-closed": "close-evaluation",
    "awarded": "award",
    "award-notified": "notify-award",
    "report-filed": "file-report",
    "line-corrected": "correct-line",
    "contract-signed": "sign-contract",
    "contract-published": "publish-contract",
    "contract-filed": "file-contract",
    "remedy-filed": "file-remedy",
    "remedy-accepted": "accept-remedy",
    "remedy-refused": "refuse-remedy",
    "remedy-answered": "answer-remedy",
    "suspension-ordered": "order-suspension",
    "suspension-lifted": "lift-suspension",
    "idle-warned": "warn-idle",
    "tender-failed": "fail",
    "tender-terminated": "terminate",
    "archived": "archive",
}
"""Which act a record (log.md §1) tells of; `closed` is three acts, see `act_of`."""


PANEL: Mapping[str, frozenset[str]] = {
    "convene-panel": frozenset({"announced", "closed", "opened"}),
    "draw-panel": frozenset({"announced", "closed", "opened"}),
    "read-panel": frozenset({"announced", "closed", "opened"}),
    "remove-member": frozenset({"announced", "closed", "opened"}),
}
"""Acts of a panel, and the stages of its tender in which each may be done. They move no tender and stand in no row of V15:
V13 judges what they record (draw.md §4)."""


def panel_act(stage: str, act: str) -> None:
    """Refuse an act of a panel while its tender is elsewhere: E-STAGE."""
    if stage not in PANEL[act]:
        allowed = ", ".join(sorted(a for s, a in TABLE if s == stage))
        raise Refused("E-STAGE", stage=stage, act=act, allowed=allowed)


def act_of(what: str, record: Mapping[str, Any]) -> str:
    """The act a record of a tender tells of; "" for a record that moves no tender (readings, erasures, vouchings)."""
    if what == "closed":
        if record.get("opens"):
            return "close"
        return "abandon" if record.get("reason") == "abandoned" else "leave-shut"
    return ACTS.get(what, "")


def step(stage: str, act: str) -> str:
    """The stage after an act. Raises Refused E-STAGE, with the article that an act out of turn would break."""
    if (stage, act) not in TABLE:
        allowed = ", ".join(sorted(a for s, a in TABLE if s == stage))
        raise Refused("E-STAGE", ARTICLES.get(act), stage=stage, act=act, allowed=allowed)
    return TABLE[stage, act]


def may(stage: str, act: str) -> bool:
    """Whether an act is in its turn: for pages that show or hide a button. Acts ask `life.ask`."""
    return (stage, act) in TABLE
