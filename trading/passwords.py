"""Passwords: what is one, how it is kept, and how many are checked at a time. Pure but for the threads it counts in.

Argon2id with 46 MiB, two passes, one lane (RFC 9106; above OWASP's floor of 19 MiB and two passes): 74 ms on the two busy
cores this was measured on, so that a guess costs an attacker what it costs us. A password alone never signs anybody in.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from audit.refusal import Refused

PASSES, MEMORY, LANES = 2, 46 * 1024, 1
"""Argon2id: time cost, KiB, parallelism."""
SHORTEST, LONGEST = 12, 256
"""Characters (ASVS 6.2.1, 6.2.9): no classes of characters are asked for, nothing is cut off."""
WAITING = 24
"""Strangers' guesses that may wait for their turn; the next is told to come back. Whoever is known has a lane of his own."""

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)
_nobodys = ""
COMMON = frozenset(
    {
        "password", "passw0rd", "qwerty", "qwertyuiop", "letmein", "iloveyou", "administrator", "admin", "welcome", "abc",
        "123456789012", "1234567890", "123456", "111111111111", "woaini", "1qaz2wsx", "1q2w3e4r", "zhongguo", "huanying",
        "88888888", "66666666", "5201314", "asdfghjkl", "zxcvbnm",
    }
)  # fmt: skip
"""What most people choose; alone, repeated or with digits behind it, it is no password (ASVS 6.2.4 in small)."""


def plain(password: str) -> str:
    """The password as it is hashed: NFKC, so that two keyboards type the same."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, *about: str) -> str:
    """The password, if it is one; `about`: what somebody who knows the person would try. Refused: T-PASSWORD with `why`."""
    text = plain(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise Refused("T-PASSWORD", why="length", shortest=SHORTEST, longest=LONGEST)
    low = text.lower()
    bare = low.strip("0123456789!@#$%^&*()._- ")
    if len(set(low)) < 5 or low in COMMON or bare in COMMON or not _apart(low):
        raise Refused("T-PASSWORD", why="common", shortest=SHORTEST, longest=LONGEST)
    if any(len(word) >= 4 and word.lower() in low for word in about):
        raise Refused("T-PASSWORD", why="about", shortest=SHORTEST, longest=LONGEST)
    return text


def _apart(text: str) -> bool:
    """Whether it is more than one piece, or a row of keys, said again and again."""
    for size in range(1, len(text) // 2 + 1):
        if (text[:size] * (len(text) // size + 1))[: len(text)] == text:
            return False
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    if text.isdecimal():
        steps = {step % 10 for step in steps}  # 9 is followed by 0
    return steps not in ({1}, {-1}, {9})


class Lanes:
    """How many hashes run at a time: one for those who are known, one for strangers, who queue up to a length."""

    def __init__(self) -> None:
        self._known, self._strangers = asyncio.Semaphore(1), asyncio.Semaphore(1)
        self._waiting = 0

    @asynccontextmanager
    async def turn(self, known: bool) -> AsyncIterator[None]:
        """Wait for a turn. Refused: W-CROWD, of strangers alone."""
        if known:
            async with self._known:
                yield
            return
        if self._waiting >= WAITING:
            raise Refused("W-CROWD")
        self._waiting += 1
        try:
            async with self._strangers:
                yield
        finally:
            self._waiting -= 1

    async def hash(self, password: str) -> bytes:
        """What is kept of a password."""
        async with self.turn(True):
            return (await asyncio.to_thread(_hasher.hash, plain(password))).encode()

    async def verify(self, kept: bytes | None, password: str, *, known: bool = False) -> bool:
        """Whether it is the one that was kept; where nothing was kept the same work is done, and the answer is no."""
        async with self.turn(known):
            return await asyncio.to_thread(_verify, kept, plain(password)[:LONGEST])


def _verify(kept: bytes | None, password: str) -> bool:
    try:
        _hasher.verify((kept or _nothing()).decode(), password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def _nothing() -> bytes:
    """A hash of the same parameters that belongs to nobody."""
    global _nobodys
    if not _nobodys:
        _nobodys = _hasher.hash("nobody's password")
    return _nobodys.encode()


def outdated(kept: bytes) -> bool:
    """Whether it was hashed with other parameters than today's: then it is hashed again at the next signing-in."""
    return _hasher.check_needs_rehash(kept.decode())
