"""The facts the market states. The first block is what an independent reader relies on (log.md §1); the rest is ours.

Records about projects and lots have the project or lot as their subject and carry no `tender`, so they take no serial
number of a tender. Those about people hold ids only: names of natural persons could never be erased.

`project-announced` may say more than the fields below: region, documents, parameters, security … (projects.py).
"""

from __future__ import annotations

from audit.record import Rule, declare
from experts import records as _panels  # panels': what the end of an evaluation discloses
from trading import records_procedure as records_procedure  # the rest: whoever imports this knows all types

assert _panels.SEAT_KEYED.rules

PROJECT_ANNOUNCED = declare(
    "project-announced",
    Rule.PUBLIC,
    fields=(
        "tender", "regime", "rulebook", "keysets", "deadline", "min_bids", "direction", "baseline", "currency",
        "method", "opening_schema", "public_stages", "unvouched", "window",
    ),
)  # fmt: skip
BID_REJECTED = declare("bid-rejected", Rule.PUBLIC, fields=("tender", "bid", "reason", "article"))
CANDIDATES_PUBLISHED = declare("candidates-published", Rule.PUBLIC, fields=("tender", "ranking", "totals"))
AWARDED = declare("awarded", Rule.PUBLIC, fields=("tender", "bid", "price", "baseline", "gain", "formula"))
LINE_CORRECTED = declare(
    "line-corrected",
    Rule.PUBLIC,
    fields=("tender", "correction", "status", "reason", "words", "price", "baseline", "gain", "formula", "sig"),
)
EVALUATION_CLOSED = declare("evaluation-closed", Rule.PUBLIC, fields=("tender", "events", "events_root"))

ORGANISATION_REGISTERED = declare("organisation-registered", Rule.PUBLIC, fields=("organisation", "name", "identity"))
PROJECT_REGISTERED = declare(
    "project-registered", Rule.PUBLIC, fields=("project", "organisation", "agency", "title", "regime", "direction")
)
PROJECT_CHANGED = declare("project-changed", Rule.PUBLIC, fields=("project", "version", "title", "description"))
LOT_ADDED = declare("lot-added", Rule.PUBLIC, fields=("project", "lot", "title"))
LOT_TENDERED = declare("lot-tendered", Rule.PUBLIC, fields=("lot", "size"))

PERSON_ENROLLED = declare("person-enrolled", Rule.SUPERVISOR, fields=("person", "organisation", "roles"))
PROCESSING_RESTRICTED = declare("processing-restricted", Rule.SUPERVISOR, fields=("person",))
TOKEN_ISSUED = declare("token-issued", Rule.SUPERVISOR, fields=("token", "person", "role", "expires"))
TOKEN_REVOKED = declare("token-revoked", Rule.SUPERVISOR, fields=("token", "person", "role"))
READING_REFUSED = declare("reading-refused", Rule.SUPERVISOR, fields=("route", "role", "organisation", "object"))
# Of whoever reads deposits that are not its own; nothing of ours does (tendering.own_deposits), older logs hold such.
DEPOSITS_READ = declare("deposits-read", Rule.SUPERVISOR, fields=("bidder", "box"))

# Signing in and what takes two: ids of people and accounts, never names; no record of who signs in when, which would tell
# who works on a bid.
INVITATION_MADE = declare("invitation-made", Rule.SUPERVISOR, fields=("person", "invitation"))
RECOVERY_PROPOSED = declare("recovery-proposed", Rule.SUPERVISOR, fields=("person", "recovery", "by"))
RECOVERY_APPROVED = declare("recovery-approved", Rule.SUPERVISOR, fields=("person", "recovery", "by", "proposed_by"))
ACCOUNT_JOINED = declare("account-joined", Rule.SUPERVISOR, fields=("person", "account", "how"))
CREDENTIAL_ADDED = declare("credential-added", Rule.SUPERVISOR, fields=("account", "credential", "kind"))
CREDENTIAL_ENDED = declare("credential-ended", Rule.SUPERVISOR, fields=("account", "credential", "kind", "why"))
ROLES_CHANGED = declare("roles-changed", Rule.SUPERVISOR, fields=("person", "roles", "taken"))
SESSIONS_ENDED = declare("sessions-ended", Rule.SUPERVISOR, fields=("person", "by"))
ACT_PROPOSED = declare("act-proposed", Rule.SUPERVISOR, fields=("proposal", "operation", "object", "by"))
ACT_APPROVED = declare("act-approved", Rule.SUPERVISOR, fields=("proposal", "operation", "object", "by", "proposed_by"))
PROPOSAL_WITHDRAWN = declare("proposal-withdrawn", Rule.SUPERVISOR, fields=("proposal", "by"))
