"""A bidder whose signing key is lost before the deadline registers another and seals again; after it nothing is lost."""

from __future__ import annotations

from audit.canon import b64
from audit.signature import Ed25519Signer
from bidding.registrations import REGISTRATION, write_registration
from tests.journeys.court import judge
from tests.trading.desk import Bidder, Desk


async def register(desk: Desk, firm: Bidder, new: Ed25519Signer, vouched: bool) -> None:
    """A new key under the firm's name: by the authority, or by nobody but itself."""
    by = {"by_authority": "A-SUP"} if vouched else {}
    data = write_registration(origin=desk.town.settings.origin, bidder=firm.code, alg="EdDSA", key=new.key, **by)
    sig = [one.sign(REGISTRATION + data) for one in ((new, desk.town.authority) if vouched else (new,))]
    await desk.town.call(firm.name, "POST", "/registrations", 201, {"registration": b64(data), "sig": sig})


async def test_the_bid_is_replaced_under_a_new_key_that_the_authority_vouches_for(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    for firm in firms:
        await desk.hand_in(firm, 9_000_000)
    lost, firm = firms[0].signer, firms[0]

    # A key nobody vouches for cannot carry on the bid, whoever holds the firm's token.
    firm.signer = Ed25519Signer.generate()
    await register(desk, firm, firm.signer, vouched=False)
    kept = dict(firm.last)
    assert (await desk.hand_in(firm, 1_000_000, ("form",), 409))["code"] == "E-SIGNER"

    firm.last, firm.signer = kept, Ed25519Signer.generate()
    await register(desk, firm, firm.signer, vouched=True)
    await desk.hand_in(firm, 8_000_000)
    assert firm.signer.key != lost.key

    await desk.wait()
    opened = await desk.open_boxes()
    prices = {bid["bid"]: (bid["price"], bid["unvouched"]) for bid in opened["bids"]}
    assert prices == {firm.bid: (8_000_000, False), firms[1].bid: (9_000_000, False)}
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert (won["bidder"], won["price"]) == (firm.code, 8_000_000)
    await judge(desk, *firms)


async def test_after_the_deadline_a_lost_key_costs_nothing(desk: Desk) -> None:
    await desk.open()
    firm = await desk.bidder("安和")
    await desk.hand_in(firm, 9_000_000)
    await desk.wait()
    del firm.signer  # nobody asks the bidder for anything any more
    opened = await desk.open_boxes()
    assert [bid["price"] for bid in opened["bids"]] == [9_000_000]
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await judge(desk, firm)
