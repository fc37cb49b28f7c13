"""Who signed, and whose keys are believed: envelope.md §1 (signatures), §2 (trust files, identity keys), log.md §4.

Trust files come from outside the platform. ``Policy`` is ``policy.txt`` (log and witnesses), ``Parties`` is
``parties.txt`` (authorities, custodians, parties, certificate authorities), ``Identities`` adds the public
vouchings that authorities signed. Nothing here asks a server anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from audit.canon import NotCanonical, b64, canon, instant, sha256_hex, unb64, unhex
from audit.refusal import Refused
from audit.signature import (
    BadSignature,
    CertSigner,
    Ed25519Signer,
    ES256Signer,
    SignedBy,
    Signer,
    chain_of,
    check_key,
    sig_hash,
    verify_by,
    verify_ed25519,
    verify_signatures,
)

__all__ = [
    "NOTE",
    "WITNESS",
    "BadSignature",
    "CertSigner",
    "ES256Signer",
    "Ed25519Signer",
    "Identities",
    "Parties",
    "PartyLine",
    "Policy",
    "SignedBy",
    "Signer",
    "Vkey",
    "chain_to_ca",
    "check_key",
    "record_sig_bytes",
    "sig_hash",
    "verify_by",
    "verify_ed25519",
    "verify_signatures",
]

NOTE: Final = 1  # vkey type 01: Ed25519 over the note's body, and every identity key
WITNESS: Final = 4  # vkey type 04: timestamped cosignature
ROLES: Final = ("custodian", "tenderee", "party")
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def record_sig_bytes(record: Mapping[str, Any]) -> bytes:
    """What a ``sig`` in a record is over, where no text defines other bytes (log.md §1)."""
    outside = {"actor", "time", "serial", "sserial", "sig"}
    return b"trading/record-sig/v1\n" + canon({name: value for name, value in record.items() if name not in outside})


# ----------------------------------------------------------------------------------------------------------- vkeys


@dataclass(frozen=True)
class Vkey:
    """A verifier key of C2SP signed-note: ``name+hex8(keyid)+base64(type||pub)``."""

    name: str
    kind: int
    public: bytes

    @property
    def keyid(self) -> bytes:
        """SHA-256(name || 0A || type || pub)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Vkey:
        """Strictly: key id as computed, type 01 or 04, a key that ``check_key`` takes. NotCanonical, BadSignature."""
        name, *rest = text.split("+", 2)
        if len(rest) != 2 or not is_key_name(name):
            raise NotCanonical("vkey")
        keyid, data = unhex(rest[0], 4), unb64(rest[1])
        if len(data) != 33 or data[0] not in (NOTE, WITNESS):
            raise NotCanonical("vkey")
        check_key("EdDSA", data[1:])
        vkey = cls(name, data[0], data[1:])
        if vkey.keyid != keyid:
            raise NotCanonical("vkey")
        return vkey

    def __str__(self) -> str:
        return f"{self.name}+{self.keyid.hex()}+{b64(bytes([self.kind]) + self.public)}"


def is_key_name(name: str) -> bool:
    """C2SP signed-note: not empty, no Unicode space, no plus, no control character; and it must be UTF-8."""
    return bool(name) and not any(c.isspace() or c == "+" or ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name)


# ------------------------------------------------------------------------------------------------------ policy.txt


def _lines(data: bytes, code: str) -> Iterable[tuple[int, list[str]]]:
    """(number, items) of each line that says something: C2SP tlog-policy, "Structure" and "Character set"."""
    if not data.endswith(b"\n") or any((byte < 32 and byte not in (9, 10)) or byte == 127 for byte in data):
        raise Refused(code, line=0, why="bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(code, line=0, why="utf8") from None
    for number, line in enumerate(text[:-1].split("\n"), 1):
        items = [item for item in line.replace("\t", " ").split(" ") if item]
        if items and not items[0].startswith("#"):
            yield number, items


@dataclass(frozen=True)
class Policy:
    """``policy.txt``: the log's keys, the witnesses and the quorum of witnesses that makes a checkpoint count."""

    logs: tuple[Vkey, ...]
    witnesses: Mapping[str, Vkey]
    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    quorum: str
    urls: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""

    @property
    def origin(self) -> str:
        """The first line of every checkpoint of this log."""
        return self.logs[0].name

    @property
    def log(self) -> Vkey:
        """The log's key; of several lines (old keys stay, so that old checkpoints verify) the last."""
        return self.logs[-1]

    @property
    def sha256(self) -> str:
        """Hash of the file, hex: what ``log-opened`` and ``trust-published`` name."""
        return sha256_hex(self.data)

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Strictly after C2SP tlog-policy, with one log. Refused("E-POLICY", line=, why=)."""
        logs: list[Vkey] = []
        witnesses: dict[str, Vkey] = {}
        groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        urls: dict[str, str] = {}
        member_of: set[str] = set()
        quorum = ""
        for number, (word, *items) in _lines(data, "E-POLICY"):

            def no(why: str, line: int = number) -> Refused:
                return Refused("E-POLICY", line=line, why=why)

            def key(text: str, kind: int, line: int = number) -> Vkey:
                try:
                    vkey = Vkey.parse(text)
                except (NotCanonical, BadSignature):
                    raise Refused("E-POLICY", line=line, why="key") from None
                if vkey.kind != kind or vkey.public in {known.public for known in [*logs, *witnesses.values()]}:
                    # one key under two names would count twice towards the quorum
                    raise Refused("E-POLICY", line=line, why="key")
                return vkey

            if word == "log" and len(items) in (1, 2):
                logs.append(key(items[0], NOTE))
                if logs[-1].name != logs[0].name:
                    raise no("origin")
                urls.update({"log": items[1]} if len(items) == 2 else {})
            elif word == "witness" and len(items) in (2, 3):
                if items[0] in witnesses or items[0] in groups or items[0] == "none":
                    raise no("name")
                vkey = key(items[1], WITNESS)
                if vkey.name in {known.name for known in witnesses.values()}:
                    raise no("name")
                witnesses[items[0]] = vkey
                urls.update({items[0]: items[2]} if len(items) == 3 else {})
            elif word == "group" and len(items) >= 3:
                name, threshold, *members = items
                if name in witnesses or name in groups or name == "none":
                    raise no("name")
                for member in members:
                    # a witness contributes in one way only, or two groups could count it twice
                    if (member not in witnesses and member not in groups) or member in member_of:
                        raise no("member")
                    member_of.add(member)
                words = {"any": "1", "all": str(len(members))}
                count = words.get(threshold, threshold)
                if count not in {str(n) for n in range(1, len(members) + 1)}:
                    raise no("threshold")
                groups[name] = (int(count), tuple(members))
            elif word == "quorum" and len(items) == 1 and not quorum:
                quorum = items[0]
                if quorum != "none" and quorum not in witnesses and quorum not in groups:
                    raise no("quorum")
            else:
                raise no("line")
        if not quorum or not logs:
            raise Refused("E-POLICY", line=0, why="quorum" if logs else "log")
        return cls(tuple(logs), witnesses, groups, quorum, urls, data)

    def met(self, names: Collection[str]) -> bool:
        """Whether cosignatures of these witnesses (names of the policy's lines) make a checkpoint count."""

        def witnessed(name: str) -> bool:
            if name not in self.groups:
                return name in names
            threshold, members = self.groups[name]
            return sum(witnessed(member) for member in members) >= threshold

        return self.quorum == "none" or witnessed(self.quorum)

    def demand_quorum(self) -> None:
        """Sealing and custodian tools work under a real quorum only. Refused("E-QUORUM-NONE")."""
        if self.quorum == "none":
            raise Refused("E-QUORUM-NONE", origin=self.origin)

    def time(self, stamps: Mapping[str, datetime]) -> datetime:
        """The time of a checkpoint: the earliest by which the witnesses that had cosigned made a quorum.

        With one group of Q that is the Q-th smallest timestamp (log.md §4). Refused("E-QUORUM") when there is none.
        """
        seen: set[str] = set()
        for moment, name in sorted((moment, name) for name, moment in stamps.items()):
            seen.add(name)
            if self.quorum != "none" and self.met(seen):
                return moment
        raise Refused("E-QUORUM", have=sorted(stamps))


# ----------------------------------------------------------------------------------------------------- parties.txt


@dataclass(frozen=True)
class PartyLine:
    """One line of ``parties.txt``: ``public`` is an Ed25519 key, or, of a ``ca``, the SHA-256 of its DER root."""

    kind: str
    id: str
    public: bytes
    since: datetime
    until: datetime | None

    def in_force(self, at: datetime) -> bool:
        """From ``since`` on, before ``until``."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True)
class Parties:
    """``parties.txt``: keys that stand outside the platform. Lines are ended, never removed (envelope.md §2)."""

    lines: tuple[PartyLine, ...]
    data: bytes = b""

    @property
    def sha256(self) -> str:
        """Hash of the file, hex: by it a tool takes the first version."""
        return sha256_hex(self.data)

    @classmethod
    def parse(cls, data: bytes) -> Parties:
        """Strictly; Refused("E-PARTIES", line=, why=) for a malformed line, and for two lines of one kind and id in
        force at one time, or one key under two ids: its holder would count twice."""
        lines: list[PartyLine] = []
        for number, items in _lines(data, "E-PARTIES"):
            try:
                kind, name, value, since, until = items
                if kind == "ca":
                    public = unhex(value, 32)
                elif kind in ("authority", "custodian", "party"):
                    vkey = Vkey.parse(value)
                    public = vkey.public
                    if vkey.kind != NOTE or vkey.name != name:
                        raise NotCanonical("vkey")
                else:
                    raise NotCanonical("kind")
                line = PartyLine(kind, name, public, instant(since), None if until == "-" else instant(until))
            except (ValueError, BadSignature):
                raise Refused("E-PARTIES", line=number, why="line") from None
            if line.until is not None and line.until <= line.since:
                raise Refused("E-PARTIES", line=number, why="span")
            for other in lines:
                if other.public == line.public and other.id != line.id:
                    raise Refused("E-PARTIES", line=number, why="key")
                if (other.kind, other.id) == (line.kind, line.id) and _overlap(other, line):
                    raise Refused("E-PARTIES", line=number, why="overlap")
            lines.append(line)
        return cls(tuple(lines), data)

    def names(self, id: str) -> bool:
        """Whether any line, ended ones too, is of this id: a vouching for it is void."""
        return any(line.id == id and line.kind != "ca" for line in self.lines)

    def key(self, id: str, kind: str, at: datetime) -> bytes:
        """The Ed25519 key of ``id`` in this kind at this time. Refused("E-IDENTITY")."""
        for line in self.lines:
            if (line.kind, line.id) == (kind, id) and line.in_force(at):
                return line.public
        raise Refused("E-IDENTITY", id=id, role=kind, at=at)

    def authority(self, id: str, at: datetime) -> bytes:
        """The key of an authority in force. Refused("E-IDENTITY")."""
        return self.key(id, "authority", at)

    def custodian(self, id: str, at: datetime) -> bytes:
        """The key of a custodian in force. Refused("E-IDENTITY")."""
        return self.key(id, "custodian", at)

    def party(self, id: str, at: datetime) -> bytes:
        """The key of a party in force. Refused("E-IDENTITY")."""
        return self.key(id, "party", at)

    def ca(self, digest: bytes, at: datetime) -> str:
        """The id of the ``ca`` line in force that names this SHA-256 of a DER root. Refused("E-CA")."""
        for line in self.lines:
            if line.kind == "ca" and line.public == digest and line.in_force(at):
                return line.id
        raise Refused("E-CA", root=digest.hex(), at=at)

    def authorities_of(self, sigs: Any, message: bytes, at: datetime) -> frozenset[str]:
        """The authorities that signed. BadSignature unless every signature verifies and is of one in force then."""
        known = {line.public: line.id for line in self.lines if line.kind == "authority" and line.in_force(at)}
        signers = verify_signatures(sigs, message)
        if any(signer.alg != "EdDSA" or signer.x5c or signer.key not in known for signer in signers):
            raise BadSignature("authority")
        return frozenset(known[signer.key] for signer in signers)

    def two_authorities(self, sigs: Any, message: bytes, at: datetime) -> frozenset[str]:
        """As :meth:`authorities_of`, and at least two of them: what envelope.md and log.md ask of grave acts."""
        signed = self.authorities_of(sigs, message, at)
        if len(signed) < 2:
            raise BadSignature("two_authorities")
        return signed

    def accept(self, later: bytes, sigs: Any, at: datetime) -> Parties:
        """A later version of this file, signed by two authorities of this one over
        ``"trading/parties/v1\\n" || bytes``. Refused("E-PARTIES") also when a line is gone or changed otherwise
        than by ending it; BadSignature."""
        after = Parties.parse(later)
        self.two_authorities(sigs, b"trading/parties/v1\n" + later, at)
        for line in self.lines:
            ended = (line.kind, line.id, line.public, line.since)
            kept = [new for new in after.lines if (new.kind, new.id, new.public, new.since) == ended]
            if not kept or (line.until is not None and kept[0].until != line.until):
                raise Refused("E-PARTIES", line=0, why="removed")
        return after

    def accept_policy(self, later: bytes, sigs: Any, at: datetime) -> Policy:
        """A later ``policy.txt``, signed likewise over ``"trading/policy/v1\\n" || bytes``."""
        policy = Policy.parse(later)
        self.two_authorities(sigs, b"trading/policy/v1\n" + later, at)
        return policy


def _overlap(one: PartyLine, other: PartyLine) -> bool:
    return one.since < (other.until or _LAST) and other.since < (one.until or _LAST)


def chain_to_ca(x5c: Iterable[bytes], parties: Parties, at: datetime, bidder: str) -> str:
    """The ``ca`` line's id at the root of a certificate chain, leaf first (envelope.md §5).

    The root is included and self-signed, every issuer is a CA, all are valid at ``at``, the leaf's subject has
    ``serialNumber`` = ``bidder``. BadSignature for the chain, Refused("E-CA") when its root is not in force.
    """
    return parties.ca(chain_of(tuple(x5c), at, bidder), at)


# ------------------------------------------------------------------------------------------------------ identities


@dataclass(frozen=True)
class _Vouched:
    public: bytes
    since: datetime
    until: datetime | None


class Identities:
    """Identity keys of everybody: the lines of ``parties.txt``, and vouchings of all others (envelope.md §2).

    ``vouchings`` are ``identity-vouched`` records (objects) in the order of the log. One that does not hold is left
    out and stands in ``void`` with a word why, so that ``verify`` can name it.
    """

    def __init__(self, parties: Parties, vouchings: Iterable[Mapping[str, Any]] = ()) -> None:
        self.parties = parties
        self.void: list[tuple[Mapping[str, Any], str]] = []
        self._known: dict[tuple[str, str], list[_Vouched]] = {}
        for record in vouchings:
            try:
                self.add(record)
            except Refused as refused:
                self.void.append((record, str(refused.facts["why"])))

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one more vouching, the next in the log. Refused("E-VOUCHING", why=, id=) when it is void."""

        def no(why: str) -> Refused:
            return Refused("E-VOUCHING", id=record.get("id"), why=why)

        try:
            name, role, by = record["id"], record["role"], record["by"]
            vkey = Vkey.parse(record["vkey"])
            at, since = instant(record["time"]), instant(record["from"])
            until = None if record["until"] is None else instant(record["until"])
        except (KeyError, AttributeError, NotCanonical, BadSignature):
            raise no("form") from None
        if role not in ROLES or vkey.kind != NOTE or vkey.name != name or (until is not None and until <= since):
            raise no("form")
        if self.parties.names(name):
            raise no("in_parties")
        ids = [by] if isinstance(by, str) else by
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids) or len(ids) != len(set(ids)):
            raise no("form")
        try:
            signed = self.parties.authorities_of(record.get("sig"), record_sig_bytes(record), at)
        except (NotCanonical, BadSignature):
            raise no("signature") from None
        if signed != set(ids):
            raise no("signature")
        known = self._known.setdefault((name, role), [])
        if known and len(signed) < 2:
            raise no("one_authority")  # a second key for an id is a replacement, whatever became of the first
        known[:] = [_Vouched(old.public, old.since, min(old.until or _LAST, since)) for old in known]
        # A key is known from its record on: a vouching dated back does not make what was signed before it valid.
        known.append(_Vouched(vkey.public, max(since, at), until))

    def key(self, id: str, role: str | Collection[str], at: datetime) -> bytes:
        """The Ed25519 key under which ``id`` acts in ``role`` (or one of several) at a time.

        Raises Refused("E-IDENTITY").
        """
        for one in [role] if isinstance(role, str) else role:
            if self.parties.names(id):
                for line in self.parties.lines:
                    if (line.kind, line.id) == (one, id) and line.in_force(at):
                        return line.public
            for vouched in self._known.get((id, one), ()):
                if vouched.since <= at and (vouched.until is None or at < vouched.until):
                    return vouched.public
        raise Refused("E-IDENTITY", id=id, role=role, at=at)

    def holders(self, public: bytes, at: datetime) -> set[tuple[str, str]]:
        """(id, role) of everybody whose key this is, in force at a time."""
        found = {(line.id, line.kind) for line in self.parties.lines if line.public == public and line.in_force(at)}
        for (id, role), known in self._known.items():
            if any(one.public == public and one.since <= at and (one.until is None or at < one.until) for one in known):
                found.add((id, role))
        return found

    def check(self, sigs: Any, message: bytes, id: str, role: str | Collection[str], at: datetime) -> None:
        """That ``sigs`` are ``id``'s over ``message``, in role, at that time. Refused("E-IDENTITY"), BadSignature."""
        verify_by(sigs, message, self.key(id, role, at))
