"""One baresip process, driven over its control socket: JSON in netstrings, commands down, events up.

A process a call: calls share nothing, and none outlives its time (`-t`), whatever becomes of us. Its folder (0700) holds
the account's password and goes with it. What it prints goes nowhere, because it prints numbers. Its control port listens
on this machine alone, while the call lasts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from trading.channels import ChannelDown

LIFE: Final = 600
"""Machine seconds after which a process ends by itself."""
PATIENCE: Final = 5.0
"""Machine seconds for it to come up, and for an answer to a command."""
PORTS: Final = range(20_001, 32_000)
"""Where control ports lie: above those of sound, below those that outgoing connections take."""
MODULES: Final = ("module g711.so", "module aufile.so", "module aubridge.so", "module_tmp account.so")
APPS: Final = ("module_app menu.so", "module_app ctrl_tcp.so")


def netstring(value: Mapping[str, Any]) -> bytes:
    """One message of the control socket."""
    body = json.dumps(value).encode()
    return b"%d:%b," % (len(body), body)


async def read_netstring(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next message. Raises EOFError at the end, ValueError for what is none."""
    try:
        head = await reader.readuntil(b":")
        body = await reader.readexactly(int(head[:-1]) + 1)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise EOFError from None
    except asyncio.LimitOverrunError:
        raise ValueError("no netstring") from None
    message = json.loads(body[:-1])
    if body[-1:] != b"," or not isinstance(message, dict):
        raise ValueError("no netstring")
    return message


class Baresip:
    """`async with Baresip(…) as line:` a running process. `events` are (type, param), in order; ("EXIT", "") is the last."""

    def __init__(
        self,
        account: str,
        source: Path,
        *,
        program: str = "baresip",
        modules: Path = Path("/usr/lib/baresip/modules"),
        interface: str = "",
        listen: str = "",
        record: Path | None = None,
        under_way: Path | None = None,
    ) -> None:
        """`account` is a line of baresip's accounts file, `source` the WAV that is played when a call is answered.

        `under_way` is where its folder is made, absolute. `record` (tests) is a folder for what is heard and said; without
        it nothing of a call is kept.
        """
        self.events: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._account, self._source, self._program = account, source, program
        self._modules, self._interface, self._listen, self._record = modules, interface, listen, record
        self._under_way = under_way
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._count = self._played = 0

    async def __aenter__(self) -> Baresip:
        """Raises ChannelDown if it does not come up."""
        self._folder = Path(tempfile.mkdtemp(prefix="call-", dir=self._under_way))
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: asyncio.Task[None] | None = None
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def command(self, command: str, params: str = "") -> bool:
        """Whether baresip did it. Raises ChannelDown if it does not answer."""
        self._count += 1
        token = str(self._count)
        self._answers[token] = asyncio.get_running_loop().create_future()
        self._writer.write(netstring({"command": command, "params": params, "token": token}))
        try:
            await self._writer.drain()
            answer = await asyncio.wait_for(self._answers[token], PATIENCE)
        except (TimeoutError, ConnectionError):
            raise ChannelDown("sip", "baresip") from None
        finally:
            self._answers.pop(token, None)
        return answer.get("ok") is True

    async def play(self, source: Path) -> None:
        """Plays another WAV from its beginning, in the call that is up."""
        await self.command("ausrc", f"aufile,{self._linked(source)}")

    def _linked(self, source: Path) -> str:
        """A WAV by a name of our own in the process's folder: a path with a space would end at it."""
        self._played += 1
        name = f"{self._played}.wav"
        (self._folder / name).symlink_to(source)
        return f"./{name}"

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        port = 0
        while loop.time() < end:
            if self._process is None or self._process.poll() is not None:  # a port was taken before it took it
                port = free_port()
                self._spawn(port)
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                self._listener = asyncio.create_task(self._listen_to(reader))
                return
        raise ChannelDown("sip", "baresip")

    def _spawn(self, port: int) -> None:
        config = [
            f"audio_source aufile,{self._linked(self._source)}",
            "audio_player aubridge,nobody",
            "audio_alert aubridge,nobody",
            "ausrc_srate 8000", "auplay_srate 8000", "ausrc_channels 1", "auplay_channels 1", "audio_buffer 20-160",
            f"module_path {self._modules}",
            *MODULES,
            *([f"snd_path {self._record}", "module sndfile.so"] if self._record else []),
            *APPS,
            f"ctrl_tcp_listen 127.0.0.1:{port}",
            *([f"sip_listen {self._listen}"] if self._listen else []),
        ]  # fmt: skip
        (self._folder / "config").write_text("\n".join(config) + "\n")
        accounts = self._folder / "accounts"
        accounts.touch(mode=0o600)
        accounts.write_text(self._account + "\n")
        options = ["-n", self._interface] if self._interface else []
        try:
            self._process = subprocess.Popen(
                [self._program, "-f", str(self._folder), "-t", str(LIFE), *options],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                cwd=self._folder, start_new_session=True,
            )  # fmt: skip
        except OSError:
            raise ChannelDown("sip", "baresip") from None

    async def _listen_to(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                message = await read_netstring(reader)
                if message.get("event"):
                    self.events.put_nowait((str(message.get("type", "")), str(message.get("param", ""))))
                elif (waiting := self._answers.get(str(message.get("token")))) and not waiting.done():
                    waiting.set_result(message)
        except (EOFError, ValueError):
            self.events.put_nowait(("EXIT", ""))

    async def _stop(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
            self._writer.close()
        if self._process is not None:
            self._process.terminate()  # ends the call as it goes
            await asyncio.to_thread(_buried, self._process)
        shutil.rmtree(self._folder, ignore_errors=True)


def _buried(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of this machine that nobody has, below those that the kernel gives to others. Raises ChannelDown for none."""
    for _ in range(100):
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ChannelDown("sip", "ports")
