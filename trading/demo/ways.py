"""The ways a tender can go: one ordinary life here, and lives in which one thing goes otherwise (`otherwise.py`).

A way is told in phases that the story plays for all tenders together: registering, announcing, bidding, and, once the
boxes are open, evaluating and concluding. Every act is somebody's at a desk, over the public API.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trading.demo import roster

if TYPE_CHECKING:
    from trading.demo.market import Run
    from trading.demo.story import Story

CONTRACTED = frozenset({"works", "gov", "property", "land", "minerals"})
"""Regimes in which the award is told by letter and a contract follows; the source's own law says nothing of it here."""


class Way:
    """From registration to archive as the law would have it. `name` is told by the catalogue as `demo.way.<name>`."""

    name = "ordinary"
    announced = True
    """Whether it is ever announced: what was not has no archive."""

    ended = False
    """Whether it is given up while it is announced."""

    withholds = False
    """Whether one of the parties of its draw commits to a nonce and does not reveal it."""

    def registration(self, run: Run) -> Mapping[str, Any]:
        """What the project's registration says besides the source's own facts."""
        return {}

    def hours(self, run: Run, deadline: datetime) -> Mapping[str, datetime]:
        """The stages of the bids, and when each may be opened."""
        return {"form": deadline, "documents": deadline}

    def prepare(self, story: Story, run: Run) -> None:
        """After its tender is named, before its boxes are made."""

    def notice(self, story: Story, run: Run) -> Mapping[str, Any]:
        """What the announcement says besides deadline, schema and window: mineral rights need documents beforehand."""
        if run.regime != "minerals":
            return {}
        run.papers = {"出让文件.txt": story.market.paper("tenderee", run, "出让文件")}
        return {"documents": run.papers}

    def opening(self, run: Run, price: int) -> Mapping[str, Any]:
        """What a bidder's form says besides its price and its days."""
        return {}

    def need(self, run: Run) -> list[dict[str, Any]]:
        """Whom the panel is drawn from, and how many."""
        return roster.needs(run.regime, run.source.baseline)

    def convene(self, story: Story, run: Run) -> None:
        """A panel is asked for as soon as the tender is announced; of works it is drawn before the opening."""
        story.panels.convene(run)

    def bid(self, story: Story, run: Run) -> None:
        """Between the announcement and the deadline."""
        story.hand_in_all(run)

    def evaluate(self, story: Story, run: Run) -> None:
        """From the open boxes to the contract: reject what must be, rank, wait out the publicity, award, sign."""
        standing = story.market.reject(run)
        if not standing or (run.regime == "source-law" and not run.source.winner):
            return
        self.rank(story, run)
        self.award(story, run)
        self.conclude(story, run)

    def rank(self, story: Story, run: Run) -> None:
        """The panel sits, declares, rates what there is to rate and reports; the candidates."""
        story.panels.seated(run)
        story.panels.declare(run)
        self.score(story, run)
        report = story.panels.report(run)
        story.market.act("tenderee", run, "report", {"report": report})
        story.until(lambda: story.market.act("tenderee", run, "candidates"), "E-UNOPENED")  # a reserve is read by then

    def score(self, story: Story, run: Run) -> None:
        """Under a method that ranks by price alone there is nothing to rate."""

    def award(self, story: Story, run: Run) -> None:
        """As soon as the publicity that the law asks for is over."""
        tenderee, path = story.market.as_("tenderee"), f"/tenders/{run.tender}/award"
        story.until(lambda: tenderee.post(path, {}, key=secrets.token_hex(8)), "E-PERIOD")

    def conclude(self, story: Story, run: Run) -> None:
        """Letter, report to the supervisor, contract, its publication and filing, and the securities back."""
        if run.regime not in CONTRACTED:
            return
        market = story.market
        self.notify(story, run)
        if run.regime == "works":
            market.act("tenderee", run, "report/filing", {"report": market.paper("tenderee", run, "情况报告")})
        self.sign(story, run)
        market.act("tenderee", run, "contract/publication")
        if run.regime == "gov":
            market.act("tenderee", run, "contract/filing")
        self.settle(story, run)

    def notify(self, story: Story, run: Run) -> None:
        """The award letter."""
        story.market.act("tenderee", run, "notification", {"letter": story.market.paper("tenderee", run, "中标通知书")})

    def sign(self, story: Story, run: Run) -> None:
        """The contract, at the price of the award."""
        price = story.market.read(run)["award"]["price"]
        contract = story.market.paper("tenderee", run, "合同")
        story.market.act("tenderee", run, "contract", {"contract": contract, "amount": price})

    def wait(self, story: Story, run: Run) -> None:
        """Asked again and again between the deadline and the opening."""

    def stand(self, story: Story, run: Run) -> None:
        """What becomes of a project that is never announced."""

    def print(self, story: Story, run: Run, archive: Path) -> None:
        """The papers that people hold of it, from an archive that was verified."""

    def settle(self, story: Story, run: Run) -> None:
        """Securities go back, where any were asked for."""


ORDINARY = Way()
