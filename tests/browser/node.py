"""Node as a second pair of hands: one process that runs the browser's modules and answers line by line.

`Node.ask("seal", …)` calls the function of that name in `hands.mjs` with JSON and gives its JSON back. A refusal of
the modules is raised here as `Refused` with the same code; whatever else JavaScript throws fails the test with its stack.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from audit.refusal import Refused

HANDS = Path("tests") / "browser" / "hands.mjs"
ROOT = Path(__file__).parents[2]
MISSING = "node 20 or later must be on PATH for the browser's modules (Debian: apt-get install nodejs; .ci/run does it)"


def command() -> list[str]:
    """How to start Node for plain `.js` modules. Fails with what to install where there is none."""
    node = shutil.which("node")
    assert node, MISSING
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    major = int(re.match(r"v(\d+)", said)[1])  # type: ignore[index]
    assert major >= 20, f"{MISSING}; this one is {said.strip()}"
    # from 22.7 on Node sees by itself that a file is a module
    return [node, *(["--experimental-default-type=module"] if major < 23 else []), "--no-warnings"]


def told(answer: dict[str, Any]) -> Any:
    """The value of an answer. Raises Refused where the module refused."""
    if "code" in answer:
        raise Refused(answer["code"], **{str(k): v for k, v in (answer["facts"] or {}).items()})
    assert "bug" not in answer, answer["bug"]
    return answer["value"]


class Node:
    """A running `hands.mjs`, of this copy of the modules; use it as a context."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def __enter__(self) -> Node:
        self._process = subprocess.Popen(
            [*command(), self._root / HANDS],
            cwd=self._root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=20)

    def ask(self, what: str, **given: Any) -> Any:
        """The value of `what(given)`. Raises Refused as the module did."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([what, given]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "node died"
        return told(json.loads(line))
