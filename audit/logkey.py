"""The log's private key: make, load, rotate; it signs promises and checkpoints, and nothing else.

It lies unencrypted in a PEM file of mode 0600, because the sequencer must come up again without a person. Beside it
`<file>.signed` keeps the last checkpoint the key signed, written and synced *before* the signature is made: a key never
signs two roots of one size, nor a smaller size than it has signed, not even over a database restored to yesterday.

What a thief of the key can do: sign a false history, but not two histories that a quorum of witnesses has seen.
Rotation, after theft or after loss: `rotate` makes a new key; the supervising authority publishes a policy in which the
new `log` line stands below the old one (old checkpoints stay verifiable) and signs it as envelope.md §2 asks; the
witnesses take it; a `trust-published` record names it; the next beat signs with the new key over the same tree.
When the key is lost there are no checkpoints and no promises until that is done (an outage, log.md §5); nothing that
was logged is lost with it, and no bid depends on it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from audit.act import RecordRef
from audit.canon import b64, unb64
from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.receipt import PROMISE, Receipt, promise
from audit.refusal import Broken, Refused
from audit.signature import Ed25519Signer
from audit.trust import NOTE, Vkey


class LogKey:
    """The key of one log, and the memory of what it has signed."""

    def __init__(self, signer: Ed25519Signer, origin: str, path: Path) -> None:
        self.origin = origin
        self.path = path
        self._signer = signer
        self._memory = path.with_name(path.name + ".signed")

    @classmethod
    def generate(cls, path: Path, origin: str) -> LogKey:
        """Make a key and its file (0600, synced). Refused("E-LOGKEY-EXISTS") rather than overwrite one."""
        private = Ed25519PrivateKey.generate()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            _write_new(path, pem)
        except FileExistsError:
            raise Refused("E-LOGKEY-EXISTS", path=str(path)) from None
        return cls(Ed25519Signer(private), origin, path)

    @classmethod
    def load(cls, path: Path, origin: str) -> LogKey:
        """Read a key. Refused: E-LOGKEY-MISSING, E-LOGKEY-MODE (others may read it), E-LOGKEY (no Ed25519 key)."""
        try:
            pem = path.read_bytes()
        except FileNotFoundError:
            raise Refused("E-LOGKEY-MISSING", path=str(path)) from None
        if path.stat().st_mode & 0o077:
            raise Refused("E-LOGKEY-MODE", path=str(path))
        try:
            private = load_pem_private_key(pem, None)
        except (ValueError, TypeError):
            raise Refused("E-LOGKEY", path=str(path)) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise Refused("E-LOGKEY", path=str(path))
        return cls(Ed25519Signer(private), origin, path)

    @classmethod
    def rotate(cls, path: Path, origin: str) -> LogKey:
        """Put the key at `path` aside (its name gets its key id) and make a new one there; also when it is lost."""
        if path.exists():
            old = cls.load(path, origin)
            aside = path.with_name(f"{path.name}.{old.vkey.keyid.hex()}")
            os.rename(path, aside)
            if old._memory.exists():
                os.rename(old._memory, aside.with_name(aside.name + ".signed"))
        return cls.generate(path, origin)

    @property
    def vkey(self) -> Vkey:
        """The verifier key that stands in `policy.txt`, named by the origin."""
        return Vkey(self.origin, NOTE, self._signer.key)

    def promise(self, entry: bytes) -> bytes:
        """The 64 bytes of log.md §6 over an entry; after its act has committed, and not before."""
        return promise(self._signer, entry)

    def receipt(self, ref: RecordRef, manifest: str | None = None) -> Receipt:
        """The receipt for a record of an act that has committed, without a proof yet; `manifest` is its hash."""
        if not ref.committed:
            raise RuntimeError("a promise before the act has ended")
        return Receipt(ref.record, self.promise(ref.entry), manifest, ref.nonce)

    def attest(self, domain: bytes, data: bytes) -> list[dict[str, str]]:
        """A signature array over `domain || data`: the platform's word on what a floor above defines.

        The domain keeps it apart from promises and checkpoints, whose bytes begin otherwise.
        """
        if not re.fullmatch(rb"trading/[a-z-]+/v[0-9]+\n", domain) or domain == PROMISE:
            raise ValueError("a domain of its own")
        return [self._signer.sign(domain + data)]

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """The signed note over a checkpoint that is committed in the database.

        Broken("L-TWO-ROOTS") for another root at a size this key has signed, Broken("L-BEHIND") for a smaller size.
        """
        last = self.last_signed()
        if last is not None:
            if checkpoint.size < last.size:
                raise Broken("L-BEHIND", size=checkpoint.size, signed=last.size)
            if checkpoint.size == last.size and checkpoint.root != last.root:
                raise Broken("L-TWO-ROOTS", size=checkpoint.size)
        if last != checkpoint:
            replace_file(self._memory, f"{checkpoint.size}\n{b64(checkpoint.root)}\n".encode())
        return sign_checkpoint(self._signer, checkpoint)

    def last_signed(self) -> Checkpoint | None:
        """The last checkpoint this key has signed, or was about to when the machine died."""
        try:
            size, root = self._memory.read_text().splitlines()
        except FileNotFoundError:
            return None
        return Checkpoint(self.origin, int(size), unb64(root, 32))


def _write_new(path: Path, data: bytes) -> None:
    """Create a file of mode 0600 that must not exist, durably."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_path(path.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Write a private file whole or not at all: temp, fsync, rename, fsync of the directory."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)
    sync_path(path.parent)


def sync_path(path: Path) -> None:
    """fsync of a file or a directory: a rename is on the disk only when its directory is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
