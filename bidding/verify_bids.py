"""Verification of an archive, V8: every manifest, registration and withdrawal, and the record that binds each.

log.md §8, envelope.md §5. The checks are those of arrival (``bidding.arrival``), made again in the order of the log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audit.canon import sha256_hex, unb64
from audit.refusal import Broken, Refused
from audit.report import Found
from audit.trust import sig_hash
from bidding import arrival
from bidding.arrival import Last
from bidding.case import Case, Fact
from bidding.keys import Keyset
from bidding.manifest import Manifest
from bidding.payload import is_payload_size
from bidding.registrations import WITHDRAWAL, Keyring, Registration, Withdrawal, acting_key, check_registration


@dataclass(frozen=True)
class Envelope:
    """One deposit that holds: its record, its manifest, and the key that signed it."""

    fact: Fact
    manifest: Manifest
    key: bytes

    @property
    def path(self) -> str:
        """The folder of its files."""
        return folder(self.manifest.bid, self.manifest.stage, self.manifest.seq)


@dataclass
class Bids:
    """What the tender's deposits and withdrawals come to. Empty where the edition does not hold them."""

    envelopes: dict[tuple[str, str], list[Envelope]] = field(default_factory=lambda: defaultdict(list))
    """By (bid, stage), in the order of ``seq``."""
    withdrawn: dict[str, Fact] = field(default_factory=dict)
    keyring: Keyring = field(default_factory=Keyring)
    acted: dict[tuple[str, bytes], set[str]] = field(default_factory=lambda: defaultdict(set))
    """The stages in which a bidder's key signed a deposit or a withdrawal."""
    owners: dict[str, str] = field(default_factory=dict)
    """The bidder of each bid."""
    registered: dict[tuple[str, bytes], Fact] = field(default_factory=dict)
    """The first registration of each bidder and key."""

    def effective(self, stage: str) -> dict[str, Envelope]:
        """The last envelope of each bid that was not withdrawn."""
        found = {bid: chain[-1] for (bid, one), chain in self.envelopes.items() if one == stage and chain}
        return {bid: envelope for bid, envelope in sorted(found.items()) if bid not in self.withdrawn}

    def ended(self) -> list[Envelope]:
        """Every superseded or withdrawn envelope: its payload was erased at once."""
        return [
            envelope
            for (bid, _), chain in sorted(self.envelopes.items())
            for envelope in (chain if bid in self.withdrawn else chain[:-1])
        ]

    def vouched(self, envelope: Envelope) -> bool:
        """Whether a certificate authority or an authority stands behind the key that signed it."""
        return self.keyring.vouched(envelope.manifest.bidder, envelope.key)


def folder(bid: str, stage: str, seq: int) -> str:
    """Where an envelope's files lie in an archive."""
    return f"bids/{bid}/{stage}/{seq}"


def owed_bid_files(case: Case) -> dict[str, Fact]:
    """Manifests, signatures and withdrawals of this edition, by path, with the record that binds each."""
    owed: dict[str, Fact] = {}
    if case.shown:
        for fact in case.facts("deposited"):
            for name in ("manifest.json", "sig.json"):
                owed[f"{folder(fact['bid'], fact['stage'], fact['seq'])}/{name}"] = fact
        for fact in case.facts("withdrawn"):
            owed[f"bids/{fact['bid']}/withdrawal.json"] = fact
    return owed


def acting_registrations(
    signed: Sequence[tuple[str, bytes]], registrations: Mapping[str, Registration]
) -> dict[str, tuple[str, bytes]]:
    """The registrations owed: of each (bidder, key) that acted and, up ``by.key``, of what it rests on; by hash.

    ``registrations`` in the order of the log; the first of a bidder and key counts.
    """
    first: dict[tuple[str, bytes], Registration] = {}
    for made in registrations.values():
        first.setdefault((made.bidder, made.key), made)
    owed: dict[str, tuple[str, bytes]] = {}
    for bidder, key in signed:
        cursor: bytes | None = key
        while cursor is not None:
            root = first.get((bidder, cursor))
            if root is None or root.hash in owed:
                break
            owed[root.hash] = (bidder, cursor)
            cursor = root.by_key
    return owed


def read_bids(case: Case) -> Bids:
    """What deposits and withdrawals say, nothing verified: what the builder of an edition follows.

    Raises Refused or NotCanonical for a manifest or signature that cannot be read, KeyError for one that is not there.
    """
    bids, files = Bids(), case.log.files
    if not case.shown:
        return bids
    for fact in case.facts("deposited"):
        path = folder(fact["bid"], fact["stage"], fact["seq"])
        manifest = Manifest.parse(files.bytes(f"{path}/manifest.json"))
        key = acting_key(files.value(f"{path}/sig.json"))
        bids.envelopes[fact["bid"], fact["stage"]].append(Envelope(fact, manifest, key))
        bids.acted[manifest.bidder, key].add(fact["stage"])
    for fact in case.facts("withdrawn"):
        value = files.value(f"bids/{fact['bid']}/withdrawal.json")
        withdrawal = Withdrawal.parse(unb64(value["withdrawal"]))
        bids.withdrawn[fact["bid"]] = fact
        bids.acted[withdrawal.bidder, acting_key(value["sig"])] |= withdrawal.stages.keys()
    return bids


def check_bids(case: Case, keysets: Mapping[str, Keyset], found: Found) -> Bids:
    """V8. What holds is in the result; what does not is left out and named."""
    bids = Bids()
    owed = owed_bid_files(case)
    files = [path for path in case.log.files.under("bids/") if path.endswith(("/manifest.json", "/sig.json"))]
    files += [path for path in case.log.files.under("bids/") if path.endswith("/withdrawal.json")]
    for path in sorted(owed.keys() ^ set(files)):
        found.fault(path, "V-MISSING" if path in owed else "V-STRAY")
    registrations = _read_registrations(case, bids, found)
    acts = sorted([*case.facts("deposited"), *case.facts("withdrawn")], key=lambda fact: fact.index)
    waiting = [(bids.registered[made.bidder, made.key], made) for made in registrations.values()]
    waiting.sort(key=lambda pair: -pair[0].index)
    seen: dict[str, set[bytes]] = defaultdict(set)
    for act in acts:
        if not case.shown:
            found.fault(act.at, "V-STRAY")
            continue
        while waiting and waiting[-1][0].index < act.index:
            bids.keyring.add(waiting.pop()[1])
        if act.held.name == "deposited":
            _check_deposit(case, keysets, bids, seen, act, found)
        else:
            _check_withdrawal(case, bids, act, found)
    _check_stages(case, bids, found)
    _check_registrations_owed(case, bids, registrations, found)
    return bids


def _read_registrations(case: Case, bids: Bids, found: Found) -> dict[str, Registration]:
    """The registrations of the archive that hold, by hash, in the order of their records."""
    log, made = case.log, dict[str, Registration]()
    records: dict[str, Fact] = {}
    for fact in case.facts("bidder-key-registered"):
        path = f"registrations/{sha256_hex(fact['registration'])}.json"
        if path in records:
            found.fault(fact.at, "V-SECOND", what="bidder-key-registered", stage="")
            continue
        records[path] = fact
        if path not in log.files:
            found.fault(path, "V-MISSING")
            continue
        with found.at(path):
            value = log.files.value(path)
            data = unb64(value["registration"])
            if data != fact["registration"]:
                raise Broken("V-HASH", path=path)
            if sig_hash(value["sig"]) != fact["sig_hash"]:
                raise Broken("V-SIG-HASH", path=path)
            registration = check_registration(
                data,
                value["sig"],
                origin=log.about.origin,
                parties=log.trust.parties,
                at=fact.since,
            )
            if (registration.bidder, registration.key) != (fact["bidder"], fact["key"]):
                raise Broken("V-RECORD", why="bidder or key")
            if fact.held.body["subject"] != registration.bidder:
                raise Broken("V-RECORD", why="subject")
            if (registration.bidder, registration.key) in bids.registered:
                raise Broken("V-SECOND", what="bidder-key-registered", stage="")
            bids.registered[registration.bidder, registration.key] = fact
            made[registration.hash] = registration
    for path in log.files.under("registrations/"):
        if path not in records:
            found.fault(path, "V-STRAY")
    return made


def _check_deposit(
    case: Case,
    keysets: Mapping[str, Keyset],
    bids: Bids,
    seen: dict[str, set[bytes]],
    fact: Fact,
    found: Found,
) -> None:
    files = case.log.files
    path = folder(fact["bid"], fact["stage"], fact["seq"])
    if f"{path}/manifest.json" not in files or f"{path}/sig.json" not in files:
        return
    with found.at(f"{path}/manifest.json"):
        data, sigs = files.bytes(f"{path}/manifest.json"), files.value(f"{path}/sig.json")
        if sha256_hex(data) != fact["manifest"]:
            raise Broken("V-HASH", path=path)
        if sig_hash(sigs) != fact["sig_hash"]:
            raise Broken("V-SIG-HASH", path=path)
        manifest = Manifest.parse(data)
        arrival.check_context(manifest, tender=case.tender, bid=fact["bid"], keysets=case.stages)
        if (manifest.stage, manifest.seq) != (fact["stage"], fact["seq"]):
            raise Refused("E-CONTEXT", field="stage", found=manifest.stage, wanted=fact["stage"])
        keyset = keysets.get(manifest.context.keyset)
        if keyset is not None:
            arrival.check_boxes(manifest, keyset.n)
        if not is_payload_size(manifest.size):
            raise Refused("E-PAYLOAD", field="size", found=manifest.size, wanted=0)
        chain = bids.envelopes[manifest.bid, manifest.stage]
        if bids.owners.setdefault(manifest.bid, manifest.bidder) != manifest.bidder:
            raise Refused("E-SIGNER", bidder=manifest.bidder, why="chain")
        last = _last(chain[-1], withdrawn=manifest.bid in bids.withdrawn) if chain else None
        key = arrival.check_signer(manifest.bidder, sigs, bids.keyring, [last] if last else [])
        arrival.check_signature(manifest, sigs)
        arrival.check_sequence(manifest.seq, manifest.prev, last)
        arrival.check_unseen(manifest, seen[manifest.bidder])
        seen[manifest.bidder] |= {manifest.head, *manifest.boxes}
        bids.acted[manifest.bidder, key].add(manifest.stage)
        chain.append(Envelope(fact, manifest, key))


def _last(envelope: Envelope, *, withdrawn: bool = False) -> Last:
    manifest = envelope.manifest
    return Last(manifest.seq, manifest.hash, envelope.key, manifest.bidder, withdrawn)


def _check_withdrawal(case: Case, bids: Bids, fact: Fact, found: Found) -> None:
    path = f"bids/{fact['bid']}/withdrawal.json"
    if path not in case.log.files:
        return
    with found.at(path):
        value = case.log.files.value(path)
        data, sigs = unb64(value["withdrawal"]), value["sig"]
        if sha256_hex(data) != fact["withdrawal"]:
            raise Broken("V-HASH", path=path)
        if sig_hash(sigs) != fact["sig_hash"]:
            raise Broken("V-SIG-HASH", path=path)
        withdrawal = Withdrawal.parse(data)
        if (withdrawal.tender, withdrawal.bid) != (case.tender, fact["bid"]):
            raise Refused("E-CONTEXT", field="tender", found=withdrawal.tender, wanted=case.tender)
        lasts = {stage: chain[-1] for (bid, stage), chain in bids.envelopes.items() if bid == fact["bid"] and chain}
        expected = {stage: (one.manifest.seq + 1, one.manifest.hash) for stage, one in lasts.items()}
        if fact["bid"] in bids.withdrawn or dict(withdrawal.stages) != expected or not expected:
            raise Refused("E-SEQ", why="withdrawn", seq=0, expected=0)
        key = arrival.check_signer(withdrawal.bidder, sigs, bids.keyring, [_last(one) for one in lasts.values()])
        arrival.verify(sigs, WITHDRAWAL + data, withdrawal.bidder)
        bids.withdrawn[fact["bid"]] = fact
        bids.acted[withdrawal.bidder, key] |= lasts.keys()


def _check_stages(case: Case, bids: Bids, found: Found) -> None:
    """A bid has an envelope in every stage, all or none."""
    by_bid: dict[str, set[str]] = defaultdict(set)
    for fact in case.facts("deposited"):
        by_bid[fact["bid"]].add(fact["stage"])
    for bid, stages in sorted(by_bid.items()):
        if missing := case.stages.keys() - stages:
            found.fault(f"bids/{bid}", "E-STAGES", missing=", ".join(sorted(missing)), strange="")


def _check_registrations_owed(case: Case, bids: Bids, registrations: Mapping[str, Registration], found: Found) -> None:
    """Exactly the registrations of keys that acted, with the chain of each to its root."""
    owed = acting_registrations(list(bids.acted), registrations)
    for name, made in registrations.items():
        if name not in owed:
            found.fault(f"registrations/{name}.json", "V-STRAY")
        elif made.by_key is not None and (made.bidder, made.by_key) not in bids.registered:
            found.fault(f"registrations/{name}.json", "E-SIGNER", bidder=made.bidder, why="chain")
