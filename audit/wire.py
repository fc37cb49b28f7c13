"""Reading signed objects: canonical bytes, exactly the keys that envelope.md names, each of its type (§1).

A reader takes the JSON value and returns ours, or raises ValueError. `read` turns the bytes of one object into a
dictionary of such values; the bytes themselves are kept by the caller and never written again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from audit.canon import instant, parse, unb64, unhex

Reader = Callable[[Any], Any]
_NAME = re.compile(r"[a-z0-9_]+\Z")


class Malformed(ValueError):
    """Not the object it should be; the message says in what."""


def read(data: bytes, type: str, fields: Mapping[str, Reader], *, nfc: bool = False) -> dict[str, Any]:
    """The fields of the object in `data`, which must be canonical, of this `type` and have exactly these keys.

    `nfc` is asked for on arrival only: versions of Unicode differ among verifiers. Raises `Malformed`.
    """
    try:
        value = parse(data, nfc=nfc)
    except ValueError as why:
        raise Malformed(str(why)) from why
    if not isinstance(value, dict) or value.get("type") != type:
        raise Malformed(f"not a {type}")
    return members({name: item for name, item in value.items() if name != "type"}, fields)


def members(value: Any, fields: Mapping[str, Reader]) -> dict[str, Any]:
    """The same for an object inside another."""
    if not isinstance(value, dict):
        raise Malformed("not an object")
    if value.keys() != fields.keys():
        raise Malformed(f"keys {sorted(value)} instead of {sorted(fields)}")
    result = {}
    for name, reader in fields.items():
        try:
            result[name] = reader(value[name])
        except (ValueError, TypeError) as why:
            raise Malformed(f"{name}: {why}") from why
    return result


def text(value: Any) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value


def anything(value: Any) -> Any:
    """Whatever stands there."""
    return value


def string(value: Any) -> str:
    """A text, which may be empty."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def whole(value: Any) -> int:
    """An integer of either sign."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not an integer")
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def name(value: Any) -> str:
    """A stage or a reason code: `[a-z0-9_]+`."""
    if not isinstance(value, str) or not _NAME.match(value):
        raise ValueError("not of the form [a-z0-9_]+")
    return value


def one_of(*values: str) -> Reader:
    """One of these words."""

    def reader(value: Any) -> str:
        if value not in values:
            raise ValueError(f"none of {values}")
        return str(value)

    return reader


def integer(least: int = 0) -> Reader:
    """An integer of at least `least`; true and false are none."""

    def reader(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"not an integer >= {least}")
        return value

    return reader


def hexadecimal(length: int) -> Reader:
    """Lower-case hex of `length` bytes, kept as the text it is."""

    def reader(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("not hex")
        unhex(value, length)
        return value

    return reader


def base64(length: int | None = None) -> Reader:
    """The bytes of strict base64, of `length` if one is given."""

    def reader(value: Any) -> bytes:
        if not isinstance(value, str):
            raise ValueError("not base64")
        data = unb64(value)
        if length is not None and len(data) != length:
            raise ValueError(f"{len(data)} bytes instead of {length}")
        return data

    return reader


def time(value: Any) -> datetime:
    """An instant in the one form of §1."""
    if not isinstance(value, str):
        raise ValueError("not a time")
    return instant(value)


def maybe(reader: Reader) -> Reader:
    """null, or what `reader` reads."""

    def nullable(value: Any) -> Any:
        return None if value is None else reader(value)

    return nullable


def listed(reader: Reader) -> Reader:
    """An array, each element read; a tuple."""

    def array(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError("not an array")
        return tuple(reader(item) for item in value)

    return array


def nested(fields: Mapping[str, Reader]) -> Reader:
    """An object with exactly these keys."""
    return lambda value: members(value, fields)


HASH = hexadecimal(32)
BID = hexadecimal(16)
"""32 hex characters, drawn at random by the bidder's tool."""
