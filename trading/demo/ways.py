"""The ways a tender can go: one ordinary life, and lives in which one thing goes otherwise.

A way is told in phases that the story plays for all tenders together: registering, announcing, bidding, and, once the
boxes are open, evaluating and concluding. Every act is somebody's at a desk, over the public API.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trading.demo.market import Run
    from trading.demo.story import Story


class Way:
    """From registration to archive as the law would have it. `name` is a code of the catalogue, `demo.way.<name>`."""

    name = "ordinary"

    def registration(self, run: Run) -> Mapping[str, Any]:
        """What the project's registration says besides the source's own facts."""
        return {}

    def notice(self, story: Story, run: Run) -> Mapping[str, Any]:
        """What the announcement says besides deadline, schema and window."""
        return {}

    def bid(self, story: Story, run: Run) -> None:
        """Between the announcement and the deadline."""
        story.hand_in_all(run)

    def evaluate(self, story: Story, run: Run) -> None:
        """From the open boxes to the award: reject what must be, rank, wait out the publicity, award."""
        standing = story.market.reject(run)
        if not standing or (run.regime == "source-law" and not run.source.winner):
            return
        tenderee = story.market.as_("tenderee")
        tenderee.post(f"/tenders/{run.tender}/candidates", key=f"candidates-{run.tender}")
        story.until(lambda: tenderee.post(f"/tenders/{run.tender}/award", {}, key=secrets.token_hex(8)), "E-PERIOD")


ORDINARY = Way()
