"""The bidder's desk: keys, uploads, handing in, withdrawing, receipts."""

from __future__ import annotations

from starlette.responses import Response

from audit.canon import unb64
from trading import tendering
from trading.web import models as m
from trading.web import models_bids as b
from trading.web.api import LARGE, Answer, Call, operation


@operation("POST", "/registrations", body=b.NewRegistration, answer=m.Receipt, status=201)
async def register_key(call: Call) -> m.Receipt:
    """Register a bidder's signing key; the receipt is the bidder's proof."""
    new = call.taken(b.NewRegistration)
    sig = [s.plain() for s in new.sig]
    receipt = await tendering.register_key(call.platform, call.caller, unb64(new.registration), sig)
    return m.Receipt(**receipt)


@operation("GET", "/registrations", answer=m.Timeline)
async def list_registrations(call: Call) -> m.Timeline:
    """All key registrations under this bidder's name, to be looked at whenever its tool signs in (envelope.md §2a)."""
    items = await tendering.registrations_of(call.caller)
    return m.Timeline(tender="", items=[m.RecordLine(**i) for i in items])


@operation("POST", "/tenders/{tender}/uploads", body=b.NewUpload, answer=b.Upload, status=201)
async def open_upload(call: Call) -> b.Upload:
    """Begin to upload one sealed payload."""
    new = call.taken(b.NewUpload)
    return b.Upload(**await tendering.open_upload(call.platform, call.caller, call.path["tender"], new.size))


@operation("GET", "/uploads/{upload}", answer=b.Upload)
async def get_upload(call: Call) -> b.Upload:
    """What is held and what is missing."""
    return b.Upload(**await tendering.upload_state(call.platform, call.caller, call.path["upload"]))


@operation("PUT", "/uploads/{upload}/segments/{n}", status=204, limit=1024 * 1024, raw=True)
async def put_segment(call: Call) -> Answer:
    """Put the n-th MiB with its Content-Digest (RFC 9530); a repetition is harmless."""
    digest = call.request.headers.get("content-digest", "")
    upload, n = call.path["upload"], int(call.path["n"])
    await tendering.put_segment(call.platform, call.caller, upload, n, digest, call.request.stream())
    return Answer()


@operation("POST", "/tenders/{tender}/bids/{bid}", body=b.NewBid, answer=m.Receipts, status=201, limit=LARGE)
async def hand_in(call: Call) -> Answer:
    """Hand in a sealed bid, or replace it: receipts, or a signed refusal with its receipt in the problem document."""
    new = call.taken(b.NewBid)
    stages = {stage: (unb64(d.manifest), [s.plain() for s in d.sig], d.upload) for stage, d in new.stages.items()}
    receipts = await tendering.hand_in(call.platform, call.caller, call.path["tender"], call.path["bid"], stages)
    # The receipts as they are kept and verified, byte for byte; the model documents them.
    parts = ",".join(f'"{stage}":{made.format().decode()}' for stage, made in receipts.items())
    return Answer(response=Response(f'{{"receipts":{{{parts}}}}}', 201, media_type="application/json"))


@operation("POST", "/tenders/{tender}/bids/{bid}/withdrawal", body=b.NewWithdrawal, answer=m.Receipt, status=201)
async def withdraw(call: Call) -> m.Receipt:
    """Withdraw a whole bid before the deadline; its payloads are erased."""
    new = call.taken(b.NewWithdrawal)
    sig = [s.plain() for s in new.sig]
    tender, bid = call.path["tender"], call.path["bid"]
    made = await tendering.withdraw(call.platform, call.caller, tender, bid, unb64(new.withdrawal), sig)
    return m.Receipt(**made)


@operation("GET", "/tenders/{tender}/bids", answer=b.OwnDeposits)
async def list_own_deposits(call: Call) -> b.OwnDeposits:
    """The caller's own deposits in this tender; nobody else's, whoever asks, before the deadline."""
    items = await tendering.own_deposits(call.caller, call.path["tender"])
    return b.OwnDeposits(items=[b.OwnDeposit(**d) for d in items])


@operation("GET", "/receipts/{manifest}", answer=m.Receipt)
async def get_receipt(call: Call) -> m.Receipt:
    """The receipt of a manifest, a refused one too, with proof and listing as far as they exist."""
    return m.Receipt(**await tendering.receipt(call.platform, call.caller, call.path["manifest"]))


@operation("PUT", "/tenders/{tender}/payloads/{manifest}", answer=m.Recorded, limit=2**31, raw=True)
async def bring_payload(call: Call) -> m.Recorded:
    """Bring matching bytes for a payload the store lost (X-STORE); anyone who has the sealed file may."""
    return m.Recorded(
        **await tendering.bring_payload(
            call.platform, call.caller, call.path["tender"], call.path["manifest"], call.request.stream()
        )
    )
