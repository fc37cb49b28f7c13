"""Ten thousand random walks of acts on a tender, judged by an oracle that was written apart (oracle.py).

Whatever is accepted must be lawful, whatever is lawful must be accepted, and what was late must be told. Every walk,
written as the records it makes, passes V15's own step check; with one refused step forced in, V15 names that step.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from audit import wire
from audit.canon import canon, parse, stamp
from audit.refusal import Refused
from audit.report import Found
from tests import reader, reader_life
from tests.law import oracle
from tests.law.oracle import Act, Past
from trading.law import history, regimes, rulebook, stages
from trading.law.asking import Asking
from trading.law.life import Happened, Life, ask
from trading.verify_steps import READERS, check_life

SEED = int(os.environ.get("WALKS_SEED", "20260702"))
WALKS, WORKERS = 10_000, 2
ATTEMPTS = 32
TICK, SECOND, MINUTE = timedelta(microseconds=1), timedelta(seconds=1), timedelta(minutes=1)
BIRTH, LAST = datetime(2025, 7, 2, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)
"""Between them every holiday is known, and every law of today in force."""
PLACES = (
    [("works", "")] * 6 + [("gov", "")] * 5 + [("works", "ningbo"), ("works", "puyang"), ("gov", "ningbo")]
    + [("gov", "puyang"), ("property", ""), ("land", ""), ("minerals", ""), ("source-law", ""), ("property", "ningbo")]
)  # fmt: skip
BIDS = ("fir", "oak", "ash", "elm")
FORWARD = {
    "named": "make-keyset",
    "keyed": "announce announce announce make-keyset issue-documents",
    "announced": "close close close amend-documents file-remedy answer-remedy order-suspension lift-suspension leave-shut "
    "move-deadline",
    "closed": "unseal unseal unseal release store accept-remedy refuse-remedy answer-remedy",
    "shut": "settle-securities archive file-remedy file-remedy answer-remedy accept-remedy refuse-remedy",
    "opened": "receive-report receive-report publish-candidates publish-candidates enter-scores reject fail settle-stage "
    "open-auction resume-auction close-auction",
    "ranked": "award award award file-remedy answer-remedy answer-remedy order-suspension lift-suspension "
    "accept-remedy refuse-remedy reject fail archive",
    "awarded": "notify-award notify-award sign-contract sign-contract file-remedy file-remedy answer-remedy "
    "accept-remedy refuse-remedy file-report fail order-suspension lift-suspension correct-line",
    "contracted": "publish-contract file-contract settle-securities file-report archive file-remedy file-remedy "
    "answer-remedy accept-remedy refuse-remedy correct-line",
    "failed": "close-evaluation settle-securities archive file-remedy file-remedy answer-remedy accept-remedy refuse-remedy",
    "terminated": "abandon settle-securities archive file-remedy file-remedy answer-remedy accept-remedy refuse-remedy",
    "archived": "archive correct-line",
}
FORWARD_ACTS = {stage: acts.split() for stage, acts in FORWARD.items()}
SPANS = (
    (1, "工作日"), (2, "工作日"), (3, "日"), (3, "工作日"), (5, "日"), (5, "工作日"), (7, "工作日"), (7, "日"), (10, "日"),
    (15, "日"), (15, "工作日"), (20, "日"), (30, "日"), (30, "工作日"),
)  # fmt: skip


@dataclass
class Tried:
    """What became of the attempts of some walks."""

    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    forced: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Tried) -> None:
        for name in ("accepted", "refused", "late", "forced"):
            getattr(self, name).update(getattr(other, name))
        self.wrong += other.wrong


# ------------------------------------------------------------------------------------------------- one walk


class Walk:
    """A tender that somebody does all kinds of things with."""

    def __init__(self, seed: str, tried: Tried) -> None:
        self.dice, self.tried, self.seed = random.Random(seed), tried, seed
        regime, region = self.dice.choice(PLACES)
        self.now = BIRTH + timedelta(minutes=self.dice.randrange(60 * 24 * 270))
        self.registered = self.now - timedelta(days=self.dice.choice((0, 5, 80, 92)))
        self.book = _book(regime, region, self.now)
        self.past, self.life = Past(regime, region), Life(self.book)
        self.refused: list[tuple[int, Act]] = []
        self.breaches: list[frozenset[str]] = []

    def go(self) -> None:
        for _ in range(ATTEMPTS):
            act = self.act()
            if act.t > LAST:
                break
            self.attempt(act)
            if act.what == "announce" and self.life.stage == "announced" and self.dice.random() < 0.3:
                self.complain()
        self.verify()

    def complain(self) -> None:
        """An objection or a challenge to the documents, its answer, and a complaint: complaints come seldom by chance."""
        first = "challenge" if self.past.regime == "gov" else "objection"
        told = {"about": "documents", "known": None, "outcome": "dismissed", "follows": None}
        for what, kind, id, follows in (
            ("file-remedy", first, "a" * 32, None),
            ("answer-remedy", first, "a" * 32, None),
            ("file-remedy", "complaint", "b" * 32, "a" * 32),
        ):
            self.attempt(Act(what, self.now + SECOND, {**told, "remedy": id, "kind": kind, "follows": follows}))

    def attempt(self, act: Act) -> None:
        stage = self.life.stage
        broken, overdue = oracle.judge(self.past, act)
        try:
            granted = ask(self.life, act.what, act.t, act.facts)
        except Refused as no:
            self.tried.refused[stage, act.what] += 1
            if not broken:
                self.wrong(act, f"refused with {no}, though lawful")
            self.refused.append((len(self.past.acts), act))
            return
        self.tried.accepted[stage, act.what] += 1
        self.tried.late.update(overdue)
        if broken:
            self.wrong(act, f"accepted against {broken}")
        if set(granted.breaches) != overdue:
            self.wrong(act, f"late by {set(granted.breaches)}, not by {overdue}")
        self.take(act, overdue)
        if granted.extend is not None and self.dice.random() < 0.8:
            self.attempt(Act("move-deadline", act.t, {"deadline": granted.extend, "beats": MINUTE, "outage": None}))

    def take(self, act: Act, overdue: set[str]) -> None:
        self.past.acts.append(act)
        self.life = self.life.after(Happened(act.what, act.t, act.facts))
        self.breaches.append(frozenset(overdue))
        self.now = act.t

    def wrong(self, act: Act, why: str) -> None:
        done = " ".join(one.what for one in self.past.acts)
        self.tried.wrong.append(
            f"walk {self.seed} {self.past.regime} {self.past.region}: {act.what} at {act.t} {act.facts} {why}; after: {done}"
        )

    # ---- what is done next, when

    def act(self) -> Act:
        dice, stage = self.dice, self.life.stage
        what = dice.choice(FORWARD_ACTS[stage]) if dice.random() < 0.72 else dice.choice(oracle.ACTS)
        when = self.when(what)
        return Act(what, when, self.facts(what, when))

    def when(self, what: str) -> datetime:
        dice, drawn, deadline = self.dice, self.dice.random(), self.past.deadline
        if what in ("close", "leave-shut") and deadline is not None and drawn < 0.8:
            return max(self.now, deadline + dice.choice((-TICK, timedelta(0), SECOND, SECOND, MINUTE)))
        if what == "award" and drawn < 0.6 and (shown := self.past.t("publish-candidates")):
            return self.around(oracle.midnight(oracle.last_day(oracle.day_of(shown), 3, "日") + oracle.DAY))
        if drawn < 0.25 and (bounds := [one for one in oracle.LIMITS if one[1] == what and one[2] == self.past.regime]):
            _, _, _, n, unit, since = dice.choice(bounds)
            filed = self.past.last("file-remedy")
            begun = since(self.past, Act(what, self.now, {"remedy": filed["remedy"] if filed else None}))
            if begun is not None:
                return self.around(oracle.midnight(oracle.last_day(oracle.day_of(begun), n, unit) + oracle.DAY))
        if drawn < 0.6:
            return self.now + MINUTE * dice.randrange(300)
        if drawn < 0.66:
            return self.now + MINUTE * dice.randrange(60 * 24 * 12)
        if drawn < 0.75 and what == "file-remedy" and deadline is not None:
            return self.around(oracle.midnight(oracle.day_of(deadline) - 9 * oracle.DAY))
        if self.past.acts:
            since = dice.choice(self.past.acts[-6:])
            n, unit = dice.choice(SPANS)
            return self.around(oracle.midnight(oracle.last_day(oracle.day_of(since.t), n, unit) + oracle.DAY))
        return self.now

    def around(self, bound: datetime) -> datetime:
        return max(self.now, bound + self.dice.choice((-SECOND, -TICK, timedelta(0), TICK)))

    def bound(self, n: int, unit: str, now: datetime, slack: tuple[int, ...] = (-1, 0, 0, 0, 0, 1)) -> datetime:
        """An instant about n days on: on the very first that is lawful, or a little off it."""
        first = oracle.midnight(oracle.last_day(oracle.day_of(now), n, unit))
        return first + self.dice.choice(slack) * TICK + self.dice.choice((timedelta(0), timedelta(hours=9)))

    def facts(self, what: str, now: datetime) -> dict[str, Any]:
        make = getattr(self, "_" + what.replace("-", "_"), None)
        made: dict[str, Any] = make(now) if make else {}
        return made

    # ---- facts

    def _announce(self, now: datetime) -> dict[str, Any]:
        dice = self.dice
        security = {"amount": dice.choice((1, 20_000, 20_000, 20_001)), "valid_days": 90, "accounts": "basic"}
        if dice.random() < 0.1:
            security |= dice.choice(({"valid_days": 91}, {"accounts": "any"}))
        supply = self.bound(5, dice.choice(("日", "工作日")), now) + dice.choice((0, 0, 1, 1)) * oracle.DAY
        return {
            "deadline": self.bound(20, "日", now) if dice.random() < 0.95 else now + dice.choice((-1, 0, 1)) * SECOND,
            "supply_until": dice.choice((None, None, supply)),
            "security": dice.choice((None, security)),
            "bid_validity_days": 90,
            "estimate": 1_000_000,
            "baseline": None,
            "direction": "buy",
            "state_funded": dice.choice((True, True, False)),
            "reserve": dice.choice((None, None, None, "T9@8")),
        }

    def _amend_documents(self, now: datetime) -> dict[str, Any]:
        moved = self.dice.choice((None, None, None, self.bound(15, "日", now)))
        return {"affects": self.dice.random() < 0.6, "moved": moved, "beats": MINUTE}

    def _move_deadline(self, now: datetime) -> dict[str, Any]:
        old = self.past.deadline or now
        days = self.dice.choice((-1, 0, 1, 3, 10, 20))
        return {"deadline": old + days * oracle.DAY, "beats": MINUTE, "outage": None}

    def _reject(self, now: datetime) -> dict[str, Any]:
        return {"bid": self.dice.choice(BIDS)}

    def _qualified(self) -> int:
        return len(BIDS) - len({one["bid"] for one in self.past.all("reject")})

    def _receive_report(self, now: datetime) -> dict[str, Any]:
        ended = self.past.t("enter-scores") or self.now
        return {"evaluated": self.dice.choice((None, ended)), "report": "a" * 64}

    def _publish_candidates(self, now: datetime) -> dict[str, Any]:
        out = {one["bid"] for one in self.past.all("reject")}
        standing = [bid for bid in BIDS if bid not in out]
        self.dice.shuffle(standing)
        most = self.dice.choice((3, 3, 3, 3, 3, 3, 3, 4, 0))
        return {"ranking": tuple(standing[:most]), "qualified": self._qualified()}

    def _award(self, now: datetime) -> dict[str, Any]:
        first = self.past.candidates[:1] or ["fir"]
        return {"bid": self.dice.choice((*first * 4, *BIDS)), "price": 1000}

    def _notify_award(self, now: datetime) -> dict[str, Any]:
        return {"letter": "b" * 64}

    def _file_report(self, now: datetime) -> dict[str, Any]:
        return {"report": "d" * 64}

    def _sign_contract(self, now: datetime) -> dict[str, Any]:
        sent = self.past.t("notify-award") or now
        signed = self.dice.choice((now, now, now, now, sent, now + TICK, sent - TICK, sent + (now - sent) / 2))
        return {
            "amount": self.dice.choice((1000,) * 8 + (1001,)),
            "performance": self.dice.choice((None, None, 100, 100, 101)),
            "signed": signed,
            "contract": "c" * 64,
        }

    def _publish_contract(self, now: datetime) -> dict[str, Any]:
        return {"contract": self.dice.choice("ccccd") * 64}

    _file_contract = _publish_contract

    def _settle_securities(self, now: datetime) -> dict[str, Any]:
        return {"count": 0, "amount": 0, "interest": 0}

    def _return_security(self, now: datetime) -> dict[str, Any]:
        since = self.dice.choice(self.past.acts).t if self.past.acts else now
        return {"reason": self.dice.choice(("lost", "won", "withdrawn", "shut")), "since": since}

    def _close(self, now: datetime) -> dict[str, Any]:
        return {"opens": True, "reason": ""}

    def _leave_shut(self, now: datetime) -> dict[str, Any]:
        return {"opens": False, "reason": "too_few_bids"}

    def _abandon(self, now: datetime) -> dict[str, Any]:
        return {"opens": False, "reason": "abandoned"}

    def _file_remedy(self, now: datetime) -> dict[str, Any]:
        dice, gov = self.dice, self.past.regime == "gov"
        filed = self.past.all("file-remedy")
        kinds = ("challenge", "challenge", "inquiry", "complaint") if gov else ("objection", "objection", "complaint")
        kind = dice.choice(kinds) if dice.random() < 0.95 else dice.choice(("objection", "inquiry", "challenge"))
        if filed and dice.random() < 0.4:
            kind = "complaint"
        about = dice.choice(("documents", "opening", "result", "result"))
        follows = dice.choice(filed) if filed and dice.random() < (0.9 if kind == "complaint" else 0.03) else None
        if follows is not None and dice.random() < 0.9:
            about = follows["about"]
        elif kind == "objection":
            about = "documents" if self.life.stage == "announced" else "result"
        since = [one.t for one in self.past.acts[-5:]]
        known = dice.choice((None, now, now + TICK, *since))
        return {
            "remedy": f"{len(filed) if dice.random() < 0.97 else 0:032x}",
            "kind": kind,
            "about": about,
            "known": known,
            "follows": None if follows is None else follows["remedy"],
        }

    def _on_remedy(self, now: datetime) -> dict[str, Any]:
        filed = [one["remedy"] for one in self.past.all("file-remedy")]
        still = [id for id in filed if self.past.ended(id) is None]
        choice = self.dice.choice(still) if still and self.dice.random() < 0.8 else self.dice.choice((*filed, "f" * 32))
        return {"remedy": choice, "outcome": "dismissed"}

    _accept_remedy = _refuse_remedy = _answer_remedy = _on_remedy

    def _order_suspension(self, now: datetime) -> dict[str, Any]:
        dice = self.dice
        complaints = [one["remedy"] for one in self.past.all("file-remedy") if one["kind"] == "complaint"]
        ground = dice.choice(
            ("complaint", "supervision", "outage") if complaints else ("supervision", "outage", "complaint")
        )
        remedy = dice.choice(complaints) if complaints and ground == "complaint" else None
        until = dice.choice((None, None, self.bound(30, "日", now, (0, 1)) + oracle.DAY, now, now + 5 * oracle.DAY))
        number = len(self.past.all("order-suspension")) if dice.random() < 0.95 else 0
        return {
            "order": f"〔2026〕{number}",
            "ground": ground,
            "remedy": remedy,
            "until": until,
            "article": "第五十七条",
        }

    def _lift_suspension(self, now: datetime) -> dict[str, Any]:
        given = [one["order"] for one in self.past.all("order-suspension")]
        return {"order": self.dice.choice((*given, *given, *given, "〔2026〕99"))}

    def _warn_idle(self, now: datetime) -> dict[str, Any]:
        return {"registered": self.registered, "due": now}

    def _terminate(self, now: datetime) -> dict[str, Any]:
        reason = self.dice.choice(("idle", "idle", "tenderee", "force_majeure"))
        return {
            "reason": reason,
            "registered": self.registered,
            "warned": self.past.t("warn-idle"),
            "article": "第三十一条",
        }

    def _fail(self, now: datetime) -> dict[str, Any]:
        reason = self.dice.choice(
            ("all_rejected", "too_few_qualified", "no_candidate", "candidates_gone", "candidates_gone")
        )
        return {"reason": reason, "qualified": self._qualified(), "article": "第四十二条"}

    # ---- V15

    def verify(self) -> None:
        """The walk passes V15; with a refused step forced in it does not."""
        told = [_told(act) for act in self.past.acts]
        alerted = frozenset(rule for late in self.breaches for rule in late)
        found = Found(15)
        check_life(self.book, _placed(told), found, alerted)
        for fault in found.faults:
            self.wrong(self.past.acts[int(fault.at)], f"accepted, and V15 says {fault.code} {fault.facts}")
        if alerted:
            self.unalerted(told)
        if self.refused:
            place, act = self.dice.choice(self.refused)
            self.force(told[:place], Past(self.past.regime, self.past.region, self.past.acts[:place]), act)

    def unalerted(self, told: list[Happened | None]) -> None:
        """Without its alert, what came too late however the holidays fell is a fault, and nothing else is."""
        found = Found(15)
        check_life(self.book, _placed(told), found)
        named = {(fault.at, fault.facts["rule"]) for fault in found.faults if fault.code == "V-OVERDUE"}
        owed = set()
        for place, act in enumerate(self.past.acts):
            if self.breaches[place] and told[place] is not None:
                before = Past(self.past.regime, self.past.region, self.past.acts[:place])
                owed |= {(str(place), rule) for rule in oracle.judge(before, replace(act, plain=True))[1]}
        if named != owed or len(named) != len(found.faults):
            self.wrong(self.past.acts[-1], f"without alerts V15 says {found.faults}, the oracle {owed}")
        self.tried.forced["V-OVERDUE"] += len(named)

    def force(self, told: list[Happened | None], before: Past, act: Act) -> None:
        forced = _told(act)
        if forced is None:
            return
        broken, late = oracle.judge(before, replace(act, plain=True))
        found = Found(15)
        check_life(self.book, _placed([*told, forced]), found)
        named = [fault for fault in found.faults if fault.at == str(len(told))]
        if bool(named) != bool(broken or late):
            self.wrong(act, f"forced in: V15 says {named}, the oracle {broken} {late}")
        self.tried.forced[named[0].code if named else "none: only the calendar or V6 forbids it"] += 1


_BOOKS: dict[tuple[str, str], rulebook.Rulebook] = {}


def _book(regime: str, region: str, now: datetime) -> rulebook.Rulebook:
    if (regime, region) not in _BOOKS:
        _BOOKS[regime, region] = rulebook.pin(regimes.regime(regime), BIRTH + timedelta(days=1), region)
    return _BOOKS[regime, region]


RECORDS = {act: what for what, act in stages.ACTS.items()}
SEALED = frozenset(
    {
        "ask-question", "register-key", "hand-in", "withdraw", "refuse", "receive-security", "return-security",
        "enter-scores", "ask-explanation", "give-explanation", "erase",
    }
)  # fmt: skip
"""What leaves no record in clear."""


def _told(act: Act) -> Happened | None:
    """The act as a reader of the archive has it: its record's bytes, read and typed."""
    if act.what in SEALED:
        return None
    what = RECORDS.get(act.what, "closed")
    body = {name: _plain(value) for name, value in act.facts.items()}
    if what in READERS:
        fields = READERS[what][1]
        body = {"tender": "T1@8", "files": [], "set": "0" * 64, "reason": "", **body}
        read = parse(canon({name: body[name] for name in fields}))
        assert isinstance(read, dict)
        said: dict[str, Any] = wire.members(read, fields)
    else:
        said = dict(act.facts)
    if "qualified" in act.facts:
        said["qualified"] = act.facts["qualified"]
    said.pop("registered", None)
    return Happened(act.what, act.t, said)


def _plain(value: Any) -> Any:
    return stamp(value) if isinstance(value, datetime) else value


def _worded(value: Any) -> str:
    return stamp(value) if isinstance(value, datetime) else str(value)


def _placed(told: list[Happened | None]) -> Iterator[tuple[str, Happened]]:
    return ((str(place), one) for place, one in enumerate(told) if one is not None)


# ------------------------------------------------------------------------------------------------- all of them


def walk(first: int, count: int, seed: int = SEED) -> Tried:
    tried = Tried()
    for number in range(first, first + count):
        Walk(f"{seed}/{number}", tried).go()
    return tried


@pytest.mark.slow
def test_ten_thousand_walks() -> None:
    whole, share = Tried(), WALKS // (WORKERS * 8)
    with ProcessPoolExecutor(WORKERS) as pool:
        for part in pool.map(walk, range(0, WALKS, share), [share] * (WALKS // share)):
            whole.add(part)
    print(f"seed {SEED}: {WALKS} walks, {whole.accepted.total()} acts accepted, {whole.refused.total()} refused")
    for act in oracle.ACTS:
        yes, no = (sum(n for (_, a), n in told.items() if a == act) for told in (whole.accepted, whole.refused))
        print(f"  {act:20} {yes:7} accepted {no:7} refused")
    print(f"  late: {dict(sorted(whole.late.items()))}\n  forced in: {dict(whole.forced)}")
    assert whole.wrong == [], f"seed {SEED}: {len(whole.wrong)} wrong, such as\n" + "\n".join(whole.wrong[:3])
    tried = whole.accepted.keys() | whole.refused.keys()
    assert [pair for pair in _pairs() if pair not in tried] == []
    assert [pair for pair in stages.TABLE if pair not in whole.accepted] == [("opened", "archive")]  # a reserve box's
    assert {rule for rule, *_ in oracle.LIMITS} == set(whole.late)
    assert {"V-STEP", "V-SUSPENDED", "V-PERIOD", "V-OVERDUE"} <= set(whole.forced)


def _pairs() -> list[tuple[str, str]]:
    return [(stage, act) for stage in stages.STAGES for act in oracle.ACTS]


# ---- the second reader's fold of a life, from the text alone, says the same


@pytest.mark.slow
def test_the_second_reader_says_the_same_of_every_walk() -> None:
    said: Counter[str] = Counter()
    wrong = []
    for number in range(1500):
        made = Walk(f"{SEED}/{number}", Tried())
        made.go()
        acts = [act for act in made.past.acts if act.what not in SEALED]
        if not made.refused:
            continue
        place, forced = made.dice.choice(made.refused)
        head = [act for act in made.past.acts[:place] if act.what not in SEALED]
        for walked in (acts, [*head, forced]) if forced.what not in SEALED else (acts,):
            found = Found(15)
            check_life(made.book, _placed([_told(act) for act in walked]), found)
            ours = {
                "step": any(fault.code in ("V-STEP", "V-SUSPENDED", "V-PERIOD") for fault in found.faults),
                "late": sorted({f.facts["rule"] for f in found.faults if f.code == "V-OVERDUE"}),
            }
            theirs = _second(made.book, walked)
            said["fault" if theirs["step"] else "late" if theirs["late"] else "pass"] += 1
            if ours["step"] != theirs["step"] or (not ours["step"] and ours["late"] != theirs["late"]):
                wrong.append(f"{made.seed} {[act.what for act in walked]} {walked[-1]}: {ours} {theirs}")
    print(dict(said))
    assert wrong == [], f"seed {SEED}: {len(wrong)}, such as\n" + "\n".join(wrong[:3])
    assert min(said["fault"], said["late"], said["pass"]) > 50


def _second(book: rulebook.Rulebook, acts: list[Act]) -> dict[str, Any]:
    """Whether tests/reader_life.py finds an illegal step, and which periods it says were not kept."""
    names = SimpleNamespace(when=reader.when, of=lambda *kinds: ())  # how an auction ended is not asked here
    life = reader_life.Life(names, parse(book.data), lambda record: record["qualified"])  # type: ignore[no-untyped-call]
    for place, act in enumerate(acts):
        what = RECORDS.get(act.what, "closed")
        record = reader.D({"documents": None, **json.loads(json.dumps(act.facts, default=_worded))})
        record.kind, record.t = what, (act.t - reader.EPOCH) // TICK
        record.begun, record.done, record.n = record.t, record.t, place
        try:
            life.take(record, act.what if what == "closed" else "abandon" if act.what == "abandon" else what)
        except Exception:
            return {"step": True, "late": sorted(set(life.late))}
    return {"step": False, "late": sorted(set(life.late))}


# ---- controls: a law with a hole in it is caught


def _caught() -> int:
    return len(walk(0, 400).wrong)


def test_the_control() -> None:
    assert _caught() == 0


def test_a_law_without_publicity_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Asking.at_least

    def at_least(self: Asking, since: datetime, until: datetime, *ids: str) -> None:
        kept(self, since, until, *(id for id in ids if id != "WK-38"))

    monkeypatch.setattr(Asking, "at_least", at_least)
    assert _caught() > 0


def test_an_award_that_does_not_wait_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOVING", history.MOVING - {"award"})
    assert _caught() > 0


def test_a_table_with_a_short_cut_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "TABLE", {**stages.TABLE, ("announced", "unseal"): "opened"})
    assert _caught() > 0


def test_an_oracle_that_forgets_a_row_is_caught_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "ROWS", [row for row in oracle.ROWS if row[0] != "WK-38"])
    assert _caught() > 0
