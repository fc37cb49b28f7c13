"""What the people of the town do with their own tools: custodians rehearse and release, bidders seal and hand in."""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from audit.act import pool
from audit.archive import Archive
from audit.canon import b64, sha256_hex, stamp, unb64
from audit.signature import Ed25519Signer
from bidding import custody, hpke, keys
from bidding.envelope import Source, new_bid, seal_envelope
from bidding.keys import Keyset, Statement
from bidding.manifest import Context, Manifest, sign_manifest
from bidding.registrations import REGISTRATION, WITHDRAWAL, write_registration, write_withdrawal
from bidding.sealing import check_before_sealing
from bidding.store import SEGMENT
from bidding.uploads import content_digest
from bidding.view import look
from tests.trading.town import Town
from trading.document_sets import ANSWER, FIELD

SCHEMA = {"price": {"kind": "fen", "min": 1}, "days": {"kind": "int", "min": 1, "max": 3650}}
STAGES = ("form", "documents")


@dataclass
class Custodian:
    id: str
    identity: Ed25519Signer
    private: Any
    statement: Statement | None = None


@dataclass
class Bidder:
    name: str
    code: str
    signer: Ed25519Signer
    bid: str = field(default_factory=new_bid)
    last: dict[str, Manifest] = field(default_factory=dict)
    receipts: dict[str, Any] = field(default_factory=dict)


class Desk:
    """One tender's worth of people."""

    k = 2
    stages: tuple[str, ...] = STAGES
    later: Mapping[str, timedelta] = {}
    """How long after the deadline a stage opens."""
    documents = ""
    """The document set that bids answer, where the tender has documents."""

    def __init__(self, town: Town, tmp: Path) -> None:
        self.town, self.tmp = town, tmp
        tmp.mkdir(parents=True, exist_ok=True)
        self.custodians: list[Custodian] = []
        self.keysets: dict[str, Keyset] = {}
        self.tender = ""
        self.deadline = datetime.now(UTC)

    async def open(
        self,
        *,
        regime: str = "source-law",
        direction: str = "buy",
        baseline: int = 10_000_000,
        terms: Mapping[str, Any] | None = None,
        announce: bool = True,
        **project_: Any,
    ) -> None:
        """Enrol everybody; announce a tender whose deadline is an hour (works, gov: 25 days) away.

        `terms`: further ones of the notice; `project_`: further fields of the project (region, estimate, state_funded).
        """
        town = self.town
        for role in ("tenderee", "operator", "supervisor"):
            if role not in town.tokens:
                await town.enrol(role, role)
        for name, signer in town.custodians.items():
            if name not in town.tokens:
                await town.enrol(name, "custodian", identity=name)
            await self.rehearse(Custodian(name, signer, ec.generate_private_key(ec.SECP256R1())))
        await town.beat()
        project = await town.call(
            "tenderee",
            "POST",
            "/projects",
            201,
            {"title": "新建大道改造工程", "regime": regime, "direction": direction, **project_},
        )
        lot = await town.call(
            "tenderee", "POST", f"/projects/{project['id']}/lots", 201, {"title": "标段一", "baseline": baseline}
        )
        made = await town.call("tenderee", "POST", "/tenders", 201, {"lot": lot["id"]})
        self.tender = made["id"]
        now = datetime.fromisoformat(made["now"])
        self.deadline = now + (timedelta(days=25) if regime in ("works", "gov") else timedelta(hours=1))
        for stage in self.stages:
            self.keysets[stage] = keys.make_keyset(
                [c.statement for c in self.custodians if c.statement],
                origin=town.settings.origin,
                tender=self.tender,
                stage=stage,
                k=self.k,
                opens_at=self.deadline + self.later.get(stage, timedelta()),
            )
        body = {"keysets": {stage: b64(k.data) for stage, k in self.keysets.items()}}
        await town.call("tenderee", "POST", f"/tenders/{self.tender}/keysets", 201, body)
        await town.beat()
        if not announce:
            return
        body = {"deadline": stamp(self.deadline), "opening_schema": SCHEMA, **(terms or {})}
        told = await town.call("tenderee", "POST", f"/tenders/{self.tender}/announcement", 201, body)
        assert told["state"] == "announced"
        await town.beat()

    async def rehearse(self, one: Custodian) -> None:
        town, now = self.town, datetime.now(UTC)
        data = keys.write_statement(
            origin=town.settings.origin,
            custodian=one.id,
            name=one.id,
            pub=hpke.public_bytes(one.private),
            valid_from=now,
            valid_to=now + timedelta(days=30),
        )
        one.statement = Statement.parse(data)
        sha = one.statement.hash
        body = {"statement": b64(data), "sig": [one.identity.sign(keys.STATEMENT + data)]}
        await town.call(one.id, "POST", "/statements", 201, body)
        asked = await town.call(one.id, "POST", f"/statements/{sha}/challenge", 201)
        proof, sig = keys.answer(
            one.statement, one.private, one.identity, bytes.fromhex(asked["challenge"]), unb64(asked["sealed"])
        )
        body = {"challenge": asked["challenge"], "proof": proof.hex(), "sig": sig}
        await town.call(one.id, "POST", f"/statements/{sha}/rehearsal", 201, body)
        self.custodians.append(one)

    # -- bidders -------------------------------------------------------------------------------------------------------

    async def bidder(self, name: str) -> Bidder:
        town = self.town
        code = await town.enrol(name, "bidder")
        one = Bidder(name, code, Ed25519Signer.generate())
        data = write_registration(
            origin=town.settings.origin, bidder=code, alg="EdDSA", key=one.signer.key, by_authority="A-SUP"
        )
        sig = [s.sign(REGISTRATION + data) for s in (one.signer, town.authority)]
        await town.call(name, "POST", "/registrations", 201, {"registration": b64(data), "sig": sig})
        return one

    async def check_kit(self, one: Bidder) -> None:
        """The bidder's tool looks at the sealing kit as envelope.md §2a asks."""
        answer = await self.town.as_(one.name).get(f"/api/v1/tenders/{self.tender}/sealing-kit")
        assert answer.status_code == 200, answer.text
        kit = self._archive(answer.content)
        view = look(kit, self.town.policy, self.town.parties, now=await self.now())
        check_before_sealing(view, kit, tender=self.tender)

    def seal(self, one: Bidder, stage: str, price: int, signer: Ed25519Signer | None = None) -> tuple[bytes, Any, Path]:
        keyset, last = self.keysets[stage], one.last.get(stage)
        out = self.tmp / secrets.token_hex(8)
        files = []
        if stage != "form":
            text = self.tmp / f"{out.name}.txt"
            text.write_bytes(secrets.token_bytes(3000))
            files = [Source(text, "offer.bin", "application/octet-stream")]
        sealed = seal_envelope(
            Context(self.tender, stage, keyset.id, one.code, one.bid, last.seq + 1 if last else 1),
            keyset,
            out,
            files=files,
            opening={"price": price, "days": 90, **self._answers()} if stage == "form" else None,
            schema={**SCHEMA, FIELD: ANSWER} if self.documents else SCHEMA,
            prev=last.hash if last else None,
            created=datetime.now(UTC),
        )
        one.last[stage] = Manifest.parse(sealed.manifest)
        return sealed.manifest, sign_manifest(sealed.manifest, signer or one.signer), out

    def _answers(self) -> dict[str, str]:
        return {FIELD: self.documents} if self.documents else {}

    async def paper(self, who: str, data: bytes | str, media: str = "application/pdf") -> str:
        """Somebody keeps a paper at the centre; its hash."""
        data = data.encode() if isinstance(data, str) else data
        answer = await self.town.as_(who).post("/api/v1/papers", content=data, headers={"Content-Type": media})
        assert answer.status_code == 201, answer.text
        assert answer.json() == {"sha256": sha256_hex(data), "size": len(data)}
        return sha256_hex(data)

    async def upload(self, one: Bidder, payload: Path) -> str:
        data, town = payload.read_bytes(), self.town
        made = await town.call(one.name, "POST", f"/tenders/{self.tender}/uploads", 201, {"size": len(data)})
        for n in made["missing"]:
            segment = data[n * SEGMENT : (n + 1) * SEGMENT]
            answer = await town.as_(one.name).put(
                f"/api/v1/uploads/{made['id']}/segments/{n}",
                content=segment,
                headers={"Content-Digest": content_digest(segment)},
            )
            assert answer.status_code == 204, answer.text
        assert (await town.call(one.name, "GET", f"/uploads/{made['id']}", 200))["complete"]
        return str(made["id"])

    async def body(self, one: Bidder, price: int, stages: tuple[str, ...] = ()) -> dict[str, Any]:
        parts = {}
        for stage in stages or self.stages:
            manifest, sig, payload = self.seal(one, stage, price)
            parts[stage] = {"manifest": b64(manifest), "sig": sig, "upload": await self.upload(one, payload)}
        return {"stages": parts}

    async def hand_in(self, one: Bidder, price: int, stages: tuple[str, ...] = (), expect: int = 201) -> Any:
        body = await self.body(one, price, stages)
        told = await self.town.call(one.name, "POST", f"/tenders/{self.tender}/bids/{one.bid}", expect, body)
        if expect == 201:
            one.receipts.update(told["receipts"])
        return told

    async def withdraw(self, one: Bidder) -> Any:
        data = write_withdrawal(
            tender=self.tender,
            bidder=one.code,
            bid=one.bid,
            lasts={stage: (m.seq, m.hash) for stage, m in one.last.items()},
        )
        body = {"withdrawal": b64(data), "sig": [one.signer.sign(WITHDRAWAL + data)]}
        return await self.town.call(one.name, "POST", f"/tenders/{self.tender}/bids/{one.bid}/withdrawal", 201, body)

    # -- the hour ------------------------------------------------------------------------------------------------------

    async def now(self) -> datetime:
        return datetime.fromisoformat((await self.town.call("public", "GET", f"/tenders/{self.tender}", 200))["now"])

    async def wait(self) -> str:
        """Let the deadline pass and the timers work; the tender's state."""
        await self.town.beat()
        await self.town.push(self.deadline - await self.now() + timedelta(seconds=1))
        await self.town.timers.run_due()
        await self.town.beat()
        return str((await self.town.call("public", "GET", f"/tenders/{self.tender}", 200))["state"])

    async def store(self, stage: str = "documents") -> None:
        """The supervisor copies the larger stage before the first release."""
        answer = await self.town.as_("supervisor").get(f"/api/v1/tenders/{self.tender}/kits/{stage}")
        kit = self._archive(answer.content)
        for name in kit.names:
            if name.startswith("bids/") and f"/{stage}/" in name and name.endswith("manifest.json"):
                sha = sha256_hex(kit.read(name))
                got = await self.town.as_("supervisor").get(f"/api/v1/tenders/{self.tender}/payloads/{sha}")
                assert got.status_code in (200, 404)
        body = {"stage": stage, "missing": []}
        await self.town.call("supervisor", "POST", f"/tenders/{self.tender}/stored", 201, body)
        await self.town.beat()

    async def release(self, one: Custodian, stage: str) -> Any:
        """Look at the kit as a custodian's tool does, and release."""
        answer = await self.town.as_(one.id).get(f"/api/v1/tenders/{self.tender}/kits/{stage}")
        assert answer.status_code == 200, answer.text
        kit = self._archive(answer.content)
        view = look(kit, self.town.policy, self.town.parties, now=await self.now())
        assert one.statement is not None
        checked = custody.check_kit(view, kit, tender=self.tender, stage=stage, own=[one.statement])
        data, sig = custody.make_release(checked, one.private, one.identity)
        body = {"stage": stage, "release": b64(data), "sig": sig}
        return await self.town.call(one.id, "POST", f"/tenders/{self.tender}/releases", 201, body)

    async def open_boxes(self, custodians: int = 3) -> Any:
        await self.store()
        for one in self.custodians[:custodians]:
            for stage in self.stages:
                await self.release(one, stage)
        await self.town.timers.run_due()
        await self.town.beat()
        return await self.town.call("public", "GET", f"/tenders/{self.tender}", 200)

    async def archive(self, who: str = "operator") -> dict[str, Path]:
        """Archive, download both editions."""
        town = self.town
        path, answer = f"/api/v1/tenders/{self.tender}/archive", None
        for _ in range(9):  # as many beats as it takes until the log covers the last record
            answer = await town.as_(who).post(path)
            if answer.status_code == 201:
                break
            assert answer.status_code == 409 and answer.json()["code"] == "E-PENDING", answer.text
            await town.beat()
        assert answer is not None and answer.status_code == 201
        made = answer.json()
        found = {}
        for edition, digest in made["editions"].items():
            reader = "public" if edition == "public" else "supervisor"
            answer = await town.as_(reader).get(f"/api/v1/tenders/{self.tender}/archive/{edition}")
            assert sha256_hex(answer.content) == digest
            found[edition] = self.tmp / f"{self.tender}.{edition}.zip"
            found[edition].write_bytes(answer.content)
        return found

    # -- after the opening ---------------------------------------------------------------------------------------------

    async def post(self, who: str, path: str, expect: int = 201, body: Any = None) -> Any:
        """One act on this tender."""
        return await self.town.call(who, "POST", f"/tenders/{self.tender}/{path}", expect, body)

    async def state(self) -> str:
        return str((await self.town.call("public", "GET", f"/tenders/{self.tender}", 200))["state"])

    async def covered(self) -> None:
        """As many beats as it takes until the log has everything that happened."""
        waiting = "SELECT count(*) FROM log_record r WHERE NOT EXISTS (SELECT 1 FROM log_leaf l WHERE l.record = r.id)"
        await self.town.beat()
        while await pool().fetchval(waiting):
            await self.town.beat()

    async def days(self, count: float) -> None:
        """Let days pass, and what is due meanwhile happen."""
        await self.covered()
        await self.town.push(timedelta(days=count))
        await self.town.timers.run_due()
        await self.covered()

    async def report(self) -> Any:
        """The committee reports."""
        return await self.post("tenderee", "report", 201, {"report": await self.paper("tenderee", "评标报告")})

    async def candidates(self) -> Any:
        """The report, then the candidates."""
        await self.report()
        return await self.post("tenderee", "candidates")

    async def award(self, after: float = 0) -> Any:
        """So many days of publicity, then the award."""
        if after:
            await self.days(after)
        return await self.post("tenderee", "award", 201, {})

    async def settle(self) -> None:
        """From the deadline to the archive, without a committee: where the source's law has none."""
        await self.wait()
        await self.open_boxes()
        await self.post("tenderee", "candidates")
        await self.award()
        await self.archive()

    async def fail(self, reason: str) -> Any:
        """Nobody wins, and it is said why."""
        return await self.post("tenderee", "failure", 201, {"reason": reason})

    async def notify(self) -> Any:
        """The award letter."""
        return await self.post("tenderee", "notification", 201, {"letter": await self.paper("tenderee", "中标通知书")})

    async def sign(self, amount: int, expect: int = 201, **more: Any) -> Any:
        """The contract."""
        body = {"contract": await self.paper("tenderee", "合同"), "amount": amount, **more}
        return await self.post("tenderee", "contract", expect, body)

    async def conclude(self, amount: int, regime: str) -> None:
        """What the regime asks for from the award to the archive, in time."""
        await self.notify()
        await self.sign(amount)
        if regime == "gov":
            await self.post("tenderee", "contract/publication")
            await self.post("tenderee", "contract/filing")
        else:
            await self.post("tenderee", "report/filing", 201, {"report": await self.paper("tenderee", "书面报告")})

    async def refund(self, firms: Sequence[Bidder], amount: int, winner: str) -> Any:
        """Every security goes back with its interest, and the ledger is settled."""
        for firm in firms:
            reason = "won" if firm.code == winner else "lost"
            body = {"bidder": firm.code, "amount": amount, "reason": reason, "rate": "0.0035"}
            await self.post("tenderee", "securities/returns", 201, body)
        return await self.post("tenderee", "securities/settlement")

    def _archive(self, data: bytes) -> Any:
        path = self.tmp / f"{secrets.token_hex(8)}.zip"
        path.write_bytes(data)
        return Archive.open(path)


__all__ = ["SCHEMA", "STAGES", "Bidder", "Custodian", "Desk", "io"]
