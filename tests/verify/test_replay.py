"""The log replayed from bundles: roots, beats, and what is refused."""

from __future__ import annotations

import hashlib

import pytest

from audit.merkle import Frontier, bundles, entries_path, leaf_hash, pack_entries, root
from audit.record import entry_blinded, entry_marker
from audit.refusal import Broken
from audit.replay import Replay, replay

WIDTH = 8
RECORD = b'\x02{"a":1}'


def entries(count: int) -> list[bytes]:
    made = [b"\x01" + hashlib.sha256(str(n).encode()).digest() for n in range(count)]
    for place in range(0, count, WIDTH):
        made[place] = entry_marker(place // WIDTH) if place else RECORD
    return made


def play(log: list[bytes], first: int = 0, wanted: tuple[int, ...] = ()) -> Replay:
    size = len(log)
    stream = [
        (entries_path(number, width), width, pack_entries(log[number * 256 : number * 256 + width]))
        for number, width in bundles(first // 256, size)
    ]
    frontier = Frontier()
    frontier.extend(leaf_hash(entry) for entry in log[:first])
    return replay(stream, frontier, size, wanted)


@pytest.mark.parametrize("first", [0, 256, 768])
def test_the_root_of_every_size_asked_for(first: int) -> None:
    log = entries(1300)
    hashes = [leaf_hash(entry) for entry in log]
    wanted = tuple(size for size in (256, 257, 768, 769, 1024, 1025, 1296, 1300) if size >= first)
    played = play(log, first, wanted)
    assert dict(played.roots) == {size: root(hashes[:size]) for size in wanted}


def test_beats_and_what_stands_where() -> None:
    log = entries(40)
    played = play(log)
    assert played.beats == (8, 16, 24, 32)
    assert [played.over(index) for index in (0, 7, 8, 31, 32, 39)] == [8, 8, 16, 32, 40, 40]
    assert (played.last_before(3), played.last_before(8), played.last_before(39)) == (None, 8, 32)
    assert [played.next_beat(size) for size in (8, 32, 40)] == [16, 40, None]
    assert played.entry(9) == log[9] and played.clear == {0: RECORD[1:]}
    with pytest.raises(IndexError):
        played.entry(40)


@pytest.mark.parametrize(
    ("place", "entry", "code"),
    [
        (8, entry_marker(2), "L-MARKER"),
        (9, entry_marker(2), "L-MARKER"),
        (16, entry_blinded(bytes(32), b"{}"), "L-MARKER"),
        (9, b"", "L-ENTRY"),
        (9, b"\x02", "L-ENTRY"),
        (9, b"\x01" + bytes(31), "L-ENTRY"),
        (9, b"\x03" + bytes(7), "L-ENTRY"),
        (9, b"\x04" + bytes(32), "L-ENTRY"),
    ],
)
def test_an_entry_that_cannot_stand_there(place: int, entry: bytes, code: str) -> None:
    log = entries(40)
    log[place] = entry
    with pytest.raises(Broken) as broken:
        play(log)
    assert broken.value.code == code


def test_a_bundle_of_another_width() -> None:
    log = entries(40)
    path, width, data = entries_path(0, 40), 40, pack_entries(log)
    for wrong in (data[:-1], data + b"\0", pack_entries(log[:-1])):
        with pytest.raises(Broken, match="M-BUNDLE"):
            replay([(path, width, wrong)], Frontier(), 40, ())
    with pytest.raises(Broken, match="M-BUNDLE"):
        replay([], Frontier(), 40, ())
