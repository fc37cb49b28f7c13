"""Pages for whoever knows nothing of this yet: why nobody need be trusted, the log, how it stands, help, accessibility.

They are the same for everybody and know no caller; what they say of the log is what it publishes.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from audit.act import pool
from audit.canon import b64
from audit.tiles import Published
from trading.standing import Standings
from trading.web import api_reference, offline_pages

if TYPE_CHECKING:
    from trading.settings import Settings
    from trading.web.screen import Screen

READERS: dict[str, int] = {"bidder": 6, "visitor": 4, "journalist": 5, "expert": 5}
"""For whom there is help, and how many questions are answered to each."""
LIES = ("early", "dropped", "late", "record", "ranking", "panel", "view")
"""What somebody might wish to make others believe; who would have to be in it stands beside each."""
STAGES = (
    "planning", "tender", "tenderUpdate", "tenderAmendment", "bids", "award", "contract", "unsuccessful", "cancelled",
    "sale",
)  # fmt: skip
"""What of OCDS is said in plain words; the whole table is trading/ocds.md."""
BULK = ("releases", "compiled", "project", "events", "disclosures", "statements")
"""What can be fetched whole, and where."""
ADDRESSES = {
    "releases": "/ocds/releases.jsonl",
    "compiled": "/ocds/compiled.jsonl",
    "project": "/ocds/projects/{project}",
    "events": "/events",
    "disclosures": "/disclosures",
    "statements": "/api/v1/statements",
}
FETCHED = (
    ("checkpoint", "/log/checkpoint"), ("tile", "/log/tile/…"), ("entries", "/log/tile/entries/…"),
    ("policy", "/log/policy.txt"), ("parties", "/log/parties.txt"), ("genesis", "/log/genesis"),
    ("status", "/log/status"), ("events", "/events?after=-1"),
)  # fmt: skip
_EXAMPLE = """SELECT t.id, l.title, p.title AS project FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id
    JOIN trading_project p ON p.id = l.project_id
    WHERE t.kind = 'bids' AND t.state = 'archived' AND t.opens ORDER BY t.announced_at DESC LIMIT 1"""
_SEALED = """SELECT t.id, l.title, p.title AS project FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id
    JOIN trading_project p ON p.id = l.project_id
    WHERE t.kind = 'bids' AND t.state = 'announced' ORDER BY t.deadline LIMIT 1"""


_MAIL, _WEB, _PHONE = (
    re.compile(r"[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+"),
    re.compile(r"https?://\S+"),
    re.compile(r"\+?[\d ()-]{6,}"),
)


def link_of(told: str) -> str:
    """Where a click on a contact or a licence leads: a mail, a page, a call; "" for words, which lead nowhere."""
    if _MAIL.fullmatch(told):
        return f"mailto:{told}"
    if _WEB.fullmatch(told):
        return told
    return "tel:" + re.sub(r"[^\d+]", "", told) if _PHONE.fullmatch(told) else ""


def shown(configured: Settings) -> dict[str, Any]:
    """Each page by its path."""
    standings = Standings(Published(configured.log_dir))
    return {
        "/why": partial(_why, standings=standings),
        "/log": partial(_log, standings=standings),
        "/status": partial(_status, standings=standings),
        "/open-data": _open_data,
        "/open-data/api": api_reference.listed,
        "/open-data/api/{operation}": api_reference.one,
        "/help": _help,
        "/accessibility": _accessibility,
        "/offline": offline_pages.shown,
        "/offline/{page}.html": offline_pages.file,
    }


async def _why(request: Request, screen: Screen, standings: Standings) -> Response:
    example = await pool().fetchrow(_EXAMPLE)
    sealed = await pool().fetchrow(_SEALED)
    standing = await standings.now(request.app.state.platform)
    return screen.show("why.html", lies=LIES, example=example, sealed=sealed, s=standing)


async def _log(request: Request, screen: Screen, standings: Standings) -> Response:
    s = await standings.now(request.app.state.platform)
    url = screen.settings.base_url
    return screen.show("log.html", s=s, root=b64(s.root) if s.root else "", url=url, fetched=FETCHED)


async def _status(request: Request, screen: Screen, standings: Standings) -> Response:
    s = await standings.now(request.app.state.platform)
    assert screen.now is not None
    gap, moves = s.broken(screen.now), s.moves(screen.now)
    return screen.show("status.html", s=s, gap=gap, moves=moves)


async def _open_data(request: Request, screen: Screen) -> Response:
    prefix = screen.settings.ocds_prefix
    licence = screen.settings.data_licence
    return screen.show(
        "open_data.html", bulk=BULK, addresses=ADDRESSES, stages=STAGES, prefix=prefix, licence=licence, link_of=link_of
    )  # fmt: skip


async def _help(request: Request, screen: Screen) -> Response:
    return screen.show("help.html", readers=READERS, contact=screen.settings.contact, link_of=link_of)


async def _accessibility(request: Request, screen: Screen) -> Response:
    return screen.show("accessibility.html", contact=screen.settings.contact, link_of=link_of)
