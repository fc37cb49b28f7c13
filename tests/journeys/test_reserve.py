"""The reserve price in its own envelope: secret until the bids are opened, read with them, and kept by whoever sells."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from audit.canon import b64, stamp
from audit.signature import Ed25519Signer
from bidding import keys
from bidding.envelope import seal_envelope
from bidding.manifest import Context, Manifest, sign_manifest
from bidding.registrations import REGISTRATION, write_registration
from tests.journeys.court import judge, records
from tests.trading.desk import SCHEMA, Bidder, Desk
from trading import reserves


class Vault(Desk):
    """The reserve box of a desk's tender: the same custodians, one stage, and only the tenderee hands in."""

    stages = ("form",)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.town, desk.tmp / "vault")
        self.main, self.custodians, self.deadline = desk, desk.custodians, desk.deadline

    async def make(self) -> Vault:
        lot = self.main.tender.rpartition("@")[0]
        made = await self.town.call("tenderee", "POST", "/tenders", 201, {"lot": lot, "kind": "reserve"})
        self.tender = made["id"]
        self.keysets["form"] = keys.make_keyset(
            [c.statement for c in self.custodians if c.statement],
            origin=self.town.settings.origin, tender=self.tender, stage="form", k=self.k, opens_at=self.deadline,
        )  # fmt: skip
        body = {"keysets": {"form": b64(self.keysets["form"].data)}}
        await self.town.call("tenderee", "POST", f"/tenders/{self.tender}/keysets", 201, body)
        await self.town.beat()
        return self

    async def seller(self) -> Bidder:
        """The tenderee's own person who seals the reserve price, with a key that an authority vouches for."""
        code = self.town.codes["tenderee"]
        await self.town.enrol("出让方", "bidder", code=code)
        one = Bidder("出让方", code, Ed25519Signer.generate())
        data = write_registration(
            origin=self.town.settings.origin, bidder=code, alg="EdDSA", key=one.signer.key, by_authority="A-SUP"
        )
        sig = [s.sign(REGISTRATION + data) for s in (one.signer, self.town.authority)]
        await self.town.call("出让方", "POST", "/registrations", 201, {"registration": b64(data), "sig": sig})
        return one

    def seal(self, one: Bidder, stage: str, price: int, signer: Any = None) -> tuple[bytes, Any, Path]:
        keyset, last, out = self.keysets[stage], one.last.get(stage), self.tmp / f"{one.bid}.{price}"
        sealed = seal_envelope(
            Context(self.tender, stage, keyset.id, one.code, one.bid, last.seq + 1 if last else 1),
            keyset, out, opening={"price": price}, schema=reserves.SCHEMA, prev=last.hash if last else None,
            created=self.deadline,
        )  # fmt: skip
        one.last[stage] = Manifest.parse(sealed.manifest)
        return sealed.manifest, sign_manifest(sealed.manifest, one.signer), out

    async def read(self) -> Any:
        """Custodians release, the timer opens."""
        for one in self.custodians[:2]:
            await self.release(one, "form")
        await self.town.timers.run_due()
        await self.town.beat()
        return await self.town.call("public", "GET", f"/tenders/{self.tender}", 200)


async def announce(desk: Desk, *, direction: str = "sell", **terms: Any) -> Vault:
    """A tender whose notice names a reserve box."""
    await desk.open(direction=direction, baseline=5_000_000, announce=False)
    vault = await Vault(desk).make()
    body = {"deadline": stamp(desk.deadline), "opening_schema": SCHEMA, "reserve": vault.tender, **terms}
    told = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/announcement", 201, body)
    assert told["state"] == "announced"
    await desk.town.beat()
    return vault


async def test_nobody_knows_it_before_and_nothing_is_sold_below_it(desk: Desk) -> None:
    vault = await announce(desk)
    seller = await vault.seller()
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    assert (await vault.hand_in(firms[0], 1, expect=409))["code"] == "E-RESERVE"  # nobody else fills this box
    firms[0].last, firms[0].receipts = {}, {}
    await vault.hand_in(seller, 9_000_000)
    await vault.hand_in(seller, 6_000_000)  # until the deadline the seller may think again
    for firm, price in zip(firms, (6_500_000, 5_900_000), strict=True):
        await desk.hand_in(firm, price)

    # Both boxes move together.
    later = desk.deadline + timedelta(hours=2)
    body = {"deadline": stamp(later), "reason": "clarification"}
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/deadline", 200, body)
    moved = await desk.town.call("public", "GET", f"/tenders/{vault.tender}", 200)
    assert datetime.fromisoformat(moved["deadline"]) == later
    shown = (await desk.town.call("public", "GET", "/tenders", 200))["items"]
    assert [one["id"] for one in shown] == [desk.tender]  # it is no tender for anybody to bid in
    desk.deadline = vault.deadline = later

    assert await desk.wait() == "closed"
    await desk.open_boxes()
    no = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 409)
    assert no["code"] == "E-UNOPENED"  # nobody is ranked before it is read
    assert [bid["price"] for bid in (await vault.read())["bids"]] == [6_000_000]
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert (won["bidder"], won["price"]) == (firms[0].code, 6_500_000)
    await judge(desk, *firms)
    await judge(vault, seller)


async def test_when_every_offer_is_below_it_nothing_is_sold(desk: Desk) -> None:
    vault = await announce(desk)
    seller, firm = await vault.seller(), await desk.bidder("安和")
    await vault.hand_in(seller, 6_000_000)
    await desk.hand_in(firm, 5_999_999)  # above the announced lowest price, below the sealed one
    await desk.wait()
    await desk.open_boxes()
    await vault.read()
    path = f"/tenders/{desk.tender}"
    no = await desk.town.call("tenderee", "POST", f"{path}/candidates", 409)
    assert no["code"] == "E-UNDER-FLOOR"
    await desk.town.call("tenderee", "POST", f"{path}/failure", 201, {"reason": "no_candidate"})
    await judge(desk, firm)


async def test_without_one_the_announced_lowest_price_is_all_that_binds(desk: Desk) -> None:
    vault = await announce(desk)
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 5_000_001)
    await desk.wait()
    assert (await desk.town.call("public", "GET", f"/tenders/{vault.tender}", 200))["state"] == "shut"
    await desk.open_boxes()
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await judge(desk, firm)


async def test_it_stays_secret_when_the_bids_stay_shut(desk: Desk) -> None:
    vault = await announce(desk, min_bids=2)
    seller, firm = await vault.seller(), await desk.bidder("安和")
    await vault.hand_in(seller, 6_000_000)
    await desk.hand_in(firm, 7_000_000)
    assert await desk.wait() == "shut"
    assert (await desk.town.call("public", "GET", f"/tenders/{vault.tender}", 200))["opens"] is False
    [given_up] = await records("abandoned")
    assert (given_up["tender"], given_up["reason"]) == (vault.tender, "shut")
    assert {r["tender"]: r["opens"] for r in await records("closed")} == {desk.tender: False, vault.tender: False}
    await judge(desk, firm)
    await judge(vault, seller)


async def test_it_is_given_up_with_its_tender(desk: Desk) -> None:
    vault = await announce(desk)
    seller = await vault.seller()
    await vault.hand_in(seller, 6_000_000)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/termination", 201, {"reason": "tenderee"})
    await desk.town.beat()
    for one in (desk, vault):
        told = await desk.town.call("public", "GET", f"/tenders/{one.tender}", 200)
        assert (told["state"], told["opens"]) == ("terminated", False)
    path = f"/tenders/{vault.tender}/uploads"
    assert (await desk.town.call("出让方", "POST", path, 409, {"size": 65_672}))["code"] == "E-ABANDONED"
    assert {r["reason"] for r in await records("abandoned")} == {"tenderee"}
    assert not any(r["opens"] for r in await records("closed"))


async def test_a_buyers_base_price_is_read_and_rejects_nobody(desk: Desk) -> None:
    vault = await announce(desk, direction="buy")
    seller, firm = await vault.seller(), await desk.bidder("安和")
    await vault.hand_in(seller, 4_000_000)
    await desk.hand_in(firm, 4_900_000)
    await desk.wait()
    await desk.open_boxes()
    await vault.read()
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert won["price"] == 4_900_000
    await judge(desk, firm)
