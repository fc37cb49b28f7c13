"""The third judge: the verifier of the browser (trading/web/static/verify.js), under Node, over the archives of the tests.

Whoever asks `trading verify` and the independent reader asks it as well (`third`): of the steps it does, all three name the
same one first.
"""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from audit.report import Status, Verification
from trading.verify import verify as told

HERE = Path(__file__).parent
DONE = {*(f"V{number}" for number in range(1, 13)), "V17"}
"""The steps the browser does; V13 to V16 are the command line's."""

spent = {"archives": 0, "seconds": 0.0}
"""What the third judge has cost this process."""


def node() -> str:
    """Where Node is; a test without it fails, and says what to install."""
    path = shutil.which("node")
    assert path, "the browser's verifier is tested under Node.js: install nodejs 20 or later (apt-get install nodejs)"
    return path


@lru_cache(maxsize=1)
def _judge() -> tuple[IO[str], IO[str]]:
    """The one process, which ends with ours."""
    process = subprocess.Popen(
        [node(), "--no-warnings", str(HERE / "judge.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(process.kill)
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout


def in_browser(
    paths: Sequence[Path],
    policy: Path | None = None,
    parties: Path | None = None,
    since: Path | None = None,
    receipts: Sequence[Path] = (),
) -> list[dict[str, Any]]:
    """What the browser's verifier says of each archive."""
    ask, answer = _judge()
    request: dict[str, Any] = {"paths": [str(path) for path in paths], "receipts": [str(path) for path in receipts]}
    for name, path in (("policy", policy), ("parties", parties), ("since", since)):
        request[name] = str(path) if path is not None else None
    ask.write(json.dumps(request) + "\n")
    ask.flush()
    said = json.loads(answer.readline())
    assert "error" not in said, said
    spent["archives"] += len(paths)
    spent["seconds"] += said["milliseconds"] / 1000
    return said["reports"]  # type: ignore[no-any-return]


def third(
    found: Verification,
    paths: Sequence[Path],
    policy: Path | None = None,
    parties: Path | None = None,
    since: Path | None = None,
    receipts: Sequence[Path] = (),
) -> None:
    """The browser names the step that `trading verify` names, of those both do; and finds absent what it finds absent."""
    for report, said in zip(found.reports, in_browser(paths, policy, parties, since, receipts), strict=True):
        ours = [step for step in report.steps if step.code in DONE]
        failed = next((step.code for step in ours if step.status is Status.FAIL), None)
        named = next((step for step in said["steps"] if step["state"] == "fails"), {"id": None})
        assert named["id"] == failed, (report.path, report.failed, named)
        if failed is None:
            absent = {step.code for step in ours if step.status is Status.ABSENT}
            assert {s["id"] for s in said["steps"] if s["state"] == "not in this edition"} == absent, report.path
            assert said["trusted"] is report.trusted


def verify(
    paths: Sequence[Path],
    policy: Path | None = None,
    parties: Path | None = None,
    since: Path | None = None,
    receipts: Sequence[Path] = (),
) -> Verification:
    """`trading verify`, and the browser agrees with it."""
    found = told(paths, policy, parties, since, receipts)
    third(found, paths, policy, parties, since, receipts)
    return found
