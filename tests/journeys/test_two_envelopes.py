"""Two envelopes: the technical bids first, the prices at their later hour, and only of those whom both hands admitted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.archive import Archive
from audit.canon import b64, stamp
from audit.refusal import Refused
from audit.signature import Ed25519Signer
from audit.trust import Vkey, record_sig_bytes
from bidding import custody
from bidding.view import look
from tests.journeys.court import judge, records, verdicts
from tests.trading.desk import Bidder, Custodian, Desk
from tests.trading.town import SINCE, Town
from trading.tools import settlement

LATER = timedelta(hours=5)


class TwoEnvelopes(Desk):
    stages = ("technical", "form")
    later = {"form": LATER}

    async def people(self) -> None:
        """The tenderee has an identity key that the authority vouches for: two hands are needed later."""
        self.tenderee = Ed25519Signer.generate()
        await self.town.enrol("tenderee", "tenderee", identity="P-TEN")
        await self.town.enrol("supervisor", "supervisor")
        record: dict[str, Any] = {
            "type": "trading.identity-vouched/v1", "subject": "P-TEN", "id": "P-TEN", "role": "tenderee",
            "vkey": str(Vkey("P-TEN", 1, self.tenderee.key)), "from": SINCE, "until": None, "by": "A-SUP",
        }  # fmt: skip
        sig = [self.town.authority.sign(record_sig_bytes(record))]
        body = {name: record[name] for name in ("id", "role", "vkey", "from", "until", "by")} | {"sig": sig}
        await self.town.call("supervisor", "POST", "/identities", 201, body)

    def admission(self, *admitted: Bidder) -> dict[str, Any]:
        """What the tenderee and the authority sign."""
        drafted = settlement.draft(self.tender, "form", [one.bid for one in admitted])
        first = settlement.read(settlement.write(settlement.sign(drafted, self.tenderee)))
        return settlement.sign(first, self.town.authority)

    async def settle(self, paper: dict[str, Any], expect: int = 201) -> Any:
        body = {name: paper[name] for name in ("stage", "admitted", "sheets", "sig")}
        told = await self.town.call("tenderee", "POST", f"/tenders/{self.tender}/settlements", expect, body)
        await self.town.beat()
        return told

    async def due(self, one: Custodian) -> dict[str, str]:
        items = (await self.town.call(one.id, "GET", "/custody", 200))["items"]
        return {item["stage"]: item["state"] for item in items if item["tender"] == self.tender}

    async def tick(self) -> Any:
        await self.town.timers.run_due()
        await self.town.beat()
        return await self.town.call("public", "GET", f"/tenders/{self.tender}", 200)

    async def open_technical(self) -> Any:
        await self.store("technical")
        for one in self.custodians[:2]:
            await self.release(one, "technical")
        return await self.tick()


@pytest.fixture
async def desk(place: Town, tmp_path: Path) -> TwoEnvelopes:
    made = TwoEnvelopes(place, tmp_path / "desk")
    await made.people()
    return made


async def test_prices_open_later_and_only_of_those_admitted(desk: TwoEnvelopes) -> None:
    await desk.open()
    firms = {name: await desk.bidder(name) for name in ("安和", "赣江", "博远")}
    for firm, price in zip(firms.values(), (9_000_000, 8_000_000, 7_000_000), strict=True):
        await desk.hand_in(firm, price)
    assert await desk.wait() == "closed"
    assert (await desk.settle(desk.admission(firms["安和"]), 409))["code"] in ("W-STATE", "E-STAGE", "E-UNOPENED")
    assert await desk.due(desk.custodians[0]) == {"technical": "due", "form": "waiting"}

    opened = await desk.open_technical()
    assert opened["state"] == "opened"
    assert verdicts(opened, firms, "technical") == {"安和": "OK", "赣江": "OK", "博远": "OK"}
    assert [bid["price"] for bid in opened["bids"]] == [None, None, None]
    page = await desk.town.as_("public").get(f"/t/{desk.tender}")
    assert page.status_code == 200 and "Prices follow at their later hour" in page.text
    no = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 409)
    assert no["code"] == "E-SETTLED"
    no = await desk.post("tenderee", "failure", 409, {"reason": "all_rejected"})
    assert no["code"] == "E-NOT-FAILED" and no["facts"]["count"] == 3  # their prices are shut, and they stand

    # Nobody is due while nobody is admitted, whatever the hour: no custodian's tool releases a price.
    await desk.town.push(LATER)
    await desk.tick()
    assert await desk.due(desk.custodians[0]) == {"technical": "released", "form": "waiting"}
    with pytest.raises(Refused, match="C-SETTLED"):
        await desk.release(desk.custodians[0], "form")
    assert not [r for r in await records("alert-raised") if r.get("code") == "T-WINDOW" and "form" in str(r)]

    # One hand is not enough; two are.
    paper = desk.admission(firms["安和"], firms["赣江"])
    assert (await desk.settle({**paper, "sig": paper["sig"][:1]}, 409))["code"] == "E-SIG"
    await desk.settle(paper)
    assert await desk.due(desk.custodians[0]) == {"technical": "released", "form": "due"}
    for one in desk.custodians[:2]:
        await desk.release(one, "form")
    opened = await desk.tick()
    prices = {bid["bid"]: bid["price"] for bid in opened["bids"]}
    assert prices == {firms["安和"].bid: 9_000_000, firms["赣江"].bid: 8_000_000, firms["博远"].bid: None}

    # The lowest price of all was never read by anybody.
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert (won["bidder"], won["price"]) == (firms["赣江"].code, 8_000_000)
    paths = await judge(desk, *firms.values())
    with Archive.open(paths["supervision"]) as archive:
        shut = [name for name in archive.names if name.startswith(f"bids/{firms['博远'].bid}/form/")]
    assert [name.rpartition("/")[2] for name in shut] == ["manifest.json", "sig.json"]


async def test_a_moved_deadline_does_not_open_prices_with_the_technical_bids(desk: TwoEnvelopes) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    await desk.hand_in(firms[0], 9_000_000)
    moved = desk.deadline + LATER + timedelta(hours=1)  # past the hour at which the prices would have opened
    body = {"deadline": stamp(moved), "reason": "clarification"}
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/deadline", 200, body)
    await desk.hand_in(firms[1], 8_000_000)
    desk.deadline = moved
    assert await desk.wait() == "closed"
    with pytest.raises(Refused, match="C-SETTLED"):
        await desk.release(desk.custodians[0], "form")
    assert (await desk.open_technical())["state"] == "opened"
    await desk.settle(desk.admission(*firms))
    for one in desk.custodians[:2]:
        await desk.release(one, "form")
    opened = await desk.tick()
    assert sorted(bid["price"] for bid in opened["bids"]) == [8_000_000, 9_000_000]  # the early one is still valid
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await judge(desk, *firms)


async def test_whoever_is_void_in_the_first_envelope_cannot_be_admitted(desk: TwoEnvelopes) -> None:
    await desk.open()
    firm, other = await desk.bidder("安和"), await desk.bidder("赣江")
    await desk.hand_in(firm, 9_000_000)
    await desk.hand_in(other, 8_000_000)
    await desk.wait()
    await desk.open_technical()
    stranger = settlement.draft(desk.tender, "form", ["0" * 32])
    signed = settlement.sign(settlement.sign(stranger, desk.tenderee), desk.town.authority)
    assert (await desk.settle(signed, 409))["code"] == "E-LIST"
    await desk.settle(desk.admission(firm))
    assert (await desk.settle(desk.admission(firm, other), 409))["code"] == "E-SETTLED"  # once, for ever

    # A custodian who signs a share for the one who was not admitted: the platform takes no such release.
    await desk.town.push(LATER)
    await desk.tick()
    one = desk.custodians[0]
    answer = await desk.town.as_(one.id).get(f"/api/v1/tenders/{desk.tender}/kits/form")
    kit = desk._archive(answer.content)
    view = look(kit, desk.town.policy, desk.town.parties, now=await desk.now())
    assert one.statement is not None
    checked = custody.check_kit(view, kit, tender=desk.tender, stage="form", own=[one.statement])
    assert [manifest.bid for manifest in checked.listed] == [firm.bid]
    everybody = tuple(entry.manifest for entry in checked.tally.stages["form"].listed)
    greedy = custody.CheckedClosing(
        checked.keyset, checked.i, checked.closed, everybody, checked.tally, checked.hour, checked.findings
    )
    data, sig = custody.make_release(greedy, one.private, one.identity)
    body = {"stage": "form", "release": b64(data), "sig": sig}
    no = await desk.town.call(one.id, "POST", f"/tenders/{desk.tender}/releases", 409, body)
    assert no["code"] == "E-RELEASE"
