"""Backup and restore: the database, the sealed payloads, the log's files and keys, in one directory that is verified.

A backup is trusted no more than the disk it came from: `MANIFEST` holds the SHA-256 of every file in it, and `restore`
checks all of them before it writes anything, and afterwards that the restored log has the very checkpoint the backup was
taken at (log.md: tile files, archives and backups are not trusted at all).

Order: the published checkpoint, then the database, then the files. So the dump is at or past what witnesses had seen when
the backup began, and every row in it has its payload, which was on disk before the row; files that came later are
harmless. The log's own files do not travel: the checkpoint goes along as evidence only, and as no checkpoint is published
after a restore, the sequencer makes every tile again from the rows. The log key travels only if asked for, since a copy
of it can sign a false history.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from audit.logkey import sync_path
from audit.refusal import Broken, Refused
from trading.postgres import OWNER, binaries, dsn
from trading.settings import Settings

DUMP = "database.dump"
CHECKPOINT = "checkpoint"
"""The checkpoint that was published when the backup began: what the restored rows must hold."""
FOLDERS = ("bids", "papers", "trust", "archives", "opened", "calendar")
"""What an installation owns beside its database, under `data`."""


def backup(
    settings: Settings, to: Path, *, with_keys: bool = False, progress: Callable[[int], None] = lambda done: None
) -> Path:
    """Write a backup into the new directory `to` and return it. Raises Refused("K-EXISTS", "B-DUMP")."""
    if to.exists():
        raise Refused("K-EXISTS", path=str(to))
    part = to.with_name(to.name + ".part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(parents=True, mode=0o700)
    published = settings.log_dir / "checkpoint"
    if published.exists():
        shutil.copy2(published, part / CHECKPOINT)
    _run(settings, "pg_dump", "--format=custom", "--no-owner", f"--file={part / DUMP}", dsn(settings, OWNER))
    folders = FOLDERS + (("keys",) if with_keys else ())
    done = (part / DUMP).stat().st_size
    for source in _files(settings.data, folders):
        target = part / "data" / source.relative_to(settings.data)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        done += target.stat().st_size
        progress(done)
    lines = [f"{_digest(path)} {path.stat().st_size} {path.relative_to(part)}" for path in _files(part, ("",))]
    manifest = part / "MANIFEST"
    manifest.write_text("\n".join(sorted(lines, key=lambda line: line.split(" ", 2)[2])) + "\n", "utf-8")
    for path in (*_files(part, ("",)), part):
        sync_path(path)
    part.rename(to)
    sync_path(to.parent)
    return to


def check(source: Path) -> int:
    """Read a backup through and compare every file with `MANIFEST`; return how many there are.

    Raises Broken("B-MANIFEST", "B-DIGEST", "B-SURPLUS") naming the file.
    """
    try:
        lines = (source / "MANIFEST").read_text("utf-8").splitlines()
        wanted = {path: (digest, int(size)) for digest, size, path in (line.split(" ", 2) for line in lines)}
    except (OSError, ValueError):
        raise Broken("B-MANIFEST", path=str(source)) from None
    if DUMP not in wanted:
        raise Broken("B-MANIFEST", path=str(source))
    for name, (digest, size) in wanted.items():
        path = source / name
        if ".." in Path(name).parts or not path.is_file() or path.stat().st_size != size or _digest(path) != digest:
            raise Broken("B-DIGEST", path=name)
    for path in _files(source, ("",)):
        name = str(path.relative_to(source))
        if name != "MANIFEST" and name not in wanted:
            raise Broken("B-SURPLUS", path=name)
    return len(wanted)


def restore(settings: Settings, source: Path) -> int:
    """Put a checked backup into an empty installation; return the number of files.

    The database server must be running and hold no tables. Raises Refused("B-NOT-EMPTY") rather than touch anything
    that exists, Broken for a backup that does not match its manifest. Whether the restored log is the one that was signed
    is then for `trading.cli.service.restore` to prove, from the rows.
    """
    count = check(source)
    for folder in FOLDERS:
        if any(_files(settings.data, (folder,))):
            raise Refused("B-NOT-EMPTY", path=str(settings.data / folder))
    _run(
        settings, "pg_restore", "--exit-on-error", "--no-owner", "--single-transaction",
        f"--dbname={dsn(settings, OWNER)}", str(source / DUMP),
    )  # fmt: skip
    for path in _files(source / "data", ("",)):
        target = settings.data / path.relative_to(source / "data")
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(path, target)
        sync_path(target)
    return count


def _run(settings: Settings, tool: str, *arguments: str) -> None:
    program = _program(settings, tool)
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise Refused("B-DUMP", tool=tool, why=ran.stderr.strip()[-400:])


def _program(settings: Settings, tool: str) -> str:
    try:
        beside = binaries(settings.pg_bin) / tool
    except Refused:
        beside = Path(tool)
    program = str(beside) if beside.exists() else shutil.which(tool)
    if program is None:
        raise Refused("B-DUMP", tool=tool, why="not found")
    return program


def _files(root: Path, folders: tuple[str, ...]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for path in (root / folder).rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
