"""What one process remembers of the auctions it hears bids of: whose turn it is, and how far prices have risen.

Neither decides anything: the row's lock does, among any number of processes. Waiting in line here keeps two hundred bids
from holding two hundred connections; and what was too little once is too little for ever.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from weakref import WeakValueDictionary

from audit.refusal import Refused
from trading.law.bidding_rounds import BINDING, State

KNOWN = 1000
"""Auctions remembered at a time."""


class Rooms:
    """The auction rooms of a process."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._known: OrderedDict[str, State] = OrderedDict()

    def turn(self, tender: str) -> asyncio.Lock:
        """Bids of one auction take their turns in the order in which they came."""
        lock = self._turns.get(tender)
        if lock is None:
            lock = self._turns[tender] = asyncio.Lock()
        return lock

    def too_little(self, tender: str, price: int) -> None:
        """Refuse without a transaction what no look at the database could let pass. Refused: E-AUCTION-LOW."""
        known = self._known.get(tender)
        if known is not None and price < known.least:
            raise Refused("E-AUCTION-LOW", BINDING, price=price, standing=known.standing, least=known.least)

    def know(self, tender: str, state: State) -> None:
        """Remember a state that is committed."""
        self._known[tender] = state
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
