"""The store keeps what it has acknowledged, and says so loudly when it cannot."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from audit.refusal import Refused
from bidding.store import SEGMENT, Store

NAME = "ab" * 16


class Ended(Exception):
    """Stands for the end of the process."""


def end(why: str) -> NoReturn:
    raise Ended(why)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "a store", end=end)


async def test_segments_written_in_any_order_are_one_file(store: Store) -> None:
    first, second = os.urandom(SEGMENT), os.urandom(1000)
    await store.begin(NAME, SEGMENT + 1000)
    await store.write(NAME, SEGMENT, second)
    await store.write(NAME, 0, first)
    assert not store.holds(NAME)
    await store.finish(NAME)
    assert await store.read(NAME) == first + second
    assert [len(piece) async for piece in store.stream(NAME)] == [SEGMENT, 1000]


async def test_finishing_and_erasing_twice_do_no_harm(store: Store) -> None:
    await store.begin(NAME, 3)
    await store.write(NAME, 0, b"abc")
    assert await store.finish(NAME) == await store.finish(NAME)
    await store.erase(NAME)
    await store.erase(NAME)
    assert not store.holds(NAME)
    with pytest.raises(FileNotFoundError):
        await store.read(NAME)


async def test_a_full_disk_is_said_before_a_byte_is_taken(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="E-FULL"):
        await store.begin(NAME, 1 << 60)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(Refused, match="E-FULL"):
        await store.begin(NAME, 10)
    assert list(store.root.rglob("*" + NAME)) == []


async def test_an_error_of_fsync_ends_the_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.begin(NAME, 3)

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(Ended, match="the disk is gone"):
        await store.write(NAME, 0, b"abc")
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(Ended):
        await store.finish(NAME)
    assert not store.holds(NAME)


async def test_a_document_is_kept_under_its_hash_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await store.keep(b"price list")
    assert name == await store.keep(b"price list")
    assert await store.read(name) == b"price list"

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(Ended):
        await store.keep(b"another")
    assert not any((store.root / "arriving").iterdir())


def test_asvs_5_3_2_names_from_outside_are_no_paths(store: Store) -> None:
    for name in ("../../etc/passwd", "", "ABCD" * 8, "ab/" * 11):
        with pytest.raises(ValueError, match="not a store name"):
            store.path(name)


def test_the_process_really_ends(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "from bidding.store import end; end('fsync: EIO')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 70
    assert "STORE FAILED" in done.stderr and "EIO" in done.stderr
