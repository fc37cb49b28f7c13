"""The procedure of a tender of the world: documents, questions, remedies, evaluation, award, contract, and its failures.

Nothing here asks the law: an act happens when it is called, at the time it is; :meth:`Life.finish` of ``world_tender``
calls them in their lawful order and lets the lawful days pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.canon import canon, sha256_hex
from bidding.verify_lists import root_of
from tests.world_box import Bid, Box
from trading.law.gains import formula, gain
from trading.law.methods import Offer, rank, totals


class Life(Box):
    """What is done around the box of a tender."""

    ended_early = False
    """Whether it was terminated before anything could be closed or opened."""

    def reject(self, bid: Bid, reason: str = "qualification") -> None:
        """The committee rejects a bid."""
        self.log("bid-rejected", {"kind": "panel", "id": "D-1"}, bid=bid.id, reason=reason, article="招标投标法 41")
        self.rejected.add(bid.id)
        self.world.wait()

    def offers(self) -> list[Offer]:
        """The bids that may win."""
        found = []
        for bid in self.counted():
            told = [self.opened.get((stage, bid.id)) for stage in self.stages]
            if bid.id not in self.rejected and all(one is not None and one.verdict == "OK" for one in told):
                opening = self.opened["form", bid.id].opening
                found.append(Offer(bid.id, opening["price"] if opening else 0))
        return found

    def rank(self, offers: Sequence[Offer] | None = None) -> None:
        """Publish the candidates and close the evaluation."""
        self.done.add("rank")
        self.ranked = rank(self.method, self.offers() if offers is None else offers)
        table = canon(totals(self.method, self.id, self.ranked))
        self.files["evaluation/totals.json"] = table
        self.log("candidates-published", ranking=[one.bid for one in self.ranked], totals=sha256_hex(table))
        self.log("evaluation-closed", events=0, events_root=root_of([]))
        self.world.wait()

    def award(self, place: int = 0, **body: Any) -> None:
        """Award to the first candidate."""
        self.done.add("award")
        if not self.ranked:
            return
        winner = self.ranked[place]
        named = None if self.baseline is None else formula(self.direction)
        gained = (
            None if named is None or self.baseline is None else gain(named, price=winner.price, baseline=self.baseline)
        )
        terms = {"bid": winner.bid, "price": winner.price, "baseline": self.baseline, "gain": gained, "formula": named}
        self.log("awarded", {"kind": "tenderee", "id": "P-TEN"}, **{**terms, **body})
        self.world.wait()

    def evaluate(self) -> None:
        """From the opening to the candidates, as far as that is still to come."""
        if "rank" not in self.done:
            self.rank()

    def conclude(self) -> None:
        """From the candidates to the contract, as far as that is still to come."""
        if "award" not in self.done:
            self.award()
