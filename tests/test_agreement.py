"""`verify` and the independent reader agree: same exit, same first failing step. Attacks ask the same of theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.archive import Archive, write_archive
from tests import reader
from tests.browser.judge import verify
from tests.verify.stories import EDITIONS, story

pytestmark = pytest.mark.slow

VECTORS = Path(__file__).parent / "vectors" / "archives"
TRUST = (VECTORS / "trust" / "policy.txt", VECTORS / "trust" / "parties.txt")


def agree(path: Path, policy: Path | None, parties: Path | None, since: Path | None = None) -> int:
    """The exit code both give."""
    report = verify([path], policy, parties, since).reports[0]
    exit, step, why = reader.read([path], policy, parties, since)
    named = report.failed.code if report.failed else None
    assert (report.exit, named) == (exit, step), (report.failed, why)
    return exit


@pytest.mark.parametrize("since", [None, "old.checkpoint", "older.checkpoint"])
@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.zip")), ids=lambda path: path.name)
def test_on_archives_of_another_implementation(path: Path, since: str | None) -> None:
    assert agree(path, *TRUST, VECTORS / "trust" / since if since else None) == 0
    assert agree(path, None, None) == 0


@pytest.mark.parametrize("name", ["opened", "shut"])
@pytest.mark.parametrize("edition", EDITIONS)
def test_on_honest_archives(name: str, edition: str) -> None:
    told = story()
    assert agree(told.archives[name, edition], told.policy, told.parties, told.older) == 0
    assert agree(told.archives[name, edition], None, None) == 0


@pytest.mark.parametrize(("name", "edition"), [("opened", "public"), ("shut", "supervision")])
def test_on_archives_that_lack_a_member(name: str, edition: str, tmp_path: Path) -> None:
    told = story()
    with Archive.open(told.archives[name, edition]) as archive:
        files = {path: archive.read(path) for path in archive.names}
    for path in files:
        target = tmp_path / "a.zip"
        write_archive(target, [(other, data) for other, data in files.items() if other != path])
        assert agree(target, told.policy, told.parties) == 3, path


@pytest.mark.parametrize(("name", "edition"), [("opened", "supervision"), ("shut", "public")])
@pytest.mark.parametrize("folder", ["keysets/", "statements/"])
def test_on_two_files_that_changed_names(name: str, edition: str, folder: str, tmp_path: Path) -> None:
    """A key set that is not what it is called by is none: V6 asks for no checkpoint on its account (log.md §8)."""
    told = story()
    with Archive.open(told.archives[name, edition]) as archive:
        files = {path: archive.read(path) for path in archive.names}
    one, other = [path for path in files if path.startswith(folder)][:2]
    write_archive(tmp_path / "a.zip", {**files, one: files[other], other: files[one]}.items())
    assert agree(tmp_path / "a.zip", told.policy, told.parties) == 3


@pytest.mark.parametrize("length", [0, 21, 1000, -1])
def test_on_a_truncated_archive(length: int, tmp_path: Path) -> None:
    told = story()
    (tmp_path / "a.zip").write_bytes(told.archives["shut", "public"].read_bytes()[:length])
    assert agree(tmp_path / "a.zip", told.policy, told.parties) == 3
