"""Lines that stay open: who may hold one, and one look at the database for everybody who follows a tender.

A process looks twice a second, once for all tenders that anybody follows and not at all where nobody does; what a page is
sent is made once for those who read alike. A line whose reader goes away is closed; each holds a place, of which a process
and an address have so many (`W-STREAMS`): who finds none has a page that is read anew by hand.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from sse_starlette import EventSourceResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from audit.refusal import Refused
from trading.growing import Stand, stands
from trading.postgres import AWAY

logger = logging.getLogger("trading.web")
LOOK = 0.5
"""Machine seconds between two looks."""
PING = 15
"""Machine seconds after which a silent line is told that it is alive, whatever happens meanwhile."""
MOST, MOST_OF_ONE = 2000, 40
"""Lines of a process, and of one address: an office behind one."""


class Places:
    """The open lines of this process."""

    def __init__(self, most: int = MOST, of_one: int = MOST_OF_ONE) -> None:
        self.most, self.of_one = most, of_one
        self.held: Counter[str] = Counter()

    def held_by(self, address: str, response: Response) -> Response:
        """The response, holding a place as long as it lasts if it is such a line. Refused: W-STREAMS."""
        if not isinstance(response, EventSourceResponse):
            return response
        if self.held.total() >= self.most or self.held[address] >= self.of_one:
            raise Refused("W-STREAMS")
        return _Held(self.held, address, response)


class _Held(Response):
    def __init__(self, held: Counter[str], address: str, inner: Response) -> None:
        self.held, self.address, self.inner = held, address, inner
        self.background = None
        self.raw_headers, self.status_code = inner.raw_headers, inner.status_code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.held[self.address] += 1
        try:
            await self.inner(scope, receive, send)
        finally:
            self.held[self.address] -= 1
            self.held += Counter()  # forget who holds none


@dataclass
class _Topic:
    """A tender that is followed."""

    stand: Stand | None = None
    turned: asyncio.Event = field(default_factory=asyncio.Event)
    followers: int = 0
    made: dict[Hashable, asyncio.Task[str]] = field(default_factory=dict)


class Following:
    """Who follows which tender in this process."""

    def __init__(self) -> None:
        self.topics: dict[str, _Topic] = {}
        self._looking: asyncio.Task[None] | None = None
        self.looks = 0

    async def changes(self, tender: str, seen: Stand) -> AsyncGenerator[Stand]:
        """Where the tender stands whenever that is not what was last seen; until it is over, or nobody listens."""
        topic = self.topics.setdefault(tender, _Topic())
        topic.followers += 1
        try:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            while not seen.over:
                turned = topic.turned
                if topic.stand is None or topic.stand == seen:
                    await turned.wait()
                    continue
                seen = topic.stand
                yield seen
        finally:
            topic.followers -= 1
            if not topic.followers and self.topics.get(tender) is topic:
                del self.topics[tender]

    async def made(self, tender: str, key: Hashable, make: Callable[[], Awaitable[str]]) -> str:
        """What is the same for all who read alike, made once while the tender stands as it does."""
        topic = self.topics[tender]
        task = topic.made.get((topic.stand, key))
        if task is None:
            task = topic.made[topic.stand, key] = asyncio.ensure_future(_only(make))
        return await asyncio.shield(task)

    async def _look(self) -> None:
        while self.topics:
            try:
                for tender, stand in (await stands(list(self.topics))).items():
                    topic = self.topics.get(tender)
                    if topic is not None and topic.stand != stand:
                        topic.stand, turned = stand, topic.turned
                        topic.turned = asyncio.Event()
                        topic.made.clear()
                        turned.set()
            except (*AWAY, TimeoutError) as gone:
                logger.warning("the database is away: %s", type(gone).__name__)
            self.looks += 1
            await asyncio.sleep(LOOK)


async def _only(make: Callable[[], Awaitable[str]]) -> str:
    return await make()
