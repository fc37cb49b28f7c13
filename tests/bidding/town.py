"""A town with a log, custodians and bidders: real rows, real files, real envelopes, and a clock that can be moved.

The only fake is the clock: the test's owner replaces `log_now()` by one with an offset.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.asymmetric import ec

from audit.act import Act, Actor, acting, pool
from audit.canon import stamp
from audit.trust import Ed25519Signer, Identities, Parties, Vkey, record_sig_bytes
from bidding import boxes, closing, custodians, hpke, keys, refusals, signers
from bidding.envelope import Source, new_bid, seal_envelope
from bidding.keys import Keyset, Statement
from bidding.manifest import Context, Manifest, sign_manifest
from bidding.registrations import REGISTRATION, WITHDRAWAL, write_registration, write_withdrawal
from bidding.store import SEGMENT, Store
from bidding.uploads import Uploads, content_digest

ORIGIN = "demo.test/log"
TENDER = "L-1@7"
STAGES = ("documents", "form")
SCHEMA = {"price": {"kind": "fen", "min": 1}}

CLOCK = """
CREATE TABLE test_clock (shift interval NOT NULL);
INSERT INTO test_clock VALUES ('0');
GRANT SELECT, UPDATE ON test_clock TO PUBLIC;
CREATE OR REPLACE FUNCTION log_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT clock_timestamp() + (SELECT shift FROM test_clock) $$;
"""


@dataclass
class Custodian:
    """A custodian with an identity key and an encryption key that guards a month."""

    id: str
    identity: Ed25519Signer
    private: ec.EllipticCurvePrivateKey
    statement: Statement | None = None


@dataclass
class Bidder:
    """A bidder with one signing key, vouched by the authority unless said otherwise."""

    id: str
    signer: Ed25519Signer
    bid: str = field(default_factory=new_bid)
    last: dict[str, Manifest] = field(default_factory=dict)


@dataclass
class Parcel:
    """One stage, sealed: what `submit` would send."""

    manifest: bytes
    sig: list[dict[str, Any]]
    payload: Path


class Town:
    """Everything a test needs to hand in bids, close and open."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.store = Store(tmp / "store")
        self.uploads = Uploads(self.store)
        self.authority, self.second = Ed25519Signer.generate(), Ed25519Signer.generate()
        self.tenderee = Ed25519Signer.generate()
        self.custodians = [
            Custodian(name, Ed25519Signer.generate(), ec.generate_private_key(ec.SECP256R1()))
            for name in ("C-SUP", "C-TEN", "C-NOT")
        ]
        lines = [f"authority A-SUP {self._vkey('A-SUP', self.authority)} 2020-01-01T00:00:00.000000Z -"]
        lines += [f"authority A-AUD {self._vkey('A-AUD', self.second)} 2020-01-01T00:00:00.000000Z -"]
        lines += [
            f"custodian {c.id} {self._vkey(c.id, c.identity)} 2020-01-01T00:00:00.000000Z -" for c in self.custodians
        ]
        self.parties = Parties.parse(("\n".join(lines) + "\n").encode())
        since = datetime(2026, 1, 1, tzinfo=UTC)
        vouching: dict[str, Any] = {
            "type": "trading.identity-vouched/v1",
            "subject": "P-TEN",
            "id": "P-TEN",
            "role": "tenderee",
            "vkey": self._vkey("P-TEN", self.tenderee),
            "from": stamp(since),
            "until": None,
            "by": "A-SUP",
        }
        vouching["sig"] = [self.authority.sign(record_sig_bytes(vouching))]
        vouching |= {"actor": {"kind": "authority", "id": "A-SUP"}, "time": stamp(since)}
        self.identities = Identities(self.parties, [vouching])
        self.keysets: dict[str, Keyset] = {}
        self.deadline = datetime.now(UTC)

    @staticmethod
    def _vkey(name: str, signer: Ed25519Signer) -> str:
        return str(Vkey(name, 1, signer.key))

    # The platform's side

    async def found(self, owner_dsn: str) -> Town:
        """Move in: a clock that can be moved, three custodians who have rehearsed."""
        owner = await asyncpg.connect(owner_dsn)
        await owner.execute(CLOCK)
        await owner.close()
        for custodian in self.custodians:
            await self.enrol(custodian)
        return self

    async def enrol(self, custodian: Custodian) -> None:
        now = datetime.now(UTC)
        data = keys.write_statement(
            origin=ORIGIN,
            custodian=custodian.id,
            name=custodian.id.lower(),
            pub=hpke.public_bytes(custodian.private),
            valid_from=now - timedelta(days=1),
            valid_to=now + timedelta(days=30),
        )
        custodian.statement = Statement.parse(data)
        sig = [custodian.identity.sign(keys.STATEMENT + data)]
        async with acting(Actor("custodian", custodian.id)) as act:
            await custodians.enrol(act, statement=data, sig=sig, identities=self.identities, origin=ORIGIN)
        asked = await custodians.challenge(custodian.statement.hash)
        proof, sig = keys.answer(
            custodian.statement, custodian.private, custodian.identity, asked.challenge, asked.sealed
        )
        async with acting(Actor("custodian", custodian.id)) as act:
            await custodians.rehearse(
                act,
                sha=custodian.statement.hash,
                challenge=asked.challenge,
                proof=proof,
                sig=sig,
                identities=self.identities,
            )

    async def announce(
        self,
        *,
        hours: float = 1,
        min_bids: int = 2,
        tender: str = TENDER,
        stages: Sequence[str] = STAGES,
        later: Mapping[str, timedelta] | None = None,
    ) -> None:
        """Make key sets and boxes; the deadline is `hours` from now, a stage in `later` opens so much after it."""
        self.deadline = datetime.now(UTC) + timedelta(hours=hours)
        self.keysets = {}
        async with acting(Actor("operator", "centre")) as act:
            for stage in stages:
                data = await custodians.build_keyset(
                    tender=tender,
                    stage=stage,
                    k=2,
                    opens_at=self.deadline + (later or {}).get(stage, timedelta()),
                    statements=[c.statement.hash for c in self.custodians if c.statement],
                    origin=ORIGIN,
                )
                await custodians.make_keyset(act, tender=tender, stage=stage, keyset=data, origin=ORIGIN)
                self.keysets[stage] = Keyset.parse(data)
            await boxes.make(
                act,
                tender=tender,
                keysets={stage: keyset.id for stage, keyset in self.keysets.items()},
                deadline=self.deadline,
                min_bids=min_bids,
                opening_schema=SCHEMA,
            )

    async def shift(self, by: timedelta) -> None:
        """Move the database's clock on."""
        await (await pool()).execute("UPDATE test_clock SET shift = shift + $1::interval", by)

    async def close(self, tender: str = TENDER) -> list[closing.Closing]:
        async with acting(Actor("timer", "closing")) as act:
            return await closing.close(act, tender=tender)

    # A bidder's side

    async def bidder(self, id: str, *, vouched: bool = True) -> Bidder:
        """Somebody with a registered key."""
        somebody = Bidder(id, Ed25519Signer.generate())
        await self.register(somebody.id, somebody.signer, by=self.authority if vouched else None)
        return somebody

    async def register(
        self, bidder: str, key: Ed25519Signer, *, by: Ed25519Signer | None = None, authority: bool = True
    ) -> None:
        data = write_registration(
            origin=ORIGIN,
            bidder=bidder,
            alg="EdDSA",
            key=key.key,
            by_authority="A-SUP" if by is not None and authority else None,
            by_key=by.key if by is not None and not authority else None,
        )
        sig = [one.sign(REGISTRATION + data) for one in (key, by) if one is not None]
        async with acting(Actor("bidder", bidder)) as act:
            await signers.register(act, bidder=bidder, registration=data, sig=sig, parties=self.parties, origin=ORIGIN)

    def seal(
        self,
        bidder: Bidder,
        stage: str,
        /,
        *,
        price: int = 100,
        text: bytes = b"our offer",
        signer: Ed25519Signer | None = None,
        **changes: Any,
    ) -> Parcel:
        """Seal one stage on the bidder's own machine, following its last envelope there."""
        keyset, last = self.keysets[stage], bidder.last.get(stage)
        values = {
            "tender": keyset.tender,
            "stage": stage,
            "keyset": keyset.id,
            "bidder": bidder.id,
            "bid": bidder.bid,
            "seq": last.seq + 1 if last else 1,
        } | changes
        out = self.tmp / f"{os.urandom(8).hex()}.payload"
        files: list[Source] = []
        if stage != "form":
            (self.tmp / f"{out.stem}.txt").write_bytes(text)
            files = [Source(self.tmp / f"{out.stem}.txt", "offer.txt", "text/plain")]
        sealed = seal_envelope(
            Context(**values),
            keyset,
            out,
            files=files,
            opening={"price": price} if stage == "form" else None,
            schema=SCHEMA,
            prev=last.hash if last else None,
            created=datetime.now(UTC),
        )
        return Parcel(sealed.manifest, sign_manifest(sealed.manifest, signer or bidder.signer), out)

    async def upload(self, bidder: Bidder, payload: Path, tender: str = TENDER) -> str:
        data = payload.read_bytes()
        made = await self.uploads.create(tender, bidder.id, len(data))
        for n in range(made.segments):
            segment = data[n * SEGMENT : (n + 1) * SEGMENT]
            await self.uploads.put(made.id, bidder.id, n, once(segment), content_digest(segment))
        return made.id

    async def parcels(self, bidder: Bidder, parcels: Mapping[str, Parcel]) -> dict[str, boxes.Submission]:
        return {
            stage: boxes.Submission(p.manifest, p.sig, await self.upload(bidder, p.payload))
            for stage, p in parcels.items()
        }

    async def submit(
        self, bidder: Bidder, submissions: Mapping[str, boxes.Submission], *, tender: str = TENDER
    ) -> list[boxes.Deposit]:
        """One request, as the use case makes it: refused ones are recorded in an act of their own."""
        actor = Actor("bidder", bidder.id)
        try:
            async with acting(actor, clock=False) as act:
                made = await boxes.deposit(act, tender=tender, bidder=bidder.id, bid=bidder.bid, stages=submissions)
        except refusals.Refused as no:
            if await refusals.to_be_recorded(no):
                async with acting(actor) as act:
                    await refusals.refuse(act, no)
            raise
        await boxes.erase_due(self.store, tender)
        for one in made:
            bidder.last[one.stage] = Manifest.parse(submissions[one.stage].manifest)
        return made

    async def hand_in(self, bidder: Bidder, *stages: str, **how: Any) -> list[boxes.Deposit]:
        """Seal, upload and submit."""
        parcels = {stage: self.seal(bidder, stage, **how) for stage in stages or tuple(self.keysets)}
        return await self.submit(bidder, await self.parcels(bidder, parcels))

    async def withdraw(self, bidder: Bidder, signer: Ed25519Signer | None = None) -> None:
        data = write_withdrawal(
            tender=TENDER,
            bidder=bidder.id,
            bid=bidder.bid,
            lasts={stage: (manifest.seq, manifest.hash) for stage, manifest in bidder.last.items()},
        )
        sig = [(signer or bidder.signer).sign(WITHDRAWAL + data)]
        async with acting(Actor("bidder", bidder.id), clock=False) as act:
            await boxes.withdraw(act, tender=TENDER, bidder=bidder.id, bid=bidder.bid, withdrawal=data, sig=sig)
        await boxes.erase_due(self.store)

    async def records(self, type: str) -> list[dict[str, Any]]:
        """What the log holds of one type."""
        from audit.canon import parse

        rows = await (await pool()).fetch("SELECT record FROM log_record WHERE type = $1 ORDER BY id", type)
        return [parse(row["record"]) for row in rows]


async def once(data: bytes) -> Any:
    """A request body."""
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


__all__ = ["SCHEMA", "STAGES", "TENDER", "Act", "Bidder", "Custodian", "Town", "once", "stamp"]
