"""How a process of ours is told to end: by SIGTERM, or by Ctrl-C where somebody sits before it."""

from __future__ import annotations

import asyncio
import signal


def stopping() -> asyncio.Event:
    """Set when the running loop's process is told to end, which then ends by itself. Raises RuntimeError without a loop."""
    told = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told.set)
    return told
