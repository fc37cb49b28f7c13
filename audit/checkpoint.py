"""Checkpoints, signed notes, cosignatures and inclusion proofs in the C2SP formats: log.md §4.

signed-note v1, tlog-checkpoint v1, tlog-cosignature v1 (type 04), tlog-proof v1. What is not believed: file names,
line order, unknown signatures. What is: the keys of ``policy.txt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from audit.canon import b64, unb64
from audit.merkle import LONGEST, verify_inclusion
from audit.refusal import Broken
from audit.signature import BadSignature, Ed25519Signer, verify_ed25519
from audit.trust import NOTE, WITNESS, Policy, Vkey, is_key_name

SIGNATURES: Final = 100  # lines of one note; C2SP asks for 16 at least
LATEST: Final = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second Python can name
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_PROOF: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: the log's name, how many leaves, and their root."""

    origin: str
    size: int
    root: bytes

    def body(self) -> bytes:
        """``origin\\n<size>\\n<base64 root>\\n``: what is signed."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n".encode()

    @classmethod
    def parse(cls, body: bytes) -> Checkpoint:
        """Exactly three lines, no extension lines. Broken("N-FORM")."""
        try:
            origin, size, root, end = body.decode("utf-8").split("\n")
            if end or not origin or not _DECIMAL.fullmatch(size):
                raise ValueError
            return cls(origin, int(size), unb64(root, 32))
        except ValueError:
            raise Broken("N-FORM", what="checkpoint") from None


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: ``— <name> base64(keyid4 || signature)``."""

    name: str
    keyid: bytes
    signature: bytes

    def line(self) -> bytes:
        """With its newline."""
        return f"— {self.name} {b64(self.keyid + self.signature)}\n".encode()

    @classmethod
    def parse(cls, line: str) -> NoteSignature:
        """A line without its newline. Broken("N-FORM")."""
        try:
            dash, name, data = line.split(" ")
            raw = unb64(data)
        except ValueError:
            raise Broken("N-FORM", what="signature") from None
        if dash != "—" or not is_key_name(name) or len(raw) < 5:
            raise Broken("N-FORM", what="signature")
        return cls(name, raw[:4], raw[4:])


@dataclass(frozen=True)
class Note:
    """A signed note: the text with its final newline, and its signatures in order."""

    body: bytes
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Split at the last empty line. Broken("N-FORM") for anything C2SP signed-note does not allow."""
        try:
            text = bytes(data).decode("utf-8")
        except UnicodeDecodeError:
            raise Broken("N-FORM", what="utf8") from None
        at = text.rfind("\n\n")
        if at < 0 or not text.endswith("\n") or any(c < " " and c != "\n" for c in text):
            raise Broken("N-FORM", what="note")
        lines = text[at + 2 : -1].split("\n")
        if not 1 <= len(lines) <= SIGNATURES:
            raise Broken("N-FORM", what="signatures")
        return cls(text[: at + 1].encode(), tuple(NoteSignature.parse(line) for line in lines))

    def format(self) -> bytes:
        """Its bytes; ``Note.parse(b).format() == b``."""
        return self.body + b"\n" + b"".join(signature.line() for signature in self.signatures)


def checkpoint_of(note: bytes) -> Checkpoint:
    """The checkpoint a note says it is, nothing verified. Broken("N-FORM")."""
    return Checkpoint.parse(Note.parse(note).body)


# --------------------------------------------------------------------------------------------------------- signing


def vkey_of(signer: Ed25519Signer, name: str, kind: int = NOTE) -> Vkey:
    """The verifier key others know this signer by; ``kind`` is NOTE (01) or WITNESS (04)."""
    return Vkey(name, kind, signer.key)


def sign_checkpoint(signer: Ed25519Signer, checkpoint: Checkpoint) -> bytes:
    """The note as the log first signs it: type 01 over the body, under the origin as key name."""
    body, vkey = checkpoint.body(), vkey_of(signer, checkpoint.origin)
    return Note(body, (NoteSignature(vkey.name, vkey.keyid, signer.raw(body)),)).format()


def cosign(signer: Ed25519Signer, name: str, body: bytes, timestamp: int) -> bytes:
    """A witness's line (with newline) over a checkpoint body: ``timestamp`` in seconds since 1970."""
    signature = signer.raw(_cosigned(body, timestamp))
    vkey = vkey_of(signer, name, WITNESS)
    return NoteSignature(name, vkey.keyid, timestamp.to_bytes(8, "big") + signature).line()


def _cosigned(body: bytes, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n".encode() + body


def add_lines(note: bytes, lines: Iterable[bytes]) -> bytes:
    """The note with further signature lines after its own, each once. Broken("N-FORM")."""
    parsed = Note.parse(note)
    signatures = list(parsed.signatures)
    for line in lines:
        try:
            signature = NoteSignature.parse(line.decode("utf-8").removesuffix("\n"))
        except UnicodeDecodeError:
            raise Broken("N-FORM", what="utf8") from None
        if signature not in signatures:
            signatures.append(signature)
    return Note(parsed.body, tuple(signatures)).format()


# ------------------------------------------------------------------------------------------------------- verifying


@dataclass(frozen=True)
class VerifiedNote:
    """A note that verified: ``cosigned`` maps the policy's witness names to the times of their cosignatures."""

    checkpoint: Checkpoint
    cosigned: Mapping[str, datetime]
    policy: Policy = field(repr=False)
    note: bytes = field(repr=False)

    @property
    def time(self) -> datetime:
        """The time of the checkpoint (log.md §4). Refused("E-QUORUM") without a quorum, or under ``quorum none``."""
        return self.policy.time(self.cosigned)


def verify_note(note: bytes, policy: Policy, *, strict: bool = False, quorum: bool = True) -> VerifiedNote:
    """A checkpoint signed by the log and cosigned by a quorum of the policy.

    Signatures of unknown keys are ignored; a known key with a bad signature rejects the note. ``strict`` (archives,
    log.md §7) refuses unknown keys and a second line of one key too. ``quorum=False`` asks for the log's signature
    alone, as a witness does. Raises Broken: N-FORM, N-ORIGIN, N-SIG, N-UNKNOWN, N-LOG, N-QUORUM.
    """
    parsed = Note.parse(note)
    checkpoint = Checkpoint.parse(parsed.body)
    if checkpoint.origin != policy.origin:
        raise Broken("N-ORIGIN", origin=checkpoint.origin, expected=policy.origin)
    logs = {(vkey.name, vkey.keyid): vkey for vkey in policy.logs}
    witnesses = {(vkey.name, vkey.keyid): (name, vkey) for name, vkey in policy.witnesses.items()}
    signed, cosigned = False, dict[str, datetime]()
    seen: set[tuple[str, bytes]] = set()
    for line in parsed.signatures:
        known = (line.name, line.keyid)
        try:
            if known in logs:
                verify_ed25519(logs[known].public, line.signature, parsed.body)
                signed = True
            elif known in witnesses:
                name, vkey = witnesses[known]
                timestamp = int.from_bytes(line.signature[:8], "big")
                if len(line.signature) != 72 or not 0 < timestamp <= LATEST:
                    raise BadSignature("timestamp")
                verify_ed25519(vkey.public, line.signature[8:], _cosigned(parsed.body, timestamp))
                moment = datetime.fromtimestamp(timestamp, UTC)
                # two lines of one witness: it had seen this checkpoint at the earlier time
                cosigned[name] = min(moment, cosigned.get(name, moment))
            elif strict:
                raise Broken("N-UNKNOWN", name=line.name)
        except BadSignature:
            raise Broken("N-SIG", name=line.name) from None
        if strict and known in seen:
            raise Broken("N-UNKNOWN", name=line.name)
        seen.add(known)
    if not signed:
        raise Broken("N-LOG", origin=checkpoint.origin)
    if quorum and not policy.met(cosigned):
        raise Broken("N-QUORUM", size=checkpoint.size, have=sorted(cosigned))
    return VerifiedNote(checkpoint, cosigned, policy, bytes(note))


# ----------------------------------------------------------------------------------------------------- tlog-proof


@dataclass(frozen=True)
class TlogProof:
    """An entry's place in a tree and the checkpoint over it, offline. ``extra`` is opaque and not authenticated."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Broken("N-PROOF") unless formatting gives ``data`` back."""
        head, gap, note = bytes(data).partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
            extra = unb64(lines.pop(0)[6:]) if lines[0].startswith("extra ") else None
            word, number = lines.pop(0).split(" ")
            if first != _PROOF or not gap or word != "index" or not _DECIMAL.fullmatch(number) or len(lines) > LONGEST:
                raise ValueError
            return cls(int(number), tuple(unb64(line, 32) for line in lines), note, extra)
        except (ValueError, IndexError):
            raise Broken("N-PROOF") from None

    def format(self) -> bytes:
        """The text of C2SP tlog-proof v1."""
        lines = [_PROOF] if self.extra is None else [_PROOF, f"extra {b64(self.extra)}"]
        lines += [f"index {self.index}", *(b64(value) for value in self.hashes)]
        return ("\n".join(lines) + "\n\n").encode() + self.note

    def verify(self, leaf: bytes, policy: Policy, *, strict: bool = False) -> VerifiedNote:
        """That ``leaf`` (a leaf hash) is number ``index`` under a checkpoint with quorum.

        Raises Broken: as :func:`verify_note`, or M-INCLUSION.
        """
        verified = verify_note(self.note, policy, strict=strict)
        verify_inclusion(leaf, self.index, verified.checkpoint.size, self.hashes, verified.checkpoint.root)
        return verified
