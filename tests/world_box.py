"""The sealed bids of a tender of the world: key sets, notice, deposits, closing, releases, opening; see ``tests.world``."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from audit.canon import b64, canon, parse, sha256_hex, stamp
from audit.signature import sig_hash
from audit.trust import record_sig_bytes
from bidding import keys
from bidding.custody import RELEASE
from bidding.envelope import Source, seal_envelope
from bidding.manifest import PREFIX, Context, Manifest
from bidding.registrations import WITHDRAWAL, write_withdrawal
from bidding.unseal import Opened, open_box, unseal
from bidding.verify_lists import root_of
from tests.world import SYSTEM, Bidder, Logged, World
from trading.law.regimes import regime as regime_of
from trading.law.rulebook import pin

SCHEMA = {"price": {"kind": "fen", "min": 1}, "days": {"kind": "int", "min": 1, "max": 3650}}
CUSTODIANS = ("C-SUP", "C-TEN", "C-NOT")
TENDEREE = {"kind": "tenderee", "id": "P-TEN"}


def described(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The files of a document set as records name them."""
    told = [{"name": name, "size": len(data), "sha256": sha256_hex(data)} for name, data in files.items()]
    return sorted(told, key=lambda one: str(one["name"]))


@dataclass
class Handed:
    """One envelope as it was handed in."""

    record: Logged
    manifest: Manifest
    sig: list[dict[str, Any]]
    payload: bytes


@dataclass
class Bid:
    """A bid: its envelopes by stage, and its withdrawal."""

    id: str
    bidder: Bidder
    chains: dict[str, list[Handed]] = field(default_factory=lambda: defaultdict(list))
    withdrawn: Logged | None = None

    def last(self, stage: str) -> Handed:
        return self.chains[stage][-1]


class Box:
    """A tender on its way, as far as its box. Each act does what the platform does."""

    def __init__(
        self,
        world: World,
        name: str,
        *,
        minutes: float = 10,
        min_bids: int = 3,
        stages: Sequence[str] = ("form", "documents"),
        public: Sequence[str] = ("form",),
        unvouched: Sequence[str] = (),
        direction: str = "buy",
        baseline: int | None = 100_000_000,
        k: int = 2,
        opens_after: timedelta = timedelta(0),
        later: Mapping[str, timedelta] | None = None,
        regime: str = "source-law",
        days: float = 0,
        method: str = "",
        parameters: Mapping[str, Any] | None = None,
        schema: Mapping[str, Any] = SCHEMA,
        documents: Mapping[str, bytes] | None = None,
        rules: Collection[str] | None = None,
        region: str = "",
        **terms: Any,
    ) -> None:
        """``rules``: only these of the regime's are pinned; ``terms``: further fields of the announcement."""
        self.world = world
        world.wait()
        self.id = f"{name}@{len(world.entries)}"
        self.regime, self.region, self.parameters, self.terms = regime, region, dict(parameters or {}), terms
        self.stages, self.public, self.min_bids, self.direction = tuple(stages), list(public), min_bids, direction
        self.unvouched, self.baseline, self.k = list(unvouched), baseline, k
        self.method = method or ("lowest-price/v1" if direction == "buy" else "highest-price/v1")
        self.deadline = world.now + timedelta(days=days, minutes=minutes)
        self.opens_at = self.deadline + opens_after
        self.later = dict(later or {})
        self.admitted: dict[str, list[str]] = {}
        self.bids: list[Bid] = []
        self.refused: list[Logged] = []
        self.files: dict[str, bytes] = {}
        self.closed: dict[str, Logged] = {}
        self.shares: dict[str, dict[int, dict[str, bytes | None]]] = defaultdict(dict)
        self.opened: dict[tuple[str, str], Opened] = {}
        self.rejected: set[str] = set()
        self.ranked: tuple[Any, ...] = ()
        self.sheets: dict[int, Any] = {}
        self.corrected: dict[str, int] = {}
        self.won, self.failed = 0, False
        self.done: set[str] = set()
        self.rulebook = self._pin(rules)
        self.sets = [] if documents is None else [dict(documents)]
        self.schema = dict(schema) | (
            {} if documents is None else {"documents": {"kind": "text", "min": 64, "max": 64}}
        )
        # a period key guards a month at most; a longer tender has statements of its own
        statements = [world.statement(custodian, self.id if days else None) for custodian in CUSTODIANS]
        world.wait()
        self.keysets = {stage: self.keyset(stage, statements) for stage in self.stages}
        world.wait()
        self.announced = self.log("project-announced", TENDEREE, **self.notice())
        if self.sets:
            self.log("documents-issued", TENDEREE, set=self.set, files=described(self.sets[-1]))
        world.wait()

    def _pin(self, rules: Collection[str] | None) -> bytes:
        """The rulebook, cut down to some rules if asked."""
        data = pin(regime_of(self.regime), self.world.now, self.region).data
        if rules is None:
            return data
        book = parse(data)
        return canon({**book, "rules": [one for one in book["rules"] if one["id"] in rules]})

    @property
    def set(self) -> str:
        """The newest document set, "" if there are no documents."""
        return sha256_hex(canon({"files": described(self.sets[-1])})) if self.sets else ""

    def log(self, name: str, actor: Mapping[str, str] = SYSTEM, **body: Any) -> Logged:
        """A record of this tender."""
        return self.world.log(name, self.id, actor, tender=self.id, **body)

    def keyset(self, stage: str, statements: Sequence[keys.Statement]) -> keys.Keyset:
        """Make and log a key set."""
        data = canon(
            {
                "type": "trading.keyset/v1",
                "origin": self.world.origin,
                "tender": self.id,
                "stage": stage,
                "suite": "P256",
                "k": self.k,
                "n": len(statements),
                "opens_at": stamp(self.opens_at + self.later.get(stage, timedelta(0))),
                "custodians": [
                    {"i": i, "custodian": one.custodian, "pub": b64(one.pub), "statement": one.hash}
                    for i, one in enumerate(statements, 1)
                ],
            }
        )
        made = keys.Keyset.parse(data)
        self.files[f"keysets/{made.id}.json"] = made.data
        self.log("keyset-made", stage=stage, keyset=made.id)
        return made

    def notice(self) -> dict[str, Any]:
        """The announcement's terms."""
        return {
            "regime": self.regime,
            "rulebook": sha256_hex(self.rulebook),
            "keysets": {stage: keyset.id for stage, keyset in self.keysets.items()},
            "deadline": stamp(self.deadline),
            "min_bids": self.min_bids,
            "direction": self.direction,
            "baseline": self.baseline,
            "currency": "CNY",
            "method": self.method,
            "opening_schema": self.schema,
            "public_stages": self.public,
            "unvouched": self.unvouched,
            "window": 1800,
            "region": self.region,
            "documents": self.set or None,
            "supply_until": None,
            "parameters": self.parameters,
            "security": None,
            "bid_validity_days": 90,
            "estimate": None,
            "state_funded": False,
            "predecessor": None,
            "reserve": None,
            "media": [],
            "unchecked": [],
            "procedure": "two-envelope" if self.later else "open",
            **self.terms,
        }

    # ------------------------------------------------------------------------------------------------- bidding

    def deposit(
        self,
        bidder: Bidder,
        price: int = 90_000_000,
        *,
        bid: Bid | None = None,
        stages: Sequence[str] = (),
        signer: Any = None,
        days: int = 90,
        tamper: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        spoil: Callable[[bytes], bytes] | None = None,
        **told: Any,
    ) -> Bid:
        """Hand in a bid, or a replacement in some stages. ``tamper`` rewrites the manifest before it is signed,
        ``spoil`` what is stored;
        ``told`` are further fields of the opening."""
        fresh = bid is None
        if bid is None:
            number = len(self.bids)
            bid = Bid(sha256(f"{self.id} {bidder.id} {number}".encode()).hexdigest()[:32], bidder)
            self.bids.append(bid)
        for stage in stages or self.stages:
            opening = {"price": price, "days": days, **({"documents": self.set} if self.sets else {}), **told}
            self._hand_in(bid, stage, opening, signer or bidder.signer, tamper, spoil)
        self.world.wait()
        if not fresh:
            self.world.wait()
        return bid

    def _hand_in(self, bid: Bid, stage: str, opening: dict[str, Any], signer: Any, tamper: Any, spoil: Any) -> None:
        world, chain, keyset = self.world, bid.chains[stage], self.keysets[stage]
        document = world.folder / f"{bid.id}.{stage}.{len(chain)}.txt"
        document.write_text(f"method statement of {bid.bidder.id}\n" * 20)
        out = io.BytesIO()
        sealed = seal_envelope(
            Context(self.id, stage, keyset.id, bid.bidder.id, bid.id, len(chain) + 1),
            keyset,
            out,
            files=() if stage == "form" else (Source(document, "方案.txt", "text/plain"),),
            opening=opening if stage == "form" else None,
            schema=self.schema,
            prev=chain[-1].manifest.hash if chain else None,
            created=world.now,
        )
        data, payload = sealed.manifest, out.getvalue()
        if tamper is not None:
            data = canon(tamper(parse(data)))
        sig = [signer.sign(PREFIX + data)]
        if chain:
            self._erase(bid, stage, chain[-1])
        record = self.log(
            "deposited", {"kind": "bidder", "id": bid.bidder.id},
            stage=stage, bid=bid.id, seq=len(chain) + 1, manifest=sha256_hex(data), sig_hash=sig_hash(sig),
        )  # fmt: skip
        place = f"bids/{bid.id}/{stage}/{len(chain) + 1}"
        stored = payload if spoil is None else spoil(payload)
        self.files |= {f"{place}/manifest.json": data, f"{place}/sig.json": canon(sig), f"{place}/payload": stored}
        chain.append(Handed(record, Manifest.parse(data), sig, stored))

    def _erase(self, bid: Bid, stage: str, handed: Handed) -> None:
        manifest = handed.manifest
        self.log("erased", bid=bid.id, stage=stage, seq=manifest.seq, root=manifest.root)

    def withdraw(self, bid: Bid, signer: Any = None) -> Logged:
        """Withdraw the whole bid."""
        lasts = {stage: (chain[-1].manifest.seq, chain[-1].manifest.hash) for stage, chain in bid.chains.items()}
        data = write_withdrawal(tender=self.id, bidder=bid.bidder.id, bid=bid.id, lasts=lasts)
        sig = [(signer or bid.bidder.signer).sign(WITHDRAWAL + data)]
        self.files[f"bids/{bid.id}/withdrawal.json"] = canon({"withdrawal": b64(data), "sig": sig})
        bid.withdrawn = self.log(
            "withdrawn", {"kind": "bidder", "id": bid.bidder.id},
            bid=bid.id, withdrawal=sha256_hex(data), sig_hash=sig_hash(sig),
        )  # fmt: skip
        for stage in self.stages:
            self._erase(bid, stage, bid.last(stage))
        self.world.wait()
        return bid.withdrawn

    def refuse(self, bidder: Bidder, code: str = "E-SEQ", stage: str = "form") -> Logged:
        """A refusal that was recorded."""
        made = self.log(
            "refused", {"kind": "bidder", "id": bidder.id},
            stage=stage, bidder=bidder.id, code=code, manifest=sha256_hex(bidder.id.encode()),
        )  # fmt: skip
        self.refused.append(made)
        self.world.wait()
        return made

    def move(self, minutes: float, outage: Mapping[str, Any] | None = None, sig: Sequence[str] = ()) -> Logged:
        """Move the deadline; ``sig`` names authorities that sign the record."""
        self.deadline += timedelta(minutes=minutes)
        body: dict[str, Any] = {"deadline": stamp(self.deadline), "reason": "clarification", "outage": outage}
        if sig:
            record = {"type": "trading.deadline-moved/v1", "subject": self.id, "tender": self.id, **body}
            body["sig"] = [self.world.authorities[name].sign(record_sig_bytes(record)) for name in sig]
        made = self.log("deadline-moved", TENDEREE, **body)
        self.world.wait()
        return made

    # ------------------------------------------------------------------------------------------------- closing

    def listed(self) -> list[Bid]:
        """The effective bids, by id."""
        return sorted((bid for bid in self.bids if bid.withdrawn is None), key=lambda bid: bid.id)

    def counted(self) -> list[Bid]:
        """Those whose keys somebody vouched for, or that the notice names."""
        return [bid for bid in self.listed() if self.is_vouched(bid) or bid.bidder.id in self.unvouched]

    def is_vouched(self, bid: Bid) -> bool:
        return b'"by":null' not in _registered(bid.bidder.registered[0])

    def events(self, stage: str) -> list[str]:
        """What happened in a box, by the hash of each record."""
        signed = {one["key"] for bid in self.bids for handed in bid.chains[stage] for one in handed.sig}
        signed |= {
            one["key"]
            for bid in self.bids
            if bid.withdrawn is not None
            for one in parse(self.files[f"bids/{bid.id}/withdrawal.json"])["sig"]
        }
        records = [handed.record for bid in self.bids for handed in bid.chains[stage]]
        records += [bid.withdrawn for bid in self.bids if bid.withdrawn is not None]
        records += [one for one in self.refused if one.body["stage"] == stage]
        registered = {one.hash: one for bid in self.bids for one in bid.bidder.registered if one.body["key"] in signed}
        return [one.hash for one in records] + list(registered)

    def close(self) -> None:
        """At the deadline: one closing per stage."""
        self.done.add("close")
        self.world.until(self.deadline)
        self.world.now += timedelta(milliseconds=50)
        opens = len({bid.bidder.id for bid in self.counted()}) >= self.min_bids
        self._close(opens, "" if opens else "too_few_bids")
        self.world.wait()

    def _close(self, opens: bool, reason: str) -> None:
        for stage in self.stages:
            hashes = [bid.last(stage).manifest.hash for bid in self.listed()]
            events = self.events(stage)
            self.closed[stage] = self.log(
                "closed", stage=stage, keyset=self.keysets[stage].id, count=len(hashes), list_root=root_of(hashes),
                events=len(events), events_root=root_of(events), deadline=stamp(self.deadline), opens=opens,
                reason=reason,
            )  # fmt: skip

    def abandon(self, reason: str = "tenderee") -> None:
        """The box of a tender that was given up closes at once and stays shut."""
        self.done.add("close")
        self.log("abandoned", reason=reason)
        self._close(opens=False, reason="abandoned")

    @property
    def opens(self) -> bool:
        return all(record.body["opens"] for record in self.closed.values())

    def store(self) -> None:
        """Larger stages are copied to the supervisor."""
        self.done.add("store")
        for stage in self.stages:
            if stage != "form":
                self.log("stored", {"kind": "supervisor", "id": "A-SUP"}, stage=stage, missing=[])

    def settle(self, stage: str, admitted: Sequence[Bid]) -> None:
        """The tenderee and an authority settle whom a later stage admits."""
        self.admitted[stage] = sorted(bid.id for bid in admitted)
        body = {"stage": stage, "admitted": self.admitted[stage], "sheets": []}
        record = {"type": "trading.stage-settled/v1", "subject": self.id, "tender": self.id, **body}
        message = record_sig_bytes(record)
        sig = [self.world.people["P-TEN"].sign(message), self.world.authorities["A-SUP"].sign(message)]
        self.log("stage-settled", TENDEREE, sig=sig, **body)
        self.world.wait()

    def to_open(self, stage: str) -> list[Bid]:
        """The listed bids, of a later stage the admitted ones."""
        return [bid for bid in self.listed() if bid.id in self.admitted.get(stage, [bid.id])]

    def release(
        self, custodian: str, stages: Sequence[str] = (), lie: Sequence[str] = (), omit: Sequence[str] = ()
    ) -> None:
        """A custodian's release: of every listed envelope, false for the bids in ``lie``, without those in ``omit``."""
        self.done.add("release")
        i = CUSTODIANS.index(custodian) + 1
        for stage in stages or self.stages:
            shares: dict[str, bytes | None] = {}
            for bid in self.to_open(stage):
                share = open_box(self.world.boxes[custodian], bid.last(stage).manifest, i)
                if bid.id in lie and share is not None:
                    share = bytes(byte ^ 1 for byte in share)
                if bid.id not in omit:
                    shares[bid.id] = share
            seqs = {bid.id: bid.last(stage).manifest.seq for bid in self.listed()}
            data = canon(
                {
                    "type": "trading.release/v1",
                    "tender": self.id,
                    "stage": stage,
                    "keyset": self.keysets[stage].id,
                    "i": i,
                    "closed": self.closed[stage].hash,
                    "shares": [
                        {"bid": bid, "seq": seqs[bid], "y": None if y is None else b64(y)} for bid, y in shares.items()
                    ],
                }
            )
            sig = [self.world.people[custodian].sign(RELEASE + data)]
            self.files[f"releases/{stage}/{i}.json"] = canon({"release": b64(data), "sig": sig})
            self.log(
                "released", {"kind": "custodian", "id": custodian},
                stage=stage, i=i, release=sha256_hex(data), sig_hash=sig_hash(sig),
            )  # fmt: skip
            self.shares[stage][i] = shares
        self.world.wait()

    def end_window(self, stage: str, missing: Sequence[int]) -> None:
        """Two authorities end the window of a stage."""
        body = {"stage": stage, "missing": list(missing)}
        record = {"type": "trading.window-ended/v1", "subject": self.id, "tender": self.id, **body}
        sig = [signer.sign(record_sig_bytes(record)) for signer in self.world.authorities.values()]
        self.log("window-ended", {"kind": "authority", "id": "A-SUP"}, sig=sig, **body)
        self.ended = {*getattr(self, "ended", ()), stage}

    # ------------------------------------------------------------------------------------------------- opening

    def unseal(self, tamper: Callable[[str, Bid, Opened], Opened] | None = None, stages: Sequence[str] = ()) -> None:
        """Open every listed envelope; ``tamper`` rewrites what is read out."""
        self.done.add("unseal")
        for stage in stages or self.stages:
            for bid in self.to_open(stage):
                handed = bid.last(stage)
                released = {i: given[bid.id] for i, given in self.shares[stage].items() if bid.id in given}
                place = f"bids/{bid.id}/{stage}/{handed.manifest.seq}"
                opened = unseal(
                    handed.manifest, self.files.get(f"{place}/payload"), released, self.keysets[stage], schema=self.schema,
                    window_ended=stage in getattr(self, "ended", ()),
                )  # fmt: skip
                if tamper is not None:
                    opened = tamper(stage, bid, opened)
                self.opened[stage, bid.id] = opened
                unvouched = bid not in self.counted()
                value = opened.json(unvouched=unvouched)
                self.files[f"{place}/opened.json"] = canon(value)
                told = {name: value[name] for name in ("verdict", "at", "opening", "findings", "unvouched")}
                self.log("unsealed", stage=stage, bid=bid.id, seq=handed.manifest.seq, **told)
        self.world.wait()


def _registered(record: Logged) -> bytes:
    return base64.b64decode(record.body["registration"])
