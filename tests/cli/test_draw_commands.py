"""`trading draw …` as it is typed, against a small server in front of a log in memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from audit.canon import stamp
from tests.cli.parties import TENDER, DrawnWorld, objects
from tests.cli.platform import PASSPHRASE, Said, trading
from tests.world import START
from trading.client import PREFIX
from trading.keyfiles import KeyFile, write

ORIGIN = "demo.draw.example/log"


class Served:
    """The world's platform over HTTP, in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        clock = {"base": stamp(START + timedelta(minutes=5)), "factor": 1, "start": stamp(datetime.now(UTC))}
        self.world = world = DrawnWorld(folder / "world", ORIGIN, clock)
        world.wait()
        self.lock = threading.Lock()
        served = self

        class Handler(BaseHTTPRequestHandler):
            def _reply(self, make: Any, media: str = "application/json") -> None:
                with served.lock:
                    try:
                        made = make()
                    except (AssertionError, KeyError, ValueError, IndexError):
                        self.send_error(404)
                        return
                data = made if isinstance(made, bytes) else json.dumps(made).encode()
                self.send_response(200)
                self.send_header("Content-Type", media)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                if self.path.startswith(PREFIX):
                    self._reply(lambda: world.get(self.path.removeprefix(PREFIX).replace("%40", "@")))
                else:
                    self._reply(lambda: world.fetch(self.path), "application/octet-stream")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._reply(lambda: world.post(self.path.removeprefix(PREFIX).replace("%40", "@"), body))

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        policy, parties = world.trust(folder / "trust")
        self.key = folder / "c-ten.key"
        write(self.key, KeyFile("identity", "C-TEN", ORIGIN, world.keys["C-TEN"].private), PASSPHRASE, iterations=1000)
        self.options = ["--identity", str(self.key), "--policy", str(policy), "--parties", str(parties),
                        "--state", str(folder / "state"), "--url", self.url]  # fmt: skip

    def beat(self) -> None:
        with self.lock:
            self.world.wait(1)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.server.shutdown()


def typed(served: Served, *command: str) -> Said:
    return trading("draw", *command, *served.options)


def test_a_party_types_its_part(served: Served) -> None:
    assert typed(served, "show", TENDER).value == {"tender": TENDER, "draw": None}
    record = served.world.committed()
    served.beat()
    said = typed(served, "join", TENDER, "--once")
    assert said.code == 0 and said.value["state"] == "committed", said.err
    for i in (1, 3):
        served.world.say(i, record, bytes([i]) * 32)
    served.beat()
    shown = typed(served, "show", TENDER).value
    assert (shown["i"], shown["committed"], shown["revealed"]) == (2, [1, 2, 3], [])
    said = typed(served, "join", TENDER, "--yes", "--every", "0.2")
    assert said.code == 0 and said.value["state"] == "revealed", said.err
    assert len(objects(served.world, "/reveals")) == 1


def test_a_party_that_watches_takes_part_by_itself(served: Served) -> None:
    record = served.world.committed()
    served.beat()
    env = {**os.environ, "TRADING_PASSPHRASE": PASSPHRASE}
    command = [sys.executable, "-m", "trading", "--lang", "en", "draw", "watch", "--every", "0.1", *served.options]
    watching = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        _until(lambda: bool(objects(served.world, "/commitments")), watching)
        for i in (1, 3):
            served.world.say(i, record, bytes([i]) * 32)
        served.beat()
        _until(lambda: bool(objects(served.world, "/reveals")), watching)
        # somebody tries it again: an alarm, told once, and nothing sent
        served.world.committed(draw="cd" * 16)
        served.beat()
        time.sleep(1.5)
    finally:
        watching.send_signal(signal.SIGTERM)
        out, err = watching.communicate(timeout=120)
    assert watching.returncode == 0, err
    assert (out + err).count("P-SECOND") == 1 and "revealed" in out
    assert len(objects(served.world, "/commitments")) == 1


def _until(done: Any, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.1)
