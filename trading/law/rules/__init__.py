"""Every rule of the house, each with the words of its article: the checked table of 114 rows, what else our acts cite, and
what is not checked yet. The numbers of days of the whole house stand here.

`quote` is verbatim; a test finds each quote of a checked rule in the article it names. A change of law is a new value
with its own dates beside the old one, never an edit: what was announced before keeps its rulebook. Sums of money are fen.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from audit.refusal import Refused
from trading.law.article import Level, Rule
from trading.law.rules import calendar, gov, local, platform, sales, unchecked, works

ROOMS = (calendar, works, platform, gov, sales, local, unchecked)

ALL: tuple[Rule, ...] = tuple(value for room in ROOMS for value in vars(room).values() if isinstance(value, Rule))
"""Every rule, in the order of the table."""

LOCAL: tuple[Rule, ...] = tuple(one for one in ALL if one.level is Level.LOCAL and one.checked)
"""Those of a region, which may be stricter than a rule of the country on the same thing."""

RULES: Mapping[str, Rule] = MappingProxyType({one.id: one for one in ALL})

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "always": "at any time",
        "announcement": "the notice is out",
        "answer-due": "the time for an answer ends",
        "appraisal": "the approved appraisal",
        "archive": "the project is archived",
        "archived": "the project is archived",
        "auction": "the day of the auction",
        "auction-contract-ended": "the auction contract ends",
        "auction-noticed": "the auction is announced",
        "award": "the winner is fixed",
        "award-notified": "the award letter is sent (gov: with the result notice)",
        "bid-security": "the bid security",
        "bid-validity": "how long bids are valid",
        "candidates": "the candidates are published",
        "certificate-expired": "a certificate is valid no longer",
        "challenge": "a challenge is made",
        "challenge-answered": "it is answered",
        "challenge-received": "a challenge arrives",
        "complaint": "a complaint is made",
        "complaint-accepted": "the supervisor accepts it",
        "complaint-decided": "the supervisor decides it",
        "complaint-received": "a complaint arrives",
        "contract-additions": "all supplementary contracts together",
        "contract-amount": "the contract's sum",
        "contract-filed": "its copy is with the authority",
        "contract-published": "it is public",
        "contract-signed": "the contract is signed",
        "data-handed-over": "personal data go to another processor",
        "deadline": "the bid deadline",
        "deletion-requested": "somebody asks for deletion",
        "deposited": "a bid is handed in",
        "destroyed": "what was kept may go",
        "display-ended": "what is sold is shown no longer",
        "display-started": "what is sold is shown",
        "documents-amended": "an amendment is told to all",
        "documents-issued": "the documents are first issued",
        "estimate": "the estimate 估算价, or the budget 预算金额",
        "evaluation": "the evaluation",
        "evaluation-ended": "the evaluation is over",
        "floor": "a new lowest price",
        "hammer": "the hammer falls",
        "inquiry-answered": "it is answered",
        "inquiry-received": "an inquiry arrives",
        "known": "the person knew or should have known",
        "last-day": "the last day of a period",
        "listing-ended": "the listing ends",
        "listing-started": "the listing begins",
        "logged": "an entry of a network log is made",
        "notice-ended": "the notice may come down",
        "objection-answered": "it is answered",
        "objection-received": "an objection arrives",
        "opening": "the opening",
        "outage": "the system fails",
        "paid": "the price is paid",
        "panel": "the committee is formed",
        "panel-drawn": "the experts are drawn",
        "performance-security": "the performance security",
        "prequal-deadline": "the deadline for applications",
        "prequal-supply-ended": "the prequalification documents are sold no longer",
        "prequalification": "who is prequalified",
        "price": "the price",
        "procurement-ended": "the procurement is over",
        "registered": "the project's registration is accepted",
        "report": "the evaluation report",
        "report-filed": "the report is with the supervisor",
        "report-received": "the tenderee has the evaluation report",
        "result-notice-ended": "the result notice may come down",
        "result-published": "the result is published",
        "sale-started": "the sale starts",
        "securities-settled": "every security is back",
        "security-returned": "a security is back",
        "single-source-bought": "the purchase from one source goes on",
        "single-source-published": "the purchase from one source is made public",
        "supply-ended": "the documents are supplied no longer",
        "supply-started": "the documents are on sale",
        "suspension-lifted": "a suspension ends",
        "suspension-ordered": "a suspension begins",
        "tender-ended": "the tender is over",
        "terminated": "the project is ended before its time",
        "trigger": "what starts a period",
        "withdrawal-noticed": "the written withdrawal arrives",
    }
)
"""The words of `since` and `until`: the ends of periods, and the moments a rule speaks of."""


def rule(id: str) -> Rule:
    """The rule of that id. Raises Refused E-RULE."""
    if id not in RULES:
        raise Refused("E-RULE", rule=id)
    return RULES[id]
