"""An application behind a real socket of this machine, for streams, browsers and processes that need one."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def listening(app: Any, **how: Any) -> AsyncIterator[str]:
    """Its address, from when it answers (in this loop) until the block ends, when streams are hung up on.

    `how` is for `uvicorn.Config`.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = {"lifespan": "off", "log_config": None, "log_level": "warning", "access_log": False} | how
        server = uvicorn.Server(uvicorn.Config(app, **config))
        running = asyncio.ensure_future(server.serve([listener]))
        while not (server.started or running.done()):
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await running


@contextmanager
def aside(app: Any, **how: Any) -> Iterator[str]:
    """The same in a thread with a loop of its own, for whoever blocks theirs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    served = listening(app, **how)
    try:
        address = asyncio.run_coroutine_threadsafe(served.__aenter__(), loop).result(30)
        try:
            yield address
        finally:
            asyncio.run_coroutine_threadsafe(served.__aexit__(None, None, None), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
