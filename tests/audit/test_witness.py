"""A witness signs only what continues what it signed before, and remembers before it speaks (log.md §4)."""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from audit.canon import b64, parse, stamp, unb64
from audit.checkpoint import Checkpoint, add_lines, sign_checkpoint, verify_note, vkey_of
from audit.merkle import consistency_proof, leaf_hash, root
from audit.refusal import Refused
from audit.signature import Ed25519Signer, verify_signatures
from audit.trust import WITNESS, Policy
from audit.witness import Memory, Probes, Witness, read_clock, witness_app

ORIGIN = "log.example/main"
LEAVES = [leaf_hash(bytes([n])) for n in range(40)]


class Clock:
    factor = 1

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Scene:
    """A log key and one witness in a directory."""

    def __init__(self, directory: Path) -> None:
        self.log, self.signer, self.clock = Ed25519Signer.generate(), Ed25519Signer.generate(), Clock()
        self.policy = Policy.parse(
            f"log {vkey_of(self.log, ORIGIN)}\nwitness w {vkey_of(self.signer, 'w.example', WITNESS)}\nquorum w\n".encode()
        )
        self.directory = directory
        self.start()

    def start(self) -> None:
        self.memory = Memory(self.directory)
        self.witness = Witness(self.memory, self.signer, "w.example", [self.policy], self.clock)
        transport = httpx.ASGITransport(app=witness_app(self.witness))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://w")

    def restart(self) -> None:
        self.memory.close()
        self.start()

    def note(
        self, size: int, leaves: list[bytes] = LEAVES, signer: Ed25519Signer | None = None, origin: str = ORIGIN
    ) -> bytes:
        return sign_checkpoint(signer or self.log, Checkpoint(origin, size, root(leaves[:size])))

    async def post(self, old: int, note: bytes, proof: list[bytes]) -> httpx.Response:
        lines = "".join(f"{b64(value)}\n" for value in proof)
        return await self.http.post("/add-checkpoint", content=f"old {old}\n{lines}\n".encode() + note)

    async def grow(self, old: int, size: int) -> httpx.Response:
        return await self.post(old, self.note(size), consistency_proof(LEAVES[:size], old))


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    made = Scene(tmp_path / "state")
    yield made
    made.memory.close()


async def test_it_cosigns_what_grows(scene: Scene) -> None:
    for old, size in [(0, 3), (3, 8), (8, 8), (8, 29)]:
        answer = await scene.grow(old, size)
        assert answer.status_code == 200, answer.text
        verified = verify_note(add_lines(scene.note(size), [answer.content]), scene.policy)
        assert verified.checkpoint.size == size and verified.time == scene.clock.time


async def test_statuses(scene: Scene) -> None:
    assert (await scene.grow(0, 8)).status_code == 200
    conflict = await scene.grow(3, 12)
    assert (conflict.status_code, conflict.text) == (409, "8\n")
    assert conflict.headers["content-type"].startswith("text/x.tlog.size")
    fork = [leaf_hash(b"other"), *LEAVES[1:]]
    assert (await scene.post(8, scene.note(8, fork), [])).status_code == 409, "a second root of one size"
    assert (await scene.post(8, scene.note(16, fork), consistency_proof(fork[:16], 8))).status_code == 422
    assert (await scene.post(8, scene.note(16), [])).status_code == 422
    assert (await scene.post(8, scene.note(16, origin="elsewhere"), [])).status_code == 404
    assert (await scene.post(8, scene.note(16, signer=Ed25519Signer.generate()), [])).status_code == 403
    forged = scene.note(16).replace(b"\n16\n", b"\n17\n")
    assert (await scene.post(8, forged, [])).status_code == 403
    assert (await scene.post(20, scene.note(16), [])).status_code == 400, "old above the checkpoint"
    for body in (
        b"",
        b"old 8\n",
        b"old x\n\n" + scene.note(16),
        b"old 08\n\n" + scene.note(16),
        b"old 8\nAA==\n\n" + scene.note(16),
    ):
        assert (await scene.http.post("/add-checkpoint", content=body)).status_code == 400
    assert (await scene.post(8, b"no note\n", [])).status_code == 400
    assert (await scene.post(8, scene.note(16), [bytes(32)] * 64)).status_code == 400
    assert (await scene.http.post("/add-checkpoint", content=b"x" * 70_000)).status_code == 400
    assert scene.memory.last(ORIGIN)[0].size == 8, "nothing of this moved it"


async def test_it_remembers_before_it_answers(scene: Scene) -> None:
    kept: list[int] = []
    keep = scene.memory.keep

    def recording(checkpoint: Checkpoint, timestamp: int) -> None:
        keep(checkpoint, timestamp)
        kept.append(scene.memory.last(ORIGIN)[0].size)

    scene.memory.keep = recording  # type: ignore[method-assign]
    assert (await scene.grow(0, 8)).status_code == 200
    assert kept == [8]

    def dies(*_: object) -> None:
        raise OSError("no space left on device")

    scene.memory.keep = dies  # type: ignore[method-assign]
    with pytest.raises(OSError):
        await scene.grow(8, 16)
    scene.restart()
    assert (await scene.grow(0, 16)).status_code == 409
    assert (await scene.grow(8, 16)).status_code == 200


async def test_only_one_process_has_a_directory(scene: Scene) -> None:
    with pytest.raises(Refused, match="E-WITNESS-RUNS"):
        Memory(scene.directory)


async def test_one_hundred_at_once_are_taken_one_by_one(scene: Scene) -> None:
    answers = await asyncio.gather(*(scene.grow(0, size) for size in range(1, 41)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 39


async def test_its_clock_never_runs_backwards(scene: Scene) -> None:
    assert (await scene.grow(0, 8)).status_code == 200
    scene.clock.time -= timedelta(hours=1)
    assert (await scene.grow(8, 16)).status_code == 503


async def test_probes_are_signed_spans_of_what_was_seen(tmp_path: Path) -> None:
    clock, signer = Clock(), Ed25519Signer.generate()
    probes = Probes(tmp_path / "probes", signer, ORIGIN, clock)
    began = clock.time
    for minute in range(60):
        probes.seen(not 20 <= minute < 30)
        clock.time += timedelta(minutes=1)
    found = probes.between(began, clock.time)
    spans = []
    for signed in found:
        data = unb64(signed["probe"])
        (by,) = verify_signatures(signed["sig"], b"trading/probe/v1\n" + data)
        assert by.key == signer.key
        spans.append(parse(data))
    dark = [span for span in spans if not span["seen"]]
    # from the last sign of life to the next one
    assert dark[0]["from"] == stamp(began + timedelta(minutes=19))
    assert dark[-1]["to"] == stamp(began + timedelta(minutes=30))
    assert all(one["to"] <= two["from"] for one, two in itertools.pairwise(spans))
    assert not probes.between(began - timedelta(hours=2), began - timedelta(hours=1))


async def test_it_watches_a_platform(tmp_path: Path) -> None:
    up = True

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok", 200 if up else 503)

    platform = httpx.ASGITransport(app=Starlette(routes=[Route("/healthz", healthz)]))
    probes = Probes(tmp_path, Ed25519Signer.generate(), ORIGIN)
    began = datetime.now(UTC)
    task = asyncio.create_task(probes.watch("http://platform", 0.02, platform))
    await asyncio.sleep(0.2)
    up = False
    await asyncio.sleep(0.2)
    task.cancel()
    spans = [parse(unb64(signed["probe"])) for signed in probes.between(began, datetime.now(UTC))]
    assert [span["seen"] for span in spans] == [True, False]


async def test_over_http_it_tells_its_key_and_its_probes(scene: Scene) -> None:
    assert (await scene.http.get("/vkey")).text == f"{scene.witness.vkey}\n"
    assert (await scene.http.get("/healthz")).status_code == 200
    span = {"from": "2026-03-02T00:00:00.000000Z", "to": "2026-03-03T00:00:00.000000Z"}
    assert (await scene.http.get("/probes", params=span)).json() == []
    assert (await scene.http.get("/probes")).status_code == 400


SERVE = """
import asyncio, sys
from pathlib import Path
from audit.signature import Ed25519Signer
from audit.trust import Policy
from audit.witness import WitnessSettings, serve_witness
directory, port, seed, policy, platform = sys.argv[1:]
clock = {"base": "2026-03-02T00:00:00.000000Z", "factor": 60, "start": "2026-01-01T00:00:00.000000Z"}
signer = Ed25519Signer.from_seed(bytes.fromhex(seed))
asyncio.run(serve_witness(WitnessSettings(
    Path(directory), "w.example", signer, (Policy.parse(bytes.fromhex(policy)),), port=int(port), platform=platform,
    probe_every=0.05, clock=clock)))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
async def test_as_a_process_it_survives_kill_9_and_keeps_log_time(tmp_path: Path) -> None:
    log, seed, port = Ed25519Signer.generate(), bytes(range(32)), free_port()
    signer = Ed25519Signer.from_seed(seed)
    origin = "demo.example/log"
    policy = Policy.parse(
        f"log {vkey_of(log, origin)}\nwitness w {vkey_of(signer, 'w.example', WITNESS)}\nquorum w\n".encode()
    )
    directory, base = tmp_path / "a witness", f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", SERVE, str(directory), str(port), seed.hex(), policy.data.hex(), base]

    async def started() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(*command)
        async with asyncio.timeout(20):
            while True:
                try:
                    await http.get(f"{base}/healthz")
                    return process
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)

    def checkpoint(size: int) -> bytes:
        return sign_checkpoint(log, Checkpoint(origin, size, root(LEAVES[:size])))

    async with httpx.AsyncClient() as http:
        process = await started()
        try:
            answer = await http.post(f"{base}/add-checkpoint", content=b"old 0\n\n" + checkpoint(8))
            assert answer.status_code == 200
            stamped = verify_note(add_lines(checkpoint(8), [answer.content]), policy).time
            elapsed = datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)
            expected = datetime(2026, 3, 2, tzinfo=UTC) + 60 * elapsed
            assert abs(stamped - expected) < timedelta(hours=1), "in a demo log witnesses use log time"
            process.kill()
            await process.wait()
            process = await started()
            assert (await http.post(f"{base}/add-checkpoint", content=b"old 0\n\n" + checkpoint(16))).text == "8\n"
            await asyncio.sleep(0.3)
            span = {"from": "2020-01-01T00:00:00.000000Z", "to": "2999-01-01T00:00:00.000000Z"}
            (*_, probe) = (await http.get(f"{base}/probes", params=span)).json()
            assert parse(unb64(probe["probe"]))["seen"] is True, "it probed its platform (itself, here)"
        finally:
            process.terminate()
            await process.wait()


async def test_the_clock_of_a_demo_log_is_read_from_record_0() -> None:
    async def genesis(_: Request) -> Response:
        return PlainTextResponse('{"clock":{"base":"x"}}', media_type="application/json")

    platform = httpx.ASGITransport(app=Starlette(routes=[Route("/log/genesis", genesis)]))
    assert await read_clock("http://platform/", platform) == {"base": "x"}
