"""Records, their registry, and entries. log.md §1, §2."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import record
from audit.canon import NotCanonical, canon, parse, sha256
from audit.record import (
    Kind,
    Rule,
    check_record,
    declare,
    encode,
    entry_blinded,
    entry_clear,
    entry_cover,
    entry_marker,
    entry_of,
    is_public,
    make,
    parse_entry,
    type_of,
)
from audit.refusal import Broken

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
ACTOR = {"kind": "system", "id": "centre"}


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(record, "types", dict(record.types))


def test_the_logs_own_types():
    assert is_public("trading.log-opened/v1") and type_of("trading.log-opened/v1").counter == "serial"
    assert not is_public("trading.alert-raised/v1") and type_of("trading.alert-raised/v1").counter == "sserial"
    for unknown in ("trading.never-heard-of/v1", "log-opened", "trading.log-opened/v2", "trading.log-opened/v1\n", ""):
        assert not is_public(unknown)
        with pytest.raises(KeyError):
            type_of(unknown)


def test_each_package_declares_its_own(registry):
    made = declare("bid-opened", Rule.PARTY, Rule.CLOSING, fields=["bid"])
    assert made.type == "trading.bid-opened/v1" and not made.public and made.counter == ""
    assert declare("bid-opened", Rule.CLOSING, Rule.PARTY, fields=["bid"]) is not None
    for again in (
        lambda: declare("bid-opened", Rule.PUBLIC, fields=["bid"]),
        lambda: declare("bid-opened", Rule.PARTY, Rule.CLOSING),
        lambda: declare("Bid", Rule.PUBLIC),
        lambda: declare("bid opened", Rule.PUBLIC),
        lambda: declare("nothing"),
        lambda: declare("both", Rule.PUBLIC, Rule.SUPERVISOR),
        lambda: declare("greedy", Rule.PUBLIC, fields=["time"]),
    ):
        with pytest.raises(ValueError):
            again()


def test_a_record_states_a_fact():
    made = make("width-changed", subject="log.example", actor=ACTOR, time=NOW, width=32, note="更宽")
    assert made == {
        "type": "trading.width-changed/v1",
        "subject": "log.example",
        "actor": ACTOR,
        "time": "2026-11-20T01:00:00.000000Z",
        "width": 32,
        "note": "更宽",
    }
    assert check_record(encode({**made, "serial": 7}))["serial"] == 7


def test_a_fact_left_out_is_our_mistake():
    for body in ({}, {"width": 1, "serial": 2}, {"widht": 1}):
        with pytest.raises(ValueError):
            make("width-changed", subject="x", actor=ACTOR, time=NOW, **body)
    with pytest.raises(KeyError):
        make("never-heard-of", subject="x", actor=ACTOR, time=NOW)


def test_writers_demand_nfc_and_size():
    for body in ({"width": "e\u0301"}, {"width": "x" * 65_000}, {"width": 1.5}):
        with pytest.raises(NotCanonical):
            make("width-changed", subject="x", actor=ACTOR, time=NOW, **body)


GOOD = {"type": "trading.x-y/v1", "subject": "s", "actor": ACTOR, "time": "2026-11-20T01:00:00.000000Z"}


@pytest.mark.parametrize(
    "change",
    [
        {"type": "x"},
        {"type": "trading.x/v1\n"},
        {"type": 1},
        {"subject": None},
        {"actor": "centre"},
        {"actor": {"kind": "system"}},
        {"actor": {**ACTOR, "name": "x"}},
        {"actor": {"kind": "system", "id": 3}},
        {"time": "2026-11-20"},
        {"time": None},
    ],
    ids=range(10),
)
def test_what_is_no_record(change):
    assert check_record(canon(GOOD)) == GOOD
    with pytest.raises(NotCanonical):
        check_record(canon({**GOOD, **change}))
    with pytest.raises(NotCanonical):
        check_record(canon({name: value for name, value in GOOD.items() if name not in change}))


def test_a_record_has_a_largest_size():
    room = 65_000 - len(canon({**GOOD, "pad": ""}))
    assert check_record(canon({**GOOD, "pad": "x" * room}))
    with pytest.raises(NotCanonical):
        check_record(canon({**GOOD, "pad": "x" * (room + 1)}))
    with pytest.raises(NotCanonical):
        check_record(b"[]")


def test_entries_say_what_they_are():
    data = canon(GOOD)
    assert parse_entry(entry_clear(data)) == record.Entry(Kind.CLEAR, record=data)
    assert parse_entry(entry_marker(2**40)) == record.Entry(Kind.MARKER, beat=2**40)
    nonce = bytes(range(32))
    blinded = entry_blinded(nonce, data)
    assert parse_entry(blinded).digest == sha256(b"trading/record/v1\0" + nonce + data)
    assert entry_of(data, None) == b"\2" + data and entry_of(data, nonce) == blinded
    with pytest.raises(ValueError):
        entry_blinded(b"short", data)


def test_a_cover_looks_like_any_blinded_record():
    covers = {entry_cover() for _ in range(10)}
    assert len(covers) == 10
    assert {(len(cover), parse_entry(cover).kind) for cover in covers} == {(33, Kind.BLINDED)}


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"\0",
        b"\1",
        b"\1" + bytes(31),
        b"\1" + bytes(33),
        b"\2",
        b"\3" + bytes(7),
        b"\3" + bytes(9),
        b"\4" + bytes(32),
    ],
    ids=range(9),
)
def test_entries_of_no_kind(entry):
    with pytest.raises(Broken, match="L-ENTRY"):
        parse_entry(entry)


def test_the_first_byte_says_the_kind():
    assert [kind.value for kind in Kind] == [1, 2, 3]
    for kind, body in ((Kind.BLINDED, bytes(32)), (Kind.CLEAR, b"x"), (Kind.MARKER, bytes(8))):
        assert parse_entry(bytes([kind]) + body).kind == kind
    with pytest.raises(ValueError, match="size"):
        check_record(b" " * 65_001)


@given(st.binary(max_size=40))
def test_entries_of_no_kind_break(entry):
    try:
        kind = parse_entry(entry).kind
    except Broken as error:
        assert error.code == "L-ENTRY"
    else:
        assert entry[0] == kind


def test_make_is_what_is_parsed():
    made = make("archived", subject="T@1", actor=ACTOR, time=NOW, tender="T@1", last_sserial=3)
    assert parse(encode(made)) == made
