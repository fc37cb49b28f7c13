"""Every requirement of OWASP ASVS 5.0.0 that this house promises has a test of its name, or this file fails.

A test that tries one is called `test_asvs_<id>_…`, wherever it lies: `pytest -k asvs_16_4_1` runs what stands behind an id.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
NAME = re.compile(r"test_asvs_((?:\d+_)+)")

PROMISED = {
    "1.2.1": "output is encoded for where it stands",
    "1.2.4": "queries take parameters, and no text becomes SQL",
    "1.2.10": "no cell of an export is taken for a formula",
    "1.5.1": "no XML parser expands entities",
    "1.5.3": "two parsers of one input agree",
    "2.1.3": "limits are documented",
    "2.2.2": "input is validated by the server",
    "2.3.1": "steps in their order, none skipped",
    "2.3.3": "all of an act or nothing of it",
    "2.3.4": "what is limited is not taken twice",
    "2.3.5": "high values take two people",
    "2.4.1": "floods are held back",
    "3.4.1": "HSTS",
    "3.4.3": "a content security policy",
    "3.4.7": "it says where violations are reported",
    "3.4.8": "Cross-Origin-Opener-Policy",
    "3.5.1": "no other site's page acts for us",
    "3.5.3": "safe methods change nothing",
    "4.1.1": "a content type with its charset",
    "4.1.3": "headers of a proxy cannot be set by a visitor",
    "4.1.4": "methods nobody needs are blocked",
    "4.1.5": "messages that matter are signed one by one",
    "4.2.1": "no request is smuggled past a proxy",
    "5.2.1": "size",
    "5.2.3": "what is packed is measured before it is unpacked",
    "5.2.4": "a quota for each",
    "5.3.2": "file names of our own",
    "5.4.2": "names of downloads are encoded (RFC 6266)",
    "5.4.3": "files of strangers are not served as what runs",
    "6.3.1": "guessing is held back",
    "6.3.2": "no default accounts",
    "6.3.3": "more than one factor",
    "6.3.8": "nobody learns who has an account",
    "7.2.4": "a new session at every proof",
    "7.4.2": "who is disabled is out",
    "7.5.1": "ways to sign in change after a new proof alone",
    "7.5.3": "so do acts that matter",
    "8.2.1": "who may call what",
    "8.2.2": "whose data",
    "8.2.3": "which fields of them",
    "8.3.1": "all of it decided by the server",
    "11.1.1": "a policy for keys",
    "11.2.2": "algorithms can be exchanged",
    "11.2.5": "cryptography fails closed and tells nothing",
    "11.5.1": "128 bits that nobody can guess",
    "12.1.1": "TLS 1.2 and 1.3 alone",
    "12.1.2": "strong cipher suites alone",
    "12.1.3": "a client certificate is validated before it is believed",
    "13.2.4": "a list of what may be asked outside",
    "13.2.6": "pools and time limits as documented",
    "13.3.1": "secrets are kept apart",
    "13.4.5": "no metrics or documents for strangers",
    "14.1.1": "data are classified",
    "14.2.1": "nothing sensitive in an address",
    "14.2.4": "each class is protected as it says",
    "14.2.7": "kept as long as the law says",
    "14.3.2": "no cache keeps what is somebody's",
    "14.3.3": "browsers store nothing sensitive",
    "15.1.2": "an inventory of what others wrote",
    "15.2.2": "what costs much is bounded",
    "15.3.3": "no field that was not asked for",
    "15.4.2": "nothing changes between look and act",
    "16.2.5": "lines say what their class allows",
    "16.3.2": "refused attempts leave a line",
    "16.4.1": "nobody writes lines of his own",
    "16.4.2": "logs cannot be changed",
    "16.4.3": "and lie elsewhere too",
    "16.5.1": "errors say where to look and nothing more",
    "16.5.3": "what fails fails closed",
    "16.5.4": "what nobody caught is caught",
}
"""id → what it asks for, in our words."""


def named(sources: Iterable[str]) -> set[str]:
    """The ids that test functions are named for; a comment, a string or a name within another function is none."""
    found: set[str] = set()
    for source in sources:
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (hit := NAME.match(node.name)):
                found.add(hit[1].strip("_").replace("_", "."))
    return found


def _sources() -> list[str]:
    return [path.read_text("utf-8") for path in sorted(TESTS.rglob("test_*.py"))]


@pytest.mark.parametrize("requirement", PROMISED)
def test_each_has_a_test_of_its_name(requirement: str) -> None:
    assert requirement in _named(), f"no test_asvs_{requirement.replace('.', '_')}_…: {PROMISED[requirement]}"


_found: set[str] = set()


def _named() -> set[str]:
    if not _found:
        _found.update(named(_sources()))
    return _found


def test_one_that_is_taken_away_is_missed() -> None:
    """The control: without the tests of one id that id is missing, and a mention is no test."""
    sources = _sources()
    for requirement in PROMISED:
        mark = f"test_asvs_{requirement.replace('.', '_')}_"
        without = [source.replace(f"def {mark}", f"def tried_{mark}") for source in sources if mark in source]
        assert requirement not in named([*without, f"# {mark}x\nx = 'def {mark}x(): ...'\n"]), requirement
    assert named(["async def test_asvs_7_3_sessions() -> None: ...", "def test_asvs_7_5_30_x(): ..."]) == {
        "7.3",
        "7.5.30",
    }


def test_ids_are_of_the_standard() -> None:
    """5.0.0 has seventeen chapters; a slip of the pen is no requirement."""
    assert all(re.fullmatch(r"(1[0-7]|[1-9])\.[1-9]\.[1-9]\d?", one) for one in PROMISED)
    assert len(PROMISED) == 70
