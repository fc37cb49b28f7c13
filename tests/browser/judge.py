"""The third judge: the verifier of the browser (trading/web/static/verify.js), under Node, over the archives of the tests.

Whoever asks `trading verify` and the independent reader asks it as well (`verify`): of the steps it does, all three name the
same one first.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from audit.report import Status, Verification
from tests.browser.node import command
from trading.verify import verify as told
from trading.verify_ledger import Published

HERE = Path(__file__).parent
DONE = {*(f"V{number}" for number in range(1, 13)), "V17"}
"""The steps the browser does; V13 to V16 are the command line's."""

spent = {"archives": 0, "node": 0.0, "waited": 0.0}
"""What the third judge has cost: seconds of Node, and those that the tests waited for it."""


@lru_cache(maxsize=1)
def _judge() -> tuple[IO[str], IO[str]]:
    """The one process, which ends with ours."""
    process = subprocess.Popen(
        [*command(), "--no-warnings", str(HERE / "judge.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(process.kill)
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout


def _ask(
    paths: Sequence[Path],
    policy: Path | None,
    parties: Path | None,
    since: Path | None,
    receipts: Sequence[Path],
) -> None:
    """Hand over the question; Node works on it while this process goes on."""
    request: dict[str, Any] = {"paths": [str(path) for path in paths], "receipts": [str(path) for path in receipts]}
    for name, path in (("policy", policy), ("parties", parties), ("since", since)):
        request[name] = str(path) if path is not None else None
    asking = _judge()[0]
    asking.write(json.dumps(request) + "\n")
    asking.flush()


def _hear() -> list[dict[str, Any]]:
    """The answer to the last question."""
    started = time.perf_counter()
    said = json.loads(_judge()[1].readline())
    assert "error" not in said, said
    spent["archives"] += len(said["reports"])
    spent["node"] += said["milliseconds"] / 1000
    spent["waited"] += time.perf_counter() - started
    return said["reports"]  # type: ignore[no-any-return]


def in_browser(
    paths: Sequence[Path],
    policy: Path | None = None,
    parties: Path | None = None,
    since: Path | None = None,
    receipts: Sequence[Path] = (),
) -> list[dict[str, Any]]:
    """What the browser's verifier says of each archive."""
    _ask(paths, policy, parties, since, receipts)
    return _hear()


def agreed(found: Verification, said: Sequence[dict[str, Any]]) -> None:
    """The browser names the step that `trading verify` names, of those both do; and finds absent what it finds absent."""
    for report, other in zip(found.reports, said, strict=True):
        ours = [step for step in report.steps if step.code in DONE]
        failed = next((step.code for step in ours if step.status is Status.FAIL), None)
        named = next((step for step in other["steps"] if step["state"] == "fails"), {"id": None})
        assert named["id"] == failed, (report.path, report.failed, named)
        if failed is None:
            absent = {step.code for step in ours if step.status is Status.ABSENT}
            assert {s["id"] for s in other["steps"] if s["state"] == "not in this edition"} == absent, report.path
            assert other["trusted"] is report.trusted


def verify(
    paths: Sequence[Path],
    policy: Path | None = None,
    parties: Path | None = None,
    since: Path | None = None,
    receipts: Sequence[Path] = (),
    ledger: Published | None = None,
) -> Verification:
    """`trading verify`, and the browser agrees with it; published lines are the command line's alone."""
    _ask(paths, policy, parties, since, receipts)
    try:
        found = told(paths, policy, parties, since, receipts, ledger)
    finally:
        said = _hear()
    agreed(found, said)
    return found
