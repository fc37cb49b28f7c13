"""A tool's own memory: the last checkpoint it has seen of each log, and what it has signed. On its owner's disk.

Without it a platform could show a tool one history today and another tomorrow (envelope.md §2a, §6.2).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from audit.checkpoint import Checkpoint, checkpoint_of, verify_note
from audit.logkey import sync_path
from audit.refusal import Broken, Refused
from audit.trust import Policy


class Memory:
    """A directory (0700). Files are replaced whole and synced, so that a crash leaves the old or the new."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def checkpoint(self, policy: Policy) -> Checkpoint | None:
        """The last checkpoint kept of this log; None before the first.

        Raises Refused("T-MEMORY") if the file no longer verifies under the tool's own policy: somebody was at it.
        """
        path = self._checkpoint(policy.origin)
        if not path.exists():
            return None
        try:
            return verify_note(path.read_bytes(), policy).checkpoint
        except Broken as error:
            raise Refused("T-MEMORY", path=str(path), why=error.code) from error

    def keep_checkpoint(self, note: bytes, policy: Policy) -> None:
        """Keep a verified checkpoint if it is later than the one kept."""
        path = self._checkpoint(policy.origin)
        if not path.exists() or checkpoint_of(path.read_bytes()).size < checkpoint_of(note).size:
            self.put(path.name, note)

    def get(self, name: str) -> bytes | None:
        """What was put under a name; None for nothing."""
        path = self.directory / name
        return path.read_bytes() if path.exists() else None

    def put(self, name: str, data: bytes) -> None:
        """Keep bytes under a name, durably, before anybody is told."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")  # two runs of one tool do not meet (0600)
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
        sync_path(path.parent)

    def names(self, prefix: str) -> list[str]:
        """The names that were put below a directory, sorted."""
        root = self.directory / prefix
        found = (path for path in root.rglob("*") if path.is_file() and not path.name.endswith(".part"))
        return sorted(str(path.relative_to(self.directory)) for path in found) if root.exists() else []

    def _checkpoint(self, origin: str) -> Path:
        return self.directory / f"{hashlib.sha256(origin.encode()).hexdigest()[:16]}.checkpoint"
