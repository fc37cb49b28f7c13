"""Members of a panel with their own tools, over the real API; the dispatcher's part is done here by hand.

The tool is synchronous and speaks HTTP; it runs in a thread and reaches the application through the test's event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

from audit.act import pool
from audit.refusal import Broken, Refused
from tests.trading.desk import Desk
from trading import accounts
from trading.client import Platform
from trading.tools.memory import Memory
from trading.tools.seat import Mark, Seat

T = TypeVar("T")


class Bridge(httpx.BaseTransport):
    """From a thread into the application of this process."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop, device: str) -> None:
        self.inner = httpx.ASGITransport(app=app, client=(device, 5))
        self.loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._ask(request), self.loop).result(60)

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        body = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self.inner.handle_async_request(body)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


class Members:
    """The people of one panel: `await members.of(3, Seat.commit)` is seat 3's tool committing."""

    def __init__(self, desk: Desk, tmp: Path) -> None:
        self.desk, self.tmp = desk, tmp
        self.draw = secrets.token_hex(16)
        self.codes: dict[int, str] = {}
        self.tools: dict[int, Seat] = {}
        self.called = 0

    async def convene(self, experts: int = 5, representatives: int = 0, state: str = "calling") -> None:
        """A panel that was drawn and called: everybody has accepted and has a code."""
        await pool().execute(
            """INSERT INTO experts_panel (draw, tender, need, representatives, meets, parties, reveal_within, wording,
                   recuse, after_opening, attempt, state, asked_at)
               VALUES ($1, $2, $3::text::jsonb, $4, log_now(), '[]', 1, '{}', '[]', true, 1, $5, log_now())""",
            self.draw, self.desk.tender, json.dumps([{"specialty": "a08", "count": experts}]), representatives, state,
        )  # fmt: skip
        for seat in range(1, experts + 1):
            await self.accept(seat)

    async def accept(self, seat: int) -> str:
        """The next one in order accepts and is given this seat's code."""
        code = self.codes[seat] = accounts.new_code("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 8)
        leaf = hashlib.sha256(f"{self.draw} {self.called}".encode()).hexdigest()
        await pool().execute(
            """INSERT INTO experts_summons (panel_id, attempt, leaf, specialty, place, state, first_at, code, seat)
               VALUES ($1, 1, $2, 'a08', $3, 'accepted', log_now(), $4, $5)""",
            self.draw, leaf, self.called, accounts.digest(code).hex(), seat,
        )  # fmt: skip
        self.called += 1
        return leaf

    def tool(self, name: str, device: str = "10.0.0.1") -> Seat:
        """A tool with a directory of its own."""
        transport = Bridge(self.desk.town.app, asyncio.get_running_loop(), device)
        platform = Platform("http://centre", lang="en", transport=transport)
        return Seat(Memory(self.tmp / f"seat {name}"), platform)

    async def check_in(self, *numbers: int) -> None:
        """These take their seats."""
        for seat in numbers:
            self.tools[seat] = self.tool(f"{seat}-{secrets.token_hex(2)}", f"10.0.0.{seat}")
            told = await self.of(seat, lambda tool, code=self.codes[seat]: tool.check_in(code))
            assert told["seat"] == seat

    async def of(self, seat: int, what: Callable[[Seat], T]) -> T:
        """One seat's tool does something."""
        return await asyncio.to_thread(what, self.tools[seat])

    async def all(self, what: Callable[[Seat], Any]) -> list[Any]:
        """Each seat's tool does it, one after the other."""
        return [await self.of(seat, what) for seat in sorted(self.tools)]

    async def no(self, seat: int, what: Callable[[Seat], Any]) -> str:
        """One seat's tool is refused; the code."""
        try:
            told = await self.of(seat, what)
        except (Refused, Broken) as refused:
            return refused.code
        raise AssertionError(told)

    async def score(self, seat: int, given: Mapping[str, Sequence[str]], names: Sequence[str]) -> None:
        """A seat keeps these marks: {bid: points in the order of `names`}."""
        labels = await self.of(seat, lambda tool: tool.platform.get("/panel/labels")["items"])
        label = {one["bid"]: one["label"] for one in labels}
        marks = [
            Mark(label[bid], name, points, "评审意见：详见方案第三章")
            for bid, row in given.items()
            for name, points in zip(names, row, strict=True)
        ]
        await self.of(seat, lambda tool: tool.keep(marks))

    async def records(self, *types: str) -> list[dict[str, Any]]:
        """The records of these types, in order."""
        rows = await pool().fetch(
            "SELECT record FROM log_record WHERE tender = $1 AND type = ANY ($2) ORDER BY id",
            self.desk.tender, list(types),
        )  # fmt: skip
        return [json.loads(row["record"]) for row in rows]
