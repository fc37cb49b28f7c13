"""The second reader's V16, from audit/log.md §8 alone: it shares no code with `trading verify` (see reader.py)."""

import csv
import datetime
import io
import json

REGIMES = {"works": "works", "gov": "procurement", "property": "property", "land": "land", "minerals": "minerals"}
LEADS = {
    "amount": ("concluded", "no-baseline"), "baseline": ("concluded", "no-baseline"), "not-a-sum": ("unit-price", "rate"),
    "void": ("annulled",), "twice": ("annulled",),
}  # fmt: skip
PRICED = {"unit": "unit-price", "rate": "rate"}
FIELDS = "status price baseline gain formula"


def v16(r, a):
    """Raises where something does not hold."""
    line, ends = None, [x.n for x in r.of("tender-failed", "tender-terminated")]
    for x in r.of("awarded"):
        first = awarded(a.ann, x.price)
        r.need(r.canon([x.baseline, x.gain, x.formula]) == r.canon([a.ann.baseline, first[3], first[4]]))
        line = line or (first, x.n)
    for number, x in enumerate(r.of("line-corrected"), 1):
        r.need(line and line[1] < x.n and all(n > x.n for n in ends) and x.correction == number)  # V15 has named it
        r.need(isinstance(x.words, str) and 0 < len(x.words) <= 500 and x.status in LEADS[x.reason])
        r.need({kind for _, kind in r.behind(x, "tenderee", "authority")} == {"tenderee", "authority"})
        r.need(type(x.correction) is int and [type(v) for v in (x.price, x.baseline)] == wanted(x.status))
        r.need(all(v is None or v >= 0 for v in (x.price, x.baseline)))
        made = computed(a.ann.direction, x.status, x.price, x.baseline)
        r.need(r.canon(made) == r.canon([x[f] for f in FIELDS.split()]) != r.canon(line[0]))
        line = made, line[1]
    if a.ledger:
        a.at = f"ledger: {a.tender}"
        published(r, a, line and line[0], ends)


def wanted(status):
    """Types of price and baseline."""
    return {"concluded": [int, int], "no-baseline": [int, type(None)]}.get(status, [type(None), type(None)])


def awarded(ann, price):
    """The line of an award."""
    if ann.get("pricing") in PRICED:
        return [PRICED[ann["pricing"]], None, None, None, None]
    return computed(ann["direction"], "no-baseline" if ann["baseline"] is None else "concluded", price, ann["baseline"])


def computed(direction, status, price, baseline):
    """(status, price, baseline, gain, formula)."""
    if price is None or baseline is None:
        return [status, price, baseline, None, None]
    if direction == "buy":
        return [status, price, baseline, baseline - price, "baseline-minus-price/v1"]
    return [status, price, baseline, price - baseline, "price-minus-baseline/v1"]


def published(r, a, line, ends):
    """What was published of this tender is what follows from its archive."""
    mine = [x for x in lines(a.ledger) if x["id"] == a.tender]
    shut = not a.opens and [min(a.closed.values(), key=lambda x: x.n)] if a.closed else []
    begun = [*r.of("awarded")] or [*r.of("tender-failed", "tender-terminated")] or shut
    if not begun or a.ann.get("reserve_of") is not None:
        r.need(not mine)
        return
    line = (
        [line[0] if not ends else "annulled", *([None, None] if ends else line[1:3])]
        if line
        else ["failed", None, None]
    )
    day = datetime.datetime.fromtimestamp(
        r.when(begun[0].time) // 10**6, datetime.timezone(datetime.timedelta(hours=8))
    )
    kind = REGIMES.get(a.ann.regime, "procurement" if a.ann.direction == "buy" else "property")
    want = [kind, f"{day:%Y-%m-%d}", a.ann.get("region") or "", *line, 1]
    r.need(len(mine) == 1)
    got = [mine[0].get(f, 1) for f in ["kind", "date", "region", "status", "deal", "baseline", "part"]]
    r.need(json.dumps(got) == json.dumps(want))


def lines(data):
    """Published lines, JSON pages or CSV."""
    if data.lstrip()[:1] in (b"{", b"["):
        told = json.loads(data)
        return [x for page in (told if isinstance(told, list) else [told]) for x in page["items"]]
    rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    number = lambda cell: int(cell) if cell else None  # noqa: E731
    return [
        {**x, "deal": number(x["deal_fen"]), "baseline": number(x["baseline_fen"]), "part": int(x.get("part") or 1)}
        for x in rows
    ]
