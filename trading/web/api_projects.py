"""Projects, lots, tenders up to the deadline, and what everybody may read of them."""

from __future__ import annotations

from starlette.responses import Response

from audit.canon import unb64
from trading import kits, projects, reserves, tenders
from trading.outages import Outage
from trading.web import models as m
from trading.web import models_preparation as p
from trading.web.api import Answer, Call, operation


def _tagged(value: m.Project | m.Tender, status: int | None = None) -> Answer:
    return Answer(value, status, {"ETag": f'"{value.version}"'})


@operation("POST", "/projects", body=m.NewProject, answer=m.Project, status=201, etag=True)
async def register_project(call: Call) -> Answer:
    """Register a project under a regime, to buy or to sell."""
    new = call.taken(m.NewProject)
    return _tagged(m.Project(**await projects.register(call.caller, **new.model_dump())))


@operation("GET", "/projects", query=m.Page, answer=m.Projects)
async def list_projects(call: Call) -> m.Projects:
    """List projects, newest first; those without an announced lot are shown to their own organisations only."""
    items, following = await tenders.list_projects(call.caller, call.page.cursor, call.page.limit)
    return m.Projects(items=[m.Project(**one) for one in items], next=following)


@operation("GET", "/projects/{project}", answer=m.Project, etag=True)
async def get_project(call: Call) -> Answer:
    """One project with its lots."""
    return _tagged(m.Project(**await tenders.read_project(call.path["project"])))


@operation("PATCH", "/projects/{project}", body=m.ProjectChange, answer=m.Project, etag=True)
async def change_project(call: Call) -> Answer:
    """Change a project that has not been announced; needs If-Match with its ETag."""
    new = call.taken(m.ProjectChange)
    version = int(call.request.headers["if-match"].strip('"'))
    await projects.change(call.caller, call.path["project"], version, new.title, new.description)
    return _tagged(m.Project(**await tenders.read_project(call.path["project"])))


@operation("POST", "/projects/{project}/lots", body=m.NewLot, answer=m.Lot, status=201)
async def add_lot(call: Call) -> m.Lot:
    """Add a lot with its control price (buying) or reserve (selling)."""
    new = call.taken(m.NewLot)
    return m.Lot(**await projects.add_lot(call.caller, call.path["project"], new.title, new.baseline))


@operation("POST", "/tenders", body=m.NewTender, answer=m.Tender, status=201, etag=True)
async def name_tender(call: Call) -> Answer:
    """Name the box family of a lot, `<lot>@<size>`, after the newest cosigned checkpoint; or its reserve box."""
    new = call.taken(m.NewTender)
    named = reserves.name if new.kind == reserves.KIND else projects.name_tender
    tender = await named(call.platform, call.caller, new.lot)
    return _tagged(m.Tender(**await tenders.read_tender(tender)))


@operation("GET", "/tenders", query=m.Page, answer=m.Tenders)
async def list_tenders(call: Call) -> m.Tenders:
    """List announced tenders, newest first."""
    items, following = await tenders.list_tenders(call.page.cursor, call.page.limit)
    return m.Tenders(items=[m.Tender(**t) for t in items], next=following)


@operation("GET", "/tenders/{tender}", answer=m.Tender, etag=True)
async def get_tender(call: Call) -> Answer:
    """One tender: terms, state, and after the opening its bids and award."""
    return _tagged(m.Tender(**await tenders.read_tender(call.path["tender"])))


@operation("GET", "/tenders/{tender}/timeline", answer=m.Timeline)
async def get_timeline(call: Call) -> m.Timeline:
    """Every public record of the tender with its log index."""
    items = await tenders.timeline(call.path["tender"])
    return m.Timeline(tender=call.path["tender"], items=[m.RecordLine(**i) for i in items])


@operation(
    "POST", "/tenders/{tender}/keysets", body=m.Keysets, answer=m.Tender, status=201, limit=256 * 1024, etag=True
)
async def make_keysets(call: Call) -> Answer:
    """Make the boxes: one key set for every stage."""
    keysets = {stage: unb64(text) for stage, text in call.taken(m.Keysets).keysets.items()}
    await projects.make_keysets(call.platform, call.caller, call.path["tender"], keysets)
    return _tagged(m.Tender(**await tenders.read_tender(call.path["tender"])))


@operation("POST", "/tenders/{tender}/announcement", body=p.Announcement, answer=m.Tender, status=201, etag=True)
async def announce(call: Call) -> Answer:
    """Announce: the law is asked, the rulebook pinned, the terms fixed for good."""
    new = call.taken(p.Announcement)
    schema = {k: f.model_dump(exclude_none=True) for k, f in new.opening_schema.items()}
    terms = new.model_dump(exclude={"opening_schema"})
    await projects.announce(call.caller, call.path["tender"], opening_schema=schema, **terms)
    return _tagged(m.Tender(**await tenders.read_tender(call.path["tender"])))


@operation("POST", "/tenders/{tender}/deadline", body=m.NewDeadline, answer=m.Tender, etag=True)
async def move_deadline(call: Call) -> Answer:
    """Move the deadline, only later and only before it has passed (after an outage: log.md §5)."""
    new = call.taken(m.NewDeadline)
    sig = [s.plain() for s in new.sig] if new.sig else None
    outage = None
    if new.outage is not None:
        probes = tuple({"probe": p.probe, "sig": [s.plain() for s in p.sig]} for p in new.outage.probes)
        outage = Outage(new.outage.from_, new.outage.to, probes)
    await projects.move_deadline(
        call.platform, call.caller.actor, call.path["tender"], new.deadline, new.reason, outage, sig
    )
    return _tagged(m.Tender(**await tenders.read_tender(call.path["tender"])))


@operation("GET", "/tenders/{tender}/sealing-kit", query=m.Seen, media="application/zip")
async def get_sealing_kit(call: Call) -> Answer:
    """Everything a bidder's tool checks before it seals (envelope.md §2a), as a zip in the archive layout."""
    assert isinstance(call.query, m.Seen)
    data = await kits.sealing_kit(call.platform, call.path["tender"], call.query.seen)
    return Answer(response=Response(data, media_type="application/zip"))
