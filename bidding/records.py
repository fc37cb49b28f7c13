"""The facts of sealed boxes, as they stand in the log (log.md §1's table, envelope.md §2–§7).

`closing` fields are shown when the box closes; until then nobody but the bidder concerned sees them.
"""

from __future__ import annotations

from audit.record import Rule, declare

CUSTODIAN_KEY_REGISTERED = declare("custodian-key-registered", Rule.PUBLIC, fields=("statement", "sig_hash"))
REHEARSED = declare("rehearsed", Rule.PUBLIC, fields=("statement", "challenge", "r", "proof", "sig"))
KEYSET_MADE = declare("keyset-made", Rule.PUBLIC, fields=("tender", "stage", "keyset"))

BIDDER_KEY_REGISTERED = declare(
    "bidder-key-registered", Rule.PARTY, Rule.CLOSING, fields=("bidder", "key", "registration", "sig_hash")
)
DEPOSITED = declare(
    "deposited", Rule.PARTY, Rule.CLOSING, fields=("tender", "stage", "bid", "seq", "manifest", "sig_hash")
)
WITHDRAWN = declare("withdrawn", Rule.PARTY, Rule.CLOSING, fields=("tender", "bid", "withdrawal", "sig_hash"))
REFUSED = declare("refused", Rule.PARTY, Rule.CLOSING, fields=("tender", "stage", "bidder", "code", "manifest"))
ERASED = declare("erased", Rule.PARTY, Rule.CLOSING, fields=("tender", "bid", "stage", "seq", "root"))

DEADLINE_MOVED = declare("deadline-moved", Rule.PUBLIC, fields=("tender", "deadline", "reason", "outage"))
ABANDONED = declare("abandoned", Rule.PUBLIC, fields=("tender", "reason"))
CLOSED = declare(
    "closed",
    Rule.PUBLIC,
    fields=(
        "tender",
        "stage",
        "keyset",
        "count",
        "list_root",
        "events",
        "events_root",
        "deadline",
        "opens",
        "reason",
    ),
)
STORED = declare("stored", Rule.PUBLIC, fields=("tender", "stage", "missing"))
WINDOW_ENDED = declare("window-ended", Rule.PUBLIC, fields=("tender", "stage", "missing", "sig"))
RELEASED = declare("released", Rule.PUBLIC, fields=("tender", "stage", "i", "release", "sig_hash"))
STAGE_SETTLED = declare("stage-settled", Rule.PUBLIC, fields=("tender", "stage", "admitted", "sheets", "sig"))
UNSEALED = declare(
    "unsealed",
    Rule.PUBLIC,
    fields=("tender", "stage", "bid", "seq", "verdict", "at", "opening", "findings", "unvouched"),
)
