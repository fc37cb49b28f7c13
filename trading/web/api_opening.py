"""Opening, rejections, candidates, award, archive, ledger."""

from __future__ import annotations

from starlette.responses import FileResponse

from trading import archiving, awards, bookkeeping, evaluation, ledger, opening, tenders
from trading.web import models as m
from trading.web.api import LARGE, Answer, Call, operation


async def _tender(call: Call) -> Answer:
    value = m.Tender(**await tenders.read_tender(call.path["tender"]))
    return Answer(value, None, {"ETag": f'"{value.version}"'})


@operation("POST", "/tenders/{tender}/opening", answer=m.Tender, etag=True, keyed=False)
async def open_tender(call: Call) -> Answer:
    """Open now what can be opened: after the closing, with k releases in. The timer does the same by itself."""
    await opening.open_boxes(call.platform, call.path["tender"])
    return await _tender(call)


@operation("POST", "/tenders/{tender}/stored", body=m.NewStored, answer=m.Recorded, status=201, limit=LARGE)
async def confirm_stored(call: Call) -> m.Recorded:
    """The supervisor's store has the payloads of a larger stage."""
    new = call.taken(m.NewStored)
    return m.Recorded(**await opening.stored(call.caller, call.path["tender"], new.stage, new.missing))


@operation("POST", "/tenders/{tender}/settlements", body=m.NewSettlement, answer=m.Recorded, status=201, limit=LARGE)
async def settle_stage(call: Call) -> m.Recorded:
    """Settle a stage: who is admitted to the later one, signed by the tenderee and one authority."""
    new = call.taken(m.NewSettlement)
    sig = [s.plain() for s in new.sig]
    who, tender = call.caller, call.path["tender"]
    return m.Recorded(**await opening.settle(call.platform, who, tender, new.stage, new.admitted, new.sheets, sig))


@operation("POST", "/tenders/{tender}/window-end", body=m.NewWindowEnd, answer=m.Recorded, status=201)
async def end_window(call: Call) -> m.Recorded:
    """Two authorities end the release window (envelope.md §6)."""
    new = call.taken(m.NewWindowEnd)
    sig = [s.plain() for s in new.sig]
    return m.Recorded(
        **await opening.end_window(call.platform, call.caller, call.path["tender"], new.stage, new.missing, sig)
    )


@operation("POST", "/tenders/{tender}/ledger-corrections", body=m.NewLineCorrection, answer=m.Recorded, status=201)
async def correct_line(call: Call) -> m.Recorded:
    """Correct the tender's line in the ledger: signed by the tenderee and one authority, a further line, in public."""
    new = call.taken(m.NewLineCorrection)
    told = new.model_dump(exclude={"sig"})
    sig = [s.plain() for s in new.sig]
    return m.Recorded(**await bookkeeping.correct(call.platform, call.caller, call.path["tender"], told, sig))


@operation("POST", "/tenders/{tender}/rejections", body=m.NewRejection, answer=m.Recorded, status=201)
async def reject_bid(call: Call) -> m.Recorded:
    """Reject a bid with a reason and its article."""
    new = call.taken(m.NewRejection)
    return m.Recorded(**await awards.reject(call.caller, call.path["tender"], new.bid, new.reason, new.article))


@operation("POST", "/tenders/{tender}/candidates", answer=m.Candidates, status=201)
async def publish_candidates(call: Call) -> m.Candidates:
    """Rank by the announced method and publish the candidates."""
    return m.Candidates(**await evaluation.publish_candidates(call.caller, call.path["tender"]))


@operation("POST", "/tenders/{tender}/award", body=m.NewAward, answer=m.Award, status=201)
async def award(call: Call) -> m.Award:
    """Award to the first candidate and book the gain."""
    return m.Award(**await awards.award(call.caller, call.path["tender"], call.taken(m.NewAward).bid))


@operation("POST", "/tenders/{tender}/archive", answer=m.Archives, status=201, keyed=False)
async def make_archive(call: Call) -> m.Archives:
    """Archive the tender: both editions, once the log covers its last record; until then 409 E-PENDING, ask again."""
    return m.Archives(**await archiving.archive(call.platform, call.caller, call.path["tender"]))


@operation("GET", "/tenders/{tender}/archive/public", media="application/zip")
async def get_archive(call: Call) -> Answer:
    """Download the public edition."""
    return await _edition(call, "public")


@operation("GET", "/tenders/{tender}/archive/supervision", media="application/zip")
async def get_supervision_archive(call: Call) -> Answer:
    """Download the supervision edition: it holds what is never shown in public (log.md §7)."""
    return await _edition(call, "supervision")


async def _edition(call: Call, edition: str) -> Answer:
    tender = call.path["tender"]
    path = await archiving.archive_file(call.platform, tender, edition)
    name = f"{tender}.{edition}.zip"
    return Answer(response=FileResponse(path, media_type="application/zip", filename=name))


@operation("GET", "/trades", query=m.Page, answer=m.Trades)
async def list_trades(call: Call) -> m.Trades:
    """The ledger: every award with price, baseline and gain, and the sums per currency and direction."""
    items, following, sums = await ledger.trades(call.page.cursor, call.page.limit)
    return m.Trades(items=[m.Trade(**t) for t in items], next=following, sums=[m.Sums(**s) for s in sums])
