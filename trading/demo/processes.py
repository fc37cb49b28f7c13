"""The processes of a demonstration: started, watched, and stopped together, whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

from audit.refusal import Refused


def free_port(besides: int = 0) -> int:
    """A port that is free now on the loopback interface, and another one than `besides`, which nobody has taken yet."""
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port: int = listener.getsockname()[1]
        if port != besides:
            return port


def demand_port(port: int) -> None:
    """Refused("D-PORT") when somebody else listens there: his platform would be taken for ours."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise Refused("D-PORT", port=port)


class Processes:
    """Children of this process, each `trading <command>` with a log file of its own; none survives the block."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start `trading <command>`; its output goes to `<logs>/<name>.log`."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                [sys.executable, "-m", "trading", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
            )

    def check(self) -> None:
        """Raise Refused("D-PROCESS") with the end of its log if a child has died."""
        for name, child in self._children.items():
            if child.poll() is not None:
                raise Refused("D-PROCESS", name=name, status=child.returncode, why=self._tail(name))

    def wait_for(self, name: str, url: str, seconds: float = 60.0) -> None:
        """Wait until a child answers on `url`; raise Refused("D-PROCESS") if it dies or stays silent."""
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            try:
                if httpx.get(url, timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise Refused("D-PROCESS", name=name, status="-", why=self._tail(name))
            time.sleep(0.05)

    def stop(self, grace: float = 8.0) -> None:
        """SIGTERM in the reverse order of starting, SIGKILL for whoever does not listen."""
        children = list(reversed(self._children.values()))
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        for child in children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()

    def _tail(self, name: str) -> str:
        text = (self.logs / f"{name}.log").read_text("utf-8", "replace").strip()
        return " | ".join(text.splitlines()[-6:])[-800:]
