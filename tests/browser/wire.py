"""The platform on a port, behind a line that can be slow and can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from tests.browser.chromium import BLANK, MODULES, POLICY, ROOT
from tests.listening import listening


class Site:
    """The application, and beside it the browser's modules as they lie and a blank page under a strict policy."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.stored = 0
        """Segments that were answered with 204."""
        self.files = StaticFiles(directory=ROOT)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if path == "/sealing":
            page = Response(BLANK, media_type="text/html", headers={"Content-Security-Policy": POLICY})
            await page(scope, receive, send)
        elif path.startswith(MODULES) and Path(path).suffix == ".js":
            await self.files(scope, receive, send)
        else:

            async def counting(message: Any) -> None:
                if message["type"] == "http.response.start" and "/segments/" in path:
                    self.stored += message["status"] == 204
                await send(message)

            await self.app(scope, receive, counting)


class Line:
    """A TCP relay: `rate` bytes a second upwards, and `cut` hangs up on everybody and lets nobody in for a while."""

    def __init__(self, target: int, rate: int) -> None:
        self.target, self.rate = target, rate
        self.up = True
        self.cuts = 0
        self.heard = bytearray()
        """Every byte that has gone upwards."""
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.up:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._relay(reader, back, self.rate), self._relay(there, writer, 0))
        finally:
            self._writers -= {writer, back}
            for one in (writer, back):
                one.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rate: int) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65_536):
                if rate:
                    self.heard += piece
                writer.write(piece)
                await writer.drain()
                if rate:
                    await asyncio.sleep(len(piece) / rate)
            writer.transport.abort()

    async def cut(self, seconds: float) -> None:
        """In the middle of whatever is under way."""
        self.up, self.cuts = False, self.cuts + 1
        for one in list(self._writers):
            one.transport.abort()
        await asyncio.sleep(seconds)
        self.up = True


@asynccontextmanager
async def served(app: Any, rate: int = 1 << 30) -> AsyncIterator[tuple[str, Site, Line]]:
    """The application in this loop, on a port, behind a line: (address, site, line)."""
    site = Site(app)
    async with listening(site) as address:
        line = Line(int(address.rpartition(":")[2]), rate)
        relay = await asyncio.start_server(line.serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{relay.sockets[0].getsockname()[1]}", site, line
        finally:
            relay.close()
