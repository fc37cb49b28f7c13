"""An honest platform in memory: log, witnesses, authorities, custodians, bidders with names, and a clock.

    world = World(tmp_path)
    tender = world.tender("T1", min_bids=3)
    fir = tender.deposit(world.bidder("fir"), price=92_000_000)
    ...
    tender.finish()                       # close, release, unseal, rank, award, archive: whatever is still to come
    tender.write("public", path)          # through trading.edition, as the platform does it

It keeps every rule by itself. A test that cheats says where: ``world.forge["closed"] = lambda record: {…}`` rewrites a
record before it is logged (serials, hashes, entries and checkpoints follow), ``world.hidden`` keeps records from being
disclosed, ``tender.files`` are the files an archive is made of, ``world.back(…)`` turns the clock. The world verifies
nothing: it must be able to lie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from audit.canon import b64, canon, sha256_hex, stamp
from audit.checkpoint import Checkpoint, TlogProof, add_lines, cosign, sign_checkpoint, vkey_of
from audit.merkle import Frontier, Leaves, inclusion_proof, leaf_hash
from audit.receipt import Receipt, promise
from audit.record import entry_cover, entry_marker, entry_of, types
from audit.signature import CertSigner, Ed25519Signer, ES256Signer, sig_hash
from audit.trust import WITNESS, record_sig_bytes
from bidding import hpke, keys
from bidding import records as _bidding  # noqa: F401 - declares its types
from bidding.registrations import REGISTRATION, write_registration
from trading import records as _trading  # noqa: F401 - declares its types

BEAT = 30
WIDTH = 8
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SYSTEM = {"kind": "system", "id": "centre"}
ORIGIN = "log.trading.example/2026"


def seeded(name: str) -> Ed25519Signer:
    """A person's Ed25519 key, the same in every test."""
    return Ed25519Signer.from_seed(sha256(f"world {name}".encode()).digest())


@dataclass
class Logged:
    """A record on its way into the log. ``index`` is set by the beat that takes it."""

    name: str
    body: dict[str, Any]
    data: bytes
    nonce: bytes | None
    index: int = -1

    @property
    def entry(self) -> bytes:
        return entry_of(self.data, self.nonce)

    @property
    def hash(self) -> str:
        return sha256_hex(self.data)


@dataclass
class Bidder:
    """A firm: its keys, the newest last, and what it registered them with."""

    id: str
    signers: list[Any]
    registered: list[Logged] = field(default_factory=list)

    @property
    def signer(self) -> Any:
        return self.signers[-1]


class World:
    """Everything outside one tender. Time stands still unless :meth:`wait` passes it, beat by beat."""

    def __init__(self, folder: Path, origin: str = ORIGIN, clock: dict[str, Any] | None = None) -> None:
        self.folder, self.origin, self.now = folder, origin, START
        self.folder.mkdir(parents=True, exist_ok=True)
        self.entries: list[bytes] = []
        self.notes: dict[int, bytes] = {}
        self.times: dict[int, datetime] = {}
        self.logged: list[Logged] = []
        self.waiting: list[Logged] = []
        self.files: dict[str, bytes] = {}
        self.forge: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.hidden: Callable[[Logged], bool] = lambda record: False
        self.blinded: Callable[[Logged], bool] = lambda record: False
        self.serials: dict[tuple[str, str], int] = defaultdict(int)
        self.beats = 0
        self.frontier = Frontier()
        self.key = seeded("log")
        self.witnesses = {name: seeded(name) for name in ("w1.example", "w2.example", "w3.example")}
        self.cosigning = set(self.witnesses)
        self.authorities = {name: seeded(name) for name in ("A-SUP", "A-FIN")}
        self.people = {name: seeded(name) for name in ("C-SUP", "C-TEN", "C-NOT", "P-TEN", "P-NOT")}
        self.boxes = {name: hpke.derive_key_pair(sha256(f"box {name}".encode()).digest()) for name in self.people}
        self.ca = _Authority()
        self.policy, self.parties = self._policy(), self._parties()
        self.log(
            "log-opened", self.origin, origin=origin, clock=clock, beat=BEAT, width=WIDTH,
            policy=sha256_hex(self.policy), parties=sha256_hex(self.parties),
        )  # fmt: skip
        self.beat()
        for name, role in (("C-NOT", "custodian"), ("P-TEN", "tenderee"), ("P-NOT", "party")):
            self.vouch(name, role)
        self.wait()

    def _policy(self) -> bytes:
        lines = [f"log {vkey_of(self.key, self.origin)}"]
        lines += [f"witness {name} {vkey_of(signer, name, WITNESS)}" for name, signer in self.witnesses.items()]
        lines += [f"group q 2 {' '.join(self.witnesses)}", "quorum q"]
        return ("\n".join(lines) + "\n").encode()

    def _parties(self) -> bytes:
        since = stamp(START - timedelta(days=1))
        lines = [f"custodian {name} {vkey_of(self.people[name], name)} {since} -" for name in ("C-SUP", "C-TEN")]
        lines += [f"authority {name} {vkey_of(signer, name)} {since} -" for name, signer in self.authorities.items()]
        lines.append(f"ca CA-1 {self.ca.digest} {since} -")
        return ("\n".join(lines) + "\n").encode()

    def trust(self, folder: Path) -> tuple[Path, Path]:
        """policy.txt and parties.txt as they lie outside the platform."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "policy.txt").write_bytes(self._policy())
        (folder / "parties.txt").write_bytes(self._parties())
        return folder / "policy.txt", folder / "parties.txt"

    # ------------------------------------------------------------------------------------------------- the log

    def log(
        self, name: str, subject: str, actor: Mapping[str, str] = SYSTEM, *, sealed: bool | None = None, **body: Any
    ) -> Logged:
        """Write a record; it waits for the next beat."""
        kind = types.get(name)
        public = kind.public if kind is not None else not sealed
        record = {"type": f"trading.{name}/v1", "subject": subject, "actor": dict(actor), "time": stamp(self.now)}
        record |= body
        if name in self.forge:
            record = self.forge[name](record)
        counter = kind.counter if kind is not None else ("serial" if public else "")
        if counter and counter not in record:
            self.serials[counter, subject] += 1
            record[counter] = self.serials[counter, subject]
        made = Logged(name, record, canon(record), None)
        if not public or self.blinded(made):
            made.nonce = sha256(b"nonce" + len(self.logged).to_bytes(4, "big") + made.data).digest()
        self.logged.append(made)
        self.waiting.append(made)
        return made

    def beat(self, cover: int | None = None) -> None:
        """One beat: the marker, what waits (as much as fits), covers; signed, and cosigned two seconds later."""
        leaves = [] if not self.entries else [entry_marker(self.beats)]
        while self.waiting and len(leaves) < WIDTH:
            record = self.waiting.pop(0)
            record.index = len(self.entries) + len(leaves)
            leaves.append(record.entry)
        leaves += [entry_cover() for _ in range(WIDTH - len(leaves))]
        self.beats += 1
        self.entries += leaves
        self.frontier.extend([leaf_hash(entry) for entry in leaves])
        self.sign(len(self.entries), self.frontier.root(), self.now)

    def sign(self, size: int, root: bytes, at: datetime) -> None:
        """The checkpoint of a size, with the cosignatures of the witnesses that take part."""
        checkpoint = Checkpoint(self.origin, size, root)
        note, seconds = sign_checkpoint(self.key, checkpoint), int(at.timestamp())
        lines = [
            cosign(self.witnesses[name], name, checkpoint.body(), seconds + place)
            for place, name in enumerate(sorted(self.cosigning), 1)
        ]
        self.notes[size] = add_lines(note, lines)
        self.times[size] = datetime.fromtimestamp(seconds + 2, UTC)

    def wait(self, seconds: float = BEAT) -> None:
        """Time passes, a beat every 30 s, until nothing waits that was there before."""
        until = self.now + timedelta(seconds=seconds)
        while self.now < until or self.waiting:
            self.now = min(self.now + timedelta(seconds=BEAT), until) if self.now < until else self.now
            self.beat()

    def until(self, moment: datetime) -> None:
        """Wait for a moment. Of a long time only its two ends are played: a beat in between holds nothing of ours."""
        if moment - self.now > timedelta(hours=2):
            self.wait()
            self.now = moment - timedelta(seconds=2 * BEAT)
            self.beat()
        self.wait(max(0.0, (moment - self.now).total_seconds()))

    def sleep(self, days: float) -> None:
        """Days pass."""
        self.until(self.now + timedelta(days=days))

    def back(self, moment: datetime) -> None:
        """Turn the database's clock: what is recorded next bears this time."""
        self.now = moment

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """No beat comes while this lasts: what is recorded waits."""
        wait = self.wait
        self.wait = lambda seconds=0: None  # type: ignore[method-assign, misc, assignment]
        try:
            yield
        finally:
            self.wait = wait  # type: ignore[method-assign]

    def node(self, level: int, index: int) -> bytes:
        """As ``trading.edition.Tree``."""
        if not hasattr(self, "_leaves") or len(self._leaves[0]) != len(self.entries):
            self._leaves = (list(self.entries), Leaves([leaf_hash(entry) for entry in self.entries]))
        if self._leaves[0] != self.entries:
            self._leaves = (list(self.entries), Leaves([leaf_hash(entry) for entry in self.entries]))
        return self._leaves[1].node(level, index)

    def slice(self, start: int, stop: int) -> list[bytes]:
        return self.entries[start:stop]

    # ------------------------------------------------------------------------------------------------- people

    def vouch(self, name: str, role: str, by: Sequence[str] = ("A-SUP",), key: Ed25519Signer | None = None) -> Logged:
        """An authority's word for somebody's identity key."""
        body: dict[str, Any] = {
            "id": name,
            "role": role,
            "vkey": str(vkey_of(key or self.people[name], name)),
            "from": stamp(START - timedelta(hours=1)),
            "until": None,
            "by": by[0] if len(by) == 1 else list(by),
        }
        record = {"type": "trading.identity-vouched/v1", "subject": name, **body}
        sig = [self.authorities[one].sign(record_sig_bytes(record)) for one in by]
        return self.log("identity-vouched", name, {"kind": "authority", "id": by[0]}, sig=sig, **body)

    def statement(self, name: str, tender: str | None = None, origin: str | None = None) -> keys.Statement:
        """A custodian's key, registered and rehearsed."""
        private = self.boxes[name]
        data = keys.write_statement(
            origin=origin or self.origin,
            custodian=name,
            name=f"custodian {name}",
            pub=hpke.public_bytes(private),
            valid_from=START,
            valid_to=START + timedelta(days=30 if tender is None else 400),
            tender=tender,
        )
        made, signer = keys.Statement.parse(data), self.people[name]
        actor = {"kind": "custodian", "id": name}
        if f"statements/{made.hash}.json" in self.files:
            return made
        sig = [signer.sign(keys.STATEMENT + data)]
        self.files[f"statements/{made.hash}.json"] = canon({"statement": b64(data), "sig": sig})
        self.log("custodian-key-registered", name, actor, statement=made.hash, sig_hash=sig_hash(sig))
        asked = keys.challenge(made)
        proof, signed = keys.answer(made, private, signer, asked.challenge, asked.sealed)
        self.log(
            "rehearsed", name, actor, statement=made.hash, challenge=asked.challenge.hex(), r=asked.r.hex(),
            proof=proof.hex(), sig=signed,
        )  # fmt: skip
        return made

    def bidder(self, name: str, by: str | None = "authority") -> Bidder:
        """A firm whose key is registered: ``by`` an ``authority``, a ``ca``, or None: unvouched."""
        signer: Any = seeded(name) if by != "ca" else ES256Signer.generate()
        bidder = Bidder(f"9144{sha256(name.encode()).hexdigest()[:14].upper()}", [])
        self.register(bidder, signer, by)
        return bidder

    def register(self, bidder: Bidder, signer: Any, by: str | None = "key") -> Logged:
        """One more key of a firm, ``by`` its last ``key``, an ``authority``, a ``ca`` or nobody."""
        named: dict[str, Any] = {}
        behind: Any = None
        if by == "key":
            behind, named = bidder.signer, {"by_key": bidder.signer.key}
        elif by == "authority":
            behind, named = self.authorities["A-SUP"], {"by_authority": "A-SUP"}
        elif by == "ca":
            behind = self.ca.certify(bidder.id)
            named = {"by_x5c": behind.x5c}
        data = write_registration(origin=self.origin, bidder=bidder.id, alg=signer.alg, key=signer.key, **named)
        sig = [one.sign(REGISTRATION + data) for one in (signer, behind) if one is not None]
        self.files[f"registrations/{sha256_hex(data)}.json"] = canon({"registration": b64(data), "sig": sig})
        bidder.signers.append(signer)
        made = self.log(
            "bidder-key-registered", bidder.id, {"kind": "bidder", "id": bidder.id},
            bidder=bidder.id, key=b64(signer.key), registration=b64(data), sig_hash=sig_hash(sig),
        )  # fmt: skip
        bidder.registered.append(made)
        return made

    def receipt(self, record: Logged, manifest: str | None = None, *, proof: bool = True) -> Receipt:
        """What the bidder got back for a record, with its proof once there was a beat."""
        made = Receipt(record.data, promise(self.key, record.entry), manifest, record.nonce)
        if not proof or record.index < 0:
            return made
        size = min(size for size in self.notes if size > record.index)
        hashes = [leaf_hash(entry) for entry in self.entries[:size]]
        return made.with_proof(TlogProof(record.index, tuple(inclusion_proof(hashes, record.index)), self.notes[size]))

    def tender(self, name: str, **terms: Any) -> Any:
        """A tender, announced. See :class:`tests.world_tender.Tender`."""
        from tests.world_tender import Tender

        return Tender(self, name, **terms)


class _Authority:
    """A certificate authority with one root."""

    def __init__(self) -> None:
        self.key = seeded("CA-1").private
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA-1")])
        self.root = self._certificate(self.name, self.key.public_key(), 1, ca=True)
        self.der = self.root.public_bytes(serialization.Encoding.DER)
        self.digest = sha256_hex(self.der)

    def _certificate(self, subject: x509.Name, key: Any, serial: int, *, ca: bool) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        builder = builder.serial_number(serial).not_valid_before(START - timedelta(days=30))
        builder = builder.not_valid_after(START + timedelta(days=3650))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        return builder.sign(self.key, None)

    def certify(self, bidder: str) -> CertSigner:
        """A firm's certified key: its subject's serialNumber is the firm's id."""
        signer = seeded(f"certified {bidder}")
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, "firm"), x509.NameAttribute(NameOID.SERIAL_NUMBER, bidder)]
        )
        serial = int.from_bytes(sha256(bidder.encode()).digest()[:8], "big") | 1
        leaf = self._certificate(subject, signer.private.public_key(), serial, ca=False)
        return CertSigner(signer, (leaf.public_bytes(serialization.Encoding.DER), self.der))
