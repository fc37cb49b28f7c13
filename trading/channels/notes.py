"""What a driver remembers of each key, so that no crash makes a telephone ring twice.

One small file a key, written and synced *before* anybody is rung: after a kill -9 at any point the key is either unknown
(nobody was rung: the try may be made) or begun (it may have rung: never again, ask the provider or say "failed") or ended
(the answer stands in it). Notes are sealed with AES-256-GCM under the dispatcher's own key, because a provider's answer
has the number in it; file names are hashes. A directory of notes belongs to one process.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.refusal import Broken
from experts.conversation import Answer, unanswered
from trading.channels import KEY_LENGTH, ChannelError


@dataclass(frozen=True)
class Note:
    """What is known of one key: facts of the driver, and the answer once there is one."""

    key: str
    facts: dict[str, Any]
    answer: Answer | None


class Notes:
    """The notes of one driver in a directory of its own, under a 32-byte key."""

    def __init__(self, directory: Path, secret: bytes) -> None:
        self._directory = directory
        self._box = AESGCM(secret)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def known(self, key: str) -> Note | None:
        """The note of a key, or None: nothing was ever begun. Raises Broken("N-NOTE") for a file that was changed."""
        try:
            sealed = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        return self._open(self._path(key).name, sealed)

    def begin(self, key: str, **facts: Any) -> bool:
        """Durable before it returns; False if the key was begun before."""
        path = self._path(key)
        fresh = self._write(path, Note(key, facts, None))
        try:
            os.link(fresh, path)  # with its whole content or not at all, and never over another
        except FileExistsError:
            return False
        finally:
            fresh.unlink()
        self._sync()
        return True

    def tell(self, key: str, answer: Answer | None = None, **facts: Any) -> None:
        """More facts of a key that was begun, and its answer."""
        note = self.known(key)
        if note is None:
            raise ValueError("a key that was never begun")
        path = self._path(key)
        self._write(path, Note(key, note.facts | facts, answer or note.answer)).replace(path)
        self._sync()

    def withdraw(self, key: str) -> None:
        """Nobody was rung after all: the key is free again."""
        self._path(key).unlink(missing_ok=True)
        self._sync()

    def all(self) -> Iterator[Note]:
        """Every note, in no order."""
        for path in list(self._directory.glob("*.note")):
            yield self._open(path.name, path.read_bytes())

    def _path(self, key: str) -> Path:
        if not (key.isascii() and 0 < len(key) <= KEY_LENGTH):
            raise ValueError("a key is 1 to 40 ASCII characters")
        return self._directory / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.note"

    def _write(self, path: Path, note: Note) -> Path:
        told = asdict(note)
        if note.answer is not None:
            told["answer"]["provider"] = base64.b64encode(note.answer.provider).decode()
        nonce = secrets.token_bytes(12)
        fresh = path.with_suffix(f".{nonce.hex()}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(nonce + self._box.encrypt(nonce, json.dumps(told).encode(), path.name.encode()))
            out.flush()
            os.fsync(out.fileno())
        return fresh

    def _open(self, name: str, sealed: bytes) -> Note:
        try:
            told = json.loads(self._box.decrypt(sealed[:12], sealed[12:], name.encode()))
        except (InvalidTag, ValueError):
            raise Broken("N-NOTE", file=name) from None
        answer = told["answer"]
        if answer is not None:
            answer = Answer(**answer | {"provider": base64.b64decode(answer["provider"])})
        return Note(told["key"], told["facts"], answer)

    def _sync(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


async def once(
    notes: Notes,
    key: str,
    channel: str,
    act: Callable[[], Awaitable[Answer]],
    again: Callable[[Note], Awaitable[Answer | None]] | None = None,
    **facts: Any,
) -> Answer:
    """Does `act` for a key that is new; for a known one tells the answer, or what `again` finds out, or "failed".

    A ChannelError of `act` frees the key: it says that nobody was rung. Anything else leaves it begun.
    """
    if not notes.begin(key, **facts):
        note = notes.known(key)
        assert note is not None
        found = note.answer or (await again(note) if again else None)
        if found is not None and note.answer is None:
            notes.tell(key, found)
        return found or unanswered("failed", channel)
    try:
        answer = await act()
    except ChannelError:
        notes.withdraw(key)
        raise
    notes.tell(key, answer)
    return answer


def secret_at(path: Path) -> bytes:
    """The 32 bytes under which notes are sealed; made on first use, mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(secrets.token_bytes(32))
            out.flush()
            os.fsync(out.fileno())
    except FileExistsError:
        pass
    secret = path.read_bytes()
    if len(secret) != 32:
        raise Broken("N-NOTE", file=path.name)
    return secret
