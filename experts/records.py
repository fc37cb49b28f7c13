"""The facts of a draw and of a panel: draw.md §4. Every record of a tender carries `tender`; `draw` is 32 hex.

What a panel does is disclosed when evaluation closes; the roster and every reading of names are for supervisors. No record
holds a name or a number: an expert is a salted leaf, and an id drawn by chance on the roster.
"""

from __future__ import annotations

from audit.record import Rule, declare

ROSTER = "roster"
"""The subject of admissions, and of nothing else: their `sserial` numbers leave none out."""
ROSTER_DESK = "roster-desk"
"""The subject of what else is done with the roster."""

# ------------------------------------------------------------------------------------------------------------- the roster

EXPERTS_NAMED = declare("experts-named", Rule.SUPERVISOR, fields=("experts",))
"""New rows, 1 to 1,000 ids ascending: named by the centre, drawn by nobody until an authority admits them."""
EXPERT_ADMITTED = declare("expert-admitted", Rule.SUPERVISOR, fields=("experts", "by", "sig"))
EXPERT_CHANGED = declare("expert-changed", Rule.SUPERVISOR, fields=("expert", "what"))
"""Leave, suspension, removal, assessment, a corrected row: which kind of change, of whom by id; never its content."""
EXPERT_READ = declare("expert-read", Rule.SUPERVISOR, fields=("expert",))
"""Somebody at the dispatcher looked at who an expert is; the actor says who did."""
SPECIALTIES_CHANGED = declare("specialties-changed", Rule.SUPERVISOR, fields=("added", "changed"))
"""Codes that are new in the tree of specialties, and codes that mean something else from now on."""
VAULT_ROTATED = declare("vault-rotated", Rule.SUPERVISOR, fields=("key", "experts"))
"""The dispatcher's key was replaced: the new key's fingerprint, and how many rows were sealed anew."""

# --------------------------------------------------------------------------------------------------------------- the draw

PANEL_REQUESTED = declare("panel-requested", Rule.PUBLIC, fields=("tender", "draw", "need", "representatives", "meets"))
DRAW_COMMITTED = declare(
    "draw-committed",
    Rule.PUBLIC,
    fields=(
        "tender", "draw", "attempt", "need", "representatives", "meets", "pool_root", "pool_size", "leaves",
        "roster_root", "roster_size", "excluded", "secret_commit", "parties", "reveal_by", "approved",
    ),
)  # fmt: skip
DRAW_NONCE_COMMITTED = declare(
    "draw-nonce-committed", Rule.PUBLIC, fields=("tender", "draw", "attempt", "i", "object", "sig_hash")
)
DRAW_NONCE_REVEALED = declare(
    "draw-nonce-revealed", Rule.PUBLIC, fields=("tender", "draw", "attempt", "i", "object", "sig_hash")
)
DRAW_VOIDED = declare("draw-voided", Rule.PUBLIC, fields=("tender", "draw", "attempt", "culprit"))
DRAW_CALLED = declare(
    "draw-called",
    Rule.EVALUATION,
    fields=("tender", "draw", "attempt", "leaf", "specialty", "try", "channel", "answer", "outcome"),
)
PANEL_EXHAUSTED = declare("panel-exhausted", Rule.EVALUATION, fields=("tender", "draw", "attempt", "specialty"))
PANEL_SEATED = declare("panel-seated", Rule.EVALUATION, fields=("tender", "draw", "attempt", "leaves"))
PANEL_NAMED = declare("panel-named", Rule.PUBLIC, fields=("tender", "draw", "names"))
PANEL_READ = declare(
    "panel-read", Rule.SUPERVISOR, fields=("tender", "draw", "attempt", "reader", "ground", "approved")
)

# ------------------------------------------------------------------------------------------------------- the panel's work

SEAT_KEYED = declare("seat-keyed", Rule.EVALUATION, fields=("tender", "draw", "attempt", "seat", "leaf", "key"))
CONFLICT_DECLARED = declare(
    "conflict-declared", Rule.EVALUATION, fields=("tender", "draw", "attempt", "seat", "leaf", "conflict", "sig")
)
SCORES_COMMITTED = declare("scores-committed", Rule.EVALUATION, fields=("tender", "draw", "seat", "commit", "sig"))
REPORT_ANSWERED = declare(
    "report-answered", Rule.EVALUATION, fields=("tender", "draw", "seat", "report", "answer", "reason", "sig")
)
REPRESENTATIVE_INVITED = declare(
    "representative-invited", Rule.EVALUATION, fields=("tender", "draw", "attempt", "seat")
)
"""The tenderee was given a check-in code for a seat that it fills itself."""
EXTENSION_ASKED = declare("extension-asked", Rule.EVALUATION, fields=("tender", "draw", "seat", "round", "sig"))
EVALUATION_EXTENDED = declare("evaluation-extended", Rule.EVALUATION, fields=("tender", "draw", "round", "seats"))
"""More than a third of the members asked for more time; `seats`: those who did."""
