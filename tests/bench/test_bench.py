"""Benchmarks that cannot rot: each runs at a tiny size and says what `--json` promises. No time is asserted."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import NAMES
from tests.bench.measure import Result

HERE = Path(__file__).parent
THEIRS = {"asyncpg", "cryptography", "starlette", "uvicorn"}


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_says_what_it_found(name: str) -> None:
    command = [sys.executable, "-m", "tests.bench", "--tiny", "--json", name]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parents[1], timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout)
    assert found[0]["name"] == name
    for line in found:
        assert line.keys() == {"name", "value", "unit", "limit", "ratio"}
        assert isinstance(line["unit"], str) and all(line[key] > 0 for key in ("value", "limit", "ratio"))


def test_a_name_that_is_none_is_refused() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench", "speed"], capture_output=True, cwd=HERE.parents[1], check=False
    )
    assert ran.returncode == 2


def test_the_limits_import_nothing_of_ours() -> None:
    imported = set()
    for node in ast.walk(ast.parse((HERE / "limits.py").read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add((node.module or "").partition(".")[0])
    assert imported - set(sys.stdlib_module_names) <= THEIRS


def test_of_spans_less_is_more() -> None:
    assert Result.of("speed", "1/s", [(50, 100)]).ratio == 0.5
    assert Result.of("wait", "ms", [(20, 10)]).ratio == 0.5
