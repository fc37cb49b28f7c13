"""The second reader's V15, from audit/log.md §5 and §8 alone: it shares no code with `trading verify` (see reader.py).

`v15` is handed the names of reader.py. Times are microseconds, days those of UTC+8. A longest period that was not kept is
gathered in `late`: it is a fault where no alert carries its rule. A shortest one is a fault.
"""

# ruff: noqa: SIM300
import itertools

import reader_auction

DAY, HOUR = 86400 * 10**6, 3600 * 10**6
AFTERWARDS = "announced closed shut opened ranked awarded contracted failed terminated"
STEPS = {  # log.md §8, V15: record: (stages, stage after it)
    "keyset-made": ("named keyed", "keyed"),
    "project-announced": ("keyed", "announced"),
    "documents-issued": ("keyed announced", ""),
    "documents-amended": ("announced", ""),
    "question-answered": ("announced", ""),
    "deadline-moved": ("announced", ""),
    "close": ("announced", "closed"),
    "leave-shut": ("announced", "shut"),
    "abandon": ("terminated", ""),
    "abandoned": ("terminated", ""),
    "released": ("closed opened", ""),
    "stored": ("closed opened", ""),
    "window-ended": ("closed opened", ""),
    "unsealed": ("closed opened", "opened"),
    "stage-settled": ("opened", ""),
    "bid-rejected": ("opened ranked", ""),
    "price-corrected": ("opened", ""),
    **dict.fromkeys(("report-received", "auction-opened", "auction-resumed", "auction-closed"), ("opened", "")),
    "candidates-published": ("opened", "ranked"),
    "evaluation-closed": ("opened ranked awarded failed terminated", ""),
    "awarded": ("ranked", "awarded"),
    "award-notified": ("awarded", ""),
    "report-filed": ("awarded contracted", ""),
    "contract-signed": ("awarded", "contracted"),
    "line-corrected": ("awarded contracted archived", ""),
    "contract-published": ("contracted", ""),
    "contract-filed": ("contracted", ""),
    "securities-settled": ("shut awarded contracted failed terminated", ""),
    "remedy-filed": (AFTERWARDS, ""),
    "remedy-accepted": (AFTERWARDS, ""),
    "remedy-refused": (AFTERWARDS, ""),
    "remedy-answered": (AFTERWARDS, ""),
    "suspension-ordered": ("announced closed opened ranked awarded", ""),
    "suspension-lifted": ("announced closed opened ranked awarded", ""),
    "idle-warned": ("named keyed announced", ""),
    "tender-failed": ("opened ranked awarded", "failed"),
    "tender-terminated": ("named keyed announced closed opened ranked awarded", "terminated"),
    "archived": ("shut opened ranked awarded contracted failed terminated", "archived"),
}
WAITS = {
    "close", "leave-shut", "unsealed", "stage-settled", "candidates-published", "awarded", "award-notified",
    "contract-signed", "tender-failed", "auction-opened", "auction-resumed", "auction-closed",
}  # fmt: skip
ONCE = {
    "documents-issued", "report-received", "award-notified", "report-filed", "contract-published", "contract-filed",
    "securities-settled",
}  # fmt: skip
CONTRACT = ("WK-46", "GP-15", "LD-03", "MN-04")
KINDS = {  # a remedy and the rules that know it
    "objection": {"documents": ["WK-09"], "opening": ["WK-39"], "result": ["WK-39"]},
    "inquiry": ["GP-19"],
    "challenge": ["GP-20"],
    "complaint": ["WK-41", "GP-22"],
}
# fmt: off
ANSWERS = {("objection", "documents"): "WK-11", ("objection", "result"): "WK-39", "inquiry": "GP-19", "challenge": "GP-21"}
def need(ok): return ok or no()
def no(): raise ValueError
def day(t): return (t + 8 * HOUR) // DAY
def begins(d): return d * DAY - 8 * HOUR  # 00:00 of a day
def is_hash(x, n=64): return isinstance(x, str) and len(x) == n and not set(x) - set("0123456789abcdef")
def is_whole(x, least=0): return type(x) is int and x >= least
def is_text(x): return isinstance(x, str) and x != ""
def blocks(one, act): return act == "contract-signed" if one["scope"] == "contract" else act in WAITS
def closed(x): return "close" if x["opens"] else "abandon" if x["reason"] == "abandoned" else "leave-shut"
def act_of(x): return closed(x) if x.kind == "closed" else x.kind
# fmt: on


class Life:
    """The tender's life so far, and what its rulebook asks."""

    def __init__(self, r, book, qualified):
        self.r, self.qualified, self.stage, self.done, self.late = r, qualified, "named", {}, []
        self.rules = {x["id"]: (x["value"], x["unit"]) for x in book.get("rules", ())}
        self.deadline, self.ann = None, {}

    # ---- rules and days

    def rule(self, *ids):
        """The first of these that is pinned."""
        return next((i for i in ids if i in self.rules), None)

    def n(self, i):
        return self.rules[i][0]

    def least(self, i, start):
        """The last day of a period that must have run."""
        return day(start) + self.n(i)

    def most(self, i, start, more=0):
        """24:00 of the last day of a period that may run no longer."""
        n = self.n(i) + more
        return begins(day(start) + (2 * n if self.rules[i][1] == "工作日" else n) + 10 + 1)

    def overdue(self, act, i, start, end):
        """A longest period; the time in which the act had to wait does not count."""
        waited, reached = 0, start
        for one in self.suspensions():
            if blocks(one, act):
                lo, hi = max(one["since"], reached), min(one["over"] or end, end)
                if lo < hi:
                    waited, reached = waited + hi - lo, hi
        if end - waited >= self.most(i, start):
            self.late.append(i)

    # ---- looking back

    def all(self, kind):
        return self.done.get(kind, [])

    def last(self, kind):
        return self.all(kind)[-1] if self.all(kind) else None

    def standing(self):
        gone = {x["bid"] for x in self.all("bid-rejected")}
        ranked = self.last("candidates-published")
        return [b for b in (ranked["ranking"] if ranked else ()) if b not in gone]

    def remedy(self, id):
        found = [x for x in self.all("remedy-filed") if x["remedy"] == id]
        return need(found) and found[-1]

    def about(self, kind, id):
        """What became of a remedy: the record of that kind about it."""
        return next((x for x in reversed(self.all(kind)) if x["remedy"] == id), None)

    def suspensions(self):
        found = []
        for x in self.all("remedy-filed"):
            id, kind, about = x["remedy"], x["kind"], x["about"]
            rule = {"objection": "WK-39" if about == "result" else "WK-11", "complaint": ""}.get(kind, "GP-25")
            if rule in self.rules and (kind, about) != ("objection", "opening"):
                end = self.about("remedy-answered", id) or self.about("remedy-refused", id)
                scope = "all" if kind == "objection" else "contract"
                found.append({"scope": scope, "since": x.begun, "over": end.done if end else None, "ended": bool(end)})
        for x in self.all("suspension-ordered"):
            until = self.r.when(x["until"]) if x["until"] else None
            if until is None and x["ground"] == "complaint" and "GP-24" in self.rules:
                until = begins(self.least("GP-24", self.ordered_first(x).begun) + 1)
            lifted = next((y.done for y in self.all("suspension-lifted") if y["order"] == x["order"]), None)
            over = min((t for t in (until, lifted) if t is not None), default=None)
            found.append({"scope": "all", "since": x.begun, "until": until, "over": over, "ended": lifted is not None})
        return sorted(found, key=lambda one: one["since"])

    def ordered_first(self, x):
        if x["remedy"] is None:
            return x
        return next(y for y in [*self.all("suspension-ordered"), x] if y["remedy"] == x["remedy"])

    # ---- one step

    def take(self, x, act):
        """Judge a record that tells of an act, and go on behind it."""
        stages, to = STEPS[act]
        need(self.stage in stages.split())
        for one in self.suspensions():
            holds = not one["ended"] and (one.get("until") is None or x.done < one["until"])
            need(not (holds and blocks(one, act)))
        need(act not in ONCE or not self.all(x.kind))
        asks = getattr(self, act.replace("-", "_"), None)
        if asks:
            asks(x)
        self.done.setdefault(x.kind, []).append(x)
        self.stage = to or self.stage

    def project_announced(self, x):
        r, self.ann = self.r, x
        self.deadline, supplied = r.when(x["deadline"]), x.get("supply_until")
        need(self.deadline > x.t and (x.get("documents") is None or is_hash(x["documents"])))
        need(x.get("reserve") is None or is_text(x["reserve"]))
        need(x.get("state_funded", True) in (True, False) and x.get("blind") in (None, True, False))
        for i in ("WK-06", "GP-01"):
            if i in self.rules:
                need(day(self.deadline) >= self.least(i, x.begun))
        if supplied is not None:
            need((until := r.when(supplied)) <= self.deadline)
            for i in ("WK-03", "GP-03", "GP-04"):
                if i in self.rules:
                    need(day(until) > self.least(i, x.begun))
        priced = x.get("pricing") in ("unit", "rate") and x["direction"] == "buy" and x.get("estimate") is not None
        need(priced or x.get("pricing") in (None, "total"))
        security, estimate, valid = x.get("security"), x.get("estimate"), x.get("bid_validity_days")
        need((estimate is None or type(estimate) is int) and (valid is None or is_whole(valid)))
        if security is not None:
            need(set(security) == {"amount", "valid_days", "accounts"} and type(security["amount"]) is int)
            need(is_text(security["accounts"]) and (security["valid_days"] is None or is_whole(security["valid_days"])))
            base, i = x["baseline"] if estimate is None else estimate, self.rule("WK-12", "GP-07")
            need(not i or base is None or x["direction"] != "buy" or security["amount"] * 100 <= base * self.n(i))
            need("WK-13" not in self.rules or security["valid_days"] in (None, valid) or valid is None)
            need("WK-14" not in self.rules or security["accounts"] == "basic")

    def deadline_moved(self, x):
        self.deadline = max(self.deadline or 0, self.r.when(x["deadline"]))

    def close(self, x):
        i = self.rule("WK-07", "GP-05")
        for one in self.all("documents-amended"):
            if i and one["affects"]:
                need(day(one.t) <= day(self.deadline) - self.n(i))

    leave_shut = close

    def report_received(self, x):
        need(is_hash(x["report"]))

    def candidates_published(self, x):
        report = self.last("report-received")
        need(report or not self.rule("WK-37", "GP-11"))
        need("GP-30" not in self.rules or self.qualified(x) >= self.n("GP-30"))
        if "WK-37" in self.rules:
            self.overdue("candidates-published", "WK-37", report.done, x.begun)

    def awarded(self, x):
        standing, report = self.standing(), self.last("report-received")
        if "WK-38" in self.rules:
            need(day(x.done) > self.least("WK-38", self.last("candidates-published").begun))
        free = self.ann.get("state_funded") is False and "WK-40" in self.rules
        need(x["bid"] in standing and (free or x["bid"] == standing[0]))
        if report and "GP-11" in self.rules:
            self.overdue("awarded", "GP-11", report.done, x.begun)

    def award_notified(self, x):
        need(is_hash(x["letter"]))
        if "GP-12" in self.rules:
            self.overdue("award-notified", "GP-12", self.last("awarded").done, x.begun)

    def report_filed(self, x):
        need(is_hash(x["report"]))
        if "WK-47" in self.rules:
            self.overdue("report-filed", "WK-47", self.last("awarded").done, x.begun)

    def contract_signed(self, x):
        need(is_hash(x["contract"]) and type(x["amount"]) is int)
        timed, letter, signed = self.rule("WK-46", "GP-15"), self.last("award-notified"), self.r.when(x["signed"])
        need((letter or not timed) and signed <= x.t and (not letter or signed >= letter.t))
        for one in self.suspensions():
            need(not (one["since"] <= signed and (one["over"] is None or signed < one["over"])))
        need(not self.rule(*CONTRACT) or x["amount"] == self.last("awarded")["price"])
        performance, i = x["performance"], self.rule("WK-48", "GP-26")
        whole = x["amount"] if self.ann.get("pricing") in (None, "total") else self.ann["estimate"]
        need(performance is None or type(performance) is int)
        need(performance is None or not i or performance * 100 <= whole * self.n(i))
        if letter and timed:
            self.overdue("contract-signed", timed, letter.done, signed)

    def line_corrected(self, x):
        need(self.all("awarded") and not self.all("tender-failed") and not self.all("tender-terminated"))

    def _since_signed(self, x, *ids):
        contract, i = self.last("contract-signed"), self.rule(*ids)
        if contract and i:
            self.overdue(x.kind, i, self.r.when(contract["signed"]), x.begun)

    def contract_published(self, x):
        need(x["contract"] == self.last("contract-signed")["contract"])
        self._since_signed(x, "GP-17")

    def contract_filed(self, x):
        need(x["contract"] == self.last("contract-signed")["contract"])
        self._since_signed(x, "GP-16")

    def securities_settled(self, x):
        need(is_whole(x["count"]) and type(x["amount"]) is int and type(x["interest"]) is int)
        need(self.stage != "awarded" or not self.rule(*CONTRACT))
        self._since_signed(x, "WK-49", "GP-08")

    # ---- remedies

    def remedy_filed(self, x):
        id, kind, about, known, follows = (x[f] for f in ("remedy", "kind", "about", "known", "follows"))
        need(is_hash(id, 32) and id not in [y["remedy"] for y in self.all("remedy-filed")])
        known = None if known is None else self.r.when(known)
        ids = KINDS[kind] if kind != "objection" else KINDS[kind][about]
        need(about in ("documents", "opening", "result") and self.rule(*ids))
        first = None if follows is None else self.remedy(follows)
        issued, opened = self.ann.t, next(iter(self.all("unsealed")), None)
        published, ends = self._publicity()
        if kind == "objection" and about == "documents":
            need(day(x.t) <= day(self.deadline) - self.n("WK-09"))
        elif kind == "objection" and about == "opening":
            need(opened and x.t >= opened.t)
            kinds = ["bid-rejected", "price-corrected", "report-received", "candidates-published", "tender-failed"]
            begun = min((y.t for k in kinds for y in self.all(k)), default=None)
            need(begun is None or x.t <= begun)
        elif kind == "objection":
            need(published is not None and x.t >= published)
            need(ends is None or x.t < ends)
        elif kind != "inquiry":
            told = {"documents": issued, "opening": opened.t if opened else None, "result": ends - 1 if ends else None}[
                about
            ]
            happened = published if about == "result" else told
            need((known is None or known <= x.t) and happened is not None and x.t >= happened)
            latest = told if told is not None and told <= x.t else x.t
            knew = latest if known is None else known if about == "documents" else min(known, latest)
            if kind == "challenge":
                need(x.t < self.most("GP-20", knew))
            else:
                self._complaint(x, about, knew, first)

    def _publicity(self):
        """When the result was published, and 24:00 of the last day of its publicity."""
        candidates, award, letter = (self.last(k) for k in ("candidates-published", "awarded", "award-notified"))
        if "GP-14" in self.rules:
            posted = letter or award
            return (award.t if award else None), (self.most("GP-14", posted.t) if posted else None)
        if candidates is None:
            return None, None
        return candidates.t, (self.most("WK-38", candidates.t) if "WK-38" in self.rules else None)

    def _complaint(self, x, about, knew, first):
        answered = self.about("remedy-answered", first["remedy"]) if first else None
        if "WK-41" in self.rules:
            need("WK-42" not in self.rules or (first and (first["kind"], first["about"]) == ("objection", about)))
            more = max(0, day(answered.t if answered else x.t) - day(first.t)) if first else 0
            need(x.t < self.most("WK-41", knew, more))
            return
        need(first and (first["kind"], first["about"]) == ("challenge", about) and "GP-21" in self.rules)
        need(answered or x.t >= begins(self.least("GP-21", first.t) + 1))
        need(x.t < self.most("GP-22", self.most("GP-21", first.t) - 1))

    def _still_open(self, x):
        found = self.remedy(x["remedy"])
        need(not self.about("remedy-answered", x["remedy"]) and not self.about("remedy-refused", x["remedy"]))
        return found

    def remedy_accepted(self, x):
        found = self._still_open(x)
        need(found["kind"] == "complaint" and not self.about("remedy-accepted", x["remedy"]))
        if "WK-43" in self.rules:
            self.overdue(x.kind, "WK-43", found.done, x.begun)

    remedy_refused = remedy_accepted

    def remedy_answered(self, x):
        found, accepted = self._still_open(x), self.about("remedy-accepted", x["remedy"])
        need(is_text(x["outcome"]))
        start, i = found.done, ANSWERS.get(found["kind"]) or ANSWERS.get((found["kind"], found["about"]))
        if found["kind"] == "complaint":
            need(accepted or "WK-43" not in self.rules)
            i = self.rule("WK-44", "GP-23")
            if i == "WK-44":
                i, start = (i, accepted.done) if accepted else (None, start)
        if i in self.rules:
            self.overdue(x.kind, i, start, x.begun)

    def suspension_ordered(self, x):
        need(x["ground"] in ("complaint", "supervision", "outage"))
        need(isinstance(x["article"], str) and is_text(x["order"]))
        need(x["order"] not in [y["order"] for y in self.all("suspension-ordered")])
        until = None if x["until"] is None else self.r.when(x["until"])
        need(until is None or until > x.t)
        if x["remedy"] is not None or x["ground"] == "complaint":
            need(self._still_open(x)["kind"] == "complaint")
        if x["ground"] == "complaint" and "GP-24" in self.rules:
            longest = self.most("GP-24", self.ordered_first(x).t)
            need(until <= longest if until is not None else x.t < longest)

    def suspension_lifted(self, x):
        given = [y["order"] for y in self.all("suspension-ordered")]
        need(x["order"] in given and x["order"] not in [y["order"] for y in self.all("suspension-lifted")])

    # ---- ends

    def stands_idle(self, x):
        return self.stage in ("named", "keyed") or (self.stage == "announced" and x.t > self.deadline)

    def idle_warned(self, x):
        need(self.r.when(x["due"]) and self.rule("NB-09", "PY-05") and self.stands_idle(x))

    def tender_terminated(self, x):
        reason = x["reason"]
        shut = ["shut"] * (self.ann is not None and self.ann.get("reserve_of") is not None)
        need(reason in ("idle", "tenderee", "force_majeure", *shut) and (reason, self.stage) != ("tenderee", "awarded"))
        need(is_text(x["article"]) and (x["warned"] is None or self.r.when(x["warned"])))
        if reason == "idle":
            warned, i = self.last("idle-warned"), self.rule("NB-09", "PY-05")
            need(warned and i and self.stands_idle(x) and day(x.done) > day(warned.begun) + self.n(i)["warning"])

    def tender_failed(self, x):
        reason = x["reason"]
        need(is_text(x["article"]))
        need(reason in ("all_rejected", "too_few_qualified", "no_candidate", "candidates_gone"))
        need((reason == "candidates_gone") == (self.stage in ("ranked", "awarded")))
        if reason == "candidates_gone":
            need(self.stage == "awarded" or not self.standing())
        elif reason != "no_candidate" or (
            self.ann.get("reserve") is None and reader_auction.stands(self.r, x.n) != "below_reserve"
        ):
            few = self.n("GP-30") if reason == "too_few_qualified" and "GP-30" in self.rules else 1
            need(self.qualified(x) < few)

    def archived(self, x):
        follows, stage = self.rule(*CONTRACT), self.stage
        need(stage not in ("opened", "ranked", "awarded") or not follows)
        need(stage != "opened" or self.ann.get("reserve_of") is not None or not self.rules)
        need((stage != "ranked" or not self.standing()) and (stage != "terminated" or self.ann))
        for y in self.all("remedy-filed"):
            need(self.about("remedy-answered", y["remedy"]) or self.about("remedy-refused", y["remedy"]))
        need(stage in ("opened", "ranked") or not self.ann.get("security") or self.all("securities-settled"))
        if stage == "contracted":
            for i, kind in (("GP-17", "contract-published"), ("GP-16", "contract-filed"), ("WK-47", "report-filed")):
                need(i not in self.rules or self.all(kind))


def documents(r, A):
    """A set is the hash of its list of files; what was announced is what was issued."""
    for x in r.of("documents-issued", "documents-amended"):
        need(
            all(set(f) == {"name", "size", "sha256"} and is_text(f["name"]) and is_whole(f["size"]) for f in x["files"])
        )
        need(
            all(is_hash(f["sha256"]) for f in x["files"])
            and (x.kind != "documents-amended" or (type(x["affects"]) is bool and isinstance(x["reason"], str)))
        )
        need(r.hx(r.canon({"files": sorted(x["files"], key=lambda f: f["name"])})) == x["set"])
    announced = A.ann.get("documents")
    need([x["set"] for x in r.of("documents-issued")] == ([] if announced is None else [announced]))


def order(r, A):
    """What lies before what, in the log."""
    A.at, rel = "order of steps", [*r.of("released")]
    finals = [r.unsealed(s, b)[-1].n for s in A.stages for b in A.eff[s] if r.unsealed(s, b)]
    steps = [
        [A.ann.n],
        [x.n for x in A.closed.values()],
        finals,
        *([x.n for x in r.of(k)] for k in ("candidates-published", "awarded")),
    ]
    steps.append([max(x.n for x in r.of("archived"))])
    need(all(max(p) < min(q) for p, q in itertools.pairwise([s for s in steps if s])))
    for x in rel:
        need(x.stage == "form" or any(y.n < x.n for y in r.of("stored") if y.stage == x.stage))
    for x in r.of("bid-rejected"):
        need(A.opens and any(x.bid in c for c in A.eff.values()) and is_text(x.reason) and is_text(x.article))


def moves(r, A):
    """A deadline moves later, in time; an outage alone moves it afterwards, by its rule."""
    old, gaps = r.when(A.ann.deadline), [r.span(x.outage) for x in r.of("deadline-moved") if x.outage]
    for x in r.of("deadline-moved"):
        new, T = r.when(x.deadline), A.times[r.over(x)]
        need(new > old)
        if x.outage is None:
            away = any(lo - A.slack <= x.t and T <= hi + A.slack for lo, hi in gaps)
            need(x.t <= old and (T <= old + 4 * A.beat or away))
        else:
            lo, hi = r.span(x.outage)
            need(lo <= old <= hi + 2 * HOUR)
            need(new >= (hi if old <= hi else old) + 2 * HOUR)
        old = new


def v15(names):
    """Every step in its order and its time."""
    r, A = names, names.A
    book, ann = r.load("rulebook.json"), A.ann
    need((r.hx(A.files[A.at]), book.type, book.regime) == (ann.rulebook, "trading.rulebook/v1", ann.regime))
    if "rules" in book:
        r.only(book, "type id regime rules panel")
    order(r, A)
    moves(r, A)
    documents(r, A)
    need(all(ann.min_bids >= (r.rule(i) or 0) for i in ("WK-26", "GP-29", "SL-01")))

    def qualified(x):
        out = {y.bid for y in r.of("bid-rejected") if y.n < x.n}
        fine = [b for b in A.counted if b not in out and all(b in r.listing(s) for s in A.stages)]
        told = {b: [u[-1].verdict if (u := r.unsealed(s, b)) else "" for s in A.stages] for b in fine}
        return sum(set(verdicts) == {"OK"} for verdicts in told.values())

    life, closed = Life(r, book, qualified), False
    for x in sorted((x for x in A.recs if r.ours(x)), key=lambda x: x.n):
        if (x.kind not in STEPS and x.kind != "closed") or not x.clear or (x.kind == "closed" and closed):
            continue
        closed, A.at = closed or x.kind == "closed", f"record {x.n} ({x.kind})"
        T = A.times.get(r.over(x)) if x.n >= A.a else None
        x.begun, x.done = (x.t, x.t) if T is None else (max(x.t, T - A.slack), min(x.t, T + A.slack))
        life.take(x, act_of(x))
    A.at = f"done too late: {life.late}"
    need(A.public or all(any(i in x.values() for x in r.of("alert-raised")) for i in life.late))
    return f"pass ({A.at})" if life.late else None
