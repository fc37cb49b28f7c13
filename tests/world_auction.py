"""The online auction of a tender of the world: join, open, cry, close. It judges nothing; see ``tests.world``."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from audit.canon import b64, instant, stamp
from audit.trust import record_sig_bytes
from tests.world import Logged, seeded
from tests.world_box import TENDEREE, Bid
from tests.world_tender import Tender
from trading.law.bidding_rounds import Reserve


class Room:
    """An auction on its way. Everybody who may win joins; numbers are drawn."""

    def __init__(
        self,
        tender: Tender,
        *,
        increment: int = 1_000_000,
        minutes: float = 60,
        window: int = 300,
        extension: int = 300,
        reserve: Reserve | None = None,
        start: int | None = None,
        leave_out: Bid | None = None,
    ) -> None:
        self.tender, self.world, self.reserve = tender, tender.world, reserve
        self.window, self.extension, self.increment = window, extension, increment
        joining = tender.standing()
        for bid in joining:
            self._join(bid)
        self.world.wait()
        self.bids = [bid for bid in joining if bid is not leave_out]
        random.Random(7).shuffle(self.bids)
        self.start = max(offer.price for offer in tender.offers() if offer.stands) if start is None else start
        self.standing, self.number = self.start, None
        self.opens = self.stopped = self.world.now
        self.hammer = self.world.now + timedelta(minutes=minutes)
        self.opened = tender.log(
            "auction-opened", TENDEREE, bidders=[b64(self._key(bid).key) for bid in self.bids], start=self.start,
            increment=increment, opens=stamp(self.world.now), hammer=stamp(self.hammer), window=window,
            extension=extension, reserve=None if reserve is None else reserve.commitment, reveal=600,
        )  # fmt: skip
        self.world.wait()

    def _key(self, bid: Bid) -> Any:
        return seeded(f"auction {bid.id}")

    def _join(self, bid: Bid) -> None:
        body = {"tender": self.tender.id, "bid": bid.id, "key": b64(self._key(bid).key)}
        said = record_sig_bytes({"type": "trading.auction-joined/v1", "subject": self.tender.id, **body})
        body["sig"] = [bid.bidder.signer.sign(said)]
        self.world.log("auction-joined", self.tender.id, {"kind": "bidder", "id": bid.bidder.id}, **body)

    def cry(
        self,
        bid: Bid,
        price: int,
        *,
        at: datetime | None = None,
        extend: bool = True,
        key: Any = None,
        wait: bool = True,
    ) -> Logged:
        """Somebody bids; the hammer waits where it must (``extend``)."""
        number = self.bids.index(bid) + 1
        body = {"tender": self.tender.id, "number": number, "price": price}
        said = record_sig_bytes({"type": "trading.auction-bid/v1", "subject": self.tender.id, **body})
        now, self.world.now = self.world.now, at or self.world.now
        made = self.world.log(
            "auction-bid", self.tender.id, {"kind": "auction", "id": str(number)}, **body,
            sig=[(key or self._key(bid)).sign(said)],
        )  # fmt: skip
        self.standing, self.number = price, number
        self.tender.corrected[bid.id] = price
        longer = self.world.now + timedelta(seconds=self.extension)
        if extend and self.hammer - self.world.now <= timedelta(seconds=self.window) and longer > self.hammer:
            self.hammer = longer
            self.tender.log("auction-extended", {"kind": "auction", "id": str(number)}, hammer=stamp(longer))
        self.world.now = now
        if wait:
            self.world.wait()
        return made

    def stop(self) -> str:
        """The supervisor suspends the tender, and the rounds rest."""
        self.stopped = self.world.now
        return self.tender.suspend()

    def resume(self, **short: float) -> Logged:
        """The seller lets the rounds go on, for as long as was left; `short`: by so much less."""
        left = self.hammer - max(self.opens, self.stopped) - timedelta(**short)
        self.opens = self.world.now + timedelta(minutes=5)
        self.hammer = self.opens + left
        made = self.tender.log("auction-resumed", TENDEREE, opens=stamp(self.opens), hammer=stamp(self.hammer))
        self.world.until(self.opens)
        self.world.wait()
        return made

    def close(self, **body: Any) -> Logged:
        """The hammer falls."""
        if self.world.now <= self.hammer:
            self.world.until(self.hammer + timedelta(seconds=1))
        below = self.reserve is not None and self.standing < self.reserve.price
        told = {
            "hammer": stamp(self.hammer), "bids": [bid.id for bid in self.bids], "number": self.number,
            "price": self.standing, "outcome": "below_reserve" if below else "sold",
            "reserve": None if self.reserve is None else {"price": self.reserve.price, "salt": self.reserve.salt},
        }  # fmt: skip
        made = self.tender.log("auction-closed", TENDEREE, **{**told, **body})
        self.world.wait()
        return made


def time_of(record: Logged) -> datetime:
    """When a record says it was made."""
    return instant(record.body["time"])
