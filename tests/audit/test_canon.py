"""Canonical bytes: one value, one byte string, and nothing else gets in. envelope.md §1."""

import json
import pickle
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canon import (
    NotCanonical,
    b64,
    canon,
    exact,
    instant,
    is_code,
    lp4,
    parse,
    parse_object,
    sha256,
    sha256_hex,
    stamp,
    u8,
    unb64,
    unhex,
)
from audit.clock import LogClock, MachineClock, clock_from, span
from audit.refusal import Broken, Refused

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "canon.json").read_text())

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = st.from_regex(r"\A[a-z0-9_]{1,8}\Z")
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(keys, values, max_size=6)


@pytest.mark.parametrize("vector", VECTORS["canonical"], ids=lambda v: v["name"])
def test_canonical_bytes_of_a_value(vector):
    data = bytes.fromhex(vector["bytes"])
    assert canon(vector["value"]) == data
    assert parse(data) == vector["value"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["name"])
def test_asvs_1_5_3_other_bytes_are_refused(vector):
    with pytest.raises(NotCanonical):
        parse(bytes.fromhex(vector["bytes"]))


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 1_000_000,
        b"[-" + b"9" * 100_000 + b"]",
        b'{"a":"' + b"\\" * 99_999,
        b"\xff" * 1000,
    ],
    ids=["brackets", "objects", "digits", "negative", "backslashes", "bytes"],
)
def test_hostile_bytes_raise_nothing_else(data):
    with pytest.raises(NotCanonical):
        parse(data)


@given(objects)
def test_what_is_written_is_read_back(value):
    data = canon(value)
    assert parse(data) == value
    assert parse_object(data) == value


@given(st.binary(max_size=60))
def test_noise_never_raises_anything_but_not_canonical(data):
    with suppress(NotCanonical):
        assert canon(parse(data)) == data


@given(objects, st.randoms(use_true_random=False))
def test_a_changed_byte_gives_another_value_or_none(value, chance: random.Random):
    data = bytearray(canon(value))
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    with suppress(NotCanonical):
        assert parse(bytes(data)) != value


def test_a_value_that_json_cannot_tell_apart_is_refused():
    for value in ({"a": 1.0}, {"a": b"x"}, {1: 2}, {"a": {2: 3}}, {"a": {1, 2}}, "text", 7, None, {"a": "\ud800"}):
        with pytest.raises(NotCanonical):
            canon(value)


def test_nfc_is_demanded_of_writers_only():
    decomposed = {"name": "e\u0301"}
    assert parse(canon(decomposed)) == decomposed
    with pytest.raises(NotCanonical):
        canon(decomposed, nfc=True)
    with pytest.raises(NotCanonical):
        parse(canon(decomposed), nfc=True)
    assert canon({"name": "é"}, nfc=True) == '{"name":"é"}'.encode()


def test_signed_objects_have_exactly_their_keys():
    assert exact({"a": 1}, ["a"]) == {"a": 1}
    for value in ({"a": 1, "b": 2}, {}, [], None):
        with pytest.raises(NotCanonical):
            exact(value, ["a"])
    with pytest.raises(NotCanonical):
        parse_object(b"[]")
    with pytest.raises(NotCanonical):
        parse_object(b'{"a":1}', ["a", "b"])


@given(st.binary(max_size=40))
def test_base64_has_one_spelling(data):
    assert unb64(b64(data)) == data


@pytest.mark.parametrize("text", ["YQ", "YR==", "YQ==\n", " YQ==", "Y-==", "YQ=", "é", None, 3, "YQ==YQ=="])
def test_other_spellings_of_base64_are_refused(text):
    with pytest.raises(NotCanonical):
        unb64(text)


def test_lengths_are_held():
    assert unb64("YQ==", 1) == b"a"
    with pytest.raises(NotCanonical):
        unb64("YQ==", 2)
    assert unhex("00" * 32) == bytes(32)
    for text in ("AA" * 32, "aa" * 31, "zz" * 32, "aa" * 31 + "a\n", 7, None):
        with pytest.raises(NotCanonical):
            unhex(text)
    assert lp4(b"abc") == b"\0\0\0\3abc"
    assert u8(255) == b"\xff"
    assert sha256_hex(b"") == sha256(b"").hex()


def test_reason_codes():
    assert is_code("leave_2") and not is_code("Leave") and not is_code("") and not is_code("a\n") and not is_code(None)


def test_times_have_one_spelling():
    moment = datetime(2026, 11, 20, 1, 0, 0, 1000, tzinfo=UTC)
    assert stamp(moment) == "2026-11-20T01:00:00.001000Z"
    assert instant(stamp(moment)) == moment
    assert stamp(moment.astimezone(timezone(timedelta(hours=8)))) == stamp(moment)
    assert stamp(datetime(7, 1, 1, tzinfo=UTC)) == "0007-01-01T00:00:00.000000Z"
    with pytest.raises(TypeError):
        stamp(datetime(2026, 1, 1))  # noqa: DTZ001
    for text in (
        "2026-11-20T01:00:00Z",
        "2026-11-20T01:00:00.001000+00:00",
        "2026-11-20t01:00:00.001000z",
        "2026-02-30T01:00:00.001000Z",
        "2026-11-20T24:00:00.000000Z",
        "2016-12-31T23:59:60.000000Z",
        "２026-11-20T01:00:00.001000Z",
        "2026-11-20T01:00:00.001000Z\n",
        None,
        20261120,
    ):
        with pytest.raises(NotCanonical):
            instant(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_time_is_read_back(moment):
    assert instant(stamp(moment)) == moment


# ------------------------------------------------------------------------------------------------- errors and clock


def test_errors_carry_their_facts_between_processes():
    for error in (Refused("E-LATE", ("招标投标法", 28), at="x"), Broken("N-FORM", what="y"), NotCanonical("keys")):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error) and copy.code == error.code and copy.facts == error.facts
        assert str(copy) == str(error) and error.code in str(error)


def test_a_demonstration_has_a_clock_of_its_own():
    machine = datetime.now(UTC)
    clock = LogClock(datetime(2026, 1, 1, tzinfo=UTC), 60, machine)
    assert clock.at(machine + timedelta(seconds=2)) == datetime(2026, 1, 1, 0, 2, tzinfo=UTC)
    assert clock_from(clock.describe(), "demo.example") == clock
    assert clock.now() >= clock.base
    assert span(clock, 30) == timedelta(minutes=30)
    assert span(MachineClock(), 30) == timedelta(seconds=30)


def test_no_clock_but_under_a_demo_origin():
    clock = LogClock(datetime(2026, 1, 1, tzinfo=UTC), 60, datetime(2026, 1, 1, tzinfo=UTC))
    assert isinstance(clock_from(None, "log.example"), MachineClock)
    assert abs(MachineClock().now() - datetime.now(UTC)) < timedelta(minutes=1)
    with pytest.raises(Broken):
        clock_from(clock.describe(), "log.example")
    for wrong in ({}, {**clock.describe(), "factor": 0}, {**clock.describe(), "factor": True}, {"base": 1}, 7):
        with pytest.raises(Broken):
            clock_from(wrong, "demo.example")
