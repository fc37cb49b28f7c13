"""Debian's Chromium, driven by Playwright: what counts for the browser's modules, whatever Node says."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

ROOT = Path(__file__).parents[2]
MISSING = "chromium must be on PATH for the browser's tests (Debian: apt-get install chromium; .ci/run does it)"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic",
)  # fmt: skip
MODULES = ("/audit/browser/", "/bidding/browser/", "/tests/browser/", "/tests/bench/")
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'"
BLANK = b"<!doctype html><meta charset=utf-8><title>-</title><input type=file id=files multiple>"


def executable() -> str:
    """Where Chromium is. Fails with what to install where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, MISSING
    return found


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A running browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


async def dialogues(page: Page) -> None:
    """From now on the page's file dialogues are ours to answer. Playwright begins to hold them when somebody listens, and
    does not wait for it: a key pressed at once would open the system's own, which nobody sees."""
    page.on("filechooser", lambda _: None)
    wire = await page.context.new_cdp_session(page)
    await wire.send("Page.setInterceptFileChooserDialog", {"enabled": True})
    await wire.detach()


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", ".mjs": "text/javascript", "": "application/octet-stream"}
    protocol_version = "HTTP/1.1"
    took: Path

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def do_GET(self) -> None:
        if self.path.startswith(MODULES):
            return super().do_GET()
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(BLANK)))
        self.end_headers()
        self.wfile.write(BLANK)
        return None

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        with (self.took / self.path.rpartition("/")[2]).open("wb") as out:
            while left:
                piece = self.rfile.read(min(left, 1 << 20))
                left -= len(piece)
                out.write(piece)
        self.send_response(204)
        self.end_headers()


@contextmanager
def modules(took: Path) -> Iterator[str]:
    """A site with the modules as they lie and a page under a strict policy, that takes what is PUT; its address."""

    class Handler(_Handler):
        pass

    Handler.took = took
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(ROOT)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
