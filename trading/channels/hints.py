"""What comes back from providers by callback, until the driver that waits for it has looked.

A hint is never believed: it says that there may be something to ask about, and what to hold the provider's answer to.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

MOST: Final = 64
"""Hints kept of one reference; a call has a handful."""


class Hints:
    """References that drivers expect, and what came for each."""

    def __init__(self) -> None:
        self._came: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._waking: dict[tuple[str, str], asyncio.Event] = {}
        self.loose: dict[str, list[dict[str, Any]]] = {}

    def expect(self, channel: str, reference: str) -> None:
        """From now on hints of this reference are known."""
        self._came.setdefault((channel, reference), [])
        self._waking.setdefault((channel, reference), asyncio.Event())

    def forget(self, channel: str, reference: str) -> None:
        """The reference has its answer: whatever comes later is a replay of no use."""
        self._waking.pop((channel, reference), None)

    def known(self, channel: str, reference: str) -> bool:
        """Whether a driver ever expected it."""
        return (channel, reference) in self._came

    def arrive(self, channel: str, reference: str, hint: dict[str, Any]) -> bool:
        """Keeps a hint and wakes its driver; False for one that came before, or too late."""
        came = self._came[channel, reference]
        if hint in came or len(came) >= MOST or (channel, reference) not in self._waking:
            return False
        came.append(hint)
        self._waking[channel, reference].set()
        return True

    def came(self, channel: str, reference: str) -> list[dict[str, Any]]:
        """What came so far."""
        return list(self._came.get((channel, reference), ()))

    async def wait(self, channel: str, reference: str, seconds: float) -> bool:
        """Whether a new hint came within so many machine seconds."""
        waking = self._waking[channel, reference]
        try:
            await asyncio.wait_for(waking.wait(), seconds)
        except TimeoutError:
            return False
        waking.clear()
        return True
