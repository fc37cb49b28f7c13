"""The second reader stays small and shares nothing with the code it checks."""

import ast
import sys
from pathlib import Path

import pytest

READER = Path(__file__).with_name("reader.py")
PARTS = sorted(READER.parent.glob("reader*.py"))
"""It and the steps that lie beside it."""


@pytest.mark.parametrize("part", PARTS, ids=lambda p: p.name)
def test_the_reader_imports_only_the_standard_library_and_cryptography(part: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(part.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module).partition(".")[0])
    assert imported <= set(sys.stdlib_module_names) | {"cryptography"} | {one.stem for one in PARTS}
    assert not imported & {"importlib", "runpy", "subprocess", "pkgutil"}


@pytest.mark.parametrize("part", PARTS, ids=lambda p: p.name)
def test_the_reader_keeps_within_its_lines(part: Path) -> None:
    lines = part.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 500
    assert max(map(len, lines)) <= 140
