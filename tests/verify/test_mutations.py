"""Whatever byte of whatever member is changed, dropped or swapped, and MANIFEST rewritten to match: exit 3, by name."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest

from audit.archive import Archive, write_archive
from audit.report import Report, Status
from tests.browser.judge import verify
from tests.verify.stories import EDITIONS, story

pytestmark = pytest.mark.slow

ARCHIVES = [(name, edition) for name in ("opened", "shut") for edition in EDITIONS]


def members(path: Path) -> dict[str, bytes]:
    with Archive.open(path) as archive:
        return {name: archive.read(name) for name in archive.names}


def judged(path: Path) -> Report:
    told = story()
    return verify([path], told.policy, told.parties).reports[0]


def refuses(files: dict[str, bytes], path: Path, what: str) -> None:
    path.unlink(missing_ok=True)
    write_archive(path, files.items())
    report = judged(path)
    assert report.exit == 3, what
    assert report.failed is not None and report.failed.faults, what
    codes = {fault.code for step in report.steps for fault in step.faults}
    assert "V-INTERNAL" not in codes, (what, report.failed)


@pytest.mark.parametrize(("name", "edition"), ARCHIVES)
def test_a_changed_byte(name: str, edition: str, tmp_path: Path) -> None:
    files, rng = members(story().archives[name, edition]), random.Random(name + edition)
    for path, data in files.items():
        place = rng.randrange(len(data))
        changed = bytearray(data)
        changed[place] ^= rng.randrange(1, 256)
        refuses({**files, path: bytes(changed)}, tmp_path / "a.zip", f"{path} byte {place}")


@pytest.mark.parametrize(("name", "edition"), ARCHIVES)
def test_a_dropped_member(name: str, edition: str, tmp_path: Path) -> None:
    files = members(story().archives[name, edition])
    for path in files:
        rest = {other: data for other, data in files.items() if other != path}
        refuses(rest, tmp_path / "a.zip", f"without {path}")


@pytest.mark.parametrize(("name", "edition"), ARCHIVES)
def test_two_swapped_members(name: str, edition: str, tmp_path: Path) -> None:
    files, rng = members(story().archives[name, edition]), random.Random(edition + name)
    for path, data in files.items():
        other = rng.choice([one for one in files if files[one] != data])
        refuses({**files, path: files[other], other: data}, tmp_path / "a.zip", f"{path} and {other}")


@pytest.mark.parametrize(("name", "edition"), ARCHIVES)
def test_a_member_too_many(name: str, edition: str, tmp_path: Path) -> None:
    files = members(story().archives[name, edition])
    for path in ("readme.txt", "records/3.json", "checkpoints/16", f"keysets/{'0' * 64}.json", "releases/form/9.json"):
        refuses({**files, path: b"{}"}, tmp_path / "a.zip", path)


def test_a_truncated_archive(tmp_path: Path) -> None:
    data, path = story().archives["opened", "public"].read_bytes(), tmp_path / "a.zip"
    for length in (0, 1, 21, 22, len(data) // 3, len(data) - 30, len(data) - 1):
        path.write_bytes(data[:length])
        report = judged(path)
        assert report.exit == 3 and report.failed is not None and report.failed.number == 1
        assert {step.status for step in report.steps[1:]} == {Status.UNREACHED}


def test_a_damaged_archive(tmp_path: Path) -> None:
    data, path, rng = story().archives["opened", "supervision"].read_bytes(), tmp_path / "a.zip", random.Random(3)
    for _ in range(60):
        damaged = bytearray(data)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        report = judged(path)
        assert report.exit == 3 and report.failed is not None and report.failed.number == 1


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\5\6" + bytes(18), bytes(4096)])
def test_what_is_no_archive(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert judged(tmp_path / "a.zip").exit == 3


def test_a_zip_of_other_framing(tmp_path: Path) -> None:
    files = members(story().archives["shut", "public"])
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    report = judged(tmp_path / "a.zip")
    assert report.exit == 3 and report.failed is not None and report.failed.number == 1
