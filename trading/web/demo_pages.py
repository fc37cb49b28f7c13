"""The demonstration's own page: who a visitor can be, what to try, and where every tender stands right now.

These paths exist where the settings say `demo` and nowhere else, and such a platform does not start but under a log and an
address that both begin with `demo.` (installation.check_demo). One click makes a session without any secret: that is the
point of a demonstration, and why it must be impossible anywhere else.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import FileResponse, RedirectResponse, Response

from audit.act import pool
from audit.archive import MANIFEST, Archive, write_archive
from audit.refusal import Refused
from trading import archiving, invitations, playbill, sessions
from trading.web import cookies
from trading.web.doors import Visit, door

SOURCE_LAW = "source-law"
DESKS = {"bidder": "/b"}
"""The roles that have a desk, and where; the others are listed with the commands that stand in for one."""
OTHERS = {
    "operator": "trading serve · trading jobs · trading panel",
    "tenderee": "trading auction · trading settle · /open-data/api",
    "supervisor": "trading verify · trading vouch · trading report",
    "custodian": "trading custodian release",
    "expert": "trading seat",
    "witness": "trading witness serve",
}
STAGES = ("announced", "closed", "opened", "auction", "ranked", "awarded", "archived")
SHOWN = {"announced": 5, "archived": 3}
"""Lines of a stage; two of the others."""
SEALING = 90.0
"""Machine seconds that somebody who begins now needs to seal a bid: tenders that close sooner are not suggested."""
SPOILT_NAME = "{tender}.spoilt.zip"
_NOW = """SELECT t.id, t.state, t.deadline, l.title, l.baseline, p.regime, p.currency, p.direction, a.hammer,
    EXISTS (SELECT FROM trading_archived f WHERE f.tender_id = t.id AND f.edition = 'public') AS filed
    FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
    LEFT JOIN trading_auction a ON a.tender_id = t.id AND a.closed_at IS NULL
    WHERE t.kind = 'bids' AND t.announced_at IS NOT NULL
    ORDER BY t.deadline DESC LIMIT 300"""


def stage(row: Mapping[str, Any]) -> str:
    """Under which head of the page a tender stands; "" under none."""
    if row["state"] == "opened" and row["hammer"] is not None:
        return "auction"
    if row["state"] == "contracted" or (row["state"] == "archived" and not row["filed"]):
        return "awarded"  # the file of a tender that was archived this moment is being written
    return str(row["state"]) if row["state"] in STAGES else ""


def sorted_out(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Tenders by stage: those that take bids by who closes first, the others by who closed last."""
    found: dict[str, list[Mapping[str, Any]]] = {one: [] for one in STAGES}
    for row in rows:
        if (at := stage(row)) and (at == "announced" or len(found[at]) < SHOWN.get(at, 2)):
            found[at].append(row)
    found["announced"] = found["announced"][::-1][: SHOWN["announced"]]
    return found


def suggested(open_: Sequence[Mapping[str, Any]], now: datetime, factor: int) -> Mapping[str, Any] | None:
    """The tender to bid in: the first to close that leaves time to seal; else the last; None where none takes bids.

    One that is played for visitors goes before a published one, which is retold as it went, in its publisher's language."""
    left = [one for one in open_ if (one["deadline"] - now).total_seconds() > SEALING * factor]
    left.sort(key=lambda one: one["regime"] == SOURCE_LAW)
    return next(iter(left or open_[-1:]), None)


def _here(visit: Visit) -> bool:
    """Whether this request came by the demonstration's own address."""
    return visit.request.url.hostname == urlsplit(visit.settings.base_url).hostname


@door("GET", "/demo", demo=True)
async def demo_page(visit: Visit) -> Response:
    """Where a visitor begins. By another name of this machine one is led to the address that begins with `demo.`."""
    if not _here(visit):
        return visit.settled(RedirectResponse(f"{visit.settings.base_url}{visit.screen.link('/demo')}", 303))
    now = visit.screen.now
    assert now is not None
    factor = await pool().fetchval("SELECT factor FROM log_clock") or 1
    found = sorted_out(await pool().fetch(_NOW))
    bill = playbill.read(visit.settings.data)
    here = visit.found if visit.found is not None and visit.found.step == "in" else None
    return visit.page(
        "demo.html", bill=bill, found=found, stages=STAGES, suggested=suggested(found["announced"], now, factor),
        factor=factor, desks=DESKS, others=OTHERS, here=here, minutes=lambda at: (at - now).total_seconds() / factor / 60,
        proof=next(iter(found["archived"]), None),
    )  # fmt: skip


@door("POST", "/demo/as", demo=True)
async def demo_as(visit: Visit) -> Response:
    """Be somebody of the playbill: a session without a secret, for a person who has none.

    Refused: W-UNKNOWN (nobody of the playbill, a role without a desk, by another address), T-PERSON."""
    part = playbill.read(visit.settings.data).part(visit.form.get("who", ""))
    if part is None or part.role not in DESKS or not _here(visit):
        raise Refused("W-UNKNOWN")
    await invitations.stand_in(visit.settings, part.person)
    opened = await sessions.open_(visit.settings, part.person, part.role, "demo", agent=visit.visitor.agent)
    if visit.found is not None:
        await sessions.end(visit.found.account, visit.found.id, "switched")
    response = visit.go(DESKS[part.role] if visit.next == "/me" else visit.next)
    cookies.give_session(visit.settings, response, opened.secret)
    return response


@door("GET", "/demo/key/{who}", demo=True)
async def demo_key(visit: Visit) -> Response:
    """The file of a part's signing key, as its owner would have kept it. Refused: W-UNKNOWN."""
    part = playbill.read(visit.settings.data).part(str(visit.request.path_params["who"]))
    if part is None or not part.key or Path(part.key).name != part.key:
        raise Refused("W-UNKNOWN")
    path = visit.settings.data / playbill.FOLDER / part.key
    return visit.settled(FileResponse(path, media_type="application/json", filename=part.key))


@door("GET", "/demo/spoilt/{tender}", demo=True)
async def demo_spoilt(visit: Visit) -> Response:
    """The public archive of a tender with one bit of one bid changed, everything else as it was. Refused: W-UNKNOWN."""
    tender = str(visit.request.path_params["tender"])
    path = await archiving.archive_file(visit.platform, tender, "public")
    data = await asyncio.to_thread(spoil, path)
    name = SPOILT_NAME.format(tender=tender)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return visit.settled(Response(data, headers=headers, media_type="application/zip"))


def spoil(path: Path) -> bytes:
    """An archive with its largest file changed by one bit, and a manifest that agrees with it: no clumsier than a forger."""
    out = io.BytesIO()
    with Archive.open(path) as archive:
        files = {name: archive.read(name) for name in archive.names if name != MANIFEST}
    name = max(files, key=lambda one: (one.startswith("bids/"), len(files[one]), one))
    data = bytearray(files[name])
    data[len(data) // 2] ^= 1
    write_archive(out, [*(files | {name: bytes(data)}).items()])
    return out.getvalue()
