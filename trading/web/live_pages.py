"""Pages whose parts come anew by themselves (htmx), and the line a tender's page grows by.

Every such page is whole without a script; a part is the same template that the page includes. The policy lets scripts of
ours run and nothing written into the page: markup may ask for something only if it carries the page's nonce, which is in
no policy and therefore runs nothing (static/vendor/hx-csp.min.js, static/live.js). What comes over a line carries none.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from audit.refusal import Refused
from trading import growing
from trading.growing import Stand
from trading.web import csp, origin
from trading.web.streams import PING, Following, Places

if TYPE_CHECKING:
    from trading.web.screen import Screen

POLICY = csp.policy(csp.ASKING, trusted="htmx")
HTMX = "hx-request"
"""The header by which a part is asked for."""


def nonce() -> str:
    """What marks a page's own markup; another one for each page."""
    return secrets.token_urlsafe(18)


def powered(request: Request, response: Response, mark: str, policy: str = POLICY) -> Response:
    """The policy of such a page. Only an answer to htmx names the nonce, so that it takes its marks for the page's own."""
    if HTMX in request.headers:
        policy = policy.replace("script-src 'self'", f"script-src 'self' 'nonce-{mark}'")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Vary"] = f"{response.headers['Vary']}, HX-Request"
    return response


def show(screen: Screen, template: str, **context: Any) -> Response:
    """A public page with such parts."""
    mark = nonce()
    return powered(screen.request, screen.show(template, nonce=mark, **context), mark)


Told = Callable[[Request, "Screen"], Awaitable[dict[str, Any]]]


async def live(request: Request, screen: Screen, told: Told) -> Response:
    """`/t/{tender}/live?seen=…`: the parts of a tender's page as they come to be. `told`: what the page's templates say.

    `only=news`: no parts, just `grown` whenever there is something, for a page that shows it in its own way.
    Refused: W-UNKNOWN, W-STREAMS.
    """
    tender = request.path_params["tender"]
    if tender not in await growing.stands([tender]):
        raise Refused("W-UNKNOWN")
    places: Places = request.app.state.places
    seen = Stand.read(request.headers.get("last-event-id") or request.query_params.get("seen", ""))
    news = request.query_params.get("only") == "news"
    lines = _lines(request, screen, told, seen, news)
    headers = {"Cache-Control": "no-store"}
    line = EventSourceResponse(lines, ping=PING, headers=headers)
    return places.held_by(origin.address(request, screen.settings), line)


async def _lines(
    request: Request, screen: Screen, told: Told, seen: Stand, news: bool
) -> AsyncIterator[dict[str, str]]:
    following: Following = request.app.state.following
    tender = request.path_params["tender"]
    changes = following.changes(tender, seen)
    try:
        async for stand in changes:
            if news:
                yield {"id": str(stand), "event": "grown", "data": ""}
            else:
                template, place = (
                    ("auction.html", "auction") if stand.page == seen.page else ("tender_live.html", "live")
                )

                async def make(template: str = template, place: str = place) -> str:
                    part = screen.part(template, **await told(request, screen))
                    frame = Markup('<hx-partial hx-target="#{}" hx-swap="outerMorph">{}</hx-partial>')
                    return frame.format(place, Markup(part.strip()))

                yield {"id": str(stand), "data": await following.made(tender, (template, screen.reader), make)}
            seen = stand
        yield {"event": "over", "data": ""}
    finally:
        await changes.aclose()
