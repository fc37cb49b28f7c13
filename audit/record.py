"""Records and the entries that commit to them: log.md §1, §2.

Each package declares the types of the rows it owns; the registry knows for each its disclosure rule and the fields an
independent reader relies on. A record is kept and hashed as bytes; what is made here is what ``verify`` reads.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Final

from audit.canon import NotCanonical, canon, instant, parse_object, sha256, stamp
from audit.refusal import Broken

LARGEST: Final = 65_000  # bytes of one record; bigger things go in by hash
NONCE: Final = 32
_RESERVED = frozenset({"type", "subject", "actor", "time", "serial", "sserial"})
_TYPE = re.compile(r"trading\.([a-z0-9]+(?:-[a-z0-9]+)*)/v1")


class Rule(StrEnum):
    """When a record is shown, and to whom."""

    PUBLIC = "public"
    CLOSING = "closing"  # when the box closes
    EVALUATION = "evaluation"  # when evaluation closes
    PARTY = "party"  # the person concerned, at once
    SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class RecordType:
    """One kind of fact. ``fields`` must stand in its body, further ones are free."""

    name: str
    rules: frozenset[Rule]
    fields: frozenset[str]

    @property
    def type(self) -> str:
        """As it stands in a record: ``trading.<name>/v1``."""
        return f"trading.{self.name}/v1"

    @property
    def public(self) -> bool:
        """Whether its records stand in clear (``02``); under ``01`` such a record is void."""
        return Rule.PUBLIC in self.rules

    @property
    def counter(self) -> str:
        """``serial`` in public records, ``sserial`` in those for supervisors only, "" in others (log.md §1)."""
        if self.public:
            return "serial"
        return "sserial" if self.rules == {Rule.SUPERVISOR} else ""


types: dict[str, RecordType] = {}


def declare(name: str, *rules: Rule, fields: Iterable[str] = ()) -> RecordType:
    """Add a type to the registry. Declaring it twice with other rules or fields is a bug (ValueError)."""
    made = RecordType(name, frozenset(rules), frozenset(fields))
    if not _TYPE.fullmatch(made.type) or not rules or (made.public and len(made.rules) > 1):
        raise ValueError(f"no record type: {name}")
    if types.setdefault(name, made) != made or made.fields & _RESERVED:
        raise ValueError(f"declared otherwise: {name}")
    return made


def type_of(text: str) -> RecordType:
    """The declared type a record's ``type`` names; KeyError if none does (a newer platform's, to a verifier)."""
    match = _TYPE.fullmatch(text)
    if match is None:
        raise KeyError(text)
    return types[match.group(1)]


def is_public(text: str) -> bool:
    """Whether ``text`` names a declared type whose records stand in clear."""
    match = _TYPE.fullmatch(text)
    return match is not None and match.group(1) in types and types[match.group(1)].public


def make(name: str, /, *, subject: str, actor: dict[str, str], time: datetime, **body: Any) -> dict[str, Any]:
    """A record of a declared type, without ``serial``/``sserial``, which the act adds under its lock.

    ``actor`` is ``{"kind","id"}``, ``time`` the database's clock. Raises KeyError or ValueError for what is our own
    mistake (undeclared type, missing field) and NotCanonical for values that came from outside.
    """
    kind = types[name]
    if not kind.fields <= body.keys() or body.keys() & _RESERVED:
        raise ValueError(f"{name}: missing {sorted(kind.fields - body.keys())}")
    record = {"type": kind.type, "subject": subject, "actor": dict(actor), "time": stamp(time), **body}
    encode(record)
    return record


def encode(record: dict[str, Any]) -> bytes:
    """The bytes of a record as they are kept, hashed and committed to; NotCanonical when they are none."""
    data = canon(record, nfc=True)
    _check(record, data)
    return data


def check_record(data: bytes) -> dict[str, Any]:
    """The record these bytes hold. Raises NotCanonical: size, encoding, or one of the four fields of every record."""
    if len(data) > LARGEST:
        raise NotCanonical("size")
    record = parse_object(data)
    _check(record, data)
    return record


def _check(record: dict[str, Any], data: bytes) -> None:
    actor = record.get("actor")
    if len(data) > LARGEST:
        raise NotCanonical("size")
    if (
        not isinstance(record.get("type"), str)
        or not _TYPE.fullmatch(record["type"])
        or not isinstance(record.get("subject"), str)
        or not isinstance(actor, dict)
        or set(actor) != {"kind", "id"}
        or not all(isinstance(part, str) for part in actor.values())
    ):
        raise NotCanonical("record")
    instant(record.get("time"))


# --------------------------------------------------------------------------------------------------------- entries


class Kind(IntEnum):
    """The first byte of an entry."""

    BLINDED = 1
    CLEAR = 2
    MARKER = 3


@dataclass(frozen=True)
class Entry:
    """An entry read: ``record`` bytes when CLEAR, the 32-byte ``digest`` when BLINDED, the ``beat`` of a MARKER."""

    kind: Kind
    record: bytes = b""
    digest: bytes = b""
    beat: int = -1


def entry_clear(record: bytes) -> bytes:
    """``02 || record``: a public record."""
    return b"\x02" + record


def entry_blinded(nonce: bytes, record: bytes) -> bytes:
    """``01 || SHA-256("trading/record/v1\\0" || nonce32 || record)``: any other record."""
    if len(nonce) != NONCE:
        raise ValueError("a nonce has 32 bytes")
    return b"\x01" + sha256(b"trading/record/v1\0" + nonce + record)


def entry_of(record: bytes, nonce: bytes | None) -> bytes:
    """The entry of a record: clear without a nonce, blinded with one."""
    return entry_clear(record) if nonce is None else entry_blinded(nonce, record)


def entry_cover() -> bytes:
    """``01 || 32 random bytes``; nothing else is kept of it and nothing is ever disclosed."""
    return b"\x01" + os.urandom(32)


def entry_marker(beat: int) -> bytes:
    """``03 || uint64 big-endian n``: the first leaf of beat n."""
    return b"\x03" + beat.to_bytes(8, "big")


def parse_entry(entry: bytes) -> Entry:
    """What an entry is; Broken("L-ENTRY") when it is of no kind. The record inside is not looked at."""
    kind, body = entry[:1], entry[1:]
    if kind == b"\x01" and len(body) == 32:
        return Entry(Kind.BLINDED, digest=body)
    if kind == b"\x02" and body:
        return Entry(Kind.CLEAR, record=body)
    if kind == b"\x03" and len(body) == 8:
        return Entry(Kind.MARKER, beat=int.from_bytes(body, "big"))
    raise Broken("L-ENTRY", size=len(entry))


# --------------------------------------------------------------------------------------------- types of the log itself

LOG_OPENED = declare("log-opened", Rule.PUBLIC, fields=("origin", "clock", "beat", "width", "policy", "parties"))
TRUST_PUBLISHED = declare("trust-published", Rule.PUBLIC, fields=("policy", "parties"))
TOOL_PUBLISHED = declare("tool-published", Rule.PUBLIC, fields=("tool", "sha256"))
IDENTITY_VOUCHED = declare("identity-vouched", Rule.PUBLIC, fields=("id", "role", "vkey", "from", "until", "by", "sig"))
WIDTH_CHANGED = declare("width-changed", Rule.PUBLIC, fields=("width",))
ARCHIVED = declare("archived", Rule.PUBLIC, fields=("tender", "last_sserial"))
ALERT_RAISED = declare("alert-raised", Rule.SUPERVISOR, fields=("alert",))
ALERT_ANSWERED = declare("alert-answered", Rule.SUPERVISOR, fields=("alert",))
