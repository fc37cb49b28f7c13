"""Two honest tenders of one world, which the tests of verification share: one that opens, one that stays shut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.world import World, seeded

EDITIONS = ("public", "supervision")


@dataclass(frozen=True)
class Story:
    """What happened, and where its archives and trust files lie."""

    world: World
    opened: Any
    shut: Any
    archives: dict[tuple[str, str], Path]
    policy: Path
    parties: Path
    older: Path
    """A checkpoint seen before most of it happened."""
    receipts: tuple[Path, ...]


@lru_cache(maxsize=1)
def story() -> Story:
    """Oak withdraws and comes again, Fir replaces its price under a new key, Elm nobody vouches for, C-NOT lies once."""
    folder = Path(mkdtemp(prefix="story"))
    world = World(folder / "world")
    fir, oak, ash = world.bidder("fir"), world.bidder("oak", "ca"), world.bidder("ash")
    elm = world.bidder("elm", None)
    opened = world.tender("T1", min_bids=3)
    shut = world.tender("T2", min_bids=3, minutes=12)
    first = opened.deposit(fir, 92_000_000)
    early = opened.deposit(oak, 70_000_000)
    opened.withdraw(early)
    again = opened.deposit(oak, 88_000_000)
    opened.deposit(elm, 60_000_000)
    lied = opened.deposit(ash, 95_000_000)
    older = folder / "older.checkpoint"
    older.write_bytes(world.notes[max(world.notes)])
    world.register(fir, seeded("fir again"))
    opened.deposit(fir, 91_000_000, bid=first, stages=["form"])
    opened.refuse(ash)
    alone = shut.deposit(fir)
    shut.move(3)
    opened.close()
    opened.store()
    opened.release("C-SUP")
    opened.release("C-NOT", lie=[lied.id])
    opened.release("C-TEN")
    opened.unseal()
    opened.reject(again)
    opened.finish()
    shut.finish()
    receipts = []
    for place, receipt in enumerate((opened.receipt(first), opened.receipt(first, seq=1), shut.receipt(alone))):
        receipts.append(folder / f"receipt{place}.json")
        receipts[-1].write_bytes(receipt.format())
    archives = {}
    for name, tender in (("opened", opened), ("shut", shut)):
        for edition in EDITIONS:
            archives[name, edition] = tender.write(edition, folder / f"{name}.{edition}.zip")
    policy, parties = world.trust(folder / "trust")
    return Story(world, opened, shut, archives, policy, parties, older, tuple(receipts))
