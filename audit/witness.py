"""A witness: sees to it that a log never takes anything back, and that everybody is shown the same log (log.md §4).

It runs on its own machine, under its own key, for whoever supervises the platform. It knows nothing of records: it is
handed checkpoints, checks that each continues the one before, and says when it saw it. What it has signed it never
contradicts, because it persists (fsync) *before* it answers. It also asks the platform for a sign of life and keeps
signed probes: they prove or refute a claimed outage (log.md §5).

Trusted: its own key and state directory. Not trusted: anything that arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from audit.canon import NotCanonical, b64, canon, instant, sha256_hex, stamp, unb64
from audit.checkpoint import Checkpoint, checkpoint_of, cosign, verify_note, vkey_of
from audit.clock import Clock, MachineClock, clock_from
from audit.logkey import replace_file
from audit.merkle import EMPTY, LONGEST, verify_consistency
from audit.refusal import Broken, Refused
from audit.signature import Ed25519Signer
from audit.trust import WITNESS, Policy

BODY_LIMIT = 64 * 1024  # 63 hashes and a note with a hundred signatures fit into a fraction of it
SPAN = 600.0  # seconds of machine time after which a probe is closed and a new one begun
_CONFLICT = {"content-type": "text/x.tlog.size"}


class Answer(Exception):
    """A refusal of add-checkpoint: HTTP status and what to say."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, text)
        self.status, self.text, self.headers = status, text, dict(headers or {})


class Memory:
    """What a witness has signed last, one file an origin. One process at a time (a file lock says so)."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory
        self._owner: IO[bytes] = open(directory / "lock", "ab")  # noqa: SIM115 - held as long as the witness lives
        try:
            fcntl.flock(self._owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._owner.close()
            raise Refused("E-WITNESS-RUNS", directory=str(directory)) from None

    def close(self) -> None:
        """Give the directory back."""
        self._owner.close()

    def last(self, origin: str) -> tuple[Checkpoint, int]:
        """The last checkpoint signed and its timestamp; size 0 and 0 for a log never seen."""
        try:
            value = json.loads(self._file(origin).read_bytes())
        except FileNotFoundError:
            return Checkpoint(origin, 0, EMPTY), 0
        return Checkpoint(origin, value["size"], unb64(value["root"], 32)), value["time"]

    def keep(self, checkpoint: Checkpoint, timestamp: int) -> None:
        """Durably, before anybody is told."""
        value = {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": b64(checkpoint.root),
            "time": timestamp,
        }
        replace_file(self._file(checkpoint.origin), canon(value))

    def _file(self, origin: str) -> Path:
        return self.directory / f"{sha256_hex(origin.encode())}.json"


class Witness:
    """The decision behind POST /add-checkpoint."""

    def __init__(
        self, memory: Memory, signer: Ed25519Signer, name: str, policies: Sequence[Policy], clock: Clock | None = None
    ) -> None:
        self.memory, self.signer, self.name = memory, signer, name
        self.policies = {policy.origin: policy for policy in policies}
        self.clock = clock or MachineClock()
        self.vkey = vkey_of(signer, name, WITNESS)
        self._turns = asyncio.Lock()

    async def add_checkpoint(self, body: bytes) -> bytes:
        """The cosignature line for a checkpoint that continues what was signed before. Raises Answer."""
        old, proof, note = _parse(body)
        try:
            origin = checkpoint_of(note).origin
        except Broken:
            raise Answer(400, "not a checkpoint") from None
        if origin not in self.policies:
            raise Answer(404, "unknown origin")
        try:
            checkpoint = verify_note(note, self.policies[origin], quorum=False).checkpoint
        except Broken as broken:
            raise Answer(400 if broken.code == "N-FORM" else 403, "not signed by the log") from None
        if old > checkpoint.size:
            raise Answer(400, "the old size is above the checkpoint's")
        async with self._turns:
            return await asyncio.to_thread(self._decide, old, proof, checkpoint)

    def _decide(self, old: int, proof: Sequence[bytes], checkpoint: Checkpoint) -> bytes:
        last, before = self.memory.last(checkpoint.origin)
        if old != last.size:
            raise Answer(409, f"{last.size}\n", _CONFLICT)
        if checkpoint.size == last.size and checkpoint.root != last.root:
            raise Answer(409, f"{last.size}\n", _CONFLICT)  # two roots of one size: a fork, never to be signed
        try:
            verify_consistency(last.size, checkpoint.size, last.root, checkpoint.root, proof)
        except Broken:
            raise Answer(422, "the checkpoint does not continue the one before") from None
        timestamp = int(self.clock.now().timestamp())
        if timestamp < before:
            raise Answer(503, "the witness's clock runs backwards")
        self.memory.keep(checkpoint, timestamp)
        return cosign(self.signer, self.name, checkpoint.body(), timestamp)


def _parse(body: bytes) -> tuple[int, list[bytes], bytes]:
    """`old <size>`, base64 hashes, an empty line, the checkpoint. Answer 400 for anything else."""
    head, gap, note = body.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
        word, number = first.split(" ")
        if word != "old" or not gap or not number.isdecimal() or str(int(number)) != number or len(lines) > LONGEST:
            raise ValueError
        return int(number), [unb64(line, 32) for line in lines], note
    except ValueError:
        raise Answer(400, "malformed request") from None


# ----------------------------------------------------------------------------------------------------------- probes


class Probes:
    """Signs of life of a platform, as signed spans: `{"type","origin","from","to","seen"}` (log.md §4).

    A span grows while what is seen stays the same; it is closed when that changes, or after SPAN.
    """

    def __init__(self, directory: Path, signer: Ed25519Signer, origin: str, clock: Clock | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory, self.signer, self.origin = directory, signer, origin
        self.clock = clock or MachineClock()
        self._open: tuple[datetime, datetime, bool] | None = None

    def seen(self, alive: bool) -> None:
        """What the last look at the platform showed, now."""
        now = self.clock.now()
        if self._open is None:
            self._open = (now, now, alive)
            return
        since, until, was = self._open
        if was != alive or (now - since).total_seconds() > SPAN * self.clock.factor:
            # "seen" ends at the last sign of life; "not seen" reaches from there to the next one.
            self._sign(since, now if not was else until, was)
            self._open = (now if not was else until, now, alive)
        else:
            self._open = (since, now, was)

    def _sign(self, since: datetime, until: datetime, alive: bool) -> None:
        probe = canon(
            {
                "type": "trading.probe/v1",
                "origin": self.origin,
                "from": stamp(since),
                "to": stamp(until),
                "seen": alive,
            }
        )
        sig = [self.signer.sign(b"trading/probe/v1\n" + probe)]
        replace_file(self.directory / f"{sha256_hex(probe)}.json", canon({"probe": b64(probe), "sig": sig}))

    def between(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """The signed probes that overlap a span, by their beginning; the open one is closed for it."""
        if self._open is not None and self._open[0] < self._open[1]:
            self._sign(*self._open)
            self._open = (self._open[1], self._open[1], self._open[2])
        found = []
        for file in self.directory.glob("*.json"):
            signed = json.loads(file.read_bytes())
            probe = json.loads(unb64(signed["probe"]))
            if instant(probe["from"]) < until and since < instant(probe["to"]):
                found.append((probe["from"], signed))
        return [signed for _, signed in sorted(found, key=lambda item: item[0])]

    async def watch(self, platform: str, interval: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Look at `<platform>/healthz` for ever."""
        async with httpx.AsyncClient(timeout=min(interval, 10.0), transport=transport) as http:
            while True:
                try:
                    alive = (await http.get(f"{platform}/healthz")).status_code == 200
                except httpx.HTTPError:
                    alive = False
                await asyncio.to_thread(self.seen, alive)
                await asyncio.sleep(interval)


# --------------------------------------------------------------------------------------------------------- over HTTP


def witness_app(witness: Witness, probes: Probes | None = None, watch: Any = None) -> Starlette:
    """POST /add-checkpoint, GET /probes?from=&to=, /vkey, /healthz. `watch` is a coroutine to run beside it."""

    async def add(request: Request) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_LIMIT:
                return PlainTextResponse("too long\n", 400)
        try:
            return PlainTextResponse(await witness.add_checkpoint(body))
        except Answer as answer:
            text = answer.text if answer.text.endswith("\n") else answer.text + "\n"
            return PlainTextResponse(text, answer.status, answer.headers)

    async def spans(request: Request) -> Response:
        try:
            since, until = instant(request.query_params.get("from")), instant(request.query_params.get("to"))
        except NotCanonical:
            return PlainTextResponse("from and to are times\n", 400)
        return JSONResponse([] if probes is None else await asyncio.to_thread(probes.between, since, until))

    async def vkey(_: Request) -> Response:
        return PlainTextResponse(f"{witness.vkey}\n")

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = None if watch is None else asyncio.create_task(watch)
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    return Starlette(
        routes=[
            Route("/add-checkpoint", add, methods=["POST"]),
            Route("/probes", spans),
            Route("/vkey", vkey),
            Route("/healthz", healthz),
        ],
        lifespan=lifespan,
    )


@dataclass(frozen=True)
class WitnessSettings:
    """How a witness runs. `platform` is the address it probes, "" for none; `clock` is the `clock` of record 0 (§5)."""

    directory: Path
    name: str
    signer: Ed25519Signer
    policies: tuple[Policy, ...]
    host: str = "127.0.0.1"
    port: int = 8100
    platform: str = ""
    probe_every: float = 10.0
    clock: Mapping[str, Any] | None = None


async def serve_witness(settings: WitnessSettings) -> None:
    """Run a witness until the process is told to end. Refused("E-WITNESS-RUNS") when one runs on this directory.

    After a new policy (key rotation) it is started again with it.
    """
    import uvicorn

    origin = settings.policies[0].origin
    clock = clock_from(None if settings.clock is None else dict(settings.clock), origin)
    memory = Memory(settings.directory)
    try:
        witness = Witness(memory, settings.signer, settings.name, settings.policies, clock)
        probes = Probes(settings.directory / "probes", settings.signer, origin, clock)
        watch = probes.watch(settings.platform.rstrip("/"), settings.probe_every) if settings.platform else None
        config = uvicorn.Config(
            witness_app(witness, probes, watch),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            timeout_graceful_shutdown=2,
        )
        await uvicorn.Server(config).serve()
    finally:
        memory.close()


async def read_clock(platform: str, transport: httpx.AsyncBaseTransport | None = None) -> Mapping[str, Any] | None:
    """The `clock` of record 0 as the platform tells it, for witnesses of a `demo.` log; None in every other log."""
    async with httpx.AsyncClient(timeout=10.0, transport=transport) as http:
        answer = await http.get(f"{platform.rstrip('/')}/log/genesis")
        answer.raise_for_status()
        clock: Mapping[str, Any] | None = answer.json()["clock"]
        return clock
