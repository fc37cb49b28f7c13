"""A hall with a roster, panels, parties and telephones: real rows, a real vault, a clock that can be moved.

What is faked is the border: who picks up which telephone (`Exchange`), and what trading says of a tender (`Market`).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
from stdnum.cn import ric

from audit.act import Actor, acting, pool
from audit.canon import b64, parse, sha256_hex
from audit.clock import MachineClock
from audit.report import Found
from audit.signature import Ed25519Signer
from audit.trust import Identities, Parties, Vkey, record_sig_bytes
from experts import admissions, draw, panels, verify_calls
from experts.conversation import Answer, Script, unanswered
from experts.desk import Desk, Drawn
from experts.dispatcher import Dispatcher
from experts.draw import Need, Said, nonce_commit, read_need, told
from experts.handed import RUNNING, Asked, Bidders, Delays, Lines, Terms
from experts.person import Employment, NewExpert, Person
from experts.roster import add_people
from experts.summons import Policy
from experts.told import Attempt, Draw
from experts.vault import Vault, new_key
from experts.verify_draw import Pool

CLOCK = """
CREATE TABLE test_clock (shift interval NOT NULL);
INSERT INTO test_clock VALUES ('0');
GRANT SELECT, UPDATE ON test_clock TO PUBLIC;
CREATE OR REPLACE FUNCTION log_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT clock_timestamp() + (SELECT shift FROM test_clock) $$;
"""
SINCE = "2020-01-01T00:00:00.000000Z"
WORDS = {
    "date": "十一月三十日星期一上午", "time": "九点三十分", "duration": "半天", "city": "南昌",
    "centre": "江西省公共资源交易中心", "contact": "0791-86000000",
}  # fmt: skip
POLICY = Policy(ring=1.0)
DELAYS = Delays(look=0.02, rest=0.05, retry=0.01, longest_retry=0.05, approval=3600.0)


class Down(Exception):
    """Nobody was rung."""

    def __init__(self, retry_after: float = 0.0) -> None:
        super().__init__("down")
        self.retry_after = retry_after


class Unfit(Down):
    """And never will be."""


@dataclass
class Call:
    """A call as the exchange saw it."""

    key: str
    number: str
    script: Script


class Exchange:
    """A voice whose people do what `plan` says, a word a call, the last one for ever: accept, decline, conflict, wrong,
    busy, silent, mute (no answer of the provider at all), down, unfit. It counts keys: a key rings once."""

    def __init__(self, name: str = "sip", default: str = "accept") -> None:
        self.name = name
        self.default = default
        self.plan: dict[str, list[str]] = {}
        self.rung: Counter[str] = Counter()
        self.calls: list[Call] = []
        self.codes: dict[str, str] = {}
        self.open = 0
        self.most_open = 0
        self.before: Callable[[str], Any] = lambda number: None

    async def call(
        self, *, key: str, number: str, script: Script, check: Callable[[str], bool] | None, ring: float
    ) -> Answer:
        words = self.plan.get(number, [self.default])
        does = words.pop(0) if len(words) > 1 else words[0]
        if does in ("down", "unfit"):
            raise Down() if does == "down" else Unfit()
        self.rung[key] += 1
        self.calls.append(Call(key, number, script))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(0)
        found = self.before(number)
        if asyncio.iscoroutine(found):
            await found
        self.open -= 1
        provider = f"{self.name} {key} {does}".encode()
        if does == "accept":
            known = check is None or check(self.codes.get(number, ""))
            return Answer("answered", "accepted" if known else "invalid", "1xxxx1", self.name, provider)
        if does in ("decline", "conflict"):
            return Answer("answered", {"decline": "declined"}.get(does, does), "22", self.name, provider)
        if does == "wrong":
            return Answer("answered", "invalid", "57", self.name, provider)
        return unanswered("failed" if does == "mute" else "busy", self.name, b"" if does == "mute" else provider)


class Post:
    """A text: what was written lies in `sent`, replies are put into `replies` by hand."""

    def __init__(self, name: str = "sms") -> None:
        self.name = name
        self.sent: list[tuple[str, str, str, dict[str, str]]] = []
        self.replies: list[tuple[str, Answer]] = []
        self.refuses = False

    async def write(self, *, key: str, number: str, template: str, fields: Mapping[str, str]) -> Answer:
        if key not in [one[0] for one in self.sent]:
            self.sent.append((key, number, template, dict(fields)))
        if self.refuses:
            return unanswered("failed", self.name, b"no")
        return Answer("answered", "no_answer", "", self.name, f"taken {key}".encode())

    async def answers(self) -> Sequence[tuple[str, Answer]]:
        found, self.replies = self.replies, []
        return found

    def of(self, template: str) -> list[tuple[str, str, dict[str, str]]]:
        return [(key, number, fields) for key, number, what, fields in self.sent if what == template]

    def reply(self, key: str, outcome: str) -> None:
        self.replies.append((key, Answer("answered", outcome, "", self.name, b"reply " + key.encode())))


class Market:
    """What a tender's life says, as the test wishes."""

    def __init__(self) -> None:
        self.earliest: datetime | None = None
        self.known: Collection[str] | None = None
        self.stages: dict[str, str] = {}
        self.due: set[str] = set()

    async def terms(self, asked: Asked, now: datetime) -> Terms | None:
        if asked.after_opening and self.known is None:
            return None
        bidders = frozenset(self.known or ()) if asked.after_opening else frozenset()
        return Terms(self.earliest or now, 7, 3, bidders)

    async def bidders(self, tender: str) -> Bidders | None:
        return None if self.known is None else Bidders(frozenset(self.known), 3)

    async def stage(self, tender: str) -> str:
        return self.stages.get(tender, RUNNING)

    async def names_due(self, tenders: Sequence[str]) -> Collection[str]:
        return [one for one in tenders if one in self.due]


def identity_number(n: int) -> str:
    """A valid one, of nobody."""
    body = (
        f"11010119800101{n % 1000:03d}"
        if n < 1000
        else f"1101011981{1 + n // 28 % 12:02d}{1 + n % 28:02d}{n % 1000:03d}"
    )
    return body + ric.calc_check_digit(body + "0")


@dataclass
class Hall:
    """The hall. `found` first; then `roster`, `ask`, and looks of the dispatcher."""

    exchange: Exchange = field(default_factory=Exchange)
    second: Exchange | None = None
    post: Post = field(default_factory=Post)
    market: Market = field(default_factory=Market)
    policy: Policy = POLICY
    key: bytes = field(default_factory=new_key)
    people: dict[str, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vault = Vault([self.key])
        self.authority = Ed25519Signer.generate()
        self.parties = {name: Ed25519Signer.generate() for name in ("C-SUP", "C-NOT")}
        lines = [f"authority A-SUP {Vkey('A-SUP', 1, self.authority.key)} {SINCE} -"]
        lines += [f"custodian {name} {Vkey(name, 1, one.key)} {SINCE} -" for name, one in self.parties.items()]
        self.identities = Identities(Parties.parse(("\n".join(lines) + "\n").encode()))
        self.nonces: dict[tuple[str, int, int], bytes] = {}
        self.meets = datetime.now(UTC) + timedelta(days=20)
        self._dispatcher: Dispatcher | None = None

    async def found(self, owner_dsn: str, *specialties: str) -> Hall:
        owner = await asyncpg.connect(owner_dsn)
        await owner.execute(CLOCK)
        await owner.close()
        for code in specialties or ("a08",):
            await pool().execute("INSERT INTO experts_specialty (code, zh) VALUES ($1, $1)", code)
        return self

    async def roster(
        self, count: int, specialties: Sequence[str] = ("a08",), employer: str = "", *, old: bool = True
    ) -> list[str]:
        """So many more experts, admitted eight days ago; their ids."""
        first = len(self.people)
        made = []
        for n in range(first, first + count):
            work = (Employment(employer, date(2015, 1, 1)),) if employer else ()
            person = Person(f"专家{n}", f"+86138{n:08d}", identity_number(n), employers=work, code=f"{n % 10000:04d}")
            self.exchange.codes[person.phone] = person.code
            if self.second is not None:
                self.second.codes[person.phone] = person.code
            made.append(person)
        ids: list[str] = []
        for start in range(0, count, 1000):
            async with acting(Actor("dispatcher", "operator")) as act:
                part = [NewExpert(one, tuple(specialties)) for one in made[start : start + 1000]]
                named = await add_people(act, self.vault, part)
            async with acting(Actor("authority", "A-SUP")) as act:
                value = admissions.admission(sorted(named), "A-SUP")
                sig = [self.authority.sign(record_sig_bytes(value))]
                await admissions.admit(act, experts=sorted(named), by="A-SUP", sig=sig, identities=self.identities)
            ids += named
        self.people |= dict(zip(ids, made, strict=True))
        if old:
            await self.push(timedelta(days=8))
        return ids

    async def ask(self, tender: str = "L-1@1", need: Mapping[str, int] | None = None, **more: Any) -> str:
        """Ask for a panel; its draw."""
        wanted = {
            "representatives": 0, "meets": self.meets, "parties": tuple(self.parties), "wording": WORDS, "recuse": (),
            "reveal_within": timedelta(hours=1), "after_opening": False,
        }  # fmt: skip
        needs = tuple(Need(name, count) for name, count in sorted((need or {"a08": 5}).items()))
        async with acting(Actor("tenderee", "P-TEN")) as act:
            ref = await panels.request(
                act, self.identities, panels.Asked(tender=tender, need=needs, **{**wanted, **more})
            )
        return str(ref.body["draw"])

    # -- the parties -----------------------------------------------------------------------------------------------------

    async def say(self, draw_id: str, *who: int, reveals: bool = False) -> None:
        """Parties (all) commit, or reveal: what the web side writes, without its checkpoint."""
        panel = await self.panel(draw_id)
        attempt = await pool().fetchrow(
            "SELECT * FROM experts_attempt WHERE panel_id = $1 AND attempt = $2", draw_id, panel["attempt"]
        )
        ctx = draw.draw_ctx(draw_id, panel["tender"])
        for i in who or (1, 2):
            nonce = self.nonces.setdefault((draw_id, panel["attempt"], i), secrets.token_bytes(32))
            value = nonce if reveals else nonce_commit(ctx, i, nonce)
            record = sha256_hex(bytes(attempt["record"]))
            said = Said(draw_id, panel["tender"], panel["attempt"], i, record, value, reveals)
            sig = [list(self.parties.values())[i - 1].sign(said.signed)]
            async with acting(Actor("custodian", str(i))) as act:
                await act.query("SELECT 1 FROM experts_panel WHERE draw = $1 FOR UPDATE", draw_id)
                if reveals:
                    await panels.reveal(act, self.identities, panel["tender"], said.data, sig)
                    continue
                await act.clock()
                await act.query(
                    """INSERT INTO experts_nonce (panel_id, attempt, i, commit, commit_sig, committed_at)
                       VALUES ($1, $2, $3, $4, $5::text::jsonb, $6)""",
                    draw_id, panel["attempt"], i, said.data, json.dumps(sig), act.now,
                )  # fmt: skip
                act.record(
                    "draw-nonce-committed", subject=panel["tender"], tender=panel["tender"], draw=draw_id,
                    attempt=panel["attempt"], i=i, object=b64(said.data), sig_hash="00" * 32,
                )  # fmt: skip

    async def drawn(self, draw_id: str) -> None:
        """From the request to the order: the dispatcher commits, the parties commit and reveal."""
        await self.look()
        await self.say(draw_id)
        await self.say(draw_id, reveals=True)

    # -- the dispatcher --------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> Lines:
        voices = [self.exchange] if self.second is None else [self.exchange, self.second]
        return Lines(voices, [self.post], (), Down, Unfit)

    def restart(self) -> Dispatcher:
        """A new process: nothing of the old one's memory."""
        desk = Desk(
            self.vault, self.lines, self.market, lambda code: sha256_hex(b"pepper" + code.encode()), MachineClock(),
            self.policy, DELAYS,
        )  # fmt: skip
        self._dispatcher = Dispatcher(desk, (asyncpg.PostgresConnectionError,))
        return self._dispatcher

    @property
    def dispatcher(self) -> Dispatcher:
        return self._dispatcher or self.restart()

    async def look(self, times: int = 1) -> None:
        """Looks of the dispatcher, each with all calls it made."""
        for _ in range(times):
            await self.dispatcher.run_once()
            await asyncio.wait_for(self.dispatcher.settle(), 20)

    async def ringing(self, many: int) -> None:
        """Waits until so many telephones were rung; all may ring still."""
        async with asyncio.timeout(20):
            while len(self.exchange.calls) < many:
                await asyncio.sleep(0.01)

    async def push(self, by: timedelta) -> None:
        await pool().execute("UPDATE test_clock SET shift = shift + $1::interval", by)

    async def push_to(self, moment: datetime) -> None:
        now = await pool().fetchval("SELECT log_now()")
        await self.push(moment - now)

    # -- what can be seen ------------------------------------------------------------------------------------------------

    async def panel(self, draw_id: str) -> Any:
        return await pool().fetchrow("SELECT * FROM experts_panel WHERE draw = $1", draw_id)

    async def states(self, draw_id: str) -> Counter[str]:
        rows = await pool().fetch("SELECT state FROM experts_summons WHERE panel_id = $1", draw_id)
        return Counter(row["state"] for row in rows)

    async def records(self, type: str, draw_id: str | None = None) -> list[dict[str, Any]]:
        rows = await pool().fetch("SELECT record FROM log_record WHERE type = $1 ORDER BY id", type)
        read = [parse(bytes(row["record"])) for row in rows]
        return [one for one in read if draw_id in (None, one.get("draw"))]

    async def alerts(self) -> list[str]:
        return [one["rule"] for one in await self.records("alert-raised")]

    def number(self, draw_id: str, leaf: str) -> str:
        """The telephone behind a leaf: the test may look."""
        found = self.dispatcher.desk.opened[draw_id]
        return self.people[found.expert(leaf)].phone

    def queue(self, draw_id: str, specialty: str = "a08") -> list[str]:
        """Telephones in the order of the draw."""
        found = self.dispatcher.desk.opened[draw_id]
        return [self.people[found.experts[leaf]].phone for leaf in found.queues[specialty]]

    async def order(self, draw_id: str, specialty: str = "a08") -> list[str]:
        """The same before anybody is called."""
        from experts.commits import reveal

        asked = await self.dispatcher.desk.panel(draw_id)
        if asked.state == "committed":
            await reveal(self.dispatcher.desk, asked)
        await self.dispatcher.desk.drawn(asked)
        return self.queue(draw_id, specialty)

    async def sit(self, draw_id: str, leaf: str, seat: int) -> None:
        """Somebody has checked in (the seats' business)."""
        await pool().execute(
            "INSERT INTO experts_seat (panel_id, seat, leaf, key, keyed_at) VALUES ($1, $2, $3, $4, log_now())",
            draw_id, seat, leaf, bytes(32),
        )  # fmt: skip


def check_calls(
    records: Sequence[Mapping[str, Any]], queues: Mapping[str, Sequence[str]], need: Mapping[str, int]
) -> None:
    """The rules of draw.md §2.4 and §2.5 over `draw-called` records in the order of the log. Asserts."""
    lost: dict[str, str] = {}
    tries: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        leaf, specialty = record["leaf"], record["specialty"]
        assert leaf not in lost, "nothing follows a loss"
        place = list(queues[specialty]).index(leaf)
        if leaf not in tries:
            gone = sum(other in lost for other in queues[specialty][:place])
            assert gone >= place - need[specialty] + 1, f"place {place} called with {gone} lost"
        before = tries.setdefault(leaf, [])
        if record["try"]:
            assert record["try"] == 1 + sum(one["try"] > 0 for one in before) and record["channel"]
        else:
            assert record["answer"] is None and record["channel"] == ""
        before.append(record)
        if record["outcome"] == "unreachable":
            silent = [one for one in before if one["answer"] is not None]
            assert any(
                a["channel"] != b["channel"]
                and datetime.fromisoformat(b["time"]) - datetime.fromisoformat(a["time"]) >= timedelta(minutes=10)
                for n, a in enumerate(silent)
                for b in silent[n + 1 :]
            ), "unreachable without its proof"
        if record["outcome"] in ("declined", "conflict", "unreachable", "no_show", "removed"):
            lost[leaf] = record["outcome"]
    for specialty, queue in queues.items():
        called = [leaf in tries for leaf in queue]
        assert called == sorted(called, reverse=True), f"{specialty}: not a prefix"


@dataclass(frozen=True)
class _Fact:
    """A record as V13 is handed one, at its place in the order of the log."""

    index: int
    body: Mapping[str, Any]

    @property
    def at(self) -> str:
        return f"record {self.index}"

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.body["time"])

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


def verified(committed: Mapping[str, Any], calls: Sequence[Mapping[str, Any]], found: Drawn) -> None:
    """V13's own rules of calls and their order (experts/verify_calls.py) over the same records: nothing fails."""
    record: Any = _Fact(0, {**committed, "need": read_need(committed["need"])})
    attempt = Attempt(record)
    attempt.records["draw-called"] = [_Fact(n, one) for n, one in enumerate(calls, 1)]  # type: ignore[misc]
    drawn = Draw(committed["draw"], [attempt])
    faults = Found(13)
    course = verify_calls.check_tries(None, drawn, faults)  # type: ignore[arg-type]
    parts = {leaf: name for name, queue in found.queues.items() for leaf in queue}
    pool_ = Pool(parts, {name: list(queue) for name, queue in found.queues.items()})
    verify_calls.check_order(drawn, course, pool_, faults)
    assert not faults.faults, faults.faults


__all__ = ["POLICY", "Call", "Exchange", "Hall", "Market", "Post", "b64", "check_calls", "told", "verified"]
