"""The online auction 网上竞价: join, open, bid, close, and watch it live."""

from __future__ import annotations

from sse_starlette import EventSourceResponse

from trading import auctions, saleroom
from trading.law.bidding_rounds import Reserve
from trading.web import models as m
from trading.web import models_auctions as a
from trading.web.api import Answer, Call, operation
from trading.web.origin import address
from trading.web.streams import PING


@operation("POST", "/tenders/{tender}/auction/bidders", body=a.JoinAuction, answer=a.AuctionReceipt, status=201)
async def join_auction(call: Call) -> a.AuctionReceipt:
    """Take part in the auction of an opened tender, under a key made for it."""
    new = call.taken(a.JoinAuction)
    told = await auctions.join(
        call.platform, call.caller, call.path["tender"], bid=new.bid, key=new.key,
        sig=[one.model_dump(exclude_none=True) for one in new.sig],
    )  # fmt: skip
    return a.AuctionReceipt.model_validate(told)


@operation("POST", "/tenders/{tender}/auction", body=a.NewAuction, answer=m.Recorded, status=201)
async def open_auction(call: Call) -> m.Recorded:
    """Open the rounds: numbers are drawn, the start is the highest sealed price."""
    new = call.taken(a.NewAuction)
    return m.Recorded(**await auctions.begin(call.caller, call.path["tender"], **new.model_dump()))


@operation("POST", "/tenders/{tender}/auction/resumption", body=a.ResumeAuction, answer=m.Recorded, status=201)
async def resume_auction(call: Call) -> m.Recorded:
    """Let rounds go on that a suspension stopped, when it is over."""
    new = call.taken(a.ResumeAuction)
    return m.Recorded(**await auctions.resume(call.platform, call.caller, call.path["tender"], new.opens, new.hammer))


@operation("GET", "/tenders/{tender}/auction", answer=a.Auction)
async def get_auction(call: Call) -> a.Auction:
    """Where an auction stands; after the hammer also to whom it went."""
    return a.Auction.model_validate(await saleroom.read(call.path["tender"], call.caller))


@operation("GET", "/tenders/{tender}/auction/live", media="text/event-stream")
async def watch_auction(call: Call) -> Answer:
    """The auction live, as server-sent events, until it is closed."""
    tender = call.path["tender"]
    await saleroom.read(tender)
    headers = {"Cache-Control": "no-store"}
    line = EventSourceResponse(saleroom.watch(tender), ping=PING, headers=headers)
    state = call.request.app.state
    return Answer(response=state.places.held_by(address(call.request, state.configured), line))


@operation("POST", "/tenders/{tender}/auction/bids", body=a.NewAuctionBid, answer=a.HeardBid, status=201)
async def bid_in_auction(call: Call) -> a.HeardBid:
    """Bid, signed by one's number; the answer is the receipt."""
    new = call.taken(a.NewAuctionBid)
    sig = [one.model_dump(exclude_none=True) for one in new.sig]
    return a.HeardBid.model_validate(
        await auctions.bid(call.platform, call.caller, call.path["tender"], price=new.price, sig=sig)
    )


@operation("POST", "/tenders/{tender}/auction/closing", body=a.CloseAuction, answer=m.Recorded, status=201)
async def close_auction(call: Call) -> m.Recorded:
    """Close after the hammer, and reveal the reserve price where there is one."""
    told = call.taken(a.CloseAuction).reserve
    reserve = None if told is None else Reserve(told.price, told.salt)
    return m.Recorded(**await auctions.end(call.platform, call.caller, call.path["tender"], reserve))
