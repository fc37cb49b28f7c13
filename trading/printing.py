"""Papers over HTTP: each is set once, in a process of its own, and then lies under the hash of what it was made of.

    found     the file is there: it is read
    joined    somebody else is waiting for the same paper: both get it
    queued    one at a time, so many waiting, so long; whoever comes then is told to come again

Nobody needs what lies there: it can be thrown away at any time, and is made again with the same bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
import pickle
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from audit.refusal import Refused
from trading.messages import catalogue
from trading.paper.press import TEMPLATES
from trading.paper.source import KINDS
from trading.paper.worker import MADE, REFUSED, SIZE

logger = logging.getLogger("trading.printing")
WAITING = 24
"""Papers that may be asked for at a time, the one in the press among them."""
IDLE = len(KINDS)
"""How many of them may be printed because a page wants to show their hashes: those of one tender."""
LONGEST = 30.0
"""Machine seconds in the press, after which a paper is given up and the press started anew."""
KEPT = 4000
"""Files that may lie in the folder; when there are more, those nobody has asked for longest go."""
WORN = 500
"""Papers after which the press is started anew: a typesetter remembers much."""


class Failed(Exception):
    """The press broke down over a paper: a bug of ours."""


@dataclass(frozen=True)
class Printed:
    """A paper's bytes and their SHA-256 (hex)."""

    data: bytes
    sha256: str


def key(*facts: object) -> str:
    """The hash of everything a paper is made of: what it says, and the press that sets it."""
    told = json.dumps([edition(), *facts], ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


@lru_cache(maxsize=1)
def edition() -> str:
    """The hash of templates, sentences and typesetter: another edition makes other papers of the same facts."""
    whole = hashlib.sha256(json.dumps(catalogue(), sort_keys=True).encode())
    for path in sorted(TEMPLATES.glob("*.typ")):
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    for name in ("typst", "pylopdf-fonts-zh-cn", "segno", "xlsxwriter", "public-resource-trading"):
        whole.update(importlib.metadata.version(name).encode() + b"\0")
    return whole.hexdigest()


class Printer:
    """One press and its shelf. Made by the web application; `close` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._turn = asyncio.Lock()
        self._coming: dict[str, asyncio.Task[Printed]] = {}
        self._refused: dict[str, Refused] = {}
        self._press: asyncio.subprocess.Process | None = None
        self._made = 0

    async def print(
        self, name: str, make: Callable[..., bytes], *given: object, keep: bool = True, idly: bool = False
    ) -> Printed:
        """The paper `make(*given)` whose `key` is `name`. `keep`: not for what is one party's secret; `idly`: nobody
        asked for it yet, so that it waits behind no more than a few.

        Refused: W-PRINTING (too many wait), and as `make`. Failed: the press broke down.
        """
        if no := self._refused.get(name):
            raise Refused(no.code, **no.facts)
        if keep and (found := await asyncio.to_thread(self._read, name)):
            return found
        coming = self._coming.get(name)
        if coming is None:
            if len(self._coming) >= (IDLE if idly else WAITING):
                raise Refused("W-PRINTING", waiting=len(self._coming))
            coming = asyncio.create_task(self._make(name, pickle.dumps((make, given)), keep))
            self._coming[name] = coming
            coming.add_done_callback(lambda done: self._gone(name, done))
        return await asyncio.shield(coming)

    async def known(self, names: Iterable[str]) -> dict[str, str]:
        """Of papers that lie here: their SHA-256 by key."""
        return await asyncio.to_thread(self._hashes, list(names))

    async def close(self) -> None:
        """Let the press go."""
        for task in list(self._coming.values()):
            task.cancel()
        await asyncio.gather(*self._coming.values(), return_exceptions=True)
        await self._stop()

    # ------------------------------------------------------------------------------------------------------ the press

    def _gone(self, name: str, done: asyncio.Task[Printed]) -> None:
        self._coming.pop(name, None)
        if not done.cancelled() and isinstance(error := done.exception(), Refused):
            if len(self._refused) >= KEPT:
                self._refused.clear()
            self._refused[name] = error

    async def _make(self, name: str, asked: bytes, keep: bool) -> Printed:
        async with self._turn:
            try:
                how, what = pickle.loads(await asyncio.wait_for(self._ask(asked), LONGEST))
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                await self._stop()
                raise Failed(type(error).__name__) from None
            except asyncio.CancelledError:
                await self._stop()
                raise
        if how == REFUSED:
            raise Refused(what[0], **what[1])
        if how != MADE:
            raise Failed(what)
        made = Printed(what, hashlib.sha256(what).hexdigest())
        if keep:
            await asyncio.to_thread(self._write, name, made)
        return made

    async def _ask(self, asked: bytes) -> bytes:
        if self._made >= WORN:
            await self._stop()
        if self._press is None or self._press.returncode is not None:
            self._press = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "trading.paper.worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_ROOT, env=_plain_environment(),
            )  # fmt: skip
        come, go = self._press.stdin, self._press.stdout
        assert come is not None and go is not None
        self._made += 1
        come.write(SIZE.pack(len(asked)) + asked)
        await come.drain()
        return await go.readexactly(SIZE.unpack(await go.readexactly(SIZE.size))[0])

    async def _stop(self) -> None:
        press, self._press, self._made = self._press, None, 0
        if press is not None and press.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                press.kill()
            await press.wait()

    # ------------------------------------------------------------------------------------------------------ the shelf
    # A file is the 32 bytes of its paper's SHA-256 and the paper; one that a crash cut short is none.

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name

    def _read(self, name: str) -> Printed | None:
        path = self._path(name)
        try:
            whole = path.read_bytes()
            if hashlib.sha256(whole[32:]).digest() != whole[:32]:
                return None
            os.utime(path)
        except OSError:
            return None
        return Printed(whole[32:], whole[:32].hex())

    def _hashes(self, names: Iterable[str]) -> dict[str, str]:
        found = {}
        for name in names:
            with contextlib.suppress(OSError), self._path(name).open("rb") as file:
                found[name] = file.read(32).hex()
        return found

    def _write(self, name: str, made: Printed) -> None:
        path = self._path(name)
        draft = path.with_name(f"{name}.{os.getpid()}.new")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(bytes.fromhex(made.sha256) + made.data)
            draft.replace(path)
            self._tidy()
        except OSError as error:  # a full disk costs the shelf, not the paper
            logger.warning("a paper was not kept: %s", error)
            draft.unlink(missing_ok=True)

    def _tidy(self) -> None:
        if os.urandom(1)[0]:  # one time in 256
            return
        lying = [(path.stat().st_mtime, path) for path in self.folder.glob("*/*")]
        for _, path in sorted(lying)[:-KEPT]:
            path.unlink(missing_ok=True)


_ROOT = Path(__file__).parent.parent


def _plain_environment() -> dict[str, str]:
    """What the press needs of the environment: no address of a database, no pepper, no passphrase."""
    return {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME") if name in os.environ}
