"""Who has guessed too often waits: by device, never by account. Pure; counts in memory, per process.

A device that once signed in to an account has a count of its own there, which nobody else can fill: strangers' guesses
never keep the owner out, least of all in the last hour. A device that is not known counts by its address (IPv6: its /64).
There is no count of an account's wrong passwords; only of wrong *second* factors after a right password, from devices that
are not known: whoever fills that one has stolen the password, and then unknown devices wait and the owner's do not.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from audit.refusal import Refused

MINUTE = 60.0
MOST, WITHIN = 8, 15 * MINUTE
"""Wrong guesses of one device or one address, and in how many machine seconds."""
SECONDS_MOST, SECONDS_WITHIN = 10, 60 * MINUTE
"""Wrong second factors after a right password, of all unknown devices together, for one account."""
ASKS, ASKS_WITHIN = 120, MINUTE
"""Challenges for passkeys one address may ask for before anybody has signed in: each is a row until it is answered."""
REMEMBERED = 50_000


def place(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one subscriber holds."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "?"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
    return str(ip)


def _refuse_until(wait: float) -> None:
    """Refused: W-LOCKED where there is something to wait for, in whole seconds and whole minutes that are enough."""
    if wait > 0:
        raise Refused("W-LOCKED", seconds=int(wait) + 1, minutes=int(wait) // 60 + 1)


class Lockout:
    """Counts of wrong guesses. `device` is what a browser showed and is known for at this account, or ""."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[tuple[str, ...], list[float]] = OrderedDict()

    def check(self, address: str, account: str, device: str, *, second: bool = False) -> None:
        """Refused: W-LOCKED with the seconds until the next guess."""
        waits = [self._wait(self._lane(address, account, device), MOST, WITHIN)]
        if second and not device:
            waits.append(self._wait(("second", account), SECONDS_MOST, SECONDS_WITHIN))
        _refuse_until(max(waits))

    def wrong(self, address: str, account: str, device: str, *, second: bool = False) -> None:
        """That was one."""
        self._count(self._lane(address, account, device))
        if second and not device:
            self._count(("second", account))

    def right(self, address: str, account: str, device: str) -> None:
        """Signed in: a known device starts anew. An address does not: others sit behind it."""
        if device:
            self._wrong.pop(self._lane(address, account, device), None)

    def ask(self, address: str) -> None:
        """One more challenge for this address. Refused: W-LOCKED."""
        lane = ("asked", place(address))
        _refuse_until(self._wait(lane, ASKS, ASKS_WITHIN))
        self._count(lane)

    @staticmethod
    def _lane(address: str, account: str, device: str) -> tuple[str, ...]:
        return ("known", account, device) if device else ("from", place(address))

    def _count(self, lane: tuple[str, ...]) -> None:
        times = self._wrong.setdefault(lane, [])
        times.append(self._clock())
        del times[: -max(MOST, SECONDS_MOST, ASKS)]
        self._wrong.move_to_end(lane)
        while len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)

    def _wait(self, lane: tuple[str, ...], most: int, within: float) -> float:
        times = [t for t in self._wrong.get(lane, ()) if t > self._clock() - within]
        return times[-most] + within - self._clock() if len(times) >= most else 0.0
