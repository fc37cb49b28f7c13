"""A centre of real processes that a test may kill: PostgreSQL, server, jobs, a witness; bidders with their own tools.

The log's clock runs 3600 times as fast: an hour of the law is a second of the test, and the two hours by which an
outage moves a deadline (log.md §5) are two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from cryptography.hazmat.primitives.asymmetric import ec

from audit.canon import sha256_hex, stamp
from audit.checkpoint import checkpoint_of
from audit.receipt import Receipt
from audit.refusal import Refused
from bidding.envelope import SealedFile, Source
from bidding.sealing import Sealable
from trading.cli.screen import Screen
from trading.client import Platform as Client
from trading.demo.market import SCHEMA, Bidder, Run, day_around
from trading.demo.processes import free_port
from trading.demo.story import Story
from trading.demo.tenders import SourceTender
from trading.embedded import Embedded
from trading.tools import bidder as tool
from trading.tools.custodian import Custodian
from trading.tools.kit import Kit
from trading.tools.memory import Memory

FACTOR = 3600
STAGES = ("form", "documents")
SHAKEN = frozenset({"W-UNREADY", "W-RUNNING", "W-BUSY", "N-UNREACHABLE"})
"""What a bidder hears while machines die: not yes, not no; ask again."""


@dataclass(frozen=True)
class Taken:
    """A bid that the platform has acknowledged: the sealed file, its price, and the receipt of each stage."""

    sealed: SealedFile
    price: int
    receipts: Mapping[str, Receipt]


@dataclass
class Firm:
    """A bidder at its own desk, who seals a new offer whenever the last one was acknowledged."""

    bidder: Bidder
    client: Client
    desk: Path
    found: Sealable
    taken: list[Taken] = field(default_factory=list)


class Centre:
    """The running centre. `announce` first, then `firm`s hand in, then `close_and_open`."""

    def __init__(self, story: Story, database: Embedded) -> None:
        self.story, self.database = story, database
        self.custodians: list[Custodian] = []
        self._clients: list[Client] = []
        self.run: Run

    @property
    def tender(self) -> str:
        return self.run.tender

    # -- before the hour -----------------------------------------------------------------------------------------------

    def announce(self, seconds: float, schema: Mapping[str, Any] = SCHEMA) -> None:
        """A tender under the source's law whose deadline is so many machine seconds away; three custodians rehearse."""
        story, market = self.story, self.story.market
        source = SourceTender("t-1", "江边泵站改造", "", "某区", "CNY", 1_000_000_000, timedelta(days=1), (), "")
        one = self.run = Run(source, "source-law")
        market.register(one)
        story.until(lambda: market.name(one), "E-PENDING", "W-CHECKPOINT")
        one.deadline = story.clock.now() + timedelta(seconds=seconds * FACTOR)
        begin, end = day_around(one.deadline)
        statements = []
        for member in story.cast.custodians:
            memory = Memory(story.home / "custodians" / member.id)
            box = ec.generate_private_key(ec.SECP256R1())
            made = Custodian(member.id, member.signer, [box], story.trust, memory, market.as_(member.id))
            statements.append(made.state_key(box, name=member.name, valid_from=begin, valid_to=end))
            made.rehearse(statements[-1])
            self.custodians.append(made)
        market.make_boxes(one, {one.deadline: statements})
        body = {"deadline": stamp(one.deadline), "opening_schema": dict(schema), "window": 86400 * 7, "unvouched": []}
        market.as_("tenderee").post(f"/tenders/{one.tender}/announcement", body)

    def firm(self, name: str, desk: Path) -> Firm:
        """A registered bidder who has looked at the sealing kit."""
        desk.mkdir(parents=True)
        bidder = self.story.market.admit(name)
        client = Client(self.story.url, token=bidder.token, lang="en")
        self._clients.append(client)
        data = self.story.until(lambda: client.fetch(f"/api/v1/tenders/{self.tender}/sealing-kit"), "E-PENDING")
        looked = tool.look_at(Kit(data), self.tender, self.story.trust, Memory(desk / "state"), platform=client)
        return Firm(bidder, client, desk, looked.found)

    def hand_in(self, firm: Firm, price: int, **opening: Any) -> Taken:
        """Seal a small offer that replaces the last one, and do not rest before it is acknowledged.

        Raises Refused for every answer that is not a mere "ask again", and for that after some minutes.
        """
        patience = time.monotonic() + BUSY * 60
        sealed = self.seal(firm, price, **opening)
        number = len(firm.taken) + 1
        while True:
            try:
                receipts = tool.submit(firm.client, sealed, self.story.trust, firm.desk / f"receipts-{number}")
                break
            except Refused as no:
                if no.code not in SHAKEN or time.monotonic() > patience:
                    raise
        firm.taken.append(Taken(sealed, price, receipts))
        return firm.taken[-1]

    def seal(self, firm: Firm, price: int, **opening: Any) -> SealedFile:
        """An offer of one block a stage, which replaces the firm's last one if there is one."""
        number = len(firm.taken) + 1
        document = firm.desk / "offer.txt"
        if not document.exists():
            document.write_text("报价说明\n" * 40, "utf-8")
        return tool.seal(
            firm.found,
            firm.desk / f"{number}.sealed",
            bidder=firm.bidder.code,
            signer=firm.bidder.signer,
            files=[Source(document, document.name, "text/plain")],
            opening={"price": price, "days": 30, **opening},
            now=self.story.clock.now(),
            replaces=firm.taken[-1].sealed if firm.taken else None,
        )

    def left(self) -> float:
        """Machine seconds until the deadline."""
        assert self.run.deadline is not None
        return (self.run.deadline - self.story.clock.now()).total_seconds() / FACTOR

    def move_deadline(self, seconds: float) -> None:
        """The tenderee moves the deadline so many machine seconds later."""
        later = datetime.fromisoformat(self.state()["deadline"]) + timedelta(seconds=seconds * FACTOR)
        body = {"deadline": stamp(later), "reason": "more_time"}
        self.story.market.act("tenderee", self.run, "deadline", body)
        self.run.deadline = later
        # Logged before the old one has passed (log.md §5): nobody dies before that.
        records = f"/tenders/{self.tender}/timeline"
        until(lambda: self.story.market.as_("operator").get(records)["items"][-1]["index"] is not None, 30, "its beat")
        size = self._published()
        until(lambda: self._published() > size, 30, "the checkpoint over it")

    def _published(self) -> int:
        return checkpoint_of((self.story.home / "log" / "checkpoint").read_bytes()).size

    # -- after the hour --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The tender as everybody sees it."""
        seen: dict[str, Any] = self.story.market.as_("operator").get(f"/tenders/{self.tender}")
        return seen

    def wait_for(self, *states: str, patience: float = 60) -> dict[str, Any]:
        """Wait until the tender is in one of these states."""
        return until(lambda: one if (one := self.state())["state"] in states else None, patience, "state")

    def close_and_open(self) -> dict[str, Any]:
        """Wait for the hour; the supervisor stores, custodians release, the timers open. The opened tender."""
        self.wait_for("closed", patience=self.left() + 60)
        supervisor = self.story.market.as_("supervisor")
        kit = Kit(
            self.story.until(lambda: supervisor.fetch(f"/api/v1/tenders/{self.tender}/kits/documents"), "E-PENDING")
        )
        last: dict[str, int] = {}
        for _, bid, stage, seq, file in (name.split("/") for name in kit.names if name.startswith("bids/")):
            if (stage, file) == ("documents", "manifest.json"):
                last[bid] = max(last.get(bid, 0), int(seq))
        for bid, seq in last.items():
            manifest = sha256_hex(kit.read(f"bids/{bid}/documents/{seq}/manifest.json"))
            supervisor.fetch(f"/api/v1/tenders/{self.tender}/payloads/{manifest}")
        supervisor.post(f"/tenders/{self.tender}/stored", {"stage": "documents", "missing": []})
        for stage in STAGES:
            for one in self.custodians:
                self.story.until(lambda one=one, stage=stage: one.release(self.tender, stage), *WAITING)
        return self.wait_for("opened")

    def archive(self, to: Path) -> list[Path]:
        """Both editions, of a tender that is awarded."""
        operator, supervisor = self.story.market.as_("operator"), self.story.market.as_("supervisor")
        path, tenderee = f"/tenders/{self.tender}/archive", self.story.market.as_("tenderee")
        if operator.get(f"/tenders/{self.tender}")["state"] == "opened":
            tenderee.post(f"/tenders/{self.tender}/candidates")
            tenderee.post(f"/tenders/{self.tender}/award", {})
        self.story.until(lambda: operator.post(path, key=str(time.monotonic())), "W-BEAT", "E-PENDING")
        made = []
        for edition in ("public", "supervision"):
            made.append(to / f"{self.tender}.{edition}.zip")
            supervisor.fetch(f"/api/v1{path}/{edition}", made[-1])
        return made

    def leave(self) -> None:
        """Give all firms' connections back."""
        for client in self._clients:
            client.close()

    # -- death -------------------------------------------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """kill -9 of `postgres` (its whole tree at once, as when the machine dies) or of `serve` or `jobs`."""
        if name == "postgres":
            assert self.database.child is not None
            end_tree(self.database.child.pid)
            self.database.child.wait()
            return
        process = self.find(name)
        process.kill()
        process.wait()

    def find(self, name: str) -> psutil.Process:
        """The living process of `serve` or `jobs`, as soon as the kernel shows its command (just after exec it does not)."""
        home = str(self.story.home)  # other tests of the session may have a platform of their own
        found: list[psutil.Process] = []

        def seen() -> bool:
            found[:] = [one for one in psutil.Process().children() if _is(one, home, name)]
            return len(found) == 1

        until(seen, 10, f"one process of {name}")
        return found[0]

    def start(self, name: str) -> None:
        """Start it again."""
        if name == "postgres":
            self.database.start()
        else:
            self.story.processes.start({"serve": "server"}.get(name, name), [name], self.story.environment)


def _is(process: psutil.Process, home: str, name: str) -> bool:
    """Whether a process is `trading <name>` of the centre at `home`; not if it has died meanwhile."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE or process.environ().get("TRADING_DATA") != home:
            return False
        return process.cmdline()[1:4] == ["-m", "trading", name]
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


WAITING = ("C-WAIT", "C-TIME", "C-STORED", "C-LOG", "E-PENDING", "W-STATE")


def end_tree(pid: int) -> None:
    """SIGKILL to a process and all below it, stopped first so that none sees another die."""
    top = psutil.Process(pid)
    top.suspend()
    for one in [*top.children(recursive=True), top]:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue


BUSY = 4
"""How much slower than alone a machine may be whose every core has a worker of the tests: no patience is a promise."""


def until(look: Callable[[], Any], patience: float, what: str) -> Any:
    """Look again until there is something to see; the test fails when patience, on a busy machine, ends."""
    end = time.monotonic() + BUSY * patience
    while not (found := look()):
        assert time.monotonic() < end, f"waited {BUSY * patience:.0f} s for {what}"
        time.sleep(0.1)
    return found


@contextmanager
def centre(home: Path, **parameters: str) -> Iterator[Centre]:
    """Start everything in `home`, PostgreSQL with these parameters, and stop it afterwards."""
    with ExitStack() as stack:
        database = stack.enter_context(Embedded(home / "postgres", settings=parameters))
        story = Story(Screen("en", as_json=True), home, free_port(), [], factor=FACTOR)
        stack.callback(story.close)
        story.begin(stack)
        story.market.fill_desks()
        made = Centre(story, database)
        stack.callback(made.leave)
        yield made
