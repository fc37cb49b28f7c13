"""The second reader's V15 of the online auction, and its prices for V14, from audit/log.md alone (see reader.py)."""

import re

AUCTION = ("auction-opened", "auction-bid", "auction-extended", "auction-resumed", "auction-closed")
TIMED = {*AUCTION, "auction-joined"}
MOST = 10**9


def need(ok):
    if not ok:
        raise ValueError


def whole(x, least):
    need(type(x) is int and x >= least)
    return x


def cried(r, before):
    """{bid: its last price in the rounds}, where the auction was closed below an index."""
    ends = [x for x in r.of("auction-closed") if x.n < before]
    if not ends:
        return {}
    end, names = ends[0], ends[0]["bids"]
    bids = [x for x in r.of("auction-bid") if x.n < end.n and 1 <= whole(x["number"], 1) <= len(names)]
    return {names[x["number"] - 1]: x["price"] for x in bids}


def stands(r, before):
    """How the auction stands below an index: "", "open", "sold", "below_reserve"."""
    if not any(x.n < before for x in r.of("auction-opened")):
        return ""
    return next((x["outcome"] for x in r.of("auction-closed") if x.n < before), "open")


def by(r, x, key, alg=None):
    """Whether exactly one signature, of this key, is over the record."""
    out = ("actor", "time", "serial", "sserial", "sig")
    rest = dict(e for e in x.items() if e[0] not in out)
    found = r.signers(x["sig"], b"trading/record-sig/v1\n" + r.canon(rest))
    need(len(x["sig"]) == 1 and set(found) == {key})
    need(alg is None or ("key" in x["sig"][0] and x["sig"][0]["alg"] == alg))


def auction(r, A, prices):
    """The rounds heard again; what was heard. `prices`: the sealed (or corrected) prices of the bids that may win, below an
    index. What is opened, resumed or closed while the tender is suspended fails in reader_life.py."""
    said = sorted(r.of(*AUCTION), key=lambda x: x.n)
    if not said:
        return
    first = said[0]
    A.at = f"record {first.n} (auction-opened)"
    need(first.kind == "auction-opened" and (A.ann.direction, A.ann.method) == ("sell", "highest-price/v1"))
    need(all(x.n < first.n for x in r.of("unsealed")) and [*r.of("unsealed")])
    keys = [r.unb64(k, 32) for k in first["bidders"]]
    need(len(keys) == len(set(keys)) >= 1)
    price, step = whole(first["start"], 1), whole(first["increment"], 1)
    opens, hammer = r.when(first["opens"]), r.when(first["hammer"])
    window, longer, reveal = (whole(first[f], 0) for f in ("window", "extension", "reveal"))
    need(max(window, longer, reveal) <= MOST and first.t <= opens < hammer)
    need(first["reserve"] is None or len(r.unhex(first["reserve"])) == 32)
    need(price == max(prices(first.n).values(), default=0))
    rules = {x["id"]: x["value"] for x in A.js["rulebook.json"].get("rules", ())}
    if "AU-01" in rules:
        T = A.times.get(r.over(A.ann)) if A.ann.n >= A.a else None
        begun = A.ann.t if T is None else max(A.ann.t, T - A.slack)
        need(r.day(opens) >= r.day(begun) + rules["AU-01"])
    over = min((x.n for x in r.of("candidates-published", "tender-failed", "tender-terminated")), default=r.NEVER)
    number, last, owed, end, rests = None, None, None, None, None
    orders = [x for x in r.of("suspension-ordered") if x.n > first.n]
    for x in sorted([*said[1:], *orders], key=lambda x: x.n):
        A.at = f"record {x.n} ({x.kind})"
        if x.kind == "suspension-ordered":
            if end is None and rests is None and x.done <= hammer:
                rests = x.done
            continue
        need(end is None and x.n < over and x.kind != "auction-opened")
        if x.kind == "auction-extended":
            need(owed is not None and r.when(x["hammer"]) == owed and x.t == last)
            hammer, owed = owed, None
            continue
        need(owed is None)
        if x.kind == "auction-resumed":
            need(rests is not None and x.t >= (x.t if last is None else last))
            left, opens = hammer - max(opens, rests), r.when(x["opens"])
            hammer, rests, last = r.when(x["hammer"]), None, x.t
            need(opens >= x.t and hammer > opens and hammer - opens >= left)
            continue
        need(rests is None)
        if x.kind == "auction-bid":
            need(opens <= x.t <= hammer and (last is None or x.t >= last) and whole(x["price"], 1) >= price + step)
            need(whole(x["number"], 1) <= len(keys))
            by(r, x, keys[x["number"] - 1], "EdDSA")
            number, price, last = x["number"], x["price"], x.t
            if hammer - x.t <= window * r.SECOND and x.t + longer * r.SECOND > hammer:
                owed = x.t + longer * r.SECOND
            continue
        end, told = x, x["reserve"]
        need(x.t > hammer and (last is None or x.t >= last) and r.when(x["hammer"]) == hammer)
        if told is not None:
            need(r.only(told, "price salt") and r.unhex(told["salt"]) and whole(told["price"], 0) >= 0)
            need(r.hx(r.canon(told)) == first["reserve"])
        else:
            need(first["reserve"] is None or x.t > hammer + reveal * r.SECOND)
        low = told is not None and price < told["price"]
        need((x["number"], x["price"], x["outcome"]) == (number, price, "below_reserve" if low else "sold"))
        need(len(x["bids"]) == len(set(x["bids"])) == len(keys))
        need(all(re.fullmatch("[0-9a-f]{32}", b) for b in x["bids"]))
    need(owed is None)
    for x in r.of("candidates-published"):
        A.at = f"record {x.n} (candidates-published)"
        need(stands(r, x.n) == "sold")
    who(r, A, first, end, keys)
    return f"auction heard again: {sum(x.kind == 'auction-bid' for x in said)} bids"


def who(r, A, first, end, keys):
    """Who joined is who was let in, and is named by the closing."""
    joined = {}
    for x in r.of("auction-joined"):
        A.at = f"record {x.n} (auction-joined)"
        key = r.unb64(x["key"], 32)
        need(x.n < first.n and key not in joined and x["bid"] not in joined.values())
        by(r, x, A.eff["form"][x["bid"]].key)
        joined[key] = x["bid"]
    if not [*r.of("evaluation-closed")]:
        return
    A.at = f"record {first.n} (auction-opened)"
    gone = {x["bid"] for x in r.of("bid-rejected") if x.n < first.n}
    able = {k: b for k, b in joined.items() if b not in gone}
    need(set(able) == set(keys))
    need(end is None or end["bids"] == [able[k] for k in keys])
