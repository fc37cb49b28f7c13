"""The second reader's V13, from experts/draw.md alone: it shares no code with `trading verify` (see reader.py).

`v13` is handed the names of reader.py and its archive. A record is an object of its fields, with `n` its index, `t` its
time, `since` when keys are looked up for it, `raw` its bytes.
"""

import hashlib
import hmac
import itertools
import re
from collections import Counter

import reader_draw_records

MINUTE, DAY = 60 * 10**6, 86400 * 10**6
H = "[0-9a-f]{64}"
REASONS = {
    "removed", "suspended", "leave", "specialty", "region", "employer", "kin", "interest", "supervisor", "declared",
}  # fmt: skip
LOST = {"declined", "conflict", "unreachable", "no_show", "removed"}
CALLING = ["draw-called", "panel-seated", "panel-exhausted", "seat-keyed", "conflict-declared"]
OF_ATTEMPT = ["draw-nonce-committed", "draw-nonce-revealed", "draw-voided", *CALLING, "panel-read"]
OF_DRAW = ["panel-named", "scores-committed", "report-answered"]
FIXED = [
    "need", "representatives", "meets", "pool_root", "pool_size", "leaves", "roster_root", "roster_size", "excluded",
]  # fmt: skip


def need(ok):
    if not ok:
        raise ValueError


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def lp4(data):
    return len(data).to_bytes(4) + data


def tree(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1", tree(leaves[:half]), tree(leaves[half:]))


class Reader:
    def __init__(self, r, A):
        self.r, self.A, self.recs = r, A, {}
        for kind in ["draw-committed", "panel-requested", "candidates-published", *OF_ATTEMPT, *OF_DRAW]:
            self.recs[kind] = [*r.of(kind)]
        self.recs["scores-entered"] = [x for x in r.of("scores-entered") if self.is_sheet(x)]
        self.recs["expert-admitted"] = [*r.of("expert-admitted", every=True)]
        self.ended = [x.n for x in r.of("evaluation-closed")]
        self.shown = bool(self.ended)
        for kind in self.recs:
            for x in self.recs[kind]:
                self.at(x)
                reader_draw_records.typed(r, x)

    def at(self, x):
        self.A.at = f"record {x.n} ({x.kind})"

    @staticmethod
    def is_sheet(x):  # what V14 names first is no record to V13
        fine = type(x.get("seat")) is int and x.seat > 0 and "replaces" in x
        return fine and all(isinstance(h, str) and re.fullmatch(H, h) for h in (x.get("sheet"), x.replaces or "0" * 64))

    # ---- signatures

    def own(self, x, without="sig"):
        skipped = {"actor", "time", "serial", "sserial", "sig", without}
        return b"trading/record-sig/v1\n" + self.r.canon({k: v for k, v in x.items() if k not in skipped})

    def keys(self, sigs, message):
        found = self.r.signers(sigs, message)
        need(all(alg == "EdDSA" and chain is None for alg, chain in found.values()))
        return list(found)

    def authority(self, x):
        need({w for w, _ in self.r.behind(x, "authority")} == {x.by})

    def roles(self, id, t):
        return {k[1]: k[2] for k in self.A.ids if k[0] == id and k[1] != "ca" and k[3] <= t < k[4]}

    # ---- draws and attempts

    def draws(self):
        """{draw: [attempt's records]}; every record belongs to one of them."""
        draws = {}
        for x in self.recs["draw-committed"]:
            draws.setdefault(x.draw, []).append(x)
        for kind in OF_ATTEMPT + OF_DRAW:
            for x in self.recs[kind]:
                self.at(x)
                of = [y for y in draws.get(x.draw, ()) if kind in OF_DRAW or y.attempt == x.attempt]
                need(of and x.n > of[0].n)
        return draws

    def mine(self, x, *kinds):
        """The records of an attempt."""
        return [y for k in kinds for y in self.recs[k] if (y.draw, y.attempt) == (x.draw, x.attempt)]

    def reveals(self, x):
        """{party: its first reveal in time}."""
        found = {}
        for y in self.mine(x, "draw-nonce-revealed"):
            if y.t <= self.r.when(x.reveal_by) and y.i in {p.i for p in x.parties}:
                found.setdefault(y.i, y)
        return found

    def complete(self, x):
        return bool(x.parties) and self.reveals(x).keys() == {p.i for p in x.parties}

    def chain(self, draws):
        ids = list(draws)
        for before, id in zip([None, *ids], ids, strict=False):
            first = draws[id][0]
            self.at(first)
            need(first.get("replaces") == before)
            if before is not None:
                need(not self.shown or any(x.draw == before and x.n < first.n for x in self.recs["panel-exhausted"]))
                for kind in ["draw-committed", *OF_ATTEMPT, *OF_DRAW]:
                    need(kind == "panel-read" or all(x.draw != before or x.n < first.n for x in self.recs[kind]))

    def attempts(self, attempts):
        for place, x in enumerate(attempts, 1):
            self.at(x)
            limit, voids, got = self.r.when(x.reveal_by), self.mine(x, "draw-voided"), self.reveals(x)
            need(x.attempt == place and len(voids) < 2 and limit > x.t)
            need(place == len(attempts) or (voids and voids[0].n < attempts[place].n))
            for v in voids:
                self.at(v)
                need(v.culprit in {p.i for p in x.parties} and v.culprit not in got and v.t > limit)
                need(all(y.n < v.n for y in self.mine(x, *OF_ATTEMPT) if y is not v))
            for y in self.mine(x, *CALLING):
                self.at(y)
                need(self.complete(x) and y.n > max(z.n for z in got.values()))
            self.at(x)
            need(all(x[f] == attempts[0][f] for f in FIXED))
            need(x.pool_size + sum(x.excluded.values()) == x.roster_size)
            self.parties(x)
            need(x.approved or x.attempt < 3)
            if x.approved:
                need(all(self.r.known(k, x.since, "authority") for k in self.keys(x.approved, self.own(x, "approved"))))
            need(self.r.get(f"draw/{x.draw}/{x.attempt}/commit.json") == x.raw)
            self.nonces(x)

    def parties(self, x):
        ids = [p.id for p in x.parties]
        need([p.i for p in x.parties] == list(range(1, len(ids) + 1)) and len(set(ids)) == len(ids) > 1)
        known = [set(self.roles(id, x.since)) for id in ids]
        need(all(known) and any("tenderee" not in roles for roles in known))

    def nonces(self, x):
        path = f"draw/{x.draw}/{x.attempt}/nonces.json"
        file = self.r.load(path)
        need(self.r.only(file, "nonces"))
        numbers = [self.r.number(e.i, 1) for e in file.nonces]
        need(numbers == sorted(set(numbers)))
        for e in file.nonces:
            self.r.only(e, "i commit commit_sig reveal sig" if "reveal" in e else "i commit commit_sig")
        entries = {e.i: e for e in file.nonces}
        commits, reveals = self.mine(x, "draw-nonce-committed"), self.mine(x, "draw-nonce-revealed")
        need(sorted(y.i for y in commits) == sorted(entries))
        need(sorted(y.i for y in reveals) == sorted(i for i, e in entries.items() if "reveal" in e))
        ids, value = {p.i: p.id for p in x.parties}, {}
        for y in commits + reveals:
            self.at(y)
            field, of, sig = ("commit", "commit", "commit_sig") if y in commits else ("nonce", "reveal", "sig")
            raw = self.r.unb64(y.object)
            o = self.r.parse(raw, f"type draw tender attempt i draw_record {field}")
            need((o.type, o.draw, o.tender) == ("trading.draw-nonce/v1", x.draw, self.A.tender))
            need((o.attempt, o.i, o.draw_record) == (x.attempt, y.i, self.r.hx(x.raw)) and type(o.i) is int)
            e = entries[y.i]
            need(e[of] == y.object and self.r.hx(self.r.canon(e[sig])) == y.sig_hash)
            (key,) = self.keys(e[sig], b"trading/draw-nonce/v1\n" + raw)
            need(len(e[sig]) == 1 and key in self.roles(ids[y.i], y.since).values())
            value[field, y.i] = self.r.unhex(o[field])
        for y in commits:
            self.at(y)
            need(self.A.times[self.r.over(x)] <= y.t and all(y.n < z.n and y.t < z.t for z in reveals))
        for y in reveals:
            self.at(y)
            made = sha(b"trading/draw-nonce/v1\0", lp4(self.ctx(x.draw)), bytes([y.i]), lp4(value["nonce", y.i]))
            need(made == value["commit", y.i])
        return value

    def ctx(self, draw):
        return self.r.canon({"draw": draw, "tender": self.A.tender, "type": "trading.draw/v1"})

    # ---- pool, order, calls

    def order(self, x):
        """{specialty: leaves in their order}, from the files of the attempt that called."""
        folder, ctx = f"draw/{x.draw}/{x.attempt}/", self.ctx(x.draw)
        file = self.r.load(folder + "secret.json")
        need(self.r.only(file, "secret"))
        secret = self.r.unhex(file.secret)
        need(sha(b"trading/draw-commit/v1\0", lp4(ctx), lp4(secret)).hex() == x.secret_commit)
        file = self.r.load(folder + "leaves.json")
        need(self.r.only(file, "leaves") and self.r.hx(self.r.get(folder + "leaves.json")) == x.leaves)
        leaves, names = {}, [one.specialty for one in x.need]
        for row in file.leaves:
            need(self.r.only(row, "leaf specialties") and row.specialties == sorted(set(row.specialties)) != [])
            need(set(row.specialties) <= set(names))
            leaves[self.r.unhex(row.leaf)] = row.specialties
        rows = [self.r.unhex(row.leaf) for row in file.leaves]
        need(rows == sorted(leaves) and len(rows) == x.pool_size and tree(rows).hex() == x.pool_root)
        nonces = [self.r.parse(self.r.unb64(y.object)).nonce for _, y in sorted(self.reveals(x).items())]
        parts = [secret, *map(bytes.fromhex, nonces), bytes.fromhex(x.pool_root)]
        prk = hmac.digest(b"trading/draw/v1", b"".join(map(lp4, parts)), "sha256")
        seed = hmac.digest(prk, b"seed\0" + lp4(ctx) + b"\1", "sha256")
        rarity = Counter(name for row in leaves.values() for name in row)
        queues = {name: [] for name in names}
        for leaf in sorted(leaves, key=lambda leaf: (hmac.digest(seed, leaf, "sha256"), leaf)):
            queues[min(leaves[leaf], key=lambda name: (rarity[name], name.encode()))].append(leaf.hex())
        return queues

    def calls(self, x):
        """Every try: {leaf: its records}."""
        tries, lost = {}, {}
        for y in self.mine(x, "draw-called"):
            self.at(y)
            before = tries.setdefault(y.leaf, [])
            need(y.leaf not in lost)
            accepted = any(z.outcome == "accepted" for z in before)
            if y["try"] == 0:
                need(
                    y.channel == "" and y.answer is None and y.outcome in ("declined", "conflict", "no_show", "removed")
                )
                need(accepted or y.outcome in ("conflict", "removed"))
                own = [z for z in self.mine(x, "conflict-declared") if z.conflict and z.leaf == y.leaf and z.n < y.n]
                if y.outcome == "removed" or (y.outcome == "conflict" and not own):
                    self.authority(y)
            else:
                need(y["try"] == 1 + sum(z["try"] > 0 for z in before) and y.channel != "")
                need(y.outcome not in ("no_show", "removed"))
            if y.outcome == "unreachable":
                silent = [z for z in [*before, y] if z.outcome in ("no_answer", "unreachable") and z.answer is not None]
                pairs = itertools.combinations(silent, 2)
                need(any(a.channel != b.channel and b.t - a.t >= 10 * MINUTE for a, b in pairs))
            before.append(y)
            if y.outcome in LOST:
                lost[y.leaf] = y
        return tries, lost

    def sits(self, course, leaf, n):
        tries, lost = course
        accepted = any(z.outcome == "accepted" and z.n < n for z in tries.get(leaf, ()))
        return accepted and (leaf not in lost or lost[leaf].n > n)

    def prefix(self, x, course, queues):
        (tries, lost), count = course, {one.specialty: one["count"] for one in x.need}

        def gone(leaves, n):
            return sum(leaf in lost and lost[leaf].n < n for leaf in leaves)

        for leaf, ys in tries.items():
            self.at(ys[0])
            (name,) = [s for s, queue in queues.items() if leaf in queue]
            place = queues[name].index(leaf)
            need(all(y.specialty == name for y in ys))
            need(gone(queues[name][:place], ys[0].n) >= place - count[name] + 1)
        for y in self.mine(x, "panel-exhausted"):
            self.at(y)
            queue = queues[y.specialty]
            need(all(leaf in tries and tries[leaf][0].n < y.n for leaf in queue))
            need(len(queue) - gone(queue, y.n) < count[y.specialty])

    def seated(self, x, course):
        (tries, lost), old = course, []
        blocks = [one.specialty for one in x.need for _ in range(one["count"])]
        seatings = self.mine(x, "panel-seated")
        for y in seatings:
            self.at(y)
            need(len(y.leaves) == len(set(y.leaves)) == len(blocks))
            for leaf, name in zip(y.leaves, blocks, strict=True):
                need(self.sits(course, leaf, y.n) and tries[leaf][0].specialty == name)
            for was, now in zip(old, y.leaves, strict=False):
                need(was == now or (was in lost and lost[was].n < y.n))
            old = y.leaves
        if not (self.shown and self.complete(x)):
            return
        rows, path = [], f"draw/{x.draw}/{x.attempt}/calls.json"
        for leaf, ys in sorted(tries.items(), key=lambda item: item[1][0].n):
            outcome = "seated" if leaf in old and leaf not in lost else ys[-1].outcome
            rows.append({"leaf": leaf, "specialty": ys[0].specialty, "outcome": outcome, "records": [y.n for y in ys]})
        need(self.r.get(path) == self.r.canon({"calls": rows}))

    def published(self, x, course):
        for out in self.recs["candidates-published"][:1] if self.shown else ():
            self.at(out)
            seatings = self.mine(x, "panel-seated")
            need(seatings and seatings[0].n < out.n)
            need(all(y.n < seatings[-1].n for y in self.mine(x, "draw-called")))
            sitting = [*seatings[-1].leaves, *[None] * x.representatives]
            last = {y.seat: y for y in self.mine(x, "seat-keyed")}
            need(all(seat in last and last[seat].leaf == leaf for seat, leaf in enumerate(sitting, 1)))

    # ---- the panel

    def panel(self, draws, courses):
        keyed, holder = self.recs["seat-keyed"], {}
        size = {}
        for id, attempts in draws.items():
            blocks = [one.specialty for one in attempts[0].need for _ in range(one["count"])]
            size[id] = blocks, len(blocks) + attempts[0].representatives

        def key(y):
            return ([k for k in keyed if k.seat == y.seat and k.n < y.n] or [None])[-1]

        def signed(y):
            held = key(y)
            need(held and self.keys(y.get("sig"), self.own(y)) == [self.r.unb64(held.key)] and len(y.sig) == 1)
            return held

        for y in keyed:
            self.at(y)
            blocks, members = size[y.draw]
            need(
                y.seat <= members and (y.leaf is None) is (y.seat > len(blocks)) and self.r.edwards(self.r.unb64(y.key))
            )
            need(holder.setdefault(y.key, (y.draw, y.seat, y.leaf)) == (y.draw, y.seat, y.leaf))
            if y.leaf:
                need(self.sits(courses[y.draw], y.leaf, y.n))
                need(courses[y.draw][0][y.leaf][0].specialty == blocks[y.seat - 1])
        for y in self.recs["conflict-declared"]:
            self.at(y)
            held = signed(y)
            need((held.draw, held.leaf) == (y.draw, y.leaf))
            lost = courses[y.draw][1].get(y.leaf)
            if y.conflict and y.leaf is not None:
                need(lost and lost.outcome == "conflict" and lost.n > y.n)
            elif y.conflict and self.recs["candidates-published"]:
                need(any(k.seat == y.seat and k.n > y.n for k in keyed))
        commits = self.recs["scores-committed"]
        for y in commits:
            self.at(y)
            held = signed(y)
            said = [z.conflict for z in self.recs["conflict-declared"] if z.seat == y.seat and held.n < z.n < y.n]
            need(held.draw == y.draw and said and not any(said))
        for y in self.recs["scores-entered"]:
            self.at(y)
            need(any(z.n < y.n for z in self.recs["panel-seated"]))
            draw = signed(y).draw
            for seat in range(1, size[draw][1] + 1):
                last = [k.n for k in keyed if k.seat == seat and k.n < y.n]
                need(last and any(c.seat == seat and last[-1] < c.n < y.n for c in commits))
            nonce, path = self.r.unhex(y.nonce), f"evaluation/sheets/{y.sheet}.json"
            sheet = self.A.files.get(path)
            if sheet is not None and self.r.hx(sheet) == y.sheet:
                (*_, made) = (c.commit for c in commits if c.seat == y.seat and c.n < y.n)
                whole = [lp4(self.ctx(draw)), bytes([y.seat]), lp4(nonce), lp4(sheet)]
                need(sha(b"trading/score/v1\0", *whole).hex() == made)
        for y in self.recs["report-answered"]:
            self.at(y)
            need((y.reason is None) is (y.answer != "dissent"))
            need((not y.sig and y.seat <= size[y.draw][1]) if y.answer == "silent" else signed(y).draw == y.draw)

    def readings(self, draws):
        for y in self.recs["panel-read"]:
            self.at(y)
            if y.ground == "seated":
                need(any(z.draw == y.draw and z.n < y.n for z in self.recs["panel-seated"]))
                continue
            need(y.t >= self.r.when(draws[y.draw][0].meets) - 30 * MINUTE)
            keys = self.keys(y.approved, self.own(y, "approved"))
            who = [self.r.known(k, y.since, "party", "authority", "custodian") for k in keys]
            pairs = [(a, b) for one, other in itertools.combinations(who, 2) for a in one for b in other]
            need(all(who) and any(a[0] != b[0] and a[1] != b[1] for a, b in pairs))
        for y in self.recs["panel-named"]:
            self.at(y)
            need(self.ended and y.n > self.ended[0])

    # ---- law, roster

    def law(self, first):
        book, ann = self.A.js["rulebook.json"], self.A.ann
        self.at(first)
        experts = sum(one["count"] for one in first.need)
        members = experts + first.representatives
        seats = ann.parameters.get("seats") if isinstance(ann.get("parameters"), dict) else 0
        need(type(seats) is not int or seats < 1 or members == seats)
        if self.r.hx(self.A.files["rulebook.json"]) != ann.rulebook or book.get("regime") != ann.regime:
            return
        if (rule := self.r.rule("GP-33") or self.r.rule("WK-28")) is not None:
            money = [m for m in (ann.get("estimate"), ann.get("baseline")) if type(m) is int and m >= 0]
            large = "budget" in rule and money and money[0] >= rule["budget"]
            need(members >= rule["large" if large else "members"] and not (rule["odd"] and members % 2 == 0))
            need(experts * rule["of"] >= members * rule["experts"])
        if (hours := self.r.rule("CQ-01")) is not None:
            meets = self.r.when(first.meets)
            need(meets - hours * 60 * MINUTE <= first.t <= meets)

    def roster(self, draws):
        """The supervision edition: who the leaves are."""
        ready = [a for a in draws.values() if self.shown and self.complete(a[-1])]
        until = max((a[0].n for a in ready), default=-1)
        seen = set()
        for number, x in enumerate(self.recs["expert-admitted"], 1):
            self.at(x)
            need(x.n < until and x.get("sserial") == number and not seen & set(x.experts))
            self.authority(x)
            seen |= set(x.experts)
        panel = self.A.js["rulebook.json"].get("panel")
        days = panel.get("admitted_days", 7) if isinstance(panel, dict) else 7
        days = days if type(days) is int and days >= 0 else 7
        for attempts in ready if not self.A.public else ():
            first, x = attempts[0], attempts[-1]
            file = self.r.load(f"draw/{x.draw}/{x.attempt}/names.json")
            need(self.r.only(file, "roster"))
            for row in file.roster:
                need(self.r.only(row, "leaf expert salt excluded") and 1 <= len(row.expert.encode()) <= 64)
                need(sha(b"\0trading/expert/v1\0", self.r.unhex(row.salt, 16), row.expert.encode()).hex() == row.leaf)
                need(row.excluded is None or row.excluded in REASONS)
            leaves = [bytes.fromhex(row.leaf) for row in file.roster]
            need(leaves == sorted(set(leaves)) and len(leaves) == first.roster_size)
            need(tree(leaves).hex() == first.roster_root)
            pool = [bytes.fromhex(row.leaf) for row in file.roster if row.excluded is None]
            need(tree(pool).hex() == first.pool_root)
            need(Counter(row.excluded for row in file.roster if row.excluded) == Counter(first.excluded))
            able = [y for y in self.recs["expert-admitted"] if y.n < first.n and y.since + days * DAY <= first.t]
            names = [row.expert for row in file.roster]
            need(len(set(names)) == len(names) and {e for y in able for e in y.experts} == set(names))


def signed(r, counting):
    """V14: where a panel sits, a sheet is signed by its seat's key, and one that counts by the last key of all."""
    seated, keyed = [x.n for x in r.of("panel-seated")], [*r.of("seat-keyed")]
    for x in (x for x in r.of("scores-entered") if any(n < x.n for n in seated)):
        keys = [k for k in keyed if k.seat == x.seat]
        held = [k for k in keys if k.n < x.n][-1]
        own = {k: v for k, v in x.items() if k not in ("actor", "time", "serial", "sserial", "sig")}
        need(list(r.signers(x.sig, b"trading/record-sig/v1\n" + r.canon(own))) == [r.unb64(held.key)])
        need(x.sheet not in counting or held is keys[-1])


def v13(r, A):
    if "rules" not in A.js["rulebook.json"]:  # older than the text
        made = {(x.draw, x.attempt) for x in r.of("draw-committed")}
        for A.at in r.named("draw/.*"):
            need((A.at.split("/")[1], int(A.at.split("/")[2])) in made)
        return "not checked" if made else "not in this edition"
    read = Reader(r, A)
    draws, owed = read.draws(), set()
    for x in (x for attempts in draws.values() for x in attempts):
        ready = read.shown and read.complete(x)
        names = "commit nonces" + " secret leaves calls" * ready + " names" * (ready and not A.public)
        owed |= {f"draw/{x.draw}/{x.attempt}/{name}.json" for name in names.split()}
    r.owes("draw/.*", owed)
    read.roster(draws)
    if not draws:
        return "not in this edition"
    read.chain(draws)
    courses = {}
    for id, attempts in draws.items():
        last = attempts[-1]
        read.law(attempts[0])
        read.attempts(attempts)
        courses[id] = read.calls(last)
        if read.shown and read.complete(last):
            read.prefix(last, courses[id], read.order(last))
        read.seated(last, courses[id])
    read.published(last, courses[id])
    read.panel(draws, courses)
    read.readings(draws)
