"""The panel of a tender of the world: a roster, draws with their nonces, calls, seats, declarations, scores, readings.

    roster = Roster(world)                 # twenty experts, admitted by an authority
    panel = Panel(tender, roster)          # three of civil works, two economists
    panel.draw()                           # commit, nonces, reveals: there is an order
    panel.call({"civil": ["declined", "unreachable"]})     # what becomes of the first ones; all others accept
    panel.sit()                            # check in, keys, `panel-seated`
    panel.score()                          # declarations, commitments, reveals

Nothing here is verified. ``twist`` rewrites a file before it is written, ``signed`` makes any record a seat could sign.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from audit.canon import b64, canon, sha256_hex, stamp
from audit.signature import sig_hash
from audit.trust import record_sig_bytes
from experts import draw
from tests.world import SYSTEM, Logged, World, seeded
from trading.law.methods import Sheet

DISPATCHER = {"kind": "system", "id": "dispatcher"}
PANEL = {"kind": "panel", "id": "P-1"}
NEED = (("civil", 3), ("economics", 2))
PARTIES = ("P-TEN", "P-NOT", "A-SUP")
LOST = ("declined", "conflict", "unreachable", "no_show", "removed")


def drawn_bytes(*parts: object) -> bytes:
    """Chance that is the same in every run."""
    return sha256("|".join(map(str, parts)).encode()).digest()


class Roster:
    """Experts with names nobody learns, admitted in batches."""

    def __init__(self, world: World, size: int = 20, prefix: str = "专家") -> None:
        self.world = world
        self.specialties: dict[str, tuple[str, ...]] = {}
        self.excluded: dict[str, str] = {}
        ids = [f"{prefix}{drawn_bytes(prefix, n).hex()[:8]}" for n in range(size)]
        for n, expert in enumerate(ids):
            self.specialties[expert] = (("civil",), ("economics",), ("civil", "economics"))[n % 3]
        for half in (ids[: size // 2], ids[size // 2 :]):
            if half:
                self.admit(half)
        world.wait()

    def admit(self, experts: Collection[str], by: str = "A-SUP", signer: Any = None) -> Logged:
        """An authority's word that they belong to the roster."""
        named = sorted(experts, key=str.encode)
        for expert in named:
            self.specialties.setdefault(expert, ("civil",))
        body = {"experts": named, "by": by}
        record = {"type": "trading.expert-admitted/v1", "subject": "roster", **body}
        sig = [(signer or self.world.authorities[by]).sign(record_sig_bytes(record))]
        return self.world.log("expert-admitted", "roster", {"kind": "authority", "id": by}, sig=sig, **body)


@dataclass
class Attempt:
    """One attempt: what the dispatcher and the parties know of it."""

    number: int
    record: Logged
    secret: bytes
    nonces: dict[int, bytes]
    said: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Rows of `nonces.json`, by party."""


class Panel:
    """A draw of a tender, and the panel that comes of it."""

    def __init__(
        self,
        tender: Any,
        roster: Roster,
        *,
        need: Sequence[tuple[str, int]] = NEED,
        representatives: int = 0,
        parties: Sequence[str] = PARTIES,
        excluded: Mapping[str, str] | None = None,
        left_out: Collection[str] = (),
        meets: float = 26,
        name: str = "",
    ) -> None:
        """``excluded``: reasons by expert; ``left_out``: of the roster, and nobody is told; ``meets``: in so many hours."""
        self.tender, self.world, self.roster = tender, tender.world, roster
        self.id = drawn_bytes("draw", tender.id, len(tender.panels), name).hex()[:32]
        self.replaces = tender.panels[-1].id if tender.panels else None
        self.need, self.representatives, self.parties = need, representatives, list(parties)
        self.meets = self.world.now + timedelta(hours=meets)
        self.attempts: list[Attempt] = []
        self.twist: dict[str, Callable[[Any], Any]] = {}
        self.salts = drawn_bytes("salts", self.id)
        self.names = [expert for expert in roster.specialties if expert not in left_out]
        self.excluded = {**roster.excluded, **(excluded or {})}
        needed = {specialty for specialty, _ in need}
        for expert in self.names:
            if not needed & set(roster.specialties[expert]):
                self.excluded.setdefault(expert, "specialty")
        self.seats: dict[int, str | None] = {}
        self.signers: dict[int, Any] = {}
        self.nonces: dict[int, bytes] = {}
        tender.panels.append(self)
        self.log(
            "panel-requested", need=self._need(), representatives=representatives, meets=stamp(self.meets), actor=SYSTEM
        )

    def _need(self) -> list[dict[str, Any]]:
        return [{"specialty": specialty, "count": count} for specialty, count in self.need]

    def log(self, what: str, actor: Mapping[str, str] = DISPATCHER, **body: Any) -> Logged:
        """A record of this draw."""
        made: Logged = self.tender.log(what, actor, draw=self.id, **body)
        return made

    # ------------------------------------------------------------------------------------------------------ the pool

    def leaf(self, expert: str) -> str:
        """An expert's leaf in this draw."""
        return draw.leaf_of(draw.salt_of(self.salts, expert), expert).hex()

    @property
    def pool(self) -> dict[bytes, tuple[str, ...]]:
        """Leaves by the needed specialties."""
        needed = {specialty for specialty, _ in self.need}
        return {
            bytes.fromhex(self.leaf(expert)): tuple(sorted(needed & set(self.roster.specialties[expert])))
            for expert in self.names
            if expert not in self.excluded
        }

    @property
    def queues(self) -> dict[str, list[str]]:
        """Who is called in which order."""
        attempt, pool = self.attempts[-1], self.pool
        nonces = [attempt.nonces[i] for i in sorted(attempt.nonces)]
        seed = draw.seed_of(self.ctx, attempt.secret, nonces, draw.root_of(pool))
        parts = draw.parts_of(pool, [draw.Need(*one) for one in self.need])
        queues = draw.queues_of(draw.order(seed, pool), parts)
        return {specialty: [leaf.hex() for leaf in queue] for specialty, queue in queues.items()}

    @property
    def ctx(self) -> bytes:
        return draw.draw_ctx(self.id, self.tender.id)

    # ------------------------------------------------------------------------------------------------- commit, reveal

    def commit(self, *, approved: Sequence[str] = (), reveal_in: float = 300, **told: Any) -> Attempt:
        """The dispatcher binds itself to pool and secret."""
        number = len(self.attempts) + 1
        secret = drawn_bytes("secret", self.id, number)
        roster = [bytes.fromhex(self.leaf(expert)) for expert in self.names]
        reasons = [reason for expert, reason in self.excluded.items() if expert in self.names]
        body: dict[str, Any] = {
            "draw": self.id,
            "attempt": number,
            "need": self._need(),
            "representatives": self.representatives,
            "meets": stamp(self.meets),
            "pool_root": draw.root_of(self.pool).hex(),
            "pool_size": len(self.pool),
            "leaves": sha256_hex(draw.leaves_file(self.pool)),
            "roster_root": draw.root_of(roster).hex(),
            "roster_size": len(roster),
            "excluded": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
            "secret_commit": draw.secret_commit(self.ctx, secret).hex(),
            "parties": [{"i": i, "id": id} for i, id in enumerate(self.parties, 1)],
            "reveal_by": stamp(self.world.now + timedelta(seconds=reveal_in)),
            **({"replaces": self.replaces} if self.replaces and number == 1 else {}),
            **told,
        }
        body = {name: value for name, value in body.items() if value is not None}
        record = {"type": "trading.draw-committed/v1", "subject": self.tender.id, "tender": self.tender.id, **body}
        sig = [self.world.authorities[name].sign(record_sig_bytes(record)) for name in approved]
        made = self.tender.log("draw-committed", DISPATCHER, approved=sig, **body)
        nonces = {i: drawn_bytes("nonce", self.id, number, i) for i in range(1, len(self.parties) + 1)}
        self.attempts.append(Attempt(number, made, secret, nonces))
        self.world.wait()
        self.world.wait()  # no tool speaks before it has seen the checkpoint over the record
        return self.attempts[-1]

    def signer(self, id: str) -> Any:
        """A party's own key."""
        return {**self.world.people, **self.world.authorities}.get(id) or seeded(id)

    def say(self, reveals: bool, leave_out: Collection[int] = (), signer: Any = None) -> None:
        """Every party commits, or reveals."""
        attempt = self.attempts[-1]
        for i, id in enumerate(self.parties, 1):
            if i in leave_out:
                continue
            nonce = attempt.nonces[i]
            value = nonce if reveals else draw.nonce_commit(self.ctx, i, nonce)
            said = draw.Said(self.id, self.tender.id, attempt.number, i, attempt.record.hash, value, reveals)
            sig = [(signer or self.signer(id)).sign(said.signed)]
            row = attempt.said.setdefault(i, {"i": i})
            row |= {"reveal": b64(said.data), "sig": sig} if reveals else {"commit": b64(said.data), "commit_sig": sig}
            name = "draw-nonce-revealed" if reveals else "draw-nonce-committed"
            actor = {"kind": "party", "id": id}
            self.log(name, actor, attempt=attempt.number, i=i, object=b64(said.data), sig_hash=sig_hash(sig))
        self.world.wait()
        self.world.wait()

    def draw(self, **how: Any) -> Attempt:
        """One attempt in which everybody does what he promised."""
        attempt = self.commit(**how)
        self.say(reveals=False)
        self.say(reveals=True)
        return attempt

    def fail(self, culprit: int = 2, **how: Any) -> Logged:
        """One attempt in which a party does not reveal: void."""
        attempt = self.commit(**how)
        self.say(reveals=False)
        self.say(reveals=True, leave_out=[culprit])
        self.world.wait(300)
        return self.void(attempt.number, culprit)

    def void(self, number: int, culprit: int) -> Logged:
        """An attempt comes to nothing."""
        made = self.log("draw-voided", attempt=number, culprit=culprit)
        self.world.wait()
        return made

    # ---------------------------------------------------------------------------------------------------------- calls

    def records(self, name: str) -> list[Logged]:
        """What was logged of this draw."""
        return [one for one in self.world.logged if one.name == name and one.body.get("draw") == self.id]

    def called(self) -> dict[str, list[Logged]]:
        """Records of calls by leaf."""
        found: dict[str, list[Logged]] = {}
        for one in self.records("draw-called"):
            found.setdefault(one.body["leaf"], []).append(one)
        return found

    def lost(self) -> set[str]:
        """Who will not sit."""
        return {leaf for leaf, tries in self.called().items() if tries[-1].body["outcome"] in LOST}

    def sitting(self, specialty: str) -> list[str]:
        """Who has been called and is not lost."""
        lost = self.lost()
        return [
            leaf
            for leaf, tries in self.called().items()
            if tries[0].body["specialty"] == specialty and leaf not in lost
        ]

    def ring(self, leaf: str, specialty: str, outcome: str, channel: str = "voice", **told: Any) -> Logged:
        """One try."""
        tries = [one for one in self.called().get(leaf, []) if one.body["try"] > 0]
        body = {"leaf": leaf, "specialty": specialty, "try": len(tries) + 1, "channel": channel, "outcome": outcome}
        body |= {"attempt": self.attempts[-1].number, "answer": sha256_hex(f"{leaf} {len(tries)}".encode())}
        made = self.log("draw-called", **{**body, **told})
        self.world.wait()
        return made

    def lose(self, leaf: str, specialty: str, outcome: str, by: str = "", **told: Any) -> Logged:
        """What follows without a call; ``by``: the authority that says so."""
        body = {"draw": self.id, "attempt": self.attempts[-1].number, "leaf": leaf, "specialty": specialty, "try": 0}
        body |= {"channel": "", "answer": None, "outcome": outcome} | ({"by": by} if by else {}) | told
        if by:
            record = {"type": "trading.draw-called/v1", "subject": self.tender.id, "tender": self.tender.id, **body}
            body["sig"] = [self.signer(by).sign(record_sig_bytes(record))]
        made: Logged = self.tender.log("draw-called", DISPATCHER, **body)
        self.world.wait()
        return made

    def fare(self, leaf: str, specialty: str, fate: str) -> None:
        """A summons from its first try to its end."""
        if fate == "unreachable":
            self.ring(leaf, specialty, "no_answer")
            self.world.wait(600)
            self.ring(leaf, specialty, "unreachable", channel="sms")
        elif fate == "busy":
            self.ring(leaf, specialty, "no_answer")
            self.ring(leaf, specialty, "accepted")
        elif fate in ("late", "no_show", "removed"):
            self.ring(leaf, specialty, "accepted")
            outcome = "declined" if fate == "late" else fate
            self.lose(leaf, specialty, outcome, by="A-SUP" if fate == "removed" else "")
        else:
            self.ring(leaf, specialty, fate)

    def call(self, fates: Mapping[str, Sequence[str]] | None = None) -> bool:
        """Call until every seat has somebody; ``fates``: of the next ones of each specialty. False: exhausted."""
        queues = self.queues
        for specialty, count in self.need:
            coming = list((fates or {}).get(specialty, ()))
            queue = [leaf for leaf in queues.get(specialty, []) if leaf not in self.called()]
            while len(self.sitting(specialty)) < count:
                if not queue:
                    self.log("panel-exhausted", attempt=self.attempts[-1].number, specialty=specialty)
                    self.world.wait()
                    return False
                self.fare(queue.pop(0), specialty, coming.pop(0) if coming else "accepted")
        return True

    # ---------------------------------------------------------------------------------------------------------- seats

    @property
    def members(self) -> int:
        return sum(count for _, count in self.need) + self.representatives

    def check_in(self, seat: int, leaf: str | None, signer: Any = None) -> Logged:
        """Somebody takes a seat and names a key."""
        self.seats[seat], self.signers[seat] = leaf, signer or seeded(f"{self.id} {seat} {leaf}")
        number = self.attempts[-1].number
        made = self.log("seat-keyed", PANEL, attempt=number, seat=seat, leaf=leaf, key=b64(self.signers[seat].key))
        self.world.wait()
        return made

    def sit(self, **told: Any) -> Logged:
        """Everybody checks in; those who sit already keep their seats."""
        seat, lost = 0, self.lost()
        for specialty, count in self.need:
            block = range(seat + 1, seat + count + 1)
            here = [self.seats.get(n) for n in block if self.seats.get(n) not in lost]
            coming = [leaf for leaf in self.sitting(specialty) if leaf not in here]
            for n in block:
                if self.seats.get(n) is None or self.seats[n] in lost:
                    self.check_in(n, coming.pop(0))
            seat += count
        for n in range(seat + 1, self.members + 1):
            if n not in self.seats:
                self.check_in(n, None)
        leaves = [self.seats[n] for n in range(1, seat + 1)]
        made = self.log("panel-seated", **{"attempt": self.attempts[-1].number, "leaves": leaves, **told})
        self.world.wait()
        return made

    def signed(self, name: str, seat: int, signer: Any = None, **body: Any) -> Logged:
        """A record that a seat signs."""
        body = {"draw": self.id, "seat": seat, **body}
        record = {"type": f"trading.{name}/v1", "subject": self.tender.id, "tender": self.tender.id, **body}
        sig = [(signer or self.signers[seat]).sign(record_sig_bytes(record))]
        made: Logged = self.tender.log(name, PANEL, sig=sig, **body)
        return made

    def declare(self, seat: int, conflict: bool = False) -> Logged:
        """A member says whether it has an interest; who has one is lost."""
        leaf, number = self.seats[seat], self.attempts[-1].number
        made = self.signed("conflict-declared", seat, attempt=number, leaf=leaf, conflict=conflict)
        if conflict and leaf is not None:
            self.lose(leaf, self.called()[leaf][0].body["specialty"], "conflict")
        self.world.wait()
        return made

    # --------------------------------------------------------------------------------------------------------- scores

    def commit_score(self, seat: int, sheet: Sheet | None = None, signer: Any = None) -> Sheet:
        """A seat fixes its scores."""
        sheet = sheet or self.tender.sheet(seat)
        self.nonces[seat] = drawn_bytes("score", self.id, seat, len(self.world.logged))
        commit = draw.score_commit(self.ctx, seat, self.nonces[seat], sheet.encoded())
        self.signed("scores-committed", seat, signer, commit=commit.hex())
        return sheet

    def reveal_score(self, sheet: Sheet, signer: Any = None) -> Sheet:
        """A seat shows them."""
        seat, before = sheet.seat, self.tender.sheets.get(sheet.seat)
        body = {
            "seat": seat,
            "sheet": sha256_hex(sheet.encoded()),
            "replaces": None if before is None else sha256_hex(before.encoded()),
            "nonce": self.nonces[seat].hex(),
        }
        record = {
            "type": "trading.scores-entered/v1", "subject": self.tender.id, "tender": self.tender.id, **body,
        }  # fmt: skip
        sig = [(signer or self.signers[seat]).sign(record_sig_bytes(record))]
        made: Sheet = self.tender.enter(sheet, nonce=body["nonce"], sig=sig)
        return made

    def score(self, points: Any = None) -> None:
        """Declarations, commitments, and, when all have committed, the scores."""
        for seat in range(1, self.members + 1):
            self.declare(seat)
        sheets = [self.commit_score(seat, self.tender.sheet(seat, points)) for seat in range(1, self.members + 1)]
        self.world.wait()
        for sheet in sheets:
            self.reveal_score(sheet)
        self.world.wait()

    def answer(self, report: str, dissent: Collection[int] = (), silent: Collection[int] = ()) -> None:
        """The members answer the report."""
        for seat in range(1, self.members + 1):
            body = {"draw": self.id, "seat": seat, "report": report, "answer": "signed", "reason": None}
            if seat in silent:
                self.tender.log("report-answered", PANEL, **{**body, "answer": "silent", "sig": None})
                continue
            if seat in dissent:
                body |= {"answer": "dissent", "reason": sha256_hex(b"the price was not explained")}
            del body["draw"], body["seat"]
            self.signed("report-answered", seat, **body)
        self.world.wait()

    def read(self, ground: str = "seated", keys: Sequence[str] = (), reader: str = "A-SUP") -> Logged:
        """Somebody asks for the names."""
        body = {"draw": self.id, "attempt": self.attempts[-1].number, "reader": reader, "ground": ground}
        record = {"type": "trading.panel-read/v1", "subject": self.tender.id, "tender": self.tender.id, **body}
        approved = [self.signer(key).sign(record_sig_bytes(record)) for key in keys]
        made: Logged = self.tender.log("panel-read", SYSTEM, approved=approved, **body)
        self.world.wait()
        return made

    # ---------------------------------------------------------------------------------------------------------- files

    def files(self) -> dict[str, bytes]:
        """What the dispatcher gives to the archive."""
        found: dict[str, bytes] = {}
        for attempt in self.attempts:
            folder = f"draw/{self.id}/{attempt.number}/"
            found[f"{folder}commit.json"] = attempt.record.data
            made: dict[str, Any] = {"nonces": {"nonces": [attempt.said[i] for i in sorted(attempt.said)]}}
            if all("reveal" in row for row in attempt.said.values()):
                made["secret"] = {"secret": attempt.secret.hex()}
                rows = [{"leaf": leaf.hex(), "specialties": list(named)} for leaf, named in sorted(self.pool.items())]
                made["leaves"] = {"leaves": rows}
                made["calls"] = {"calls": self._calls() if attempt is self.attempts[-1] else []}
                made["names"] = {"roster": self._names()}
            for name, value in made.items():
                found[f"{folder}{name}.json"] = canon(self.twist.get(name, lambda same: same)(value))
        return found

    def _calls(self) -> list[dict[str, Any]]:
        seatings = self.records("panel-seated")
        seated = seatings[-1].body["leaves"] if seatings else []
        rows = []
        for leaf, tries in self.called().items():
            last = tries[-1].body["outcome"]
            rows.append(
                {
                    "leaf": leaf,
                    "specialty": tries[0].body["specialty"],
                    "outcome": "seated" if leaf in seated and last not in LOST else last,
                    "records": [one.index for one in tries],
                }
            )
        return rows

    def _names(self) -> list[dict[str, Any]]:
        rows = [
            {
                "leaf": self.leaf(expert),
                "expert": expert,
                "salt": draw.salt_of(self.salts, expert).hex(),
                "excluded": self.excluded.get(expert),
            }
            for expert in self.names
        ]
        return sorted(rows, key=lambda row: str(row["leaf"]))
