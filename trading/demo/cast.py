"""The cast of the demonstration: who holds which key, and the two trust files everybody checks them against.

Every private key here is made for one run of a `demo.` log and worthless outside it (envelope.md §2: a key of one log
opens no box of another). The custodians' box keys lie in passphrase-protected files, as they would.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519

from audit.trust import NOTE, WITNESS, Ed25519Signer, Vkey
from trading.keyfiles import KeyFile, generate, write

BASE = datetime(2025, 7, 7, 1, 0, tzinfo=UTC)
"""Where every demonstration's calendar begins: 09:00 in Beijing on a Monday, a week after the youngest law of the table;
what a slow machine makes of it still lies in years whose holidays are known."""
SINCE = "2025-01-01T00:00:00.000000Z"
ORIGIN = "demo.trading.example/2026"
WITNESS_NAME = "witness.demo.example"
ITERATIONS = 1000
"""Of the key files of one minute's life; real ones take the default of `trading.keyfiles`."""


@dataclass(frozen=True)
class Member:
    """One identity key: its id in the trust files, the name people read, and the key."""

    id: str
    name: str
    signer: Ed25519Signer
    private: ed25519.Ed25519PrivateKey

    @property
    def vkey(self) -> str:
        """As the trust files and vouchings write it."""
        return str(Vkey(self.id, NOTE, self.signer.key))


@dataclass(frozen=True)
class Cast:
    """Everybody with a key before the first beat."""

    authorities: tuple[Member, ...]
    custodians: tuple[Member, ...]
    tenderee: Member
    log: Vkey
    witness: ed25519.Ed25519PrivateKey
    passphrase: str

    @property
    def policy(self) -> bytes:
        """policy.txt: one log, one witness, whose cosignature is the quorum."""
        witness = Vkey(WITNESS_NAME, WITNESS, self.witness.public_key().public_bytes_raw())
        lines = [f"log {self.log}", f"witness {WITNESS_NAME} {witness}", f"quorum {WITNESS_NAME}"]
        return ("\n".join(lines) + "\n").encode()

    @property
    def parties(self) -> bytes:
        """parties.txt: the authorities and the supervisor's custodian; the others are vouched for in the log."""
        lines = [f"authority {one.id} {one.vkey} {SINCE} -" for one in self.authorities]
        lines += [f"custodian {one.id} {one.vkey} {SINCE} -" for one in self.custodians[:1]]
        return ("\n".join(lines) + "\n").encode()


def make_cast(log: Vkey) -> Cast:
    """Fresh keys for everybody but the log, whose verifier key is given."""
    return Cast(
        authorities=(_member("A-JIANDU", "行政监督部门"), _member("A-CAIZHENG", "财政部门")),
        custodians=(
            _member("C-JIANDU", "行政监督（密钥保管人）"),
            _member("C-ZHAOBIAO", "招标人（密钥保管人）"),
            _member("C-GONGZHENG", "公证处（密钥保管人）"),
        ),
        tenderee=_member("P-ZHAOBIAO", "示范招标人"),
        log=log,
        witness=ed25519.Ed25519PrivateKey.generate(),
        passphrase=secrets.token_urlsafe(12),
    )


def write_trust(cast: Cast, directory: Path) -> None:
    """Write policy.txt and parties.txt."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "policy.txt").write_bytes(cast.policy)
    (directory / "parties.txt").write_bytes(cast.parties)


def write_custodian(cast: Cast, member: Member, directory: Path, spans: int) -> tuple[Path, list[Path]]:
    """A custodian's own disk: its identity key and one box key for each span of opening hours it will guard."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    identity = directory / "identity.key"
    write(identity, KeyFile("identity", member.id, ORIGIN, member.private), cast.passphrase, iterations=ITERATIONS)
    boxes = []
    for number in range(spans):
        box = directory / f"box-{number}.key"
        key = KeyFile("custodian", member.id, ORIGIN, generate("custodian"))
        write(box, key, cast.passphrase, iterations=ITERATIONS)
        boxes.append(box)
    return identity, boxes


def write_witness(cast: Cast, directory: Path) -> Path:
    """The witness's own disk: its key."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / "witness.key"
    write(path, KeyFile("identity", WITNESS_NAME, ORIGIN, cast.witness), cast.passphrase, iterations=ITERATIONS)
    return path


def _member(id: str, name: str) -> Member:
    private = ed25519.Ed25519PrivateKey.generate()
    return Member(id, name, Ed25519Signer(private), private)
