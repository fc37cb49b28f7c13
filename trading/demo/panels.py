"""The panels of the demonstration: asked for, drawn with two parties' nonces, called, seated, and at work.

Parties and experts are threads with tools of their own: a party looks at the log and commits, an expert waits for a short
message, checks in with the code it holds, and signs with a key that it makes there.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.canon import parse_object, stamp, unb64
from audit.refusal import Refused
from experts.approvals import unapproved
from trading.client import Answered, Platform
from trading.demo import roster
from trading.demo.cast import Member
from trading.tools.memory import Memory
from trading.tools.party import COMMITTED, NOT_YET, Party
from trading.tools.seat import Seat

if TYPE_CHECKING:
    from trading.demo.market import Run
    from trading.demo.story import Story

CODE = re.compile(r"(?:验证码|code: )([A-Z0-9]{8})")
LOOK = 0.3
"""Machine seconds between two looks: of a party at the log, of an expert at his messages."""
REVEAL = 20.0
"""Machine seconds that the parties have; a party that does not reveal costs as much."""
WITHHELD = 15.0
"""The same where one party withholds its nonce on purpose: twice, for the next attempt has as long."""
MEETS = 6.0
"""Machine seconds after the deadline, and after the last reveal there may be, at which a panel meets."""
DESKS = 4
GONE = frozenset({"E-NONCE-LATE", "E-NONCE-VOID", "E-NONCE-OVER", "E-NONCE-ATTEMPT", "P-LATE"})
"""Refusals to a party whose attempt ended, or whose tender was given up, while it looked."""
WORDS = {"duration": "半天", "city": "北京市", "centre": "示范公共资源交易中心", "contact": "010-00000000"}


class Panels:
    """Everybody who takes part in a draw, at work in the background from `start` to `stop`."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.calls: Path = story.home / "calls"
        self.runs: dict[str, Run] = {}
        self.seats: dict[str, dict[int, Seat]] = defaultdict(dict)
        self.errors: list[BaseException] = []
        self._withheld: set[str] = set()
        self._seen: set[str] = set()
        self._absent: set[str] = set()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._desks = ThreadPoolExecutor(DESKS)

    def start(self) -> None:
        """From now on parties look and experts read their messages."""
        tenderee, authority = self.story.cast.tenderee, self.story.cast.authorities[0]
        for role, member in (("tenderee", tenderee), ("supervisor", authority)):
            self._thread(partial(self._take_part, role, member))
        self._thread(self._read_messages)

    def leave(self) -> None:
        """Nobody looks any more."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._desks.shutdown()
        for seats in self.seats.values():
            for seat in seats.values():
                seat.platform.close()

    def stop(self) -> None:
        """The same, and raise what went wrong meanwhile."""
        self.leave()
        self.check()

    def check(self) -> None:
        """Raise what went wrong with a party or at a desk."""
        if self.errors:
            raise self.errors[0]

    def _thread(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            while not self._ended.is_set():
                try:
                    work()
                except Exception as error:
                    self.errors.append(error)
                    return
                self._ended.wait(LOOK)

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        self._threads.append(thread)

    # -- asking ----------------------------------------------------------------------------------------------------------

    def convene(self, run: Run, need: list[dict[str, Any]] | None = None) -> None:
        """The operator asks for a panel, as soon as the tender is announced; once more where a pool was exhausted."""
        assert run.deadline is not None
        clock, way = self.story.clock, run.way
        within = WITHHELD if way.withholds else REVEAL
        reveal = timedelta(seconds=within * clock.factor)
        drawn = clock.now() if run.regime == "works" else run.deadline  # the others when the bidders are known
        meets = self._meets(run, drawn, reveal * (2 if way.withholds else 1))
        body = {
            "need": need or way.need(run),
            "representatives": 0,
            "meets": stamp(meets),
            "parties": [self.story.cast.tenderee.id, self.story.cast.authorities[0].id],
            "wording": WORDS,
            "reveal_within": int(within * clock.factor),
        }
        self.runs[run.tender] = run
        run.draw = self.story.market.act("operator", run, "panel", body)["draw"]

    def _meets(self, run: Run, drawn: datetime, reveal: timedelta) -> datetime:
        """When a panel meets: its tender is open by then, and so is its draw."""
        assert run.deadline is not None
        return max(run.deadline, drawn + reveal) + self.story.span(MEETS)

    # -- the parties -----------------------------------------------------------------------------------------------------

    def _take_part(self, role: str, member: Member) -> None:
        party = self._party(role, member)
        for tender in party.duties():
            run = self.runs.get(tender)
            if run is None or (tender in self._withheld and self._first(run)):
                continue
            try:
                standing = party.step(tender, replaced=run.replaced)
                if run.way.withholds and role == "tenderee" and standing.attempt == 1 and standing.state == COMMITTED:
                    self._withheld.add(tender)
            except Refused as no:
                if no.code not in NOT_YET | GONE:
                    raise

    def _party(self, role: str, member: Member) -> Party:
        story = self.story
        memory = Memory(story.home / "parties" / member.id)
        return Party(member.id, member.signer, story.trust, memory, story.market.as_(role), story.clock.now)

    def _first(self, run: Run) -> bool:
        """Whether the first attempt still goes on: as long the party that withholds its nonce keeps silent."""
        return bool(self.story.market.as_("operator").get(f"/tenders/{run.tender}/panel")["attempt"] == 1)

    # -- the experts -----------------------------------------------------------------------------------------------------

    def _read_messages(self) -> None:
        for path in sorted(self.calls.glob("*.sms.txt")):
            for code in CODE.findall(path.read_text("utf-8")):
                if code not in self._seen:
                    self._seen.add(code)
                    self._desks.submit(self._come, path.name.removesuffix(".sms.txt"), code)

    def _come(self, number: str, code: str) -> None:
        """Whoever got a code comes and checks in; of the specialty of those who stay away the first one does not."""
        try:
            if number in self.story.book.numbers.get(roster.ABSENT.specialty, ()) and not self._absent:
                self._absent.add(number)
                return
            story = self.story
            seat = Seat(
                Memory(story.home / "seats" / secrets.token_hex(8)), Platform(story.url, lang=story.market.lang)
            )
            place = seat.check_in(code)
            self.seats[place["tender"]][place["seat"]] = seat
        except Answered as no:
            if no.code != "E-CHECK-IN":  # the tender was given up meanwhile, or he came too late
                self.errors.append(no)
        except Exception as error:
            self.errors.append(error)

    # -- at work ---------------------------------------------------------------------------------------------------------

    def seated(self, run: Run) -> None:
        """Wait until everybody sits."""
        self.in_state(run, "seated")

    def in_state(self, run: Run, state: str) -> None:
        """Wait until the panel is in this state."""

        def look() -> None:
            self.check()
            panel = self.story.market.as_("operator").get(f"/tenders/{run.tender}/panel")
            if panel["approval_wanted"]:
                self._approve(run)
            if panel["state"] != state:
                raise Refused("E-PENDING", record="panel-seated")

        self.story.until(look, "E-PENDING", patience=300, every=0.5)

    def _approve(self, run: Run) -> None:
        """On a machine so busy that two attempts went by, an authority signs the third, as the law of draws has it."""
        supervisor = self.story.market.as_("supervisor")
        try:
            record = parse_object(unb64(supervisor.get(f"/tenders/{run.tender}/panel/draft")["draft"]))
            sig = self.story.cast.authorities[0].signer.sign(unapproved(record))
            supervisor.post(f"/tenders/{run.tender}/panel/approvals", {"sig": [sig]})
        except Answered as no:  # the draft went by, or is approved: the next look tells
            if no.status not in (404, 409):
                raise

    def each(self, run: Run, act: Callable[[int, Seat], Any]) -> list[Any]:
        """Every seat does something, at a few desks at a time."""
        with ThreadPoolExecutor(DESKS) as desks:
            return list(desks.map(lambda one: act(*one), sorted(self.seats[run.tender].items())))

    def declare(self, run: Run) -> None:
        """Everybody says, before anything else, that there is no conflict."""
        self.each(run, lambda _, seat: seat.declare(conflict=False))

    def report(self, run: Run) -> str:
        """Every seat signs the report; its hash, for the tenderee to receive. The tenderee keeps the report itself."""
        self.each(run, lambda _, seat: seat.answer("signed"))
        told = self.story.market.as_("tenderee").get(f"/tenders/{run.tender}/panel/report")
        run.report = unb64(told["data"])
        return str(told["report"])
