"""The second reader's V15, what must be there, and fields of V7, from audit/log.md §8 alone (see reader.py)."""

import re
from datetime import date

import reader_auction

FLOOR = {  # regime: id, value, unit (日 where none is said)
    "works": """WK-03 5, WK-06 20, WK-07 15, WK-09 10, WK-11 3, WK-12 2 %, WK-13 bid_validity -, WK-15 5, WK-26 3 家,
    WK-35 3 家, WK-37 3, WK-38 3, WK-39 3, WK-40 award_rank1 -, WK-41 10, WK-42 objection_first -, WK-43 3 工作日,
    WK-44 30 工作日, WK-45 supervisor_suspend -, WK-46 30, WK-47 15, WK-48 10 %, WK-49 5""",
    "gov": """GP-01 20, GP-03 5 工作日, GP-04 5 工作日, GP-05 15, GP-07 2 %, GP-08 5 工作日, GP-09 5 工作日, GP-10 2 工作日,
    GP-11 5 工作日, GP-12 2 工作日, GP-14 1 工作日, GP-15 30, GP-16 7 工作日, GP-17 2 工作日, GP-19 3 工作日, GP-20 7 工作日,
    GP-21 7 工作日, GP-22 15 工作日, GP-23 30 工作日, GP-24 30, GP-25 suspend_contract -, GP-26 10 %, GP-29 3 家,
    GP-30 3 家""",
    "land": "WK-26 3 家",
    "minerals": "WK-26 3 家",
}
NEVER = 2**62
LATE = ["scores-entered", "explanation-asked", "explanation-given", "price-corrected"]
FALLING = ["gave_up", "force_majeure", "no_performance_security", "unlawful_act"]


def need(ok):
    if not ok:
        raise ValueError


def text(x):
    return isinstance(x, str) and x != ""


def moved(r, x):
    """Whether the fields of a `deadline-moved` are of their types."""
    gap = x.outage
    if gap is not None:
        need(r.only(gap, "from to probes") and all(map(r.unhex, gap.probes)) and r.when(gap["from"]) and r.when(gap.to))
    return isinstance(x.reason, str)


def announced(r, x):
    """The notice, if each of its fields is of its type."""
    need(all(text(x[f]) for f in ("regime", "currency", "method")) and x.direction in ("buy", "sell"))
    need(r.when(x.deadline) and r.unhex(x.rulebook) and x.keysets and all(map(r.unhex, x.keysets.values())))
    need(r.number(x.min_bids) >= 0 <= r.number(x.window) and (x.baseline is None or type(x.baseline) is int))
    named = [*x.keysets, *x.public_stages]
    need(isinstance(x.public_stages, list) and all(re.fullmatch("[a-z0-9_]+", s) for s in named))
    need(isinstance(x.get("unvouched", []), list) and all(map(text, x.get("unvouched", []))))
    for rule in x.opening_schema.values():
        ends = [rule[k] for k in ("min", "max") if k in rule]
        need(set(rule) <= {"kind", "min", "max", "optional"} and rule.get("optional", True) is True)
        need(rule["kind"] in ("fen", "int", "text", "date") and ends == sorted(ends))
        for end in ends:
            need(date.fromisoformat(end).isoformat() == end if rule["kind"] == "date" else type(end) is int)
    return x


def owed(r, A):
    book = A.js["rulebook.json"]
    if "rules" not in book:
        return
    rules = {x["id"]: (x["value"], x["unit"]) for x in book["rules"]}
    for line in FLOOR.get(book["regime"], "").replace("\n", " ").split(","):
        if words := line.split():
            value = int(words[1]) if words[1].isdigit() else words[1]
            A.at = f"rulebook.json {words[0]}"
            need(rules.get(words[0]) == (value, words[2] if words[2:] else "日"))
    if not rules:
        return
    opened, closed = min((x.n for x in r.of("unsealed")), default=None), [*r.of("evaluation-closed")]
    ends = [*r.of("awarded", "tender-failed")]
    ends += [x for x in r.of("tender-terminated") if opened is not None and x.n > opened]
    need(not ends or closed)
    paid = [*r.of("security-received")]
    need(all(isinstance(x["bidder"], str) and x["bidder"] and type(x["amount"]) is int for x in paid))
    need(not paid or A.ann.get("security") is not None)
    for x in r.of("securities-settled"):
        told = len({y["bidder"] for y in paid}), sum(y["amount"] for y in paid)
        need(not closed or (x["count"], x["amount"]) == told)
    media = A.ann.get("media")
    told = {y.get("sha256") for y in media if isinstance(y, dict)} if isinstance(media, list) else ()
    need("WK-02" not in rules or len(told) < 2)
    reported = min((x.n for x in r.of("report-received")), default=NEVER)
    prices = min((x.n for x in r.of("stage-settled") if x["stage"] == "form"), default=NEVER)
    for x in r.of(*LATE):
        need(x.n < reported and (x.kind != "scores-entered" or x.n < prices))
    for x in r.of("tender-failed"):
        gone = {y.bid for y in r.of("bid-rejected") if y.n < x.n}
        last = {y.bid: y for y in r.of("unsealed") if y.stage == "form" and y.bid not in gone}
        offers = [
            y.opening["price"] for y in last.values() if y.verdict == "OK" and type(y.opening.get("price")) is int
        ]
        if x["reason"] == "no_candidate" and offers and reader_auction.stands(r, x.n) != "below_reserve":
            box = A.ann.get("reserve")
            told = [y for y in A.recs if (y.kind, y.get("tender"), y.clear) == ("unsealed", box, True) and y.n < x.n]
            need(
                A.ann.direction == "sell" and told[-1]["verdict"] == "OK" and max(offers) < told[-1]["opening"]["price"]
            )
    ranked = min((x.n for x in r.of("candidates-published")), default=NEVER)
    for x in r.of("bid-rejected"):
        need(x.n < ranked or book["regime"] == "source-law" or x["reason"] in FALLING)
