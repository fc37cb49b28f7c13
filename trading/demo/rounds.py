"""Lives in which what is sold is auctioned 网上竞价 after the sealed prices: open rounds, a hammer that waits, a reserve.

Every bidder sits in a thread of its own with the tool that bidders use: it joins under a key made on its disk, cries, and
keeps its receipts. One of them waits until the hammer is near. Spans are machine seconds: the log's clock is far faster.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from audit.canon import stamp
from audit.refusal import Refused
from trading.demo.tenders import SourceBid
from trading.demo.ways import Way
from trading.law.bidding_rounds import Reserve
from trading.tools import auction as tool
from trading.tools.memory import Memory

if TYPE_CHECKING:
    from trading.demo.market import Run
    from trading.demo.story import Story

SOON = 1.0
"""Machine seconds from the opening of an auction to its first bid: everybody is there."""
ROUNDS = 4.0
"""How long it lasts, if nobody makes the hammer wait."""
WINDOW = 3.0
"""A bid so shortly before the hammer makes it wait."""
EXTENSION = 4.5
"""Until so long after that bid: more than four beats, so that no clock moved within the log's tolerance goes unseen."""
REVEAL = 30.0
"""How long the seller may take to reveal its reserve price."""
LOOK = 0.15
"""Between two looks of a bidder at where the auction stands."""
NOT_NOW = frozenset({"E-AUCTION-LOW", "E-AUCTION-WAITING"})
OVER = frozenset({"E-HAMMER", "E-STAGE"})


class Auctioned(Way):
    """Three bidders cry against one another, the last of them so late that the hammer waits, and the reserve is reached."""

    name = "auctioned"
    share = 112
    """The reserve, in percent of the price the notice starts from; only its hash is told before the hammer."""
    limit = 125
    """What each bidder pays at most, in percent of its sealed price."""
    steps = 50
    """The increment: the price of the notice divided by this."""
    lasts = ROUNDS

    def rank(self, story: Story, run: Run) -> None:
        self.auction(story, run)
        super().rank(story, run)

    def auction(self, story: Story, run: Run) -> None:
        """From joining to the hammer."""
        story.at_once(lambda bid: self.join(story, run, bid), run.source.bids)
        reserve = Reserve(run.source.baseline * self.share // 100, secrets.token_hex(32))
        self.open(story, run, reserve)
        self.hold(story, run)
        told = {"reserve": {"price": reserve.price, "salt": reserve.salt}}
        story.until(lambda: story.market.act("tenderee", run, "auction/closing", told), "E-AUCTION-OPEN")
        for bid in run.source.bids:
            story.keep_receipts(run, story.bidder_of(run, bid), "auctions")

    def join(self, story: Story, run: Run, bid: SourceBid) -> None:
        """Under a key of this auction alone, signed by the key that sealed the bid."""
        bidder, platform = story.bidder_of(run, bid), story.client_of(run, bid)
        tool.join(platform, self._memory(story, run, bid), story.trust.policy, run.tender, run.bids[bid.tenderer],
                  bidder.signer)  # fmt: skip

    def open(self, story: Story, run: Run, reserve: Reserve) -> None:
        """The seller opens the rounds: numbers are drawn, the highest sealed price is the start."""
        opens = story.clock.now() + story.span(SOON)
        body = {
            "increment": run.source.baseline // self.steps,
            "opens": stamp(opens),
            "hammer": stamp(opens + story.span(self.lasts)),
            "window": _seconds(story.span(WINDOW)),
            "extension": _seconds(story.span(EXTENSION)),
            "reserve": reserve.commitment,
            "reveal": _seconds(story.span(REVEAL)),
        }
        story.market.act("tenderee", run, "auction", body)
        story.sleep_until(opens)

    def hold(self, story: Story, run: Run) -> None:
        """The rounds: everybody at once, until the hammer has fallen."""
        story.at_once(lambda bid: self.cry(story, run, bid), run.source.bids)

    def bid_once(self, story: Story, run: Run, bid: SourceBid, price: int) -> None:
        """One cry, signed by its number; the receipt is kept."""
        memory = self._memory(story, run, bid)
        tool.bid(story.client_of(run, bid), memory, story.trust.policy, run.tender, price)

    def cry(self, story: Story, run: Run, bid: SourceBid) -> None:
        """Bid what is asked, up to one's limit, whenever somebody else stands."""
        platform = story.client_of(run, bid)
        most = bid.price * self.limit // 100
        waits = bid is max(run.source.bids, key=lambda one: one.price)  # the one with the longest purse
        while True:
            seen = platform.get(f"/tenders/{run.tender}/auction")
            if seen["phase"] in ("hammered", "closed") or seen["least"] > most:
                return
            near = datetime.fromisoformat(seen["hammer"]) - story.span(WINDOW * 0.9)
            if seen["number"] != seen["own"] and not (waits and story.clock.now() < near):
                try:
                    self.bid_once(story, run, bid, seen["least"])
                except Refused as no:
                    if no.code in OVER:
                        return
                    if no.code not in NOT_NOW:
                        raise
            story.look(LOOK)

    def print(self, story: Story, run: Run, archive: Path) -> None:
        """成交确认书, beside the archive it is made from."""
        from trading.paper.source import Story as Told
        from trading.paper.source import make

        told = Told(archive, run.source.title, story.url)
        archive.with_name(f"{run.tender}.confirmation.pdf").write_bytes(make(told, "confirmation"))

    def _memory(self, story: Story, run: Run, bid: SourceBid) -> Memory:
        return Memory(story.desk(run, story.bidder_of(run, bid)) / "state")


class BelowReserve(Auctioned):
    """The highest offer stays below the reserve: it has no effect, nobody wins, and the lot stays the seller's."""

    name = "below-reserve"
    share = 160

    def rank(self, story: Story, run: Run) -> None:
        self.auction(story, run)
        story.must_refuse("E-AUCTION-BELOW", lambda: story.market.act("tenderee", run, "candidates"))
        story.market.act("tenderee", run, "failure", {"reason": "no_candidate"})

    def award(self, story: Story, run: Run) -> None:
        """Nobody is awarded."""

    def conclude(self, story: Story, run: Run) -> None:
        """And no contract follows."""

    def print(self, story: Story, run: Run, archive: Path) -> None:
        """Nothing was sold: there is nothing to confirm."""


class Stopped(Auctioned):
    """A supervisor suspends the tender while it is cried: nobody is heard, no hammer falls, until the seller resumes it."""

    name = "auction-stopped"
    lasts = 15.0
    """Long enough that the order comes before the hammer on a busy machine too."""
    order = "演监〔2025〕9号"

    def hold(self, story: Story, run: Run) -> None:
        market, first = story.market, run.source.bids[0]
        market.act("supervisor", run, "suspensions", {"order": self.order, "ground": "supervision"})
        least = market.as_("operator").get(f"/tenders/{run.tender}/auction")["least"]
        story.must_refuse("E-SUSPENDED", lambda: self.bid_once(story, run, first, least))
        market.act("supervisor", run, "suspensions/lift", {"order": self.order})
        story.must_refuse("E-AUCTION-STOPPED", lambda: self.bid_once(story, run, first, least))
        opens = story.clock.now() + story.span(SOON)
        body = {"opens": stamp(opens), "hammer": stamp(opens + story.span(self.lasts))}
        market.act("tenderee", run, "auction/resumption", body)
        story.sleep_until(opens)
        super().hold(story, run)


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
