"""The second reader's V14, written from audit/log.md §8 alone: it shares no code with `trading verify` (see reader.py).

Everything is a fraction of integers until the text says round. `v14` is handed the names of reader.py.
"""

import json
import re
from fractions import Fraction

import reader_auction
import reader_draw

H, HEX = "[0-9a-f]{64}", "[0-9a-f]{32}"
SIDES = {
    "lowest-price/v1": "buy",
    "highest-price/v1": "sell",
    "evaluated-lowest/v1": "buy",
    "comprehensive/v1": "buy sell",
    "benchmark-mean/v1": "buy",
    "lowest-price-score/v1": "buy",
    "highest-price-score/v1": "sell",
}
KEYS = {  # method: (must have, may have)
    "lowest-price/v1": ("", "abnormal"),
    "highest-price/v1": ("", ""),
    "evaluated-lowest/v1": ("adjustments seats ties", "drop_from small_firm abnormal"),
    "comprehensive/v1": ("criteria price seats places ties", "drop_from small_firm abnormal object"),
    "benchmark-mean/v1": ("benchmark places ties", "abnormal"),
}
LAW = {  # regime: the methods it may have
    "works": "lowest-price/v1 evaluated-lowest/v1 comprehensive/v1 benchmark-mean/v1",
    "gov": "lowest-price/v1 evaluated-lowest/v1 comprehensive/v1",
    "property": "highest-price/v1",
    "land": "highest-price/v1 comprehensive/v1",
    "minerals": "highest-price/v1 comprehensive/v1",
}
ELSEWHERE = "lowest-price/v1 highest-price/v1 evaluated-lowest/v1 comprehensive/v1"
RULES = ("opening-list", "words", "decimal-point", "sum")


def need(ok):
    if not ok:
        raise ValueError
    return ok


def canon(x):
    return json.dumps(x, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


# ---- figures


def dec(text, low=0, high=10**6):
    need(isinstance(text, str) and re.fullmatch(r"(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?", text))
    need(low <= Fraction(text) <= high)
    return Fraction(text)


def percent(text):
    value = dec(text)
    need(0 < value < 100)
    return value


def whole(x, low, high):
    need(type(x) is int and low <= x <= high)
    return x


def name(x):
    need(isinstance(x, str) and re.fullmatch("[a-z][a-z0-9_]{0,31}", x) and x != "price")
    return x


def items(x):
    need(isinstance(x, list) and len(x) <= 64)
    return x


def keys(x, must, may=""):
    need(isinstance(x, dict) and set(must.split()) <= set(x) <= set(must.split()) | set(may.split()))
    return x


def rounded(x, places):
    """In units of the last place, half away from zero."""
    scaled = abs(Fraction(x)) * 10**places
    up = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return up if x >= 0 else -up


def shown(units, places):
    digits = str(abs(units)).zfill(places + 1)
    sign = "-" if units < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


# ---- what the notice declares


class Terms:
    def __init__(self, notice):
        given = notice.get("parameters", {})
        need(isinstance(given, dict))
        given = {k: v for k, v in given.items() if v is not None}
        self.method, direction, regime = notice["method"], notice["direction"], notice["regime"]
        must, may = KEYS[self.method]
        keys(given, must, may)
        need(direction in SIDES[self.method].split() and self.method in LAW.get(regime, ELSEWHERE).split())
        self.weights, self.adjustments, self.formula, self.weight, self.bench = {}, {}, None, 0, None
        if "criteria" in given:
            need(given["criteria"])
        for one in items(given.get("criteria", [])):
            keys(one, "id weight", "name")
            need(name(one["id"]) not in self.weights)
            self.weights[one["id"]] = percent(one["weight"])
        for one in items(given.get("adjustments", [])):
            unit = "fen" if "fen" in keys(one, "id max", "name fen percent") else "percent"
            keys(one, "id max " + unit, "name")
            need(name(one["id"]) not in self.adjustments)
            rate = whole(one["fen"], 1, 10**15) if unit == "fen" else percent(one["percent"])
            self.adjustments[one["id"]] = dec(one["max"], 1, 100), unit, rate
        if "price" in given:
            price = keys(given["price"], "formula weight", "benchmark")
            self.formula, self.weight = price["formula"], percent(price["weight"])
            need(("benchmark" in price) == (self.formula == "benchmark-mean/v1"))
            need(self.formula not in KEYS or self.formula == "benchmark-mean/v1")
            need(direction == SIDES[self.formula])
            need(self.weight + sum(self.weights.values()) == 100)
            if "benchmark" in price:
                self.bench = Bench(price["benchmark"])
        if "benchmark" in given:
            self.formula, self.weight, self.bench = "benchmark-mean/v1", Fraction(100), Bench(given["benchmark"])
        self.rated = [*self.weights, *self.adjustments]
        self.seats = whole(given.get("seats", 0), 0, 99)
        self.drop = whole(given["drop_from"], 3, 99) if "drop_from" in given else None
        self.places, self.ties = whole(given.get("places", 0), 0, 4), items(given.get("ties", []))
        need(bool(self.seats) == bool(self.rated) and (self.drop is None or self.rated))
        need(all(t == "price" or t in self.weights for t in self.ties) and len(set(self.ties)) == len(self.ties))
        need(given.get("object", "goods") in ("goods", "services", "works"))
        self.small = self.mean = self.next = None
        if "small_firm" in given:
            small = keys(given["small_firm"], "rate field")
            self.small = percent(small["rate"]), name(small["field"])
            kind = notice["opening_schema"][small["field"]]
            need(regime == "gov" and (kind["kind"], kind["min"], kind["max"]) == ("int", 0, 1))
        if "abnormal" in given:
            low = keys(given["abnormal"], "", "below_mean below_next")
            self.mean, self.next = (
                None if low.get(k) is None else percent(low[k]) for k in ("below_mean", "below_next")
            )
            need(self.mean is not None or self.next is not None)
        need(regime == "works" or (self.bench is None and self.drop is None))
        if regime == "gov":
            need(not self.adjustments)
            if self.method == "comprehensive/v1":
                need(self.weight >= {"goods": 30, "services": 10}[given["object"]] and self.ties[:1] == ["price"])
        if regime in ("works", "gov") and self.rated:
            need(self.seats >= 5 and self.seats % 2)

    def most(self, what):
        return self.adjustments[what][0] if what in self.adjustments else 100


class Bench:
    def __init__(self, given):
        keys(given, "trim float above below floor base_of")
        self.trim = []
        for row in items(given["trim"]):
            keys(row, "from highest lowest")
            start, high, low = whole(row["from"], 2, 999), whole(row["highest"], 0, 99), whole(row["lowest"], 0, 99)
            need(high + low < start and (not self.trim or start > self.trim[-1][0]))
            self.trim.append((start, high, low))
        moved = given["float"]
        need(isinstance(moved, str))
        sign = -1 if moved.startswith("-") else 1
        self.float = sign * dec(moved.removeprefix("-"), 0, 50)
        need(sign == 1 or self.float)
        self.above, self.below, self.floor = (dec(given[k], 0, 100) for k in ("above", "below", "floor"))
        need(given["base_of"] in ("standing", "opened"))
        self.all = given["base_of"] == "opened"


# ---- the arithmetic of §8, in its steps


def means(terms, bids, sheets):
    """Step 2, in units of the fourth place: {bid: {id: mean}}."""
    found = {}
    for bid in bids:
        found[bid] = {}
        for what in terms.rated:
            points = sorted(dec(sheet[bid][what], 0, terms.most(what)) for sheet in sheets)
            if terms.drop is not None and len(points) >= terms.drop:
                points = points[1:-1]
            found[bid][what] = rounded(sum(points) / len(points), 4)
    return found


def scored(terms, offer):
    """Step 3 without adjustments."""
    price = offer["price"]
    if terms.small and offer["small"]:
        price = rounded(price * (100 - terms.small[0]) / 100, 0)
    return max(1, price)


def evaluate(terms, offers, mean):
    """Steps 3–7: the rows in order, and the base."""
    standing = [o for o in offers if o["stands"]]
    rows, order, base, n = {}, {}, None, 10**terms.places
    if terms.formula and standing:
        base = measure(
            terms, sorted(scored(terms, o) for o in (offers if terms.bench and terms.bench.all else standing))
        )
    for o in standing:
        bid, price, e = o["bid"], o["price"], scored(terms, o)
        row = rows[bid] = {"bid": bid, "price": price}
        if terms.rated:
            row["means"] = {what: shown(mean[bid][what], 4) for what in terms.rated}
        for what, (_, unit, rate) in terms.adjustments.items():
            units = Fraction(mean[bid][what], 10**4)
            e += rounded(units * rate, 0) if unit == "fen" else rounded(units * rate * price / 100, 0)
        if terms.formula:
            q = part(terms, e, base)
            shares = {
                what: rounded(Fraction(mean[bid][what], 10**4) * w / 100, terms.places)
                for what, w in terms.weights.items()
            }
            total = q + sum(shares.values())
            row["total"], first = shown(total, terms.places), (-Fraction(total, n),)
            if terms.method == "comprehensive/v1":
                row["parts"] = {what: shown(u, terms.places) for what, u in {**shares, "price": q}.items()}
        else:
            first = (
                e
                if terms.method == "evaluated-lowest/v1"
                else price * (-1 if terms.method == "highest-price/v1" else 1),
            )
        if terms.method in ("evaluated-lowest/v1", "comprehensive/v1"):
            row["evaluated"] = e
        side = -1 if terms.formula == "highest-price-score/v1" else 1
        ties = [side * price if t == "price" else -mean[bid][t] for t in terms.ties]
        order[bid] = (*first, *ties, bid)
    ranked = sorted(rows, key=order.get)
    for place, bid in enumerate(ranked, 1):
        rows[bid]["rank"] = place
    return [rows[bid] for bid in ranked], base


def measure(terms, prices):
    """Step 4, from the prices in ascending order."""
    if not terms.bench:
        return prices[-1] if terms.formula == "highest-price-score/v1" else prices[0]
    high, low = ([(h, lo) for start, h, lo in terms.bench.trim if start <= len(prices)] or [(0, 0)])[-1]
    kept = prices[low : len(prices) - high]
    return rounded(sum(kept) * (100 + terms.bench.float) / (100 * len(kept)), 0)


def part(terms, e, base):
    """Step 5."""
    w = Fraction(terms.weight)
    if terms.formula == "lowest-price-score/v1":
        return rounded(base * w / e, terms.places)
    if terms.formula == "highest-price-score/v1":
        return rounded(e * w / base, terms.places)
    slope = terms.bench.above if e > base else terms.bench.below
    return rounded(max(100 - slope * 100 * abs(e - base) / base, terms.bench.floor) * w / 100, terms.places)


def table(terms, tender, offers, mean):
    """totals.json, with step 8."""
    rows, base = evaluate(terms, offers, mean)
    out = {"method": terms.method, "rows": rows, "tender": tender}
    if terms.formula and rows:
        out["base"], out["without"] = base, {}
        for gone in (o["bid"] for o in offers if o["stands"] or (terms.bench and terms.bench.all)):
            left, _ = evaluate(terms, [o for o in offers if o["bid"] != gone], mean)
            out["without"][gone] = left[0]["bid"] if left else None
    return out


def doubtful(terms, prices):
    """Whose price is abnormally low, of {bid: price}."""
    for bid, price in prices.items():
        others = [p for b, p in prices.items() if b != bid]
        mean = Fraction(sum(others), max(len(others), 1))
        if terms.mean is not None and mean > 0 and price <= (100 - terms.mean) / 100 * mean:
            yield bid
        above = [p for p in others if p >= price]
        if terms.next is not None and above and min(above) > 0 and price <= (100 - terms.next) / 100 * min(above):
            yield bid


# ---- V14


def v14(r):
    state, of = r.A, r.of
    ranked, won = [*of("candidates-published")], [*of("awarded")]
    told = [x for x in of("bid-rejected") if all(isinstance(x.get(f), str) for f in ("reason", "article"))]
    rejected = [(x.n, x.get("bid")) for x in told]
    r.owes(r"evaluation/totals\.json", {"evaluation/totals.json"} if ranked else ())
    need(len(ranked) < 2 and len(won) < 2 and (ranked or not won) and (not ranked or state.opens))
    for p in r.named("evaluation/sheets/.*"):
        need(r.hx(r.get(p)) == p[18:-5] and any(p[18:-5].encode() in x.raw for x in state.recs if r.ours(x)))
    for x in of("explanation-asked", "explanation-given"):
        need(re.fullmatch(HEX, x.bid))
    end = ranked[0].n if ranked else r.NEVER
    sheets, seen = {}, set()
    for x in of("scores-entered"):
        need(re.fullmatch(H, x.sheet) and x.sheet not in seen and x.n < end and type(x.seat) is int and x.seat > 0)
        need(x.replaces == sheets.get(x.seat))
        sheets[x.seat] = x.sheet
        seen.add(x.sheet)
    reader_draw.signed(r, set(sheets.values()))
    openings, steps = opened(r), {}
    prices = {b: told["price"] for b, told in openings.items()}
    for x in of("price-corrected"):
        need(x.stage == "form" and x.n < end and prices[x.bid] == x.read != x.corrected and type(x.read) is int)
        step = RULES.index(x.rule)
        need(type(x.corrected) is int and x.corrected >= 1 and step > steps.get(x.bid, -1))
        prices[x.bid], steps[x.bid] = x.corrected, step
    for x in ranked:
        state.at = f"record {state.ann.n} (project-announced)"
        terms, out = Terms(state.ann), {b for n, b in rejected if n < x.n}
        prices |= {b: p for b, p in reader_auction.cried(r, x.n).items() if b in prices}
        able, field = [b for b in prices if b not in out], terms.small[1] if terms.small else None
        offers = [
            {
                "bid": b,
                "price": prices[b],
                "stands": b in able,
                "small": type(v := openings[b].get(field)) is int and v == 1,
            }
            for b in sorted(prices)
        ]
        state.at = f"record {x.n} (candidates-published)"
        for b in doubtful(terms, {b: prices[b] for b in able}):
            asked = [y.n for y in of("explanation-asked") if y.bid == b]
            need(any(min(asked, default=r.NEVER) < y.n < x.n for y in of("explanation-given") if y.bid == b))
        state.at = "evaluation/sheets"
        need(not terms.rated or set(sheets) == set(range(1, terms.seats + 1)))
        mean = {}
        if terms.rated and not state.public:
            mean = means(terms, able, [points(r, state.tender, seat, h) for seat, h in sheets.items()])
        elif terms.rated:
            for row in r.load("evaluation/totals.json")["rows"]:
                need(set(row["means"]) == set(terms.rated))
                need(
                    all(
                        dec(v, 0, terms.most(k)) is not None and re.search(r"\.\d{4}$", v)
                        for k, v in row["means"].items()
                    )
                )
                mean[row["bid"]] = {k: int(Fraction(v) * 10**4) for k, v in row["means"].items()}
        made = table(terms, state.tender, offers, mean)
        need(canon(made) == r.get("evaluation/totals.json") and x.totals == r.hx(state.files[state.at]))
        state.at = f"record {x.n} (candidates-published)"
        need(x.ranking == [row["bid"] for row in made["rows"]][: r.rule("WK-35")])
        for y in won:
            left = [b for b in x.ranking if b not in [c for n, c in rejected if n < y.n]]
            state.at = f"record {y.n} (awarded)"
            if state.ann.get("state_funded") is not False or r.rule("WK-40") is None:
                left = left[:1]
            need(y.bid in left and [row["price"] for row in made["rows"] if row["bid"] == y.bid] == [r.number(y.price)])


def opened(r):
    """What was read out of each bid that counts and is whole, where it has a price."""
    state, openings = r.A, {}
    for b in state.counted if state.opens else ():
        if all(b in r.listing(s) and [u.verdict for u in r.unsealed(s, b)][-1:] == ["OK"] for s in state.stages):
            told = r.unsealed("form", b)[-1].opening
            if type(told.get("price")) is int:
                openings[b] = told
    return openings


def able(r, before):
    """{bid: its sealed or corrected price} of the bids that may win below an index."""
    prices = {b: told["price"] for b, told in opened(r).items()}
    prices |= {x.bid: x.corrected for x in r.of("price-corrected") if x.n < before}
    out = {x.get("bid") for x in r.of("bid-rejected") if x.n < before}
    return {b: p for b, p in prices.items() if b not in out}


def points(r, tender, seat, digest):
    sheet = keys(r.load(f"evaluation/sheets/{digest}.json"), "type tender seat rows")
    need(
        (sheet["type"], sheet["tender"], sheet["seat"]) == ("trading.sheet/v1", tender, seat)
        and type(sheet["seat"]) is int
    )
    found = {}
    for row in sheet["rows"]:
        keys(row, "bid points")
        need(row["bid"] not in found and isinstance(row["points"], dict))
        found[row["bid"]] = {k: v for k, v in row["points"].items() if dec(v, 0, 100) >= 0}
    need(list(found) == sorted(found))
    return found
