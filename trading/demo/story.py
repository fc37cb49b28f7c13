"""The story: start everything, run every tender twice, prove it, and say what came out.

Server, sequencer, witness and three custodians are processes of their own; the demonstration plays operator,
authorities, tenderee, supervisor and bidders over HTTP. Its log runs on a faster clock under a `demo.` origin.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from audit.canon import sha256_hex
from audit.clock import LogClock
from audit.logkey import LogKey
from audit.refusal import Refused
from bidding.envelope import SealedFile, Source
from bidding.unseal import Verdict
from trading.cli.screen import Screen
from trading.client import Answered, Platform
from trading.demo import cast as people
from trading.demo import outcome, roster
from trading.demo.market import Bidder, Market, Run, day_around, spans
from trading.demo.otherwise import Declined
from trading.demo.panels import Panels
from trading.demo.plan import plan
from trading.demo.processes import Processes, demand_port, free_port
from trading.demo.tenders import SourceBid, SourceTender, read_tenders
from trading.law.periods import lawful_deadline
from trading.law.regimes import regime
from trading.tools import bidder as bidder_tool
from trading.tools.custodian import Custodian
from trading.tools.document_set import answer, choose
from trading.tools.kit import Kit
from trading.tools.memory import Memory
from trading.tools.trust import Trust

LONGEST = 14.0
"""Machine seconds that the longest period takes: everything else of `--quick` must fit into the rest of a minute."""
SOONEST = 9.0
"""Machine seconds that bidders have at least, whatever a shorter published period would leave them."""
EACH = 0.35
"""Machine seconds for one bid among many, on a machine that is busy with other things too."""
KEYING = 5.0
"""Machine seconds for stating and rehearsing keys, making boxes and announcing; more where the machine is slow."""
READY = frozenset({"opened", "shut", "terminated", "archived"})
"""Stages in which nothing is awaited of custodians and timers."""
WORKERS = 4
BEAT, WIDTH = 1, 8
POST = {"TRADING_POST_MAIL": "eml", "TRADING_POST_SMS": "file"}
"""Mails lie under `post/mail` of the demonstration's directory."""
DISPATCH = {
    "TRADING_DISPATCH_LOOK_MACHINE": "0.2",
    "TRADING_DISPATCH_RING_MACHINE": "2",
    "TRADING_DISPATCH_TRAVEL_MACHINE": "4",
}
"""A demonstration's telephones ring shortly, and nobody lives far away."""


def run(
    screen: Screen,
    *,
    quick: bool,
    everything: bool,
    source: Path | None,
    out: Path | None,
    port: int,
    data: Path | None,
    browser: bool = True,
) -> int:
    """Run the demonstration; returns the exit code. Raises Refused for input that is none or a process that died."""
    if not (quick or everything or source or out):
        from trading.demo.guided import run as guide

        return guide(screen, _tenders(None), port=port, data=data, opens=browser)
    runs = plan(_tenders(source), kinds=source is None, otherwise=everything)
    stays = not quick and not everything
    if stays:
        demand_port(port)
    with ExitStack() as stack:
        home = data if data is not None else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trading-")))
        if data is not None and data.exists() and any(data.iterdir()):
            raise Refused("D-DATA", path=str(data))
        story = Story(screen, home, port if stays else free_port(), runs)
        story.post = stays
        stack.callback(story.close)
        story.begin(stack)
        story.play()
        results = story.prove(out)
        code = outcome.show(screen, story.runs, results, time.monotonic() - story.began)
        if stays and code == 0:
            screen.say("demo.serving", url=story.url, path=str(home))
            threading.Event().wait()
        return code


def _tenders(source: Path | None) -> list[SourceTender]:
    if source is not None:
        return read_tenders(source)
    with as_file(files("trading.demo").joinpath("prozorro.json")) as path:
        return read_tenders(path)


class Story:
    """One run of the demonstration, from an empty directory."""

    PATIENCE = 60.0
    """Machine seconds after which "not yet" is taken for "never"."""
    extra: Mapping[str, str] = {}
    """What its processes are told besides, as environment."""
    post = False
    """Whether letters to bidders' people are written too, as files: where somebody visits."""

    def __init__(self, screen: Screen, home: Path, port: int, runs: Sequence[Run], *, factor: int = 0) -> None:
        self.began = time.monotonic()
        self.screen, self.home, self.port = screen, home, port
        self.url = f"http://127.0.0.1:{port}"
        self.runs = list(runs)
        lawful = lawful_deadline(regime("works"), people.BASE) - people.BASE
        longest = max([lawful, *(one.source.period for one in runs)])
        factor = factor or int(-(-longest.total_seconds() // LONGEST))
        self.clock = LogClock(people.BASE, factor, datetime.now(UTC))
        self.trust_files = home / "trust"
        self.market: Market
        self.receipts = home / "receipts"

    def close(self) -> None:
        """Let go of every connection."""
        if hasattr(self, "market"):
            self.market.close()

    # -- starting ------------------------------------------------------------------------------------------------------

    def begin(self, stack: ExitStack) -> None:
        """Database, trust files, log, and the processes."""
        from trading.postgres import migrate, running
        from trading.settings import Settings

        self._tell("demo.starting")
        witness_port = free_port(besides=self.port)
        key = LogKey.generate(self.home / "keys" / "log.pem", people.ORIGIN)
        self.cast = people.make_cast(key.vkey)
        people.write_trust(self.cast, self.trust_files)
        self.environment = {
            "TRADING_DATA": str(self.home),
            "TRADING_ORIGIN": people.ORIGIN,
            "TRADING_BEAT": str(BEAT),
            "TRADING_WIDTH": str(WIDTH),
            "TRADING_PORT": str(self.port),
            "TRADING_WITNESSES": json.dumps([f"{people.WITNESS_NAME}=http://127.0.0.1:{witness_port}"]),
            "TRADING_LANG": self.screen.lang,
            **(POST if self.post else {}),
            **self.extra,
        }
        settings = Settings(data=self.home, origin=people.ORIGIN, beat=BEAT, width=WIDTH, port=self.port)
        stack.enter_context(running(settings))
        administrator = asyncio.run(self._open(settings, migrate))
        self.processes = stack.enter_context(Processes(self.home / "logs"))
        self.processes.start("server", ["serve"], self.environment)
        witness = people.write_witness(self.cast, self.home / "witness")
        clock = json.dumps(self.clock.describe())
        self.processes.start(
            "witness",
            ["witness", "serve", "--state", str(self.home / "witness" / "state"), "--key", str(witness), "--name",
             people.WITNESS_NAME, "--policy", str(self.trust_files / "policy.txt"), "--port", str(witness_port),
             "--platform", self.url, "--clock", clock],
            self.environment | self._passphrase,
        )  # fmt: skip
        self.processes.wait_for("witness", f"http://127.0.0.1:{witness_port}/healthz")
        self.processes.start("jobs", ["jobs"], self.environment)
        if self.runs:  # whoever tells no tender of the demonstration has panels of his own, or none
            self.processes.start("dispatcher", ["dispatch"], self.environment | self._passphrase | DISPATCH)
        if self.post:
            self.processes.start("post", ["post"], self.environment)
        self.processes.wait_for("server", f"{self.url}/healthz")
        self.market = Market(self.url, self.screen.lang, self.cast, administrator)
        self.panels = Panels(self)
        stack.callback(self.panels.leave)
        self._tell("demo.started", url=self.url, factor=self.clock.factor, base=people.BASE.date())

    @property
    def _passphrase(self) -> dict[str, str]:
        """For the tools of custodians and witnesses; the platform's own processes never learn it."""
        return {"TRADING_PASSPHRASE": self.cast.passphrase}

    async def _open(self, settings: Any, migrate: Callable[[Any], Any]) -> str:
        """Migrate, open the log under the demonstration's clock, and found the first administrator."""
        from audit.genesis import open_log
        from audit.trust import Parties, Policy
        from trading.accounts import demo_code, found, pepper_of, use_pepper
        from trading.postgres import connected

        await migrate(settings)
        async with connected(settings):
            self.clock = LogClock(people.BASE, self.clock.factor, datetime.now(UTC))
            policy, parties = Policy.parse(self.cast.policy), Parties.parse(self.cast.parties)
            await open_log(people.ORIGIN, beat=BEAT, width=WIDTH, policy=policy, parties=parties, clock=self.clock)
            use_pepper(pepper_of(settings))
            if self.runs:
                vault = roster.write_key(self.cast, settings.vault_key_path)
                specials = [one.way.special for one in self.runs if isinstance(one.way, Declined)]
                self.book = await roster.fill(self.cast, vault, specials)
                roster.write_plan(self.book, self.home / "calls")
            issued = await found("安全管理员", demo_code(9_000_000), "示范公共资源交易中心（系统运行部）")
            return str(issued["token"])

    # -- playing -------------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Everything from the first desk to the archives; what is tendered again comes in a second wave."""
        market = self.market
        market.fill_desks()
        market.vouch(self.cast.tenderee, "tenderee")
        self.panels.start()
        self._wave([one for one in self.runs if one.after is None], self.began)
        if again := [one for one in self.runs if one.after is not None]:
            self._wave(again, time.monotonic())
        for one in self.runs:
            if not one.way.announced:
                one.way.stand(self, one)
        self.panels.stop()
        self._each(self._archive, self._announced)
        self._tell("demo.archived", count=len(self._announced))

    def _wave(self, runs: Sequence[Run], since: float) -> None:
        """From registration to contract, all of them in step."""
        market = self.market
        for first in (True, False):  # another lot of a project needs the project
            self._each(market.register, [one for one in runs if (one.beside is None) is first])
        self._beat()
        self._each(lambda one: self.until(lambda: market.name(one), "E-PENDING", "W-CHECKPOINT"), runs)
        self._admit_bidders(runs)
        runs = [one for one in runs if one.way.announced]
        for one in runs:
            one.way.prepare(self, one)
        self._set_deadlines(runs, since)
        statements = self.prepare_custodians(runs)
        self._tell("demo.custodians")
        self._each(lambda one: market.make_boxes(one, statements), runs)
        self._each(lambda one: market.announce(one, **one.way.notice(self, one)), runs)
        self._tell("demo.announced", count=len(runs))
        self._each(lambda one: one.way.convene(self, one), runs)
        self._each(lambda one: one.way.bid(self, one), runs, at_once=True)
        self._tell("demo.submitted", count=sum(len(one.bids) for one in runs))
        with ThreadPoolExecutor(
            max(1, len(runs))
        ) as desks:  # whoever is open goes on: panels and auctions take their time
            going = self._store_and_wait(runs, lambda one: desks.submit(self._evaluate, one))
            self._tell("demo.opened", count=sum(bool(one.outcome.get("opens")) for one in runs))
            for evaluated in going:
                evaluated.result()
        self._tell("demo.concluded")

    def _set_deadlines(self, runs: Sequence[Run], since: float) -> None:
        """Each law at its minimum; the source's law at the period that was published.

        Bidders have nine seconds at least, more where there are many: on a clock that puts three weeks into a quarter of a
        minute, a published day or two would be over before anybody could seal, so shorter periods are stretched to that.
        Keys are made for the hour, so it is fixed before the announcement, with a margin for what lies between: by how long
        the machine took `since` the wave began.
        """
        margin = max(KEYING, (time.monotonic() - since) * 0.4)
        ahead = self.clock.now() + timedelta(seconds=margin * self.clock.factor)
        bids = sum(len(one.source.bids) for one in runs)
        soonest = timedelta(seconds=max(SOONEST, bids * EACH) * self.clock.factor)
        for one in runs:
            lawful = lawful_deadline(regime(one.regime), ahead) if one.lawful else ahead + one.source.period
            one.deadline = _minute(max(lawful, ahead + soonest))

    def prepare_custodians(self, runs: Sequence[Run]) -> dict[datetime, list[Any]]:
        """Each custodian states and rehearses a key for every opening hour of these runs, then watches by itself."""
        hours, trust = spans(runs), self.trust
        statements: dict[datetime, list[Any]] = {hour: [] for hour in hours}
        for member in self.cast.custodians:
            disk = self.home / "custodians" / f"{member.id}-{hours[0]:%Y%m%d%H%M%S}"
            identity, boxes = people.write_custodian(self.cast, member, disk, len(hours))
            keys = [_private(box, self.cast.passphrase) for box in boxes]
            memory, platform = Memory(disk / "state"), self.market.as_(member.id)
            tool = Custodian(member.id, member.signer, keys, trust, memory, platform)
            for hour, key in zip(hours, keys, strict=True):
                begin, end = day_around(hour)
                made = tool.state_key(key, name=member.name, valid_from=begin, valid_to=end)
                tool.rehearse(made)
                statements[hour].append(made)
            self._watch(tool.id, identity, boxes)
        return statements

    def _watch(self, id: str, identity: Path, boxes: Sequence[Path]) -> None:
        command = ["custodian", "release", "--watch", "--every", "0.5", "--identity", str(identity)]
        for box in boxes:
            command += ["--box", str(box)]
        command += [
            "--policy",
            str(self.trust_files / "policy.txt"),
            "--parties",
            str(self.trust_files / "parties.txt"),
        ]
        command += ["--state", str(identity.parent / "state"), "--url", self.url]
        environment = {**self.environment, **self._passphrase, "TRADING_TOKEN": self.market.tokens[id]}
        self.processes.start(f"custodian-{identity.parent.name}", command, environment)

    def _admit_bidders(self, runs: Sequence[Run]) -> None:
        wanted = {(one.source.ocid, bid.tenderer) for one in runs for bid in one.source.bids}
        names = sorted(wanted - self.market.bidders.keys())
        admitted = self._each(lambda name: self.market.admit(f"{name[1]} · {name[0]}"), names)
        self.market.bidders |= dict(zip(names, admitted, strict=True))

    def bidder_of(self, one: Run, bid: SourceBid) -> Bidder:
        """The firm behind a bid of the source."""
        return self.market.bidders[one.source.ocid, bid.tenderer]

    def client_of(self, one: Run, bid: SourceBid) -> Platform:
        """That firm's client."""
        return self.market.client(self.bidder_of(one, bid).token)

    def hand_in_all(self, one: Run) -> None:
        """Every bidder of a tender seals on its own disk and hands in."""
        for bid in one.source.bids:
            one.bids[bid.tenderer] = self.hand_in(one, self.bidder_of(one, bid), bid.price)

    def hand_in_again(self, one: Run, bid: SourceBid) -> None:
        """Seal anew under the documents as they are now, and replace what was handed in."""
        bidder = self.bidder_of(one, bid)
        last = SealedFile(self.desk(one, bidder) / "bid.sealed")
        self.hand_in(one, bidder, bid.price, replaces=last)

    def desk(self, one: Run, bidder: Bidder) -> Path:
        """A bidder's own disk, for one tender."""
        return self.home / "bidders" / bidder.code / one.tender

    def hand_in(
        self, one: Run, bidder: Bidder, price: int, *, tender: str = "", opening: Mapping[str, Any] | None = None,
        replaces: SealedFile | None = None,
    ) -> str:  # fmt: skip
        """Check custodians and hour from the log, seal, upload, submit, keep the receipts; the bid's id.

        `tender`: the reserve's box instead of the bids'; `opening`: what its form says.
        """
        tender = tender or one.tender
        platform, desk = self.market.client(bidder.token), self.desk(one, bidder)
        desk.mkdir(parents=True, exist_ok=True)
        data = self.until(lambda: platform.fetch(f"/api/v1/tenders/{tender}/sealing-kit"), "E-PENDING")
        looked = bidder_tool.look_at(Kit(data), tender, self.trust, Memory(desk / "state"), platform=platform)
        said = opening or {"price": price, "days": 30, **one.way.opening(one, price)}
        document = desk / "投标文件.txt"
        document.write_text(_document(one.source, bidder.name), "utf-8")
        sealed = bidder_tool.seal(
            looked.found,
            desk / ("bid.sealed" if replaces is None else "again.sealed"),
            bidder=bidder.code,
            signer=bidder.signer,
            files=[Source(document, document.name, "text/plain")],
            opening=answer(said, choose(looked.documents, None, looked.found.schema.keys())),
            now=looked.now,
            replaces=replaces,
        )
        bidder_tool.submit(platform, sealed, self.trust, self.receipts / tender / bidder.code)
        return sealed.bid

    def keep_receipts(self, one: Run, bidder: Bidder, kind: str) -> None:
        """Put what a tool keeps in its memory of one kind beside the bidder's other receipts."""
        for path in (self.desk(one, bidder) / "state" / kind).glob("*.receipt.json"):
            shutil.copy(path, self.receipts / one.tender / bidder.code / f"{kind}-{path.name}")

    def _store_and_wait(self, runs: Sequence[Run], opened: Callable[[Run], Future[None]]) -> list[Future[None]]:
        """The supervisor copies the larger stage, custodians release by themselves, the timers open; `opened` begins what
        follows."""
        stored: set[str] = set()
        begun: list[Future[None]] = []
        patience = time.monotonic() + 180
        while waiting := [one for one in runs if one.outcome.get("state") not in READY]:
            self.processes.check()
            if time.monotonic() > patience:
                raise Refused("D-STUCK", tender=waiting[0].tender, state=waiting[0].outcome.get("state"))
            for one in waiting:
                one.outcome = self.market.read(one)
                one.way.wait(self, one)
                if one.outcome["state"] == "closed" and one.tender not in stored and self._store(one):
                    stored.add(one.tender)
                if one.outcome["state"] in READY and one.outcome.get("opens"):
                    begun.append(opened(one))
            time.sleep(0.3)
        return begun

    def _evaluate(self, one: Run) -> None:
        """When the last envelope of its first hour is read; the tender is open from the first one on."""
        hours = one.way.hours(one, one.deadline) if one.deadline else {}
        stages = {stage for stage, hour in hours.items() if hour == one.deadline}

        def read() -> None:
            told = {bid["bid"]: bid["verdicts"] for bid in self.market.read(one)["bids"] or ()}
            if any(
                told.get(bid, {}).get(stage, Verdict.PENDING) == Verdict.PENDING
                for bid in one.bids.values()
                for stage in stages
            ):
                raise Refused("E-PENDING", record="unsealed")

        self.until(read, "E-PENDING", patience=120)
        one.way.evaluate(self, one)

    def _store(self, one: Run) -> bool:
        """Copy every listed payload of the larger stage to the supervisor's own store, and say so in the log."""
        assert one.deadline is not None
        [stage] = [name for name in one.way.hours(one, one.deadline) if name != "form"]
        supervisor, store = self.market.as_("supervisor"), self.home / "supervisor" / one.tender
        try:
            kit = Kit(supervisor.fetch(f"/api/v1/tenders/{one.tender}/kits/{stage}"))
        except Answered as no:
            if no.code == "E-PENDING":
                return False
            raise
        store.mkdir(parents=True, exist_ok=True)
        last: dict[str, tuple[int, str]] = {}
        for name in kit.names:
            if name.startswith("bids/") and f"/{stage}/" in name and name.endswith("/manifest.json"):
                _, bid, _, seq, _ = name.split("/")
                last[bid] = max(last.get(bid, (0, "")), (int(seq), sha256_hex(kit.read(name))))
        missing = []
        for bid, (_, manifest) in sorted(last.items()):
            try:
                supervisor.fetch(f"/api/v1/tenders/{one.tender}/payloads/{manifest}", store / manifest)
            except Answered:
                missing.append(bid)
        supervisor.post(f"/tenders/{one.tender}/stored", {"stage": stage, "missing": missing})
        return True

    def _archive(self, one: Run) -> None:
        """Both editions, as soon as the log covers the last record."""
        self.until(lambda: self.market.act("operator", one, "archive"), "E-PENDING")
        one.outcome = self.market.read(one)

    # -- proving -------------------------------------------------------------------------------------------------------

    def prove(self, out: Path | None) -> list[outcome.Proof]:
        """Fetch every archive and receipt, verify them offline under the trust files, and leave them in `out`."""
        target = out if out is not None else self.home / "out"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.trust_files, target / "trust", dirs_exist_ok=True)
        self._each(lambda one: self._fetch(one, target), self._announced)
        (target / "ocds").mkdir(exist_ok=True)
        for name in ("releases.jsonl", "compiled.jsonl"):
            self.market.as_("supervisor").fetch(f"/ocds/{name}", target / "ocds" / name)
        proofs = outcome.verify_all(self._announced, target)
        held = {proof.name for proof in proofs if proof.code == 0}
        for one in self._announced:
            if (name := f"{one.tender}.public.zip") in held:
                one.way.print(self, one, target / name)
        self._tell("demo.proved", count=sum(proof.code == 0 for proof in proofs), of=len(proofs))
        return proofs

    def _fetch(self, one: Run, target: Path) -> None:
        supervisor = self.market.as_("supervisor")
        for edition in ("public", "supervision"):
            path = target / f"{one.tender}.{edition}.zip"
            supervisor.fetch(f"/api/v1/tenders/{one.tender}/archive/{edition}", path)
        if one.report:
            (target / "reports").mkdir(exist_ok=True)
            (target / "reports" / f"{one.tender}.json").write_bytes(one.report)
        for bid in one.source.bids:
            bidder = self.market.bidders[one.source.ocid, bid.tenderer]
            own = self.receipts / one.tender / bidder.code
            kept = target / "receipts" / one.tender / bidder.code
            kept.mkdir(parents=True, exist_ok=True)
            for path in sorted(own.glob("*.json")):
                held = bidder_tool.plain_receipt(json.loads(path.read_bytes()))
                grown, _ = bidder_tool.complete(self.market.client(bidder.token), held, self.trust)
                (kept / path.name).write_bytes(grown.format())

    # -- helpers of the telling ------------------------------------------------------------------------------------------

    @property
    def _announced(self) -> list[Run]:
        """What was announced, and so ends in an archive."""
        return [one for one in self.runs if one.way.announced]

    @property
    def trust(self) -> Trust:
        """The trust files, as every tool holds them."""
        return Trust.read(self.trust_files / "policy.txt", self.trust_files / "parties.txt")

    def _tell(self, code: str, **facts: Any) -> None:
        self.screen.line(f"{time.monotonic() - self.began:6.1f}s  {self.screen.text(code, **facts)}")

    def _beat(self) -> None:
        time.sleep(BEAT)
        self.processes.check()

    def _each(self, act: Callable[[Any], Any], items: Sequence[Any], *, at_once: bool = False) -> list[Any]:
        """Do it for all, a few at a time; `at_once`: each in a thread of its own, where most of the time is waiting."""
        with ThreadPoolExecutor(max(1, len(items)) if at_once else WORKERS) as pool:
            return list(pool.map(act, items))

    def at_once(self, act: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Everybody does it, each in a thread of its own."""
        return self._each(act, items, at_once=True)

    def until(self, act: Callable[[], Any], *codes: str, patience: float = 0, every: float = 0.2) -> Any:
        """Do it, and again while the platform answers with one of these "not yet" codes. `patience` (0: as the story has it)
        and `every`, the time between two tries, in machine seconds."""
        end = time.monotonic() + (patience or self.PATIENCE)
        while True:
            try:
                return act()
            except Refused as no:
                if no.code not in codes or time.monotonic() > end:
                    raise
            self.look(every)

    def must_refuse(self, code: str, act: Callable[[], Any]) -> None:
        """Ask for what the law forbids. Raises Refused("D-ALLOWED") if it is done all the same."""
        try:
            act()
        except Refused as no:
            if no.code != code:
                raise
            return
        raise Refused("D-ALLOWED", expected=code)

    def sleep_until(self, moment: datetime) -> None:
        """Until the log's clock has come so far."""
        while (left := (moment - self.clock.now()).total_seconds()) > 0:
            self.look(min(1.0, left / self.clock.factor))

    def span(self, seconds: float) -> timedelta:
        """So many machine seconds, in the log's time."""
        return timedelta(seconds=seconds * self.clock.factor)

    def look(self, seconds: float) -> None:
        """Between two looks at something that others move; machine seconds."""
        self.processes.check()
        time.sleep(seconds)

    def pause(self) -> None:
        """Until what was just said is in the log: three beats."""
        time.sleep(3 * BEAT)

    def file(self, one: Run, kind: str, about: str, text: str, **more: Any) -> str:
        """A bidder files a remedy; its id."""
        body = {"kind": kind, "about": about, "text": text, **more}
        return str(self.client_of(one, one.source.bids[-1]).post(f"/tenders/{one.tender}/remedies", body)["remedy"])


def _minute(moment: datetime) -> datetime:
    return (moment + timedelta(minutes=1)).replace(second=0, microsecond=0)


def _private(path: Path, passphrase: str) -> Any:
    from trading.keyfiles import read

    return read(path, passphrase, kind="custodian").private


def _document(tender: SourceTender, bidder: str) -> str:
    """A generated document of about 300 KiB: a heading people can read, and text that does not compress."""
    head = f"{tender.title}\n{tender.ocid}\n{bidder}\n\n"
    return head + "\n".join(secrets.token_urlsafe(57) for _ in range(4000)) + "\n"
