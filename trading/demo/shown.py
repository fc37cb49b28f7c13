"""The ways of the guided demonstration: the ordinary ones, slowly, so that each stage can be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.demo import season
from trading.demo.rounds import Auctioned
from trading.demo.tenders import SourceBid
from trading.demo.ways import Way
from trading.law.regimes import regime

if TYPE_CHECKING:
    from trading.demo.guided import Guided
    from trading.demo.market import Run
    from trading.demo.story import Story


class Shown(Way):
    """An ordinary life. `rests`: where it stays; `apart`: until the second custodian; `dwell`: at each stage."""

    def __init__(self, rests: str = "", apart: float = season.APART, dwell: float = season.DWELL) -> None:
        self.rests, self.apart, self.dwell = rests, apart, dwell

    def convene(self, story: Story, run: Run) -> None:
        """A panel where the law asks for one, as soon as experts have been on the roster long enough to be drawn."""
        guided: Guided = story  # type: ignore[assignment]
        if regime(run.regime).panel:
            guided.look(max(0.0, season.ADMITTED - guided.passed))
            super().convene(story, run)

    def rank(self, story: Story, run: Run) -> None:
        """By the panel's report; where no panel is asked for, by the prices alone."""
        if regime(run.regime).panel:
            super().rank(story, run)
        else:
            story.until(lambda: story.market.act("tenderee", run, "candidates"), "E-UNOPENED")

    def evaluate(self, story: Story, run: Run) -> None:
        """From the open boxes to the contract, with a rest at each stage."""
        guided: Guided = story  # type: ignore[assignment]
        guided.look(self.dwell)
        if self.rests == "opened" or not guided.reject(run) or (not run.lawful and not run.source.winner):
            return
        self.rank(story, run)
        if self.rests == "ranked":
            return
        self.award(story, run)
        guided.look(self.dwell)
        if self.rests == "awarded":
            return
        self.conclude(story, run)
        guided.look(self.dwell)


class Gavel(Auctioned, Shown):
    """An auction that lasts some minutes: a bidder thinks before it cries again."""

    steps = 200
    lasts = 420.0
    thinks = 20.0

    def bid_once(self, story: Story, run: Run, bid: SourceBid, price: int) -> None:
        super().bid_once(story, run, bid, price)
        story.look(self.thinks)
