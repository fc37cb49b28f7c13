"""``trading verify``: every step of log.md §8 over one archive or several. Offline; the server calls the same function.

found = verify(paths, policy=Path("policy.txt"), parties=Path("parties.txt"))
found.exit          # 0 or 3
found.reports[0].failed    # the first step that failed, with its faults
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audit.report import Verification


def verify(
    paths: Sequence[Path],
    policy: Path | None = None,
    parties: Path | None = None,
    since: Path | None = None,
    receipts: Sequence[Path] = (),
) -> Verification:
    """Verify archives against trust files from outside; without them each archive's own are used, and said so.

    ``since`` is an older checkpoint (signed note) of the same log, ``receipts`` are receipt files (JSON). Never raises
    at the content of a file: a broken archive fails V1. Raises OSError when a file of the call cannot be read.
    """
    raise RuntimeError("filled in by the next commit")
