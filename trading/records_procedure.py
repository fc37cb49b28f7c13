"""The facts of a procedure between the announcement and the archive: documents, questions, remedies, scores, contracts.

What only a `PARTY` sees is never disclosed and never counted: who asks and who objects stays with the person concerned,
who holds the receipt. `EVALUATION` is disclosed when evaluation closes (log.md §1). Money is in fen. `trading.records`
imports this, so that every type is declared with it.
"""

from __future__ import annotations

from audit.record import Rule, declare

# ----------------------------------------------------------------------------------------------- documents and questions

DOCUMENTS_ISSUED = declare("documents-issued", Rule.PUBLIC, fields=("tender", "set", "files"))
DOCUMENTS_AMENDED = declare("documents-amended", Rule.PUBLIC, fields=("tender", "set", "files", "affects", "reason"))
QUESTION_ASKED = declare("question-asked", Rule.PARTY, fields=("tender", "question", "asker", "text"))
QUESTION_ANSWERED = declare("question-answered", Rule.PUBLIC, fields=("tender", "question", "text", "answer", "set"))

# --------------------------------------------------------------------------------------------------------------- remedies

REMEDY_FILED = declare(
    "remedy-filed", Rule.PUBLIC, fields=("tender", "remedy", "kind", "about", "known", "follows", "grounds")
)
OBJECTOR_NOTED = declare("objector-noted", Rule.PARTY, fields=("tender", "remedy", "objector", "salt", "grounds"))
OPENING_CONFIRMED = declare("opening-confirmed", Rule.PUBLIC, fields=("tender", "bid", "unsealed"))
"""A bidder says that its bid was read out as it was sealed; `unsealed`: the SHA-256 of the records it means. Nothing follows
from it, so no verifier relies on it (and log.md §1 does not list it)."""
REMEDY_ACCEPTED = declare("remedy-accepted", Rule.PUBLIC, fields=("tender", "remedy", "reason"))
REMEDY_REFUSED = declare("remedy-refused", Rule.PUBLIC, fields=("tender", "remedy", "reason"))
REMEDY_ANSWERED = declare("remedy-answered", Rule.PUBLIC, fields=("tender", "remedy", "outcome", "answer", "text"))
SUSPENSION_ORDERED = declare(
    "suspension-ordered", Rule.PUBLIC, fields=("tender", "order", "ground", "remedy", "until", "article")
)
SUSPENSION_LIFTED = declare("suspension-lifted", Rule.PUBLIC, fields=("tender", "order"))

# ------------------------------------------------------------------------------------------------------------- evaluation

SCORES_ENTERED = declare("scores-entered", Rule.EVALUATION, fields=("tender", "seat", "sheet", "replaces"))
EXPLANATION_ASKED = declare("explanation-asked", Rule.EVALUATION, fields=("tender", "bid", "due"))
EXPLANATION_GIVEN = declare("explanation-given", Rule.EVALUATION, Rule.PARTY, fields=("tender", "bid", "text"))
PRICE_CORRECTED = declare(
    "price-corrected", Rule.PUBLIC, fields=("tender", "bid", "stage", "read", "corrected", "rule")
)
REPORT_RECEIVED = declare("report-received", Rule.PUBLIC, fields=("tender", "report"))

# ------------------------------------------------------------------------------------------------------ award to contract

AWARD_NOTIFIED = declare("award-notified", Rule.PUBLIC, fields=("tender", "letter"))
REPORT_FILED = declare("report-filed", Rule.PUBLIC, fields=("tender", "report"))
CONTRACT_SIGNED = declare(
    "contract-signed", Rule.PUBLIC, fields=("tender", "contract", "amount", "performance", "signed")
)
CONTRACT_PUBLISHED = declare("contract-published", Rule.PUBLIC, fields=("tender", "contract"))
CONTRACT_FILED = declare("contract-filed", Rule.PUBLIC, fields=("tender", "contract"))

# ----------------------------------------------------------------------------------------------------------- bid security

SECURITY_RECEIVED = declare(
    "security-received",
    Rule.EVALUATION,
    Rule.PARTY,
    fields=("tender", "bidder", "amount", "form", "account", "received"),
)
SECURITY_RETURNED = declare(
    "security-returned", Rule.PARTY, fields=("tender", "bidder", "amount", "interest", "reason")
)
SECURITIES_SETTLED = declare("securities-settled", Rule.PUBLIC, fields=("tender", "count", "amount", "interest"))

# ------------------------------------------------------------------------------------------------------------------- ends

TENDER_FAILED = declare("tender-failed", Rule.PUBLIC, fields=("tender", "reason", "article"))
TENDER_TERMINATED = declare("tender-terminated", Rule.PUBLIC, fields=("tender", "reason", "article", "warned"))
IDLE_WARNED = declare("idle-warned", Rule.PUBLIC, fields=("tender", "due"))

# ---------------------------------------------------------------------------------- organisations: the subject, no tender

BAN_IMPOSED = declare(
    "ban-imposed",
    Rule.SUPERVISOR,
    fields=("ban", "organisation", "decision", "body", "from", "until", "grounds"),
)
BAN_LIFTED = declare("ban-lifted", Rule.SUPERVISOR, fields=("ban", "decision"))
AGENT_ERROR_REGISTERED = declare(
    "agent-error-registered", Rule.SUPERVISOR, fields=("error", "agency", "project", "kind", "decision", "until")
)

# ------------------------------------------------------------------------------------------------------ online auction

AUCTION_JOINED = declare("auction-joined", Rule.EVALUATION, Rule.PARTY, fields=("tender", "bid", "key", "sig"))
AUCTION_OPENED = declare(
    "auction-opened",
    Rule.PUBLIC,
    fields=(
        "tender", "bidders", "start", "increment", "opens", "hammer", "window", "extension", "reserve", "reveal",
    ),
)  # fmt: skip
AUCTION_BID = declare("auction-bid", Rule.PUBLIC, fields=("tender", "number", "price", "sig"))
AUCTION_EXTENDED = declare("auction-extended", Rule.PUBLIC, fields=("tender", "hammer"))
AUCTION_RESUMED = declare("auction-resumed", Rule.PUBLIC, fields=("tender", "opens", "hammer"))
AUCTION_CLOSED = declare(
    "auction-closed", Rule.PUBLIC, fields=("tender", "hammer", "bids", "number", "price", "reserve", "outcome")
)
