"""The second reader's records of draws, from experts/draw.md alone: each field of its type; see reader_draw.py."""

import re

H, NAME, ID = "[0-9a-f]{64}", "[a-z0-9_]+", "[0-9a-f]{32}"
REASONS = {
    "removed", "suspended", "leave", "specialty", "region", "employer", "kin", "interest", "supervisor", "declared",
}  # fmt: skip
LOST = {"declined", "conflict", "unreachable", "no_show", "removed"}
FREE = {"candidates-published", "scores-entered"}
WITHOUT_ATTEMPT = {"panel-requested", "panel-named", "scores-committed", "report-answered"}


def need(ok):
    if not ok:
        raise ValueError


def typed(r, x):
    """Each field of its type."""
    kind, number = x.kind, r.number
    if kind in FREE:
        return
    if kind == "expert-admitted":
        ids = [e.encode() for e in x.experts]
        need(isinstance(x.experts, list) and 1 <= len(ids) <= 1000 and ids == sorted(set(ids)))
        need(all(1 <= len(e) <= 64 for e in ids) and isinstance(x.by, str) and x.by and "sig" in x)
        return
    need(re.fullmatch(ID, x.draw))
    if kind not in WITHOUT_ATTEMPT:
        number(x.attempt, 1)
    for field in ("i", "culprit", "seat"):
        need(field not in x or number(x[field], 1))
    for field in ("pool_root", "leaves", "roster_root", "secret_commit", "sig_hash", "names", "commit", "report"):
        need(field not in x or kind == "panel-seated" or re.fullmatch(H, x[field]))
    need("specialty" not in x or re.fullmatch(NAME, x.specialty))
    match kind:
        case "panel-requested" | "draw-committed":
            names = [one.specialty for one in x.need]
            need(names and names == sorted(set(names)) and all(re.fullmatch(NAME, s) for s in names))
            need(all(r.only(one, "specialty count") and number(one["count"], 1) for one in x.need))
            number(x.representatives)
            r.when(x.meets)
        case "draw-called":
            need(re.fullmatch(H, x.leaf) and isinstance(x.channel, str) and number(x["try"]) >= 0)
            need(x.answer is None or re.fullmatch(H, x.answer))
            need(x.outcome in LOST | {"no_answer", "accepted"} and x.specialty)
        case "panel-seated":
            need(isinstance(x.leaves, list) and all(re.fullmatch(H, leaf) for leaf in x.leaves))
        case "panel-read":
            need(x.ground in ("seated", "two_keys") and isinstance(x.reader, str) and x.reader and "approved" in x)
        case "seat-keyed":
            need(x.leaf is None or re.fullmatch(H, x.leaf))
            r.unb64(x.key, 32)
            need(x.seat)
        case "conflict-declared":
            need((x.leaf is None or re.fullmatch(H, x.leaf)) and isinstance(x.conflict, bool) and x.seat and "sig" in x)
        case "scores-committed":
            need(x.seat and x.commit and "sig" in x)
        case "report-answered":
            need(x.seat and x.report and "sig" in x and x.answer in ("signed", "dissent", "silent"))
            need(x.reason is None or re.fullmatch(H, x.reason))
        case "draw-nonce-committed" | "draw-nonce-revealed":
            need(x.i and x.sig_hash and r.unb64(x.object) is not None)
        case "draw-voided" | "panel-named" | "panel-exhausted":
            need(x["culprit" if "culprit" in x else "names" if "names" in x else "specialty"])
    if kind == "draw-committed":
        need(number(x.pool_size) >= 0 <= number(x.roster_size) and set(x.excluded) <= REASONS)
        need(all(number(n, 1) for n in x.excluded.values()) and isinstance(x.approved, list))
        need(all(r.only(p, "i id") and number(p.i, 1) and isinstance(p.id, str) and p.id for p in x.parties))
        r.when(x.reveal_by)
