"""Chromium as a second pair of hands: hands.js in a page under a strict policy, asked as node.py asks Node."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

from playwright.async_api import Page

from tests.browser.chromium import chromium, modules
from tests.browser.node import told

ASK = """([what, given]) => import('/tests/browser/hands.js').then((it) => it.answering({
    writeFileSync: (path, bytes) => fetch('/took/out', { method: 'PUT', body: new Blob([bytes]) }),
})(what, given))"""


class InChromium:
    """A running page with the modules as they are served; use it as a context. It has a loop and a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._site, self._browser = ExitStack(), AsyncExitStack()
        self._page: Page

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(120)

    def __enter__(self) -> InChromium:
        self._thread.start()
        self._do(self._open(self._site.enter_context(modules(self._folder))))
        return self

    async def _open(self, address: str) -> None:
        browser = await self._browser.enter_async_context(chromium())
        self._page = await browser.new_page()
        await self._page.goto(address)

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._browser.aclose())
        self._site.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def ask(self, what: str, **given: Any) -> Any:
        """The value of `what(given)`. Raises Refused as the module did."""
        found = told(self._do(self._page.evaluate(ASK, [what, given])))
        if out := given.get("out"):
            shutil.move(self._folder / "out", out)  # a page has no disk: it hands over what it made
        return found
