"""A centre to measure: a durable server of its own, and as many bidders as a bench asks for.

People and tenders come through the real API; bidders are enrolled below it, and envelopes are laid on the disk without
an upload, because hundreds of both are only what a bench begins with.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx

from audit.act import Actor, pool
from audit.signature import Ed25519Signer
from bidding.envelope import new_bid
from bidding.registrations import REGISTRATION, write_registration
from tests.trading.town import Town
from trading import accounts, postgres, tendering
from trading.accounts import Caller
from trading.demo.processes import free_port
from trading.settings import Settings

T = TypeVar("T")
ORIGIN = "demo.bench/log"
OPERATOR = Actor("security_admin", "bench")


@dataclass
class Firm:
    """A bidder with a token and one registered key."""

    code: str
    token: str
    caller: Caller
    signer: Ed25519Signer
    bid: str = field(default_factory=new_bid)


class Centre(Town):
    """A town with many bidders."""

    async def firms(self, count: int) -> list[Firm]:
        """Enrol bidders, sixteen at a time."""
        turn = asyncio.Semaphore(16)

        async def one(number: int) -> Firm:
            async with turn:
                code = accounts.demo_code(100_000 + number)
                await accounts.add_organisation(OPERATOR, code, f"firm {number}", None)
                person = await accounts.enrol(OPERATOR, f"person {number}", code, ["bidder"])
                token = await accounts.issue_token(OPERATOR, person["id"], "bidder")
                caller = Caller("bidder", token["id"], person["id"], code)
                firm = Firm(code, token["token"], caller, Ed25519Signer.generate())
                data = write_registration(
                    origin=ORIGIN, bidder=code, alg="EdDSA", key=firm.signer.key, by_authority="A-SUP"
                )
                sig = [signer.sign(REGISTRATION + data) for signer in (firm.signer, self.authority)]
                await tendering.register_key(self.platform, caller, data, sig)
                return firm

        return list(await asyncio.gather(*(one(number) for number in range(count))))

    async def settle(self) -> None:
        """Beat until every record has its leaf."""
        while await pool().fetchval(_WAITING):
            await self.beat()


_WAITING = "SELECT EXISTS (SELECT FROM log_record r WHERE NOT EXISTS (SELECT FROM log_leaf l WHERE l.record = r.id))"


@dataclass(frozen=True)
class Laid:
    """A payload that lies in the store, or need not: what the row of its upload says."""

    upload: str
    bidder: str
    size: int
    root: str
    head: bytes


async def lay(owner_dsn: str, tender: str, laid: list[Laid]) -> None:
    """The rows of uploads that are complete."""
    db = await asyncpg.connect(owner_dsn)
    now = datetime.now(UTC)
    rows = [
        (one.upload, tender, one.bidder, one.size, -(-one.size >> 20), -(-one.size >> 20), one.root, one.head, now)
        for one in laid
    ]
    columns = ("id", "tender", "bidder", "size", "segments", "stored", "root", "head", "touched_at")
    await db.copy_records_to_table("bidding_upload", records=rows, columns=columns)
    await db.close()


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[Settings]:
    """The settings of an installation in `folder`, on an embedded server with the durable settings it really has."""
    async with postgres.Embedded(folder / "postgres") as server:
        settings = Settings(
            data=folder / "data",
            database_url=server.dsn(postgres.APP),
            database_owner_url=server.dsn(postgres.OWNER),
            origin=ORIGIN,
            token_pepper="pepper",
            witnesses=("w=http://w",),
            upload_quota=1 << 40,
        )
        await postgres.migrate(settings)
        server.say(f"CREATE DATABASE bench OWNER {postgres.OWNER}")
        yield settings


@asynccontextmanager
async def centre(settings: Settings, kind: type[Centre] = Centre) -> AsyncIterator[Centre]:
    """A centre at work in this process."""
    async with postgres.connected(settings):
        assert settings.database_owner_url
        made = kind(settings)
        await made.found(settings.database_owner_url)
        async with made.app.router.lifespan_context(made.app):
            yield made
            await made.close()


@contextmanager
def serving(command: list[str], environment: Mapping[str, str], port: int, path: str) -> Iterator[int]:
    """A server process; its port, once it answers."""
    child = subprocess.Popen([sys.executable, *command], env={**os.environ, **environment})
    try:
        for _ in range(600):
            try:
                if httpx.get(f"http://127.0.0.1:{port}{path}", timeout=2).status_code < 500:
                    break
            except httpx.TransportError:
                if child.poll() is not None:
                    raise RuntimeError(f"{command} ended") from None
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait(20)


@contextmanager
def platform(settings: Settings) -> Iterator[int]:
    """`trading serve` on the centre's database and data; its port."""
    port = free_port()
    environment = {
        "TRADING_DATA": str(settings.data),
        "DATABASE_URL": str(settings.database_url),
        "TRADING_ORIGIN": settings.origin,
        "TRADING_TOKEN_PEPPER": settings.token_pepper,
        "TRADING_UPLOAD_QUOTA": str(settings.upload_quota),
    }
    with serving(["-m", "trading", "serve", "--port", str(port)], environment, port, "/readyz") as port:
        yield port


@contextmanager
def bare(settings: Settings) -> Iterator[int]:
    """The limit's server, on a database of its own in the same PostgreSQL; its port."""
    port = free_port()
    assert settings.database_owner_url
    environment = {
        "BENCH_DSN": settings.database_owner_url.replace(f"/{postgres.DATABASE}?", "/bench?"),
        "BENCH_SHOWN": str(settings.database_url),
    }
    uvicorn = ["-m", "uvicorn", "--factory", "tests.bench.limits:bare", "--port", str(port)]
    quiet = ["--log-level", "warning", "--no-access-log", "--no-server-header"]
    with serving([*uvicorn, *quiet], environment, port, "/") as port:
        yield port


def gather(steps: AsyncIterator[T]) -> Iterator[T]:
    """What an asynchronous bench yields, step by step, in a loop of its own."""
    with asyncio.Runner() as runner:
        while True:
            try:
                yield runner.run(anext(steps))  # type: ignore[arg-type]
            except StopAsyncIteration:
                return


# -------------------------------------------------------------------------------------------------------------- client


class _Connection(asyncio.Protocol):
    """One connection that sends its next request when the answer to the last one is in."""

    def __init__(self, waiting: list[bytes], expected: bytes, done: asyncio.Future[None]) -> None:
        self.waiting, self.expected, self.done = waiting, expected, done
        self.spans: list[float] = []
        self.got, self.need = bytearray(), 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        if not self.waiting:
            self.transport.close()
            return
        self.begun = time.perf_counter()
        self.transport.write(self.waiting.pop())

    def data_received(self, data: bytes) -> None:
        self.got += data
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.got[:end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(self.got) < end + 4 + length:
            return
        if not head.startswith(self.expected):
            self.waiting.clear()
            self.done.set_exception(RuntimeError(bytes(self.got[:600]).decode("utf-8", "replace")))
            self.transport.close()
            return
        self.spans.append(time.perf_counter() - self.begun)
        self.got.clear()
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def ask_all(port: int, requests: list[bytes], connections: int, status: int = 201) -> tuple[float, list[float]]:
    """Send requests over so many connections: (requests per second, seconds each took, ascending)."""
    loop = asyncio.get_running_loop()
    waiting, made = list(requests), []
    begun = time.perf_counter()
    for _ in range(min(connections, len(requests))):
        done = loop.create_future()
        _, protocol = await loop.create_connection(
            lambda done=done: _Connection(waiting, b"http/1.1 %d" % status, done),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        made.append(protocol)
    await asyncio.gather(*(protocol.done for protocol in made))
    took = time.perf_counter() - begun
    spans = sorted(span for protocol in made for span in protocol.spans)
    if len(spans) != len(requests):
        raise RuntimeError(f"{len(spans)} answers to {len(requests)} requests")
    return len(requests) / took, spans


def request(method: str, path: str, body: bytes, **headers: str) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: centre", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
