"""The public pages: every project, every tender's public record, the ledger, and how to check all of it.

Plain HTML from the server, nothing from another host: what a page says can be read by anything. No script either, but on
the one that checks archives (verify_page.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from audit.act import pool
from audit.refusal import Refused
from trading import (
    archiving,
    auctions,
    contracts,
    documents,
    growing,
    imports,
    ledger,
    lives,
    logbook,
    publishing,
    questions,
    saleroom,
    tenders,
)
from trading.law.gains import RATE
from trading.law.history import CONTRACT_RULES
from trading.law.regimes import REGIMES
from trading.law.rules import RULES
from trading.settings import Settings
from trading.web import live_pages, paper_pages, public_pages, search_page, statement_pages, static_files, verify_page
from trading.web.reader import Reader, bare, exactly
from trading.web.screen import REACHED, Screen, by_person, chip, template


def routes(configured: Settings) -> list[BaseRoute]:
    """The pages and their style sheet."""

    def page(
        show: Callable[[Request, Screen], Any], *, file: bool = False, timed: bool = False
    ) -> Callable[[Request], Any]:
        """`file`: what is refused is a page to a person's browser alone, and a problem document to everybody else.
        `timed`: it reads the log's clock with its rows."""

        async def served(request: Request) -> Response:
            screen = Screen(request, configured)
            try:
                if not timed:
                    await screen.prepare()
                return await show(request, screen)  # type: ignore[no-any-return]
            except Refused as no:
                if file and not by_person(request):
                    raise
                return screen.refuse(no)

        return served

    return [
        Route("/", page(partial(_projects, sums=ledger.Sums()), timed=True)),
        Route("/search", page(search_page.found)),
        Route("/p/{project}", page(_project, timed=True)),
        Route("/t/{tender}", page(_tender)),
        Route("/t/{tender}/live", page(_live, file=True)),
        Route("/t/{tender}/archive", _archive),
        Route("/t/{tender}/papers/{kind}.pdf", page(paper_pages.of_tender, file=True)),
        Route("/ledger", page(_ledger)),
        Route("/statements", page(statement_pages.statement)),
        Route("/statements.{form}", page(statement_pages.file, file=True)),
        Route("/trade-lines", page(statement_pages.trades)),
        Route("/imported", page(_imported)),
        Route("/proof", page(_proof)),
        Route("/verify", page(verify_page.verify)),
        Route("/modules/{path:path}", verify_page.module),
        Route("/static/{name}", static_files.static),
        *(Route(path, page(show)) for path, show in public_pages.shown(configured).items()),
    ]


async def _projects(request: Request, screen: Screen, sums: ledger.Sums) -> Response:
    cursor = request.query_params.get("cursor") or None
    listed = await tenders.list_lots(cursor, 30)
    screen.now = listed.now
    told = await sums.of(listed.newest) if cursor is None else ()
    rows = [_listed(screen.reader, *_of_lot(row)) for row in listed.rows]
    return _listing(screen, "projects.html", rows=rows, following=listed.following, sums=told, first=cursor is None)


_OUTCOME = ("deadline", "opens", "state", "price", "pricing")
_of_lot = itemgetter("tender", "title", "project", "organisation_name", "regime", "currency", *_OUTCOME)
_of_outcome = itemgetter(*_OUTCOME)


@lru_cache(maxsize=4096)
def _listed(
    reader: Reader, tender: str, title: str, project: str, organisation: str, regime: str, currency: str, *outcome: Any
) -> Markup:
    """A lot's line in the list. It says what it was given and nothing else, so it is set once for those who read alike."""
    until, price, state = _outcome(reader, *outcome)
    unit = "" if outcome[-1] == RATE else reader.unit(currency)
    law = reader.regime(regime)
    row: Any = template(reader, "projects_row.html").module
    told = row.line(reader.text, reader.link, tender, title, project, organisation, law, until, price, unit, state)
    return Markup(told)


def _outcome(
    reader: Reader, deadline: datetime, opens: bool | None, state: str, price: int | None, pricing: str | None
) -> tuple[str, str, Markup]:
    """What a list says of a lot: its deadline, the price ("" while there is none), its state."""
    shut = opens is False and state != "terminated"
    told = "" if price is None else reader.offer(price, pricing)
    return reader.time(deadline), told, chip(reader, "shut" if shut else state)


async def _project(request: Request, screen: Screen) -> Response:
    rows = await tenders.shown_project(request.path_params["project"])
    p = rows[0]
    screen.now = p["now"]
    lots = [
        (
            screen.link(f"/t/{r['tender']}"), r["lot_title"], bare(r["tender"]),
            screen.offer(r["baseline"], r["pricing"]),
            *_outcome(screen.reader, *_of_outcome(r)),
        )
        for r in rows
    ]  # fmt: skip
    return screen.show("project.html", p=p, lots=lots, regime=screen.regime(p["regime"]))


def _listing(screen: Screen, template: str, **context: Any) -> Response:
    """A list, with scripts only where it has more."""
    if context["following"]:
        return live_pages.show(screen, template, **context)
    return screen.show(template, nonce="", **context)


async def _tender(request: Request, screen: Screen) -> Response:
    """A tender's page; one that may still grow follows its record (live_pages.py)."""
    tender = request.path_params["tender"]
    stand = (await growing.stands([tender])).get(tender, growing.Stand())  # before what is told: nothing falls between
    told = await _told(request, screen)
    if stand.over:
        return screen.show("tender.html", nonce="", stand=stand, **told)
    return live_pages.show(screen, "tender.html", stand=stand, **told)


async def _live(request: Request, screen: Screen) -> Response:
    return await live_pages.live(request, screen, _told)


async def _told(request: Request, screen: Screen) -> dict[str, Any]:
    """What a tender's page says. Refused: W-UNKNOWN."""
    t = await tenders.read_tender(request.path_params["tender"])
    if t["announced_at"] is None:
        raise Refused("W-UNKNOWN")
    p = await tenders.read_project(t["project"])
    kept = await logbook.public_of(t["id"])
    records = [_record(k) for k in kept]
    state = request.app.state
    printed = await publishing.shown(state.platform, state.printer, t["id"], kept, t["bids"] is not None)
    places = {r["type"]: r["index"] for r in records}
    reached = {r["type"]: r["time"] for r in records}
    ranks = {bid: place for place, bid in enumerate(t["ranking"] or [], 1)}
    bids = sorted(t["bids"] or [], key=lambda b: (ranks.get(b["bid"], 10_000), b["price"] or 2**62, b["bid"]))
    left: timedelta | None = t["deadline"] - t["now"] if t["state"] == "announced" else None
    coming = await lives.shown(t["id"])
    ended = next((r["value"] for r in records if r["type"] in ("tender-failed", "tender-terminated")), None)
    closings = [r for r in records if r["type"] == "closed"]
    releases = [r for r in records if r["type"] == "released"]
    return {
        "t_": t,
        "p": p,
        "bids": bids,
        "ranks": ranks,
        "records": records,
        "places": places,
        "moments": reached,
        "left": left,
        "closings": closings,
        "releases": releases,
        "regime": screen.regime(t["regime"]),
        "step": REACHED[t["state"]],
        "documents": await documents.sets(t["id"]),
        "answered": await questions.answered(t["id"]),
        "moves": [r for r in records if r["type"] == "deadline-moved"],
        "unchecked": [RULES[rule] for rule in t["unchecked"] or [] if rule in RULES],
        "contract": await contracts.of(t["id"]),
        "contracting": any(REGIMES[t["regime"]].has(rule) for rule in CONTRACT_RULES),
        "suspension": coming["suspension"],
        "agenda": [due for due in coming["items"] if due["not_before"] or due["not_after"]],
        "ended": ended,
        "papers": printed,
        "rounds": t["state"] in ("announced", "closed") and auctions.may_follow(t),
        "auction": await saleroom.found_of(t["id"]),
    }


def _record(kept: logbook.Kept) -> dict[str, Any]:
    value = kept.value
    return {
        "index": kept.index,
        "type": kept.type,
        "time": value["time"],
        "value": value,
        "stage": value.get("stage", ""),
        "actor": value["actor"],
    }


async def _archive(request: Request) -> Response:
    tender = request.path_params["tender"]
    path = await archiving.archive_file(request.app.state.platform, tender, "public")
    return FileResponse(path, media_type="application/zip", filename=f"{tender}.public.zip")


async def _ledger(request: Request, screen: Screen) -> Response:
    trades, following, sums = await ledger.trades(request.query_params.get("cursor") or None, 50)
    for trade in trades:
        trade["regime_name"] = screen.regime(trade["regime"])
    return _listing(screen, "ledger.html", trades=trades, following=following, sums=sums)


async def _imported(request: Request, screen: Screen) -> Response:
    trades, following = await imports.listed(request.query_params.get("cursor") or None, 50)
    return screen.show(
        "imported.html", trades=trades, following=following, sums=await imports.sums(), exact=exactly
    )  # fmt: skip


async def _proof(request: Request, screen: Screen) -> Response:
    size = await pool().fetchval("SELECT max(size) FROM log_checkpoint")
    return screen.show("proof.html", size=size or 0, url=screen.settings.base_url)
