"""What the house promises about itself: floors, days, sentences, tables in the README, files that are only data."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import workers
from trading import messages

ROOT = Path(__file__).parent.parent
PACKAGES = ("audit", "bidding", "experts", "trading")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def named(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


# ---- rule 5: a number of days stands in trading/law and nowhere else


CITED = re.compile(r"#.*\b(envelope|log|draw)\.md §")
"""A span that a specification fixes (how old a statement may be) is no limit of the law: it cites its section."""


def days_in(path: Path) -> Iterator[str]:
    """Where a file says a number of days."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for call in calls(path):
        if named(call) in ("timedelta", "relativedelta") and not CITED.search(lines[call.lineno - 1]):
            where = f"{path}:{call.lineno}"
            for keyword in call.keywords:
                written = isinstance(keyword.value, ast.Constant) or (
                    isinstance(keyword.value, ast.Name) and keyword.value.id.isupper()
                )
                if written and keyword.arg in ("days", "weeks", "months", "years"):
                    yield f"{where}: {keyword.arg}"
            if not all(isinstance(a, ast.Constant) and a.value == 0 for a in call.args):
                yield f"{where}: say which unit"
    for pattern in (r"\b86_?400\b", r"\b24\s*\*\s*(3_?600|60)\b", r"interval '\d+ (day|week|month|year)"):
        for number, line in enumerate(lines, 1):
            if re.search(pattern, line, re.I) and not CITED.search(line):
                yield f"{path}:{number}: days by another name ({pattern})"


def test_a_number_of_days_stands_in_the_law_alone() -> None:
    elsewhere = [path for path in SOURCES if "law" not in path.parts and path.name != "settings.py"]
    assert [one for path in elsewhere for one in days_in(path)] == []


def test_days_that_are_written_elsewhere_are_seen(tmp_path: Path) -> None:
    late = tmp_path / "late.py"
    late.write_text("a = timedelta(days=20)\nb = timedelta(3)\nc = 24 * 3600\nd = timedelta(days=90)  # log.md §5\n")
    assert sorted(one.split(":")[1] for one in days_in(late)) == ["1", "2", "3"]


# ---- one catalogue of sentences

CATALOGUE = messages.catalogue()
CODE = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")


def raised() -> dict[str, str]:
    """Every code a source file raises or says, with where."""
    found: dict[str, str] = {}
    for path in SOURCES:
        for call in calls(path):
            if named(call) in ("Refused", "Broken", "say", "Step") and call.args:
                for node in ast.walk(call.args[0]):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                        found.setdefault(node.value, f"{path.relative_to(ROOT)}:{call.lineno}")
    return found


def test_every_code_has_its_sentence_in_both_languages() -> None:
    missing = {code: where for code, where in raised().items() if code not in CATALOGUE}
    assert missing == {}


def faults(entry: dict[str, str]) -> Iterator[str]:
    """What is wrong with a sentence in two languages."""
    if set(entry) != {"zh", "en"}:
        yield "not in both languages"
        return
    fields = [set(re.findall(r"\{(\w+)[^}]*\}", entry[lang])) for lang in ("zh", "en")]
    if fields[0] != fields[1]:
        yield "the two languages tell different facts"
    if not re.search(r"[\u4e00-\u9fff]", entry["zh"]):
        yield "no Chinese in the Chinese sentence"
    if re.search(r"[\u4e00-\u9fff]", entry["en"]):
        yield "Chinese in the English sentence"


def test_every_sentence_is_complete() -> None:
    assert len(CATALOGUE) > 3000, "the catalogue has gone"
    assert [(code, fault) for code, entry in CATALOGUE.items() for fault in faults(entry)] == []


@pytest.mark.parametrize(
    "entry",
    [
        {"zh": "好"}, {"zh": "{a} 好", "en": "{b} good"}, {"zh": "good", "en": "good"}, {"zh": "好", "en": "好"},
    ],
)  # fmt: skip
def test_an_incomplete_sentence_is_seen(entry: dict[str, str]) -> None:
    assert len([*faults(entry)]) == 1


def details() -> dict[str, str]:
    """Every detail (`why`) that a source file says in its own words, with where; a fact in it stands as `7`."""
    found: dict[str, str] = {}
    for path in SOURCES:
        for call in calls(path):
            said = [keyword.value for keyword in call.keywords if keyword.arg == "why"]
            if named(call) in ("Unproven", "Malformed", "BadContainer", "BadSignature", "NotCanonical"):
                said += call.args[:1]
            for node in said:
                for one in (node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,):
                    where = f"{path.relative_to(ROOT)}:{call.lineno}"
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        found.setdefault(one.value, where)
                    elif isinstance(one, ast.JoinedStr):
                        parts = [v.value if isinstance(v, ast.Constant) else "7" for v in one.values]
                        if any(re.search(r"[a-z]", str(part)) for part in parts):
                            found.setdefault("".join(map(str, parts)), where)
    return found


def test_every_detail_is_told_in_both_languages() -> None:
    untold = {why: where for why, where in details().items() if why in messages.say("E-CANON", why=why)}
    assert untold == {}


# ---- floors: the contracts are there and cover every pure module


def test_every_record_file_is_in_the_pure_half() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (pure,) = [c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "forbidden"]
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts) for p in SOURCES}
    for module in modules:
        if re.fullmatch(r"(audit|bidding|experts|trading)\.(records?|verify)", module):
            assert module in pure["source_modules"], module
    packages = {m.removesuffix(".__init__") for m in modules}
    assert set(pure["source_modules"]) <= packages
    assert set(pure["forbidden_modules"]) == {"tortoise", "starlette", "asyncpg", "httpx", "apscheduler"}


def test_verify_loads_without_a_server_a_database_or_a_network() -> None:
    """The same function for server and supervisor: importing it must not even load the stateful half's libraries."""
    program = (
        "import sys, trading.verify\n"
        "print(sorted({'tortoise', 'starlette', 'asyncpg', 'httpx', 'apscheduler'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert said.stdout.strip() == "[]", said.stdout + said.stderr


# ---- files


HEAP = 750
"""Lines: a file that long holds more than one thing."""
HEAPS = {"utils", "helpers", "common", "manager", "core", "misc"}
LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError|filled in by")


def test_no_file_is_a_heap() -> None:
    long = [str(path) for path in SOURCES if len(path.read_text(encoding="utf-8").splitlines()) > HEAP]
    assert long == [] and not HEAPS & {path.stem for path in SOURCES}


def test_nothing_is_left_for_later() -> None:
    found = {str(path): LATER.findall(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {path: left for path, left in found.items() if left} == {}


def test_a_text_that_is_cited_is_here() -> None:
    texts = {text.name for text in ROOT.glob("*/*.md")} | {text.name for text in ROOT.glob("*.md")}
    texts |= {text.name for package in PACKAGES for text in (ROOT / package).rglob("*.md")}
    cited = {str(path): {*re.findall(r"\b[a-z-]+\.md\b", path.read_text(encoding="utf-8"))} for path in SOURCES}
    assert {path: names - texts for path, names in cited.items() if names - texts} == {}


def test_what_workers_begin_with_is_here() -> None:
    for name in {*workers.FIRST, *workers.TOGETHER}:
        assert (ROOT / name).is_file(), name


def test_asvs_15_1_2_the_lock_file_names_no_address_and_holds_every_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links", lock)
    for requirement in re.split(r"\n(?=\S)", lock.strip()):
        assert "==" in requirement and "--hash=sha256:" in requirement, requirement[:60]


def test_the_lock_file_fits_the_bounds() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {canonicalize_name(n): v for n, v in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, re.M)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in project["dependencies"] + project["optional-dependencies"]["test"]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), line


# ---- the README


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_every_threat_names_what_stops_it_and_a_test_that_tries_it(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    rows = re.findall(r"^\|([^|\n]+)\|([^|\n]+)\|\s*`([^`|]+)`[^|\n]*\|([^|\n]*`tests/attacks/[^|\n]+)\|$", text, re.M)
    assert len(rows) >= 20, "the threat table has gone"
    for threat, stops, file, tests in rows:
        assert threat.strip() and stops.strip()
        assert (ROOT / file).exists(), f"{threat.strip()}: no {file}"
        for test in re.findall(r"`(tests/[^`]+)`", tests):
            assert (ROOT / test.partition("::")[0]).is_file(), f"{threat.strip()}: no {test}"


def test_every_attack_is_in_the_threat_table() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for attack in sorted((ROOT / "tests/attacks").glob("test_*.py")):
            assert f"tests/attacks/{attack.name}" in text, f"{name}: {attack.name}"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_two_commands_stand_in_the_readme_as_ci_runs_them(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/trading demo" in text
    assert ".venv/bin/pip install -e '.[test]' && .venv/bin/pytest -n auto\n" in text
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "-m venv .venv && .venv/bin/pip install -q -e . && .venv/bin/trading demo" in ci
    assert ".venv/bin/pip install -q -e '.[test]'" in ci and "&& .venv/bin/pytest -n auto -q)" in ci
    for path in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / path).exists(), f"{name}: dead link {path}"
    for path in re.findall(r"`((?:audit|bidding|experts|trading|tests|docker)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), f"{name}: no {path}"
