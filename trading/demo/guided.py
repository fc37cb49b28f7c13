"""The guided demonstration: a market that goes on by itself while a visitor looks, bids, and watches its own bid opened.

`trading demo` without more. A tender takes bids at any time; when its deadline has passed, three custodians release one
after another, a panel sits, and it goes on to its archive. Each tender lives in a thread of its own, and what goes wrong
with one is written down and stops no other.
"""

from __future__ import annotations

import logging
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from audit.canon import b64
from audit.refusal import Refused
from audit.trust import Ed25519Signer
from trading import playbill
from trading.cli.screen import Screen
from trading.demo import cast as people
from trading.demo import season
from trading.demo.market import Bidder, Run, day_around
from trading.demo.panels import MEETS, Panels
from trading.demo.processes import demand_port
from trading.demo.shown import Gavel, Shown
from trading.demo.story import READY, Story
from trading.demo.tenders import SourceBid, SourceTender
from trading.keyfiles import KeyFile, generate, write
from trading.law.periods import lawful_deadline
from trading.law.regimes import regime
from trading.tools.custodian import NOT_YET, Custodian
from trading.tools.memory import Memory
from trading.tools.registration import by_authority

HOST = "demo.localhost"
"""Every browser but the oldest takes it for this machine."""
VISITORS = (("anhe", "安和建筑有限公司"), ("hengxin", "恒信建设集团"))
"""Whom a visitor can be: two, so that one can look for what the other has handed in."""
PASSPHRASE = "demo-demo"
KEYING = 15.0
"""Machine seconds from naming a tender to its announcement, with room for a busy machine."""
AT_LEAST = 40.0
"""Machine seconds that a published tender takes bids, whatever its own period would leave."""
WORK = 336 * 3600
"""Seconds of the log's clock that a panel is given: its members are threads and need minutes of the machine's."""
logger = logging.getLogger("trading.demo")


class Over(Exception):
    """The demonstration has been told to end."""


def run(screen: Screen, tenders: Sequence[SourceTender], *, port: int, data: Path | None, opens: bool) -> int:
    """Run until Ctrl-C; the exit code. `opens`: in the browser, if there is one. Refused: D-PORT, D-AGAIN, D-PROCESS."""
    demand_port(port)
    if data is not None and data.exists() and any(data.iterdir()):
        raise Refused("D-AGAIN", path=str(data))
    with ExitStack() as stack:
        home = data if data is not None else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trading-")))
        for number in (signal.SIGTERM, signal.SIGINT):
            stack.callback(signal.signal, number, signal.signal(number, _interrupt))
        guided = Guided(screen, home, port, tenders)
        stack.callback(guided.close)
        try:
            guided.begin(stack)
            guided.invite()
            screen.say("demo.open", url=guided.address, path=str(home))
            screen.say("demo.open.browser", url=guided.url)
            screen.result({"url": guided.address, "data": str(home)})
            sys.stdout.flush()
            if opens and (show := _browser()) is not None:
                show(guided.address)
            guided.go_on()
        except KeyboardInterrupt:
            screen.say("demo.over")
        finally:
            guided.leave()
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _browser() -> Callable[[str], object] | None:
    """What opens an address in a window; None where there is none: nobody wants a text browser in this terminal."""
    import os
    import webbrowser

    seen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return webbrowser.open if seen and sys.stdout.isatty() else None


class Committees(Panels):
    """Panels of a market that goes on: they meet when the custodians are done, and one that fails stops no other."""

    def _meets(self, run: Run, drawn: datetime, reveal: timedelta) -> datetime:
        assert run.deadline is not None
        read = run.deadline + self.story.span(season.APART + season.LAST_CUSTODIAN)
        return max(read, drawn + reveal) + self.story.span(MEETS)

    def check(self) -> None:
        """Nothing is raised on behalf of another."""
        while self.errors:
            logger.warning("a panel: %r", self.errors.pop())

    def _thread(self, work: Callable[[], None]) -> None:
        def again() -> None:
            while not self._ended.is_set():
                try:
                    work()
                except Exception as error:
                    if not self._ended.is_set():
                        logger.warning("a panel: %r", error)
                self._ended.wait(0.6)

        thread = threading.Thread(target=again, daemon=True)
        thread.start()
        self._threads.append(thread)


class Guided(Story):
    """One guided demonstration, from an empty directory to Ctrl-C."""

    PATIENCE = 600.0
    post = True

    def __init__(self, screen: Screen, home: Path, port: int, tenders: Sequence[SourceTender]) -> None:
        super().__init__(screen, home, port, _published(tenders), factor=season.FACTOR)
        self.address = f"http://{HOST}:{port}/demo"
        self.extra = {
            "TRADING_DEMO": "true",
            "TRADING_PUBLIC_URL": f"http://{HOST}:{port}",
            "TRADING_SESSION_IDLE": str(8 * 3600),
            "TRADING_FRESH_FOR": str(8 * 3600),  # a visitor has nothing to prove anything with
            "TRADING_PANEL_WORK": str(WORK),
            "TRADING_REPORT_WITHIN": str(WORK),
        }
        self.ended = threading.Event()
        self.firms: dict[str, Bidder] = {}
        self.guards: dict[str, list[Custodian]] = {}
        self.bill = playbill.Playbill(every=season.EVERY)
        self._lives: list[threading.Thread] = []
        self._note = logging.FileHandler(self._log())
        logger.addHandler(self._note)
        logger.propagate = False

    def _log(self) -> Path:
        folder = self.home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "demo.log"

    def close(self) -> None:
        """Let go of connections and of the log file."""
        super().close()
        logger.removeHandler(self._note)
        self._note.close()

    def leave(self) -> None:
        """Tell every life to end, and wait a little for those under way."""
        self.ended.set()
        end = time.monotonic() + 5
        for life in self._lives:
            life.join(max(0.0, end - time.monotonic()))

    # -- before anybody looks ------------------------------------------------------------------------------------------

    def begin(self, stack: ExitStack) -> None:
        """As every demonstration; its panels are patient."""
        super().begin(stack)
        self.panels = Committees(self)
        stack.callback(self.panels.leave)

    def invite(self) -> None:
        """Everybody at a desk, the first tenders announced, and the playbill up."""
        market = self.market
        market.fill_desks()
        market.vouch(self.cast.tenderee, "tenderee")
        self.firms = {name: market.admit(f"{name}（演示）") for name in season.FIRMS}
        self._admit_bidders(self.runs)
        self.bill = self.bill.model_copy(update={"parts": tuple(self._part(*one) for one in VISITORS)})
        playbill.write(self.home, self.bill)
        self.panels.start()
        self.since = time.monotonic()
        for one in self.runs:
            self._live(one)
        self._auction(0)
        self.until(self._announced_something, "E-PENDING", patience=120)

    def _announced_something(self) -> None:
        items = self.market.as_("operator").get("/tenders")["items"]
        if not any(one["state"] == "announced" for one in items):
            raise Refused("E-PENDING", record="project-announced")

    def _part(self, who: str, name: str) -> playbill.Part:
        """A firm a visitor can be, with a signing key that an authority vouches for and a file that holds it."""
        market, code = self.market, self.market.code()
        admin = market.as_("security_admin")
        admin.post("/organisations", {"code": code, "name": f"{name}（演示）", "identity": None})
        person = admin.post("/people", {"name": f"{name}经办人", "organisation": code, "roles": ["bidder"]})["id"]
        token = admin.post("/tokens", {"person": person, "role": "bidder"})["token"]
        private = generate("bidder")
        assert isinstance(private, ed25519.Ed25519PrivateKey)
        folder = self.home / playbill.FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write(folder / f"{who}.key", KeyFile("bidder", code, people.ORIGIN, private), PASSPHRASE)
        authority = self.cast.authorities[0]
        made, sig = by_authority(people.ORIGIN, code, Ed25519Signer(private), authority.id, authority.signer)
        market.client(token).post("/registrations", {"registration": b64(made), "sig": sig})
        return playbill.Part(
            who=who, role="bidder", person=person, organisation=code, name=name, key=f"{who}.key", passphrase=PASSPHRASE
        )

    @property
    def passed(self) -> float:
        """Machine seconds since the first tender was registered."""
        return time.monotonic() - self.since

    # -- while somebody looks ------------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Announce one tender after another until the calendar ends, and then keep what there is, until it is all to end
        (Over). Raises Refused D-PROCESS."""
        number, auctions = 0, 1
        while True:
            passed = self.passed
            if not self.bill.over and passed >= season.announced_at(number):
                of, source, due = season.slot(number)
                self._live(Run(source, of, Shown()), due)
                number += 1
            if not self.bill.over and passed > auctions * season.AUCTIONS_EVERY:
                self._auction(auctions)
                auctions += 1
            self.look(0.5)

    def _auction(self, number: int) -> None:
        of, title, baseline = season.AUCTION
        named = f"{title}第{number + 1}场" if number else title
        self._live(Run(season.tender(f"auction-{number}", named, baseline, sells=True), of, Gavel()))

    def _live(self, one: Run, due: float = 0.0) -> None:
        def life() -> None:
            try:
                self.announce(one, due)
                self.guard(one)
                if one.outcome.get("opens"):
                    self._read_out(one)
                    one.way.evaluate(self, one)
                if not getattr(one.way, "rests", ""):
                    self._archive(one)
            except Over:
                return
            except Refused as no:
                if no.code == "E-CALENDAR":  # nobody knows the holidays from here on: the show is over
                    self._end_of_calendar()
                if not self.ended.is_set():
                    logger.warning("%s %s: %s %r", one.source.title, one.tender, no.code, no.facts, exc_info=no)
            except Exception as error:
                if not self.ended.is_set():
                    logger.exception("%s %s", one.source.title, one.tender, exc_info=error)

        thread = threading.Thread(target=life, daemon=True, name=one.source.ocid)
        thread.start()
        self._lives = [*(other for other in self._lives if other.is_alive()), thread]

    def _end_of_calendar(self) -> None:
        if not self.bill.over:
            self.bill = self.bill.model_copy(update={"over": True})
            playbill.write(self.home, self.bill)

    def announce(self, one: Run, due: float) -> None:
        """From registration to the last bid of the demonstration's own firms. `due`: machine seconds from the beginning."""
        market = self.market
        market.register(one)
        self.pause()
        self.until(lambda: market.name(one), "E-PENDING", "W-CHECKPOINT")
        now = self.clock.now()
        ready = now + self.span(KEYING)
        wanted = now + self.span(due - (self.passed))
        lawful = lawful_deadline(regime(one.regime), ready) if one.lawful else ready + one.source.period
        deadline = max(lawful, wanted, ready + self.span(AT_LEAST))
        one.deadline = (deadline + timedelta(minutes=1)).replace(second=0, microsecond=0)
        statements = self.state_keys(one)
        market.make_boxes(one, {one.deadline: statements})
        market.announce(one, **one.way.notice(self, one))
        self.hand_in_all(one)
        one.way.convene(self, one)

    def state_keys(self, one: Run) -> list[Any]:
        """Each custodian states and rehearses a key for this hour, and keeps it."""
        assert one.deadline is not None
        begin, end = day_around(one.deadline)
        made, tools = [], []
        for member in self.cast.custodians:
            key = generate("custodian")
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            memory = Memory(self.home / "custodians" / member.id / one.tender)
            tool = Custodian(member.id, member.signer, [key], self.trust, memory, self.market.as_(member.id))
            statement = tool.state_key(key, name=member.name, valid_from=begin, valid_to=end)
            tool.rehearse(statement)
            made.append(statement)
            tools.append(tool)
        self.guards[one.tender] = tools
        return made

    def guard(self, one: Run) -> None:
        """The deadline, the closing, and three releases, so far apart that a visitor sees what each of them opens."""
        assert one.deadline is not None
        self.sleep_until(one.deadline)
        self._until_state(one, READY | {"closed"})
        if one.outcome["state"] == "closed":
            self.until(
                partial(self._stored, one), "E-PENDING", "W-UNKNOWN"
            )  # the other stage's closing may be under way
            apart = getattr(one.way, "apart", season.APART)
            for tool, after in zip(self.guards[one.tender], (0.0, apart, season.LAST_CUSTODIAN), strict=True):
                self.look(after)
                self._release(tool, one)
        del self.guards[one.tender]
        self._until_state(one, READY)

    def _stored(self, one: Run) -> None:
        if not self._store(one):
            raise Refused("E-PENDING", record="closed")

    def _release(self, tool: Custodian, one: Run) -> None:
        for stage in ("form", "documents"):  # the larger stage may wait for the supervisor's store
            try:
                self.until(partial(tool.release, one.tender, stage), *NOT_YET - {"W-STATE"}, "W-UNKNOWN", patience=60)
            except Refused as no:
                if no.code not in ("W-STATE", "E-STAGE", "E-DONE"):  # two were enough, and it was opened meanwhile
                    raise

    def _until_state(self, one: Run, states: frozenset[str]) -> None:
        while True:
            one.outcome = self.market.read(one)
            if one.outcome["state"] in states:
                return
            self.look(0.5)

    def _read_out(self, one: Run) -> None:
        """Until every envelope is read, the visitor's too."""

        def read() -> None:
            one.outcome = self.market.read(one)
            bids: Sequence[Mapping[str, Any]] = one.outcome["bids"] or ()
            if not bids or any("pending" in bid["verdicts"].values() for bid in bids):
                raise Refused("E-PENDING", record="unsealed")

        self.until(read, "E-PENDING", patience=120)

    def reject(self, one: Run) -> int:
        """What must be: of published tenders as it was, of ours every price over the ceiling, the visitor's too."""
        if not one.lawful:
            return self.market.reject(one)
        standing = 0
        for bid in one.outcome["bids"]:
            if bid["price"] is not None and one.direction == "buy" and bid["price"] > one.source.baseline:
                why = {"bid": bid["bid"], "reason": "over_ceiling", "article": "招标投标法实施条例 51(5)"}
                self.market.as_("tenderee").post(f"/tenders/{one.tender}/rejections", why, key=secrets.token_hex(8))
            else:
                standing += bid["price"] is not None
        return standing

    # -- helpers of the telling ----------------------------------------------------------------------------------------

    def bidder_of(self, one: Run, bid: SourceBid) -> Bidder:
        """The demonstration's own firms bid in every tender of its season."""
        return self.firms.get(bid.tenderer) or super().bidder_of(one, bid)

    def look(self, seconds: float) -> None:
        """Between two looks; raises Over when it is all to end."""
        if self.ended.wait(seconds):
            raise Over
        super().look(0)


def _published(tenders: Sequence[SourceTender]) -> list[Run]:
    """Published tenders under their own law; three of them stay at a stage, so that there is always one to look at."""
    rests = ("", "ranked", "awarded", "opened")
    most = sorted((one for one in tenders if one.winner), key=lambda one: (-len(one.bids), one.period))
    return [
        Run(one, "source-law", Shown(rests=rests[n % len(rests)], apart=6.0, dwell=4.0)) for n, one in enumerate(most)
    ]
