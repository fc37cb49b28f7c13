"""One tender of the world in memory, from its key sets to its archives; see ``tests.world``.

``world_box`` has the sealed bids, ``world_life`` the procedure around them; here is what ties both into a story.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audit.archive import write_archive
from audit.merkle import inclusion_proof
from audit.receipt import Receipt
from tests.world import World
from tests.world_box import CUSTODIANS, SCHEMA, Bid, Handed
from tests.world_life import Life
from trading.edition import Disclosed, Edition, Material, edition_files

__all__ = ["CUSTODIANS", "SCHEMA", "Bid", "Handed", "Tender"]


class Tender(Life):
    """A tender on its way. Each act does what the platform does; ``finish`` does whatever is still to come."""

    panels: list[Any]
    """The draws of its panel (``tests.world_draw``), the last one being the one that sits."""

    def __init__(self, *given: Any, **terms: Any) -> None:
        self.panels = []
        super().__init__(*given, **terms)

    def open(self) -> None:
        """Close, store, release, unseal: as far as that is still to come."""
        if "close" not in self.done:
            self.close()
        if self.opens:
            if "store" not in self.done:
                self.store()
            if "release" not in self.done:
                for custodian in CUSTODIANS:
                    self.release(custodian)
            if "unseal" not in self.done:
                self.unseal()

    def finish(self) -> None:
        """Whatever is still to come, to the last archive; a tender with too few bids stays shut."""
        if not self.ended_early:
            self.open()
            if self.opens:
                self.evaluate()
                self.conclude()
        if "archive" not in self.done:
            self.done.add("archive")
            self.log("archived", last_sserial=self.world.serials["sserial", self.id])
            self.world.wait()
            self.world.wait()

    # ------------------------------------------------------------------------------------------------- archives

    def material(self) -> Material:
        """All that the centre holds of this tender."""
        world = self.world
        disclosed = [
            Disclosed(one.index, one.nonce, one.data)
            for one in world.logged
            if one.index >= 0 and not world.hidden(one)
        ]
        return Material(
            tender=self.id,
            origin=world.origin,
            size=max(world.notes),
            policy=world.policy,
            parties=world.parties,
            rulebook=self.rulebook,
            notes=world.notes,
            tree=_Tree(world),
            disclosed=disclosed,
            files={
                **world.files,
                **self.files,
                **{path: data for one in self.panels for path, data in one.files().items()},
            },
        )

    def write(self, edition: Edition, path: Path) -> Path:
        """Write an archive."""
        write_archive(path, edition_files(self.material(), edition))
        return path

    def receipt(self, bid: Bid, stage: str = "form", seq: int = 0, **how: Any) -> Receipt:
        """The bidder's receipt of a deposit (the last one), with proof and place on the list where there are any."""
        handed = bid.chains[stage][seq - 1]
        made = self.world.receipt(handed.record, handed.manifest.hash, **how)
        listed = sorted(bytes.fromhex(one.last(stage).manifest.hash) for one in self.listed())
        leaf = bytes.fromhex(handed.manifest.hash)
        if stage in self.closed and leaf in listed:
            place = listed.index(leaf)
            made = made.with_listed(place, tuple(inclusion_proof(listed, place)))
        return made


class _Tree:
    """As ``trading.edition.Tree``."""

    def __init__(self, world: World) -> None:
        self.entries, self.node = world.slice, world.node
