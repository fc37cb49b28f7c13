"""Where the tests' databases lie: each of some thousand tests has one of its own, eight hundred small files for a minute.

On a disk half of a test's time goes into making them and taking them away. Nothing here promises to outlive a machine: what
does is asked of clusters on the disk (tests/faults, tests/test_postgres.py).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free there, for a few workers' clusters: containers are often given 64 MB."""


@contextmanager
def folder(otherwise: Path) -> Iterator[Path]:
    """A folder in the machine's memory, its path with a space, gone afterwards; `otherwise` where there is no room."""
    try:
        roomy = shutil.disk_usage(SHARED).free >= ROOM
    except OSError:
        roomy = False
    if not roomy:
        yield otherwise
        return
    made = Path(tempfile.mkdtemp(prefix="trading tests ", dir=SHARED))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
