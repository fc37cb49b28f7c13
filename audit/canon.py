"""Canonical JSON, bytes in JSON, hashes and times: envelope.md §1.

Records are kept and hashed as bytes. A reader checks ``canon(parse(b)) == b`` and never re-serialises, so two
programs cannot read one hash as two values. ``parse`` raises nothing but :class:`NotCanonical`, whatever it is fed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from audit.refusal import Broken

DEPTH: Final = 16  # objects and arrays within one another, the outermost counts as 1
LARGEST: Final = 2**53 - 1  # every reader holds these integers exactly, JavaScript included

_KEY = re.compile(r"[a-z0-9_]+")
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{6})Z")
_HEX = re.compile(r"[0-9a-f]*")
_NAME = re.compile(r"[a-z0-9_]+")


class NotCanonical(Broken, ValueError):
    """Bytes or values that envelope.md §1 does not allow (``E-CANON``); the fact ``why`` is a word for the log."""

    def __init__(self, why: str) -> None:
        super().__init__("E-CANON", why=why)


def canon(value: Any, *, nfc: bool = False) -> bytes:
    """The one byte string that stands for ``value``, an object or an array.

    ``nfc`` also demands Unicode NFC of every string: writers and the server on arrival do, offline verifiers
    do not (Unicode versions differ). Escapes as RFC 8785 §3.2.2.2, which is what ``json`` writes when it is
    not asked for ASCII. Raises NotCanonical.
    """
    if not isinstance(value, dict | list | tuple):
        raise NotCanonical("outermost")
    _check(value, 1, nfc)
    try:
        return _encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise NotCanonical("surrogate") from None


def parse(data: bytes, *, nfc: bool = False) -> Any:
    """The value whose canonical bytes are ``data``: an object or an array. Raises NotCanonical, nothing else."""
    try:
        value = _decode(bytes(data).decode("utf-8"))
    except NotCanonical:
        raise
    except UnicodeDecodeError:
        raise NotCanonical("utf8") from None
    except RecursionError:
        raise NotCanonical("nesting") from None
    except ValueError:
        raise NotCanonical("json") from None
    # Re-encoding refuses what a lenient decoder let through: duplicate keys, white space, other escapes, -0.
    if canon(value, nfc=nfc) != data:
        raise NotCanonical("bytes")
    return value


def parse_object(data: bytes, keys: Iterable[str] | None = None, *, nfc: bool = False) -> dict[str, Any]:
    """As :func:`parse`, but an object, and with exactly ``keys`` when they are given."""
    value = parse(data, nfc=nfc)
    if not isinstance(value, dict):
        raise NotCanonical("object")
    return value if keys is None else exact(value, keys)


def exact(value: Any, keys: Iterable[str]) -> dict[str, Any]:
    """``value`` if it is an object with exactly these keys (signed objects carry no others), else NotCanonical."""
    if not isinstance(value, dict) or set(value) != set(keys):
        raise NotCanonical("keys")
    return value


def _check(value: Any, depth: int, nfc: bool) -> None:
    if isinstance(value, str):
        if nfc and not unicodedata.is_normalized("NFC", value):
            raise NotCanonical("nfc")
    elif value is None or isinstance(value, bool):
        pass
    elif isinstance(value, int):
        if abs(value) > LARGEST:
            raise NotCanonical("number")
    elif isinstance(value, dict):
        if depth > DEPTH:
            raise NotCanonical("nesting")
        for key, member in value.items():
            if not isinstance(key, str) or not _KEY.fullmatch(key):
                raise NotCanonical("key")
            _check(member, depth + 1, nfc)
    elif isinstance(value, list | tuple):
        if depth > DEPTH:
            raise NotCanonical("nesting")
        for member in value:
            _check(member, depth + 1, nfc)
    else:
        raise NotCanonical("type")


def _whole(token: str) -> int:
    # Before int(): a long run of digits costs quadratic time, and Python refuses it with an error of its own.
    if len(token) > 17:
        raise NotCanonical("number")
    return int(token)


def _never(token: str) -> Any:
    raise NotCanonical("number")


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode
_decode = json.JSONDecoder(parse_int=_whole, parse_float=_never, parse_constant=_never).decode


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def sha256_hex(data: bytes) -> str:
    """SHA-256 as the lower-case hex that stands in JSON."""
    return hashlib.sha256(data).hexdigest()


def lp4(data: bytes) -> bytes:
    """uint32 big-endian length || data."""
    return len(data).to_bytes(4, "big") + data


def u8(number: int) -> bytes:
    """One byte."""
    return number.to_bytes(1, "big")


def b64(data: bytes) -> str:
    """Padded standard base64, as bytes stand in JSON."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: Any, size: int | None = None) -> bytes:
    """The bytes of padded base64 (``size`` of them if given); NotCanonical unless re-encoding gives ``text`` back."""
    if not isinstance(text, str):
        raise NotCanonical("base64")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise NotCanonical("base64") from None
    # Decoders accept stray bits in the last character; only one spelling may stand for one byte string.
    if b64(data) != text or (size is not None and len(data) != size):
        raise NotCanonical("base64")
    return data


def unhex(text: Any, size: int = 32) -> bytes:
    """``size`` bytes of lower-case hex, else NotCanonical."""
    if not isinstance(text, str) or len(text) != 2 * size or not _HEX.fullmatch(text):
        raise NotCanonical("hex")
    return bytes.fromhex(text)


def is_code(text: Any) -> bool:
    """Whether ``text`` may be a reason code, a stage or a key: ``[a-z0-9_]+``."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def stamp(moment: datetime) -> str:
    """``YYYY-MM-DDTHH:MM:SS.ffffffZ`` of an aware time; a naive one is a bug and raises TypeError."""
    if moment.tzinfo is None:
        raise TypeError("a time without a zone")
    moment = moment.astimezone(UTC)
    return (
        f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
        f"T{moment.hour:02}:{moment.minute:02}:{moment.second:02}.{moment.microsecond:06}Z"
    )


def instant(text: Any) -> datetime:
    """The aware UTC time of a stamp; NotCanonical for any other spelling and for a day or hour that does not exist."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise NotCanonical("time")
    try:
        year, month, day, hour, minute, second, micro = (int(part) for part in match.groups())
        return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    except ValueError:
        raise NotCanonical("time") from None
